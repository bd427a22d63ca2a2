package acd

import (
	"cmp"
	"slices"
	"time"
)

// Admission bounds how many new calls are taken on, so that in a storm those
// who have been taken on are served well. The rest hear an honest word.
type Admission struct {
	// Pace is how many new calls a second are taken on; 0: all.
	Pace float64
	// Burst is how many may come at once before the pace counts. At least 1
	// when there is a pace.
	Burst int
	// Prompts for those who are not taken on; not empty when there is a pace.
	Prompts []string
}

// Redial lets a caller who gave up and calls again have the former place.
type Redial struct {
	// Within is how soon the caller must call again; 0: no place is kept.
	Within time.Duration
	// AtMost is how often the same place is resumed. At least 1 with Within.
	AtMost int
	// After is how long the caller must have waited for a place to be kept.
	After time.Duration
}

// place is what is remembered of a caller who gave up.
type place struct {
	queue   QueueID
	since   time.Time // the moment that orders the place
	resumed int       // how often it was resumed already
}

// Block keeps a caller out.
type Block struct {
	Number string    `json:"number"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is lifted
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// admit says whether a call that has arrived is taken on; if not, the caller
// is told why.
func (e *Engine) admit(c *call) bool {
	if b, blocked := e.blocked[c.Caller]; blocked && c.Caller != "" {
		if b.Until.IsZero() || b.Until.After(e.now) {
			e.dismiss(c, NotOffered, Blocked, e.promptsBlocked)
			return false
		}
		e.liftBlock(c.Caller)
	}
	if e.takeOn(c) {
		return true
	}
	// Offered, for the caller wanted an agent; overflowed at once.
	prompts := e.admission.Prompts
	if e.draining {
		prompts = e.promptsDrain
	}
	e.count(c, e.queues[c.entry.Queue])
	e.leaveFor(c)
	e.dismiss(c, Overflowed, Shed, prompts)
	return false
}

// drain lets nobody in from now on. A controller that takes over begins anew.
func (e *Engine) drain(prompts []string) {
	e.draining, e.promptsDrain = true, slices.Clone(prompts)
	for _, c := range e.callsByArrival() {
		if c.callback != nil {
			e.settle(c)
		}
	}
}

// Idle reports whether nobody is on the line: callbacks that wait for an agent are not.
func (s Snapshot) Idle() bool {
	return !slices.ContainsFunc(s.Calls, func(c CallStatus) bool { return c.Callback == "" || c.Phase != PhaseWaiting })
}

// takeOn spends a token of the admission's bucket. Who has a place to resume,
// or was held by the dialplan, needs none.
func (e *Engine) takeOn(c *call) bool {
	if e.draining {
		return false
	}
	if e.admission.Pace <= 0 || c.Held {
		return true
	}
	if _, ok := e.keptPlace(c, e.queues[c.entry.Queue]); ok {
		return true
	}
	full := float64(max(e.admission.Burst, 1))
	if e.filled.IsZero() {
		e.tokens = full
	} else {
		e.tokens = min(full, e.tokens+e.now.Sub(e.filled).Seconds()*e.admission.Pace)
	}
	e.filled = e.now
	if e.tokens < 1 {
		return false
	}
	e.tokens--
	return true
}

// keptPlace is the place in a queue that a caller has left and may resume.
func (e *Engine) keptPlace(c *call, q *queue) (place, bool) {
	p, at, known := e.places.get(c.number(), e.now)
	if !known || p.queue != q.ID || q.Redial.Within <= 0 || e.now.Sub(at) > q.Redial.Within || p.resumed >= q.Redial.AtMost {
		return place{}, false
	}
	return p, true
}

// resumePlace gives a caller who calls again the former place.
func (e *Engine) resumePlace(c *call, q *queue) {
	if p, ok := e.keptPlace(c, q); ok && p.since.Before(c.Place) {
		c.Place, c.Resumptions = p.since, p.resumed+1
		c.Resumed = p.since
		e.places.drop(c.number())
		e.gone(KindPlace, c.number())
	}
}

// keepPlace remembers the place of a caller who gives up.
func (e *Engine) keepPlace(c *call) {
	if q := c.queue; q != nil && q.Redial.Within > 0 && e.now.Sub(c.Place) >= q.Redial.After {
		e.rememberPlace(c.number(), place{queue: q.ID, since: c.Place, resumed: c.Resumptions})
	}
}

func (e *Engine) block(ev BlockCaller) *RequestError {
	switch {
	case ev.Number == "":
		return refuse("no_number", "a caller without a number cannot be blocked")
	case ev.Reason == "":
		return refuse("no_reason", "write why the caller is blocked")
	case !ev.Until.IsZero() && !ev.Until.After(e.now):
		return refuse("bad_expiry", "the block would have ended already; write a later moment")
	}
	b := Block{Number: ev.Number, Until: ev.Until, Reason: ev.Reason, Since: e.now}
	e.blocked[ev.Number] = b
	e.change(Change{Block: &b})
	return nil
}

func (e *Engine) unblock(ev UnblockCaller) *RequestError {
	if _, ok := e.blocked[ev.Number]; !ok {
		return refuse("not_blocked", "that caller is not blocked")
	}
	e.liftBlock(ev.Number)
	return nil
}

// Blocks lists the callers who are kept out at a moment, by number.
func (e *Engine) Blocks(now time.Time) []Block {
	var list []Block
	for _, b := range e.blocked {
		if b.Until.IsZero() || b.Until.After(now) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b Block) int { return cmp.Compare(a.Number, b.Number) })
	return list
}
