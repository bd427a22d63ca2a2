package asterisk

import (
	"context"
	"sync"
	"time"
)

// item is what the owner goroutine of a node handles, in order: a wire event,
// or a function that a worker or the connection loop posts.
type item struct {
	at    time.Time
	event wireEvent
	apply func(at time.Time) // used instead of event when not nil
}

// inbox is an ordered queue that never makes its writers wait. Wire events
// are bounded; the posts of our own are few and always taken.
type inbox struct {
	mu       sync.Mutex
	items    []item // those from head on are waiting
	head     int
	events   int // how many of the waiting are wire events
	limit    int
	overflow bool          // events were dropped since the last takeOverflow
	signal   chan struct{} // holds one token while items may be waiting
}

func newInbox(limit int) *inbox {
	return &inbox{limit: limit, signal: make(chan struct{}, 1)}
}

// put adds a wire event. It reports false when that begins an overflow: from
// then on events are dropped until the owner has caught up.
func (b *inbox) put(at time.Time, ev wireEvent) (ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overflow {
		return true
	}
	if b.events >= b.limit {
		b.overflow = true
		return false
	}
	b.events++
	b.push(item{at: at, event: ev})
	return true
}

// post adds something of our own to be applied by the owner.
func (b *inbox) post(apply func(at time.Time)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.push(item{at: time.Now(), apply: apply})
}

func (b *inbox) push(it item) {
	b.items = append(b.items, it)
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// pop waits for the next item. recovered is true once after an overflow, when
// everything that was kept has been taken.
func (b *inbox) pop(ctx context.Context) (it item, recovered, ok bool) {
	for {
		b.mu.Lock()
		if b.head < len(b.items) {
			it = b.items[b.head]
			b.items[b.head] = item{}
			b.head++
			if it.apply == nil {
				b.events--
			}
			b.compact()
			b.mu.Unlock()
			return it, false, true
		}
		if b.overflow {
			b.overflow = false
			b.mu.Unlock()
			return item{}, true, true
		}
		b.mu.Unlock()
		select {
		case <-b.signal:
		case <-ctx.Done():
			return item{}, false, false
		}
	}
}

// compact gives memory back: at once when empty, else when half is behind.
func (b *inbox) compact() {
	const keep = 1024
	switch {
	case b.head == len(b.items) && cap(b.items) > keep:
		b.items, b.head = nil, 0
	case b.head == len(b.items):
		b.items, b.head = b.items[:0], 0
	case b.head > keep && b.head*2 > len(b.items):
		b.items = append([]item(nil), b.items[b.head:]...)
		b.head = 0
	}
}

func (b *inbox) depth() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items) - b.head
}
