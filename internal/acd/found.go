package acd

import (
	"slices"
	"time"
)

// talkFound goes on with a conversation that a former controller has connected and could
// not tell. It counts as answered from now on. One that cannot be fitted in is ended.
func (e *Engine) talkFound(ev TalkFound) {
	c := e.calls[ev.Call]
	if known, _ := e.current(ev.Leg); c == nil || known != nil {
		return
	}
	_, number, id, ok := ev.Leg.Parse()
	a := e.agents[id]
	if !ok || a == nil || a.State == LoggedOut || !c.mayBeFound(number, id) {
		e.command(CancelLeg{Call: c.Call, Leg: ev.Leg, Node: c.Node})
		return
	}
	e.takeOff(a, c)
	for len(c.rings) > 0 {
		r := c.rings[0]
		c.rings = slices.Delete(c.rings, 0, 1)
		e.cancel(c, r)
		e.ringEnded(c, r, OfferWithdrawn)
		if r.agent != a {
			e.offerWithdrawn(r.agent)
		}
	}
	e.withdrawPartner(c)
	e.stopAsking(c)
	e.leaveLine(c)
	e.timers.remove(&c.ring)
	e.timers.remove(&c.review)
	if c.Phase == PhaseGreeting {
		q := e.queues[c.entry.Queue]
		c.Tried = append(c.Tried, q.ID)
		e.count(c, q)
		c.rank = e.rankOf(c)
	}
	for len(c.Offers) < number { // those before are not known
		c.Offers = append(c.Offers, OfferRecord{Agent: id, Seat: a.Seat, Made: e.now, Ended: e.now, Outcome: OfferWithdrawn})
	}
	o := &c.Offers[number-1]
	o.Rang, o.Ended, o.Outcome = e.now, time.Time{}, ""
	c.rings = append(c.rings, ring{agent: a, leg: ev.Leg, record: number - 1, kind: RingDelay, from: e.now})
	e.offers++
	a.LastOffer = e.offers
	a.call, a.Call = c, c.Call
	e.stopWrapUp(a)
	e.setState(a, Ringing, "")
	e.showOffer(c)
	c.Phase, c.Lifted = PhaseAnswered, e.now
	c.stopsHearing()
	e.touchCall(c)
	e.connected(Connected{Call: c.Call, Leg: ev.Leg})
}

// mayBeFound reports whether the call may talk with an agent by an offer of this number.
func (c *call) mayBeFound(number int, agent AgentID) bool {
	switch c.Phase {
	case PhaseGreeting, PhaseWaiting, PhaseRinging, PhaseAnswered:
		return c.callback == nil && (number > len(c.Offers) || c.Offers[number-1].Agent == agent)
	}
	return false
}

// takeOff takes an agent off every call but this one: nobody is in two places.
func (e *Engine) takeOff(a *agent, but *call) {
	other := a.call
	if other == nil || other == but {
		return
	}
	i := slices.IndexFunc(other.rings, func(r ring) bool { return r.agent == a })
	switch {
	case i < 0:
	case other.Phase == PhaseTalking:
		e.endCall(other, Answered, AgentHungUp, Release{LegGone: true})
	default:
		e.cancel(other, other.rings[i])
		e.offerFailed(other, i, OfferNodeFault)
	}
}
