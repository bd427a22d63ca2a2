package calendar

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func hours(t testing.TB, texts ...string) Hours {
	t.Helper()
	var out Hours
	for _, text := range texts {
		p, err := ParsePeriod(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func moment(t testing.TB, loc *time.Location, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func weekdays(h Hours) (week [7]Hours) {
	for w := time.Monday; w <= time.Friday; w++ {
		week[w] = h
	}
	return week
}

func TestNoScheduleIsAlwaysOpen(t *testing.T) {
	at := time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)
	for _, s := range []*Schedule{nil, {}} {
		if !s.Open(at) || !s.AlwaysOpen() {
			t.Error("closed")
		}
		if next, ok := s.NextChange(at); ok {
			t.Errorf("changes at %s", next)
		}
		if next, ok := s.NextOpening(at); !ok || !next.Equal(at) {
			t.Errorf("opens at %s, %v", next, ok)
		}
	}
}

func TestEmptyRulesAreClosed(t *testing.T) {
	s, at := NewSchedule(time.UTC, Rules{}), time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)
	if s.Open(at) || s.AlwaysOpen() {
		t.Error("open without hours")
	}
	if next, ok := s.NextOpening(at); ok {
		t.Errorf("opens at %s", next)
	}
}

// A business desk in the two weeks round the Spring Festival of 2026.
func TestBusinessDeskRoundSpringFestival(t *testing.T) {
	loc := zone(t, DefaultZone)
	s := NewSchedule(loc, Rules{
		Week:       weekdays(hours(t, "14:00-18:00", "08:30-12:00")),
		Holidays:   holidays2026(t),
		OnWorkdays: hours(t, "08:30-12:00", "14:00-18:00"),
		Exceptions: map[Day]Hours{
			mustDay(t, "2026-02-13"): hours(t, "08:30-12:00"),
			mustDay(t, "2026-02-20"): hours(t, "09:00-11:00"), // a holiday otherwise
			mustDay(t, "2026-02-24"): nil,
		},
	})
	for _, c := range []struct {
		at   string
		open bool
		next string
	}{
		{"2026-02-12 08:29:59", false, "2026-02-12 08:30:00"},
		{"2026-02-12 08:30:00", true, "2026-02-12 12:00:00"},
		{"2026-02-12 11:59:59", true, "2026-02-12 12:00:00"},
		{"2026-02-12 12:00:00", false, "2026-02-12 14:00:00"},
		{"2026-02-13 12:00:00", false, "2026-02-14 08:30:00"}, // Saturday, worked
		{"2026-02-14 17:00:00", true, "2026-02-14 18:00:00"},
		{"2026-02-14 18:00:00", false, "2026-02-20 09:00:00"},
		{"2026-02-20 11:00:00", false, "2026-02-25 08:30:00"},
	} {
		at := moment(t, loc, c.at)
		if got := s.Open(at.UTC()); got != c.open {
			t.Errorf("%s: open %v", c.at, got)
		}
		next, ok := s.NextChange(at.UTC())
		if got := next.Format("2006-01-02 15:04:05"); !ok || got != c.next {
			t.Errorf("%s: the next change is at %s, want %s", c.at, got, c.next)
		}
		opening, ok := s.NextOpening(at)
		if want := next; !ok || c.open && !opening.Equal(at) || !c.open && !opening.Equal(want) {
			t.Errorf("%s: the next opening is at %s", c.at, opening)
		}
	}
}

func TestNightBelongsToTheDayOnWhichItBegins(t *testing.T) {
	loc := zone(t, DefaultZone)
	s := NewSchedule(loc, Rules{
		Week:       weekdays(hours(t, "22:00-06:00+1")),
		Exceptions: map[Day]Hours{mustDay(t, "2026-11-25"): nil}, // a Wednesday
	})
	for at, want := range map[string]bool{
		"2026-11-23 05:59:00": false, // Monday; Sunday's night does not exist
		"2026-11-25 05:59:00": true,  // Tuesday's night goes on into the closed day
		"2026-11-25 06:00:00": false,
		"2026-11-25 22:00:00": false,
		"2026-11-26 05:59:00": false,
		"2026-11-28 05:59:00": true, // Saturday, from Friday on
		"2026-11-28 22:00:00": false,
	} {
		if got := s.Open(moment(t, loc, at)); got != want {
			t.Errorf("%s: open %v", at, got)
		}
	}
}

// Wherever the only night stands in the rules, its end is not lost.
func TestShortNightAnywhereInTheRules(t *testing.T) {
	night, day := hours(t, "23:59-00:01+1"), mustDay(t, "2026-11-24") // a Tuesday
	for kind, rules := range map[string]Rules{
		"week":      {Week: [7]Hours{time.Tuesday: night}},
		"exception": {Exceptions: map[Day]Hours{day: night}},
		"holiday":   {OnHolidays: night, Holidays: mustHolidays(t, SpecialDay{Day: day, Kind: Holiday})},
		"workday":   {OnWorkdays: night, Holidays: mustHolidays(t, SpecialDay{Day: day, Kind: Workday})},
	} {
		s, midnight := NewSchedule(time.UTC, rules), day.End(time.UTC)
		if !s.Open(midnight) || s.Open(midnight.Add(time.Minute)) {
			t.Errorf("%s: open %v at midnight, %v a minute later", kind, s.Open(midnight), s.Open(midnight.Add(time.Minute)))
		}
	}
}

// A schedule keeps nothing that its maker may change afterwards.
func TestScheduleKeepsItsOwnHours(t *testing.T) {
	morning, day := hours(t, "08:30-12:00"), mustDay(t, "2026-11-24")
	rules := Rules{
		Week: weekdays(morning), OnHolidays: morning, OnWorkdays: morning, Exceptions: map[Day]Hours{day: morning},
		Holidays: mustHolidays(t, SpecialDay{Day: day.AddDays(2), Kind: Holiday}, SpecialDay{Day: day.AddDays(4), Kind: Workday}),
	}
	s := NewSchedule(time.UTC, rules)
	morning[0] = Period{}
	for _, offset := range []int{0, 1, 2, 4} {
		if at := day.AddDays(offset).noon().Add(-time.Hour); !s.Open(at) {
			t.Errorf("closed at %s", at)
		}
	}
}

// Midnight between two periods that meet is no change.
func TestRoundTheClockNeverChanges(t *testing.T) {
	var week [7]Hours
	for w := range week {
		week[w] = hours(t, "00:00-12:00", "12:00-24:00")
	}
	s, at := NewSchedule(zone(t, "Europe/Berlin"), Rules{Week: week}), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if next, ok := s.NextChange(at); ok {
		t.Errorf("changes at %s", next)
	}
}

func TestSearchLimit(t *testing.T) {
	day := mustDay(t, "2030-01-01")
	s := NewSchedule(time.UTC, Rules{Exceptions: map[Day]Hours{day: hours(t, "00:00-24:00")}})
	start := day.Start(time.UTC)
	if next, ok := s.NextOpening(start.Add(-SearchLimit)); !ok || !next.Equal(start) {
		t.Errorf("at the limit: %s, %v", next, ok)
	}
	if next, ok := s.NextOpening(start.Add(-SearchLimit - 1)); ok {
		t.Errorf("beyond the limit: %s", next)
	}
}

// Berlin skips 02:00 to 03:00 on 2026-03-29 at 01:00 UTC and repeats it on
// 2026-10-25; New York skips and repeats the same hour on other days.
func TestDaylightSaving(t *testing.T) {
	utc := func(text string) time.Time { return moment(t, time.UTC, text) }
	for _, c := range []struct {
		zone, period string
		changes      []string // opening and closing in turn, UTC
	}{
		// Skipped: a period of that hour is left out, one that reaches into
		// it begins late or ends early, one round it is an hour shorter.
		{"Europe/Berlin", "02:15-02:45", []string{"2026-03-28 01:15:00", "2026-03-28 01:45:00", "2026-03-30 00:15:00", "2026-03-30 00:45:00"}},
		{"Europe/Berlin", "02:30-04:00", []string{"2026-03-28 01:30:00", "2026-03-28 03:00:00", "2026-03-29 01:00:00", "2026-03-29 02:00:00"}},
		{"Europe/Berlin", "01:30-02:30", []string{"2026-03-28 00:30:00", "2026-03-28 01:30:00", "2026-03-29 00:30:00", "2026-03-29 01:00:00"}},
		{"Europe/Berlin", "22:00-06:00+1", []string{"2026-03-28 21:00:00", "2026-03-29 04:00:00", "2026-03-29 20:00:00", "2026-03-30 04:00:00"}},
		{"America/New_York", "02:30-04:00", []string{"2026-03-07 07:30:00", "2026-03-07 09:00:00", "2026-03-08 07:00:00", "2026-03-08 08:00:00"}},
		// Repeated: a period of that hour comes twice, one round it is an
		// hour longer.
		{"Europe/Berlin", "02:15-02:45", []string{"2026-10-25 00:15:00", "2026-10-25 00:45:00", "2026-10-25 01:15:00", "2026-10-25 01:45:00"}},
		{"Europe/Berlin", "01:30-02:30", []string{"2026-10-24 23:30:00", "2026-10-25 00:30:00", "2026-10-25 01:00:00", "2026-10-25 01:30:00"}},
		{"Europe/Berlin", "22:00-06:00+1", []string{"2026-10-24 20:00:00", "2026-10-25 05:00:00", "2026-10-25 21:00:00", "2026-10-26 05:00:00"}},
		{"America/New_York", "01:15-01:45", []string{"2026-11-01 05:15:00", "2026-11-01 05:45:00", "2026-11-01 06:15:00", "2026-11-01 06:45:00"}},
		// Havana repeats 00:00 to 01:00.
		{"America/Havana", "00:00-00:30", []string{"2026-11-01 04:00:00", "2026-11-01 04:30:00", "2026-11-01 05:00:00", "2026-11-01 05:30:00"}},
	} {
		var week [7]Hours
		for w := range week {
			week[w] = hours(t, c.period)
		}
		s := NewSchedule(zone(t, c.zone), Rules{Week: week})
		at := utc(c.changes[0]).Add(-time.Second)
		for i, want := range c.changes {
			next, ok := s.NextChange(at)
			if !ok || !next.Equal(utc(want)) || s.Open(next) != (i%2 == 0) {
				t.Errorf("%s %s: change %d is at %s (open %v), want %s", c.zone, c.period, i, next.UTC(), s.Open(next), want)
			}
			at = next
		}
	}
}

// drawRules draws rules whose special days lie round a day.
func drawRules(t *rapid.T, round Day) Rules {
	list := rapid.Custom(func(t *rapid.T) Hours {
		var out Hours
		for range rapid.IntRange(0, 3).Draw(t, "periods") {
			out = append(out, drawPeriod(t))
		}
		return out
	})
	rules := Rules{OnHolidays: list.Draw(t, "on holidays"), OnWorkdays: list.Draw(t, "on workdays"), Exceptions: make(map[Day]Hours)}
	for w := range rules.Week {
		rules.Week[w] = list.Draw(t, time.Weekday(w).String())
	}
	var special []SpecialDay
	for offset := -2; offset < 10; offset++ {
		day := round.AddDays(offset)
		switch rapid.SampledFrom([]string{"", "", "", "exception", "holiday", "workday", "both"}).Draw(t, day.String()) {
		case "exception":
			rules.Exceptions[day] = list.Draw(t, "hours")
		case "holiday":
			special = append(special, SpecialDay{Day: day, Kind: Holiday})
		case "workday":
			special = append(special, SpecialDay{Day: day, Kind: Workday})
		case "both":
			special = append(special, SpecialDay{Day: day, Kind: Holiday})
			rules.Exceptions[day] = list.Draw(t, "hours")
		}
	}
	rules.Holidays, _ = NewHolidays(special)
	return rules
}

const wall = "2006-01-02 15:04"

// wallMinutes writes down every minute that a clock on the wall may show
// while it is open, for some days before and after a day.
func wallMinutes(rules Rules, round Day) map[string]bool {
	open := make(map[string]bool)
	for offset := -4; offset < 14; offset++ {
		day := round.AddDays(offset)
		date := time.Date(day.year, day.month, day.day, 0, 0, 0, 0, time.UTC)
		list := rules.Week[date.Weekday()]
		for _, special := range rules.Holidays.List() {
			if special.Day == day {
				list = map[Kind]Hours{Holiday: rules.OnHolidays, Workday: rules.OnWorkdays}[special.Kind]
			}
		}
		if exception, ok := rules.Exceptions[day]; ok {
			list = exception
		}
		for _, p := range list {
			for m := p.from; m < p.to; m++ {
				open[date.Add(time.Duration(m)*time.Minute).Format(wall)] = true
			}
		}
	}
	return open
}

// drawMoment draws a moment, often near a change of the clocks.
func drawMoment(t *rapid.T, loc *time.Location) time.Time {
	from := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	at := time.Unix(rapid.Int64Range(from, from+20*366*86400).Draw(t, "at"), rapid.SampledFrom([]int64{0, 1, 999_999_999}).Draw(t, "nanoseconds")).In(loc)
	if rapid.Bool().Draw(t, "near a change") {
		if _, change := at.ZoneBounds(); !change.IsZero() {
			at = change.Add(time.Duration(rapid.IntRange(-2*86400, 86400).Draw(t, "seconds")) * time.Second)
		}
	}
	return at
}

// Open and NextChange agree with walking through the minutes and looking each
// up in a list of what the clock may show.
func TestScheduleAgreesWithWalkingThroughTheMinutes(t *testing.T) {
	var zones []*time.Location
	for _, name := range []string{DefaultZone, "Europe/Berlin", "America/New_York", "America/Havana", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Nuuk", "UTC"} {
		zones = append(zones, zone(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		at := drawMoment(t, loc)
		rules := drawRules(t, DayOf(at, loc))
		s, open := NewSchedule(loc, rules), wallMinutes(rules, DayOf(at, loc))
		now := open[at.In(loc).Format(wall)]
		if got := s.Open(at); got != now {
			t.Fatalf("%s: open %v, want %v", at, got, now)
		}
		want, found := time.Time{}, false
		minute := at.Truncate(time.Minute)
		for end := minute.Add(9 * 24 * time.Hour); !found && minute.Before(end); {
			minute = minute.Add(time.Minute)
			if open[minute.In(loc).Format(wall)] != now {
				want, found = minute, true
			}
		}
		next, ok := s.NextChange(at)
		switch {
		case found && (!ok || !next.Equal(want)):
			t.Fatalf("from %s the next change is at %s (%v), want %s", at, next, ok, want.In(loc))
		case !found && ok && !next.After(minute):
			t.Fatalf("from %s the next change is at %s, want none up to %s", at, next, minute.In(loc))
		}
		if opening, ok := s.NextOpening(at); now && (!ok || !opening.Equal(at)) || !now && found && !opening.Equal(want) {
			t.Fatalf("from %s the next opening is at %s (%v), want %s", at, opening, ok, want.In(loc))
		}
	})
}

func TestOpenAllocatesNothing(t *testing.T) {
	loc := zone(t, "Europe/Berlin")
	s := NewSchedule(loc, Rules{Week: weekdays(hours(t, "08:00-12:00", "22:00-06:00+1")), Holidays: holidays2026(t)})
	at := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	if n := testing.AllocsPerRun(100, func() { s.Open(at); at = at.Add(time.Minute) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	loc := zone(b, DefaultZone)
	s := NewSchedule(loc, Rules{Week: weekdays(hours(b, "08:00-12:00", "22:00-06:00+1")), Holidays: holidays2026(b)})
	at := time.Date(2026, 3, 30, 8, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		s.Open(at)
	}
}

// The longest search: a year round the clock, without a change.
func BenchmarkNextChangeFindsNone(b *testing.B) {
	var week [7]Hours
	for w := range week {
		week[w] = hours(b, "00:00-24:00")
	}
	s, at := NewSchedule(zone(b, DefaultZone), Rules{Week: week}), time.Date(2026, 3, 30, 8, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.NextChange(at); ok {
			b.Fatal("a change")
		}
	}
}

func ExampleSchedule_NextOpening() {
	morning, _ := ParsePeriod("08:30-12:00")
	s := NewSchedule(time.UTC, Rules{Week: [7]Hours{time.Monday: {morning}}})
	friday := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	next, ok := s.NextOpening(friday)
	fmt.Println(next.Format(time.RFC1123), ok)
	// Output: Mon, 30 Nov 2026 08:30:00 UTC true
}

func TestLongestClosed(t *testing.T) {
	hours := func(periods ...string) (list Hours) {
		for _, text := range periods {
			p, err := ParsePeriod(text)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		}
		return list
	}
	office, day, night := hours("08:30-12:00", "14:00-18:00"), hours("00:00-24:00"), hours("22:00-06:00+1")
	for name, c := range map[string]struct {
		week [7]Hours
		want time.Duration
	}{
		"office, over the weekend":    {[7]Hours{1: office, 2: office, 3: office, 4: office, 5: office}, 62*time.Hour + 30*time.Minute},
		"every day":                   {[7]Hours{office, office, office, office, office, office, office}, 14*time.Hour + 30*time.Minute},
		"nights, over the week's end": {[7]Hours{night, night, night, night, night, night, night}, 16 * time.Hour},
		"always":                      {[7]Hours{day, day, day, day, day, day, day}, 0},
		"one day":                     {[7]Hours{3: day}, 6 * 24 * time.Hour},
		"never":                       {[7]Hours{}, 7 * 24 * time.Hour},
	} {
		s := NewSchedule(time.UTC, Rules{Week: c.week, Exceptions: map[Day]Hours{NewDay(2026, 1, 1): day}})
		if got := s.LongestClosed(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := (*Schedule)(nil).LongestClosed(); got != 0 {
		t.Errorf("no schedule: %v", got)
	}
}
