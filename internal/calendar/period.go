package calendar

import (
	"fmt"
	"strings"
	"time"
)

const minutesPerDay = 24 * 60

// Period is a part of a day as the clock on the wall shows it, from its first
// minute to the one that no longer belongs to it. It lasts from one minute to
// 24 hours and may end on the following day; it belongs to the day on which it
// begins. The zero Period is empty. Periods are comparable with ==.
type Period struct {
	// Minutes since midnight of the day on which the period begins:
	// 0 <= from < 1440, from < to <= from+1440.
	from, to int16
}

// ParsePeriod reads a period: "08:30-12:00", "14:00-24:00", and with +1 what
// ends on the following day: "22:00-06:00+1". An end before the beginning is an
// error without +1, since it is as likely a slip as a night. The error is a
// sentence "what is wrong; what to write".
func ParsePeriod(s string) (Period, error) {
	first, last, _ := strings.Cut(s, "-")
	last, overnight := strings.CutSuffix(last, "+1")
	from, ok1 := parseClock(first)
	to, ok2 := parseClock(last)
	if !ok1 || !ok2 || from == minutesPerDay {
		return Period{}, fmt.Errorf("%q is not a period; write two times with two digits each, for example 08:30-12:00, 14:00-24:00 or 22:00-06:00+1", s)
	}
	switch {
	case overnight && to > from:
		return Period{}, fmt.Errorf("%q lasts more than 24 hours; write %s-%s, or split it", s, first, last)
	case overnight:
		to += minutesPerDay
	case to == 0:
		return Period{}, fmt.Errorf("%q ends before it begins; write %s-24:00 for the midnight that ends the day", s, first)
	case to < from:
		return Period{}, fmt.Errorf("%q ends before it begins; correct it, or write %s+1 if it ends on the following day", s, s)
	case to == from:
		return Period{}, fmt.Errorf("%q is empty; write a later end, or %s+1 for 24 hours", s, s)
	}
	return Period{int16(from), int16(to)}, nil
}

// parseClock reads hh:mm, 00:00 to 24:00, as minutes.
func parseClock(s string) (minutes int, ok bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	minutes = hour*60 + minute
	return minutes, minute < 60 && minutes <= minutesPerDay
}

// String writes the period as ParsePeriod reads it.
func (p Period) String() string {
	to, suffix := p.to, ""
	if to > minutesPerDay {
		to, suffix = to-minutesPerDay, "+1"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d%s", p.from/60, p.from%60, to/60, to%60, suffix)
}

// Overlaps reports whether p and q, which begins the given number of days
// later, share a minute.
func (p Period) Overlaps(q Period, daysLater int) bool {
	shift := daysLater * minutesPerDay
	return int(p.from) < int(q.to)+shift && int(q.from)+shift < int(p.to)
}

// Hours are the periods of one day in any order; none means closed all day.
type Hours []Period

// contain reports whether a minute since midnight lies in a period.
func (h Hours) contain(minute int) bool {
	for _, p := range h {
		if int(p.from) <= minute && minute < int(p.to) {
			return true
		}
	}
	return false
}

var weekdayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// WeekdayName is the name of a weekday as ParseWeekdays reads it.
func WeekdayName(w time.Weekday) string { return weekdayNames[w] }

// ParseWeekdays reads a weekday, "sat", or several that follow one another,
// "mon-fri", also over the end of the week: "sat-mon". The error is a sentence
// "what is wrong; what to write".
func ParseWeekdays(s string) ([]time.Weekday, error) {
	first, last, several := strings.Cut(s, "-")
	from, ok := weekday(first)
	to := from
	if several {
		var ok2 bool
		to, ok2 = weekday(last)
		ok = ok && ok2 && to != from
	}
	if !ok {
		return nil, fmt.Errorf("%q is not a weekday; write mon, tue, wed, thu, fri, sat, sun or several such as mon-fri", s)
	}
	list := []time.Weekday{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		list = append(list, d)
	}
	return list, nil
}

func weekday(name string) (time.Weekday, bool) {
	for i, n := range weekdayNames {
		if n == name {
			return time.Weekday(i), true
		}
	}
	return 0, false
}
