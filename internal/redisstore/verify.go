package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Difference is a counter that is not what a recount of the records gives.
type Difference struct {
	Bucket    string // the day, or an interval as 2026-11-24#37
	Key       traffic.Key
	Counter   traffic.Counter
	Stored    int64
	Recounted int64
}

func (d Difference) String() string {
	return fmt.Sprintf("%s %s %s: stored %d, recounted %d", d.Bucket, d.Key, d.Counter, d.Stored, d.Recounted)
}

// Verify compares a day's counters with a recount of its records and lists
// every difference, ordered. It may run while calls end: counters and records
// are compared as of one instant.
func (s *Store) Verify(ctx context.Context, day calendar.Day) ([]Difference, error) {
	stored, last, err := s.stored(ctx, day, s.client.TxPipelined)
	if err != nil {
		return nil, err
	}
	if last == "" {
		last = "0-0" // no record is that old
	}
	recounted, err := s.recountUpTo(ctx, day, last)
	if err != nil {
		return nil, err
	}
	differences := compare(day.String(), stored.Day, recounted.Day)
	for i, interval := range stored.Intervals {
		differences = append(differences, compare(interval.Interval.String(), interval.Table, recounted.Intervals[i].Table)...)
	}
	return differences, nil
}

func compare(bucket string, stored, recounted traffic.Table) []Difference {
	var differences []Difference
	keys := slices.Collect(maps.Keys(stored))
	for key := range recounted {
		if _, both := stored[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b traffic.Key) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		counters := slices.Collect(maps.Keys(stored[key]))
		counters = slices.AppendSeq(counters, maps.Keys(recounted[key]))
		slices.Sort(counters)
		for _, counter := range slices.Compact(counters) {
			a, b := stored[key][counter], recounted[key][counter]
			if a != b {
				differences = append(differences, Difference{bucket, key, counter, a, b})
			}
		}
	}
	return differences
}
