package acd

import (
	"container/heap"
	"iter"
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

func (o *ordered[T]) Len() int { return len(o.items) }

func (o *ordered[T]) add(t T) {
	o.items = append(o.items, t)
	o.rise(len(o.items)-1, t)
}

// remove takes t out; it does nothing when t is not in the set.
func (o *ordered[T]) remove(t T) {
	i := int(*o.pos(t))
	if i < 0 {
		return
	}
	*o.pos(t) = -1
	last := len(o.items) - 1
	moved := o.items[last]
	var zero T
	o.items[last] = zero
	o.items = o.items[:last]
	if i < last && !o.sink(i, moved) {
		o.rise(i, moved)
	}
}

// rise puts t into the place i of the binary heap, which is free, or where an
// element above it is that comes later.
func (o *ordered[T]) rise(i int, t T) {
	for i > 0 {
		above := (i - 1) / 2
		if !o.less(t, o.items[above]) {
			break
		}
		o.put(i, o.items[above])
		i = above
	}
	o.put(i, t)
}

// sink puts t where an element below the free place i is that comes earlier; it
// reports false, with the place still free, when there is none.
func (o *ordered[T]) sink(i int, t T) bool {
	free := i
	for {
		below := 2*i + 1
		if below >= len(o.items) {
			break
		}
		if other := below + 1; other < len(o.items) && o.less(o.items[other], o.items[below]) {
			below = other
		}
		if !o.less(o.items[below], t) {
			break
		}
		o.put(i, o.items[below])
		i = below
	}
	if i == free {
		return false
	}
	o.put(i, t)
	return true
}

func (o *ordered[T]) put(i int, t T) {
	o.items[i] = t
	*o.pos(t) = position(i)
}

// min is the least element; it must not be called on an empty set.
func (o *ordered[T]) min() T { return o.items[0] }

// all yields the elements in their order. It costs little for the first few:
// of the heap's elements only those are looked at that may come next.
func (o *ordered[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		if len(o.items) == 0 || !yield(o.items[0]) {
			return
		}
		next := &frontier[T]{of: o}
		for i := 0; ; i = heap.Pop(next).(int) {
			for child := 2*i + 1; child <= 2*i+2 && child < len(o.items); child++ {
				heap.Push(next, child)
			}
			if len(next.at) == 0 || !yield(o.items[next.at[0]]) {
				return
			}
		}
	}
}

// frontier holds positions in an ordered set, the least element's first.
type frontier[T any] struct {
	of *ordered[T]
	at []int
}

func (f *frontier[T]) Len() int           { return len(f.at) }
func (f *frontier[T]) Less(i, j int) bool { return f.of.less(f.of.items[f.at[i]], f.of.items[f.at[j]]) }
func (f *frontier[T]) Swap(i, j int)      { f.at[i], f.at[j] = f.at[j], f.at[i] }
func (f *frontier[T]) Push(x any)         { f.at = append(f.at, x.(int)) }
func (f *frontier[T]) Pop() any {
	last := len(f.at) - 1
	x := f.at[last]
	f.at = f.at[:last]
	return x
}

// timerKind says what is due.
type timerKind int

const (
	ringTimer timerKind = iota
	reviewTimer
	callbackTimer
	wrapUpTimer
	leaveTimer
	partnerRingTimer
	partnerTimer
	ratingTimer
)

// timer is a moment at which the engine acts by itself. Each call has two (for
// the phone that rings, and for the next change of what it waits for), each
// agent two (for the wrap-up, and for the leg that was hung up), each callback
// one (for the next attempt, or the end). A call that asks for partners has one
// more (for the partner that rings), one whose caller is asked for a rating too (for
// silence), each partner one (for the end of its rest).
type timer struct {
	at       time.Time
	seq      uint64 // orders timers of the same moment
	kind     timerKind
	call     *call
	agent    *agent
	callback *callback
	partner  *partner
	pos      position
}

func newTimers() *ordered[*timer] {
	return newOrdered(
		func(a, b *timer) bool {
			if c := a.at.Compare(b.at); c != 0 {
				return c < 0
			}
			return a.seq < b.seq
		},
		func(t *timer) *position { return &t.pos },
	)
}
