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
