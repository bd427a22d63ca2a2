package redisstore

import (
	"context"
	"slices"
	"strings"
	"testing"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// The course of the site, a queue and an agent is what the whole tables of the intervals
// have of them, while the day is open, when it is closed, and when it is corrected.
func TestCourse(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(90, 400)
	keys := []traffic.Key{traffic.Site, {Dimension: traffic.ByQueue, Value: "general"}, {Dimension: traffic.ByAgent, Value: "1001"}}
	compareAll := func(when string) {
		t.Helper()
		tables, err := s.Intervals(ctx, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			course, err := s.Course(ctx, today, key, traffic.Names())
			if err != nil || len(course) != len(tables) {
				t.Fatalf("%s: %d intervals, %v", when, len(course), err)
			}
			counted := int64(0)
			for i, row := range course {
				for _, c := range traffic.Names() {
					if row[c] != tables[i].Table[key][c] {
						t.Errorf("%s: %s of %s in interval %d is %d, want %d", when, c, key, i, row[c], tables[i].Table[key][c])
					}
				}
				counted += row[traffic.CountAnswered]
			}
			if counted == 0 {
				t.Errorf("%s: %s has answered nothing", when, key)
			}
		}
	}
	s.Append(nil, records[:300], stints())
	drained(t, s, m)
	compareAll("open")
	closeToday(t, s)
	compareAll("closed")
	s.Append(nil, records[300:], nil)
	drained(t, s, m)
	compareAll("corrected")
	if course, err := s.Course(ctx, today, traffic.Key{Dimension: traffic.ByQueue, Value: "nobody's"}, traffic.Names()); err != nil ||
		slices.ContainsFunc(course, func(c traffic.Counters) bool { return len(c) > 0 }) {
		t.Errorf("of a queue without calls: %v, %v", course, err)
	}
	if course, err := s.Course(ctx, today, traffic.Site, []traffic.Counter{traffic.CountOffered}); err != nil ||
		slices.ContainsFunc(course, func(c traffic.Counters) bool { return len(c) > 1 }) {
		t.Errorf("of one counter: %v, %v", course, err)
	}
	s.client.HSet(ctx, s.keys.interval(today.Intervals(shanghai)[40]), "site:|offered", "x")
	if _, err := s.Course(ctx, today, traffic.Site, traffic.Names()); err == nil || !strings.Contains(err.Error(), "is not a counter") {
		t.Errorf("with a damaged counter: %v", err)
	}
}

func TestReported(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	if r, err := s.Reported(ctx); err != nil || len(r.Days)+len(r.Imported) > 0 {
		t.Errorf("of an empty Redis: %+v, %v", r, err)
	}
	s.Append(nil, calls(91, 5), nil)
	drained(t, s, m)
	if r, err := s.Reported(ctx); err != nil || len(r.Days) != 1 || r.Days[0] != today {
		t.Errorf("of an open day: %+v, %v", r, err)
	}
	closeToday(t, s)
	published := map[string]traffic.Counters{"2022": {traffic.CountOffered: 1}, "2023-05": {traffic.CountOffered: 1}}
	if err := s.ImportYears(ctx, published, "earlier.csv", false, evening); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Reported(ctx); err != nil || !slices.Equal(r.Imported, []string{"2022", "2023-05"}) || len(r.Days) != 1 || r.Days[0] != today {
		t.Errorf("of a closed day and of imported periods: %+v, %v", r, err)
	}
}

// Pages of the newest records are together the day's records in reverse.
func TestNewest(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(92, 25), nil)
	drained(t, s, m)
	var want, got []acd.CallID
	if err := s.Records(ctx, today, func(r acd.CallRecord) error { want = append(want, r.Call); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(want)
	for before := ""; ; {
		page, err := s.Newest(ctx, today, before, 10)
		if err != nil || len(page) > 10 {
			t.Fatal(len(page), err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			got = append(got, r.Call)
		}
		before = page[len(page)-1].Place
	}
	if len(got) != 25 || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
