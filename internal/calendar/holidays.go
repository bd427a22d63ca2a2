package calendar

import (
	"fmt"
	"slices"
	"time"
)

// Kind says how a day leaves the week's pattern.
type Kind string

const (
	// Holiday is a day off, whatever its weekday.
	Holiday Kind = "holiday"
	// Workday is a day at the weekend that is worked to make up for a
	// holiday (调休).
	Workday Kind = "workday"
)

// SpecialDay is a day that leaves the week's pattern.
type SpecialDay struct {
	Day  Day
	Kind Kind
	Name string // for people, for example 国庆节
}

// Holidays are the special days of a country or an office. Every other day is
// a working day from Monday to Friday. A nil Holidays has no special days. It
// does not change and may be used from several goroutines.
type Holidays struct {
	list []SpecialDay // by day
	days map[Day]Kind
}

// NewHolidays makes Holidays of days in any order. It refuses a day that comes
// twice and a kind that is not one.
func NewHolidays(days []SpecialDay) (*Holidays, error) {
	h := &Holidays{list: slices.Clone(days), days: make(map[Day]Kind, len(days))}
	for _, d := range days {
		if d.Kind != Holiday && d.Kind != Workday {
			return nil, fmt.Errorf("%s is of the unknown kind %q", d.Day, d.Kind)
		}
		if _, twice := h.days[d.Day]; twice {
			return nil, fmt.Errorf("%s is given twice", d.Day)
		}
		h.days[d.Day] = d.Kind
	}
	slices.SortFunc(h.list, func(a, b SpecialDay) int { return a.Day.number() - b.Day.number() })
	return h, nil
}

// List are the special days in order. It is not to be changed.
func (h *Holidays) List() []SpecialDay {
	if h == nil {
		return nil
	}
	return h.list
}

// WorkingDay reports whether the day is worked.
func (h *Holidays) WorkingDay(day Day) bool {
	if h != nil {
		if kind, special := h.days[day]; special {
			return kind == Workday
		}
	}
	return fromMondayToFriday(day)
}

func fromMondayToFriday(day Day) bool {
	w := day.Weekday()
	return w != time.Saturday && w != time.Sunday
}

// WorkingDaysBetween counts the working days after from up to and including
// to, as a term of so many working days is counted. When to comes first, the
// count is that of the other order, negative.
func (h *Holidays) WorkingDaysBetween(from, to Day) int {
	if to.Before(from) {
		return -h.WorkingDaysBetween(to, from)
	}
	first, last := from.number()+1, to.number()
	count := weekdaysBefore(last+1) - weekdaysBefore(first)
	for _, special := range h.List() {
		if n := special.Day.number(); n < first || n > last {
			continue
		}
		switch usual := fromMondayToFriday(special.Day); {
		case usual && special.Kind == Holiday:
			count--
		case !usual && special.Kind == Workday:
			count++
		}
	}
	return count
}

// weekdaysBefore counts the days from Monday to Friday from a Monday long ago
// up to day number n, not included. Differences of it are what counts.
func weekdaysBefore(n int) int {
	const monday = 4 - 7*200_000 // 1970-01-05 was a Monday
	weeks, rest := (n-monday)/7, (n-monday)%7
	return weeks*5 + min(rest, 5)
}

// WorkingDayAfter is the n-th working day after the given day, which itself
// does not count. For n below 1 it is the day itself.
func (h *Holidays) WorkingDayAfter(day Day, n int) Day {
	for n > 0 {
		day = day.Next()
		if h.WorkingDay(day) {
			n--
		}
	}
	return day
}
