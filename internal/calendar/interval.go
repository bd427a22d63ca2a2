package calendar

import (
	"fmt"
	"time"
)

// IntervalLength is how long an interval lasts, by elapsed time.
const IntervalLength = 15 * time.Minute

// Interval is a quarter of an hour of a day: Index 0 begins with the day, and
// each following one 15 minutes of elapsed time later. A day has 96 of them; a
// day on which daylight saving begins or ends has 92 or 100. Intervals are
// comparable with ==.
type Interval struct {
	Day   Day `json:"day"`
	Index int `json:"index"`
}

// IntervalOf is the interval of loc's day in which t lies.
func IntervalOf(t time.Time, loc *time.Location) Interval {
	day := DayOf(t, loc)
	return Interval{Day: day, Index: int(t.Sub(day.Start(loc)) / IntervalLength)}
}

// Intervals are all intervals of the day in loc, in order.
func (d Day) Intervals(loc *time.Location) []Interval {
	length := d.End(loc).Sub(d.Start(loc))
	list := make([]Interval, (length+IntervalLength-1)/IntervalLength)
	for i := range list {
		list[i] = Interval{Day: d, Index: i}
	}
	return list
}

// Start is the first instant of the interval in loc.
func (i Interval) Start(loc *time.Location) time.Time {
	return i.Day.Start(loc).Add(time.Duration(i.Index) * IntervalLength)
}

// End is the first instant after the interval in loc.
func (i Interval) End(loc *time.Location) time.Time { return i.Start(loc).Add(IntervalLength) }

// String writes the interval as its day and index, for example 2026-11-24#37.
func (i Interval) String() string { return fmt.Sprintf("%s#%02d", i.Day, i.Index) }
