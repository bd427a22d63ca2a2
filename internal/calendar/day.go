package calendar

import (
	"fmt"
	"time"
)

// DefaultZone is the time zone of every mainland Chinese hotline.
const DefaultZone = "Asia/Shanghai"

const dayLayout = "2006-01-02"

// Day is a calendar day, without a time zone. The zero Day is no day. Days
// are comparable with ==.
type Day struct {
	year  int
	month time.Month
	day   int
}

// DayOf is the day in loc in which t lies.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Day{y, m, d}
}

// NewDay is the given date; days beyond the month's end run into the next month.
func NewDay(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 12, 0, 0, 0, time.UTC), time.UTC)
}

// ParseDay reads a day written YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		return Day{}, fmt.Errorf("%q is not a day: write it as year-month-day, for example 2026-11-24", s)
	}
	return DayOf(t, time.UTC), nil
}

// String writes the day as YYYY-MM-DD.
func (d Day) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.year, int(d.month), d.day)
}

// MarshalText writes the day as YYYY-MM-DD.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a day written YYYY-MM-DD.
func (d *Day) UnmarshalText(text []byte) error {
	parsed, err := ParseDay(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// IsZero reports whether d is no day.
func (d Day) IsZero() bool { return d == Day{} }

// Date is the year, month and day of the month.
func (d Day) Date() (year int, month time.Month, day int) { return d.year, d.month, d.day }

// AddDays is the day n days later, or earlier when n is negative.
func (d Day) AddDays(n int) Day { return NewDay(d.year, d.month, d.day+n) }

// Next is the following day.
func (d Day) Next() Day { return d.AddDays(1) }

// DaysBetween are the days from the first to the last, both included; none when
// last is before first.
func DaysBetween(first, last Day) []Day {
	var days []Day
	for day := first; !last.Before(day); day = day.Next() {
		days = append(days, day)
	}
	return days
}

// Before reports whether d is an earlier day than other.
func (d Day) Before(other Day) bool {
	return d.noon().Before(other.noon())
}

// Weekday is the day of the week.
func (d Day) Weekday() time.Weekday { return d.noon().Weekday() }

// number counts days from 1970-01-01, which is 0.
func (d Day) number() int {
	return int((d.noon().Unix() - 12*60*60) / (24 * 60 * 60))
}

func (d Day) noon() time.Time { return time.Date(d.year, d.month, d.day, 12, 0, 0, 0, time.UTC) }

// Start is the first instant of the day in loc. It is not always midnight:
// some zones skip that hour, or have it twice, when daylight saving changes.
func (d Day) Start(loc *time.Location) time.Time {
	midnight := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
	noon := time.Date(d.year, d.month, d.day, 12, 0, 0, 0, loc)
	usual := midnight.Add(-offset(noon))
	if changed, _ := noon.ZoneBounds(); changed.IsZero() || usual.Sub(changed) > 24*time.Hour {
		return usual.In(loc) // as on almost all days
	}
	before := noon.Add(-24 * time.Hour)
	_, change := before.ZoneBounds() // when the offset of the day before ends
	candidates := []time.Time{midnight.Add(-offset(before)), usual, change}
	var first time.Time
	for _, c := range candidates {
		if !c.IsZero() && DayOf(c, loc) == d && (first.IsZero() || c.Before(first)) {
			first = c
		}
	}
	return first.In(loc)
}

// offset is how far t's zone is ahead of UTC.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// End is the first instant after the day in loc.
func (d Day) End(loc *time.Location) time.Time { return d.Next().Start(loc) }
