package asterisk

import "sync"

// backlog is an unbounded queue in order: putting never blocks, taking waits.
type backlog[T any] struct {
	mu     sync.Mutex
	items  []T
	closed bool
	filled chan struct{} // holds one token when there may be something to take
}

func newBacklog[T any]() *backlog[T] {
	return &backlog[T]{filled: make(chan struct{}, 1)}
}

// put adds an item and tells how many now wait.
func (b *backlog[T]) put(item T) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = append(b.items, item)
	b.signal()
	return len(b.items)
}

// close lets takers see the end once all is taken.
func (b *backlog[T]) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.signal()
}

func (b *backlog[T]) signal() {
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// take removes all that waits; open is false once the queue is closed.
func (b *backlog[T]) take() (items []T, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items, b.items = b.items, nil
	return items, !b.closed
}
