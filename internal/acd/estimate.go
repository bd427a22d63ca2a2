package acd

import (
	"math"
	"time"
)

const (
	// handlePrior is the handling time that is assumed until conversations
	// have shown another; it counts as much as one of them.
	handlePrior = 200 * time.Second
	// handleMemory is how many conversations the mean goes over.
	handleMemory = 100
	// patienceHalf is after how long what callers did counts half.
	patienceHalf = 10 * time.Minute
	// looksAt bounds how many callers are looked at to count those ahead.
	looksAt = 10_000
	// addsUp is how many terms of an estimate are added one by one.
	addsUp = 100
)

// Pulse is what a queue's estimates of waiting go by.
type Pulse struct {
	// Handle is the mean time for which a conversation keeps an agent, in
	// seconds: talk and wrap-up; Handled is over how many, at most 100.
	Handle  float64 `json:"handle_s,omitempty"`
	Handled float64 `json:"handled,omitempty"`
	// Left and Waited are how many callers gave up and for how many seconds
	// callers waited, of late: what is older than ten minutes counts half.
	Left   float64   `json:"left,omitempty"`
	Waited float64   `json:"waited_s,omitempty"`
	At     time.Time `json:"at,omitzero"` // up to when Waited counts
}

func (p *Pulse) handled(took time.Duration) {
	if p.Handled == 0 {
		p.Handle, p.Handled = handlePrior.Seconds(), 1
	}
	p.Handled = min(p.Handled+1, handleMemory)
	p.Handle += (took.Seconds() - p.Handle) / p.Handled
}

// advance counts the waiting of so many callers up to now.
func (p *Pulse) advance(waiting int, now time.Time) {
	if d := now.Sub(p.At).Seconds(); !p.At.IsZero() && d > 0 {
		fade := math.Exp2(-d / patienceHalf.Seconds())
		p.Left *= fade
		p.Waited = p.Waited*fade + float64(waiting)*d
	}
	p.At = now
}

// wait estimates how long it takes until one more caller than so many ahead is
// served by so many agents who work all the time, in a queue as it has been of
// late. Each in turn is served or gives up: with rate s of service and θ of
// giving up for each caller who waits, the expected wait behind n others is
//
//	Σ 1/(s + iθ),  i = 0 … n
//
// which is the M/M/N+M queue's (Palm 1957). false: nobody works.
func (p *Pulse) wait(ahead, agents int) (time.Duration, bool) {
	if agents == 0 {
		return 0, false
	}
	handle := handlePrior.Seconds()
	if p.Handled > 0 {
		handle = p.Handle
	}
	service := float64(agents) / max(handle, 1)
	leave := 0.0
	if p.Waited > 0 {
		leave = p.Left / p.Waited
	}
	seconds := 0.0
	for i := range min(ahead+1, addsUp) {
		seconds += 1 / (service + float64(i)*leave)
	}
	if rest := float64(ahead + 1 - addsUp); rest > 0 {
		// By the integral over the terms' midpoints, which is as good from here on.
		first := service + (addsUp-0.5)*leave
		if spread := rest * leave / first; spread > 1e-6 {
			seconds += math.Log1p(spread) / leave
		} else {
			seconds += rest / first
		}
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// expectedWait estimates how much longer a caller waits in a queue, who is in
// it or comes to it now; nil: anybody who came. false: nobody there works, so nobody can say.
func (e *Engine) expectedWait(q *queue, c *call) (time.Duration, bool) {
	ahead := q.inQueue
	if c != nil && c.queue == q {
		ahead = e.ahead(c)
	} else if q.idle() {
		return 0, true
	}
	return q.memory.Pulse.wait(ahead, q.working)
}

// idle reports whether an agent of the queue is ready and nobody waits.
func (q *queue) idle() bool { return q.inQueue == 0 && q.ready > 0 }

// ahead counts the callers who wait in the call's queue and come before it.
// Those whose phone rings already do not count. Of very many callers, some are
// counted for all.
func (e *Engine) ahead(c *call) int {
	n := 0
	for _, l := range e.lines {
		if l.queue != c.queue {
			continue
		}
		items := l.waiting.items
		step := 1 + len(items)/looksAt
		for i := 0; i < len(items); i += step {
			if items[i] != c && comesBefore(items[i], c) {
				n += step
			}
		}
	}
	return n
}

// moves changes how many callers wait in a queue, and keeps its pulse.
func (e *Engine) moves(q *queue, by int) {
	e.remembers(q).Pulse.advance(q.inQueue, e.now)
	q.inQueue += by
}
