package app

import (
	"context"
	"sync"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
)

const (
	// watchEvery is the time between two looks when nobody follows, so that alerts begin
	// when they do and not when somebody asks.
	watchEvery = time.Second
	// watchBound is how long such a look may take.
	watchBound = 2 * time.Second
)

// watch keeps the alerts of this process. Whoever looks at the site feeds it: those who
// follow events, those who ask, and run.
type watch struct {
	snapshot func(context.Context) (acd.Snapshot, error)
	target   func() time.Duration
	faults   func() (nodes []alert.Node, store error, spools bool) // see desk

	mu      sync.Mutex
	tracker alert.Tracker // guarded by mu
	rate    alert.Rate    // guarded by mu; as it was measured last
}

// Alerts are those of a snapshot that was just taken.
func (w *watch) Alerts(s acd.Snapshot) []alert.Alert {
	look := alert.Look{Snapshot: s, Target: w.target()}
	var store error
	if look.Nodes, store, look.Spools = w.faults(); store != nil {
		look.Store = store.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	look.Rate = w.rate
	return w.tracker.See(look)
}

// ConnectRate takes what books have measured.
func (w *watch) ConnectRate(offered, answered int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rate = alert.Rate{Offered: offered, Answered: answered}
}

// run looks while this controller leads, until ctx is done.
func (w *watch) run(ctx context.Context) error {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
			bounded, cancel := context.WithTimeout(ctx, watchBound)
			if s, err := w.snapshot(bounded); err == nil {
				w.Alerts(s)
			}
			cancel()
		}
	}
}
