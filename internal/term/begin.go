package term

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/redisstore"
	"hotline/internal/runner"
)

// Options are what a term needs; Tracer, Drain, Ceases and Beside may be left out.
type Options struct {
	// Store is the one with which Lease was taken; nothing was appended to it yet.
	Store *redisstore.Store
	Lease *redisstore.Lease
	// Switch is how to reach the nodes; Begin sets Gate, Enter and Over.
	Switch asterisk.Options
	Engine acd.Config
	Flow   acd.Flow
	Meter  runner.Meter
	Tracer runner.Tracer
	Log    *zap.Logger
	// Drain is how long those on the line are served when the term ends and nobody stands
	// by, while new callers hear DrainPrompts and are let go; 0: it ends at once.
	Drain        time.Duration
	DrainPrompts []string
	// Ceases is told when nothing is decided any more, while the term is being ended.
	Ceases func()
	// Beside runs beside the runner, which it may ask, until its context is done.
	Beside func(ctx context.Context, request func(context.Context, acd.Event) error) error
}

// Term is one term of a controller as the leader of its site.
type Term struct {
	Options
	engine *acd.Engine // owned by the runner
	sw     *asterisk.Switch
	runner *runner.Runner
}

// Idle is the engine, for tests that look into it while everything stands still.
func (t *Term) Idle() *acd.Engine { return t.engine }

// clockSkew is by how much the clocks of two controllers may differ without a warning.
const clockSkew = time.Second

// Begin takes over what the former leader knew. Nothing has been asked of any node when
// it returns. The error says why the live state cannot be read, or which option is wrong;
// then the lease was given back.
func Begin(ctx context.Context, o Options) (*Term, error) {
	t, err := begin(ctx, o)
	if err != nil {
		return nil, errors.Join(err, giveBack(o.Lease))
	}
	return t, nil
}

func begin(ctx context.Context, o Options) (*Term, error) {
	now := time.Now().Round(0)
	state, err := o.Store.TakeOver(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("read the live state: %w", err)
	}
	if latest := state.Latest(); latest.After(now) {
		state.At = latest // no call ends before it came
		if ahead := latest.Sub(now); ahead > clockSkew {
			o.Log.Error("the clock of the former controller was ahead of this one's: durations of calls in progress are wrong by that; let both hosts follow one time server",
				zap.Duration("ahead", ahead))
		}
	}
	state, fitted := acd.Fit(state, o.Engine)
	state, mended := acd.Mend(state)
	for _, sentence := range append(fitted, mended...) {
		o.Log.Warn("the live state was put in order", zap.String("what", sentence))
	}
	if state.Alive = o.Lease.FormerAlive(); state.Alive.After(state.At) {
		state.Alive = state.At
	}
	for _, n := range o.Switch.Nodes {
		state.CutOff = append(state.CutOff, n.ID)
	}
	engine, err := acd.Restore(o.Engine, o.Flow, state)
	if err != nil {
		// Better to know nothing than not to lead: what goes on is found at the nodes.
		o.Log.Error("the live state cannot be gone on with; only what the nodes have goes on", zap.Error(err))
		if engine, err = acd.NewEngine(o.Engine, o.Flow); err != nil {
			return nil, err
		}
		o.Store.ForgetAll()
	}
	o.Switch.Gate, o.Switch.Enter = o.Lease.Wait, o.Lease.Confirm
	o.Switch.Over = o.Store.Counted
	sw, err := asterisk.New(o.Switch)
	if err != nil {
		return nil, err
	}
	expected := engine.Expect()
	sw.Adopt(expected)
	o.Log.Info("this controller leads", zap.Uint64("token", o.Lease.Token()), zap.Int("calls", len(expected)),
		zap.Time("former_alive", o.Lease.FormerAlive()))
	return &Term{Options: o, engine: engine, sw: sw, runner: runner.New(runner.Options{
		Engine: engine, Switch: sw, Store: o.Store, Meter: o.Meter, Tracer: o.Tracer, Log: o.Log, Gate: o.Lease.Wait, Begin: lostNodes(expected, o.Switch.Nodes, o.Log),
	})}, nil
}

// lostNodes are the nodes that have calls and are not configured any more: nobody will
// hear of their calls again.
func lostNodes(calls []acd.Expected, nodes []asterisk.Node, log *zap.Logger) (events []acd.Event) {
	told := map[acd.NodeID]bool{}
	for _, n := range nodes {
		told[n.ID] = true
	}
	for _, c := range calls {
		if !told[c.Node] {
			told[c.Node] = true
			log.Error("a node that has calls is not configured here: they count as lost, though they may go on; let all controllers of a site have the same nodes",
				zap.String("node", string(c.Node)))
			events = append(events, acd.NodeDown{Node: c.Node})
		}
	}
	return slices.Clip(events)
}

// Snapshot and Request are the runner's.
func (t *Term) Snapshot(ctx context.Context) (acd.Snapshot, error) { return t.runner.Snapshot(ctx) }

// Request carries out what a person asks for; see runner.Runner.
func (t *Term) Request(ctx context.Context, event acd.Event) error {
	return t.runner.Request(ctx, event)
}

// Ready lists why no calls can be taken, or that they cannot be accounted for.
func (t *Term) Ready() []error { return []error{t.sw.Ready(), t.Store.Ready()} }

// Problems are the nodes that take no calls, also while others do.
func (t *Term) Problems() []*asterisk.NodeError { return t.sw.Problems() }
