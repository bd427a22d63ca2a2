package acd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// StateVersion is the version of State's fields. A newer state is refused by
// an older program.
const StateVersion = 1

// State is everything that an engine must know to go on where another ended,
// beside the configuration: what Restore takes. It is safe to keep: nothing in
// it is shared with the engine.
type State struct {
	Version int                     `json:"v"`
	At      time.Time               `json:"at"`
	Calls   []CallStatus            `json:"calls"`  // by arrival
	Agents  []AgentStatus           `json:"agents"` // by work number
	Counts  map[QueueID]QueueCounts `json:"counts"`
	// Rules tells the queues' rules of overflow from others, which have not been
	// followed yet for those who wait.
	Rules  map[QueueID]string `json:"rules"`
	Pulses map[QueueID]Pulse  `json:"pulses"`
	CutOff []NodeID           `json:"cut_off,omitempty"`
	// Talked says with which agent a caller talked last; Places are those of
	// callers who gave up. Oldest first.
	Callbacks []CallbackStatus `json:"callbacks,omitempty"`
	Talked    []TalkedWith     `json:"talked,omitempty"`
	// Former are the entries, no longer configured, of calls in progress.
	Former   []Entry         `json:"former,omitempty"`
	Partners []PartnerStatus `json:"partners,omitempty"`
	Places   []KeptPlace     `json:"places,omitempty"`

	Blocks    []Block   `json:"blocks,omitempty"`
	Emergency []string  `json:"emergency,omitempty"`
	Tokens    float64   `json:"tokens,omitempty"` // of the admission,
	Filled    time.Time `json:"filled,omitzero"`  // as of then
	Seq       uint64    `json:"seq"`              // calls that entered a queue
	Offers    uint64    `json:"offers"`           // made so far
	Chance    uint64    `json:"chance"`           // where the sequence of chance is
}

// TalkedWith remembers whom a caller talked with.
type TalkedWith struct {
	Caller string    `json:"caller"`
	Agent  AgentID   `json:"agent"`
	At     time.Time `json:"at"`
}

// KeptPlace is the place of a caller who gave up.
type KeptPlace struct {
	Caller      string    `json:"caller"`
	Queue       QueueID   `json:"queue"`
	Place       time.Time `json:"place"` // the moment that orders it
	Resumptions int       `json:"resumptions,omitempty"`
	At          time.Time `json:"at"` // when the caller gave up
}

// Save copies the engine's state.
func (e *Engine) Save() State {
	snapshot := e.Snapshot(e.now)
	s := State{
		Version: StateVersion, At: e.now, Calls: snapshot.Calls, Agents: snapshot.Agents,
		Counts: make(map[QueueID]QueueCounts, len(e.queues)), Pulses: make(map[QueueID]Pulse, len(e.queues)), CutOff: slices.Sorted(maps.Keys(e.cutOff)),
		Rules:     make(map[QueueID]string, len(e.queues)),
		Callbacks: snapshot.Callbacks, Partners: snapshot.Partners, Blocks: snapshot.Blocks, Emergency: snapshot.Emergency,
		Tokens: e.tokens, Filled: e.filled, Seq: e.seq, Offers: e.offers, Chance: e.chance.state,
	}
	for id, q := range e.queues {
		s.Counts[id], s.Pulses[id], s.Rules[id] = q.counts, q.pulse, q.rules()
	}
	former := map[string]Entry{}
	for _, c := range e.calls {
		if c.entry != nil && e.entries[c.Entry] == nil {
			former[c.Entry] = c.entry.Entry
		}
	}
	for _, number := range slices.Sorted(maps.Keys(former)) {
		s.Former = append(s.Former, former[number])
	}
	e.talked.each(func(caller string, agent AgentID, at time.Time) {
		s.Talked = append(s.Talked, TalkedWith{caller, agent, at})
	})
	e.places.each(func(caller string, p place, at time.Time) {
		s.Places = append(s.Places, KeptPlace{caller, p.queue, p.since, p.resumed, at})
	})
	return s
}

// Restore makes an engine that goes on from a state: who waited waits in the
// same place, who talked talks, timers run on. What another configuration makes
// happen at once comes out of the first step. The error says what in the state does
// not fit the configuration.
func Restore(cfg Config, flow Flow, s State) (*Engine, error) {
	if s.Version != StateVersion {
		return nil, fmt.Errorf("acd: the state is of version %d and this program reads %d; run the version that wrote it", s.Version, StateVersion)
	}
	e, err := NewEngine(cfg, flow)
	if err != nil {
		return nil, err
	}
	e.now, e.seq, e.offers, e.chance.state = s.At, s.Seq, s.Offers, s.Chance
	e.tokens, e.filled, e.emergency = s.Tokens, s.Filled, slices.Clone(s.Emergency)
	for id, counts := range s.Counts {
		if q := e.queues[id]; q != nil {
			q.counts, q.pulse = counts, s.Pulses[id]
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
		e.talked.put(t.Caller, t.Agent, t.At)
	}
	for _, p := range s.Places {
		e.places.put(p.Caller, place{p.Queue, p.Place, p.Resumptions}, p.At)
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
		if q := e.queues[status.Queue]; q != nil && q.rules() != s.Rules[status.Queue] {
			forgetRules(&status, q)
		}
		if err := e.restoreCall(status, s.Former, partners); err != nil {
			wrong = append(wrong, err.Error())
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

func (e *Engine) restoreAgent(s AgentStatus) error {
	a := e.agents[s.Agent]
	if a == nil {
		if s.State == LoggedOut {
			return nil // has left the configuration
		}
		a = e.retire(newAgent(s.Agent))
	}
	queues, name := a.Queues, a.Name
	a.AgentStatus = s
	a.Queues, a.Name = queues, name
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
	c.entry = e.entryOf(c)
	if i := slices.IndexFunc(former, func(n Entry) bool { return n.Number == c.Entry }); i >= 0 && e.entries[c.Entry] == nil {
		c.entry = &entry{Entry: former[i], skills: skillsKey(former[i].Skills)}
	}
	if c.Callback != "" {
		b := e.callbacks[c.Callback]
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
				agent: a, leg: NewLegID(c.Call, i+1, o.Agent), record: i, kind: RingDelay, from: o.Made,
			})
		}
	}
	if (len(c.rings) > 0) != c.Phase.inHand() {
		return fmt.Errorf("call %s is %s and has %d agents", c.Call, c.Phase, len(c.rings))
	}
	e.showOffer(c)
	if c.Phase == PhaseRinging {
		e.startTimer(&c.ring, c.Offers[c.rings[0].record].Made.Add(c.queue.RingTimeout))
	}
	return nil
}
