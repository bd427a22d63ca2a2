package acd

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"time"
)

// pendingLogout stands in AgentStatus.Pending; any other value there is a
// reason for not ready.
const pendingLogout = "logout"

// MaxWrapUpExtension is the most by which one request extends wrap-up.
const MaxWrapUpExtension = 30 * time.Minute

const (
	// leaveBound is how long the next offer waits for the former leg to be gone.
	leaveBound = 3 * time.Second
	// putDownBound is how long after that a phone may say that it is busy without the agent
	// being set aside: the end of the former call and the next one take different ways
	// through a network or a proxy, and the later may come first. The phone is rung again
	// after putDownPause.
	putDownBound, putDownPause = 2 * time.Second, 500 * time.Millisecond
)

// setState moves an agent to a state and into or out of the ready sets of the
// agent's queues. Only ready() makes an agent Ready.
func (e *Engine) setState(a *agent, state AgentState, reason string) {
	switch a.State {
	case Ready:
		for _, m := range a.members {
			m.line.ready.remove(m)
		}
		a.Idle += e.now.Sub(a.Since)
	case Talking, WrapUp:
		a.OnContact += e.now.Sub(a.Since)
	}
	e.account(a)
	a.countDuty(state)
	a.State, a.Reason, a.Since = state, reason, e.now
	a.freeAt = time.Time{}
	e.touchAgent(a)
	if state == NotReady || state == LoggedOut {
		e.unprefer(a)
	}
}

// account tells the agent's time in the present state, as far as it has not been
// told yet.
func (e *Engine) account(a *agent) {
	from := a.Since
	if a.Accounted.After(from) {
		from = a.Accounted
	}
	if a.State == LoggedOut || !e.now.After(from) {
		return
	}
	a.Accounted = e.now
	e.out.Stints = append(e.out.Stints, Stint{
		Version: RecordVersion, Agent: a.Agent, Seat: a.Seat, State: a.State, Reason: a.Reason, From: from, To: e.now,
	})
	e.touchAgent(a)
}

// accountAll does so for everybody who is logged in.
func (e *Engine) accountAll() {
	for _, a := range e.agentOrder {
		e.account(a)
	}
}

// countDuty keeps count of those on duty, working and ready in the agent's queues.
func (a *agent) countDuty(state AgentState) {
	for _, q := range a.queues {
		q.tally(a.State, -1)
		q.tally(state, 1)
	}
}

func (q *queue) tally(state AgentState, by int) {
	switch state {
	case LoggedOut:
		return
	case Ready:
		q.ready += by
		q.working += by
	case Ringing, Talking, WrapUp:
		q.working += by
	}
	q.onDuty += by
}

// available reports whether the agent may be rung.
func (a *agent) available() bool { return a.State == Ready && a.Leaving == "" }

// occupancy since login: on-contact / (on-contact + idle), 0 to 1. Contact is
// talk and wrap-up.
func (a *agent) occupancy(now time.Time) float64 {
	idle := a.Idle
	if a.State == Ready {
		idle += now.Sub(a.Since)
	}
	if a.OnContact+idle == 0 {
		return 0
	}
	return float64(a.OnContact) / float64(a.OnContact+idle)
}

// ready makes an agent ready, last in the order of the idle. free is when the
// agent became free: the moment that was due, for a timer.
func (e *Engine) ready(a *agent, free time.Time) {
	e.readySince(a, e.now)
	a.freeAt = free
}

// readySince makes an agent ready who has been idle since the given time.
func (e *Engine) readySince(a *agent, idle time.Time) {
	e.setState(a, Ready, "")
	a.IdleSince = idle
	if a.available() {
		e.enterAll(a)
	}
}

// enterAll puts a ready agent into the order of all lines that the agent can serve.
func (e *Engine) enterAll(a *agent) {
	for _, m := range a.members {
		e.enter(m)
	}
}

// legLeaves notes that the agent's leg was hung up: until it has gone from the
// phone, another call would find the line busy, or ring in the first one's ear.
func (e *Engine) legLeaves(a *agent, leg LegID) { e.legLeavesBy(a, leg, e.now.Add(leaveBound)) }

// legLeavesBy is legLeaves; the leg counts as gone at a moment at the latest.
func (e *Engine) legLeavesBy(a *agent, leg LegID, by time.Time) {
	if former := e.leaving[leg]; former != nil && former != a {
		e.legLeft(former) // had sat where the leg was thought to be
	}
	if a.Leaving != "" {
		delete(e.leaving, a.Leaving)
	}
	a.Leaving, a.LeavingSeat = leg, a.Seat
	e.leaving[leg] = a
	a.LeaveBy = by
	e.startTimer(&a.leave, a.LeaveBy)
	e.touchAgent(a)
}

// inheritLeg hands a leg that is still at the seat's phone over to the agent
// who has just sat down there.
func (e *Engine) inheritLeg(a *agent) {
	for leg, former := range e.leaving {
		if former != a && former.LeavingSeat == a.Seat {
			by := former.LeaveBy
			e.legLeft(former)
			e.legLeavesBy(a, leg, by)
			return
		}
	}
}

// legLeft lets the agent be offered calls again.
func (e *Engine) legLeft(a *agent) {
	e.timers.remove(&a.leave)
	delete(e.leaving, a.Leaving)
	a.Leaving, a.LeavingSeat, a.LeaveBy = "", "", time.Time{}
	e.touchAgent(a)
	if a.State == Ready {
		a.freeAt = e.now
		e.enterAll(a)
	}
}

// takePending applies what was asked for during a call; it reports whether
// there was something.
func (e *Engine) takePending(a *agent) bool {
	pending := a.Pending
	a.Pending = ""
	switch pending {
	case "":
		return false
	case pendingLogout:
		e.leaveSeat(a)
	default:
		e.setState(a, NotReady, pending)
	}
	return true
}

func (e *Engine) leaveSeat(a *agent) {
	e.setState(a, LoggedOut, "")
	e.seats[a.Seat] = nil
	a.Seat = ""
	a.AgentStatus.Answered = 0
	a.OnContact, a.Idle, a.LastOffer = 0, 0, 0
	a.IdleSince = time.Time{}
	if a.retired {
		e.forgetAgent(a)
	}
	for _, q := range a.queues {
		if !q.staffed() {
			e.deserted(q)
		}
	}
}

// forgetAgent lets go of an agent who is not configured any more.
func (e *Engine) forgetAgent(a *agent) {
	if a.Leaving != "" {
		e.legLeft(a)
	}
	delete(e.agents, a.Agent)
	e.gone(KindAgent, string(a.Agent))
	e.agentOrder = slices.DeleteFunc(e.agentOrder, func(x *agent) bool { return x == a })
}

// deserted looks at the callers of a queue whose last agent has gone.
func (e *Engine) deserted(q *queue) {
	if !slices.ContainsFunc(q.Overflow, func(o Overflow) bool { return o.NoAgents }) {
		return
	}
	for _, c := range e.callsByArrival() {
		if c.queue == q {
			e.settle(c)
		}
	}
}

// afterFailedOffer sets aside an agent who did not take an offer, so that the
// next caller does not ring in vain. An agent whose phone the call's node could
// not reach is as good as before, and so is one whose phone does not know yet that
// the former call is over.
func (e *Engine) afterFailedOffer(a *agent, leg LegID, outcome OfferOutcome) {
	if outcome == OfferBusy && !a.leftAt.IsZero() && e.now.Sub(a.leftAt) < putDownBound {
		if a.Leaving == "" {
			e.legLeavesBy(a, leg, e.now.Add(putDownPause))
		}
		e.offerWithdrawn(a)
		return
	}
	if outcome == OfferNodeFault || outcome == OfferWithdrawn {
		e.offerWithdrawn(a)
		return
	}
	if e.takePending(a) {
		return
	}
	reason := ReasonFailed
	switch outcome {
	case OfferNoAnswer:
		reason = ReasonRONA
	case OfferRefused:
		reason = ReasonRefused
	case OfferBusy:
		reason = ReasonBusy
	case OfferUnreachable:
		reason = ReasonUnreachable
	}
	e.setState(a, NotReady, reason)
}

// offerWithdrawn lets an agent go whose offer came to nothing through no doing
// of the agent: ready again, in the former place of the idle.
func (e *Engine) offerWithdrawn(a *agent) {
	if !e.takePending(a) {
		e.readySince(a, a.IdleSince)
		a.freeAt = e.now
	}
}

func (e *Engine) startWrapUp(a *agent, q *queue) {
	length := cmp.Or(a.cfg.WrapUp, q.WrapUp)
	e.remembers(q).Pulse.handled(e.now.Sub(a.Since) + length)
	if length <= 0 {
		e.afterCall(a, e.now)
		return
	}
	e.setState(a, WrapUp, "")
	a.WrapUpEnds = e.now.Add(length)
	e.startTimer(&a.wrap, a.WrapUpEnds)
}

func (e *Engine) wrapUpEnded(a *agent, due time.Time) {
	if a.State == WrapUp {
		e.stopWrapUp(a)
		e.afterCall(a, due)
	}
}

// extendWrapUp gives an agent more time; the wrap-up neither ends early nor
// begins anew.
func (e *Engine) extendWrapUp(id AgentID, by time.Duration) *RequestError {
	a, err := e.onDuty(id)
	if err != nil {
		return err
	}
	switch {
	case a.State != WrapUp:
		return refuse("not_in_wrap_up", "agent %s is %s; only wrap-up can be extended", id, a.State)
	case by <= 0 || by > MaxWrapUpExtension:
		return refuse("bad_extension", "wrap-up cannot be extended by %v; write more than 0 and at most %v", by, MaxWrapUpExtension)
	}
	a.WrapUpEnds = a.WrapUpEnds.Add(by)
	e.startTimer(&a.wrap, a.WrapUpEnds)
	e.touchAgent(a)
	return nil
}

func (e *Engine) stopWrapUp(a *agent) {
	e.timers.remove(&a.wrap)
	a.WrapUpEnds = time.Time{}
}

func (e *Engine) afterCall(a *agent, free time.Time) {
	if !e.takePending(a) {
		e.ready(a, free)
	}
}

// onDuty finds a logged-in agent.
func (e *Engine) onDuty(id AgentID) (*agent, *RequestError) {
	a := e.agents[id]
	if a == nil {
		return nil, refuse("unknown_agent", "agent %s is not configured", id)
	}
	if a.retired {
		return nil, refuse("unknown_agent", "agent %s is no longer configured and is logged out after the present call", id)
	}
	if a.State == LoggedOut {
		return nil, refuse("not_logged_in", "agent %s is not logged in; log in at a seat first", id)
	}
	return a, nil
}

func (e *Engine) login(id AgentID, seat SeatID) *RequestError {
	a := e.agents[id]
	if a == nil {
		return refuse("unknown_agent", "agent %s is not configured", id)
	}
	holder, known := e.seats[seat]
	switch {
	case !known:
		return refuse("unknown_seat", "seat %s is not configured", seat)
	case holder == a:
		return nil
	case holder != nil:
		return refuse("seat_taken", "seat %s is taken by agent %s, who must log out first", seat, holder.Agent)
	case a.State != LoggedOut:
		return refuse("already_logged_in", "agent %s is logged in at seat %s; log out there first", id, a.Seat)
	}
	e.seats[seat] = a
	a.Seat = seat
	e.setState(a, NotReady, ReasonLogin)
	e.inheritLeg(a)
	return nil
}

func (e *Engine) logout(id AgentID) *RequestError {
	a, err := e.onDuty(id)
	if err != nil {
		return err
	}
	if a.State == Ringing || a.State == Talking {
		e.pend(a, pendingLogout)
		return nil
	}
	e.stopWrapUp(a)
	a.Pending = ""
	e.leaveSeat(a)
	return nil
}

func (e *Engine) setReady(id AgentID) *RequestError {
	a, err := e.onDuty(id)
	if err != nil {
		return err
	}
	switch a.State {
	case NotReady, WrapUp:
		e.stopWrapUp(a)
		a.Pending = ""
		e.ready(a, e.now)
	case Ringing, Talking:
		e.pend(a, "")
	}
	return nil
}

func (e *Engine) setNotReady(id AgentID, reason string) *RequestError {
	a, err := e.onDuty(id)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(e.reasons, func(r NotReadyReason) bool { return r.Name == reason }) {
		return refuse("unknown_reason", "%q is not one of the configured reasons for not ready", reason)
	}
	if a.State == Ringing || a.State == Talking {
		e.pend(a, reason)
		return nil
	}
	e.stopWrapUp(a)
	a.Pending = ""
	e.setState(a, NotReady, reason)
	return nil
}

func (e *Engine) pend(a *agent, what string) {
	a.Pending = what
	e.touchAgent(a)
	if what != "" {
		e.unprefer(a)
	}
}

// pinMatches compares in constant time; an agent without a PIN needs none.
func (a *agent) pinMatches(pin string) bool {
	return subtle.ConstantTimeCompare([]byte(a.cfg.PIN), []byte(pin)) == 1
}
