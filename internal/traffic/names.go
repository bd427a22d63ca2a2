package traffic

import (
	"slices"
	"strconv"
)

// Names are all counters but the times not ready by reason: whoever wants one row
// of a large table asks for these and need not read the whole.
func Names() []Counter {
	names := []Counter{
		CountOffered, CountAnswered, CountAbandoned, CountOverflowed, CountNotOffered,
		CountCallbackAsked, CountCallbackTried, CountCallbackReached,
		CountImported, CountOutbound, CountOutboundTalked, SumOutboundTalk, MaxOutboundTalk,
		CountOutboundHeld, SumOutboundHold, MaxOutboundHold, CountHeld, SumHold, MaxHold, CountRatingAsked, CountRated,
		SumWait, SumAbandonWait, SumOverflowWait, SumTalk, SumRing,
		CountRONA, CountRefused, CountBusy, CountUnreachable, CountFailed, MaxWait, MaxTalk,
		SumLoggedIn, SumReady, SumNotReady, SumRinging, SumTalking, SumWrapUp,
	}
	return slices.Concat(names, waitCells.cells, abandonWaitCells.cells, talkCells.cells, outboundCells.cells, shortCounters, gradeCounters)
}

// CourseMetrics are the figures of a day by quarter-hours; the last is the first of
// Published.
func (d *Definitions) CourseMetrics() []Metric {
	return []Metric{Offered, Answered, Abandoned, ConnectRate, AverageWait, d.published[0]}
}

// CourseCounters are those of which CourseMetrics are computed: whoever reads a hundred
// rows spares nine tenths with these.
func (d *Definitions) CourseCounters() []Counter {
	names := []Counter{CountOffered, CountAnswered, CountAbandoned, SumWait, Counter(shortPrefix + strconv.Itoa(d.short))}
	for i, bound := range waitBounds {
		if bound <= d.threshold {
			names = append(names, waitCells.cells[i], abandonWaitCells.cells[i])
		}
	}
	return names
}
