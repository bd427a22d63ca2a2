package sim

import "hotline/internal/acd"

// Partners is how the hotlines behave that the routing asks for help.
type Partners struct {
	// Takes is the share of our calls that they take; at the others they are busy.
	Takes float64
	// Answer is how long they let the phone ring; nil when Takes is 0.
	Answer Distribution
}

// ringPartner rings a partner. What it will do is drawn for the caller and the
// how-manieth call there.
func (r *run) ringPartner(c *call, cmd acd.Offer) {
	_, n, _, _ := cmd.Leg.Parse()
	leg, key := r.newLeg(c, cmd.Leg), r.callers[c.person].key
	attempt := c.attempt<<32 | uint64(n)
	if r.rnd.at(forPartner, key, attempt).Float64() >= r.Partners.Takes {
		leg.fate = acd.OfferBusy
		r.later(r.Switch.RingDelay, declines, leg.slot, leg.gen)
		return
	}
	r.later(r.Switch.RingDelay, rings, leg.slot, leg.gen)
	r.later(r.Switch.RingDelay+r.Partners.Answer.Sample(r.rnd.at(forPartnerAnswer, key, attempt)), lifts, leg.slot, leg.gen)
}
