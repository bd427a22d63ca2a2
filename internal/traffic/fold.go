package traffic

import (
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// Dimension is a view of the traffic.
type Dimension string

// The dimensions. A further one (agent, entry, …) is a constant here and a
// line in keysOf.
const (
	BySite  Dimension = "site"  // everything; the key has no value
	ByQueue Dimension = "queue" // calls of one queue; the value is its id
)

// Key is one row of a dimension, for example the queue "general".
type Key struct {
	Dimension Dimension
	Value     string
}

// Site is the key of everything.
var Site = Key{Dimension: BySite}

// Queue is the key of one queue.
func Queue(id acd.QueueID) Key { return Key{Dimension: ByQueue, Value: string(id)} }

// String writes the key as dimension:value; ParseKey reads it back.
func (k Key) String() string { return string(k.Dimension) + ":" + k.Value }

// ParseKey reads what Key.String wrote; it reports false for text that is no key.
func ParseKey(s string) (Key, bool) {
	dimension, value, found := strings.Cut(s, ":")
	return Key{Dimension(dimension), value}, found && dimension != ""
}

// MarshalText writes the key as dimension:value.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Table holds counters by dimension key, for one bucket or a sum of buckets.
type Table map[Key]Counters

// Add adds counters to a key's row.
func (t Table) Add(key Key, counters Counters) {
	row := t[key]
	if row == nil {
		row = Counters{}
		t[key] = row
	}
	row.Add(counters)
}

// Merge adds all rows of other.
func (t Table) Merge(other Table) {
	for key, counters := range other {
		t.Add(key, counters)
	}
}

// Increment is what one call adds to one key, in the day and in the interval
// of that day alike.
type Increment struct {
	Interval calendar.Interval // names the day too
	Key      Key
	Counters Counters // shared by the increments of one call: read only
}

// Fold says what a finished call adds to which counters. The bucket is that in
// which the call was offered, or arrived if it was not offered. Durations are
// cut to whole milliseconds; a negative one, which a stepped clock can cause,
// counts as 0.
//
// For the site an offered call counts as answered, abandoned or overflowed,
// nothing else, with its wait since it entered the first queue. For a queue the
// same holds of its stay there: it counts as overflowed where it was sent on,
// and its wait is that in the queue.
func Fold(record acd.CallRecord, loc *time.Location) []Increment {
	at := record.Queued
	if !record.Offered() {
		at = record.Arrived
	}
	interval := calendar.IntervalOf(at, loc)
	of := func(key Key, counters Counters) Increment { return Increment{interval, key, counters} }

	if record.Callback != "" {
		counters := countCallback(record)
		return []Increment{of(Site, counters), of(Queue(record.Queue), counters)}
	}
	whole := count(record)
	increments := []Increment{of(Site, whole)}
	if record.Queue == "" {
		return increments
	}
	if len(record.Visits) == 0 {
		return append(increments, of(Queue(record.Queue), whole))
	}
	stay, offers := record, record.Offers
	for i, visit := range record.Visits {
		made := 0 // of the offers, those made in this queue
		for made < len(offers) && offers[made].Made.Before(visit.Left) {
			made++
		}
		counters := overflowed(visit.Left.Sub(visit.Entered))
		if i == len(record.Visits)-1 && record.Reason == acd.CallbackRequested {
			counters[CountCallbackAsked] = 1
		}
		counters.Add(countOffers(offers[:made]))
		increments = append(increments, of(Queue(visit.Queue), counters))
		offers = offers[made:]
		stay.Queued, stay.Offers = visit.Left, offers
	}
	if record.Result == acd.Overflowed {
		return increments // the last stay is among the visits
	}
	return append(increments, of(Queue(record.Queue), count(stay)))
}

// countCallback counts an attempt to call a caller back: outbound, so that it
// is neither offered nor answered.
func countCallback(record acd.CallRecord) Counters {
	c := countOffers(record.Offers)
	c[CountCallbackTried] = 1
	if record.Result == acd.Answered {
		c[CountCallbackReached] = 1
		c[SumCallbackTalk] = max(0, record.Talk()).Milliseconds()
	}
	return c
}

// countOffers counts how offers to agents ended that were not taken.
func countOffers(offers []acd.OfferRecord) Counters {
	c := Counters{}
	for _, offer := range offers {
		if name, counted := offerCounters[offer.Outcome]; counted {
			c[name]++
		}
	}
	return c
}

func overflowed(wait time.Duration) Counters {
	ms := max(0, wait).Milliseconds()
	return Counters{CountOffered: 1, CountOverflowed: 1, SumOverflowWait: ms, MaxWait: ms}
}

func count(record acd.CallRecord) Counters {
	c := countOffers(record.Offers)
	if !record.Offered() {
		c[CountNotOffered] = 1
		return c
	}
	wait := max(0, record.Wait())
	if record.Result == acd.Overflowed {
		c.Add(overflowed(wait))
		if record.Reason == acd.CallbackRequested {
			c[CountCallbackAsked] = 1
		}
		return c
	}
	c[CountOffered] = 1
	c[MaxWait] = wait.Milliseconds()
	if record.Result == acd.Answered {
		talk := max(0, record.Talk())
		c[CountAnswered] = 1
		c[SumWait] = wait.Milliseconds()
		c[cell(waitCellPrefix, waitBounds, wait)] = 1
		c[SumTalk], c[MaxTalk] = talk.Milliseconds(), talk.Milliseconds()
		c[cell(talkCellPrefix, talkBounds, talk)] = 1
		return c
	}
	c[CountAbandoned] = 1
	c[SumAbandonWait] = wait.Milliseconds()
	c[cell(abandonCellPrefix, waitBounds, wait)] = 1
	for _, seconds := range shortBounds {
		if wait.Milliseconds() < int64(seconds)*millisecondsSecond {
			c[shortCounter(seconds)] = 1
		}
	}
	return c
}

// Offers that were answered or withdrawn show in the calls' results.
var offerCounters = map[acd.OfferOutcome]Counter{
	acd.OfferNoAnswer:    CountRONA,
	acd.OfferRefused:     CountRefused,
	acd.OfferBusy:        CountBusy,
	acd.OfferUnreachable: CountUnreachable,
	acd.OfferFailed:      CountFailed,
	acd.OfferNodeFault:   CountFailed,
}
