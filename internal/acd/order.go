package acd

import (
	"container/heap"
	"time"
)

// position is an element's place in an ordered set; -1 when it is in none.
type position int

// ordered is a set that yields its least element first and lets any element
// go, each in logarithmic time. pos tells where an element keeps its position.
type ordered[T any] struct {
	items []T
	less  func(a, b T) bool
	pos   func(T) *position
}

func newOrdered[T any](less func(a, b T) bool, pos func(T) *position) *ordered[T] {
	return &ordered[T]{less: less, pos: pos}
}

func (o *ordered[T]) Len() int           { return len(o.items) }
func (o *ordered[T]) Less(i, j int) bool { return o.less(o.items[i], o.items[j]) }

func (o *ordered[T]) Swap(i, j int) {
	o.items[i], o.items[j] = o.items[j], o.items[i]
	*o.pos(o.items[i]) = position(i)
	*o.pos(o.items[j]) = position(j)
}

// Push and Pop are for container/heap only; use add, remove and min.
func (o *ordered[T]) Push(x any) {
	t := x.(T)
	*o.pos(t) = position(len(o.items))
	o.items = append(o.items, t)
}

func (o *ordered[T]) Pop() any {
	last := len(o.items) - 1
	t := o.items[last]
	var zero T
	o.items[last] = zero
	o.items = o.items[:last]
	*o.pos(t) = -1
	return t
}

func (o *ordered[T]) add(t T) { heap.Push(o, t) }

// remove takes t out; it does nothing when t is not in the set.
func (o *ordered[T]) remove(t T) {
	if i := *o.pos(t); i >= 0 {
		heap.Remove(o, int(i))
	}
}

// min is the least element; it must not be called on an empty set.
func (o *ordered[T]) min() T { return o.items[0] }

// timerKind says what is due.
type timerKind int

const (
	ringTimer timerKind = iota
	pauseTimer
	wrapUpTimer
	leaveTimer
)

// timer is a moment at which the engine acts by itself. Each call has two (for
// the phone that rings, and for the pause after its node failed), each agent
// two (for the wrap-up, and for the leg that was hung up).
type timer struct {
	at    time.Time
	kind  timerKind
	call  *call
	agent *agent
	pos   position
}

func newTimers() *ordered[*timer] {
	return newOrdered(
		func(a, b *timer) bool { return a.at.Before(b.at) },
		func(t *timer) *position { return &t.pos },
	)
}
