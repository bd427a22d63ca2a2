package calendar

import (
	"fmt"
	"time"
)

// Month is a calendar month, without a time zone. The zero Month is no month.
type Month struct {
	Year  int
	Month time.Month
}

// ParseMonth reads a month written YYYY-MM.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return Month{}, fmt.Errorf("%q is not a month: write it as year-month, for example 2026-11", s)
	}
	return Month{t.Year(), t.Month()}, nil
}

// Month is the month of the day.
func (d Day) Month() Month { return Month{d.year, d.month} }

// String writes the month as YYYY-MM.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

// MarshalText writes the month as YYYY-MM.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// First is the first day of the month.
func (m Month) First() Day { return NewDay(m.Year, m.Month, 1) }

// Last is the last day of the month.
func (m Month) Last() Day { return NewDay(m.Year, m.Month+1, 0) }

// Days are all days of the month, in order.
func (m Month) Days() []Day { return DaysBetween(m.First(), m.Last()) }

// AddMonths is the month n months later, or earlier when n is negative.
func (m Month) AddMonths(n int) Month { return NewDay(m.Year, m.Month+time.Month(n), 1).Month() }
