package main

import (
	"context"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/lab"
)

const (
	walkEvery = 5 * time.Second  // how often the supervisor looks round
	setAside  = 15 * time.Second // how long an agent may stay set aside before
)

// supervise does for the people of the demo what a supervisor would: who was set not ready
// for not taking a call is made ready again after a while, or in the end nobody would be.
// What fails is tried again at the next walk.
func supervise(ctx context.Context, l *lab.Lab) {
	walk := time.NewTicker(walkEvery)
	defer walk.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-walk.C:
		}
		s, err := l.Client.Snapshot(ctx)
		if err != nil {
			continue
		}
		for _, a := range s.Agents {
			aside := a.Reason != acd.ReasonLogin && slices.Contains(acd.ReservedReasons, a.Reason)
			if a.State == acd.NotReady && aside && a.InState.Duration() > setAside {
				_, _ = l.Client.SetReady(ctx, a.ID)
			}
		}
	}
}
