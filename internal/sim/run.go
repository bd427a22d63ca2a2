package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
	"hotline/internal/traffic"
)

// Engine is what is simulated: *acd.Engine, or a test's broken one.
type Engine interface {
	Step(now time.Time, event acd.Event) acd.Output
	NextDue() (time.Time, bool)
	Audit() []string
	Snapshot(now time.Time) acd.Snapshot
}

// Options are those of one run.
type Options struct {
	Seed uint64
	// By is the length of the rows of Result.Rows.
	By By
	// AuditEvery is after how many steps the invariants are checked; 0
	// means 100,000.
	AuditEvery int
	// Definitions say which figures are computed; nil: those of the scenario.
	Definitions *traffic.Definitions
	// Record, when set, is given every record.
	Record func(acd.CallRecord)
	// Flow, when set, replaces the standard call flow.
	Flow acd.Flow
	// Wrap, when set, may put something between the simulator and the engine.
	Wrap func(Engine) Engine
}

const (
	defaultAudit = 100_000
	// drain is how long after its end a scenario goes on for those who are
	// still there, or are to be called back.
	drain = 24 * time.Hour
	// checkEvery is after how many steps a run looks whether it is cancelled.
	checkEvery = 4096
	nodeID     = acd.NodeID("sim")
)

// run is one simulation. It is used once, by one goroutine.
type run struct {
	*Scenario
	opt    Options
	engine Engine
	direct *acd.Engine // the same; nil when it is wrapped
	plan   *plan
	rnd    *streams
	events agenda

	now       int64     // from the start
	instant   time.Time // the same as a time
	sources   []*source
	callers   []caller
	free      []int32 // slots of callers
	calls     []call
	freeCalls []int32
	recent    int // the slot of the call found last: most of a step is about one call
	legs      []leg
	freeLegs  []int32
	serial    uint64
	inUse     int                      // lines
	active    int                      // calls that were dialled and of which the engine has not given a record
	attempts  map[acd.CallID]int32     // calls of callbacks, by their slot
	listed    map[acd.CallbackID]int32 // callbacks that have not ended, by the person's slot
	over      []int32                  // persons whose callback has ended in this step
	lanes     *lanes
	priority  map[string]int // of entries
	people    []person
	agentSlot map[acd.AgentID]int32
	seats     []acd.SeatID // free ones, the last is taken next
	pending   int          // events that are about callers, not agents

	tally   *tally
	steps   int
	breach  error
	nextAud int
	idBuf   []byte
}

// Run simulates the scenario once. The error names an invariant that was
// broken, or what is wrong with the scenario.
func Run(ctx context.Context, s *Scenario, opt Options) (*Result, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if opt.Flow == nil {
		opt.Flow = callflow.Standard{}
	}
	engine, err := acd.NewEngine(s.Routing, opt.Flow)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if opt.AuditEvery == 0 {
		opt.AuditEvery = defaultAudit
	}
	if opt.Definitions == nil {
		if opt.Definitions, err = traffic.Define(s.Traffic); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
	}
	r := &run{
		Scenario: s, opt: opt, engine: engine, direct: engine, plan: newPlan(s), rnd: newStreams(opt.Seed),
		agentSlot: make(map[acd.AgentID]int32, len(s.Routing.Agents)), nextAud: opt.AuditEvery,
		attempts: make(map[acd.CallID]int32), listed: make(map[acd.CallbackID]int32), priority: make(map[string]int),
	}
	if opt.Wrap != nil {
		r.engine, r.direct = opt.Wrap(engine), nil
	}
	r.tally, r.lanes = newTally(r), newLanes(r)
	r.prepare()
	if err := r.loop(ctx); err != nil {
		return nil, fmt.Errorf("scenario %s, seed %d, at %s: %w", s.Name, opt.Seed,
			r.instant.In(s.Location).Format(time.DateTime), err)
	}
	return r.tally.result(), nil
}

func (r *run) prepare() {
	for i := len(r.Routing.Seats) - 1; i >= 0; i-- {
		r.seats = append(r.seats, r.Routing.Seats[i])
	}
	for i, a := range r.Routing.Agents {
		r.agentSlot[a.ID] = int32(i)
		p := person{id: a.ID, state: acd.LoggedOut}
		for _, q := range a.Queues {
			p.queues = append(p.queues, r.lanes.index[q])
		}
		r.people = append(r.people, p)
	}
	for _, e := range r.Routing.Entries {
		if e.Priority != 0 {
			r.priority[e.Number] = e.Priority
		}
	}
	r.planShifts(-1)
	r.planShifts(0)
	for _, d := range r.Duties {
		r.planDuty(r.agentSlot[d.Agent], int64(d.Begin), int64(d.End))
	}
	for i := range r.plan.begins {
		r.events.plan(r.plan.begins[i], dayBegins, int32(i), 0)
	}
	for i := range r.Arrivals {
		src := newSource(&r.Arrivals[i], i, r.plan, r.rnd)
		r.sources = append(r.sources, src)
		r.awaitArrival(int32(i))
	}
}

// loop takes what comes first, from the heap or from the engine's own timers,
// until nobody is left.
func (r *run) loop(ctx context.Context) error {
	end := r.plan.end()
	for r.breach == nil {
		if r.events.empty() || r.now >= end && r.active == 0 && r.pending == 0 && len(r.listed) == 0 || r.now >= end+int64(drain) {
			break
		}
		next := r.events.next()
		if due, ok := r.engine.NextDue(); ok {
			if at := r.plan.since(due); at < next.items[0].at {
				r.advance(max(at, r.now))
				step(r, acd.Tick{})
				continue
			}
		}
		e := next.pop()
		r.advance(e.at)
		r.happen(e)
		if r.steps%checkEvery == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if r.breach == nil {
		r.audit()
	}
	return r.breach
}

func (r *run) advance(to int64) {
	r.lanes.pass(to - r.now)
	r.now = to
	r.instant = r.plan.start.Add(time.Duration(to))
}

// fail ends the run.
func (r *run) fail(format string, args ...any) {
	if r.breach == nil {
		r.breach = fmt.Errorf(format, args...)
	}
}

// step takes the engine one event on, and lets the models react. It knows the
// event's type so that the engine, unless it is wrapped, can have the event
// without its being allocated.
func step[E acd.Event](r *run, event E) error {
	if r.direct != nil {
		return r.react(r.direct.Step(r.instant, event))
	}
	return r.react(r.engine.Step(r.instant, event))
}

// react lets the models do what comes of a step.
func (r *run) react(out acd.Output) error {
	r.steps++
	attempts := false
	for i := range out.Changes {
		switch change := &out.Changes[i]; {
		case change.Agent != nil:
			r.agentChanged(change.Agent)
		case change.Call != nil:
			r.callChanged(change.Call)
		case change.Callback != nil:
			r.callbackChanged(change.Callback)
		case change.Gone != nil && change.Gone.Kind == acd.KindCall:
			if c := r.callOf(acd.CallID(change.Gone.ID)); c != nil {
				r.lanes.leave(c)
				attempts = attempts || c.callback
			}
		}
	}
	for _, c := range out.Commands {
		r.carryOut(c)
	}
	for i := range out.Records {
		r.callEnded(&out.Records[i])
	}
	if attempts {
		for i := range out.Changes {
			if gone := out.Changes[i].Gone; gone != nil && gone.Kind == acd.KindCall {
				r.attemptEnded(acd.CallID(gone.ID))
			}
		}
	}
	for _, slot := range r.over {
		p := &r.callers[slot]
		p.listed--
		r.forget(p)
	}
	r.over = r.over[:0]
	if r.nextAud--; r.nextAud <= 0 {
		r.nextAud = r.opt.AuditEvery
		r.audit()
	}
	return out.Err
}

// audit checks the engine's invariants, and that nothing got lost between the
// engine and the harness: every call that was dialled is blocked, in progress
// or recorded once, and the engine's counts are those of the records.
func (r *run) audit() {
	if broken := r.engine.Audit(); len(broken) > 0 {
		r.breach = errors.New("an invariant of the engine is broken: " + strings.Join(broken, "; "))
		return
	}
	t := r.tally
	t.audits++
	if t.dialled != t.blocked+t.recorded+r.active {
		r.fail("calls got lost: dialled %d is not blocked %d + recorded %d + in progress %d", t.dialled, t.blocked, t.recorded, r.active)
	}
	s := r.engine.Snapshot(r.instant)
	if len(s.Calls) != r.active+len(r.attempts) {
		r.fail("calls got lost: the engine has %d calls, the lines carry %d and %d attempts to call back are known", len(s.Calls), r.active, len(r.attempts))
	}
	if len(s.Callbacks) != len(r.listed) {
		r.fail("callbacks got lost: the engine has %d, and %d have not ended", len(s.Callbacks), len(r.listed))
	}
	live := r.liveCounts(s.Calls)
	for i, q := range s.Queues {
		c, own := q.Counts, t.queues[i]
		own.add(live[i])
		offered := own.answered + own.abandoned + own.overflowed + own.waiting
		if c != (acd.QueueCounts{Offered: offered, Answered: own.answered, Abandoned: own.abandoned, Overflowed: own.overflowed, RONA: c.RONA}) || uint64(q.Waiting) != own.waiting {
			r.fail("queue %s: the engine counts %+v and %d waiting; records and calls in progress have offered %d, answered %d, abandoned %d, overflowed %d, waiting %d",
				q.Queue, c, q.Waiting, offered, own.answered, own.abandoned, own.overflowed, own.waiting)
		}
	}
}

// liveCounts counts the calls in progress in each queue, and the stays in
// queues that they have left.
func (r *run) liveCounts(calls []acd.CallStatus) []own {
	live := make([]own, len(r.Routing.Queues))
	for i := range calls {
		c := &calls[i]
		if c.Callback != "" {
			continue
		}
		for _, v := range c.Visits {
			live[r.tally.slot[v.Queue]].overflowed++
		}
		switch c.Phase {
		case acd.PhaseWaiting, acd.PhaseRinging, acd.PhaseAnswered, acd.PhaseJoining:
			live[r.tally.slot[c.Queue]].waiting++
		case acd.PhaseTalking, acd.PhaseRating:
			live[r.tally.slot[c.Queue]].answered++
		}
	}
	return live
}

func (r *run) happen(e event) {
	switch e.kind {
	case arrives:
		r.arrive(e)
	case redials:
		r.pending--
		r.redial(e)
	case played:
		r.pending--
		if c := &r.calls[e.slot]; c.plays == e.gen {
			_ = step(r, acd.CallPlayed{Call: c.id})
		}
	case givesUp, presses, misses, talkEnds, callerLeft:
		r.pending--
		if c := &r.calls[e.slot]; c.gen == e.gen {
			r.callEvent(c, e)
		}
	case rings, lifts, declines, bridged, calleeLeft:
		r.pending--
		if l := &r.legs[e.slot]; l.gen == e.gen {
			r.legEvent(l, e)
		}
	case dayBegins:
		r.planShifts(int(e.slot) + 1)
	case shiftBegins, shiftEnds, breakBegins, comesBack:
		r.agentEvent(&r.people[e.slot], e)
	}
}

// later schedules an event about a caller or a leg.
func (r *run) later(after time.Duration, k kind, slot int32, gen uint32) {
	r.pending++
	r.events.push(r.now+int64(after), k, slot, gen)
}
