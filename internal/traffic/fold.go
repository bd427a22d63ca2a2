package traffic

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// Dimension is a view of the traffic.
type Dimension string

// The dimensions.
const (
	BySite   Dimension = "site"     // everything; the key has no value
	ByQueue  Dimension = "queue"    // calls of one queue; the value is its id
	ByAgent  Dimension = "agent"    // work number
	ByEntry  Dimension = "entry"    // number that was dialled
	BySkill  Dimension = "skill"    // that the call asked for
	ByTarget Dimension = "overflow" // where callers were sent: queue:<id>, moved:<queue's id>, partner:<id>, or the reason
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

// Agent is the key of one agent.
func Agent(id acd.AgentID) Key { return Key{Dimension: ByAgent, Value: string(id)} }

// String writes the key as dimension:value; ParseKey reads it back.
func (k Key) String() string { return string(k.Dimension) + ":" + k.Value }

// ParseKey reads what Key.String wrote; it reports false for text that is no key.
func ParseKey(s string) (Key, bool) {
	dimension, value, found := strings.Cut(s, ":")
	return Key{Dimension(dimension), value}, found && dimension != ""
}

// MarshalText writes the key as dimension:value.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Key) UnmarshalText(text []byte) error {
	key, ok := ParseKey(string(text))
	if !ok {
		return fmt.Errorf("%q is not a dimension and a value", text)
	}
	*k = key
	return nil
}

// Table holds counters by dimension key, for one bucket or a sum of buckets.
type Table map[Key]Counters

// Add adds counters to a key's row.
func (t Table) Add(key Key, counters Counters) { t.row(key).Add(counters) }

// Count adds what a call adds to the row of the increment's key.
func (t Table) Count(i Increment) {
	row := t.row(i.Key)
	for _, amount := range i.Amounts {
		row.note(amount.Counter, amount.Value)
	}
}

func (t Table) row(key Key) Counters {
	row := t[key]
	if row == nil {
		row = Counters{}
		t[key] = row
	}
	return row
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
	Amounts  []Amount // each counter once; shared by the increments of one call: read only
}

// Fold says what a finished call adds to which counters, in all dimensions. The
// bucket is that in which the call was offered, or arrived if it was not offered.
// Durations are cut to whole milliseconds; a negative one, which a stepped clock
// can cause, counts as 0.
//
// For the site an offered call counts as answered, abandoned or overflowed,
// nothing else, with its wait since it entered the first queue. For a queue the
// same holds of its stay there: it counts as overflowed where it was sent on,
// and its wait is that in the queue. For an entry number and a skill it counts as
// for the site. For an agent the conversations count, and the offers.
func Fold(record acd.CallRecord, loc *time.Location) []Increment {
	increments := FoldQueues(record, loc)
	of := func(key Key, amounts []Amount) {
		increments = append(increments, Increment{increments[0].Interval, key, amounts})
	}
	whole := increments[0].Amounts
	if record.Entry != "" {
		of(Key{ByEntry, record.Entry}, whole)
	}
	for i, skill := range record.Skills {
		if !slices.Contains(record.Skills[:i], skill) {
			of(Key{BySkill, string(skill)}, whole)
		}
	}
	if target := targetOf(&record); target != "" {
		of(Key{ByTarget, target}, []Amount{{CountOverflowed, 1}})
	}
	for _, target := range sentOn(&record) {
		of(Key{ByTarget, target}, []Amount{{CountOverflowed, 1}})
	}
	for i, offer := range record.Offers {
		first := !slices.ContainsFunc(record.Offers[:i], func(o acd.OfferRecord) bool { return o.Agent == offer.Agent })
		if offer.Agent != "" && first {
			of(Agent(offer.Agent), countAgent(&record, offer.Agent))
		}
	}
	if record.Agent != "" && !slices.ContainsFunc(record.Offers, func(o acd.OfferRecord) bool { return o.Agent == record.Agent }) {
		of(Agent(record.Agent), countAgent(&record, record.Agent))
	}
	return increments
}

// FoldQueues is Fold for the site and the queues alone; the site comes first.
func FoldQueues(record acd.CallRecord, loc *time.Location) []Increment {
	interval := calendar.IntervalOf(record.CountsAt(), loc)
	of := func(key Key, amounts []Amount) Increment { return Increment{interval, key, amounts} }

	if record.Direction == acd.Outbound {
		amounts := countOutbound(countOffers(record.Offers), &record)
		if record.Queue == "" {
			return []Increment{of(Site, amounts)}
		}
		return []Increment{of(Site, amounts), of(Queue(record.Queue), amounts)}
	}
	whole := count(&record)
	increments := append(make([]Increment, 0, 2+len(record.Visits)), of(Site, whole))
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
		amounts := overflowed(countOffers(offers[:made]), visit.Left.Sub(visit.Entered))
		if i == len(record.Visits)-1 && record.Reason == acd.CallbackRequested {
			amounts = append(amounts, Amount{CountCallbackAsked, 1})
		}
		increments = append(increments, of(Queue(visit.Queue), amounts))
		offers = offers[made:]
		stay.Queued, stay.Offers = visit.Left, offers
	}
	if record.Result == acd.Overflowed {
		return increments // the last stay is among the visits
	}
	return append(increments, of(Queue(record.Queue), count(&stay)))
}

// targetOf is where the hotline sent a caller for good; empty when it did not.
func targetOf(record *acd.CallRecord) string {
	switch {
	case record.Result != acd.Overflowed:
		return ""
	case record.Partner != "":
		return "partner:" + string(record.Partner)
	}
	return string(record.Reason)
}

// sentOn are the queues to which the rules of others led a call, queue:<id>, or a person
// moved it, moved:<id>.
func sentOn(record *acd.CallRecord) (targets []string) {
	for i, left := range record.Visits {
		to := record.Queue
		switch {
		case i+1 < len(record.Visits):
			to = record.Visits[i+1].Queue
		case record.Result == acd.Overflowed:
			return targets // the last was left for good
		}
		how := "queue:"
		if left.Reason == acd.VisitMoved {
			how = "moved:"
		}
		targets = append(targets, how+string(to))
	}
	return targets
}

// countAgent counts what an agent had to do with a call.
func countAgent(record *acd.CallRecord, agent acd.AgentID) []Amount {
	var own []acd.OfferRecord
	for _, offer := range record.Offers {
		if offer.Agent == agent {
			own = append(own, offer)
		}
	}
	amounts := countOffers(own)
	switch {
	case record.Agent != agent:
	case record.Direction == acd.Outbound:
		amounts = countOutbound(amounts, record)
	case record.Result == acd.Answered:
		amounts = append(countTalk(amounts, record), Amount{CountAnswered, 1})
	}
	return amounts
}

// countOutbound counts a call that the hotline placed, which is neither offered
// nor answered. Attempts to call back count apart as well.
func countOutbound(amounts []Amount, record *acd.CallRecord) []Amount {
	answered := record.Result == acd.Answered
	amounts = append(amounts, Amount{CountOutbound, 1})
	if record.Callback != "" {
		amounts = append(amounts, Amount{CountCallbackTried, 1})
	}
	if answered && record.Callback != "" {
		amounts = append(amounts, Amount{CountCallbackReached, 1})
	}
	if answered {
		talk := max(0, record.Talk())
		amounts = append(amounts, Amount{CountOutboundTalked, 1}, Amount{SumOutboundTalk, talk.Milliseconds()},
			Amount{MaxOutboundTalk, talk.Milliseconds()}, Amount{outboundCells.cell(talk), 1})
		amounts = countRating(countHold(amounts, record, CountOutboundHeld, SumOutboundHold, MaxOutboundHold), record)
	}
	return amounts
}

func countTalk(amounts []Amount, record *acd.CallRecord) []Amount {
	talk := max(0, record.Talk())
	amounts = append(amounts, Amount{SumTalk, talk.Milliseconds()}, Amount{MaxTalk, talk.Milliseconds()}, Amount{talkCells.cell(talk), 1})
	return countRating(countHold(amounts, record, CountHeld, SumHold, MaxHold), record)
}

// countHold counts for how long an agent held a caller, if at all.
func countHold(amounts []Amount, record *acd.CallRecord, calls, sum, longest Counter) []Amount {
	ms := record.Hold.Milliseconds()
	if ms <= 0 {
		return amounts
	}
	return append(amounts, Amount{calls, 1}, Amount{sum, ms}, Amount{longest, ms})
}

// countRating counts whether a caller was asked for a rating, and what it was. There
// is one set of counters for inbound and outbound calls: it is the service that is rated.
func countRating(amounts []Amount, record *acd.CallRecord) []Amount {
	if !record.RatingAsked {
		return amounts
	}
	amounts = append(amounts, Amount{CountRatingAsked, 1})
	if record.Rating < acd.BestGrade || record.Rating > acd.WorstGrade {
		return amounts
	}
	return append(amounts, Amount{CountRated, 1}, Amount{gradeCounters[record.Rating-acd.BestGrade], 1})
}

// countOffers counts how long phones rang, and how offers to agents ended that
// were not taken.
func countOffers(offers []acd.OfferRecord) []Amount {
	amounts := make([]Amount, 0, 12) // room for all that a call commonly counts
	var rang time.Duration
	for _, offer := range offers {
		rang += rangFor(offer)
		name, counted := offerCounters[offer.Outcome]
		if !counted {
			continue
		}
		if i := slices.IndexFunc(amounts, func(a Amount) bool { return a.Counter == name }); i >= 0 {
			amounts[i].Value++
		} else {
			amounts = append(amounts, Amount{name, 1})
		}
	}
	if ms := rang.Milliseconds(); ms > 0 {
		amounts = append(amounts, Amount{SumRing, ms})
	}
	return amounts
}

// rangFor is how long the phone of an offer rang.
func rangFor(offer acd.OfferRecord) time.Duration {
	if offer.Rang.IsZero() || offer.Ended.Before(offer.Rang) {
		return 0
	}
	return offer.Ended.Sub(offer.Rang)
}

func overflowed(amounts []Amount, wait time.Duration) []Amount {
	ms := max(0, wait).Milliseconds()
	return append(amounts, Amount{CountOffered, 1}, Amount{CountOverflowed, 1}, Amount{SumOverflowWait, ms}, Amount{MaxWait, ms})
}

func count(record *acd.CallRecord) []Amount {
	amounts := countOffers(record.Offers)
	if !record.Offered() {
		return append(amounts, Amount{CountNotOffered, 1})
	}
	wait := max(0, record.Wait())
	ms := wait.Milliseconds()
	if record.Result == acd.Overflowed {
		amounts = overflowed(amounts, wait)
		if record.Reason == acd.CallbackRequested {
			amounts = append(amounts, Amount{CountCallbackAsked, 1})
		}
		return amounts
	}
	amounts = append(amounts, Amount{CountOffered, 1}, Amount{MaxWait, ms})
	if record.Result == acd.Answered {
		return countTalk(append(amounts, Amount{CountAnswered, 1}, Amount{SumWait, ms}, Amount{waitCells.cell(wait), 1}), record)
	}
	amounts = append(amounts, Amount{CountAbandoned, 1}, Amount{SumAbandonWait, ms}, Amount{abandonWaitCells.cell(wait), 1})
	for i, seconds := range shortBounds {
		if ms < int64(seconds)*millisecondsSecond {
			amounts = append(amounts, Amount{shortCounters[i], 1})
		}
	}
	return amounts
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
