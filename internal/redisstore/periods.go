package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// SitesOfMonths is the site's row of Month for each month, without reading those of
// queues and agents, which are a hundred times as much; the times not ready by
// reason are not among it. A month without calls has no counters.
func (s *Store) SitesOfMonths(ctx context.Context, months ...calendar.Month) ([]traffic.Counters, error) {
	var periods []period
	for _, m := range months {
		periods = append(periods, period{s.keys.month(m), m.String()})
	}
	return s.sites(ctx, periods)
}

// SiteOfYear is SitesOfMonths for one year.
func (s *Store) SiteOfYear(ctx context.Context, year int) (traffic.Counters, error) {
	sites, err := s.sites(ctx, []period{{s.keys.year(year), fmt.Sprintf("%04d", year)}})
	if err != nil {
		return nil, err
	}
	return sites[0], nil
}

// period is a month or a year: its key, and its name as in 2026-11.
type period struct{ key, name string }

// holds reports whether a day, month or year lies in the period.
func (p period) holds(of string) bool { return of == p.name || strings.HasPrefix(of, p.name+"-") }

func (s *Store) sites(ctx context.Context, periods []period) (sites []traffic.Counters, err error) {
	err = s.Steady(ctx, func() error {
		sites, err = s.sitesNow(ctx, periods)
		return err
	})
	return sites, err
}

func (s *Store) sitesNow(ctx context.Context, periods []period) ([]traffic.Counters, error) {
	sites, err := s.closedSites(ctx, periods)
	if err != nil {
		return nil, err
	}
	open, err := s.OpenDays(ctx)
	if err != nil {
		return nil, err
	}
	imported, err := s.ImportedYears(ctx)
	if err != nil {
		return nil, err
	}
	for _, day := range open {
		if !slices.ContainsFunc(periods, func(p period) bool { return p.holds(day.String()) }) {
			continue
		}
		table, err := s.Day(ctx, day)
		if err != nil {
			return nil, err
		}
		addWithin(periods, sites, day.String(), table[traffic.Site])
	}
	for of, entry := range imported {
		addWithin(periods, sites, of, entry.Site)
	}
	return sites, nil
}

// addWithin adds what a day, month or year has to the periods in which it lies.
func addWithin(periods []period, sites []traffic.Counters, of string, site traffic.Counters) {
	for i, p := range periods {
		if !p.holds(of) {
			continue
		}
		for _, c := range traffic.Names() {
			if amount := site[c]; amount != 0 {
				sites[i].Add(traffic.Counters{c: amount})
			}
		}
	}
}

// closedSites has the closed days only.
func (s *Store) closedSites(ctx context.Context, periods []period) ([]traffic.Counters, error) {
	counters := traffic.Names()
	fields := make([]string, len(counters))
	for i, c := range counters {
		fields[i] = counterField(traffic.Site, c)
	}
	replies := make([]*redis.SliceCmd, len(periods))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range periods {
			replies[i] = pipe.HMGet(ctx, p.key, fields...)
		}
		return nil
	})
	if err != nil {
		return nil, s.explain(err)
	}
	sites := make([]traffic.Counters, len(periods))
	for i, reply := range replies {
		sites[i] = traffic.Counters{}
		for j, value := range reply.Val() {
			text, stored := value.(string)
			if !stored {
				continue
			}
			if sites[i][counters[j]], err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", fields[j], periods[i].key, text)
			}
		}
	}
	return sites, nil
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
