package redisstore

import (
	"context"
	"reflect"
	"testing"

	"hotline/internal/traffic"
)

func TestSitesAreTheRowsOfTheTables(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(21, 300), nil)
	drained(t, s, m)
	month, err := s.Month(ctx, today.Month())
	if err != nil {
		t.Fatal(err)
	}
	months, err := s.SitesOfMonths(ctx, today.Month().AddMonths(-1), today.Month())
	if err != nil {
		t.Fatal(err)
	}
	year, err := s.SiteOfYear(ctx, 2026)
	if err != nil {
		t.Fatal(err)
	}
	want := month[traffic.Site]
	if len(want) == 0 || !reflect.DeepEqual(months, []traffic.Counters{{}, want}) || !reflect.DeepEqual(year, want) {
		t.Errorf("months %v, year %v, want %v", months, year, want)
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
