package asterisk

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/runner"
)

// node is one Asterisk: a connection that reads events, an owner goroutine
// that makes acd events of them, and workers that carry out commands.
type node struct {
	cfg   Node
	opt   Options
	log   *zap.Logger
	meter Meter

	rest  *client
	inbox *inbox
	lanes *lanes
	out   chan<- runner.SwitchEvent

	yield    <-chan struct{} // closed when another controller is to take over; see Switch.Yield
	parted   chan struct{}   // closed when no connection is kept any more
	resync   chan bool       // asks for a listing; true when events are known to be lost
	running  context.Context // Run's; set before any goroutine starts
	jobs     context.Context // of requests; outlives running by Options.Grace
	playback atomic.Int64    // number of the last playback

	patience time.Duration // owned by the connection loop: see proveFirst

	mu      sync.Mutex
	book    *book          // guarded by mu
	err     *NodeError     // guarded by mu; nil while the node can take calls
	deaf    time.Time      // guarded by mu; since when err is not nil; zero until it was nil once
	synced  bool           // guarded by mu; the first listing has been applied
	started time.Time      // owned by the connection loop: the node's startup time
	adopted []acd.Expected // owned by the owner goroutine; until the first listing
	caught  caught         // owned by the owner goroutine
	// lost are the calls that counted as lost when the node was last out of reach,
	// and are recorded; owned by the owner goroutine, until the first listing after it.
	lost map[acd.CallID]bool
}

func newNode(cfg Node, o Options, out chan<- runner.SwitchEvent, yield <-chan struct{}) *node {
	n := &node{
		cfg: cfg, opt: o, meter: o.Meter, out: out,
		log:   o.Log.With(zap.String("node", string(cfg.ID))),
		rest:  newClient(cfg, o),
		inbox: newInbox(o.MaxBacklog), lanes: newLanes(),
		yield: yield, parted: make(chan struct{}), resync: make(chan bool, 1), book: newBook(),
		err: &NodeError{Node: cfg.ID, Problem: Starting, Text: "not connected yet: connecting to " + cfg.URL},
	}
	if o.Enter != nil {
		n.rest.gate = n.mayCommand
	}
	// Playback ids of a controller that ran before must not occur again.
	n.playback.Store(time.Now().UnixMilli())
	return n
}

// mayCommand is the gate for commands. While nothing is heard of the node, another
// controller may have taken it over, and its calls with it.
func (n *node) mayCommand(ctx context.Context) error {
	n.mu.Lock()
	deaf := n.err != nil
	n.mu.Unlock()
	if deaf {
		return n.mayEnter(ctx, n.opt.RequestTimeout)
	}
	return n.opt.Gate(ctx)
}

// mayEnter asks Enter, and gives up when the node does not answer after patience.
func (n *node) mayEnter(ctx context.Context, patience time.Duration) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	until := time.Now().Add(patience)
	err := n.opt.Enter(ctx, func() time.Time {
		since := n.answering()
		if since.IsZero() && !time.Now().Before(until) {
			giveUp(context.DeadlineExceeded)
		}
		return since
	})
	if err != nil {
		return causeOr(ctx, err)
	}
	return nil
}

// answering is since when the node answers though nothing is heard of it; zero while it
// does not answer. Every command and connection of an outage goes by the same moment, so
// that only the first of them wait. A node that did not answer in between may have been
// out of reach together with Redis: then it is a later moment.
func (n *node) answering() time.Time {
	since := n.rest.answering()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !since.IsZero() && n.deaf.After(since) {
		return n.deaf
	}
	return since
}

// run serves the node until ctx is done; fail is told when another controller
// has taken over, for which nothing that waits is carried out any more.
func (n *node) run(ctx context.Context, fail context.CancelCauseFunc) {
	n.running = ctx
	jobs, cancelJobs := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelJobs()
	n.jobs = jobs
	defer n.rest.close()

	var wg sync.WaitGroup
	wg.Go(func() { n.own(ctx) })
	wg.Go(func() {
		defer close(n.parted)
		if replaced := n.stayConnected(ctx); replaced != nil {
			fail(replaced)
		}
	})
	n.lanes.start(n.opt.Workers)

	<-ctx.Done()
	n.lanes.close()
	if takenOver(ctx) != nil {
		cancelJobs()
	}
	grace := time.AfterFunc(n.opt.Grace, cancelJobs)
	defer grace.Stop()
	n.lanes.wait()
	wg.Wait()
}

// own is the owner goroutine: it alone turns the inbox into events.
func (n *node) own(ctx context.Context) {
	for {
		it, recovered, ok := n.inbox.pop(ctx)
		switch {
		case !ok:
			return
		case recovered:
			n.log.Error("more events were waiting than the limit allows; the rest was dropped and is made good by a listing",
				zap.Int("limit", n.opt.MaxBacklog))
			n.meter.SwitchGap(string(n.cfg.ID))
			n.askResync(true)
		case it.apply != nil:
			it.apply(it.at)
		default:
			n.wireEvent(it.at, it.event)
		}
	}
}

// emit hands events to the runner; it waits while the runner is busy, and
// gives up when the switch ends. Only the owner goroutine calls it.
func (n *node) emit(at time.Time, events ...acd.Event) {
	for _, ev := range events {
		select {
		case n.out <- runner.SwitchEvent{At: at, Event: ev}:
		case <-n.running.Done():
			return
		}
	}
}

// post lets the owner emit an event that a worker has brought about.
func (n *node) post(ev acd.Event) {
	n.inbox.post(func(at time.Time) { n.emit(at, ev) })
}

// askResync asks the connection loop for a listing.
func (n *node) askResync(lost bool) {
	select {
	case n.resync <- lost:
		return
	default:
	}
	if !lost {
		return
	}
	// A weaker request is waiting; replace it.
	select {
	case <-n.resync:
	default:
	}
	select {
	case n.resync <- true:
	default:
	}
}

func (n *node) problem() *NodeError {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// setProblem notes, logs and tells the engine why the node cannot be used; nil
// when it can.
func (n *node) setProblem(err *NodeError) {
	n.mu.Lock()
	before := n.err
	n.err = err
	// Under the lock, so that the engine hears it in the order in which it was.
	if err == nil && before != nil {
		n.post(acd.NodeReachable{Node: n.cfg.ID})
	} else if err != nil && before == nil {
		n.deaf = time.Now()
		n.post(acd.NodeUnreachable{Node: n.cfg.ID})
	}
	n.mu.Unlock()
	switch {
	case err == nil && before != nil:
		n.log.Info("the node is connected and takes calls", zap.String("url", n.cfg.URL))
		n.meter.SwitchConnected(string(n.cfg.ID), true)
	case err != nil && (before == nil || before.Problem != err.Problem):
		n.log.Error("the node cannot take calls", zap.String("why", err.Text))
		n.meter.SwitchConnected(string(n.cfg.ID), false)
	}
}

// yields reports whether another controller is to take over.
func (n *node) yields() bool {
	select {
	case <-n.yield:
		return true
	default:
		return false
	}
}

func (n *node) replaced() bool {
	err := n.problem()
	return err != nil && err.Problem == Replaced
}

// playbackID names the playback of a reply after its channel, so that its end finds back.
func (n *node) playbackID(kind, channel string) string {
	return kind + "_" + strconv.FormatInt(n.playback.Add(1), 36) + "_" + channel
}
