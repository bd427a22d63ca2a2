package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

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
	Closing   string // instead of a counter: what a closed day lacks
}

func (d Difference) String() string {
	if d.Closing != "" {
		return d.Bucket + ": " + d.Closing
	}
	return fmt.Sprintf("%s %s %s: stored %d, recounted %d", d.Bucket, d.Key, d.Counter, d.Stored, d.Recounted)
}

// Verify compares a day's counters with a recount of its records and stints, and
// what it was closed with, and lists every difference, ordered. It may run while calls
// end: counters and records are compared as of one instant. Of an archived day it
// knows nothing but the file, which is in the *ArchivedError; see VerifyArchived.
// Compared are the counters of the set that CounterSet tells.
func (s *Store) Verify(ctx context.Context, day calendar.Day) ([]Difference, error) {
	closing, err := s.Closing(ctx, day)
	if err != nil {
		return nil, err
	}
	if closing != nil && closing.Archived != nil {
		return nil, &ArchivedError{day, *closing.Archived}
	}
	return s.verify(ctx, day, func(func(Entry, error) bool) {})
}

// verify compares a day with its archived entries and those in Redis.
func (s *Store) verify(ctx context.Context, day calendar.Day, archived Entries) ([]Difference, error) {
	set, err := s.CounterSet(ctx, day)
	if err != nil {
		return nil, err
	}
	stored, err := s.stored(ctx, day, s.client.TxPipelined)
	if err != nil {
		return nil, err
	}
	recounted, err := s.recount(day, joined(archived, s.entriesUpTo(ctx, day, stored.lastCall, stored.lastStint)), nil)
	if err != nil {
		return nil, err
	}
	differences := s.compareDays(set, stored.DayTraffic, recounted.DayTraffic, day)
	closing, err := s.Closing(ctx, day)
	if err != nil || closing == nil {
		return differences, err
	}
	then, err := s.recount(day, upTo(joined(archived, s.Entries(ctx, day)), closing.LastCall, closing.LastStint), nil)
	if err != nil {
		return nil, err
	}
	if sum := s.checksum(closing.Counters, day, then.DayTraffic); sum != closing.Checksum || then.calls != closing.Calls || then.stints != closing.Stints {
		differences = append(differences, Difference{
			Bucket: day.String(), Closing: fmt.Sprintf("closed with %d calls, %d stints, checksum %s; the records up to then give %d, %d, %s",
				closing.Calls, closing.Stints, closing.Checksum, then.calls, then.stints, sum),
		})
	}
	return differences, nil
}

// compareDays compares the counters of a set.
func (s *Store) compareDays(set int, stored, recounted DayTraffic, day calendar.Day) []Difference {
	differences := compare(day.String(), s.sets.Only(set, stored.Day), s.sets.Only(set, recounted.Day))
	for i, interval := range stored.Intervals {
		differences = append(differences, compare(interval.Interval.String(), s.sets.Only(set, interval.Table), s.sets.Only(set, recounted.Intervals[i].Table))...)
	}
	return differences
}

// VerifyMonth compares a month's counters with the sum of its closed days.
func (s *Store) VerifyMonth(ctx context.Context, month calendar.Month) ([]Difference, error) {
	sum := traffic.Table{}
	open, err := s.OpenDays(ctx)
	if err != nil {
		return nil, err
	}
	for _, day := range month.Days() {
		if slices.Contains(open, day) {
			continue
		}
		table, err := s.Day(ctx, day)
		if err != nil {
			return nil, err
		}
		sum.Merge(table)
	}
	stored, err := s.table(ctx, s.keys.month(month))
	if err != nil {
		return nil, err
	}
	return compare(month.String(), stored, sum), nil
}

// VerifyYear compares a year's counters with the sum of its months.
func (s *Store) VerifyYear(ctx context.Context, year int) ([]Difference, error) {
	sum := traffic.Table{}
	for m := time.January; m <= time.December; m++ {
		table, err := s.table(ctx, s.keys.month(calendar.Month{Year: year, Month: m}))
		if err != nil {
			return nil, err
		}
		sum.Merge(table)
	}
	stored, err := s.table(ctx, s.keys.year(year))
	if err != nil {
		return nil, err
	}
	return compare(fmt.Sprintf("%04d", year), stored, sum), nil
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
				differences = append(differences, Difference{Bucket: bucket, Key: key, Counter: counter, Stored: a, Recounted: b})
			}
		}
	}
	return differences
}
