package acd

import (
	"cmp"
	"slices"
	"time"
)

// Clone is a copy that stays as it is when the engine goes on.
func (s CallStatus) Clone() CallStatus {
	s.Offers = slices.Clone(s.Offers)
	s.Next = slices.Clone(s.Next)
	if s.Points != nil {
		points := *s.Points
		s.Points = &points
	}
	if s.Referral != nil {
		r := *s.Referral
		r.Asked = slices.Clone(r.Asked)
		s.Referral = &r
	}
	if s.Rating != nil {
		r := *s.Rating
		s.Rating = &r
	}
	return s
}

// Clone is a copy that stays as it is when the engine goes on.
func (s AgentStatus) Clone() AgentStatus {
	s.Queues = slices.Clone(s.Queues)
	s.Assigned = s.Assigned.clone()
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
	s := Snapshot{At: now, Callbacks: e.Callbacks(), Partners: e.Partners(), Blocks: e.Blocks(now), Emergency: slices.Clone(e.emergency)}
	longest := make(map[QueueID]time.Duration, len(e.queues))
	for _, c := range e.callsByArrival() {
		status := c.CallStatus.Clone()
		status.Priority = c.priority()
		s.Calls = append(s.Calls, status)
		if c.queue != nil && c.callback == nil && c.Phase != PhaseTalking {
			longest[c.Queue] = max(longest[c.Queue], now.Sub(c.Queued))
		}
	}
	for _, q := range e.queueOrder {
		status := QueueStatus{
			Queue: q.ID, Title: q.Title, Waiting: q.inQueue, Talking: q.talking,
			LongestWait: longest[q.ID], Agents: make(map[AgentState]int), Counts: q.memory.Counts, Open: q.open(now),
		}
		if wait, known := e.expectedWait(q, nil); known {
			status.ExpectedWait = &wait
		}
		for _, a := range q.members {
			status.Agents[a.State]++
		}
		s.Queues = append(s.Queues, status)
	}
	// Sorted before they are copied; most configurations have them in order already.
	agents := slices.Clone(e.agentOrder)
	slices.SortFunc(agents, func(a, b *agent) int { return cmp.Compare(a.Agent, b.Agent) })
	s.Agents = slices.Grow(s.Agents, len(agents))
	for _, a := range agents {
		status := a.AgentStatus.Clone()
		status.Levels, status.Skills = a.levels, a.skills
		s.Agents = append(s.Agents, status)
	}
	return s
}
