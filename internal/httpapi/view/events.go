package view

import (
	"encoding/json"
	"time"
)

// Changes is what an event of GET /api/v1/events says has changed since the event before.
// The event snapshot has a Snapshot instead, of the kinds that the stream is for.
type Changes struct {
	At      time.Time `json:"at"`
	Changed []Change  `json:"changed"`
	Gone    []Gone    `json:"gone"`
}

// Change is something that is new, or not as it was.
type Change struct {
	Kind string `json:"kind"` // the key in Snapshot: queues, agents …
	// ID is missing for blocked and emergency, which change as a whole.
	ID string `json:"id,omitempty"`
	// View is all of it, as in Snapshot.
	View json.RawMessage `json:"view"`
}

// Gone is something that is no longer there.
type Gone struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Still is a queue without the clock that runs by itself: what is left changes only when
// something happens.
func (q Queue) Still() Queue {
	q.LongestWait = 0
	return q
}

// Still is an agent without the clock that runs.
func (a Agent) Still() Agent {
	a.InState = 0
	return a
}

// Still is a call without the clocks that run. A hold that is over does not run.
func (c Call) Still() Call {
	c.Wait, c.Talk = 0, 0
	if !c.OnHold.IsZero() {
		c.Hold = 0
	}
	return c
}

// Still is a callback without the clock that runs.
func (c Callback) Still() Callback {
	c.Waits = 0
	return c
}
