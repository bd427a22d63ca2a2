package app

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
)

// component is a part of the program that runs until its context is done.
type component struct {
	name string
	run  func(context.Context) error
}

// runAll starts the components in order. When ctx is done, or one of them
// ends by itself, they are ended one after the other, the last first, so that
// who sends has ended before who receives.
func runAll(ctx context.Context, log *zap.Logger, components []component) error {
	type running struct {
		component
		stop  context.CancelFunc
		ended chan error
	}
	var started []running
	firstEnd := make(chan struct{}, len(components))
	for _, c := range components {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{component: c, stop: stop, ended: make(chan error, 1)}
		go func() {
			r.ended <- r.run(own)
			firstEnd <- struct{}{}
		}()
		started = append(started, r)
	}
	select {
	case <-ctx.Done():
		log.Info("shutting down; calls at the switch go on")
	case <-firstEnd:
		log.Error("a part of the program has ended by itself; shutting down")
	}
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.stop()
		if err := <-r.ended; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}
