package runner

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

const (
	// auditEvery is how often the engine's invariants are checked in production.
	auditEvery = 5 * time.Second
	// snapshotAge is how old a snapshot may be that is handed out again.
	snapshotAge = 100 * time.Millisecond
)

// ErrStopped answers requests once the runner has ended.
var ErrStopped = errors.New("the controller is shutting down")

// Options are what a Runner needs; Tracer, Gate and Begin may be left out.
type Options struct {
	Engine *acd.Engine
	Switch Switch
	Store  Store
	Meter  Meter
	// Tracer is told the calls that have ended, each once. Nil: nobody is.
	Tracer Tracer
	Log    *zap.Logger
	// Gate lets the engine go on: it returns when this controller is known to be the one
	// that leads, or the reason why it does not. Nil: it always leads.
	Gate func(ctx context.Context) error
	// Begin are events that the engine is told before any other.
	Begin []acd.Event
}

// Runner owns an engine and serves it until the switch has ended.
type Runner struct {
	engine *acd.Engine // owned by the goroutine in Run
	clock  *clock      // owned by the goroutine in Run
	wrong  bool        // the system's clock was set, and that was told; owned by the goroutine in Run
	sw     Switch
	store  Store
	meter  Meter
	tracer Tracer
	log    *zap.Logger
	gate   func(ctx context.Context) error
	begin  []acd.Event

	requests  chan request
	snapshots chan chan acd.Snapshot
	done      chan struct{}
	cached    acd.Snapshot // owned by the goroutine in Run
}

type request struct {
	event acd.Event
	reply chan error
}

// New makes a runner; Run starts it.
func New(o Options) *Runner {
	return &Runner{
		engine: o.Engine, sw: o.Switch, store: o.Store, meter: o.Meter, tracer: o.Tracer, log: o.Log, gate: o.Gate, begin: o.Begin,
		requests:  make(chan request),
		snapshots: make(chan chan acd.Snapshot),
		done:      make(chan struct{}),
	}
}

// Run serves until the switch has closed its events or ctx is done. Calls in
// progress are left as they are. It is called once. The error is the gate's.
func (r *Runner) Run(ctx context.Context) error {
	defer close(r.done)
	due := time.NewTimer(0)
	defer due.Stop()
	audit := time.NewTicker(auditEvery)
	defer audit.Stop()
	slew := time.NewTicker(slewEvery)
	defer slew.Stop()
	r.clock = newClock(time.Now())
	for _, event := range r.begin {
		r.step(time.Now(), event)
	}
	for {
		if next, ok := r.engine.NextDue(); ok {
			due.Reset(r.clock.until(next, time.Now()))
		} else {
			due.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case ev, open := <-r.sw.Events():
			if !open {
				return nil
			}
			if err := r.pass(ctx); err != nil {
				return err
			}
			r.step(ev.At, ev.Event)
		case req := <-r.requests:
			if err := r.pass(ctx); err != nil {
				req.reply <- ErrStopped
				return err
			}
			r.cached = acd.Snapshot{} // whoever asked shall see the effect
			req.reply <- r.step(time.Now(), req.event)
		case reply := <-r.snapshots:
			reply <- r.snapshot(r.clock.at(time.Now()))
		case now := <-due.C:
			if err := r.pass(ctx); err != nil {
				return err
			}
			r.step(now, acd.Tick{})
		case <-audit.C:
			r.audit()
		case now := <-slew.C:
			r.slew(now)
		}
	}
}

// pass waits until the engine may go on. What the engine would decide after another has
// taken over would be nobody's.
func (r *Runner) pass(ctx context.Context) error {
	if r.gate == nil {
		return nil
	}
	return r.gate(ctx)
}

// step takes the engine one event on and hands over what comes of it.
func (r *Runner) step(read time.Time, event acd.Event) error {
	out := r.engine.Step(r.clock.at(read), event)
	if len(out.Commands) > 0 {
		r.sw.Do(out.Commands)
	}
	if len(out.Changes)+len(out.Records)+len(out.Stints) > 0 {
		r.store.Append(out.Changes, out.Records, out.Stints)
	}
	if len(out.Records) > 0 && r.tracer != nil {
		r.tracer.Trace(out.Records)
	}
	for _, m := range out.Measures {
		r.meter.Measure(m)
	}
	for _, c := range out.Changes {
		r.logChange(c)
	}
	for _, record := range out.Records {
		r.logRecord(record)
	}
	return out.Err
}

func (r *Runner) snapshot(now time.Time) acd.Snapshot {
	if r.cached.At.IsZero() || now.Sub(r.cached.At) > snapshotAge {
		r.cached = r.engine.Snapshot(now)
	}
	return r.cached
}

func (r *Runner) audit() {
	for _, broken := range r.engine.Audit() {
		r.meter.Breach("engine")
		r.log.Error("an invariant of the engine is broken; please report it", zap.String("breach", broken))
	}
}

// slew follows the drift of the system's clock, and tells once when it was set.
func (r *Runner) slew(now time.Time) {
	ahead := r.clock.slew(now)
	wrong := ahead.Abs() > stepped
	if wrong && !r.wrong {
		r.log.Error("the system's clock was set while calls were going on; durations stay right, the times of records keep to the former clock until hotline is restarted",
			zap.Duration("ahead", ahead))
	}
	r.wrong = wrong
}

func (r *Runner) logChange(c acd.Change) {
	switch {
	case c.Call != nil:
		r.log.Debug("call moved on",
			zap.String("call", string(c.Call.Call)), zap.String("phase", string(c.Call.Phase)),
			zap.String("queue", string(c.Call.Queue)), zap.String("agent", string(c.Call.Agent)))
	case c.Agent != nil:
		r.log.Debug("agent changed state",
			zap.String("agent", string(c.Agent.Agent)), zap.String("state", string(c.Agent.State)),
			zap.String("reason", c.Agent.Reason), zap.String("call", string(c.Agent.Call)))
	}
}

func (r *Runner) logRecord(c acd.CallRecord) {
	r.log.Info("call ended",
		zap.String("call", string(c.Call)), zap.String("node", string(c.Node)),
		zap.String("caller", acd.Mask(c.Caller)), zap.String("queue", string(c.Queue)),
		zap.String("agent", string(c.Agent)), zap.String("result", string(c.Result)),
		zap.String("reason", string(c.Reason)), zap.Duration("wait", c.Wait()),
		zap.Duration("talk", c.Talk()), zap.Int("offers", len(c.Offers)))
}

// Request carries out what a person asks for: Login, Logout, SetReady or
// SetNotReady. A refusal is a *acd.RequestError.
func (r *Runner) Request(ctx context.Context, event acd.Event) error {
	req := request{event: event, reply: make(chan error, 1)}
	select {
	case r.requests <- req:
		return <-req.reply
	case <-r.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Snapshot is the state of everything, at most 100 ms old; after a Request it
// is newer than that request. It must not be changed: others may hold it too.
func (r *Runner) Snapshot(ctx context.Context) (acd.Snapshot, error) {
	reply := make(chan acd.Snapshot, 1)
	select {
	case r.snapshots <- reply:
		return <-reply, nil
	case <-r.done:
		return acd.Snapshot{}, ErrStopped
	case <-ctx.Done():
		return acd.Snapshot{}, ctx.Err()
	}
}
