package asterisk

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/runner"
)

// eventsBuffer is how many events wait in the channel for the runner; behind
// it stand the nodes' inboxes.
const eventsBuffer = 1024

// Switch is a telephone switch of one or more Asterisk nodes.
type Switch struct {
	log    *zap.Logger
	nodes  map[acd.NodeID]*node
	order  []*node
	events chan runner.SwitchEvent
	yield  chan struct{} // closed by Yield
}

var _ runner.Switch = (*Switch)(nil)

// New makes a switch; Run connects it.
func New(o Options) (*Switch, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Switch{
		log: o.Log, nodes: map[acd.NodeID]*node{},
		events: make(chan runner.SwitchEvent, eventsBuffer), yield: make(chan struct{}),
	}
	for _, cfg := range o.Nodes {
		n := newNode(cfg, o, s.events, s.yield)
		s.nodes[cfg.ID] = n
		s.order = append(s.order, n)
	}
	return s, nil
}

// Events is where everything arrives; it is closed when Run returns.
func (s *Switch) Events() <-chan runner.SwitchEvent { return s.events }

// Run connects the nodes and serves until ctx is done; then it carries out
// what was handed over before, for Options.Grace at most. It is called once.
//
// It ends by itself, with a *NodeError of the problem Replaced, as soon as
// another controller has taken over any one of the nodes: two controllers
// would give the same agents different callers.
func (s *Switch) Run(ctx context.Context) error {
	defer close(s.events)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var wg sync.WaitGroup
	for _, n := range s.order {
		wg.Go(func() { n.run(ctx, fail) })
	}
	wg.Wait()
	if replaced := takenOver(ctx); replaced != nil {
		return replaced
	}
	return nil
}

// Yield makes way for another controller, which is to take over the calls as they are.
// From now on no connection is made, and one that the other replaces is no failure. It
// returns when all commands that were handed over have been carried out, or ctx is done.
//
// The connections stay, so that Asterisk goes on taking callers into the application;
// what it tells is for the other to find out. See AwaitSuccessor. It is called once.
func (s *Switch) Yield(ctx context.Context) {
	close(s.yield)
	for _, n := range s.order {
		select {
		case <-n.lanes.whenIdle():
		case <-ctx.Done():
		}
	}
}

// AwaitSuccessor returns when another controller has replaced every connection, or ctx is
// done. It comes after Yield.
func (s *Switch) AwaitSuccessor(ctx context.Context) {
	for _, n := range s.order {
		select {
		case <-n.parted:
		case <-ctx.Done():
		}
	}
}

// takenOver returns the error with which another controller has ended ctx, or nil.
func takenOver(ctx context.Context) *NodeError {
	var replaced *NodeError
	errors.As(context.Cause(ctx), &replaced)
	return replaced
}

// Ready says why no call can be taken, or nil as soon as one node can and no
// other controller has taken over. The error holds a *NodeError for each node.
func (s *Switch) Ready() error {
	var errs []error
	usable, replaced := false, false
	for _, n := range s.order {
		err := n.problem()
		if err == nil {
			usable = true
			continue
		}
		replaced = replaced || err.Problem == Replaced
		errs = append(errs, err)
	}
	if usable && !replaced {
		return nil
	}
	return errors.Join(errs...)
}

// Nodes is how many nodes are configured.
func (s *Switch) Nodes() int { return len(s.order) }

// Problems lists the nodes that cannot be used at present.
func (s *Switch) Problems() []*NodeError {
	var list []*NodeError
	for _, n := range s.order {
		if err := n.problem(); err != nil {
			list = append(list, err)
		}
	}
	return list
}

// Probe asks every node once whether it answers and accepts the password, so
// that a mistake is told at the start. The errors are *NodeError.
func (s *Switch) Probe(ctx context.Context) error {
	var errs []error
	for _, n := range s.order {
		if err := n.rest.do(ctx, get("asterisk/info", "/asterisk/info"), nil); err != nil {
			errs = append(errs, nodeError(n.cfg, err))
		}
	}
	return errors.Join(errs...)
}

// Do hands commands over and returns at once.
func (s *Switch) Do(commands []acd.Command) {
	for _, c := range commands {
		id := commandNode(c)
		n := s.nodes[id]
		if n == nil {
			s.log.Error("a command for a node that is not configured was not carried out",
				zap.String("node", string(id)), zap.String("command", commandName(c)))
			continue
		}
		n.do(c)
	}
}
