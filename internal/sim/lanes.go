package sim

import (
	"cmp"
	"slices"
	"time"

	"hotline/internal/acd"
)

// lanes watches, from outside the engine, that nobody is overtaken in a queue
// and that no agent is idle while somebody waits there.
type lanes struct {
	r     *run
	lane  []lane // in the order of the routing
	index map[acd.QueueID]int
	worth time.Duration // of a point of priority
	// idle is how many agents are ready at this moment who might serve those
	// who wait: the lesser number of the two in each queue.
	idle int
	// What was found: agents' time in nanoseconds, and offers to a caller
	// while an earlier one of the same queue waited.
	idleTime  int64
	overtaken int
}

type lane struct {
	ready, waiting int
	// line has all who wait, and some who no longer do: they are taken out
	// when they come to the front.
	line []waiter
}

// place orders the calls of a queue; no two calls have the same.
type place struct {
	since int64 // nanoseconds since 1970
	seq   uint64
}

type waiter struct {
	call int32
	place
}

func newLanes(r *run) *lanes {
	l := &lanes{r: r, index: make(map[acd.QueueID]int), worth: cmp.Or(r.Routing.PriorityWorth, acd.DefaultPriorityWorth)}
	for i, q := range r.Routing.Queues {
		l.index[q.ID] = i
	}
	l.lane = make([]lane, len(r.Routing.Queues))
	return l
}

func (p place) before(o place) bool {
	if p.since != o.since {
		return p.since < o.since
	}
	return p.seq < o.seq
}

// move notes where a call stands, by its status.
func (l *lanes) move(c *call, status *acd.CallStatus) {
	waits := status.Phase == acd.PhaseWaiting && !status.Paused.After(l.r.instant)
	if !waits && status.Phase != acd.PhaseRinging {
		l.leave(c)
		return
	}
	at := int32(l.index[status.Queue])
	if c.lane != at {
		l.leave(c)
		rank := status.Place
		if p := l.r.priority[status.Entry]; p != 0 {
			rank = rank.Add(-time.Duration(p) * l.worth)
		}
		c.lane, c.place = at, place{rank.UnixNano(), status.Seq}
	}
	lane := &l.lane[at]
	switch {
	case waits && !c.waits:
		l.change(lane, 0, 1)
		lane.push(waiter{c.slot, c.place})
	case !waits && c.waits:
		l.change(lane, 0, -1)
	}
	c.waits = waits
}

// leave takes a call out of its queue.
func (l *lanes) leave(c *call) {
	if c.waits {
		l.change(&l.lane[c.lane], 0, -1)
		c.waits = false
	}
	c.lane = -1
}

// available notes that an agent may be rung from now on, or no longer.
func (l *lanes) available(p *person, is bool) {
	if p.available == is {
		return
	}
	p.available = is
	by := 1
	if !is {
		by = -1
	}
	for _, q := range p.queues {
		l.change(&l.lane[q], by, 0)
	}
}

func (l *lanes) change(lane *lane, ready, waiting int) {
	l.idle -= min(lane.ready, lane.waiting)
	lane.ready += ready
	lane.waiting += waiting
	l.idle += min(lane.ready, lane.waiting)
}

// pass accounts for a time in which nothing changes.
func (l *lanes) pass(d int64) {
	if l.idle > 0 {
		l.idleTime += int64(l.idle) * d
	}
}

// offered looks whether somebody who waits was there before a call that is
// offered now.
func (l *lanes) offered(c *call) {
	if c.lane < 0 {
		return
	}
	lane := &l.lane[c.lane]
	for len(lane.line) > 0 {
		first := lane.line[0]
		if other := &l.r.calls[first.call]; other.waits && other.lane == c.lane && other.place == first.place {
			if first.before(c.place) {
				l.overtaken++
			}
			return
		}
		lane.pop()
	}
}

func (l *lane) push(w waiter) {
	l.line = append(l.line, w)
	for i := len(l.line) - 1; i > 0; {
		up := (i - 1) / 2
		if !l.line[i].before(l.line[up].place) {
			break
		}
		l.line[i], l.line[up] = l.line[up], l.line[i]
		i = up
	}
}

func (l *lane) pop() {
	last := len(l.line) - 1
	l.line[0] = l.line[last]
	l.line = l.line[:last]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < last && l.line[child].before(l.line[least].place) {
				least = child
			}
		}
		if least == i {
			return
		}
		l.line[i], l.line[least] = l.line[least], l.line[i]
		i = least
	}
}

// inOrder is the share of pairs of served persons of whom the one who dialled
// first was served first; firsts are the moments of the first dial in the order
// of service. NaN with fewer than two.
func inOrder(firsts []int64) float64 {
	n := float64(len(firsts))
	pairs := n * (n - 1) / 2
	return 1 - float64(inversions(slices.Clone(firsts), make([]int64, len(firsts))))/pairs
}

// inversions counts by merging (Knuth, The Art of Computer Programming 5.2.4);
// it sorts a.
func inversions(a, spare []int64) int {
	if len(a) < 2 {
		return 0
	}
	middle := len(a) / 2
	n := inversions(a[:middle], spare[:middle]) + inversions(a[middle:], spare[middle:])
	copy(spare, a)
	left, right := spare[:middle], spare[middle:len(a)]
	for i := range a {
		if len(right) == 0 || len(left) > 0 && left[0] <= right[0] {
			a[i], left = left[0], left[1:]
		} else {
			n += len(left)
			a[i], right = right[0], right[1:]
		}
	}
	return n
}
