package acd

import (
	"slices"
	"time"
)

// Overflow is a rule for callers whom a queue cannot, or shall not, serve. It
// has one condition and one consequence; the first rule whose condition holds
// is followed. Conditions but Wait are looked at when a caller comes to the
// queue; NoAgents also while the caller waits, and when the last agent goes.
type Overflow struct {
	// Closed: outside the queue's opening hours. The caller does not enter the
	// queue, and counts as offered only where the rule leads to.
	Closed bool
	// NoAgents: nobody who serves the queue is logged in.
	NoAgents bool
	// Length: so many callers wait already. More than 0.
	Length int
	// Expected: the expected wait is longer than that, or nobody can say
	// because nobody works. More than 0.
	Expected time.Duration
	// Wait: the caller has waited in the queue for so long. More than 0.
	Wait time.Duration

	// Prompts are heard first; they may be empty unless Refuse is set. A caller
	// who waits on hears them without losing the turn.
	Prompts []string
	// To is the queue that the caller enters, with the wait so far counted
	// for the place there. A queue where the call has been is passed over.
	To QueueID
	// Callback offers to call back, while the caller waits on; the prompts say
	// which keys to press. The queue must have callbacks.
	Callback bool
	// Partner is asked to take the caller, who waits on meanwhile in the same
	// place and goes to whoever lifts first; see Partner.
	Partner PartnerID
	// Refuse ends the call after the prompts.
	Refuse bool
	// With none of To, Callback, Partner and Refuse the rule only announces, once.
}

// Hours says when a queue is open.
type Hours interface{ Open(at time.Time) bool }

// Visit is a stay of a call in a queue that it left for another, or for good.
type Visit struct {
	Queue   QueueID   `json:"queue"`
	Entered time.Time `json:"entered"`
	Left    time.Time `json:"left"`
	// Reason says why it was left, if not by a rule of the queue.
	Reason VisitReason `json:"reason,omitempty"`
}

// VisitReason says why a call left a queue for another.
type VisitReason string

// The reasons; the empty one is a rule of the queue.
const (
	VisitMoved VisitReason = "moved" // a person has moved the call
)

// open reports whether the queue takes callers at this hour.
func (q *queue) open(now time.Time) bool { return q.Hours == nil || q.Hours.Open(now) }

// staffed reports whether anybody who serves the queue is logged in.
func (q *queue) staffed() bool { return q.onDuty > 0 }

// atTheDoor finds the rule for a caller who comes to a queue; -1 when there is
// none, and the caller enters.
func (e *Engine) atTheDoor(c *call, q *queue) int {
	for i, rule := range q.Overflow {
		if rule.Wait == 0 && e.follows(c, q, i) {
			return i
		}
	}
	return -1
}

// follows reports whether a rule of a queue holds for a caller there now.
func (e *Engine) follows(c *call, q *queue, i int) bool {
	rule := q.Overflow[i]
	if rule.To != "" && slices.Contains(c.Tried, rule.To) {
		return false
	}
	switch {
	case rule.Closed:
		return !q.open(e.now)
	case rule.NoAgents:
		return !q.staffed()
	case rule.Length > 0:
		return q.inQueue >= rule.Length
	case rule.Expected > 0:
		wait, known := e.expectedWait(q, c)
		return !known || wait > rule.Expected
	case rule.Wait > 0:
		return e.now.Sub(c.Entered) >= rule.Wait
	}
	return false
}

// applyWaiting follows the rules of a queue for a caller who waits there. It
// reports whether the call has left the queue.
func (e *Engine) applyWaiting(c *call) bool {
	if c.callback != nil {
		return false
	}
	for i, rule := range c.queue.Overflow {
		if c.Told&(1<<i) != 0 || rule.Closed || rule.Length > 0 || rule.Expected > 0 || !e.follows(c, c.queue, i) {
			continue
		}
		c.Told |= 1 << i
		e.touchCall(c)
		if e.apply(c, rule) {
			return true
		}
	}
	return false
}

// apply carries a rule out for a call that is in a queue. It reports whether
// the call has left that queue.
func (e *Engine) apply(c *call, rule Overflow) bool {
	switch {
	case rule.Refuse:
		e.leaveFor(c)
		e.dismiss(c, Overflowed, Refused, rule.Prompts)
		return true
	case rule.To != "":
		e.leaveFor(c)
		e.announce(c, rule.Prompts)
		e.come(c, e.queues[rule.To])
		return true
	}
	e.announce(c, rule.Prompts)
	if rule.Partner != "" {
		e.ask(c, rule.Partner)
	}
	if rule.Callback {
		e.runFlow(c, FlowCallbackOffer)
	}
	return false
}

// leaveFor takes a waiting call out of its queue, which counts it as overflowed.
func (e *Engine) leaveFor(c *call) {
	q := c.queue
	e.timers.remove(&c.review)
	e.leaveLine(c)
	e.leavePartners(c)
	c.Visits = append(c.Visits, Visit{Queue: q.ID, Entered: c.Entered, Left: e.now})
	e.moves(q, -1)
	e.remembers(q).Counts.Overflowed++
	c.queue = nil
}

// announce lets a waiting caller hear prompts, after those that are heard
// already, then music again; an agent who answers meanwhile ends them.
func (e *Engine) announce(c *call, prompts []string) {
	switch {
	case len(prompts) == 0:
	case c.Announcing:
		c.Next = slices.Concat(c.Next, prompts)
	default:
		c.Announcing = true
		e.play(c, prompts)
	}
}

// hearsNext goes on when prompts to a waiting caller have ended: with those that
// follow, with the place if it is time for that, or with music.
func (e *Engine) hearsNext(c *call) {
	if c.Phase != PhaseWaiting && c.Phase != PhaseRinging {
		return
	}
	next := c.Next
	c.Next = nil
	e.announce(c, next)
	if c.Phase == PhaseWaiting && !c.Announcing {
		e.announcePlace(c)
		e.reviewLater(c)
	}
	if !c.Announcing {
		e.runFlow(c, FlowQueued)
	}
	e.touchCall(c)
}

// stopsHearing ends what a caller hears, who is just being connected. What was to
// follow is heard if nothing comes of it.
func (c *call) stopsHearing() { c.Announcing, c.Music, c.Tone = false, false, 0 }

// hearsOn goes on with what was to follow, when nothing came of connecting a caller.
func (e *Engine) hearsOn(c *call) {
	next := c.Next
	c.Next = nil
	e.announce(c, next)
}

// dismiss lets a caller who will not be served hear why, and ends the call.
func (e *Engine) dismiss(c *call, result Result, reason Reason, prompts []string) {
	c.FateResult, c.FateReason = result, reason
	c.Phase = PhaseClosing
	e.touchCall(c)
	if len(prompts) == 0 {
		e.endCall(c, result, reason, Release{})
		return
	}
	e.answer(c)
	if c.Announcing { // what has been said before the last word is heard first
		c.Next = slices.Concat(c.Next, prompts)
		return
	}
	c.Next = nil
	e.play(c, prompts)
}
