package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseDay(t *testing.T) {
	day, err := ParseDay("2024-02-29")
	if err != nil || day != NewDay(2024, time.February, 29) {
		t.Fatalf("ParseDay = %v, %v", day, err)
	}
	for _, bad := range []string{"", "2023-02-29", "2026-1-2", "24.11.2026", "today"} {
		if _, err := ParseDay(bad); err == nil || !strings.Contains(err.Error(), "2026-11-24") {
			t.Errorf("ParseDay(%q): error %v, want one that shows how to write a day", bad, err)
		}
	}
}

func TestAddDays(t *testing.T) {
	if got := NewDay(2023, time.December, 31).Next().String(); got != "2024-01-01" {
		t.Errorf("the day after 2023-12-31 is %s", got)
	}
	if got := NewDay(2024, time.March, 1).AddDays(-1).String(); got != "2024-02-29" {
		t.Errorf("the day before 2024-03-01 is %s", got)
	}
}

func TestDaysBetween(t *testing.T) {
	for _, c := range []struct{ first, last, want string }{
		{"2026-11-24", "2026-11-24", "[2026-11-24]"},
		{"2024-02-28", "2024-03-01", "[2024-02-28 2024-02-29 2024-03-01]"},
		{"2026-12-31", "2027-01-01", "[2026-12-31 2027-01-01]"},
		{"2026-11-24", "2026-11-23", "[]"},
	} {
		if got := fmt.Sprint(DaysBetween(mustDay(t, c.first), mustDay(t, c.last))); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.first, c.last, got, c.want)
		}
	}
}

func TestDayOfShanghai(t *testing.T) {
	shanghai := zone(t, DefaultZone)
	before := time.Date(2023, 12, 31, 15, 59, 59, 999_999_999, time.UTC)
	if got := DayOf(before, shanghai).String(); got != "2023-12-31" {
		t.Errorf("one nanosecond before midnight: %s", got)
	}
	if got := DayOf(before.Add(1), shanghai).String(); got != "2024-01-01" {
		t.Errorf("midnight: %s", got)
	}
}

func TestLengthOfDays(t *testing.T) {
	for _, c := range []struct {
		zone, day, start string
		intervals        int
	}{
		{DefaultZone, "2026-11-24", "2026-11-23T16:00:00Z", 96},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 92},
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 100},
		{"Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z", 96},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 92}, // midnight is skipped
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z", 100},   // midnight comes twice
		{"America/Nuuk", "2022-03-26", "2022-03-26T03:00:00Z", 92},      // changes at 22:00
		{"America/Nuuk", "2022-03-27", "2022-03-27T02:00:00Z", 96},
		{"America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z", 94}, // 23:30 became 00:30
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 98},
	} {
		loc, day := zone(t, c.zone), mustDay(t, c.day)
		if got := day.Start(loc).UTC().Format(time.RFC3339); got != c.start {
			t.Errorf("%s %s starts at %s, want %s", c.zone, c.day, got, c.start)
		}
		if got := len(day.Intervals(loc)); got != c.intervals {
			t.Errorf("%s %s has %d intervals, want %d", c.zone, c.day, got, c.intervals)
		}
	}
}

func mustDay(t testing.TB, s string) Day {
	t.Helper()
	day, err := ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return day
}

// Every instant lies in exactly the interval that IntervalOf names, and days
// follow one another without a gap.
func TestIntervalsCoverTheDay(t *testing.T) {
	zones := []*time.Location{zone(t, DefaultZone), zone(t, "Europe/Berlin"), zone(t, "America/Havana"), zone(t, "America/Sao_Paulo"), zone(t, "America/New_York")}
	from := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(from, from+20*366*86400).Draw(t, "at"), 0)
		i := IntervalOf(at, loc)
		if at.Before(i.Start(loc)) || !at.Before(i.End(loc)) {
			t.Fatalf("%s is not in %s (%s to %s)", at, i, i.Start(loc), i.End(loc))
		}
		all := i.Day.Intervals(loc)
		if i.Index < 0 || i.Index >= len(all) || all[i.Index] != i {
			t.Fatalf("%s is not among the %d intervals of its day", i, len(all))
		}
		if last := all[len(all)-1]; !last.End(loc).Equal(i.Day.Next().Start(loc)) {
			t.Fatalf("the last interval of %s ends at %s, the next day starts at %s", i.Day, last.End(loc), i.Day.Next().Start(loc))
		}
	})
}
