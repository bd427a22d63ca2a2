package acd

import (
	"errors"
	"fmt"
	"time"
)

// Engine holds the state of all calls, queues and agents of a site, and
// decides. It is not safe for concurrent use: one goroutine owns it.
type Engine struct {
	flow    Flow
	entries map[string]*entry
	reasons []NotReadyReason
	skills  map[SkillID]bool // that entries ask for or agents are configured with
	worth   time.Duration    // of one point of priority

	queues       map[QueueID]*queue
	queueOrder   []*queue
	agents       map[AgentID]*agent
	agentOrder   []*agent
	seats        map[SeatID]*agent // who sits there; nil when free
	calls        map[CallID]*call
	callbacks    map[CallbackID]*callback // those that have not ended
	promised     map[promise]*callback    // the same, by caller and queue
	lines        map[lineKey]*line
	partners     map[PartnerID]*partner
	partnerOrder []*partner
	leaving      map[LegID]*agent     // legs that were hung up and may still be at a phone
	cutOff       map[NodeID]bool      // nodes that cannot be reached at present
	reached      map[NodeID]bool      // nodes of which NodeReachable was told last
	caught       map[NodeID]time.Time // since when the dialplan of a node holds callers; see CallersCaught
	talked       *recent[AgentID]     // by caller: who talked with them last
	places       *recent[place]       // by caller: the place of one who gave up
	blocked      map[string]Block     // by caller
	emergency    []string             // prompts of the emergency announcement
	timers       *ordered[*timer]
	chance       chance

	admission      Admission
	promptsBlocked []string
	promptsDrain   []string
	draining       bool      // nobody is let in any more; of this controller only
	tokens         float64   // new calls that may be taken on at once,
	filled         time.Time // as of then

	now    time.Time
	alive  time.Time // of the former controller; see State
	seq    uint64    // of calls that entered a queue
	offers uint64    // made so far
	timed  uint64    // timers started so far
	dirty  []*line   // lines in which a match may have become possible
	rung   []*agent

	digit           string   // that a caller has pressed, while the flow is asked
	info            FlowInfo // for the flow, one at a time
	out             Output
	begun           bool // out holds already what Restore has asked for
	touchedCalls    []*call
	touchedAgents   []*agent
	touchedQueues   []*queue
	touchedPartners []*partner
	siteTouched     bool
	told            siteNumbers // as of the last Change of the site
}

// entry is a number that callers dial.
type entry struct {
	Entry
	skills string // skillsKey of its skills
}

type queue struct {
	Queue
	members []*agent // who serve it
	onDuty  int      // of members, those logged in,
	working int      // and those who are ready or with a caller
	ready   int      // and those who are ready
	inQueue int      // waiting, ringing or being connected
	talking int
	memory  QueueMemory
	touched bool
}

type call struct {
	CallStatus
	entry    *entry    // nil for a number that is not configured
	callback *callback // of which it is an attempt
	queue    *queue    // nil while it is in none

	rank   int64 // when it would have come without its priority, in ns since 1970
	line   *line // where it waits; nil when it may not be offered
	pos    position
	review timer // the next moment at which what it waits for changes

	referral *referral // nil until a rule asks for a partner
	rating   *rating   // nil until the caller is asked for one

	ring    timer
	rings   []ring // the offers in flight, or the conversation
	agent   *agent // who has lifted, or whose phone rings first
	ended   bool
	unseen  bool // not confirmed since it was taken over from a former controller
	touched bool
}

// ring is an offer in flight.
type ring struct {
	agent  *agent
	leg    LegID
	record int         // its place in the call's Offers
	kind   MeasureKind // what the time until it rings measures,
	from   time.Time   // and since when
}

type agent struct {
	AgentStatus
	cfg     Agent
	index   int               // in the configuration
	queues  []*queue          // of Queues
	levels  map[QueueID]Level // in all of them; neither map is changed once it is here, for snapshots share them
	skills  map[SkillID]Level
	members []*member // places in all lines that the agent can serve
	call    *call
	wrap    timer
	leave   timer     // until Leaving counts as gone
	leftAt  time.Time // when a leg that was hung up had gone; a controller that takes over does not know
	retired bool      // no longer configured; goes when the present call has ended
	freeAt  time.Time // when the present ready state began; for IdleGap
	touched bool
}

// NewEngine makes an engine for a site with everybody logged out. It refuses a
// configuration that is inconsistent, and names everything that is wrong.
func NewEngine(cfg Config, flow Flow) (*Engine, error) {
	if flow == nil {
		return nil, errors.New("acd: a call flow is needed")
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("acd: %w", err)
	}
	e := &Engine{
		flow:      flow,
		calls:     make(map[CallID]*call),
		callbacks: make(map[CallbackID]*callback),
		promised:  make(map[promise]*callback),
		leaving:   make(map[LegID]*agent),
		cutOff:    make(map[NodeID]bool),
		reached:   make(map[NodeID]bool),
		caught:    make(map[NodeID]time.Time),
		talked:    newRecent[AgentID](),
		places:    newRecent[place](),
		blocked:   make(map[string]Block),
		timers:    newTimers(),
		chance:    chance{cfg.Seed},
	}
	e.install(cfg)
	return e, nil
}

// Step takes one event that happened at now and says what to do. Time never
// runs backwards: an earlier now counts as the latest one seen. The next step
// uses the output's lists again, and changes what its Changes point at.
func (e *Engine) Step(now time.Time, event Event) Output {
	if !e.begun {
		e.out.reset()
	}
	e.begun = false
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
	case TalkFound:
		e.talkFound(ev)
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
	case LegHeld:
		e.legHeld(ev.Leg)
	case LegResumed:
		e.legResumed(ev.Leg)
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
	case CallersCaught:
		e.callersCaught(ev)
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
	case BlockCaller:
		e.out.Err = asError(e.block(ev))
	case UnblockCaller:
		e.out.Err = asError(e.unblock(ev))
	case Drain:
		e.drain(ev.Prompts)
	case SetEmergency:
		e.emergency, e.siteTouched = ev.Prompts, true
	case Reconfigure:
		e.out.Err = asError(e.reconfigure(ev.Config))
	case CallDigit:
		e.callDigit(ev)
	case CancelCallback:
		e.out.Err = asError(e.cancelCallback(ev.Callback))
	case ExtendWrapUp:
		e.out.Err = asError(e.extendWrapUp(ev.Agent, ev.By))
	case AssignSkills:
		e.out.Err = asError(e.assignSkills(ev))
	case ResetSkills:
		e.out.Err = asError(e.assignSkills(AssignSkills{Agent: ev.Agent}))
	case Prioritise:
		e.out.Err = asError(e.prioritise(ev))
	case MoveCall:
		e.out.Err = asError(e.moveCall(ev))
	case EndRatings:
		e.endRatings()
	case Account:
		e.accountAll()
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
		at := t.at // the timer may be started again
		e.timers.remove(t)
		switch t.kind {
		case ringTimer:
			e.ringTimedOut(t.call)
		case reviewTimer:
			e.settle(t.call)
		case callbackTimer:
			e.callbackDue(t.callback)
		case wrapUpTimer:
			e.wrapUpEnded(t.agent, at)
		case leaveTimer:
			e.legLeft(t.agent)
		case partnerRingTimer:
			e.partnerTimedOut(t.call)
		case partnerTimer:
			e.touchPartner(t.partner) // it may be rung again
		case ratingTimer:
			e.ratingDue(t.call)
		}
		// What became possible at this moment happens before what is due later, and
		// after all else that is due at it: it may concern somebody who is more due.
		if e.timers.Len() == 0 || e.timers.min().at.After(at) {
			e.dispatch()
		}
	}
}

func (e *Engine) startTimer(t *timer, at time.Time) {
	e.timers.remove(t)
	e.timed++
	t.at, t.seq = at, e.timed
	e.timers.add(t)
}

// mark notes that callers or agents of a line have changed such that a match
// may have become possible.
func (e *Engine) mark(l *line) {
	if !l.dirty {
		l.dirty = true
		e.dirty = append(e.dirty, l)
	}
}

// dispatch offers waiting callers to ready agents until no line has both. Among
// lines that can be served it takes the caller with the highest score, and for
// that caller the agents that the queue's strategy says.
func (e *Engine) dispatch() {
	for {
		var best *call
		for _, l := range e.dirty {
			if c := l.first(e.now); c != nil && (best == nil || e.before(c, best)) {
				best = c
			}
		}
		if best == nil {
			break
		}
		e.rung = best.line.takeAgents(best, e.now, best.queue.RingAtOnce, e.rung[:0])
		e.offer(best, e.rung)
	}
	for _, l := range e.dirty {
		l.dirty = false
	}
	e.dirty = e.dirty[:0]
	e.dispatchPartners()
}

// before reports whether a is to be served before b, of another line.
func (e *Engine) before(a, b *call) bool {
	if x, y := a.score(e.now), b.score(e.now); x != y {
		return x > y
	}
	return a.Seq < b.Seq
}

func (e *Engine) command(c Command) { e.out.Commands = append(e.out.Commands, c) }

func (e *Engine) measure(kind MeasureKind, q *queue, d time.Duration) {
	e.out.Measures = append(e.out.Measures, Measure{Kind: kind, Queue: q.ID, Value: max(d, 0)})
}
