package acd

import "time"

// recent remembers something about callers for a while, the last of each. Its
// size is bounded by how many callers there are in that while.
type recent[V any] struct {
	keep  time.Duration // 0: nothing is remembered
	known map[string]memory[V]
	order []forgetting // oldest first
}

type memory[V any] struct {
	value V
	at    time.Time
}

type forgetting struct {
	caller string
	at     time.Time
}

func newRecent[V any]() *recent[V] { return &recent[V]{known: make(map[string]memory[V])} }

// put remembers a value of a caller as of now. It reports false when nothing is
// to be remembered.
func (r *recent[V]) put(caller string, value V, now time.Time) bool {
	if r.keep <= 0 || caller == "" {
		return false
	}
	r.known[caller] = memory[V]{value, now}
	r.order = append(r.order, forgetting{caller, now})
	return true
}

// get is what is remembered of a caller and since when.
func (r *recent[V]) get(caller string, now time.Time) (value V, at time.Time, ok bool) {
	m, ok := r.known[caller]
	if !ok || now.Sub(m.at) > r.keep {
		return value, at, false
	}
	return m.value, m.at, true
}

// each calls f with everything that is remembered, oldest first.
func (r *recent[V]) each(f func(caller string, value V, at time.Time)) {
	seen := make(map[string]bool, len(r.known)) // remembered twice at the same moment
	for _, o := range r.order {
		if m, known := r.known[o.caller]; known && m.at.Equal(o.at) && !seen[o.caller] {
			seen[o.caller] = true
			f(o.caller, m.value, m.at)
		}
	}
}

func (r *recent[V]) drop(caller string) { delete(r.known, caller) }

// forget lets go of what is too old, and says of whom it was.
func (r *recent[V]) forget(now time.Time) (callers []string) {
	n := 0
	for n < len(r.order) && now.Sub(r.order[n].at) > r.keep {
		if f := r.order[n]; r.known[f.caller].at.Equal(f.at) {
			delete(r.known, f.caller)
			callers = append(callers, f.caller)
		}
		n++
	}
	// Cut off by appending to the rest: the backing array moves on when it grows.
	clear(r.order[:n])
	r.order = r.order[n:]
	return callers
}
