package acd

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Engine holds the state of all calls, queues and agents of a site, and
// decides. It is not safe for concurrent use: one goroutine owns it.
type Engine struct {
	flow    Flow
	entries map[string]Entry
	reasons []NotReadyReason

	queues     map[QueueID]*queue
	queueOrder []*queue
	agents     map[AgentID]*agent
	seats      map[SeatID]*agent // who sits there; nil when free
	calls      map[CallID]*call
	leaving    map[LegID]*agent // legs that were hung up and may still be at a phone
	cutOff     map[NodeID]bool  // nodes that cannot be reached at present
	timers     *ordered[*timer]

	now   time.Time
	seq   uint64
	dirty []*queue // queues in which a match may have become possible

	out           Output
	touchedCalls  []*call
	touchedAgents []*agent
}

type queue struct {
	Queue
	waiting *ordered[*call]       // who waits and is not being offered
	ready   *ordered[*membership] // who may be offered a call, longest idle first
	members []*agent
	inQueue int // waiting, ringing or being connected
	talking int
	counts  QueueCounts
	dirty   bool
}

type call struct {
	CallStatus
	entry Entry
	held  bool   // the dialplan held the caller before a controller was there
	queue *queue // nil before it is offered
	flow  FlowState
	pos   position // in queue.waiting
	agent *agent   // whom it is offered to or talks with
	ring  timer
	pause timer // until the next offer, after one that the node could not carry out
	// measureFrom and measureKind belong to the offer in flight.
	measureFrom time.Time
	measureKind MeasureKind
	lifted      time.Time // when the agent answered
	ended       bool
	touched     bool
}

type agent struct {
	AgentStatus
	cfg         Agent
	memberships []*membership
	call        *call
	wrap        timer
	// leaving is the leg that was hung up and may still be at the phone; the
	// next offer waits until it has gone, or leave is due.
	leaving     LegID
	leavingSeat SeatID
	leave       timer
	freeAt      time.Time // when the present ready state began; for IdleGap
	touched     bool
}

// membership is an agent's place in one queue.
type membership struct {
	agent *agent
	queue *queue
	pos   position
}

// NewEngine makes an engine for a site with everybody logged out. It refuses a
// configuration that names an unknown queue, or names something twice.
func NewEngine(cfg Config, flow Flow) (*Engine, error) {
	if flow == nil {
		return nil, errors.New("acd: a call flow is needed")
	}
	e := &Engine{
		flow:    flow,
		entries: make(map[string]Entry, len(cfg.Entries)),
		reasons: slices.Clone(cfg.NotReadyReasons),
		queues:  make(map[QueueID]*queue, len(cfg.Queues)),
		agents:  make(map[AgentID]*agent, len(cfg.Agents)),
		seats:   make(map[SeatID]*agent, len(cfg.Seats)),
		calls:   make(map[CallID]*call),
		leaving: make(map[LegID]*agent),
		cutOff:  make(map[NodeID]bool),
		timers:  newTimers(),
	}
	for _, r := range cfg.NotReadyReasons {
		if slices.Contains(ReservedReasons, r.Name) || r.Name == "" {
			return nil, fmt.Errorf("acd: %q cannot be a reason for not ready: the name is reserved", r.Name)
		}
	}
	for _, q := range cfg.Queues {
		if err := e.addQueue(q); err != nil {
			return nil, err
		}
	}
	for _, entry := range cfg.Entries {
		if _, known := e.queues[entry.Queue]; !known {
			return nil, fmt.Errorf("acd: entry %s leads to the unknown queue %q", entry.Number, entry.Queue)
		}
		if _, twice := e.entries[entry.Number]; twice {
			return nil, fmt.Errorf("acd: entry %s is given twice", entry.Number)
		}
		e.entries[entry.Number] = entry
	}
	for _, seat := range cfg.Seats {
		if _, twice := e.seats[seat]; twice {
			return nil, fmt.Errorf("acd: seat %s is given twice", seat)
		}
		e.seats[seat] = nil
	}
	for _, a := range cfg.Agents {
		if err := e.addAgent(a); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *Engine) addQueue(q Queue) error {
	if _, twice := e.queues[q.ID]; twice {
		return fmt.Errorf("acd: queue %s is given twice", q.ID)
	}
	if q.RingTimeout <= 0 || q.WrapUp < 0 {
		return fmt.Errorf("acd: queue %s needs a ring timeout above 0 and a wrap-up of 0 or more", q.ID)
	}
	n := &queue{
		Queue: q,
		waiting: newOrdered(
			func(a, b *call) bool {
				if !a.Queued.Equal(b.Queued) {
					return a.Queued.Before(b.Queued)
				}
				return a.Seq < b.Seq
			},
			func(c *call) *position { return &c.pos },
		),
		ready: newOrdered(
			func(a, b *membership) bool {
				if !a.agent.IdleSince.Equal(b.agent.IdleSince) {
					return a.agent.IdleSince.Before(b.agent.IdleSince)
				}
				return a.agent.Agent < b.agent.Agent
			},
			func(m *membership) *position { return &m.pos },
		),
	}
	e.queues[q.ID] = n
	e.queueOrder = append(e.queueOrder, n)
	return nil
}

func (e *Engine) addAgent(cfg Agent) error {
	if _, twice := e.agents[cfg.ID]; twice {
		return fmt.Errorf("acd: agent %s is given twice", cfg.ID)
	}
	a := &agent{cfg: cfg}
	a.AgentStatus = AgentStatus{Agent: cfg.ID, Name: cfg.Name, Queues: slices.Clone(cfg.Queues), State: LoggedOut}
	a.wrap = timer{kind: wrapUpTimer, agent: a, pos: -1}
	a.leave = timer{kind: leaveTimer, agent: a, pos: -1}
	for _, id := range cfg.Queues {
		q, known := e.queues[id]
		if !known {
			return fmt.Errorf("acd: agent %s serves the unknown queue %q", cfg.ID, id)
		}
		a.memberships = append(a.memberships, &membership{agent: a, queue: q, pos: -1})
		q.members = append(q.members, a)
	}
	e.agents[cfg.ID] = a
	return nil
}

// Step takes one event that happened at now and says what to do. Time never
// runs backwards: an earlier now counts as the latest one seen.
func (e *Engine) Step(now time.Time, event Event) Output {
	if now.After(e.now) {
		e.now = now
	}
	e.runDue()
	e.handle(event)
	e.dispatch()
	return e.collect()
}

// NextDue is the earliest moment at which the engine needs a Tick; false when
// there is none.
func (e *Engine) NextDue() (time.Time, bool) {
	if e.timers.Len() == 0 {
		return time.Time{}, false
	}
	return e.timers.min().at, true
}

func (e *Engine) handle(event Event) {
	switch ev := event.(type) {
	case CallArrived:
		e.callArrived(ev)
	case CallPlayed:
		e.callPlayed(ev)
	case CallGone:
		e.callGone(ev)
	case LegRinging:
		e.legRinging(ev)
	case LegAnswered:
		e.legAnswered(ev)
	case LegGone:
		e.legGone(ev)
	case Connected:
		e.connected(ev)
	case ConnectFailed:
		e.connectFailed(ev)
	case SeatDialled:
		e.seatDialled(ev)
	case NodeDown:
		e.nodeDown(ev.Node)
	case NodeUnreachable:
		e.nodeUnreachable(ev.Node)
	case NodeReachable:
		e.nodeReachable(ev.Node)
	case Login:
		e.out.Err = asError(e.login(ev.Agent, ev.Seat))
	case Logout:
		e.out.Err = asError(e.logout(ev.Agent))
	case SetReady:
		e.out.Err = asError(e.setReady(ev.Agent))
	case SetNotReady:
		e.out.Err = asError(e.setNotReady(ev.Agent, ev.Reason))
	case Tick:
		// runDue has done it.
	}
}

// asError keeps a nil *RequestError from becoming a non-nil error.
func asError(err *RequestError) error {
	if err == nil {
		return nil
	}
	return err
}

func (e *Engine) runDue() {
	for e.timers.Len() > 0 {
		t := e.timers.min()
		if t.at.After(e.now) {
			return
		}
		e.timers.remove(t)
		switch t.kind {
		case ringTimer:
			e.ringTimedOut(t.call)
		case pauseTimer:
			e.await(t.call)
		case wrapUpTimer:
			e.wrapUpEnded(t.agent, t.at)
		case leaveTimer:
			e.legLeft(t.agent)
		}
		// What became possible at this moment happens before what is due later.
		e.dispatch()
	}
}

func (e *Engine) startTimer(t *timer, at time.Time) {
	e.timers.remove(t)
	t.at = at
	e.timers.add(t)
}

// mark notes that callers or agents of a queue have changed such that a match
// may have become possible.
func (e *Engine) mark(q *queue) {
	if !q.dirty {
		q.dirty = true
		e.dirty = append(e.dirty, q)
	}
}

// dispatch offers waiting callers to ready agents until no queue has both.
// Among queues that can be served it takes the caller who has waited longest,
// and of the agents the one idle longest.
func (e *Engine) dispatch() {
	for {
		var best *queue
		for _, q := range e.dirty {
			if q.waiting.Len() == 0 || q.ready.Len() == 0 {
				continue
			}
			if best == nil || best.waiting.less(q.waiting.min(), best.waiting.min()) {
				best = q
			}
		}
		if best == nil {
			break
		}
		e.offer(best.waiting.min(), best.ready.min().agent)
	}
	for _, q := range e.dirty {
		q.dirty = false
	}
	e.dirty = e.dirty[:0]
}

func (e *Engine) command(c Command) { e.out.Commands = append(e.out.Commands, c) }

func (e *Engine) measure(kind MeasureKind, q *queue, d time.Duration) {
	e.out.Measures = append(e.out.Measures, Measure{Kind: kind, Queue: q.ID, Value: max(d, 0)})
}

func (e *Engine) touchCall(c *call) {
	if !c.touched {
		c.touched = true
		e.touchedCalls = append(e.touchedCalls, c)
	}
}

func (e *Engine) touchAgent(a *agent) {
	if !a.touched {
		a.touched = true
		e.touchedAgents = append(e.touchedAgents, a)
	}
}

// collect turns what was touched into changes and hands over the output.
func (e *Engine) collect() Output {
	for _, c := range e.touchedCalls {
		c.touched = false
		if c.ended {
			e.out.Changes = append(e.out.Changes, Change{Ended: c.Call})
			continue
		}
		status := c.status()
		e.out.Changes = append(e.out.Changes, Change{Call: &status})
	}
	for _, a := range e.touchedAgents {
		a.touched = false
		a.freeAt = time.Time{} // whoever found no caller in this step is merely idle
		status := a.status()
		e.out.Changes = append(e.out.Changes, Change{Agent: &status})
	}
	clear(e.touchedCalls)
	clear(e.touchedAgents)
	e.touchedCalls, e.touchedAgents = e.touchedCalls[:0], e.touchedAgents[:0]
	out := e.out
	e.out = Output{}
	return out
}
