package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// What Redis has acknowledged it may yet lose: a replica takes its place that had
// not heard of it, or it starts again from an older file, or empty. So the live state
// is kept here too, and what was counted of late; when another Redis answers than
// before, both are written again. Counting again does no harm.
const (
	// recallFor is for how long what was counted is kept: longer than any failover.
	recallFor = time.Minute
	// recallLimit bounds how much that is.
	recallLimit = 50_000
	// anewChunk is how many things one call of the script writes.
	anewChunk = 512
)

// counted is a record or stint that Redis has acknowledged, and when.
type counted struct {
	at    time.Time
	entry entry
}

// writeAnew lets all that Redis may have lost be written again.
func (s *Store) writeAnew() {
	s.mu.Lock()
	s.anew = true
	for _, c := range s.recent {
		s.waiting.addCounted(c.entry)
	}
	s.recent = nil
	s.mu.Unlock()
	s.wakeWriter()
}

// recall keeps what was counted for a while; the caller holds mu.
func (s *Store) recall(e entry, now time.Time) {
	e.parked, e.refused = false, nil
	s.recent = append(s.recent, counted{now, e})
	old := 0
	for old < len(s.recent) && (now.Sub(s.recent[old].at) > recallFor || len(s.recent)-old > recallLimit) {
		old++
	}
	clear(s.recent[:old])
	s.recent = s.recent[old:]
}

// replaceLive writes the whole live state in the place of what Redis has, if that is to be done.
// Whoever knows nothing of it, because another leads or TakeOver is still to come, has
// nothing to put there: it would only delete what is the leader's.
func (s *Store) replaceLive(ctx context.Context) error {
	s.mu.Lock()
	if !s.anew || s.waiting.newest == nil {
		s.mu.Unlock()
		return nil
	}
	s.anew = false
	chunks := []*liveWrites{s.newLiveWrites()}
	n := 0
	for key, change := range s.waiting.newest {
		if n == anewChunk {
			chunks, n = append(chunks, s.newLiveWrites()), 0
		}
		if err := chunks[len(chunks)-1].add(key, change); err == nil { // else it is refused as an entry, too
			n++
		}
	}
	if s.spool != nil {
		chunks[len(chunks)-1].through = s.waiting.seq // the newest of all are among them
	}
	s.mu.Unlock()
	_, err := s.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, chunk := range chunks {
			keys, args := chunk.args(i == 0)
			pipe.Eval(ctx, liveSource, keys, args...)
		}
		return nil
	})
	if fenced(err) {
		return nil // another controller writes its own
	}
	if err != nil {
		s.mu.Lock()
		s.anew = true
		s.mu.Unlock()
	}
	return err
}

func (s *Store) toBeWrittenAnew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.anew
}

// otherServer notes which Redis a new connection leads to. It is compared with the one
// before, not with all: a Redis that is the master for a second time may not have what
// another was told meanwhile.
func (s *Store) otherServer(server string) {
	if server == "" {
		return
	}
	s.mu.Lock()
	before := s.server
	s.server = server
	if before != "" && before != server {
		s.changes++
		s.restarted = true
	}
	s.mu.Unlock()
	if before == "" || before == server {
		return
	}
	s.log.Warn("another Redis answers than before; what it may not know is written again")
	s.writeAnew()
}

func (s *Store) serverChanges() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}
