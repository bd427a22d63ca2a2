package asterisk

import "hotline/internal/acd"

// Hang-up causes of Q.850 as Asterisk uses them.
const (
	causeUnallocated = 1
	causeNoRoute     = 3
	causeNormal      = 16
	causeBusy        = 17
	causeNoUser      = 18
	causeNoAnswer    = 19
	causeAbsent      = 20
	causeRejected    = 21
	causeOutOfOrder  = 27
)

// outcomeOf says how an offer ended whose leg was destroyed before it was
// answered. What Asterisk 22.10.1 (chan_pjsip) reports, measured:
//
//	what the phone does            cause  SIP   rang     outcome
//	603 or 403                        21  603    any     refused
//	486 or 600 after ringing          17  486    yes     refused (the agent pressed "decline")
//	486 or 600 at once                17  486    no      busy
//	480 after ringing                 19  480    yes     no answer
//	408 after ringing                 18  408    yes     no answer
//	rings until dial's own timeout    19  480    yes     no answer
//	480 at once, or never replies     19  480    no      unreachable
//	404                                1  404    any     unreachable
//	500                               38  500    any     failed
//	503                               34  503    any     failed
//	we hang up                        16    –    any     withdrawn
//	not registered, no such seat: POST create answers 500  unreachable
//
// When a phone replies nothing at all, SIP's own timer is slower than any ring
// timeout, so that it ends like "never replies".
func outcomeOf(cause int, rang, cancelled bool) acd.OfferOutcome {
	if cancelled {
		return acd.OfferWithdrawn
	}
	switch cause {
	case causeRejected:
		return acd.OfferRefused
	case causeBusy:
		if rang {
			return acd.OfferRefused
		}
		return acd.OfferBusy
	case causeNoUser, causeNoAnswer:
		if rang {
			return acd.OfferNoAnswer
		}
		return acd.OfferUnreachable
	case causeUnallocated, causeNoRoute, causeAbsent, causeOutOfOrder:
		return acd.OfferUnreachable
	}
	return acd.OfferFailed
}
