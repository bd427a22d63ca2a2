package acd

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Kind is what a Change is about.
type Kind string

// The kinds.
const (
	KindCall     Kind = "call"     // by call id
	KindAgent    Kind = "agent"    // by work number
	KindCallback Kind = "callback" // by callback id
	KindQueue    Kind = "queue"    // by queue id
	KindPartner  Kind = "partner"  // by partner id
	KindBlock    Kind = "block"    // by the caller's number
	KindTalked   Kind = "talked"   // by the caller's number
	KindPlace    Kind = "place"    // by the caller's number
	KindSite     Kind = "site"     // there is one, without a name
)

// Key names what has changed.
type Key struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// Change is a new state of one thing that a controller which takes over must
// know. Exactly one field is set. A later change of the same Key replaces an earlier
// one; all of them together make a State. What a change points at is the engine's own,
// as it is until the next step: it must not be changed, and whoever keeps it clones it.
type Change struct {
	Call     *CallStatus     `json:"call,omitempty"`     // a call in progress
	Agent    *AgentStatus    `json:"agent,omitempty"`    // an agent, logged in or out
	Callback *CallbackStatus `json:"callback,omitempty"` // the last change of one has a state that is over
	Queue    *QueueMemory    `json:"queue,omitempty"`
	Partner  *PartnerMemory  `json:"partner,omitempty"`
	Block    *Block          `json:"block,omitempty"`
	Talked   *TalkedWith     `json:"talked,omitempty"`
	Place    *KeptPlace      `json:"place,omitempty"`
	Site     *SiteMemory     `json:"site,omitempty"`
	// Gone names what need not be known any more: a call that has ended, an
	// agent who has left the configuration, a block that was lifted.
	Gone *Key `json:"gone,omitempty"`
}

// QueueMemory is what is remembered of a queue.
type QueueMemory struct {
	Queue  QueueID     `json:"queue"`
	Counts QueueCounts `json:"counts"`
	Pulse  Pulse       `json:"pulse,omitzero"`
	// Rules tells the queue's rules of overflow from others, which have not been
	// followed yet for those who wait.
	Rules string `json:"rules,omitempty"`
}

// PartnerMemory is what is remembered of a partner.
type PartnerMemory struct {
	Partner PartnerID     `json:"partner"`
	Counts  PartnerCounts `json:"counts"`
	Last    OfferOutcome  `json:"last,omitempty"`
	Rests   time.Time     `json:"rests_until,omitzero"`
}

// SiteMemory is what belongs to no single call, agent or queue.
type SiteMemory struct {
	Emergency []string  `json:"emergency,omitempty"`
	Tokens    float64   `json:"tokens,omitempty"` // of the admission,
	Filled    time.Time `json:"filled,omitzero"`  // as of then
	Chance    uint64    `json:"chance"`           // where the sequence of chance is
	// Former are the entries, no longer configured, of calls in progress.
	Former []Entry `json:"former,omitempty"`
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

// Key says what has changed, and whether it is gone for good.
func (c Change) Key() (key Key, gone bool) {
	switch {
	case c.Call != nil:
		return Key{KindCall, string(c.Call.Call)}, false
	case c.Agent != nil:
		return Key{KindAgent, string(c.Agent.Agent)}, false
	case c.Callback != nil:
		return Key{KindCallback, string(c.Callback.ID)}, c.Callback.State.Over()
	case c.Queue != nil:
		return Key{KindQueue, string(c.Queue.Queue)}, false
	case c.Partner != nil:
		return Key{KindPartner, string(c.Partner.Partner)}, false
	case c.Block != nil:
		return Key{KindBlock, c.Block.Number}, false
	case c.Talked != nil:
		return Key{KindTalked, c.Talked.Caller}, false
	case c.Place != nil:
		return Key{KindPlace, c.Place.Caller}, false
	case c.Gone != nil:
		return *c.Gone, true
	}
	return Key{KindSite, ""}, false
}

// Clone is a copy that stays as it is when the engine goes on.
func (c Change) Clone() Change {
	switch {
	case c.Call != nil:
		status := c.Call.Clone()
		c.Call = &status
	case c.Agent != nil:
		status := c.Agent.Clone()
		c.Agent = &status
	case c.Queue != nil:
		memory := *c.Queue
		c.Queue = &memory
	}
	return c // the others are made for the change alone
}

// Mirror gathers changes. The zero value is that of an engine which has just begun.
type Mirror struct{ things map[Key]Change }

// Apply takes a change in.
func (m *Mirror) Apply(c Change) {
	key, gone := c.Key()
	switch {
	case gone:
		delete(m.things, key)
		return
	case m.things == nil:
		m.things = make(map[Key]Change)
	}
	m.things[key] = c.Clone()
}

// State is what all changes make, as of a moment that is not before the last of them.
func (m *Mirror) State(at time.Time) State {
	s := State{At: at}
	for _, key := range slices.SortedFunc(maps.Keys(m.things), compareKeys) {
		switch c := m.things[key]; {
		case c.Call != nil:
			s.Calls = append(s.Calls, c.Call.Clone())
		case c.Agent != nil:
			s.Agents = append(s.Agents, c.Agent.Clone())
		case c.Callback != nil:
			s.Callbacks = append(s.Callbacks, *c.Callback)
		case c.Queue != nil:
			s.Queues = append(s.Queues, *c.Queue)
		case c.Partner != nil:
			s.Partners = append(s.Partners, *c.Partner)
		case c.Block != nil:
			s.Blocks = append(s.Blocks, *c.Block)
		case c.Talked != nil:
			s.Talked = append(s.Talked, *c.Talked)
		case c.Place != nil:
			s.Places = append(s.Places, *c.Place)
		case c.Site != nil:
			s.Site = *c.Site
		}
	}
	s.sort()
	return s
}

func compareKeys(a, b Key) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) }
