package bulletin

import (
	"time"

	"hotline/internal/calendar"
)

// Kind is which report it is.
type Kind string

// The kinds.
const (
	Daily   Kind = "daily"
	Monthly Kind = "monthly"
	Annual  Kind = "annual"
)

// Period is what a report is of.
type Period struct {
	Kind  Kind         `json:"kind"`
	First calendar.Day `json:"first"`
	Last  calendar.Day `json:"last"` // included
}

// Day is the period of a daily bulletin.
func Day(day calendar.Day) Period { return Period{Daily, day, day} }

// Month is the period of a monthly report.
func Month(month calendar.Month) Period { return Period{Monthly, month.First(), month.Last()} }

// Year is the period of an annual report.
func Year(year int) Period {
	return Period{Annual, calendar.NewDay(year, time.January, 1), calendar.NewDay(year, time.December, 31)}
}

// String writes the period as 2026-01-31, 2026-01 or 2026.
func (p Period) String() string {
	switch p.Kind {
	case Monthly:
		return p.First.Month().String()
	case Annual:
		return p.First.String()[:4]
	}
	return p.First.String()
}

// Against is in which relation a base stands to the period of the report.
type Against string

// The relations.
const (
	DayBefore   Against = "day_before"
	WeekBefore  Against = "week_before" // the same weekday
	MonthBefore Against = "month_before"
	YearBefore  Against = "year_before" // the same day, month or the whole year
)

// BasePeriod is an earlier period with which the report compares its own.
type BasePeriod struct {
	Against Against `json:"against"`
	Period  Period  `json:"period"`
}

// Bases are the periods with which p is compared; the last is that of year-on-year.
// The base of 29 February is 28 February.
func (p Period) Bases() []BasePeriod {
	year, month, day := p.First.Date()
	switch p.Kind {
	case Monthly:
		return []BasePeriod{
			{MonthBefore, Month(p.First.Month().AddMonths(-1))},
			{YearBefore, Month(calendar.Month{Year: year - 1, Month: month})},
		}
	case Annual:
		return []BasePeriod{{YearBefore, Year(year - 1)}}
	}
	if p.leap() {
		day--
	}
	return []BasePeriod{
		{DayBefore, Day(p.First.AddDays(-1))},
		{WeekBefore, Day(p.First.AddDays(-7))},
		{YearBefore, Day(calendar.NewDay(year-1, month, day))},
	}
}

// leap reports whether p is a day that the year before does not have.
func (p Period) leap() bool {
	_, month, day := p.First.Date()
	return p.Kind == Daily && month == time.February && day == 29
}
