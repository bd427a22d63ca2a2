package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// SitesOfMonths reads the site's counters of each month, without the rows of queues
// and agents, which are a hundred times as much, and without the times not ready by
// reason. A month without calls has no counters.
func (s *Store) SitesOfMonths(ctx context.Context, months ...calendar.Month) ([]traffic.Counters, error) {
	var names []string
	for _, m := range months {
		names = append(names, s.keys.month(m))
	}
	return s.sites(ctx, names)
}

// SiteOfYear is SitesOfMonths for one year.
func (s *Store) SiteOfYear(ctx context.Context, year int) (traffic.Counters, error) {
	all, err := s.sites(ctx, []string{s.keys.year(year)})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func (s *Store) sites(ctx context.Context, names []string) ([]traffic.Counters, error) {
	counters := traffic.Names()
	fields := make([]string, len(counters))
	for i, c := range counters {
		fields[i] = counterField(traffic.Site, c)
	}
	replies := make([]*redis.SliceCmd, len(names))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, name := range names {
			replies[i] = pipe.HMGet(ctx, name, fields...)
		}
		return nil
	})
	if err != nil {
		return nil, s.explain(err)
	}
	out := make([]traffic.Counters, len(names))
	for i, reply := range replies {
		out[i] = traffic.Counters{}
		for j, value := range reply.Val() {
			text, stored := value.(string)
			if !stored {
				continue
			}
			if out[i][counters[j]], err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", fields[j], names[i], text)
			}
		}
	}
	return out, nil
}

// Freeze says whether a day is closed, and how many corrections came afterwards.
type Freeze struct {
	Day         calendar.Day
	Closed      bool
	Corrections int
}

// Freezes tells of each day from the first to the last, in order.
func (s *Store) Freezes(ctx context.Context, first, last calendar.Day) ([]Freeze, error) {
	days := calendar.DaysBetween(first, last)
	closed := make([]*redis.BoolCmd, len(days))
	corrections := make([]*redis.IntCmd, len(days))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, day := range days {
			closed[i] = pipe.HExists(ctx, s.keys.closed(), day.String())
			corrections[i] = pipe.LLen(ctx, s.keys.corrections(day))
		}
		return nil
	})
	if err != nil {
		return nil, s.explain(err)
	}
	list := make([]Freeze, len(days))
	for i, day := range days {
		list[i] = Freeze{day, closed[i].Val(), int(corrections[i].Val())}
	}
	return list, nil
}
