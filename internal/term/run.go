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
	// Ceased: this controller could not go on leading, most likely because another has
	// taken over.
	Ceased
)

const (
	// lastRequests bounds what is asked of the engine at the end.
	lastRequests = 2 * time.Second
	// drainLook is how often it is looked whether anybody is left.
	drainLook = 200 * time.Millisecond
	// lookRound is how often it is looked whether another controller had better lead:
	// when no node has been reached for outOfReach, in a term that is older than longEnough,
	// so that two controllers do not hand over to each other without end.
	lookRound  = time.Second
	outOfReach = 10 * time.Second
	longEnough = time.Minute
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
	began := time.Now()
	reached := began // when a node was reached last
	round := time.NewTicker(lookRound)
	defer round.Stop()
	for {
		select {
		case <-ctx.Done():
			if next, there := t.drain(p); there {
				return HandedOver, t.handOver(p, next)
			}
			return Ended, t.shutDown(p)
		case <-t.Lease.Asked():
			if next, there := t.successor(); there {
				return HandedOver, t.handOver(p, next)
			}
			t.Log.Error("a handover was asked for, and no other controller stands by")
		case now := <-round.C:
			if t.sw.Ready() == nil {
				reached = now
			}
			if now.Sub(reached) < outOfReach || now.Sub(began) < longEnough {
				continue
			}
			if next, there := t.successor(); there {
				t.Log.Error("no node can be reached from here; another controller may have more luck", zap.Duration("for", now.Sub(reached)))
				return HandedOver, t.handOver(p, next)
			}
		case <-p.lease.done:
		case <-p.store.done:
		case <-p.sw.done:
		case <-p.runner.done:
		case <-p.beside.done:
		}
		if p.anyDone() {
			return Ceased, t.stepDown(p)
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
	errs := []error{p.beside.end(), t.decideNoMore(p)}
	settle, cancel := context.WithTimeout(context.Background(), settleTimeout)
	t.sw.Yield(settle)
	cancel()
	given := errors.Join(p.store.end(), p.lease.end(), t.giveBack())
	took := time.Since(began)
	if given == nil { // else nobody comes before the lease has run out
		successor, cancel := context.WithTimeout(context.Background(), successorTimeout)
		t.sw.AwaitSuccessor(successor)
		cancel()
	}
	errs = append(errs, given, p.sw.end())
	t.Log.Info("handed over", zap.Duration("took", took), zap.Duration("replaced_after", time.Since(began)))
	return errors.Join(errs...)
}

// shutDown ends the term with nobody to go on: calls at the nodes go on.
func (t *Term) shutDown(p parts) error {
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
	return errors.Join(append(errs, p.beside.end(), t.decideNoMore(p), p.sw.end(), p.store.end(), p.lease.end(), t.giveBack())...)
}

// decideNoMore ends the runner.
func (t *Term) decideNoMore(p parts) error {
	err := p.runner.end()
	if t.Ceases != nil {
		t.Ceases()
	}
	return err
}

// drain returns who stands by, if anybody does. Else it serves those who are on the line and
// nobody else, until nobody is left, the time is up, or a part of the term has ended; or
// until another controller has come to go on.
func (t *Term) drain(p parts) (next redisstore.Controller, there bool) {
	if next, there = t.successor(); there || t.Drain <= 0 {
		return next, there
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.Drain)
	defer cancel()
	if err := t.runner.Request(ctx, acd.Drain{Prompts: t.DrainPrompts}); err != nil {
		return next, false // it has ended by itself
	}
	t.Log.Info("draining: who is on the line is served, nobody else is let in", zap.Duration("at_most", t.Drain))
	look, round := time.NewTicker(drainLook), time.NewTicker(lookRound)
	defer look.Stop()
	defer round.Stop()
	for !p.anyDone() {
		s, err := t.runner.Snapshot(ctx)
		if err == nil && s.Idle() {
			t.Log.Info("drained: nobody is on the line")
			return next, false
		}
		select {
		case <-look.C:
		case <-round.C:
			if next, there = t.successor(); there {
				return next, true
			}
		case <-ctx.Done():
			t.Log.Warn("not all calls have ended before the deadline; they stay at the nodes", zap.Int("calls", len(s.Calls)))
			return next, false
		}
	}
	return next, false
}

// stepDown ends the term of which a part has ended, most likely because another
// controller has taken over: nothing more is decided or commanded, and what has happened
// is still recorded.
func (t *Term) stepDown(p parts) error {
	errs := []error{p.beside.end(), t.decideNoMore(p), p.sw.end(), p.store.end(), p.lease.end()}
	return errors.Join(append(errs, t.giveBack())...)
}

func (t *Term) giveBack() error { return giveBack(t.Lease) }

func giveBack(lease *redisstore.Lease) error {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackTimeout)
	defer cancel()
	if err := lease.GiveBack(ctx); err != nil {
		return fmt.Errorf("give the lease back: %w", err)
	}
	return nil
}
