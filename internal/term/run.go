package term

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/redisstore"
)

// How a term ended.
type Ending int

const (
	// Ended: nobody leads now. Calls at the nodes go on.
	Ended Ending = iota
	// HandedOver: another controller that stood by goes on with all calls.
	HandedOver
	// Lost: another controller has taken over already.
	Lost
)

const (
	// lastRequests bounds what is asked of the engine at the end.
	lastRequests = 2 * time.Second
	// drainLook is how often it is looked whether anybody is left.
	drainLook = 200 * time.Millisecond
	// settleTimeout bounds how long a successor waits for commands that were handed over.
	settleTimeout = 150 * time.Millisecond
	// giveBackTimeout bounds the last words to Redis.
	giveBackTimeout = time.Second
	// successorTimeout is how long the connections are kept for a successor to replace them.
	successorTimeout = 2 * time.Second
)

// part is a part of the term that runs until it is stopped.
type part struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // valid when done is closed
}

// start runs a part that does not end with ctx, but when it is stopped.
func start(ctx context.Context, name string, run func(context.Context) error) *part {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &part{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if err := run(ctx); err != nil {
			p.err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	return p
}

// end stops a part and waits for it.
func (p *part) end() error {
	p.stop()
	<-p.done
	return p.err
}

// parts are all that runs in a term.
type parts struct{ lease, store, sw, runner, beside *part }

// Run serves until ctx is done, the lease was asked for by a person and another
// controller stands by, or another has taken over. It is called once. The error says
// what was not orderly.
func (t *Term) Run(ctx context.Context) (Ending, error) {
	p := parts{
		lease:  start(ctx, "lease", t.Lease.Keep),
		store:  start(ctx, "store", t.Store.Run),
		sw:     start(ctx, "switch", t.sw.Run),
		runner: start(ctx, "runner", t.runner.Run),
	}
	p.beside = start(ctx, "books", func(ctx context.Context) error {
		if t.Beside == nil {
			<-ctx.Done()
			return nil
		}
		return t.Beside(ctx, t.runner.Request)
	})
	for {
		select {
		case <-ctx.Done():
			if next, there := t.successor(); there {
				return HandedOver, t.handOver(p, next)
			}
			return Ended, t.shutDown(p)
		case <-t.Lease.Asked():
			if next, there := t.successor(); there {
				return HandedOver, t.handOver(p, next)
			}
			t.Log.Error("a handover was asked for, and no other controller stands by")
		case <-p.lease.done:
		case <-p.store.done:
		case <-p.sw.done:
		case <-p.runner.done:
		case <-p.beside.done:
		}
		if p.anyDone() {
			return Lost, t.stepDown(p)
		}
	}
}

func (p parts) anyDone() bool {
	for _, one := range []*part{p.lease, p.store, p.sw, p.runner, p.beside} {
		select {
		case <-one.done:
			return true
		default:
		}
	}
	return false
}

func (t *Term) successor() (redisstore.Controller, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTimeout)
	defer cancel()
	return t.Lease.Successor(ctx)
}

// handOver lets another controller go on within a moment: nothing is decided any more,
// what was decided is carried out and written, and the connections stay until they are
// replaced, so that no caller finds the nodes without a controller.
func (t *Term) handOver(p parts, next redisstore.Controller) error {
	began := time.Now()
	t.Log.Info("handing over", zap.String("to", next.ID), zap.String("host", next.Host))
	errs := []error{p.beside.end(), p.runner.end()}
	settle, cancel := context.WithTimeout(context.Background(), settleTimeout)
	t.sw.Yield(settle)
	cancel()
	errs = append(errs, p.store.end(), p.lease.end(), t.giveBack())
	took := time.Since(began)
	successor, cancel := context.WithTimeout(context.Background(), successorTimeout)
	t.sw.AwaitSuccessor(successor)
	cancel()
	errs = append(errs, p.sw.end())
	t.Log.Info("handed over", zap.Duration("took", took), zap.Duration("replaced_after", time.Since(began)))
	return errors.Join(errs...)
}

// shutDown ends the term with nobody to go on: calls at the nodes go on.
func (t *Term) shutDown(p parts) error {
	if t.Drain > 0 {
		t.drain(p)
	}
	t.Log.Info("shutting down; calls at the nodes go on")
	ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
	defer cancel()
	var errs []error
	// Nobody will hear the key that a caller presses; and time up to now is accounted for.
	for _, event := range []acd.Event{acd.EndRatings{}, acd.Account{}} {
		if err := t.runner.Request(ctx, event); err != nil {
			errs = append(errs, fmt.Errorf("at the end: %w", err))
		}
	}
	return errors.Join(append(errs, p.beside.end(), p.runner.end(), p.sw.end(), p.store.end(), p.lease.end(), t.giveBack())...)
}

// drain serves those who are on the line and nobody else, until nobody is left, the time
// is up, or a part of the term has ended.
func (t *Term) drain(p parts) {
	ctx, cancel := context.WithTimeout(context.Background(), t.Drain)
	defer cancel()
	if err := t.runner.Request(ctx, acd.Drain{Prompts: t.DrainPrompts}); err != nil {
		return // it has ended by itself
	}
	t.Log.Info("draining: who is on the line is served, nobody else is let in", zap.Duration("at_most", t.Drain))
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for {
		s, err := t.runner.Snapshot(ctx)
		if err == nil && s.Idle() {
			t.Log.Info("drained: nobody is on the line")
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Log.Warn("not all calls have ended before the deadline; they stay at the nodes", zap.Int("calls", len(s.Calls)))
			return
		}
		if p.anyDone() {
			return
		}
	}
}

// stepDown ends the term of which a part has ended, most likely because another
// controller has taken over: nothing more is decided or commanded, and what has happened
// is still recorded.
func (t *Term) stepDown(p parts) error {
	errs := []error{p.beside.end(), p.runner.end(), p.sw.end(), p.store.end(), p.lease.end()}
	return errors.Join(append(errs, t.giveBack())...)
}

func (t *Term) giveBack() error {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTimeout)
	defer cancel()
	if err := t.Lease.GiveBack(ctx); err != nil {
		return fmt.Errorf("give the lease back: %w", err)
	}
	return nil
}
