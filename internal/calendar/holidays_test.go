package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// holidays2026 are the public holidays of China in 2026, as the General Office
// of the State Council announced them on 2025-11-04.
func holidays2026(t testing.TB) *Holidays {
	t.Helper()
	var list []SpecialDay
	add := func(kind Kind, name, first string, count int) {
		for i := range count {
			list = append(list, SpecialDay{Day: mustDay(t, first).AddDays(i), Kind: kind, Name: name})
		}
	}
	add(Holiday, "国庆节", "2026-10-01", 7)
	add(Holiday, "元旦", "2026-01-01", 3)
	add(Holiday, "春节", "2026-02-15", 9)
	add(Holiday, "清明节", "2026-04-04", 3)
	add(Holiday, "劳动节", "2026-05-01", 5)
	add(Holiday, "端午节", "2026-06-19", 3)
	add(Holiday, "中秋节", "2026-09-25", 3)
	for _, day := range []string{"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"} {
		add(Workday, "调休", day, 1)
	}
	return mustHolidays(t, list...)
}

func mustHolidays(t testing.TB, list ...SpecialDay) *Holidays {
	t.Helper()
	h, err := NewHolidays(list)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// 365 days, less 104 at weekends and 13 public holidays by law.
func TestWorkingDaysOf2026(t *testing.T) {
	h := holidays2026(t)
	if got := h.WorkingDaysBetween(mustDay(t, "2025-12-31"), mustDay(t, "2026-12-31")); got != 248 {
		t.Errorf("2026 has %d working days, want 248", got)
	}
	for day, want := range map[string]bool{
		"2026-02-13": true, "2026-02-14": true, "2026-02-15": false, "2026-02-23": false, "2026-02-24": true,
		"2026-02-28": true, "2026-03-01": false, "2026-10-01": false, "2026-10-08": true, "2026-10-10": true,
	} {
		if got := h.WorkingDay(mustDay(t, day)); got != want {
			t.Errorf("%s is a working day: %v", day, got)
		}
	}
	if got := h.WorkingDayAfter(mustDay(t, "2026-02-13"), 2).String(); got != "2026-02-24" {
		t.Errorf("two working days after 2026-02-13 is %s", got)
	}
	list := h.List()
	for i := range list[1:] {
		if !list[i].Day.Before(list[i+1].Day) {
			t.Errorf("%s stands before %s", list[i].Day, list[i+1].Day)
		}
	}
}

func TestNoHolidays(t *testing.T) {
	var h *Holidays
	if h.WorkingDay(mustDay(t, "2026-11-28")) || !h.WorkingDay(mustDay(t, "2026-11-27")) || h.List() != nil {
		t.Error("without holidays Monday to Friday are worked")
	}
	if got := h.WorkingDayAfter(mustDay(t, "2026-11-27"), 1).String(); got != "2026-11-30" {
		t.Errorf("the working day after a Friday is %s", got)
	}
	if got := h.WorkingDayAfter(mustDay(t, "2026-11-28"), 0).String(); got != "2026-11-28" {
		t.Errorf("no working days later is %s", got)
	}
}

func TestNewHolidaysRefuses(t *testing.T) {
	day := mustDay(t, "2026-10-01")
	if _, err := NewHolidays([]SpecialDay{{Day: day, Kind: Holiday}, {Day: day, Kind: Workday}}); err == nil {
		t.Error("a day was taken twice")
	}
	if _, err := NewHolidays([]SpecialDay{{Day: day, Kind: "free"}}); err == nil {
		t.Error("an unknown kind was taken")
	}
}

// Counting agrees with looking at day after day, is additive, and is the
// inverse of going so many working days on.
func TestWorkingDaysAgreeWithCounting(t *testing.T) {
	start := NewDay(1969, time.December, 1)
	rapid.Check(t, func(t *rapid.T) {
		from := start.AddDays(rapid.IntRange(0, 90).Draw(t, "from"))
		kinds := make(map[Day]Kind)
		var list []SpecialDay
		for day := from.AddDays(-5); len(kinds) < 60; day = day.Next() {
			kind := rapid.SampledFrom([]Kind{"", "", Holiday, Workday}).Draw(t, "kind")
			if kinds[day] = kind; kind != "" {
				list = append(list, SpecialDay{Day: day, Kind: kind})
			}
		}
		h, err := NewHolidays(rapid.Permutation(list).Draw(t, "list"))
		if err != nil {
			t.Fatal(err)
		}
		worked := func(day Day) bool {
			w := time.Date(day.year, day.month, day.day, 0, 0, 0, 0, time.UTC).Weekday()
			return kinds[day] == Workday || kinds[day] != Holiday && w != time.Saturday && w != time.Sunday
		}
		want, day := 0, from
		for range rapid.IntRange(0, 80).Draw(t, "days") {
			day = day.Next()
			if worked(day) != h.WorkingDay(day) {
				t.Fatalf("%s: %v", day, h.WorkingDay(day))
			}
			if !worked(day) {
				continue
			}
			want++
			if got := h.WorkingDayAfter(from, want); got != day {
				t.Fatalf("working day %d after %s is %s, want %s", want, from, got, day)
			}
		}
		if got := h.WorkingDaysBetween(from, day); got != want {
			t.Fatalf("%d working days after %s up to %s, want %d", got, from, day, want)
		}
		if got := h.WorkingDaysBetween(day, from); got != -want {
			t.Fatalf("%d working days back, want %d", got, -want)
		}
	})
}
