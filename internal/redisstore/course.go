package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Course is some counters of one row of each interval of a day, in order: whole tables
// are a thousand times as much where there are hundreds of agents. An interval without
// calls has none.
func (s *Store) Course(ctx context.Context, day calendar.Day, key traffic.Key, counters []traffic.Counter) ([]traffic.Counters, error) {
	fields := make([]string, len(counters))
	for i, c := range counters {
		fields[i] = counterField(key, c)
	}
	intervals := day.Intervals(s.location)
	replies := make([]*redis.SliceCmd, len(intervals))
	var packed *redis.StringCmd
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		packed = pipe.HGet(ctx, s.keys.packed(day), "intervals")
		for i, interval := range intervals {
			replies[i] = pipe.HMGet(ctx, s.keys.interval(interval), fields...)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, s.explain(err)
	}
	course := make([]traffic.Counters, len(intervals))
	for i, reply := range replies {
		if course[i], err = rowOf(s.keys.interval(intervals[i]), counters, fields, reply.Val()); err != nil {
			return nil, err
		}
	}
	var closed []map[string]json.RawMessage // as traffic.Table, of which one row is read
	if err := unpack(s.keys.packed(day), packed.Val(), &closed); err != nil {
		return nil, err
	}
	for i := range min(len(closed), len(course)) {
		text, found := closed[i][key.String()]
		if !found {
			continue
		}
		var row traffic.Counters
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, fmt.Errorf("%s in Redis: %w", s.keys.packed(day), err)
		}
		for _, c := range counters {
			if amount := row[c]; amount != 0 {
				course[i].Add(traffic.Counters{c: amount})
			}
		}
	}
	return course, nil
}

// rowOf reads counters of one row, of which some may not be stored.
func rowOf(name string, counters []traffic.Counter, fields []string, values []any) (traffic.Counters, error) {
	row := traffic.Counters{}
	for i, value := range values {
		text, stored := value.(string)
		if !stored {
			continue
		}
		amount, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", fields[i], name, text)
		}
		row[counters[i]] = amount
	}
	return row, nil
}

// Reported says of which periods there are figures.
type Reported struct {
	Days     []calendar.Day // in order
	Imported []string       // months and years, as 2022-05 or 2022, in order
}

// Reported lists them by their names only.
func (s *Store) Reported(ctx context.Context) (Reported, error) {
	var closed, open, imported *redis.StringSliceCmd
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		open = pipe.SMembers(ctx, s.keys.open()) // first: a day that is closed meanwhile is in both, and in the list once
		closed = pipe.HKeys(ctx, s.keys.closed())
		imported = pipe.HKeys(ctx, s.keys.imported())
		return nil
	})
	if err != nil {
		return Reported{}, s.explain(err)
	}
	texts := slices.Concat(closed.Val(), open.Val())
	slices.Sort(texts)
	out := Reported{Imported: imported.Val()}
	slices.Sort(out.Imported)
	for _, text := range slices.Compact(texts) {
		day, err := calendar.ParseDay(text)
		if err != nil {
			return Reported{}, fmt.Errorf("%s or %s in Redis: %w", s.keys.closed(), s.keys.open(), err)
		}
		out.Days = append(out.Days, day)
	}
	return out, nil
}
