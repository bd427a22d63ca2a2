package asterisk

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/runner"
)

// Switch is all Asterisk nodes together; it implements runner.Switch.
type Switch struct {
	nodes  map[acd.NodeID]*node
	order  []*node
	lanes  *lanes
	out    *backlog[runner.SwitchEvent]
	events chan runner.SwitchEvent
	log    *zap.Logger
}

var _ runner.Switch = (*Switch)(nil)

// New makes a switch; Run connects it. It fails only on bad options.
func New(o Options) (*Switch, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Switch{
		nodes:  make(map[acd.NodeID]*node, len(o.Nodes)),
		lanes:  newLanes(o.Workers),
		out:    newBacklog[runner.SwitchEvent](),
		events: make(chan runner.SwitchEvent, 64),
		log:    o.Log,
	}
	for _, n := range o.Nodes {
		node := newNode(n, o, s)
		s.nodes[n.ID] = node
		s.order = append(s.order, node)
	}
	return s, nil
}

// Events implements runner.Switch.
func (s *Switch) Events() <-chan runner.SwitchEvent { return s.events }

// Run connects all nodes and serves until ctx is done. Requests that were
// given before are finished; calls are left as they are.
func (s *Switch) Run(ctx context.Context) error {
	var nodes sync.WaitGroup
	for _, n := range s.order {
		nodes.Go(func() { n.run(ctx) })
	}
	stop := context.AfterFunc(ctx, s.out.close)
	defer stop()
	s.pump(ctx)
	nodes.Wait()
	s.lanes.close()
	for _, n := range s.order {
		n.rest.close()
	}
	close(s.events)
	return nil
}

// pump hands over what the nodes put out, until ctx is done.
func (s *Switch) pump(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.out.filled:
		}
		items, open := s.out.take()
		for _, item := range items {
			select {
			case s.events <- item:
			case <-ctx.Done():
				return
			}
		}
		if !open {
			return
		}
	}
}

func (s *Switch) emit(at time.Time, event acd.Event) {
	s.out.put(runner.SwitchEvent{At: at, Event: event})
}

// Do implements runner.Switch.
func (s *Switch) Do(commands []acd.Command) {
	for _, c := range commands {
		id, key := target(c)
		n := s.nodes[id]
		if n == nil {
			s.log.Error("a command for a node that is not configured", zap.String("node", string(id)))
			continue
		}
		n.prepare(c)
		s.lanes.do(key, func() { n.execute(c) })
	}
}

// Ready implements runner.Switch: nil when every node is connected.
func (s *Switch) Ready() error {
	var errs []error
	for _, n := range s.order {
		errs = append(errs, n.ready())
	}
	return errors.Join(errs...)
}

// Probe asks every node once whether it answers and accepts the password, so
// that a mistake is told at the start. The error is ErrUnauthorized or
// ErrUnreachable by errors.Is.
func (s *Switch) Probe(ctx context.Context) error {
	var errs []error
	for _, n := range s.order {
		_, err := n.info(ctx)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
