package acd

import "time"

// maxHeld bounds how far in the past the dialplan may place a caller's true
// arrival; anything older is a wrong clock and is ignored.
const maxHeld = 24 * time.Hour

// switchGrace is added to the ring timeout for the switch's own bound.
const switchGrace = 5 * time.Second

func (e *Engine) callArrived(ev CallArrived) {
	if _, twice := e.calls[ev.Call]; twice {
		return
	}
	arrived, event := e.now, FlowStart
	held := !ev.Since.IsZero() && !ev.Since.After(e.now) && e.now.Sub(ev.Since) < maxHeld
	if held {
		arrived, event = ev.Since, FlowResume
	}
	c := &call{pos: -1, held: held}
	c.CallStatus = CallStatus{
		Call: ev.Call, Node: ev.Node, Entry: ev.Entry, Caller: ev.Caller,
		Phase: PhaseGreeting, Arrived: arrived,
	}
	c.ring = timer{kind: ringTimer, call: c, pos: -1}
	c.pause = timer{kind: pauseTimer, call: c, pos: -1}
	e.calls[ev.Call] = c
	e.touchCall(c)

	entry, known := e.entries[ev.Entry]
	if !known {
		e.endCall(c, NotOffered, UnknownEntry, Release{})
		return
	}
	c.entry = entry
	e.runFlow(c, event)
}

func (e *Engine) callPlayed(ev CallPlayed) {
	if c := e.calls[ev.Call]; c != nil {
		e.runFlow(c, FlowPlayed)
	}
}

// runFlow asks the call flow what the caller hears next, and does it.
func (e *Engine) runFlow(c *call, event FlowEvent) {
	var actions []FlowAction
	c.flow, actions = e.flow.Next(c.flow, event, c.entry, e.queues[c.entry.Queue].Queue)
	for _, action := range actions {
		switch a := action.(type) {
		case FlowAnswer:
			e.command(Answer{Call: c.Call, Node: c.Node})
		case FlowPlay:
			e.command(Play{Call: c.Call, Node: c.Node, Prompts: a.Prompts})
		case FlowMusic:
			e.command(StartMusic{Call: c.Call, Node: c.Node, Class: a.Class})
		case FlowRingback:
			e.command(StartRingback{Call: c.Call, Node: c.Node})
		case FlowStopRingback:
			e.command(StopRingback{Call: c.Call, Node: c.Node})
		case FlowEnqueue:
			e.enqueue(c)
		}
	}
}

// enqueue offers the call to its entry's queue. This moment counts as the
// beginning of the wait, but for a caller whom the dialplan held it is the
// true arrival.
func (e *Engine) enqueue(c *call) {
	if c.queue != nil {
		return
	}
	q := e.queues[c.entry.Queue]
	e.seq++
	c.queue, c.Queue, c.Seq = q, q.ID, e.seq
	c.Queued = e.now
	if c.held {
		c.Queued = c.Arrived
	}
	q.inQueue++
	q.counts.Offered++
	e.wait(c)
	e.runFlow(c, FlowQueued)
}

// wait puts the call, new or back from a failed offer, into the order of its queue.
func (e *Engine) wait(c *call) {
	c.Phase = PhaseWaiting
	e.await(c)
	e.touchCall(c)
}

// offer rings the agent's phone on behalf of the call.
func (e *Engine) offer(c *call, a *agent) {
	q := c.queue
	q.waiting.remove(c)
	c.measureKind, c.measureFrom = RingDelay, e.now
	if !a.freeAt.IsZero() {
		// The agent became free in this very step: the caller was here first.
		c.measureKind, c.measureFrom = IdleGap, a.freeAt
	}
	c.Offers = append(c.Offers, OfferRecord{Agent: a.Agent, Seat: a.Seat, Made: e.now})
	c.Leg = NewLegID(c.Call, len(c.Offers), a.Agent)
	c.Phase, c.Agent, c.Seat, c.agent = PhaseRinging, a.Agent, a.Seat, a
	e.startTimer(&c.ring, e.now.Add(q.RingTimeout))
	a.call, a.Call = c, c.Call
	e.setState(a, Ringing, "")
	e.touchCall(c)
	e.runFlow(c, FlowRinging)
	e.command(Offer{
		Call: c.Call, Leg: c.Leg, Node: c.Node, Seat: a.Seat, CallerID: c.Caller,
		Timeout: q.RingTimeout + switchGrace,
	})
}

// current finds the call whose offer or conversation a leg is; nil when the
// leg is no longer the call's present one.
func (e *Engine) current(leg LegID) *call {
	id, _, _, ok := leg.Parse()
	if !ok {
		return nil
	}
	c := e.calls[id]
	if c == nil || c.Leg != leg {
		return nil
	}
	return c
}

func (c *call) lastOffer() *OfferRecord { return &c.Offers[len(c.Offers)-1] }

func (e *Engine) legRinging(ev LegRinging) {
	c := e.current(ev.Leg)
	if c == nil || c.Phase != PhaseRinging || !c.lastOffer().Rang.IsZero() {
		return
	}
	c.lastOffer().Rang = e.now
	e.measure(c.measureKind, c.queue, e.now.Sub(c.measureFrom))
	e.touchCall(c)
}

func (e *Engine) legAnswered(ev LegAnswered) {
	c := e.current(ev.Leg)
	if c == nil {
		e.hangUpStray(ev.Leg)
		return
	}
	if c.Phase != PhaseRinging {
		return
	}
	e.timers.remove(&c.ring)
	c.Phase, c.lifted = PhaseAnswered, e.now
	e.touchCall(c)
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
	if c.Leg != ev.Leg {
		// The agent was gone before the bridge was made: the caller stands
		// alone in it and waits on, with music.
		if c.Phase == PhaseWaiting || c.Phase == PhaseRinging {
			e.command(StartMusic{Call: c.Call, Node: c.Node, Class: c.queue.Music})
		}
		return
	}
	if c.Phase != PhaseAnswered {
		return
	}
	c.Phase, c.Answered = PhaseTalking, e.now
	c.queue.inQueue--
	c.queue.talking++
	c.queue.counts.Answered++
	e.endOffer(c, OfferAnswered)
	c.agent.AgentStatus.Answered++
	e.setState(c.agent, Talking, "")
	e.measure(AnswerToConnect, c.queue, e.now.Sub(c.lifted))
	e.measure(QueueWait, c.queue, c.Answered.Sub(c.Queued))
	e.touchCall(c)
}

func (e *Engine) connectFailed(ev ConnectFailed) {
	c := e.calls[ev.Call]
	if c == nil || c.Leg != ev.Leg || c.Phase != PhaseAnswered {
		return
	}
	e.cancelLeg(c)
	if ev.NodeFault {
		e.offerFailed(c, OfferNodeFault)
		return
	}
	e.offerFailed(c, OfferFailed)
}

func (e *Engine) legGone(ev LegGone) {
	if a := e.leaving[ev.Leg]; a != nil {
		e.legLeft(a)
		return
	}
	c := e.current(ev.Leg)
	if c == nil {
		return
	}
	switch c.Phase {
	case PhaseRinging:
		outcome := ev.Outcome
		if outcome == "" || outcome == OfferAnswered || outcome == OfferWithdrawn {
			outcome = OfferFailed
		}
		if ev.MayRing {
			e.legLeaves(c.agent, c.Leg)
		}
		e.offerFailed(c, outcome)
	case PhaseAnswered:
		// Lifted and put down before they were connected: the agent declined.
		e.offerFailed(c, OfferRefused)
	case PhaseTalking:
		e.endCall(c, Answered, AgentHungUp, Release{LegGone: true})
	}
}

func (e *Engine) ringTimedOut(c *call) {
	if c.Phase != PhaseRinging {
		return
	}
	outcome := OfferNoAnswer
	switch {
	case e.cutOff[c.Node]:
		outcome = OfferNodeFault
	case c.lastOffer().Rang.IsZero():
		outcome = OfferUnreachable // nobody can have heard it
	}
	e.cancelLeg(c)
	e.offerFailed(c, outcome)
}

// cancelLeg hangs up the leg of the offer in flight.
func (e *Engine) cancelLeg(c *call) {
	e.command(CancelLeg{Call: c.Call, Leg: c.Leg, Node: c.Node})
	e.legLeaves(c.agent, c.Leg)
}

// offerFailed ends an offer without an answer: the caller keeps the place. The
// agent is set aside with the reason, or ready as before if it was the node's fault.
func (e *Engine) offerFailed(c *call, outcome OfferOutcome) {
	a, lifted := c.agent, c.Phase == PhaseAnswered
	if outcome == OfferNoAnswer {
		c.queue.counts.RONA++
	}
	e.endOffer(c, outcome)
	e.clearOffer(c)
	e.wait(c)
	if outcome == OfferNodeFault {
		e.pauseOffers(c)
	}
	e.runFlow(c, FlowRingingEnd)
	if lifted {
		// To connect them, what the caller was hearing was ended.
		e.command(StartMusic{Call: c.Call, Node: c.Node, Class: c.queue.Music})
	}
	e.afterFailedOffer(a, outcome)
}

// endOffer notes how the offer in flight ended.
func (e *Engine) endOffer(c *call, outcome OfferOutcome) {
	o := c.lastOffer()
	o.Ended, o.Outcome = e.now, outcome
}

// clearOffer takes the agent and the leg off the call.
func (e *Engine) clearOffer(c *call) {
	e.timers.remove(&c.ring)
	if a := c.agent; a != nil {
		a.call, a.Call = nil, ""
	}
	c.agent, c.Agent, c.Seat, c.Leg = nil, "", "", ""
	c.lifted = time.Time{}
}

func (e *Engine) callGone(ev CallGone) {
	c := e.calls[ev.Call]
	if c == nil {
		return
	}
	e.callLeft(c, ev.Vanished, "")
}

// callLeft ends a call whose caller is no longer there. lost, when set, is
// the reason for which the agent's leg has gone as well.
func (e *Engine) callLeft(c *call, vanished bool, lost Reason) {
	var result Result
	var reason Reason
	release := Release{CallerGone: true}
	switch c.Phase {
	case PhaseGreeting:
		result, reason = NotOffered, CallerHungUp
	case PhaseWaiting:
		result, reason = Abandoned, CallerHungUp
	case PhaseRinging:
		result, reason = Abandoned, CallerHungUpRinging
	case PhaseAnswered:
		result, reason = Abandoned, CallerHungUpAtAnswer
	case PhaseTalking:
		result, reason = Answered, CallerHungUp
	}
	if vanished {
		reason = Recovered
	}
	if lost != "" {
		reason = lost
		release.LegGone = true
	}
	e.endCall(c, result, reason, release)
}

// endCall closes the call: it is released at the switch, taken off its queue,
// recorded once, and its agent is free for what follows.
func (e *Engine) endCall(c *call, result Result, reason Reason, release Release) {
	phase, a := c.Phase, c.agent
	release.Call, release.Node, release.Leg = c.Call, c.Node, c.Leg
	e.command(release)
	if a != nil && !release.LegGone {
		e.legLeaves(a, c.Leg)
	}
	e.timers.remove(&c.pause)
	if c.queue != nil {
		c.queue.waiting.remove(c)
		if phase == PhaseTalking {
			c.queue.talking--
		} else {
			c.queue.inQueue--
			c.queue.counts.Abandoned++
		}
	}
	if phase == PhaseRinging || phase == PhaseAnswered {
		e.endOffer(c, OfferWithdrawn)
	}
	record := CallRecord{
		Version: RecordVersion, Call: c.Call, Node: c.Node, Entry: c.Entry, Caller: c.Caller,
		Queue: c.Queue, Arrived: c.Arrived, Queued: c.Queued, Ended: e.now,
		Result: result, Reason: reason, Offers: c.Offers,
	}
	if result == Answered {
		record.Answered, record.Agent, record.Seat = c.Answered, c.CallStatus.Agent, c.Seat
		e.measure(TalkTime, c.queue, record.Talk())
	}
	e.out.Records = append(e.out.Records, record)
	e.clearOffer(c)
	c.ended = true
	delete(e.calls, c.Call)
	e.touchCall(c)
	switch {
	case a == nil:
	case phase == PhaseTalking:
		e.startWrapUp(a, c.queue)
	default:
		e.offerWithdrawn(a)
	}
}
