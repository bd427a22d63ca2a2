package acd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// StateVersion is the version of the fields of all changes. A newer state is refused
// by an older program.
const StateVersion = 1

// State is everything that an engine must know to go on where another ended,
// beside the configuration: what Restore takes. It is safe to keep: nothing in
// it is shared with the engine.
type State struct {
	At        time.Time        `json:"at"`
	Calls     []CallStatus     `json:"calls"`  // by arrival
	Agents    []AgentStatus    `json:"agents"` // by work number
	Callbacks []CallbackStatus `json:"callbacks,omitempty"`
	Queues    []QueueMemory    `json:"queues"`
	Partners  []PartnerMemory  `json:"partners,omitempty"`
	Blocks    []Block          `json:"blocks,omitempty"`
	Talked    []TalkedWith     `json:"talked,omitempty"` // oldest first
	Places    []KeptPlace      `json:"places,omitempty"` // oldest first
	Site      SiteMemory       `json:"site"`
	// Alive is when the former controller last gave a sign of life; zero: at At. A call
	// that has vanished since then has ended at some moment in between, and counts as
	// ended at Alive.
	Alive time.Time `json:"alive,omitzero"`
	// CutOff are the nodes that cannot be commanded until NodeReachable says
	// otherwise. It is not among the changes: whoever takes over reaches none yet.
	CutOff []NodeID `json:"cut_off,omitempty"`
}

// sort brings the lists into their orders.
func (s *State) sort() {
	slices.SortFunc(s.Calls, func(a, b CallStatus) int {
		return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Call, b.Call))
	})
	slices.SortFunc(s.Agents, func(a, b AgentStatus) int { return cmp.Compare(a.Agent, b.Agent) })
	slices.SortFunc(s.Callbacks, func(a, b CallbackStatus) int {
		return cmp.Or(a.Place.Compare(b.Place), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(s.Queues, func(a, b QueueMemory) int { return cmp.Compare(a.Queue, b.Queue) })
	slices.SortFunc(s.Partners, func(a, b PartnerMemory) int { return cmp.Compare(a.Partner, b.Partner) })
	slices.SortFunc(s.Blocks, func(a, b Block) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(s.Talked, func(a, b TalkedWith) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Caller, b.Caller)) })
	slices.SortFunc(s.Places, func(a, b KeptPlace) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Caller, b.Caller)) })
}

// Latest is the latest moment at which something happened to a call or an agent.
func (s State) Latest() (latest time.Time) {
	see := func(times ...time.Time) {
		for _, t := range times {
			if t.After(latest) {
				latest = t
			}
		}
	}
	for _, c := range s.Calls {
		see(c.Arrived, c.Queued, c.Entered, c.Lifted, c.Answered)
		for _, o := range c.Offers {
			see(o.Made, o.Rang, o.Ended)
		}
	}
	for _, a := range s.Agents {
		see(a.Since)
	}
	return latest
}

// Save copies the engine's state. It is what all changes so far make together.
func (e *Engine) Save() State {
	s := State{At: e.now, Callbacks: e.Callbacks(), CutOff: slices.Sorted(maps.Keys(e.cutOff)), Site: e.siteMemory()}
	for _, c := range e.calls {
		s.Calls = append(s.Calls, c.CallStatus.Clone())
	}
	for _, a := range e.agents {
		s.Agents = append(s.Agents, a.AgentStatus.Clone())
	}
	for _, q := range e.queues {
		s.Queues = append(s.Queues, q.memory)
	}
	for _, p := range e.partners {
		s.Partners = append(s.Partners, p.memory())
	}
	for _, b := range e.blocked {
		s.Blocks = append(s.Blocks, b)
	}
	e.talked.each(func(caller string, agent AgentID, at time.Time) {
		s.Talked = append(s.Talked, TalkedWith{caller, agent, at})
	})
	e.places.each(func(caller string, p place, at time.Time) {
		s.Places = append(s.Places, KeptPlace{caller, p.queue, p.since, p.resumed, at})
	})
	s.sort()
	return s
}

// Restore makes an engine that goes on from a state: who waited waits in the
// same place, who talked talks, timers run on. What another configuration makes
// happen at once comes out of the first step. The error says what in the state does
// not fit the configuration.
func Restore(cfg Config, flow Flow, s State) (*Engine, error) {
	e, err := NewEngine(cfg, flow)
	if err != nil {
		return nil, err
	}
	e.tellLess(s)
	e.now, e.alive, e.chance.state = s.At, s.Alive, s.Site.Chance
	e.tokens, e.filled, e.emergency = s.Site.Tokens, s.Site.Filled, slices.Clone(s.Site.Emergency)
	rules := make(map[QueueID]string, len(s.Queues))
	for _, saved := range s.Queues {
		rules[saved.Queue] = saved.Rules
		if q := e.queues[saved.Queue]; q != nil {
			q.memory.Counts, q.memory.Pulse = saved.Counts, saved.Pulse
		} else {
			e.gone(KindQueue, string(saved.Queue))
		}
	}
	for _, id := range s.CutOff {
		e.cutOff[id] = true
	}
	partners := map[PartnerID]bool{}
	for _, saved := range s.Partners {
		partners[saved.Partner] = true
		if p := e.partners[saved.Partner]; p != nil {
			p.counts, p.last = saved.Counts, saved.Last
			if saved.Rests.After(e.now) {
				e.startTimer(&p.rest, saved.Rests)
			}
		}
	}
	for _, b := range s.Blocks {
		e.blocked[b.Number] = b
	}
	for _, t := range s.Talked {
		if !e.talked.put(t.Caller, t.Agent, t.At) {
			e.gone(KindTalked, t.Caller)
		}
	}
	for _, p := range s.Places {
		if !e.places.put(p.Caller, place{p.Queue, p.Place, p.Resumptions}, p.At) {
			e.gone(KindPlace, p.Caller)
		}
	}
	var wrong []string
	for _, status := range s.Agents {
		if err := e.restoreAgent(status); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	for _, status := range s.Callbacks {
		e.restoreCallback(status)
	}
	for _, status := range s.Calls {
		status = status.Clone()
		q := e.queues[status.Queue]
		anew := q != nil && q.memory.Rules != rules[status.Queue]
		if anew {
			forgetRules(&status, q)
		}
		if err := e.restoreCall(status, s.Site.Former, partners); err != nil {
			wrong = append(wrong, err.Error())
		} else if anew {
			e.touchCall(e.calls[status.Call])
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("acd: the state does not fit the configuration: %s", strings.Join(wrong, "; "))
	}
	for _, a := range e.agentOrder {
		if a.State != LoggedOut {
			for _, q := range a.queues {
				q.tally(a.State, 1)
			}
		}
	}
	for _, a := range slices.Clone(e.agentOrder) {
		if a.retired {
			e.dismissAgent(a)
		}
	}
	for _, c := range e.callsByArrival() {
		e.settle(c)
	}
	e.dispatch()
	e.collect()
	e.begun = true
	return e, nil
}

// tellLess leaves out of what the first step tells those who are in the state and as
// they were: the store knows them.
func (e *Engine) tellLess(s State) {
	agents, queues, partners := map[AgentID]bool{}, map[QueueID]string{}, map[PartnerID]bool{}
	for _, a := range s.Agents {
		agents[a.Agent] = true
	}
	for _, q := range s.Queues {
		queues[q.Queue] = q.Rules
	}
	for _, p := range s.Partners {
		partners[p.Partner] = true
	}
	e.touchedAgents = slices.DeleteFunc(e.touchedAgents, func(a *agent) bool {
		a.touched = !agents[a.Agent]
		return !a.touched
	})
	e.touchedQueues = slices.DeleteFunc(e.touchedQueues, func(q *queue) bool {
		rules, known := queues[q.ID]
		q.touched = !known || rules != q.memory.Rules
		return !q.touched
	})
	e.touchedPartners = slices.DeleteFunc(e.touchedPartners, func(p *partner) bool {
		p.touched = !partners[p.ID]
		return !p.touched
	})
	e.siteTouched = len(s.Site.Former) > 0
	e.told = siteNumbers{s.Site.Tokens, s.Site.Filled, s.Site.Chance}
}

func (e *Engine) restoreAgent(s AgentStatus) error {
	a := e.agents[s.Agent]
	if a == nil {
		if s.State == LoggedOut {
			e.gone(KindAgent, string(s.Agent)) // has left the configuration
			return nil
		}
		a = e.retire(newAgent(s.Agent))
	}
	queues, name := a.Queues, a.Name
	a.AgentStatus = s
	a.Queues, a.Name, a.Assigned = queues, name, nil
	if s.Assigned != nil && !a.retired {
		a.quitQueues()
		a.Assigned = s.Assigned.clone()
		e.equip(a)
	}
	e.offers = max(e.offers, s.LastOffer)
	if s.Seat != "" {
		if holder := e.seats[s.Seat]; holder != nil {
			return fmt.Errorf("agents %s and %s sit at seat %s", holder.Agent, s.Agent, s.Seat)
		}
		e.seats[s.Seat] = a
	}
	if s.State == WrapUp {
		e.startTimer(&a.wrap, s.WrapUpEnds)
	}
	if s.Leaving != "" {
		e.leaving[s.Leaving] = a
		e.startTimer(&a.leave, s.LeaveBy)
	}
	return nil
}

func (e *Engine) restoreCallback(s CallbackStatus) {
	b := &callback{CallbackStatus: s}
	b.due = timer{kind: callbackTimer, callback: b, pos: -1}
	e.listCallback(b)
	if s.State == CallbackSpaced {
		e.startTimer(&b.due, s.Next)
	} else {
		e.startTimer(&b.due, s.Expires)
	}
}

func (e *Engine) restoreCall(s CallStatus, former []Entry, partners map[PartnerID]bool) error {
	c := newCall(s)
	c.Offers, c.Visits, c.Tried = slices.Clone(s.Offers), slices.Clone(s.Visits), slices.Clone(s.Tried)
	e.calls[c.Call] = c
	c.unseen = !e.alive.IsZero()
	e.seq = max(e.seq, c.Seq)
	c.entry = e.entryOf(c)
	if i := slices.IndexFunc(former, func(n Entry) bool { return n.Number == c.Entry }); i >= 0 && e.entries[c.Entry] == nil {
		c.entry = &entry{Entry: former[i], skills: skillsKey(former[i].Skills)}
	}
	if c.Phase == PhaseRating {
		return e.restoreRating(c)
	}
	if b := e.callbacks[c.Callback]; c.Callback != "" && !(c.foundTalking() && (b == nil || b.Call != c.Call)) {
		if b == nil {
			return fmt.Errorf("call %s is an attempt of the unknown callback %q", c.Call, c.Callback)
		}
		c.callback, b.call = b, c
	}
	e.restorePartner(c, partners)
	if c.Phase == PhaseAway {
		return nil
	}
	if c.Phase == PhaseGreeting || c.Phase == PhaseClosing {
		if c.Phase == PhaseGreeting && e.queues[c.entry.Queue] == nil {
			return fmt.Errorf("call %s is on the way to the unknown queue %q", c.Call, c.entry.Queue)
		}
		return nil
	}
	q := e.queues[c.Queue]
	if q == nil {
		return fmt.Errorf("call %s is in the unknown queue %q", c.Call, c.Queue)
	}
	c.queue = q
	c.rank = e.rankOf(c)
	if c.Phase == PhaseTalking {
		q.talking++
	} else if c.callback == nil {
		q.inQueue++
	}
	return e.restoreOffers(c)
}

// restoreOffers finds in the call's offers those in flight, or the conversation.
func (e *Engine) restoreOffers(c *call) error {
	for i, o := range c.Offers {
		a := e.agents[o.Agent]
		present := o.Outcome == "" && c.Phase != PhaseTalking || o.Outcome == OfferAnswered && c.Phase == PhaseTalking
		switch {
		case present && a == nil:
			return fmt.Errorf("call %s is with the unknown agent %q", c.Call, o.Agent)
		case present && a.call != nil:
			return fmt.Errorf("agent %s has the calls %s and %s", o.Agent, a.call.Call, c.Call)
		case present:
			a.call, a.Call = c, c.Call
			c.rings = append(c.rings, ring{
				agent: a, leg: NewLegID(c.Call, o.number(i), o.Agent), record: i, kind: RingDelay, from: o.Made,
			})
		}
	}
	if (len(c.rings) > 0) != c.Phase.inHand() {
		return fmt.Errorf("call %s is %s and has %d agents", c.Call, c.Phase, len(c.rings))
	}
	e.showOffer(c)
	if c.Phase == PhaseRinging {
		ends := c.Offers[c.rings[0].record].Made.Add(c.queue.RingTimeout)
		if told := e.now.Add(findOut); c.unseen && ends.Before(told) {
			ends = told
		}
		e.startTimer(&c.ring, ends)
	}
	return nil
}
