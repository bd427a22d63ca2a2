package acd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Mend brings a state into agreement with itself that was not written whole: the
// former controller, or its store, ended in the middle. What a call says counts more
// than what an agent says, and of two the later. It returns what it has changed, a
// sentence each. A state that agrees with itself stays as it is.
//
// What has become of the calls at the switch it does not know: that is told by
// events when the switch is reached.
func Mend(s State) (State, []string) {
	m := mending{State: s, holds: map[AgentID]*OfferRecord{}}
	m.Calls, m.Agents, m.Callbacks = nil, slices.Clone(s.Agents), slices.Clone(s.Callbacks)
	for _, c := range s.Calls {
		m.Calls = append(m.Calls, c.Clone())
	}
	m.claims()
	m.seats()
	m.phases()
	m.agents()
	m.partners()
	m.callbacks()
	m.legs()
	m.counts()
	m.sort()
	return m.State, m.told
}

type mending struct {
	State
	holds map[AgentID]*OfferRecord // by agent: the offer, in flight or taken, that is there
	told  []string
}

func (m *mending) tell(format string, args ...any) {
	m.told = append(m.told, fmt.Sprintf(format, args...))
}

// present reports whether the offer is in flight, or is the conversation, of a call
// in this phase.
func (o *OfferRecord) present(phase CallPhase) bool {
	return o.Outcome == "" && phase != PhaseTalking || o.Outcome == OfferAnswered && phase == PhaseTalking
}

// withdraw ends an offer for which no agent is there.
func (m *mending) withdraw(o *OfferRecord) { o.Ended, o.Outcome = m.At, OfferWithdrawn }

// claims finds for each agent the offer that is there: of several the last.
func (m *mending) claims() {
	for i := range m.Calls {
		c := &m.Calls[i]
		for j := range c.Offers {
			o := &c.Offers[j]
			switch former := m.holds[o.Agent]; {
			case !o.present(c.Phase):
			case !c.Phase.inHand():
				m.tell("call %s is %s; its offer to agent %s counts as withdrawn", c.Call, c.Phase, o.Agent)
				m.withdraw(o)
			case former == nil:
				m.holds[o.Agent] = o
			default:
				m.tell("agent %s has call %s and another; the earlier one counts as over", o.Agent, c.Call)
				if !former.Made.After(o.Made) {
					m.holds[o.Agent], o = o, former
				}
				m.withdraw(o)
			}
		}
	}
}

// seats lets one agent sit at each seat: who has a call, else who came last.
func (m *mending) seats() {
	for _, id := range keysOf(m.holds) { // who has a call sits where it rang
		o := m.holds[id]
		i := slices.IndexFunc(m.Agents, func(a AgentStatus) bool { return a.Agent == id })
		if i < 0 {
			m.tell("agent %s has a call and is not known; logged in at seat %s", id, o.Seat)
			m.Agents = append(m.Agents, AgentStatus{Agent: id, State: NotReady, Reason: ReasonLogin, Seat: o.Seat, Since: o.Made})
		} else if a := &m.Agents[i]; a.Seat != o.Seat || a.State == LoggedOut {
			m.tell("agent %s has a call at seat %s and is %s at seat %q; logged in there", id, o.Seat, a.State, a.Seat)
			a.Seat, a.State, a.Since = o.Seat, NotReady, o.Made
		}
	}
	holders := map[SeatID]int{}
	for i := range m.Agents {
		a := &m.Agents[i]
		if (a.State == LoggedOut) != (a.Seat == "") {
			m.tell("agent %s is %s at seat %q; logged out", a.Agent, a.State, a.Seat)
			m.logOut(i)
		}
		other, taken := holders[a.Seat]
		switch {
		case a.Seat == "":
		case !taken:
			holders[a.Seat] = i
		default:
			loser := i
			if m.sitsBefore(i, other) {
				holders[a.Seat], loser = i, other
			}
			m.tell("two agents sit at seat %s; %s is logged out", a.Seat, m.Agents[loser].Agent)
			m.logOut(loser)
		}
	}
}

// sitsBefore reports whether one agent has a better claim to a seat than another.
func (m *mending) sitsBefore(i, j int) bool {
	a, b := &m.Agents[i], &m.Agents[j]
	x, y := m.holds[a.Agent], m.holds[b.Agent]
	switch {
	case x != nil && y != nil:
		return x.Made.After(y.Made)
	case x != nil || y != nil:
		return x != nil
	}
	return a.Since.After(b.Since)
}

func (m *mending) logOut(i int) {
	a := &m.Agents[i]
	if o := m.holds[a.Agent]; o != nil {
		m.withdraw(o)
		delete(m.holds, a.Agent)
	}
	*a = AgentStatus{
		Agent: a.Agent, Name: a.Name, Queues: a.Queues, State: LoggedOut, Since: m.At,
		Leaving: a.Leaving, LeavingSeat: a.LeavingSeat, LeaveBy: a.LeaveBy, Assigned: a.Assigned,
	}
}

// phases lets a call wait whose agent it does not have, or end where it can no
// longer wait, and agree with its offers.
func (m *mending) phases() {
	for i := range m.Calls {
		c := &m.Calls[i]
		if !c.Phase.inHand() {
			continue
		}
		first := -1
		for j := range c.Offers {
			switch o := &c.Offers[j]; {
			case !o.present(c.Phase):
			case first < 0:
				first = j
			case c.Phase != PhaseRinging:
				m.tell("call %s is %s and has several agents; %s is not one", c.Call, c.Phase, o.Agent)
				delete(m.holds, o.Agent)
				m.withdraw(o)
			}
		}
		switch {
		case first >= 0:
			o := c.Offers[first]
			c.Agent, c.Seat, c.Leg = o.Agent, o.Seat, NewLegID(c.Call, o.number(first), o.Agent)
			continue
		case c.Phase == PhaseTalking:
			m.tell("call %s talks with nobody; it is over", c.Call)
			c.Phase, c.FateResult, c.FateReason = PhaseClosing, Answered, Recovered
			if !c.OnHold.IsZero() {
				c.Hold += m.At.Sub(c.OnHold)
			}
		default:
			m.tell("call %s is %s and has no agent; it waits", c.Call, c.Phase)
			c.Phase, c.Lifted = PhaseWaiting, time.Time{}
		}
		c.Agent, c.Seat, c.Leg, c.OnHold = "", "", "", time.Time{}
	}
}

// agents lets each agent be in the state in which the calls say the agent is.
func (m *mending) agents() {
	calls := map[AgentID]*CallStatus{}
	for i := range m.Calls {
		for j := range m.Calls[i].Offers {
			if o := &m.Calls[i].Offers[j]; m.holds[o.Agent] == o {
				calls[o.Agent] = &m.Calls[i]
			}
		}
	}
	for i := range m.Agents {
		a := &m.Agents[i]
		c := calls[a.Agent]
		state, since, call := a.State, a.Since, CallID("")
		switch {
		case c != nil && c.Phase == PhaseTalking:
			state, since, call = Talking, c.Answered, c.Call
		case c != nil:
			state, since, call = Ringing, m.holds[a.Agent].Made, c.Call
		case a.State == Talking: // the call has ended: no time is left for what comes after it
			state, since, a.WrapUpEnds = WrapUp, m.At, m.At
		case a.State == Ringing:
			state, since = Ready, m.At
		}
		if state != a.State || call != a.Call {
			m.tell("agent %s is %s with call %q; counts as %s with call %q", a.Agent, a.State, a.Call, state, call)
			a.State, a.Since, a.Call, a.Reason = state, since, call, ""
		}
		if state != WrapUp {
			a.WrapUpEnds = time.Time{}
		}
	}
}

// partners lets a call be with a partner if it has a leg there.
func (m *mending) partners() {
	for i := range m.Calls {
		c := &m.Calls[i]
		has := c.Referral != nil && c.Referral.Leg != ""
		switch c.Phase {
		case PhaseWaiting, PhaseRinging:
		case PhaseJoining:
			if !has {
				m.tell("call %s is %s and has no partner; it waits", c.Call, c.Phase)
				c.Phase, c.Lifted = PhaseWaiting, time.Time{}
			}
		case PhaseAway:
			if !has {
				m.tell("call %s is %s and has no partner; it is over", c.Call, c.Phase)
				c.Phase, c.FateResult, c.FateReason = PhaseClosing, Overflowed, Referred
			}
		default:
			if has {
				m.tell("call %s is %s; the leg to partner %s is not its own", c.Call, c.Phase, c.Referral.Partner)
				c.Referral.Partner, c.Referral.Leg, c.Referral.Rung = "", "", time.Time{}
			}
		}
	}
}

// callbacks lets callbacks and their attempts find each other: an attempt without a
// callback is over, a callback without an attempt makes the next.
func (m *mending) callbacks() {
	m.oneEach()
	attempts := map[CallbackID]*CallStatus{}
	m.Calls = slices.DeleteFunc(m.Calls, func(c CallStatus) bool {
		if c.Callback == "" {
			return false
		}
		i := slices.IndexFunc(m.Callbacks, func(b CallbackStatus) bool { return b.ID == c.Callback })
		if c.Phase == PhaseRating {
			if i >= 0 {
				m.tell("callback %s has reached the caller, who is asked for a rating; it is over", c.Callback)
				m.Callbacks = slices.Delete(m.Callbacks, i, i+1)
			}
			return false
		}
		if i >= 0 && m.Callbacks[i].Call == c.Call && attempts[c.Callback] == nil {
			attempts[c.Callback] = &c
			return false
		}
		if c.foundTalking() {
			return false // of which the callback need not know
		}
		m.tell("call %s is an attempt of callback %s, which does not know it; it is over", c.Call, c.Callback)
		for _, o := range c.Offers {
			m.freed(o.Agent, c.Call)
		}
		return true
	})
	for i := range m.Callbacks {
		b := &m.Callbacks[i]
		if c := attempts[b.ID]; c != nil {
			state := CallbackWaiting
			if c.Phase == PhaseAnswered || c.Phase == PhaseTalking {
				state = CallbackCalling
			}
			if b.State != state {
				m.tell("callback %s is %s, and its attempt is %s; counts as %s", b.ID, b.State, c.Phase, state)
				b.State = state
			}
			continue
		}
		if b.State != CallbackSpaced || b.Call != "" {
			m.tell("callback %s is %s and has no attempt; the next is made now", b.ID, b.State)
			b.State, b.Since, b.Next, b.Call = CallbackSpaced, m.At, m.At, ""
		}
	}
}

// freed lets an agent go whose call is over.
func (m *mending) freed(id AgentID, call CallID) {
	for i := range m.Agents {
		if a := &m.Agents[i]; a.Agent == id && a.Call == call {
			a.State, a.Since, a.Call = Ready, m.At, ""
		}
	}
}

// oneEach lets a caller be called back once by a queue: as asked for last.
func (m *mending) oneEach() {
	last := map[promise]CallbackStatus{}
	for _, b := range m.Callbacks {
		key := promise{b.Number, b.Queue}
		if former, twice := last[key]; !twice || b.Requested.After(former.Requested) {
			last[key] = b
		}
	}
	m.Callbacks = slices.DeleteFunc(m.Callbacks, func(b CallbackStatus) bool {
		over := last[promise{b.Number, b.Queue}].ID != b.ID
		if over {
			m.tell("callback %s is one of two to the same caller; it is over", b.ID)
		}
		return over
	})
}

// legs lets one agent wait for the end of a leg.
func (m *mending) legs() {
	seen := map[LegID]bool{}
	for i := range m.Agents {
		a := &m.Agents[i]
		if a.Leaving == "" {
			continue
		}
		if seen[a.Leaving] {
			m.tell("two agents wait for the end of leg %s; %s does not", a.Leaving, a.Agent)
			a.Leaving, a.LeavingSeat, a.LeaveBy = "", "", time.Time{}
		}
		seen[a.Leaving] = true
	}
}

// counts lets the queues' and partners' counts add up with the calls that there are.
func (m *mending) counts() {
	waiting, ringing := map[QueueID]uint64{}, map[PartnerID]uint64{}
	for _, c := range m.Calls {
		switch c.Phase {
		case PhaseWaiting, PhaseRinging, PhaseAnswered, PhaseJoining:
			if c.Callback == "" {
				waiting[c.Queue]++
			}
		}
		if c.Referral != nil && c.Referral.Leg != "" && c.Phase != PhaseAway {
			ringing[c.Referral.Partner]++
		}
	}
	m.Queues, m.Partners = slices.Clone(m.Queues), slices.Clone(m.Partners)
	for _, id := range keysOf(waiting) {
		if !slices.ContainsFunc(m.Queues, func(q QueueMemory) bool { return q.Queue == id }) {
			m.Queues = append(m.Queues, QueueMemory{Queue: id})
		}
	}
	for i := range m.Queues {
		q := &m.Queues[i]
		if n := q.Counts.Answered + q.Counts.Abandoned + q.Counts.Overflowed + waiting[q.Queue]; n != q.Counts.Offered {
			m.tell("queue %s counts %d calls offered and has had %d", q.Queue, q.Counts.Offered, n)
			q.Counts.Offered = n
		}
	}
	for i := range m.Partners {
		p := &m.Partners[i]
		if n := p.Counts.Answered + p.Counts.NotTaken + p.Counts.Withdrawn + ringing[p.Partner]; n != p.Counts.Rung {
			m.tell("partner %s counts %d calls and has had %d", p.Partner, p.Counts.Rung, n)
			p.Counts.Rung = n
		}
	}
}

// keysOf is for orders that do not depend on chance.
func keysOf[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
