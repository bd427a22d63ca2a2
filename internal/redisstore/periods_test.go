package redisstore

import (
	"context"
	"reflect"
	"testing"
	"time"

	"hotline/internal/traffic"
)

// A closed day, an open one and an imported month: the rows are those that Month and Year give.
func TestSitesAreTheRowsOfTheTables(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	list := calls(21, 400)
	for i := range list[300:] { // on the day after
		r := &list[300+i]
		for _, at := range []*time.Time{&r.Arrived, &r.Queued, &r.Answered, &r.Ended} {
			if !at.IsZero() {
				*at = at.Add(24 * time.Hour)
			}
		}
	}
	s.Append(nil, list, nil)
	drained(t, s, m)
	closeToday(t, s)
	earlier := traffic.Counters{traffic.CountOffered: 10, traffic.CountAnswered: 9}
	if err := s.ImportYears(ctx, map[string]traffic.Counters{"2026-10": earlier}, "f", false, evening); err != nil {
		t.Fatal(err)
	}
	earlier[traffic.CountImported] = 1 // as it is read
	month, err := s.Month(ctx, today.Month())
	if err != nil {
		t.Fatal(err)
	}
	year, err := s.Year(ctx, 2026)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.SitesOfMonths(ctx, today.Month().AddMonths(-2), today.Month().AddMonths(-1), today.Month()); err != nil ||
		!reflect.DeepEqual(got, []traffic.Counters{{}, earlier, month[traffic.Site]}) {
		t.Errorf("months: %v, %v; want %v", got, err, month[traffic.Site])
	}
	if got, err := s.SiteOfYear(ctx, 2026); err != nil || !reflect.DeepEqual(got, year[traffic.Site]) {
		t.Errorf("year: %v, %v; want %v", got, err, year[traffic.Site])
	}
}

func TestFreezesTellClosedDaysAndCorrections(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	list := calls(22, 40)
	s.Append(nil, list[2:], nil)
	drained(t, s, m)
	closeToday(t, s)
	s.Append(nil, list[:2], nil)
	drained(t, s, m)
	got, err := s.Freezes(ctx, today.AddDays(-1), today.Next())
	if err != nil {
		t.Fatal(err)
	}
	if want := []Freeze{{today.AddDays(-1), false, 0}, {today, true, 2}, {today.Next(), false, 0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
