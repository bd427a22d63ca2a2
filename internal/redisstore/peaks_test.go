package redisstore

import (
	"context"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// commands is how often Redis was asked to do something.
func commands(t testing.TB, s *Store, name string) int {
	t.Helper()
	info := s.client.Info(context.Background(), "commandstats").Val()
	found := regexp.MustCompile(`cmdstat_` + name + `:calls=(\d+)`).FindStringSubmatch(info)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// overMidnight are calls of the day before: one that goes on in today, and ten that do not.
func overMidnight() (records []acd.CallRecord) {
	midnight := today.Start(shanghai)
	for i := range 11 {
		end := midnight.Add(-time.Minute)
		if i == 0 {
			end = midnight.Add(10 * time.Hour)
		}
		records = append(records, acd.CallRecord{
			Version: acd.RecordVersion, Call: acd.CallID("before-" + strconv.Itoa(i)), Entry: "12345", Queue: "general",
			Arrived: midnight.Add(-time.Hour), Queued: midnight.Add(-time.Hour), Ended: end, Result: acd.Abandoned, Reason: acd.CallerHungUp,
		})
	}
	return records
}

// peaksOf are those of today.
func peaksOf(records ...[]acd.CallRecord) traffic.Peaks {
	meter := traffic.NewPeakMeter(today.Start(shanghai), today.End(shanghai))
	for _, list := range records {
		for _, r := range list {
			meter.Add(r)
		}
	}
	return meter.Peaks()
}

// A day's records are read once to close it: they are recounted and give the peaks at
// the same time. Of the day before, only what was going on at midnight is looked for.
func TestClosingReadsTheDayOnce(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	records, before := calls(46, 2500), overMidnight()
	s.Append(nil, before, nil)
	s.Append(nil, records, stints())
	drained(t, s, m)
	asked := commands(t, s, "xrange")
	closeToday(t, s)
	if n := commands(t, s, "xrange") - asked; n != 5 { // pages of 1000: three of records, one of stints, one of the day before
		t.Errorf("%d pages were read", n)
	}
	lines, err := s.Lines(context.Background(), today, today)
	if want := peaksOf(before[:1], records); err != nil || !reflect.DeepEqual(lines[0].Peaks, want) {
		t.Errorf("peaks %+v, %v; want %+v", lines[0].Peaks, err, want)
	}
}

// The peaks of a corrected day are exact whenever its records are in Redis, also when
// those of the day before are archived, and keep so when it is archived anew. Of an
// archived day, corrections cannot be added to them, and that is told.
func TestPeaksOfCorrectedArchivedDays(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	yesterday := today.AddDays(-1)
	before, records := overMidnight(), calls(47, 200)
	var late []acd.CallRecord // which all wait at one time
	for i := range 30 {
		late = append(late, acd.CallRecord{
			Version: acd.RecordVersion, Call: acd.CallID("late-" + strconv.Itoa(i)), Entry: "12345", Queue: "general",
			Arrived: morning, Queued: morning.Add(time.Second), Ended: morning.Add(time.Minute), Result: acd.Abandoned, Reason: acd.CallerHungUp,
		})
	}
	s.Append(nil, before, nil)
	s.Append(nil, records, nil)
	drained(t, s, m)
	if closed, err := s.CloseDay(ctx, yesterday, evening); err != nil || !closed {
		t.Fatalf("CloseDay = %v, %v", closed, err)
	}
	closeToday(t, s)
	check := func(when string, lack int, counted ...[]acd.CallRecord) {
		t.Helper()
		lines, err := s.Lines(ctx, today, today)
		if err != nil {
			t.Fatal(err)
		}
		if want := peaksOf(append(counted, before[:1])...); !reflect.DeepEqual(lines[0].Peaks, want) || lines[0].PeaksLack != lack {
			t.Errorf("%s: peaks %+v lack %d; want %+v lack %d", when, lines[0].Peaks, lines[0].PeaksLack, want, lack)
		}
		if site := lines[0].Site; site[traffic.CountOffered]+site[traffic.CountNotOffered] == 0 {
			t.Errorf("%s: the line has no calls", when)
		}
	}
	check("closed", 0, records)
	archiveDay(t, s, yesterday)
	s.Append(nil, late[:10], nil)
	drained(t, s, m)
	check("corrected, the day before archived", 0, records, late[:10])
	first := archive(t, s)
	check("archived with corrections", 0, records, late[:10])
	s.Append(nil, late[10:20], []acd.Stint{stints()[1]})
	drained(t, s, m)
	check("corrected when it was archived", 10, records, late[:10])
	if err := s.Restore(ctx, today, each(first)); err != nil {
		t.Fatal(err)
	}
	check("put back", 0, records, late[:20])
	second := archive(t, s)
	check("archived anew", 0, records, late[:20])
	s.Append(nil, late[20:], nil)
	drained(t, s, m)
	check("corrected again", 10, records, late[:20])
	agree(t, s, second)
}
