package runner

import (
	"context"
	"time"

	"hotline/internal/acd"
)

// SwitchEvent is an event of the switch and when it was read from the wire, as
// time.Now gives it, with its monotonic reading.
type SwitchEvent struct {
	At    time.Time
	Event acd.Event
}

// Switch is the telephone switch: one or more Asterisk nodes.
//
// The events of one call and its legs arrive in the order in which the switch
// saw them. After a gap in the connection the Switch finds out by itself what
// was missed, and delivers it as ordinary events.
type Switch interface {
	// Events is where everything arrives; it is closed after Run has returned.
	Events() <-chan SwitchEvent
	// Do hands over commands and returns at once. Commands of one call are
	// carried out in order; what comes of them arrives as events.
	Do(commands []acd.Command)
	// Run serves until ctx is done, then ends what it started within a few
	// seconds. Calls at the switch are left as they are. An error tells
	// why it has ended by itself.
	Run(ctx context.Context) error
	// Ready says why the switch cannot take calls, or nil.
	Ready() error
}

// Store keeps live state, call records and counters.
type Store interface {
	// Append hands over changes, records and stints and returns at once; they are
	// written in order, each record and stint applied exactly once. It copies what it
	// keeps: the lists, and what the changes point at, are the engine's.
	Append(changes []acd.Change, records []acd.CallRecord, stints []acd.Stint)
	// Run writes until ctx is done and all that was appended is written,
	// or until a few seconds have passed.
	Run(ctx context.Context) error
	// Ready says why the store is behind or unreachable, or nil.
	Ready() error
}

// Meter receives what the engine measures. It must not block.
type Meter interface {
	Measure(acd.Measure)
	// Breach counts a broken invariant; name is one of a fixed few.
	Breach(name string)
}

// Tracer receives the records of calls that have ended. It must not block, and copies
// what it keeps.
type Tracer interface{ Trace([]acd.CallRecord) }
