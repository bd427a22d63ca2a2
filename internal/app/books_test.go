package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// bookkeeper is an engine and a store that say what is asked of them, and when.
type bookkeeper struct {
	t      *testing.T
	mu     sync.Mutex // of the following
	said   []string
	days   map[calendar.Day]error // open ones, and why they cannot be closed
	closed []calendar.Day
	rates  []string // as they were told, each with the number of days that are overdue
	rate   [2]int64
	known  []string // rates that were told as known
	down   error
}

func (k *bookkeeper) RollingDay(context.Context, time.Time) (offered, answered int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.rate[0], k.rate[1], k.down
}

func (k *bookkeeper) ConnectRate(offered, answered int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rates = append(k.rates, fmt.Sprintf("%s %d/%d", time.Now().UTC().Format("15:04"), answered, offered))
}

func (k *bookkeeper) knows(offered, answered int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = append(k.known, fmt.Sprintf("%d/%d", answered, offered))
}

func (k *bookkeeper) DaysOpen(days int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rates = append(k.rates, fmt.Sprintf("%s %d days", time.Now().UTC().Format("15:04"), days))
}

func (k *bookkeeper) account(_ context.Context, event acd.Event) error {
	what := "account "
	switch event.(type) {
	case acd.Account:
	case acd.EndRatings:
		what = "end ratings "
	default:
		k.t.Errorf("the engine is told %T", event)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said = append(k.said, what+time.Now().UTC().Format("15:04:05"))
	return nil
}

func (k *bookkeeper) OpenDays(context.Context) ([]calendar.Day, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var open []calendar.Day
	for day := range k.days {
		open = append(open, day)
	}
	return open, nil
}

func (k *bookkeeper) CloseDay(_ context.Context, day calendar.Day, now time.Time) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said = append(k.said, fmt.Sprintf("close %s %s", day, now.UTC().Format("15:04:05")))
	if err := k.days[day]; err != nil {
		return false, err
	}
	delete(k.days, day)
	k.closed = append(k.closed, day)
	return true, nil
}

func TestBooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from 2000-01-01 00:00 UTC on
		first := calendar.NewDay(1999, time.December, 31)
		k := &bookkeeper{t: t, days: map[calendar.Day]error{first: errors.New("calls go on"), first.AddDays(1): nil}}
		b := &books{store: k, meter: k, location: time.UTC, log: zaptest.NewLogger(t)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.run(ctx, k.account) }()
		time.Sleep(90 * time.Second)
		k.mu.Lock()
		k.days[first] = nil
		k.mu.Unlock()
		time.Sleep(16 * time.Minute)
		k.mu.Lock()
		want := []string{
			"account 00:01:00", "close 1999-12-31 00:01:00", // cannot be closed yet
			"account 00:02:00", "close 1999-12-31 00:02:00",
			"account 00:15:00",
		}
		if !slices.Equal(k.said, want) {
			t.Errorf("said %q\nwant %q", k.said, want)
		}
		// Today is not over.
		if !slices.Equal(k.closed, []calendar.Day{first}) {
			t.Errorf("closed %v", k.closed)
		}
		k.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// From an hour after its end on, a day that is not closed is warned of each hour, and told
// each minute.
func TestBooksWarnOfADayThatStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := calendar.NewDay(1999, time.December, 31)
		k := &bookkeeper{t: t, days: map[calendar.Day]error{first: errors.New("calls go on")}, rate: [2]int64{200, 190}}
		core, logged := observer.New(zap.WarnLevel)
		b := &books{store: k, meter: k, rate: k.knows, location: time.UTC, log: zap.New(core)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.run(ctx, k.account) }()
		time.Sleep(150*time.Minute + time.Second)
		var when []string
		for _, entry := range logged.All() {
			when = append(when, entry.Time.UTC().Format("15:04"))
			if fields := entry.ContextMap(); fields["day"] != "1999-12-31" || fields["error"] != "calls go on" {
				t.Errorf("%s: %v", entry.Message, fields)
			}
		}
		if !slices.Equal(when, []string{"01:00", "02:00"}) {
			t.Errorf("warned at %v", when)
		}
		k.mu.Lock()
		for _, want := range []string{"00:00 190/200", "00:01 190/200", "00:59 0 days", "01:00 1 days", "02:30 1 days"} {
			if !slices.Contains(k.rates, want) {
				t.Errorf("%q was not told: %q", want, k.rates)
			}
		}
		k.days[first], k.down = nil, errors.New("redis is away")
		k.mu.Unlock()
		time.Sleep(time.Minute)
		k.mu.Lock()
		if last := k.rates[len(k.rates)-2:]; !slices.Equal(last, []string{"02:31 0 days", "02:31 0/0"}) {
			t.Errorf("when it is closed: %q", last)
		}
		if len(k.known) != 151 || k.known[150] != "190/200" { // not while Redis is away
			t.Errorf("%d times: %q", len(k.known), k.known)
		}
		k.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
