package redisstore

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

const (
	parkLimit = 10_000           // parked entries from which no new ones are taken
	parkRetry = 30 * time.Second // after which a parked entry is tried again
)

// Some entries cannot be written while others can: the key they go to has a
// wrong type, or a counter is not a number. Such an entry is parked: it stays
// in memory, is tried again now and then, and the entries behind it go on.
// What hinders all entries alike, such as a full memory, parks none.
//
// A parked record keeps its call in the live state, and a parked state gives
// way to a newer one. When parkLimit is reached, new entries wait in the
// backlog, so that nothing is ever dropped.

// nextBatch is what to send: what is in flight, else by turns the parked
// entries whose time has come and what waits.
func (s *Store) nextBatch() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inFlight) > 0 {
		return s.inFlight
	}
	full := len(s.parked) >= s.parkLimit && !s.flushing
	due := s.dueParked(time.Now())
	if due > 0 && (full || !s.tookParked || s.waiting.entries.Len() == 0) {
		s.tookParked = true
		s.inFlight, s.parked = slices.Clone(s.parked[:due]), slices.Delete(s.parked, 0, due)
		return s.inFlight
	}
	s.tookParked = false
	if full {
		return nil
	}
	s.inFlight = s.waiting.take(batchLimit)
	return s.inFlight
}

// dueParked counts the parked entries to try again, at most a batch; the
// caller holds mu. They are parked in the order in which they become due.
func (s *Store) dueParked(now time.Time) int {
	due := 0
	for due < min(len(s.parked), batchLimit) && !now.Before(s.parked[due].due) {
		due++
	}
	return due
}

func (s *Store) parkedIsDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dueParked(time.Now()) > 0
}

// beginFlush makes every parked entry due once more, and lets none keep what waits back.
func (s *Store) beginFlush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushing = true
	for i := range s.parked {
		s.parked[i].due = time.Time{}
	}
}

// parkedRecords are the calls whose record is parked.
func (s *Store) parkedRecords() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]bool{}
	for _, e := range s.parked {
		if e.record != nil {
			ids[string(e.record.Call)] = true
		}
	}
	return ids
}

// park sets entries of a batch aside, and takes out of the park what the batch
// replaces: older states, and states of calls that have a record. A state
// that came after it would bring an ended call back. The caller holds mu.
func (s *Store) park(batch, refused []entry) {
	if len(s.parked)+len(refused) == 0 {
		return
	}
	replaced, recorded := map[acd.Key]bool{}, map[acd.Key]bool{}
	for _, e := range batch {
		if e.record != nil {
			recorded[callKey(e.record.Call)] = true
		} else if e.stint == nil {
			replaced[e.live] = true
		}
	}
	s.parked = slices.DeleteFunc(s.parked, func(e entry) bool {
		return !e.counts() && (replaced[e.live] || recorded[e.live])
	})
	for _, e := range refused {
		if e.seq == 0 { // so that it is spooled as one that is parked
			s.waiting.seq++
			e.seq = s.waiting.seq
		}
		if e.counts() || !recorded[e.live] {
			s.parked = append(s.parked, e)
		}
	}
}

// logParked tells of a parked entry once, and again when it is written at last.
func (s *Store) logParked(e entry, err error) {
	switch {
	case err == nil && e.parked:
		s.log.Info("Redis has taken what it had refused", e.fields()...)
	case err != nil && !(e.parked && e.refused.Error() == err.Error()):
		s.log.Error("Redis refuses one entry and takes others; it is kept in memory and tried again",
			append(e.fields(), zap.Duration("every", s.parkRetry), zap.Error(err))...)
	}
}

// loggable is the name of a thing, masked where it is a caller's number.
func loggable(key acd.Key) string {
	switch key.Kind {
	case acd.KindBlock, acd.KindTalked, acd.KindPlace:
		return acd.Mask(key.ID)
	}
	return key.ID
}

// fields name an entry in the log.
func (e entry) fields() []zap.Field {
	switch {
	case e.record != nil:
		return []zap.Field{zap.String("record", string(e.record.Call))}
	case e.stint != nil:
		return []zap.Field{zap.String("stint_of", string(e.stint.Agent))}
	default:
		return []zap.Field{zap.String("kind", string(e.live.Kind)), zap.String("id", loggable(e.live))}
	}
}
