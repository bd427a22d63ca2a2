package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/spool"
)

// openSpool takes in what a former process has left in the spool: its records and stints
// wait to be written, whoever leads; its live states wait for TakeOver. New calls it.
func (s *Store) openSpool(file *spool.Spool, clock func() time.Time) (*spooling, error) {
	content, err := file.Read()
	if err != nil {
		return nil, err
	}
	sp := &spooling{file: file, after: spoolAfter, wake: make(chan struct{}, 1), through: content.Last, found: content.Live, made: content.Made, token: content.Token, countedUnder: content.Counting}
	if clock == nil {
		clock = time.Now
	}
	for _, kept := range content.Counted {
		e, err := s.foundEntry(clock(), kept)
		if err != nil {
			if err := file.SetAside([]spool.Entry{kept}, err); err != nil {
				return nil, err
			}
			continue
		}
		s.waiting.addFound(e)
	}
	s.waiting.seq = max(s.waiting.seq, content.Last)
	if damaged := file.TakeDamaged(); damaged > 0 {
		s.meter.SpoolDamaged(damaged)
	}
	if len(content.Counted)+len(content.Live) > 0 {
		s.log.Warn("a former process has left what Redis had not acknowledged; records are written now",
			zap.Int("records", s.waiting.records), zap.Int("live_states", len(content.Live)), zap.String("file", file.Path()))
	}
	s.meter.Spool(file.Size())
	s.wakeWriter()
	return sp, nil
}

// foundEntry reads back a record or a stint.
func (s *Store) foundEntry(now time.Time, kept spool.Entry) (entry, error) {
	var e entry
	var counts time.Time
	if kept.Kind == spool.Stint {
		var stint acd.Stint
		if err := json.Unmarshal(kept.Value, &stint); err != nil {
			return e, fmt.Errorf("not a stint: %w", err)
		}
		if stint.Version > acd.RecordVersion {
			return e, fmt.Errorf("a stint of agent %s has version %d, this program knows up to %d", stint.Agent, stint.Version, acd.RecordVersion)
		}
		e, counts = stintEntry(time.Now(), &stint), stint.From
	} else {
		record, err := decodeRecord(kept.Value)
		if err != nil {
			return e, err
		}
		e, counts = recordEntry(time.Now(), &record), record.CountsAt()
	}
	if age := now.Sub(counts); age > dedupeFor {
		return e, fmt.Errorf("it counts at %s, so long ago that Redis does not know any more whether it was counted", counts.Format(time.RFC3339))
	}
	e.seq = kept.Seq
	return e, nil
}

// OnlyInMemory is how many records and stints wait to be written and are in no spool.
func (s *Store) OnlyInMemory() int {
	if s.spool != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	records, _ := s.unwritten()
	return records
}

// Replay writes the records and stints that a former process has left in the spool, for a
// process that does not run the store yet because another one leads: they are counted once,
// whoever writes them. It returns when they are written, or when ctx is done, and is not
// called while Run runs. The error says how many were not.
func (s *Store) Replay(ctx context.Context) error {
	s.drain(ctx, 1)
	s.mu.Lock()
	records, changes := s.unwritten()
	s.mu.Unlock()
	if records+changes > 0 {
		return s.leftover()
	}
	s.spoolNow()
	return nil
}

// changesKnown is how far Redis knows the changes that were found in the spool.
func (s *Store) changesKnown(ctx context.Context) (through uint64, err error) {
	if s.spool == nil {
		return 0, nil
	}
	noted, err := s.client.HMGet(ctx, s.keys.through(), "token", "seq").Result()
	if err != nil {
		return 0, s.explain(err)
	}
	token, _ := noted[0].(string)
	seq, _ := noted[1].(string)
	if token == strconv.FormatUint(s.spool.made, 10) {
		through, _ = strconv.ParseUint(seq, 10, 64)
	}
	return through, nil
}

// adoptFound lets the live states and records that were found belong to the lease that was
// just given, if they belonged to the one before it: this process may end before they are
// written again.
func (s *Store) adoptFound(former, token uint64) {
	sp := s.spool
	if sp == nil {
		return
	}
	sp.turn.Lock()
	defer sp.turn.Unlock()
	s.mu.Lock()
	states, records := len(sp.found) > 0 && sp.token == former, sp.countedUnder == former
	if states {
		sp.token = token
	}
	if records {
		sp.countedUnder = token
	}
	s.mu.Unlock()
	if entries, _ := sp.file.Size(); entries > 0 && (states || records) {
		s.spoolFailed(sp.file.Adopt(token, states, records))
	}
}

// leave lets go of records whose calls go on under a later lease. Of those that were found
// that may be this process' own, which was just given: TakeOver finds out. The caller holds mu.
func (s *Store) leave(records []entry) {
	for _, e := range records {
		if e.found {
			s.spool.left = append(s.spool.left, e)
		}
	}
}

// settleFound decides on the records that were found of calls that are only supposed to have
// ended. If nobody has led since, they have, else those that are live go on: things are those
// that the former controller has left. The caller holds mu.
func (s *Store) settleFound(things []acd.Change) {
	sp := s.spool
	if sp == nil {
		return
	}
	left := sp.left
	sp.left = nil
	if sp.countedUnder == s.token.Load() {
		for _, e := range left {
			s.waiting.addCounted(e)
		}
		return
	}
	live := map[acd.Key]bool{}
	for _, c := range things {
		if c.Call != nil {
			live[callKey(c.Call.Call)] = true
		}
	}
	goesOn := func(e entry) bool {
		if !e.found || !e.supposes() || !live[callKey(e.record.Call)] {
			return false
		}
		s.log.Warn("a call that was thought to have ended goes on: another controller has led since",
			zap.String("call", string(e.record.Call)), zap.String("reason", string(e.record.Reason)))
		return true
	}
	s.waiting.removeIf(goesOn)
	s.inFlight = slices.DeleteFunc(slices.Clone(s.inFlight), goesOn) // the writer may be reading it
	s.parked = slices.DeleteFunc(s.parked, goesOn)
}

// foundChanges are the live states that were found in the spool and that Redis, which knows
// them up to through, does not have; none when another controller has led since. They are
// forgotten. The caller holds mu.
func (s *Store) foundChanges(through uint64) []acd.Change {
	sp := s.spool
	if sp == nil || len(sp.found) == 0 {
		return nil
	}
	found := sp.found
	sp.found = nil
	if token := s.token.Load(); token == 0 || sp.token != token { // see adoptFound
		s.log.Warn("the live states in the spool are left out: another controller has led since",
			zap.Int("live_states", len(found)), zap.Uint64("token", sp.token), zap.Uint64("own_token", token))
		return nil
	}
	ended := map[acd.Key]bool{}
	for _, key := range s.endedCalls() {
		ended[key] = true
	}
	var changes []acd.Change
	for _, kept := range found {
		if kept.Seq <= through && !kept.Flag {
			continue
		}
		kind, id, _ := strings.Cut(kept.Name, "\x00")
		key := acd.Key{Kind: acd.Kind(kind), ID: id}
		if len(kept.Value) == 0 || ended[key] {
			changes = append(changes, acd.Change{Gone: &key})
			continue
		}
		change, err := liveChange(key.Kind, string(kept.Value))
		if err != nil {
			s.log.Error("a live state in the spool is not legible and left out", zap.String("kind", kind), zap.String("id", loggable(key)), zap.Error(err))
			s.meter.SpoolDamaged(1)
			continue
		}
		changes = append(changes, change)
	}
	s.log.Info("live states of the spool that Redis had not acknowledged are taken over", zap.Int("live_states", len(changes)))
	return changes
}

// endedCalls are those whose record is not yet written, which takes them out of the live
// state; the caller holds mu.
func (s *Store) endedCalls() (ended []acd.Key) {
	for _, list := range [][]entry{s.waiting.all(), s.inFlight, s.parked} {
		for _, e := range list {
			if e.record != nil {
				ended = append(ended, callKey(e.record.Call))
			}
		}
	}
	return ended
}
