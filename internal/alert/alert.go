// Package alert says what is to be shown to supervisors as out of order, within one look
// at the site: docs/events.md has the list. Looks enter, alerts leave. It imports acd,
// and owns no clock: a look brings its moment along.
//
// The rules for Prometheus (deploy/prometheus) are for those who run the program, and slower.
package alert

import (
	"cmp"
	"slices"
	"time"

	"hotline/internal/acd"
)

// Code says what is out of order.
type Code string

// The codes.
const (
	NobodyReady      Code = "nobody_ready"      // callers wait in a queue, and none of its agents is at work
	LongWait         Code = "long_wait"         // a caller of a queue waits for over twice the target
	ConnectRate      Code = "connect_rate"      // too few of the calls of the last 24 hours were answered
	NodeDown         Code = "node_down"         // an Asterisk node takes no calls
	NotReady         Code = "not_ready"         // what happens is written neither to Redis nor to disk, or not to disk
	Spool            Code = "spool"             // what happens is not written to Redis and waits on disk
	EmergencyOn      Code = "emergency_on"      // every caller hears the emergency announcement
	AgentRONA        Code = "agent_rona"        // not ready, since the phone rang and was not answered
	AgentUnreachable Code = "agent_unreachable" // not ready, since the phone could not be rung
	LongNotReady     Code = "long_not_ready"    // an agent is not ready for long
	LongWrapUp       Code = "long_wrap_up"      // an agent is in wrap-up for long
)

// Severity says how bad it is.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // callers are not served, or calls may not be accounted for
	Warning  Severity = "warning"
)

// Alert is one thing that is out of order.
type Alert struct {
	ID       string      `json:"id"` // the code and, after a colon, whom or what it is about
	Code     Code        `json:"alert"`
	Severity Severity    `json:"severity"`
	Since    time.Time   `json:"since"` // when it became so; it stays while the alert lasts
	Queue    acd.QueueID `json:"queue,omitempty"`
	Agent    acd.AgentID `json:"agent,omitempty"`
	Node     acd.NodeID  `json:"node,omitempty"`
	// Value is, by code: of NobodyReady callers who wait, of LongWait the longest wait in
	// seconds, of ConnectRate per cent. Others have none.
	Value  *float64 `json:"value,omitempty"`
	Detail string   `json:"detail"` // one sentence for people
}

// Still is an alert without the clock that runs.
func (a Alert) Still() Alert {
	if a.Code == LongWait {
		a.Value = nil
	}
	return a
}

// Rate counts the calls of the last 24 hours.
type Rate struct{ Offered, Answered int64 }

// Node is a node that takes no calls, and a sentence that says why.
type Node struct {
	ID  acd.NodeID
	Why string
}

// Look is the site at one moment.
type Look struct {
	acd.Snapshot
	Target time.Duration // within which calls are to be answered: the first service level
	Rate   Rate
	Nodes  []Node // that take no calls
	Store  string // why what happens is not written to Redis, or to disk; empty while it is
	Spools bool   // then it waits on disk
}

// forgotten is how long nobody has to look for all to be forgotten: what has been
// meanwhile is not known.
const forgotten = 10 * time.Second

// Tracker remembers since when things are out of order. It is not safe for concurrent
// use. The zero value has seen nothing.
type Tracker struct {
	last   time.Time // the moment of the last look
	states map[string]*state
	list   []Alert
}

// state is what is remembered of one alert.
type state struct {
	finding
	since time.Time
	met   time.Time // the last look that found it
	shown bool
}

// See takes a look and returns all alerts, critical ones first, then the oldest. Who
// comes with a look older than the last gets what that one found.
func (t *Tracker) See(l Look) []Alert {
	if l.At.Before(t.last) && t.last.Sub(l.At) < forgotten {
		return slices.Clone(t.list)
	}
	if t.states == nil || l.At.Sub(t.last).Abs() > forgotten {
		t.states = make(map[string]*state)
	}
	t.last = l.At
	for _, f := range l.findings() {
		t.met(f, l.At)
	}
	t.list = []Alert{}
	for id, s := range t.states {
		if s.met.Before(l.At) && (!s.shown || l.At.Sub(s.met) >= s.lingers) {
			delete(t.states, id)
			continue
		}
		if s.shown {
			a := s.Alert
			a.Since = s.since
			t.list = append(t.list, a)
		}
	}
	slices.SortFunc(t.list, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return slices.Clone(t.list)
}

func rank(a Alert) int {
	if a.Severity == Critical {
		return 0
	}
	return 1
}

func (t *Tracker) met(f finding, at time.Time) {
	s := t.states[f.ID]
	switch {
	case s == nil && f.only:
		return
	case s == nil:
		s = &state{since: f.Since}
		if s.since.IsZero() || s.since.After(at) {
			s.since = at
		}
		t.states[f.ID] = s
	case f.exact:
		s.since = f.Since
	}
	s.finding, s.met = f, at
	s.shown = s.shown || at.Sub(s.since) >= f.after
}
