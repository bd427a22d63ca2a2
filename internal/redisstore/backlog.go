package redisstore

import (
	"container/list"
	"slices"
	"time"

	"hotline/internal/acd"
)

// entry is one thing to write: a record, a stint, or the newest live state of something.
type entry struct {
	at     time.Time // when it was appended
	record *acd.CallRecord
	stint  *acd.Stint // within one day
	live   acd.Key
	change *acd.Change // with all of these nil: live is gone

	ready *prepared // what a record or stint counts, once it was found out; owned by the writer

	seq   uint64 // of the order in which entries were made, for the spool
	found bool   // it is of a former process, by the spool

	refused   error     // the newest error that Redis answered to it
	parked    bool      // see parked.go
	wasParked bool      // a live state that was parked before it was spooled
	due       time.Time // of a parked entry: when it is tried again
}

// prepared is what an entry counts, or why that cannot be said.
type prepared struct {
	known   bool
	counted countable
	err     error
}

func recordEntry(at time.Time, record *acd.CallRecord) entry {
	return entry{at: at, record: record, ready: &prepared{}}
}

func stintEntry(at time.Time, stint *acd.Stint) entry {
	return entry{at: at, stint: stint, ready: &prepared{}}
}

// counts reports whether the entry is counted once, and never replaced.
func (e entry) counts() bool { return e.record != nil || e.stint != nil }

// endsCall reports whether the entry takes a call out of the live state.
func (e entry) endsCall() bool {
	return !e.counts() && e.change == nil && e.live.Kind == acd.KindCall
}

// supposes reports whether the entry is the record of a call of which its controller has
// only lost sight: under another controller it may go on.
func (e entry) supposes() bool {
	return e.record != nil && (e.record.Reason == acd.NodeLost || e.record.Reason == acd.Recovered)
}

func callKey(id acd.CallID) acd.Key { return acd.Key{Kind: acd.KindCall, ID: string(id)} }

// backlog holds what is not yet written, in order. Records and stints are all kept; of
// one thing only the newest state is kept, in the place of the newest,
// so that what was appended before it (such as the record of the call) is
// still written before it. Its size is thus bounded by records and by what there is.
//
// Entries have growing sequence numbers, by which the spool knows how far it has come.
// It does no locking.
type backlog struct {
	entries list.List // of entry
	live    map[acd.Key]*list.Element
	// newest is the newest state of everything that is not gone, written or not; nil while
	// nothing is known of it.
	newest  map[acd.Key]*acd.Change
	records int // and stints

	seq uint64 // the last that was given
	// fresh is the first entry that may not be in the spool yet; nil when there is none.
	fresh *list.Element
}

// push appends an entry as the newest.
func (b *backlog) push(e entry) *list.Element {
	b.seq++
	e.seq = b.seq
	element := b.entries.PushBack(e)
	if b.fresh == nil {
		b.fresh = element
	}
	return element
}

func (b *backlog) remove(element *list.Element) entry {
	if b.fresh == element {
		b.fresh = element.Next()
	}
	return b.entries.Remove(element).(entry)
}

// oldest is the first entry.
func (b *backlog) oldest() (entry, bool) {
	if b.entries.Len() == 0 {
		return entry{}, false
	}
	return b.entries.Front().Value.(entry), true
}

// unspooled are the first entries after through, which are in the spool: at most limit.
func (b *backlog) unspooled(through uint64, limit int) (first []entry, more bool) {
	for b.fresh != nil && b.fresh.Value.(entry).seq <= through {
		b.fresh = b.fresh.Next()
	}
	element := b.fresh
	for ; element != nil && len(first) < limit; element = element.Next() {
		first = append(first, element.Value.(entry))
	}
	return first, element != nil
}

// addFound appends a record or stint that is in the spool, before anything else is added.
func (b *backlog) addFound(e entry) {
	e.found = true
	b.entries.PushBack(e)
	b.records++
	b.seq = max(b.seq, e.seq)
}

// add appends records, then changes: a call that has ended leaves the live
// state only after its record is written. What is kept is copied, because the
// engine goes on changing its own.
func (b *backlog) add(at time.Time, changes []acd.Change, records []acd.CallRecord, stints []acd.Stint) {
	for _, record := range records {
		record.Offers = slices.Clone(record.Offers)
		b.push(recordEntry(at, &record))
		b.records++
	}
	for _, stint := range stints {
		b.push(stintEntry(at, &stint))
		b.records++
	}
	for _, change := range changes {
		b.addChange(at, change)
	}
}

func (b *backlog) addChange(at time.Time, change acd.Change) {
	e := entry{at: at}
	var gone bool
	if e.live, gone = change.Key(); !gone {
		kept := change.Clone()
		e.change = &kept
	}
	if b.live == nil {
		b.live = map[acd.Key]*list.Element{}
	}
	if b.newest == nil {
		b.newest = map[acd.Key]*acd.Change{}
	}
	if gone {
		delete(b.newest, e.live)
	} else {
		b.newest[e.live] = e.change
	}
	if older, waiting := b.live[e.live]; waiting {
		b.remove(older)
	}
	b.live[e.live] = b.push(e)
}

// know takes in what is written already, and forgets what was known before.
func (b *backlog) know(things []acd.Change) {
	b.newest = make(map[acd.Key]*acd.Change, len(things))
	for i := range things {
		key, _ := things[i].Key()
		b.newest[key] = &things[i]
	}
}

// removeIf removes the records and stints of which needless says so.
func (b *backlog) removeIf(needless func(entry) bool) {
	for e := b.entries.Front(); e != nil; {
		next := e.Next()
		if one := e.Value.(entry); one.counts() && needless(one) {
			b.remove(e)
			b.records--
		}
		e = next
	}
}

// addCounted appends what was counted before, to be counted if Redis has lost it.
func (b *backlog) addCounted(e entry) {
	b.push(e)
	b.records++
}

// all are the entries, in order.
func (b *backlog) all() []entry {
	entries := make([]entry, 0, b.entries.Len())
	for e := b.entries.Front(); e != nil; e = e.Next() {
		entries = append(entries, e.Value.(entry))
	}
	return entries
}

// upcoming are the first entries that count, at most limit of them; they stay.
func (b *backlog) upcoming(limit int) []entry {
	var first []entry
	for e := b.entries.Front(); e != nil && limit > 0; e = e.Next() {
		if next := e.Value.(entry); next.counts() {
			first = append(first, next)
		}
		limit--
	}
	return first
}

// take removes and returns the first entries, at most limit.
func (b *backlog) take(limit int) []entry {
	batch := make([]entry, 0, min(limit, b.entries.Len()))
	for len(batch) < limit && b.entries.Len() > 0 {
		e := b.remove(b.entries.Front())
		if e.counts() {
			b.records--
		} else {
			delete(b.live, e.live)
		}
		batch = append(batch, e)
	}
	return batch
}

func countRecords(entries []entry) int {
	n := 0
	for _, e := range entries {
		if e.counts() {
			n++
		}
	}
	return n
}
