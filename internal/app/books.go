package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/redisstore"
)

const (
	// closeEvery is how often it is tried to close days that are over.
	closeEvery = time.Minute
)

// bookStore is what books needs of the store.
type bookStore interface {
	OpenDays(ctx context.Context) ([]calendar.Day, error)
	CloseDay(ctx context.Context, day calendar.Day, now time.Time) (bool, error)
	RollingDay(ctx context.Context, now time.Time) (offered, answered int64, err error)
}

// bookMeter is told how the accounts stand.
type bookMeter interface {
	ConnectRate(offered, answered int64) // of the last 24 hours; none offered: not known
	DaysOpen(days int)                   // that should be closed and are not
}

// books keeps the accounts up to date: at each quarter-hour the agents' time up to
// then is counted, and a day is closed when its last call has ended. Each minute it
// tells the connect rate, and the days that are not closed though it is time.
type books struct {
	store    bookStore
	meter    bookMeter
	rate     func(offered, answered int64)          // is told the connect rate when it is known
	account  func(context.Context, acd.Event) error // to the engine
	location *time.Location
	log      *zap.Logger
	told     map[calendar.Day]string    // why a day is not closed, as it was logged last
	warned   map[calendar.Day]time.Time // when it was logged last that a day is overdue
}

// run keeps the accounts until ctx is done; account asks the engine.
func (b *books) run(ctx context.Context, account func(context.Context, acd.Event) error) error {
	b.account = account
	b.told, b.warned = make(map[calendar.Day]string), make(map[calendar.Day]time.Time)
	b.tellRate(ctx)
	quarter := time.NewTimer(untilNextInterval(time.Now()))
	defer quarter.Stop()
	tries := time.NewTicker(closeEvery)
	defer tries.Stop()
	// Not at once: callers whom the dialplan held since before midnight are to come first.
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-quarter.C:
			if err := b.account(ctx, acd.Account{}); err != nil && ctx.Err() == nil {
				b.log.Error("the agents' time of this quarter-hour is counted later", zap.Error(err))
			}
			quarter.Reset(untilNextInterval(now))
		case <-tries.C:
			b.closeDays(ctx)
			b.tellRate(ctx)
		}
	}
}

// untilNextInterval is never 0. Intervals of all time zones in use begin at the same moments.
func untilNextInterval(now time.Time) time.Duration {
	return now.Truncate(calendar.IntervalLength).Add(calendar.IntervalLength).Sub(now)
}

// closeDays closes the days that can be closed. Before, the agents' time up to now is
// counted, or that before midnight might be missing.
func (b *books) closeDays(ctx context.Context) {
	now := time.Now()
	today := calendar.DayOf(now, b.location)
	open, err := b.store.OpenDays(ctx)
	if err != nil {
		return // the store says so
	}
	overdue := 0
	for _, day := range open {
		if !day.Before(today) {
			continue
		}
		err := b.closeDay(ctx, day, now)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			delete(b.told, day)
			delete(b.warned, day)
			continue
		case b.told[day] != err.Error():
			b.told[day] = err.Error()
			b.logWhy(day, err)
		}
		if b.remind(day, now, err) {
			overdue++
		}
	}
	b.meter.DaysOpen(overdue)
}

// warnEvery is how often it is logged that a day is overdue.
const warnEvery = time.Hour

// remind warns that a day should be closed by now and reports whether that is so.
func (b *books) remind(day calendar.Day, now time.Time, why error) bool {
	since := now.Sub(day.End(b.location))
	if since < redisstore.Overdue {
		return false
	}
	if last, before := b.warned[day]; !before || now.Sub(last) >= warnEvery {
		b.warned[day] = now
		b.log.Warn("a day that ended more than an hour ago is not closed; its figures are not final", zap.Stringer("day", day),
			zap.Duration("ended_ago", since.Truncate(time.Second)), zap.Error(why))
	}
	return true
}

// tellRate tells the connect rate of the last 24 hours, or that it is not known.
func (b *books) tellRate(ctx context.Context) {
	offered, answered, err := b.store.RollingDay(ctx, time.Now())
	if err != nil {
		offered, answered = 0, 0 // the store says so, or hotline traffic verify
	} else if b.rate != nil {
		b.rate(offered, answered)
	}
	b.meter.ConnectRate(offered, answered)
}

func (b *books) closeDay(ctx context.Context, day calendar.Day, now time.Time) error {
	if err := b.account(ctx, acd.Account{}); err != nil {
		return fmt.Errorf("count the agents' time: %w", err)
	}
	closed, err := b.store.CloseDay(ctx, day, now)
	if closed {
		b.log.Info("the figures of a day are closed", zap.Stringer("day", day))
	}
	return err
}

func (b *books) logWhy(day calendar.Day, err error) {
	var differ *redisstore.DifferencesError
	if errors.As(err, &differ) {
		b.log.Error("a day is not closed: its counters are not those of its records; see hotline traffic verify", zap.Stringer("day", day), zap.Error(err))
		return
	}
	b.log.Info("a day is not closed yet", zap.Stringer("day", day), zap.Error(err))
}
