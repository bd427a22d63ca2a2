package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
)

// NoDataError says that nothing was counted in a period, which is another thing than
// that no calls came.
type NoDataError struct {
	Period string
	Why    string
}

func (e *NoDataError) Error() string { return fmt.Sprintf("no data for %s: %s", e.Period, e.Why) }

func noDataOfDay(cfg *config.Config, day calendar.Day, now time.Time) error {
	today := calendar.DayOf(now, cfg.Location)
	why := fmt.Sprintf("nothing was counted for the site %s on that day; name another with --day", cfg.Site)
	switch {
	case day == today:
		why = fmt.Sprintf("nothing has been counted for the site %s today", cfg.Site)
	case today.Before(day):
		why = "that day has not begun; name another with --day"
	}
	return &NoDataError{day.String(), why}
}

// Coverage says of how many days of a period there are figures.
type Coverage struct {
	Closed int `json:"closed"` // they are what the period consists of
	Open   int `json:"open"`   // something was counted; they are not in the period's counters yet
	Empty  int `json:"without_data"`
	ToCome int `json:"to_come"`
}

func (c Coverage) String() string {
	text := fmt.Sprintf("%s closed, %d open, %d without data", Count(c.Closed, "day"), c.Open, c.Empty)
	if c.ToCome > 0 {
		text += fmt.Sprintf(", %d to come", c.ToCome)
	}
	return text
}

// VerifiedPeriod is a month or year that was compared with its parts.
type VerifiedPeriod struct {
	Days        Coverage
	Differences []string
}

// VerifyPeriod compares a month with its closed days, or a year with its months, and
// lists where they differ. It refuses a period without any data with a *NoDataError.
func VerifyPeriod(ctx context.Context, cfg *config.Config, month calendar.Month, year int) (VerifiedPeriod, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return VerifiedPeriod{}, err
	}
	defer func() { _ = store.Close() }()
	var found VerifiedPeriod
	err = store.Steady(ctx, func() error {
		found, err = verifyPeriod(ctx, cfg, store, month, year)
		return err
	})
	return found, err
}

func verifyPeriod(ctx context.Context, cfg *config.Config, store *redisstore.Store, month calendar.Month, year int) (found VerifiedPeriod, err error) {
	name, days := month.String(), month.Days()
	if year > 0 {
		name, days = fmt.Sprintf("%04d", year), calendar.DaysBetween(calendar.NewDay(year, time.January, 1), calendar.NewDay(year, time.December, 31))
	}
	if found.Days, err = coverage(ctx, store, days, calendar.DayOf(time.Now(), cfg.Location)); err != nil {
		return found, err
	}
	var differences []redisstore.Difference
	if year > 0 {
		differences, err = store.VerifyYear(ctx, year)
	} else {
		differences, err = store.VerifyMonth(ctx, month)
	}
	if err != nil {
		return found, err
	}
	found.Differences = sentences(differences)
	if len(differences) == 0 && found.Days.Closed == 0 && found.Days.Open == 0 {
		return found, noDataOfPeriod(ctx, cfg, store, name)
	}
	return found, nil
}

func coverage(ctx context.Context, store *redisstore.Store, days []calendar.Day, today calendar.Day) (c Coverage, err error) {
	closed, err := store.ClosedDays(ctx)
	if err != nil {
		return c, err
	}
	open, err := store.OpenDays(ctx)
	if err != nil {
		return c, err
	}
	for _, day := range days {
		switch {
		case slices.Contains(closed, day):
			c.Closed++
		case slices.Contains(open, day):
			c.Open++
		case today.Before(day):
			c.ToCome++
		default:
			c.Empty++
		}
	}
	return c, nil
}

func noDataOfPeriod(ctx context.Context, cfg *config.Config, store *redisstore.Store, name string) error {
	imported, err := store.ImportedYears(ctx)
	if err != nil {
		return err
	}
	why := fmt.Sprintf("no day of it was counted for the site %s; name another period", cfg.Site)
	for of := range imported {
		if of == name || strings.HasPrefix(of, name+"-") || strings.HasPrefix(name, of+"-") {
			why = fmt.Sprintf("no day of it was counted for the site %s, and the imported figures of %s have none to compare with", cfg.Site, of)
		}
	}
	return &NoDataError{name, why}
}

// Count writes a number of things: 1 day, 2 days.
func Count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
