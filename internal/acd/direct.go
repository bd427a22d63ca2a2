package acd

import "slices"

// MaxPriority is the most by which a call can be put forward, in points, or back.
const MaxPriority = 100

// prioritise sets the points of a caller who waits. Whose phone is ringing for the caller
// goes on; the points count when nothing comes of it.
func (e *Engine) prioritise(ev Prioritise) *RequestError {
	c, err := e.directed(ev.Call)
	switch {
	case err != nil:
		return err
	case ev.Priority < -MaxPriority || ev.Priority > MaxPriority:
		return refuse("bad_priority", "a priority is %d to %d points, not %d", -MaxPriority, MaxPriority, ev.Priority)
	}
	e.leaveLine(c)
	e.stopAsking(c)
	points := ev.Priority
	c.Points = &points
	c.rank = e.rankOf(c)
	e.touchCall(c)
	e.settle(c)
	return nil
}

// moveCall leads a caller who waits to another queue, as a rule of overflow would, with the
// wait so far. A person has decided: rules at the door of that queue are not looked at.
func (e *Engine) moveCall(ev MoveCall) *RequestError {
	c, err := e.directed(ev.Call)
	if err != nil {
		return err
	}
	q := e.queues[ev.Queue]
	switch {
	case q == nil:
		return refuse("unknown_queue", "queue %s is not configured", ev.Queue)
	case q == c.queue:
		return refuse("same_queue", "call %s waits in queue %s already", ev.Call, ev.Queue)
	}
	e.touchCall(c)
	e.withdrawOffers(c)
	e.leaveFor(c)
	c.Visits[len(c.Visits)-1].Reason = VisitMoved
	if !slices.Contains(c.Tried, q.ID) {
		c.Tried = append(c.Tried, q.ID)
	}
	e.arrive(c, q, Overflow{})
	return nil
}

// directed finds the call of a caller who waits, or for whom a phone rings.
func (e *Engine) directed(id CallID) (*call, *RequestError) {
	c := e.calls[id]
	switch {
	case c == nil:
		return nil, refuse("unknown_call", "call %s is not in progress", id)
	case c.Phase != PhaseWaiting && c.Phase != PhaseRinging:
		return nil, refuse("not_waiting", "call %s is %s; only a caller who waits can be directed", id, c.Phase)
	case c.callback != nil:
		return nil, refuse("not_waiting", "call %s is a callback, which keeps its place and its queue", id)
	}
	return c, nil
}

// withdrawOffers ends the offers in flight through no doing of the agents; the caller waits on.
func (e *Engine) withdrawOffers(c *call) {
	if c.Phase != PhaseRinging {
		return
	}
	e.timers.remove(&c.ring)
	rings := c.rings
	c.rings = nil
	for _, r := range rings {
		e.cancel(c, r)
		e.ringEnded(c, r, OfferWithdrawn)
		e.offerWithdrawn(r.agent)
	}
	c.Phase = PhaseWaiting // not before: an agent who goes now may be the queue's last
	e.showOffer(c)
	e.runFlow(c, FlowRingingEnd)
}
