package acd

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

func (c *call) status() CallStatus {
	s := c.CallStatus
	s.Offers = slices.Clone(c.Offers)
	return s
}

func (a *agent) status() AgentStatus {
	s := a.AgentStatus
	s.Queues = slices.Clone(a.Queues)
	return s
}

// callsByArrival lists the calls in progress, first come first.
func (e *Engine) callsByArrival() []*call {
	calls := make([]*call, 0, len(e.calls))
	for _, c := range e.calls {
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(a, b *call) int {
		return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Call, b.Call))
	})
	return calls
}

// Snapshot copies the state of everything at now.
func (e *Engine) Snapshot(now time.Time) Snapshot {
	s := Snapshot{At: now}
	longest := make(map[QueueID]time.Duration, len(e.queues))
	for _, c := range e.callsByArrival() {
		s.Calls = append(s.Calls, c.status())
		if c.queue != nil && c.Phase != PhaseTalking {
			longest[c.Queue] = max(longest[c.Queue], now.Sub(c.Queued))
		}
	}
	for _, q := range e.queueOrder {
		status := QueueStatus{
			Queue: q.ID, Title: q.Title, Waiting: q.inQueue, Talking: q.talking,
			LongestWait: longest[q.ID], Agents: make(map[AgentState]int), Counts: q.counts,
		}
		for _, a := range q.members {
			status.Agents[a.State]++
		}
		s.Queues = append(s.Queues, status)
	}
	for _, a := range e.agents {
		s.Agents = append(s.Agents, a.status())
	}
	slices.SortFunc(s.Agents, func(a, b AgentStatus) int { return cmp.Compare(a.Agent, b.Agent) })
	return s
}

// Audit checks the invariants that must hold between two steps, and returns
// a sentence for each that is broken. It costs a pass over everything.
func (e *Engine) Audit() []string {
	var broken []string
	report := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }

	inQueue, talking := make(map[*queue]int), make(map[*queue]int)
	holders := make(map[AgentID]CallID)
	for _, c := range e.calls {
		switch {
		case c.Phase == PhaseTalking:
			talking[c.queue]++
		case c.queue != nil:
			inQueue[c.queue]++
		}
		if (c.pos >= 0) != (c.offerable() && !e.cutOff[c.Node]) {
			report("call %s is %s, and its place in the queue does not agree", c.Call, c.Phase)
		}
		if c.pause.pos >= 0 && c.Phase != PhaseWaiting {
			report("call %s is %s and pauses all the same", c.Call, c.Phase)
		}
		if c.agent == nil {
			continue
		}
		if other, taken := holders[c.agent.Agent]; taken {
			report("agent %s has the calls %s and %s", c.agent.Agent, other, c.Call)
		}
		holders[c.agent.Agent] = c.Call
		if c.agent.call != c {
			report("call %s is with agent %s, who does not have it", c.Call, c.agent.Agent)
		}
	}
	for _, a := range e.agents {
		busy := a.State == Ringing || a.State == Talking
		if busy != (a.call != nil) {
			report("agent %s is %s, and call %q does not agree", a.Agent, a.State, a.Call)
		}
		if (a.wrap.pos >= 0) != (a.State == WrapUp) {
			report("agent %s is %s, and the wrap-up timer does not agree", a.Agent, a.State)
		}
		if (a.leave.pos >= 0) != (a.leaving != "") || a.leaving != "" && e.leaving[a.leaving] != a {
			report("agent %s: the leg %q that leaves and its timer do not agree", a.Agent, a.leaving)
		}
		for _, m := range a.memberships {
			if (m.pos >= 0) != (a.State == Ready && a.leaving == "") {
				report("agent %s is %s, and the place in queue %s does not agree", a.Agent, a.State, m.queue.ID)
			}
		}
	}
	for _, q := range e.queueOrder {
		if q.waiting.Len() > 0 && q.ready.Len() > 0 {
			report("queue %s has a waiting caller and a ready agent", q.ID)
		}
		if q.inQueue != inQueue[q] || q.talking != talking[q] {
			report("queue %s counts %d waiting and %d talking, and has %d and %d", q.ID, q.inQueue, q.talking, inQueue[q], talking[q])
		}
		if c := q.counts; c.Offered != c.Answered+c.Abandoned+uint64(q.inQueue) {
			report("queue %s: offered %d is not answered %d + abandoned %d + waiting %d", q.ID, c.Offered, c.Answered, c.Abandoned, q.inQueue)
		}
	}
	return broken
}
