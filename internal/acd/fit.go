package acd

import (
	"fmt"
	"slices"
)

// Fit brings a state into agreement with a configuration that has changed since: what
// belongs to a queue that is not configured any more goes to the queue of its entry, or
// else to the first. It returns what it has changed, a sentence each. While the engine
// runs such a change is refused; but a controller must be able to start.
func Fit(s State, cfg Config) (State, []string) {
	queues := map[QueueID]bool{}
	for _, q := range cfg.Queues {
		queues[q.ID] = true
	}
	entries := map[string]QueueID{}
	for _, n := range cfg.Entries {
		entries[n.Number] = n.Queue
	}
	instead := func(entry string) QueueID {
		if to := entries[entry]; to != "" {
			return to
		}
		return cfg.Queues[0].ID
	}
	var told []string
	if len(cfg.Queues) == 0 {
		return s, nil // which no engine takes
	}
	tell := func(what string, id any, from, to QueueID) {
		told = append(told, fmt.Sprintf("%s %s was in queue %s, which is not configured any more; it is in %s now", what, id, from, to))
	}
	former := make([]Entry, 0, len(s.Site.Former))
	for _, n := range s.Site.Former {
		if !queues[n.Queue] {
			n.Queue = cfg.Queues[0].ID
		}
		former = append(former, n)
	}
	for _, c := range s.Calls {
		known := entries[c.Entry] != "" || slices.ContainsFunc(former, func(n Entry) bool { return n.Number == c.Entry })
		if c.Phase == PhaseGreeting && !known {
			former = append(former, Entry{Number: c.Entry, Queue: cfg.Queues[0].ID})
		}
	}
	s.Site.Former = former
	calls := make([]CallStatus, 0, len(s.Calls))
	for _, c := range s.Calls {
		if c.Queue != "" && !queues[c.Queue] {
			to := instead(c.Entry)
			tell("call", c.Call, c.Queue, to)
			c = c.Clone()
			c.Queue = to
		}
		calls = append(calls, c)
	}
	s.Calls = calls
	callbacks := make([]CallbackStatus, 0, len(s.Callbacks))
	for _, b := range s.Callbacks {
		if !queues[b.Queue] {
			tell("callback", b.ID, b.Queue, cfg.Queues[0].ID)
			b.Queue = cfg.Queues[0].ID
		}
		callbacks = append(callbacks, b)
	}
	s.Callbacks = callbacks
	return s, told
}
