package traffic

import "slices"

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
