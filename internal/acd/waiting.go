package acd

import (
	"slices"
	"time"
)

// wait puts the call, new or back from a failed offer, into the order of its queue.
func (e *Engine) wait(c *call) {
	c.Phase = PhaseWaiting
	e.settle(c)
	e.touchCall(c)
}

// settle puts a waiting call into the line where it belongs at this moment, and
// sets the timer for the moment at which that may change.
func (e *Engine) settle(c *call) {
	if c.Phase != PhaseWaiting {
		return
	}
	if e.applyWaiting(c) {
		return
	}
	e.announcePlace(c)
	if c.Prefers != "" && !e.mayPrefer(c) {
		e.touchCall(c)
		c.Prefers, c.Preferred = "", time.Time{}
	}
	if c.callback != nil {
		e.chooseNode(c)
	}
	key, offerable := e.lineKeyOf(c)
	switch {
	case !offerable:
		e.leaveLine(c)
	case c.line != nil && c.line.key == key:
		e.mark(c.line) // whom it avoided may be rung now
	default:
		e.leaveLine(c)
		c.line = e.lineOf(key, c.queue, c.entry.Skills)
		c.line.waiting.add(c)
		e.mark(c.line)
	}
	e.settleAsking(c, offerable)
	e.reviewLater(c)
}

// reviewLater sets the timer for the moment at which something about a waiting
// call may change.
func (e *Engine) reviewLater(c *call) {
	if next := e.nextReview(c); next.IsZero() {
		e.timers.remove(&c.review)
	} else {
		e.startTimer(&c.review, next)
	}
}

// hoursStep is how often it is looked whether a queue has opened or closed for the
// callbacks that wait there. Hours begin and end at whole minutes.
const hoursStep = time.Minute

// lineKeyOf says where a waiting call belongs; false when it may not be
// offered to anybody.
func (e *Engine) lineKeyOf(c *call) (lineKey, bool) {
	if !e.canCommand(c) || e.heldBack(c) || c.Paused.After(e.now) || c.callback != nil && (e.draining || !c.queue.open(e.now)) {
		return lineKey{}, false // nobody is called out of hours
	}
	if c.Preferred.After(e.now) {
		return lineKey{queue: c.Queue, agent: c.Prefers}, true
	}
	step := 0
	for step < len(c.queue.Relax) && e.now.Sub(c.Entered) >= c.queue.Relax[step].After {
		step++
	}
	return lineKey{queue: c.Queue, skills: c.entry.skills, step: step}, true
}

// nextReview is the next moment at which lineKeyOf or avoids may say something
// else; zero when there is none.
func (e *Engine) nextReview(c *call) time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if t.After(e.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	consider(c.Paused)
	consider(c.Announce)
	consider(c.Preferred)
	if c.callback != nil && c.queue.Hours != nil {
		consider(e.now.Truncate(hoursStep).Add(hoursStep))
	}
	for _, step := range c.queue.Relax {
		consider(c.Entered.Add(step.After))
	}
	for i, rule := range c.queue.Overflow {
		if rule.Wait > 0 && c.Told&(1<<i) == 0 {
			consider(c.Entered.Add(rule.Wait))
		}
	}
	for _, o := range c.Offers {
		if o.Outcome.notTaken() {
			consider(o.Ended.Add(c.queue.NotAgain))
		}
	}
	return next
}

// announcePlace tells a waiting caller where the call stands, when it is time.
func (e *Engine) announcePlace(c *call) {
	if c.Announcing || c.Announce.IsZero() || c.Announce.After(e.now) {
		return // in the middle of something, it is said afterwards
	}
	c.Announce = time.Time{}
	if every := c.queue.Announce.Every; every > 0 {
		c.Announce = e.now.Add(every)
	}
	e.runFlow(c, FlowAnnounce)
	e.touchCall(c)
}

// leaveLine takes a call out of the line where it waits, if it does.
func (e *Engine) leaveLine(c *call) {
	l := c.line
	if l == nil {
		return
	}
	c.line = nil
	l.waiting.remove(c)
	if l.key.agent != "" && l.waiting.Len() == 0 {
		e.dropLine(l)
	}
}

// dropLine forgets a line that nobody needs any more: those for one agent
// would become as many as there are agents.
func (e *Engine) dropLine(l *line) {
	delete(e.lines, l.key)
	for _, m := range l.members {
		l.ready.remove(m)
		i := slices.Index(m.agent.members, m)
		m.agent.members = slices.Delete(m.agent.members, i, i+1)
	}
}

// prefer lets a caller wait for the agent of the last conversation, where the
// queue says so and that agent is on duty.
func (e *Engine) prefer(c *call) {
	c.Prefers, c.Preferred = "", time.Time{}
	last := c.queue.LastAgent
	if last.Within <= 0 {
		return
	}
	id, at, known := e.talked.get(c.number(), e.now)
	if !known || e.now.Sub(at) > last.Within {
		return
	}
	c.Prefers, c.Preferred = id, e.now.Add(last.Wait)
	if a := e.agents[id]; a != nil && a.available() {
		// No wait is needed: rung within this step.
		c.Preferred = e.now.Add(max(last.Wait, 1))
	}
	if !e.mayPrefer(c) {
		c.Prefers, c.Preferred = "", time.Time{}
	}
}

// mayPrefer reports whether the agent whom a call prefers is on duty and serves
// the queue; to wait for anybody else is in vain.
func (e *Engine) mayPrefer(c *call) bool {
	a := e.agents[c.Prefers]
	if a == nil || a.level(c.Queue) == 0 || c.avoids(a, e.now) {
		return false
	}
	switch a.State {
	case LoggedOut, NotReady:
		return false
	}
	return a.Pending == ""
}

// unprefer lets calls that wait for one agent alone wait for anybody, when
// that agent is no longer to be expected.
func (e *Engine) unprefer(a *agent) {
	for _, m := range slices.Clone(a.members) {
		if m.line.key.agent == "" {
			continue
		}
		for _, c := range slices.Clone(m.line.waiting.items) {
			e.settle(c)
		}
	}
}

// avoids reports whether the call is not offered to an agent now, because the
// agent has just not taken it.
func (c *call) avoids(a *agent, now time.Time) bool {
	for _, o := range c.Offers {
		if o.Agent == a.Agent && o.Outcome.notTaken() && o.Ended.Add(c.queue.NotAgain).After(now) {
			return true
		}
	}
	return false
}

// notTaken reports whether the agent or the phone did not take the offer.
func (o OfferOutcome) notTaken() bool {
	switch o {
	case OfferNoAnswer, OfferRefused, OfferBusy, OfferUnreachable, OfferFailed:
		return true
	}
	return false
}
