package traffic

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"hotline/internal/acd"
)

// Counter names a stored amount. Names are stable: they are field names in
// Redis and keys in JSON. Amounts of time are whole milliseconds.
type Counter string

// The counters. A call counts in the bucket in which it was offered to the
// queue, or arrived if it was not offered, whenever it ended.
const (
	CountOffered         Counter = "offered"
	CountAnswered        Counter = "answered"
	CountAbandoned       Counter = "abandoned"
	CountOverflowed      Counter = "overflowed" // sent away by the rules of a queue, moved out of it, or not taken on
	CountNotOffered      Counter = "not_offered"
	CountCallbackAsked   Counter = "callbacks_requested" // of overflowed: who left the queue to be called back
	CountCallbackTried   Counter = "callbacks_attempted" // times that a caller was called back
	CountCallbackReached Counter = "callbacks_reached"   // and talked with an agent
	CountImported        Counter = "imported_periods"    // of which only what was published is known; see docs/traffic.md
	CountOutbound        Counter = "outbound_attempted"  // calls that the hotline placed, callbacks among them
	CountOutboundTalked  Counter = "outbound_answered"   // and that were answered
	SumOutboundTalk      Counter = "outbound_talk_ms"
	MaxOutboundTalk      Counter = "max_outbound_talk_ms"
	CountOutboundHeld    Counter = "outbound_held"
	SumOutboundHold      Counter = "outbound_hold_ms"
	MaxOutboundHold      Counter = "max_outbound_hold_ms"
	CountHeld            Counter = "held"               // answered calls in which the agent held the caller
	SumHold              Counter = "hold_ms"            // of those; a part of the talk
	MaxHold              Counter = "max_hold_ms"        // longest hold of one call, all its times on hold together
	CountRatingAsked     Counter = "ratings_asked"      // answered calls, ours too, whose callers were asked for a rating
	CountRated           Counter = "rated"              // and gave one
	gradePrefix                  = "rated_"             // and which, from 1 (best) to 5
	SumWait              Counter = "wait_ms"            // of answered calls
	SumAbandonWait       Counter = "abandoned_wait_ms"  // of abandoned calls
	SumOverflowWait      Counter = "overflowed_wait_ms" // of overflowed calls
	SumTalk              Counter = "talk_ms"
	SumRing              Counter = "ring_ms"            // time for which agents' phones rang
	CountRONA            Counter = "rona"               // offers to an agent that rang and were not answered
	CountRefused         Counter = "offers_refused"     // offers that the agent declined
	CountBusy            Counter = "offers_busy"        // offers that met a busy phone
	CountUnreachable     Counter = "offers_unreachable" // offers to a phone that did not reply
	CountFailed          Counter = "offers_failed"      // offers that the switch could not carry out
	MaxWait              Counter = "max_wait_ms"        // longest wait, however it ended
	MaxTalk              Counter = "max_talk_ms"
	shortPrefix                  = "abandoned_under_"
	maximumPrefix                = "max_"
	SumLoggedIn          Counter = "logged_in_ms" // of agents, as are the following
	SumReady             Counter = "ready_ms"
	SumNotReady          Counter = "not_ready_ms"
	SumRinging           Counter = "ringing_ms"
	SumTalking           Counter = "talking_ms"
	SumWrapUp            Counter = "wrap_up_ms"
	notReadyPrefix               = "not_ready_ms_" // and the reason
	millisecondsSecond           = 1000
)

// The upper bounds of the histograms' cells, in seconds.
//
// Bounds may be added only where no data exist yet: older buckets would lack the cell.
var (
	waitBounds = []int{1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 3600}
	talkBounds = []int{5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 7200}
	// shortBounds are the thresholds, in seconds, for which calls abandoned
	// after strictly less time are counted.
	shortBounds = []int{2, 3, 5, 10, 20}
)

// The histograms, and the counters of short abandons by their thresholds.
var (
	waitCells        = newHistogram("wait_s_", waitBounds)
	abandonWaitCells = newHistogram("abandoned_wait_s_", waitBounds)
	talkCells        = newHistogram("talk_s_", talkBounds)
	outboundCells    = newHistogram("outbound_talk_s_", talkBounds)
	shortCounters    = named(shortPrefix, shortBounds)
	gradeCounters    = named(gradePrefix, []int{1, 2, 3, 4, 5})
)

// WaitBounds are the upper bounds of the wait histogram's cells, in seconds:
// the service-level thresholds that can be chosen.
func WaitBounds() []int { return slices.Clone(waitBounds) }

// TalkBounds are the upper bounds of the talk histogram's cells, in seconds.
func TalkBounds() []int { return slices.Clone(talkBounds) }

// ShortAbandonBounds are the thresholds of short abandons that can be chosen, in seconds.
func ShortAbandonBounds() []int { return slices.Clone(shortBounds) }

// IsMaximum reports whether amounts of the counter combine by the larger one
// instead of by adding.
func (c Counter) IsMaximum() bool { return strings.HasPrefix(string(c), maximumPrefix) }

// Counters are amounts by counter; a missing counter is 0. All amounts are 0 or more.
type Counters map[Counter]int64

// Amount is how much is added to a counter.
type Amount struct {
	Counter Counter
	Value   int64
}

// Add adds other's amounts, and keeps the larger of two maxima.
func (c Counters) Add(other Counters) {
	for name, amount := range other {
		c.note(name, amount)
	}
}

func (c Counters) note(name Counter, amount int64) {
	if name.IsMaximum() {
		c[name] = max(c[name], amount)
		return
	}
	c[name] += amount
}

// Clone is an independent copy, never nil.
func (c Counters) Clone() Counters {
	if c == nil {
		return Counters{}
	}
	return maps.Clone(c)
}

// AnsweredWithin counts the calls that were answered after at most so many
// seconds; the threshold is one of WaitBounds.
func (c Counters) AnsweredWithin(seconds int) int64 {
	return waitCells.upTo(c, seconds)
}

// AbandonedWithin counts the calls that were abandoned after at most so many
// seconds; the threshold is one of WaitBounds.
func (c Counters) AbandonedWithin(seconds int) int64 {
	return abandonWaitCells.upTo(c, seconds)
}

// ShortAbandons counts the calls that were abandoned after less than so many
// seconds; the threshold is one of ShortAbandonBounds.
func (c Counters) ShortAbandons(seconds int) int64 {
	return c[Counter(shortPrefix+strconv.Itoa(seconds))]
}

// TalkedOver counts the answered calls whose talk lasted longer than so many
// seconds; the threshold is one of TalkBounds.
func (c Counters) TalkedOver(seconds int) int64 {
	return talkCells.over(c, seconds)
}

// OutboundTalkedOver is TalkedOver for calls that the hotline placed.
func (c Counters) OutboundTalkedOver(seconds int) int64 {
	return outboundCells.over(c, seconds)
}

// Rated counts the calls whose callers gave a grade of acd.BestGrade to acd.WorstGrade.
func (c Counters) Rated(grade int) int64 { return c[gradeCounters[grade-acd.BestGrade]] }

// LongTalks and LongOutboundTalks are the cells to which talks of more than ten
// minutes are put of which no more is known, as in figures of earlier years.
var (
	LongTalks         = talkCells.cells[len(talkBounds)]
	LongOutboundTalks = outboundCells.cells[len(talkBounds)]
)

// NotReadyFor is the counter of the time not ready with a reason.
func NotReadyFor(reason string) Counter { return Counter(notReadyPrefix + reason) }
