package acd

import (
	"slices"
	"strings"
	"time"
)

// talkFound takes up a conversation of which the state knows nothing, or not yet.
// What the switch has counts more than what is remembered: whoever else the agent
// was thought to be with is not, and neither is whoever was thought to sit there.
func (e *Engine) talkFound(ev TalkFound) {
	_, n, who, ok := ev.Leg.Parse()
	if !ok {
		return
	}
	c := e.calls[ev.Call]
	switch {
	case c == nil:
		c = e.foundCall(ev)
	case c.Leg == ev.Leg || c.away() == ev.Leg:
		return // is told twice
	case !c.mayBeFound():
		e.command(CancelLeg{Call: c.Call, Leg: ev.Leg, Node: c.Node})
		return
	}
	c.Recovered, c.Up = true, true
	c.Phase = PhaseTalking // from here on nobody lets it wait, whose turn or queue changes
	e.leaveAll(c, who)
	if c.queue == nil {
		e.foundQueue(c, who)
	}
	c.stopsHearing()
	c.Next, c.Announce = nil, time.Time{}
	answered := within(ev.Answered, c.Entered, e.now)
	if id, partner := ev.Leg.Partner(); partner {
		e.foundAway(c, ev, n, id, answered)
		return
	}
	a := e.foundAgent(who, ev.Seat)
	c.rings = append(c.rings[:0], ring{agent: a, leg: ev.Leg, record: c.foundOffer(ev, n, who, answered)})
	c.Lifted, c.Answered = answered, answered
	c.queue.talking++
	if c.callback == nil && c.Callback == "" {
		e.moves(c.queue, -1)
		e.remembers(c.queue).Counts.Answered++
	}
	e.offers++
	a.call, a.Call, a.LastOffer = c, c.Call, e.offers
	a.AgentStatus.Answered++
	e.setState(a, Talking, "")
	if a.retired {
		e.dismissAgent(a)
	}
	e.showOffer(c)
	e.touchCall(c)
	e.foundReached(c)
}

// within moves a moment between two others.
func within(t, from, to time.Time) time.Time {
	if t.Before(from) {
		t = from
	}
	if t.After(to) {
		return to
	}
	return t
}

// mayBeFound reports whether a conversation may have come of a call after what is
// known of it.
func (c *call) mayBeFound() bool {
	switch c.Phase {
	case PhaseGreeting, PhaseWaiting, PhaseRinging, PhaseAnswered, PhaseJoining:
		return true
	}
	return false
}

// foundTalking reports whether it is a conversation that was found at the switch.
func (c *CallStatus) foundTalking() bool { return c.Recovered && c.Phase == PhaseTalking }

// foundCall is a call of which nothing is known but what the switch says.
func (e *Engine) foundCall(ev TalkFound) *call {
	arrived := ev.Arrived
	if arrived.IsZero() || e.now.Sub(arrived) > maxHeld {
		arrived = ev.Answered // a wrong clock
	}
	c := newCall(CallStatus{
		Call: ev.Call, Node: ev.Node, Entry: ev.Entry, Caller: ev.Caller, Phase: PhaseGreeting,
		Arrived: within(arrived, time.Time{}, e.now), Held: true,
	})
	if ev.Called {
		_, id, _ := strings.Cut(strings.TrimPrefix(string(ev.Call), attemptPrefix), "-")
		c.Callback = CallbackID(id)
	}
	c.entry = e.entryOf(c)
	e.calls[c.Call] = c
	return c
}

// leaveAll takes a call away from all whom it was thought to be with. The agent who
// has it is dealt with later.
func (e *Engine) leaveAll(c *call, who AgentID) {
	e.timers.remove(&c.review)
	e.timers.remove(&c.ring)
	e.leaveLine(c)
	e.stopAsking(c)
	if leg := c.away(); leg != "" {
		e.command(CancelLeg{Call: c.Call, Leg: leg, Node: c.Node})
		e.recalls(c.referral.partner).Withdrawn++
		e.forgetPartner(c)
	}
	rings := c.rings
	c.rings, c.OnHold = nil, time.Time{}
	for _, r := range rings {
		e.cancel(c, r)
		e.ringEnded(c, r, OfferWithdrawn)
		if r.agent.Agent != who {
			e.offerWithdrawn(r.agent)
		}
	}
}

// foundQueue says of a call that has not entered a queue, as far as is known, in
// which it was: that of the dialled number, else one that the agent serves. It has
// waited since it came.
func (e *Engine) foundQueue(c *call, who AgentID) {
	q := e.queues[c.entry.Queue]
	if a := e.agents[who]; q == nil && a != nil && len(a.queues) > 0 {
		q = a.queues[0]
	}
	if q == nil {
		q = e.queueOrder[0]
	}
	if c.Callback != "" { // is not offered
		e.seq++
		c.queue, c.Queue, c.Seq = q, q.ID, e.seq
		c.Queued, c.Entered, c.Place = c.Arrived, c.Arrived, c.Arrived
	} else {
		c.Held, c.Tried = true, append(c.Tried, q.ID)
		e.count(c, q)
	}
	if c.entry.Queue == "" {
		c.entry = e.entryOf(c)
	}
	c.rank = e.rankOf(c)
}

// foundAway: the caller talks with a partner.
func (e *Engine) foundAway(c *call, ev TalkFound, n int, id PartnerID, answered time.Time) {
	r, p := c.refers(), e.partnerOf(id)
	r.partner, r.Partner, r.Leg, r.Rung, r.Calls = p, id, ev.Leg, ev.Rung, max(r.Calls, n)
	p.ringing++
	e.recalls(p).Rung++
	c.Phase, c.Lifted = PhaseJoining, answered
	e.showOffer(c)
	e.partnerConnected(c)
	c.Visits[len(c.Visits)-1].Left = answered
}

// foundAgent finds who has the call, and seats the agent where the phone is.
func (e *Engine) foundAgent(id AgentID, seat SeatID) *agent {
	if a := e.agents[id]; a != nil {
		e.letGo(a)
	}
	a := e.agents[id] // one who is not configured may have been let go for good
	if a == nil {
		a = e.retire(newAgent(id))
	}
	if holder := e.seats[seat]; holder != nil && holder != a {
		e.letGo(holder)
		e.stopWrapUp(holder)
		holder.Pending = ""
		if holder.State != LoggedOut { // a wish for it may just have been granted
			e.leaveSeat(holder)
		}
	}
	e.stopWrapUp(a)
	if a.Seat == seat {
		return a
	}
	if a.State != LoggedOut {
		e.setState(a, NotReady, ReasonLogin)
		e.seats[a.Seat] = nil
	}
	e.seats[seat], a.Seat = a, seat
	e.inheritLeg(a)
	return a
}

// letGo ends what an agent was thought to be doing with a call.
func (e *Engine) letGo(a *agent) {
	c := a.call
	switch {
	case c == nil:
	case c.Phase == PhaseTalking:
		e.endCall(c, Answered, Recovered, Release{})
	default:
		i := slices.IndexFunc(c.rings, func(r ring) bool { return r.agent == a })
		e.cancel(c, c.rings[i])
		e.offerFailed(c, i, OfferWithdrawn)
	}
}

// foundOffer notes the offer of which the conversation came, and says where.
func (c *call) foundOffer(ev TalkFound, n int, who AgentID, answered time.Time) int {
	made := within(ev.Rung, c.Arrived, answered)
	o := OfferRecord{Agent: who, Seat: ev.Seat, Made: made, Ended: answered, Outcome: OfferAnswered}
	for i := range c.Offers {
		if c.Offers[i].Agent == who && c.Offers[i].number(i) == n {
			o.Number = c.Offers[i].Number
			c.Offers[i] = o
			return i
		}
	}
	if n != len(c.Offers)+1 {
		o.Number = n
	}
	c.Offers = append(c.Offers, o)
	return len(c.Offers) - 1
}

// number is which of the call's an offer is, the i-th in the list from 0.
func (o *OfferRecord) number(i int) int {
	if o.Number > 0 {
		return o.Number
	}
	return i + 1
}

// foundReached ends the callbacks that a conversation makes needless, or of which
// it came.
func (e *Engine) foundReached(c *call) {
	switch b := c.callback; {
	case b != nil && b.State != CallbackCalling:
		b.Attempts++
		e.callbackMoves(b, CallbackCalling, time.Time{})
	case b != nil:
	case c.Callback != "":
		if b := e.callbacks[c.Callback]; b != nil {
			e.dropAttempt(b, CallbackReached)
		}
	default:
		e.calledIn(c)
	}
}
