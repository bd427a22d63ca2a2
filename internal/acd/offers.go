package acd

import (
	"slices"
	"time"
)

// switchGrace is added to the ring timeout for the switch's own bound.
const switchGrace = 5 * time.Second

// findOut is for how long whoever takes over lets phones ring whose time is up: the agent may
// have lifted, and they may talk, which the node is about to tell.
const findOut = 2 * time.Second

// offer rings the phones of agents on behalf of the call; the first who lifts
// has it.
func (e *Engine) offer(c *call, agents []*agent) {
	q := c.queue
	e.leaveLine(c)
	e.stopAsking(c)
	e.timers.remove(&c.review)
	c.Phase = PhaseRinging
	e.startTimer(&c.ring, e.now.Add(q.RingTimeout))
	e.runFlow(c, FlowRinging)
	for _, a := range agents {
		e.ring(c, a)
	}
	e.showOffer(c)
	e.touchCall(c)
}

// ring rings one agent's phone.
func (e *Engine) ring(c *call, a *agent) {
	r := ring{agent: a, record: len(c.Offers), kind: RingDelay, from: e.now}
	if !a.freeAt.IsZero() {
		// The agent became free in this very step: the caller was here first.
		r.kind, r.from = IdleGap, a.freeAt
	}
	c.Offers = append(c.Offers, OfferRecord{Agent: a.Agent, Seat: a.Seat, Made: e.now})
	r.leg = NewLegID(c.Call, len(c.Offers), a.Agent)
	c.rings = append(c.rings, r)
	e.offers++
	a.LastOffer = e.offers
	a.call, a.Call = c, c.Call
	e.setState(a, Ringing, "")
	e.command(e.offerOf(c, r.leg, a.Seat))
}

// offerOf is the command by which a seat's phone is rung for a call.
func (e *Engine) offerOf(c *call, leg LegID, seat SeatID) Offer {
	return Offer{Call: c.Call, Leg: leg, Node: c.Node, Seat: seat, CallerID: c.Caller, Timeout: c.queue.RingTimeout + switchGrace}
}

// showOffer names in the call's status the agent who has lifted or whose phone
// rings; of several who ring, the first.
func (e *Engine) showOffer(c *call) {
	if len(c.rings) == 0 {
		c.agent, c.Agent, c.Seat, c.Leg = nil, "", "", ""
		return
	}
	r := c.rings[0]
	c.agent, c.Agent, c.Seat, c.Leg = r.agent, r.agent.Agent, c.Offers[r.record].Seat, r.leg
}

// current finds the call whose offer or conversation a leg is, and which of
// its offers; no call when the leg is none of its present ones.
func (e *Engine) current(leg LegID) (c *call, offer int) {
	id, _, _, ok := leg.Parse()
	if !ok {
		return nil, -1
	}
	if c = e.calls[id]; c == nil {
		return nil, -1
	}
	i := slices.IndexFunc(c.rings, func(r ring) bool { return r.leg == leg })
	if i < 0 {
		return nil, -1
	}
	return c, i
}

func (e *Engine) legRinging(ev LegRinging) {
	c, i := e.current(ev.Leg)
	if c == nil || c.Phase != PhaseRinging {
		return
	}
	r := c.rings[i]
	if o := &c.Offers[r.record]; o.Rang.IsZero() {
		o.Rang = e.now
		e.measure(r.kind, c.queue, e.now.Sub(r.from))
		e.touchCall(c)
	}
}

func (e *Engine) legAnswered(ev LegAnswered) {
	if c := e.partnerCall(ev.Leg); c != nil {
		e.partnerLifted(c)
		return
	}
	c, i := e.current(ev.Leg)
	if c == nil {
		e.hangUpStray(ev.Leg)
		return
	}
	if c.Phase != PhaseRinging {
		return
	}
	e.timers.remove(&c.ring)
	e.withdrawPartner(c)
	winner := c.rings[i]
	for _, other := range c.rings {
		if other.leg != winner.leg {
			e.cancel(c, other)
			e.ringEnded(c, other, OfferTaken)
			e.offerWithdrawn(other.agent)
		}
	}
	c.rings = append(c.rings[:0], winner)
	e.showOffer(c)
	c.Phase, c.Lifted = PhaseAnswered, e.now
	c.stopsHearing()
	e.touchCall(c)
	if c.callback != nil {
		e.dialCallback(c)
		return
	}
	e.command(Connect{Call: c.Call, Leg: c.Leg, Node: c.Node})
}

// hangUpStray ends a leg that answered although its offer is over. Its node
// is known only while the call is.
func (e *Engine) hangUpStray(leg LegID) {
	id, _, _, ok := leg.Parse()
	if !ok {
		return
	}
	if c := e.calls[id]; c != nil {
		e.command(CancelLeg{Call: c.Call, Leg: leg, Node: c.Node})
	}
}

func (e *Engine) connected(ev Connected) {
	c := e.calls[ev.Call]
	if c == nil {
		return
	}
	if c.away() == ev.Leg {
		e.partnerConnected(c)
		return
	}
	if c.Leg != ev.Leg && c.callback != nil {
		return
	}
	if c.Leg != ev.Leg {
		// The agent was gone before the bridge was made: the caller stands
		// alone in it and waits on, with music.
		if c.Phase == PhaseWaiting || c.Phase == PhaseRinging {
			e.startMusic(c, c.queue)
		}
		return
	}
	if c.Phase != PhaseAnswered {
		return
	}
	c.Phase, c.Answered = PhaseTalking, e.now
	if !c.OnHold.IsZero() {
		c.OnHold = e.now // what was before is no part of the conversation
	}
	c.Next = nil
	c.queue.talking++
	if c.callback == nil {
		e.moves(c.queue, -1)
		e.remembers(c.queue).Counts.Answered++
		e.measure(AnswerToConnect, c.queue, e.now.Sub(c.Lifted))
		e.measure(QueueWait, c.queue, c.Answered.Sub(c.Queued))
	}
	e.noteOutcome(c, c.rings[0], OfferAnswered)
	c.agent.AgentStatus.Answered++
	e.setState(c.agent, Talking, "")
	e.touchCall(c)
	e.calledIn(c)
}

func (e *Engine) connectFailed(ev ConnectFailed) {
	c := e.calls[ev.Call]
	outcome := OfferFailed
	if ev.NodeFault {
		outcome = OfferNodeFault
	}
	switch {
	case c == nil:
		return
	case c.Phase == PhaseJoining && c.away() == ev.Leg:
		e.command(CancelLeg{Call: c.Call, Leg: ev.Leg, Node: c.Node})
		e.partnerFailed(c, outcome, false)
		return
	case c.Leg != ev.Leg || c.Phase != PhaseAnswered:
		return
	}
	e.cancel(c, c.rings[0])
	e.offerFailed(c, 0, outcome)
}

func (e *Engine) legGone(ev LegGone) {
	if a := e.leaving[ev.Leg]; a != nil {
		a.leftAt = e.now
		e.legLeft(a)
		return
	}
	outcome := ev.Outcome
	if outcome == "" || outcome == OfferAnswered || outcome == OfferWithdrawn {
		outcome = OfferFailed
	}
	if c := e.partnerCall(ev.Leg); c != nil {
		e.partnerGone(c, outcome, ev.MayRing)
		return
	}
	c, i := e.current(ev.Leg)
	if c == nil {
		return
	}
	switch c.Phase {
	case PhaseRinging:
		if ev.MayRing {
			e.legLeaves(c.rings[i].agent, ev.Leg)
		}
		e.offerFailed(c, i, outcome)
	case PhaseAnswered:
		// Lifted and put down before they were connected: the agent declined.
		e.offerFailed(c, i, OfferRefused)
	case PhaseTalking:
		if len(c.queue.Rating.Prompts) > 0 {
			e.askRating(c)
			return
		}
		e.endCall(c, Answered, AgentHungUp, Release{LegGone: true})
	}
}

func (e *Engine) ringTimedOut(c *call) {
	for len(c.rings) > 0 && c.Phase == PhaseRinging {
		r := c.rings[0]
		outcome := OfferNoAnswer
		switch {
		case e.cutOff[c.Node]:
			outcome = OfferNodeFault
		case c.Offers[r.record].Rang.IsZero():
			outcome = OfferUnreachable // nobody can have heard it
		}
		e.cancel(c, r)
		e.offerFailed(c, 0, outcome)
	}
}

// cancel hangs up the leg of an offer in flight.
func (e *Engine) cancel(c *call, r ring) {
	e.command(CancelLeg{Call: c.Call, Leg: r.leg, Node: c.Node})
	e.legLeaves(r.agent, r.leg)
}

// offerFailed ends an offer without an answer. The agent is set aside with the
// reason, or ready as before if it was the node's fault. When no other phone
// rings for the caller, the caller waits on, in the same place.
func (e *Engine) offerFailed(c *call, i int, outcome OfferOutcome) {
	r, lifted := c.rings[i], c.Phase == PhaseAnswered
	switch outcome {
	case OfferNodeFault:
		c.Paused = e.now.Add(nodePause)
	case OfferNoAnswer:
		e.remembers(c.queue).Counts.RONA++
	}
	c.rings = slices.Delete(c.rings, i, i+1)
	e.ringEnded(c, r, outcome)
	e.showOffer(c)
	e.touchCall(c)
	// The agent's new state must be known before anybody else is looked for.
	e.afterFailedOffer(r.agent, r.leg, outcome)
	if len(c.rings) > 0 {
		return
	}
	e.timers.remove(&c.ring)
	c.OnHold = time.Time{}
	if lifted && c.callback != nil {
		// The caller's phone may ring already: that attempt is over.
		c.Outcome = outcome
		reason := CallerNotReached
		if outcome == OfferRefused {
			reason = AgentHungUp
		}
		e.endCall(c, NotReached, reason, Release{LegGone: true})
		return
	}
	c.Lifted = time.Time{}
	e.runFlow(c, FlowRingingEnd)
	if lifted && c.callback == nil {
		// To connect them, what the caller was hearing was ended.
		e.startMusic(c, c.queue)
		e.hearsOn(c)
	}
	e.wait(c)
}

// ringEnded takes the agent of an offer off the call and notes how it ended.
func (e *Engine) ringEnded(c *call, r ring, outcome OfferOutcome) {
	e.noteOutcome(c, r, outcome)
	r.agent.call, r.agent.Call = nil, ""
}

func (e *Engine) noteOutcome(c *call, r ring, outcome OfferOutcome) {
	o := &c.Offers[r.record]
	o.Ended, o.Outcome = e.now, outcome
}
