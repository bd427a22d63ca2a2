package sim

// kind says what happens at an event.
type kind uint8

const (
	arrives     kind = iota // a caller of arrivals[slot] dials
	redials                 // the person in slot dials again
	played                  // the prompts for the call in slot have ended
	givesUp                 // the patience of the caller of slot is over
	presses                 // the caller of slot presses 1 for a callback
	misses                  // the person who is called back by slot does not answer
	talkEnds                // caller or agent of the call in slot hangs up
	callerLeft              // the released caller's channel of slot is gone
	rings                   // the phone of the leg in slot rings
	lifts                   // the agent of that leg answers
	declines                // that leg ends with its fate
	bridged                 // that leg and the caller are in one bridge
	calleeLeft              // that leg is gone from the phone
	dayBegins               // the shifts of day number slot are planned
	shiftBegins             // the agent in slot comes to work
	shiftEnds               // the agent in slot goes home
	breakBegins             // the agent in slot takes break number gen of the shift
	comesBack               // the agent in slot becomes ready
)

// event is something that will happen. Events are values in one slice: none is
// allocated by itself.
type event struct {
	at   int64  // nanoseconds from the scenario's start
	seq  uint64 // order among events of one instant, in the order of scheduling
	slot int32
	gen  uint32 // the generation of what it is about: a stale one is passed over
	kind kind
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.seq < o.seq
}

// agenda yields events in order of time. What is planned a day ahead stands
// apart: those are hundreds at any time, and would make each of the few that
// come and go all the time sink deeper.
type agenda struct {
	soon, planned eventHeap
	seq           uint64
}

func (a *agenda) push(at int64, k kind, slot int32, gen uint32) {
	a.seq++
	a.soon.push(event{at: at, seq: a.seq, slot: slot, gen: gen, kind: k})
}

func (a *agenda) plan(at int64, k kind, slot int32, gen uint32) {
	a.seq++
	a.planned.push(event{at: at, seq: a.seq, slot: slot, gen: gen, kind: k})
}

func (a *agenda) empty() bool { return len(a.soon.items) == 0 && len(a.planned.items) == 0 }

// next is the heap whose first event is the earliest; the agenda must not be empty.
func (a *agenda) next() *eventHeap {
	if len(a.soon.items) == 0 || len(a.planned.items) > 0 && a.planned.items[0].before(&a.soon.items[0]) {
		return &a.planned
	}
	return &a.soon
}

// eventHeap is a heap with four children a node: half as deep as a binary one,
// and the children share a cache line or two.
type eventHeap struct{ items []event }

func (h *eventHeap) push(e event) {
	h.items = append(h.items, e)
	i := len(h.items) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&h.items[parent]) {
			break
		}
		h.items[i] = h.items[parent]
		i = parent
	}
	h.items[i] = e
}

// pop takes the earliest event; it must not be called on an empty heap.
func (h *eventHeap) pop() event {
	top := h.items[0]
	last := len(h.items) - 1
	e := h.items[last]
	h.items = h.items[:last]
	if last == 0 {
		return top
	}
	i := 0
	for {
		first := 4*i + 1
		if first >= last {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, last); c++ {
			if h.items[c].before(&h.items[least]) {
				least = c
			}
		}
		if !h.items[least].before(&e) {
			break
		}
		h.items[i] = h.items[least]
		i = least
	}
	h.items[i] = e
	return top
}
