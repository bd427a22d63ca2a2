package redisstore

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/spool"
)

// What Redis has not acknowledged is written to the spool too, so that it survives the end
// of the process. As long as Redis acknowledges within spoolAfter nothing is: then a disk is
// never in the way either. From the first entry that waits longer, or the first failure, every
// entry goes to disk within milliseconds, until all is acknowledged or Redis has been quick
// again for a while. The entries stay in memory, from which they are sent.
//
// All of it is done by a goroutine of its own: neither Append nor the writer waits for a disk.
const (
	spoolAfter = 100 * time.Millisecond
	// spoolCalm is how long Redis must be quick again before no more is spooled.
	spoolCalm = time.Second
	// spoolGather lets entries gather that are synced together.
	spoolGather = 2 * time.Millisecond
	spoolChunk  = 4096                  // entries that are synced together, at most
	spoolRetry  = time.Second           // after a failure of the disk
	spoolLook   = time.Second           // how often acknowledged entries are dropped
	spoolTell   = time.Minute           // how often a failure of the disk is logged
	spoolClear  = 50 * time.Millisecond // how often it is seen that all is acknowledged
)

// spooling is the state of the spool. A nil one is that of no spool.
type spooling struct {
	file  *spool.Spool
	after time.Duration // spoolAfter; tests change it before Run
	wake  chan struct{} // holds one token when something was appended

	// Guarded by Store.mu.
	through uint64        // what is in the file has no greater number, and all that waits and has none is in it
	active  bool          // entries are being written to it
	failure error         // of the disk, or that it is full; nil while it is written
	found   []spool.Entry // live states of a former process, which wait for TakeOver
	made    uint64        // token of the lease under which those were made
	token   uint64        // of the last lease of a process that had them
	// countedUnder is the token of the last lease of a process that had the records that
	// were found, and left are those of them whose calls go on under a later lease.
	countedUnder uint64
	left         []entry

	// turn is held during a pass; what follows is guarded by it.
	turn   sync.Mutex
	calm   time.Time // since when Redis has been quick; zero while it is not
	looked time.Time // when acknowledged entries were dropped last
	told   time.Time // when the failure was logged last
}

// wakeUp tells that something was appended.
func (sp *spooling) wakeUp() {
	if sp == nil {
		return
	}
	select {
	case sp.wake <- struct{}{}:
	default:
	}
}

// where says of what waits whether it is on disk; the caller holds Store.mu.
func (sp *spooling) where() string {
	switch {
	case sp == nil:
		return ""
	case sp.failure != nil:
		return ", in memory only: " + sp.failure.Error()
	case sp.active:
		return ", on disk too"
	}
	return ""
}

// beginSpooling starts the goroutine of the spool. The function that it returns ends it,
// after what is not written has been spooled.
func (s *Store) beginSpooling() (end func()) {
	if s.spool == nil {
		return func() {}
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.keepSpooling(quit)
	}()
	return func() {
		close(quit)
		<-ended
		s.spoolNow()
	}
}

func (s *Store) keepSpooling(quit <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		again, eager := s.spoolPass(false)
		wake := s.spool.wake
		if !eager && again > 0 {
			wake = nil // nothing that comes meanwhile is due before
		}
		var due <-chan time.Time
		if again > 0 {
			timer.Reset(again)
			due = timer.C
		}
		select {
		case <-quit:
			return
		case <-due:
		case <-wake:
			if eager {
				select {
				case <-quit:
					return
				case <-time.After(spoolGather):
				}
			}
		}
	}
}

// spoolNow writes all that Redis has not acknowledged to the spool, as far as it can.
func (s *Store) spoolNow() {
	if s.spool != nil {
		s.spoolPass(true)
	}
}

// spoolPass does what is to be done now. It returns after what time it wants to be called
// again, 0 for when something is appended, and whether to be called for what is appended, too.
func (s *Store) spoolPass(force bool) (again time.Duration, eager bool) {
	sp := s.spool
	sp.turn.Lock()
	defer sp.turn.Unlock()
	now := time.Now()
	s.mu.Lock()
	records, changes := s.unwritten()
	wait := s.unacknowledgedFor(now)
	behind := wait >= sp.after || s.failure != nil && records+changes > 0
	switch {
	case records+changes == 0:
		sp.active = false
	case behind || force:
		sp.active, sp.calm = true, time.Time{}
	case sp.active && sp.calm.IsZero():
		sp.calm = now
	case sp.active && now.Sub(sp.calm) >= spoolCalm:
		sp.active = false
	}
	active := sp.active
	parked := slices.ContainsFunc(s.parked, func(e entry) bool { return e.seq > sp.through })
	s.mu.Unlock()

	if records+changes == 0 {
		return s.emptySpool(), false
	}
	if active || parked {
		if !s.spoolUnspooled() {
			s.dropAcknowledged(now) // which makes room
			return spoolRetry, false
		}
	}
	s.dropAcknowledged(now)
	switch entries, _ := sp.file.Size(); {
	case active || entries > 0:
		return spoolClear, active
	default:
		return min(max(sp.after-wait, time.Millisecond), spoolAfter), false // or Redis fails before
	}
}

// unacknowledgedFor is how long the oldest entry waits that is not parked; the caller
// holds mu.
func (s *Store) unacknowledgedFor(now time.Time) time.Duration {
	for _, e := range s.inFlight {
		if !e.parked {
			return now.Sub(e.at)
		}
	}
	if e, waits := s.waiting.oldest(); waits {
		return now.Sub(e.at)
	}
	return 0
}

// emptySpool forgets what is in the file when nothing need be: what was found there of live
// states waits for TakeOver.
func (s *Store) emptySpool() (again time.Duration) {
	sp := s.spool
	s.mu.Lock()
	kept := len(sp.found)
	s.mu.Unlock()
	if entries, _ := sp.file.Size(); entries == kept {
		s.spoolFailed(nil)
		return 0
	}
	err := sp.file.Empty(kept == 0)
	s.spoolFailed(err)
	s.meterSpool()
	if err != nil {
		return spoolRetry
	}
	return 0
}

// spoolUnspooled writes what is not in the file yet, and reports whether all is.
func (s *Store) spoolUnspooled() bool {
	sp := s.spool
	for {
		s.mu.Lock()
		entries, more := s.unspooled()
		s.mu.Unlock()
		if len(entries) == 0 {
			s.spoolFailed(nil)
			return true
		}
		encoded, live := s.encoded(entries)
		n, err := sp.file.Write(s.token.Load(), encoded)
		s.mu.Lock()
		switch {
		case err == nil:
			sp.through = max(sp.through, entries[len(entries)-1].seq)
		case n > 0:
			sp.through = max(sp.through, encoded[n-1].Seq)
		}
		if live && n > 0 {
			sp.found = nil // nobody has taken them over: they give way
		}
		s.mu.Unlock()
		s.spoolFailed(err)
		s.meterSpool()
		switch {
		case err != nil:
			return false
		case !more:
			return true
		}
	}
}

// unspooled are the first entries that are not in the file, in order; the caller holds mu.
func (s *Store) unspooled() (entries []entry, more bool) {
	through := s.spool.through
	for _, list := range [][]entry{s.inFlight, s.parked} {
		for _, e := range list {
			if e.seq > through {
				entries = append(entries, e)
			}
		}
	}
	waiting, more := s.waiting.unspooled(through, spoolChunk)
	if more { // what comes later must not be called spooled before what is between
		last := waiting[len(waiting)-1].seq
		entries = slices.DeleteFunc(entries, func(e entry) bool { return e.seq > last })
	}
	entries = append(entries, waiting...)
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	return entries, more
}

// encoded are entries as the spool keeps them.
func (s *Store) encoded(entries []entry) (encoded []spool.Entry, live bool) {
	for _, e := range entries {
		kept := spool.Entry{Seq: e.seq}
		var thing any
		switch {
		case e.record != nil:
			kept.Kind, thing = spool.Record, e.record
		case e.stint != nil:
			kept.Kind, thing = spool.Stint, e.stint
		default:
			live = true
			kept.Kind, kept.Name, kept.Flag = spool.Live, spoolName(e.live), e.wasParked
			if e.change != nil {
				thing = liveValue(*e.change)
			}
		}
		if thing != nil {
			var err error
			if kept.Value, err = json.Marshal(thing); err != nil {
				s.log.Error("an entry cannot be spooled", append(e.fields(), zap.Error(err))...)
				continue // it cannot be written to Redis either, which is told there
			}
		}
		encoded = append(encoded, kept)
	}
	return encoded, live
}

func spoolName(key acd.Key) string { return string(key.Kind) + "\x00" + key.ID }

// dropAcknowledged forgets, now and then, what Redis has acknowledged.
func (s *Store) dropAcknowledged(now time.Time) {
	sp := s.spool
	if now.Sub(sp.looked) < spoolLook {
		return
	}
	sp.looked = now
	s.mu.Lock()
	waitingFrom := uint64(math.MaxUint64)
	if e, waits := s.waiting.oldest(); waits {
		waitingFrom = e.seq
	}
	needed, live := map[uint64]bool{}, map[string]bool{}
	for _, list := range [][]entry{s.inFlight, s.parked} {
		for _, e := range list {
			if needed[e.seq] = true; !e.counts() {
				live[spoolName(e.live)] = true
			}
		}
	}
	for key := range s.waiting.live {
		live[spoolName(key)] = true // a newer state may not be in the file yet
	}
	found := len(sp.found) > 0
	s.mu.Unlock()
	err := sp.file.Drop(func(e spool.Entry) bool {
		switch {
		case e.Seq >= waitingFrom || needed[e.Seq]:
			return false
		case e.Kind == spool.Live:
			return !found && !live[e.Name]
		}
		return true
	})
	if err != nil {
		s.spoolFailed(err)
	}
	s.meterSpool()
}

// spoolFailed keeps the reason for Ready, and logs a failure when it comes, each minute
// while it lasts, and when it goes.
func (s *Store) spoolFailed(err error) {
	sp := s.spool
	s.mu.Lock()
	before := sp.failure
	sp.failure = err
	records, changes := s.unwritten()
	s.mu.Unlock()
	if err != nil {
		s.meter.SpoolError()
	}
	switch {
	case err != nil && (before == nil || time.Since(sp.told) >= spoolTell):
		sp.told = time.Now()
		s.log.Error("the spool does not take what Redis has not taken; it waits in memory only, and would be lost with this process: make room on the disk, or raise spool.max_size",
			zap.Error(err), zap.Int("records_waiting", records), zap.Int("changes_waiting", changes))
	case err == nil && before != nil:
		s.log.Info("the spool takes what it is given again")
	}
}

func (s *Store) meterSpool() { s.meter.Spool(s.spool.file.Size()) }

// spooledAll reports whether all that is not written is in the spool; the caller holds mu.
func (s *Store) spooledAll() bool {
	if s.spool == nil || s.spool.failure != nil {
		return false
	}
	entries, _ := s.unspooled()
	return len(entries) == 0
}

// changesThrough is how far Redis knows what has changed once the batch is written. What is
// parked says nothing about that: others that came before it may still wait.
func (s *Store) changesThrough(batch []entry) (through uint64) {
	if s.spool == nil {
		return 0
	}
	for _, e := range batch {
		if !e.counts() && !e.parked {
			through = max(through, e.seq)
		}
	}
	return through
}
