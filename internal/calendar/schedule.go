package calendar

import (
	"slices"
	"time"
)

// SearchLimit is how far ahead NextChange and NextOpening look.
const SearchLimit = 400 * 24 * time.Hour

// Rules say when something is open. What is more particular wins: exceptions
// over holidays, holidays over the week.
type Rules struct {
	// Week has the hours of each weekday, by time.Weekday.
	Week [7]Hours
	// Holidays are days that leave the week's pattern; nil: none do.
	Holidays *Holidays
	// OnHolidays are the hours of a day of kind Holiday.
	OnHolidays Hours
	// OnWorkdays are the hours of a day of kind Workday.
	OnWorkdays Hours
	// Exceptions are the hours of single days.
	Exceptions map[Day]Hours
}

// Schedule tells open from closed at any moment: open while the clock on the
// wall shows a time that lies in a period of the day, or in one of the day
// before that goes on past midnight. So where daylight saving skips an hour,
// a period of that hour is left out, and where it repeats one, a period of that
// hour comes twice. A closed day does not end the night that began before it.
//
// A nil Schedule and the zero Schedule are always open. A Schedule does not
// change and may be used from several goroutines.
type Schedule struct {
	loc       *time.Location // nil: always open
	week      [7]Hours
	days      map[Day]Hours // exceptions and holidays
	overnight bool          // some period ends on a following day
}

// NewSchedule makes the schedule of rules in the time zone loc, which is not
// nil. Overlapping periods are open where any of them is.
func NewSchedule(loc *time.Location, rules Rules) *Schedule {
	s := &Schedule{loc: loc, days: make(map[Day]Hours)}
	for w, hours := range rules.Week {
		s.week[w] = s.keep(hours)
	}
	onHolidays, onWorkdays := s.keep(rules.OnHolidays), s.keep(rules.OnWorkdays)
	for _, special := range rules.Holidays.List() {
		if special.Kind == Workday {
			s.days[special.Day] = onWorkdays
		} else {
			s.days[special.Day] = onHolidays
		}
	}
	for day, hours := range rules.Exceptions {
		s.days[day] = s.keep(hours)
	}
	return s
}

// keep copies hours, and notes whether they go on past midnight.
func (s *Schedule) keep(hours Hours) Hours {
	s.overnight = s.overnight || slices.ContainsFunc(hours, func(p Period) bool { return p.to > minutesPerDay })
	return slices.Clone(hours)
}

// LongestClosed is the longest stretch of a week without holidays and
// exceptions in which it is closed; a whole week if it never opens. Days count
// as 24 hours.
func (s *Schedule) LongestClosed() time.Duration {
	if s.AlwaysOpen() {
		return 0
	}
	const minutesPerWeek = 7 * minutesPerDay
	var open [minutesPerWeek]bool
	for w, hours := range s.week {
		for _, p := range hours {
			for m := p.from; m < p.to; m++ {
				open[(w*minutesPerDay+int(m))%minutesPerWeek] = true
			}
		}
	}
	longest, stretch := 0, 0
	for m := range 2 * minutesPerWeek { // a second week, for what goes on past the end of the first
		if stretch++; open[m%minutesPerWeek] {
			stretch = 0
		}
		longest = max(longest, stretch)
	}
	return time.Duration(min(longest, minutesPerWeek)) * time.Minute
}

// AlwaysOpen reports whether the schedule has no rules at all.
func (s *Schedule) AlwaysOpen() bool { return s == nil || s.loc == nil }

// Open reports whether it is open at the given moment. It allocates nothing.
func (s *Schedule) Open(at time.Time) bool {
	if s.AlwaysOpen() {
		return true
	}
	local := at.In(s.loc)
	today, yesterday := s.hoursAround(local)
	minute := local.Hour()*60 + local.Minute()
	return today.contain(minute) || yesterday.contain(minute+minutesPerDay)
}

// hoursAround are the hours of the day of local, and those of the day before
// if any may go on past midnight.
func (s *Schedule) hoursAround(local time.Time) (today, yesterday Hours) {
	y, m, d := local.Date()
	day, w := Day{y, m, d}, local.Weekday()
	today = s.hoursOf(day, w)
	if s.overnight {
		yesterday = s.hoursOf(day.AddDays(-1), (w+6)%7)
	}
	return today, yesterday
}

func (s *Schedule) hoursOf(day Day, w time.Weekday) Hours {
	if hours, special := s.days[day]; special {
		return hours
	}
	return s.week[w]
}

// NextChange is the first moment after at when Open gives another answer than
// at that moment. It reports false when there is none within SearchLimit.
func (s *Schedule) NextChange(at time.Time) (time.Time, bool) {
	if s.AlwaysOpen() {
		return time.Time{}, false
	}
	t := at.In(s.loc).Round(0) // without the monotonic clock
	open, limit := s.Open(t), t.Add(SearchLimit)
	for {
		t = s.nextEdge(t)
		if t.After(limit) {
			return time.Time{}, false
		}
		if s.Open(t) != open {
			return t, true
		}
	}
}

// NextOpening is the first moment from at on when it is open: at itself when
// it is open then. It reports false when there is none within SearchLimit.
func (s *Schedule) NextOpening(at time.Time) (time.Time, bool) {
	if s.Open(at) {
		return at, true
	}
	return s.NextChange(at)
}

// nextEdge is the first moment after t when the clock on the wall reaches
// midnight or an end of a period, or is put forward or back. In between Open
// does not change.
func (s *Schedule) nextEdge(t time.Time) time.Time {
	shown := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute +
		time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	edge := 24 * time.Hour
	closer := func(minute int16) {
		if e := time.Duration(minute) * time.Minute; e > shown && e < edge {
			edge = e
		}
	}
	today, yesterday := s.hoursAround(t)
	for _, p := range today {
		closer(p.from)
		closer(p.to)
	}
	for _, p := range yesterday {
		closer(p.to - minutesPerDay)
	}
	next := t.Add(edge - shown)
	if _, change := t.ZoneBounds(); !change.IsZero() && change.Before(next) {
		return change
	}
	return next
}
