package acd

import (
	"fmt"
	"time"
)

// Audit checks the invariants that must hold between two steps, and returns
// a sentence for each that is broken. It costs a pass over everything.
func (e *Engine) Audit() []string {
	a := audit{e: e, holders: make(map[AgentID]CallID)}
	a.calls()
	a.agents()
	a.lines()
	a.queues()
	a.callbacks()
	a.partners()
	return a.broken
}

type audit struct {
	e       *Engine
	holders map[AgentID]CallID
	broken  []string
}

func (a *audit) report(format string, args ...any) {
	a.broken = append(a.broken, fmt.Sprintf(format, args...))
}

func (a *audit) calls() {
	for _, c := range a.e.calls {
		key, offerable := lineKey{}, false
		if c.Phase == PhaseWaiting {
			key, offerable = a.e.lineKeyOf(c)
		}
		switch {
		case (c.line != nil) != offerable || (c.pos >= 0) != offerable:
			a.report("call %s is %s, and its place in the line does not agree", c.Call, c.Phase)
		case offerable && (c.line.key != key || a.e.lines[key] != c.line):
			a.report("call %s waits in the line %+v and belongs into %+v", c.Call, c.line.key, key)
		}
		if next := a.e.nextReviewOf(c); (c.review.pos >= 0) != !next.IsZero() || !next.IsZero() && next.Before(c.review.at) {
			a.report("call %s is to be looked at again at %v, and its timer does not agree", c.Call, next)
		}
		if c.Phase.inHand() != (len(c.rings) > 0) || len(c.rings) > 1 && c.Phase != PhaseRinging {
			a.report("call %s is %s and has %d agents", c.Call, c.Phase, len(c.rings))
		}
		if (len(c.rings) > 0) != (c.CallStatus.Agent != "") || len(c.rings) > 0 && c.Leg != c.rings[0].leg {
			a.report("call %s has %d agents, and shows agent %q with the leg %q", c.Call, len(c.rings), c.CallStatus.Agent, c.Leg)
		}
		if (c.rating != nil) != (c.Phase == PhaseRating) || c.rating != nil && (c.rating.due.pos < 0 || !c.rating.due.at.Equal(c.rating.Due)) {
			a.report("call %s is %s, and what it is asked for and its timer do not agree", c.Call, c.Phase)
		}
		if c.queue != nil && c.Phase == PhaseRating || !c.OnHold.IsZero() && c.Phase != PhaseTalking && c.Phase != PhaseAnswered {
			a.report("call %s is %s, in queue %q and on hold since %v", c.Call, c.Phase, c.Queue, c.OnHold)
		}
		if (c.ring.pos >= 0) != (c.Phase == PhaseRinging) {
			a.report("call %s is %s, and the ring timer does not agree", c.Call, c.Phase)
		}
		for _, r := range c.rings {
			if other, taken := a.holders[r.agent.Agent]; taken {
				a.report("agent %s has the calls %s and %s", r.agent.Agent, other, c.Call)
			}
			a.holders[r.agent.Agent] = c.Call
			if r.agent.call != c {
				a.report("call %s is with agent %s, who does not have it", c.Call, r.agent.Agent)
			}
		}
	}
}

// nextReviewOf is nextReview for a call in any phase.
func (e *Engine) nextReviewOf(c *call) time.Time {
	if c.Phase != PhaseWaiting {
		return time.Time{}
	}
	return e.nextReview(c)
}

func (a *audit) agents() {
	for _, g := range a.e.agents {
		busy := g.State == Ringing || g.State == Talking
		if busy != (g.call != nil) || busy != (a.holders[g.Agent] != "") {
			a.report("agent %s is %s, and call %q does not agree", g.Agent, g.State, g.Call)
		}
		if (g.wrap.pos >= 0) != (g.State == WrapUp) {
			a.report("agent %s is %s, and the wrap-up timer does not agree", g.Agent, g.State)
		}
		if (g.leave.pos >= 0) != (g.Leaving != "") || g.Leaving != "" && a.e.leaving[g.Leaving] != g {
			a.report("agent %s: the leg %q that leaves and its timer do not agree", g.Agent, g.Leaving)
		}
		for _, m := range g.members {
			if (m.pos >= 0) != g.available() {
				a.report("agent %s is %s, and the place in the line %+v does not agree", g.Agent, g.State, m.line.key)
			}
		}
	}
}

func (a *audit) lines() {
	for _, l := range a.e.lines {
		if c := l.first(a.e.now); c != nil {
			a.report("call %s waits in the line %+v and agent %s is ready", c.Call, l.key, l.best(c, a.e.now).Agent)
		}
		if l.key.agent != "" && l.waiting.Len() == 0 {
			a.report("the line %+v is left over", l.key)
		}
	}
}

func (a *audit) partners() {
	ringing, talking := make(map[*partner]int), make(map[*partner]int)
	asking := make(map[*partner]int)
	for _, c := range a.e.calls {
		r := c.referral
		if r == nil {
			if c.Phase == PhaseJoining || c.Phase == PhaseAway {
				a.report("call %s is %s and has no partner", c.Call, c.Phase)
			}
			continue
		}
		rings := c.Phase == PhaseWaiting || c.Phase == PhaseRinging
		switch {
		case (c.Phase == PhaseJoining || c.Phase == PhaseAway) && r.Leg == "", r.Leg != "" && c.Phase == PhaseAnswered, r.Leg != "" && c.Phase == PhaseTalking:
			a.report("call %s is %s and has the leg %q at a partner", c.Call, c.Phase, r.Leg)
		case (r.Leg != "") != (r.partner != nil), (r.ring.pos >= 0) != (r.Leg != "" && rings):
			a.report("call %s is %s, and its partner %q and the timer do not agree with the leg %q", c.Call, c.Phase, r.Partner, r.Leg)
		case r.Leg != "" && c.Phase == PhaseAway:
			talking[r.partner]++
		case r.Leg != "":
			ringing[r.partner]++
		}
		_, offerable := lineKey{}, false
		if c.Phase == PhaseWaiting && r.Leg == "" {
			_, offerable = a.e.lineKeyOf(c)
		}
		known := 0
		for _, id := range r.Asked {
			if p := a.e.partners[id]; p != nil && offerable {
				known++
				asking[p]++
			}
		}
		if len(r.asking) != known {
			a.report("call %s asks for %d partners, and stands with %d", c.Call, known, len(r.asking))
		}
	}
	for _, p := range a.e.partnerOrder {
		if p.ringing != ringing[p] || p.talking != talking[p] || p.asking.Len() != asking[p] {
			a.report("partner %s counts %d ringing, %d talking, %d asking, and has %d, %d, %d",
				p.ID, p.ringing, p.talking, p.asking.Len(), ringing[p], talking[p], asking[p])
		}
		if p.asking.Len() > 0 && p.free() {
			a.report("partner %s is free and call %s asks for it", p.ID, p.asking.min().call.Call)
		}
		if c := p.counts; c.Rung != c.Answered+c.NotTaken+c.Withdrawn+uint64(p.ringing) {
			a.report("partner %s: rung %d is not answered %d + not taken %d + withdrawn %d + ringing %d", p.ID, c.Rung, c.Answered, c.NotTaken, c.Withdrawn, p.ringing)
		}
	}
}

func (a *audit) callbacks() {
	for _, b := range a.e.callbacks {
		if a.e.promised[promise{b.Number, b.Queue}] != b {
			a.report("callback %s is not found by its caller", b.ID)
		}
		if b.call != nil && a.e.calls[b.Call] != b.call {
			a.report("callback %s has the attempt %s, which is not in progress", b.ID, b.Call)
		}
	}
	if len(a.e.promised) != len(a.e.callbacks) {
		a.report("%d callbacks are listed, %d found by their callers", len(a.e.callbacks), len(a.e.promised))
	}
}

func (a *audit) queues() {
	inQueue, talking := make(map[*queue]int), make(map[*queue]int)
	for _, c := range a.e.calls {
		switch {
		case c.Phase == PhaseTalking:
			talking[c.queue]++
		case c.queue != nil && c.callback == nil:
			inQueue[c.queue]++
		}
	}
	tallies := make(map[QueueID]*queue)
	for id := range a.e.queues {
		tallies[id] = &queue{}
	}
	for _, g := range a.e.agents {
		for _, id := range g.Queues {
			tallies[id].tally(g.State, 1)
		}
	}
	for _, q := range a.e.queueOrder {
		if t := tallies[q.ID]; q.onDuty != t.onDuty || q.working != t.working || q.ready != t.ready {
			a.report("queue %s counts %d agents on duty, %d working, %d ready, and has %d, %d, %d",
				q.ID, q.onDuty, q.working, q.ready, t.onDuty, t.working, t.ready)
		}
		if q.inQueue != inQueue[q] || q.talking != talking[q] {
			a.report("queue %s counts %d waiting and %d talking, and has %d and %d", q.ID, q.inQueue, q.talking, inQueue[q], talking[q])
		}
		if c := q.memory.Counts; c.Offered != c.Answered+c.Abandoned+c.Overflowed+uint64(q.inQueue) {
			a.report("queue %s: offered %d is not answered %d + abandoned %d + overflowed %d + waiting %d",
				q.ID, c.Offered, c.Answered, c.Abandoned, c.Overflowed, q.inQueue)
		}
	}
}
