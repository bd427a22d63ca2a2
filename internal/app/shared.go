package app

import (
	"context"
	"sync"
	"time"
)

// shared lets all who ask for the same have one reading: those who ask while it is under
// way, and those who ask until it is old. One that fails is not kept.
type shared[K comparable, V any] struct {
	read func(context.Context, K) (V, error)
	keep func(K) time.Duration // since the reading began

	mu   sync.Mutex
	kept map[K]*reading[V] // guarded by mu
}

// readBound is how long a reading may take. It is not ended by who asked first and has left.
const readBound = 2 * time.Second

type reading[V any] struct {
	old   time.Time
	done  chan struct{}
	value V     // when done
	err   error // likewise
}

func (r *reading[V]) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// get returns early when ctx is done.
func (s *shared[K, V]) get(ctx context.Context, key K) (value V, err error) {
	r := s.reading(ctx, key)
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// reading is the one that is kept, or a new one.
func (s *shared[K, V]) reading(ctx context.Context, key K) *reading[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if r := s.kept[key]; r != nil && (!r.ended() || now.Before(r.old)) {
		return r
	}
	if s.kept == nil {
		s.kept = map[K]*reading[V]{}
	}
	for other, r := range s.kept {
		if r.ended() && !now.Before(r.old) {
			delete(s.kept, other)
		}
	}
	r := &reading[V]{old: now.Add(s.keep(key)), done: make(chan struct{})}
	s.kept[key] = r
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBound)
		defer cancel()
		value, err := s.read(ctx, key)
		s.mu.Lock()
		if r.value, r.err = value, err; err != nil {
			delete(s.kept, key)
		}
		close(r.done)
		s.mu.Unlock()
	}()
	return r
}
