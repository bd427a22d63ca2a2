package acd

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// PartnerID names a partner.
type PartnerID string

// Partner is another hotline that helps out: mutual aid between cities. A rule
// of overflow asks it for callers who wait; they wait on meanwhile, in the same
// place, and who lifts first, an agent or the partner, has the caller.
type Partner struct {
	ID     PartnerID
	Title  string // for people, e.g. 徐州12345
	Number string // what is dialled; see dialable
	// AtMost is how many of our calls may be there at once, ringing or
	// talking. At least 1.
	AtMost int
	// RingTimeout bounds how long it is rung for one caller. More than 0.
	RingTimeout time.Duration
	// Rest is how long it is left alone after a call that it did not take.
	// More than 0, or everybody who waits would ring in vain one after the other.
	Rest time.Duration
	// ShowCaller shows the caller's number there. Otherwise it is the number
	// that the caller dialled, which carriers accept from us without an agreement.
	ShowCaller bool
}

// PartnerCounts are what became of the calls to a partner since the engine
// started. Rung = Answered + NotTaken + Withdrawn + those in flight.
type PartnerCounts struct {
	Rung      uint64 `json:"rung"`
	Answered  uint64 `json:"answered"`
	NotTaken  uint64 `json:"not_taken"` // no answer, busy, out of reach, failed
	Withdrawn uint64 `json:"withdrawn"` // the caller left, or one of our agents was first
}

// PartnerStatus is the present state of a partner.
type PartnerStatus struct {
	Partner PartnerID     `json:"partner"`
	Title   string        `json:"title"`
	AtMost  int           `json:"at_most"`
	Ringing int           `json:"ringing"`
	Talking int           `json:"talking"`
	Waiting int           `json:"waiting"`              // callers for whom it would be rung if it were free
	Rests   time.Time     `json:"rests_until,omitzero"` // not rung before
	Last    OfferOutcome  `json:"last,omitempty"`       // of the last call that it did not take
	Counts  PartnerCounts `json:"counts"`
}

// Referral is what a call has to do with partners.
type Referral struct {
	Asked   []PartnerID `json:"asked"`             // by the rules of the present queue, in their order
	Partner PartnerID   `json:"partner,omitempty"` // who is rung for it, or has it
	Leg     LegID       `json:"leg,omitempty"`     // there
	Rung    time.Time   `json:"rung,omitzero"`     // since when
	Calls   int         `json:"calls,omitempty"`   // made so far
}

// NewPartnerLegID names the leg of the n-th call (from 1) to a partner on
// behalf of a call.
func NewPartnerLegID(call CallID, n int, partner PartnerID) LegID {
	return LegID(legPrefix + strconv.Itoa(n) + "_" + partnerLeg + string(partner) + "_" + string(call))
}

// Partner is the partner to whom the leg leads; false for an agent's.
func (l LegID) Partner() (PartnerID, bool) {
	_, _, who, _ := l.Parse()
	id, ok := strings.CutPrefix(string(who), partnerLeg)
	return PartnerID(id), ok
}

// partnerLeg stands where the agent does in the leg's name, before the partner.
const partnerLeg = "to-"

// partner is a Partner and what is there at present.
type partner struct {
	Partner
	ringing, talking int
	asking           *ordered[*asking] // waiting callers for whom it may be rung
	rest             timer             // until it may be rung again
	last             OfferOutcome
	counts           PartnerCounts
	touched          bool
}

// asking is a waiting call's place among those for whom a partner may be rung.
type asking struct {
	call    *call
	partner *partner
	pos     position
}

// referral is a call's Referral at work.
type referral struct {
	Referral
	partner *partner  // who is rung, or has the call
	asking  []*asking // its places; none while a phone rings for it
	ring    timer     // until the partner is given up
}

func newPartner(id PartnerID) *partner {
	p := &partner{Partner: Partner{ID: id}}
	p.rest = timer{kind: partnerTimer, partner: p, pos: -1}
	p.clear()
	return p
}

// clear forgets who asks for the partner.
func (p *partner) clear() {
	p.asking = newOrdered(
		func(a, b *asking) bool {
			if a.call.rank != b.call.rank {
				return a.call.rank < b.call.rank
			}
			return a.call.Seq < b.call.Seq
		},
		func(a *asking) *position { return &a.pos },
	)
}

// free reports whether one more call may be made to the partner.
func (p *partner) free() bool { return p.ringing+p.talking < p.AtMost && p.rest.pos < 0 }

func (p *partner) status() PartnerStatus {
	s := PartnerStatus{
		Partner: p.ID, Title: p.Title, AtMost: p.AtMost, Ringing: p.ringing, Talking: p.talking,
		Waiting: p.asking.Len(), Last: p.last, Counts: p.counts,
	}
	if p.rest.pos >= 0 {
		s.Rests = p.rest.at
	}
	return s
}

// Partners lists the partners in the order of the configuration.
func (e *Engine) Partners() []PartnerStatus {
	var list []PartnerStatus
	for _, p := range e.partnerOrder {
		list = append(list, p.status())
	}
	return list
}

// partnerOf finds a partner. One that has left the configuration keeps the
// calls that it has; nothing new is sent there.
func (e *Engine) partnerOf(id PartnerID) *partner {
	if p := e.partners[id]; p != nil {
		return p
	}
	return newPartner(id)
}

// ask lets a waiting call ask for a partner from now on.
func (e *Engine) ask(c *call, id PartnerID) {
	r := c.refers()
	if !slices.Contains(r.Asked, id) {
		r.Asked = append(r.Asked, id)
	}
}

// refers is the call's referral, made if there is none.
func (c *call) refers() *referral {
	if c.referral == nil {
		c.referral = &referral{ring: timer{kind: partnerRingTimer, call: c, pos: -1}}
		c.Referral = &c.referral.Referral
	}
	return c.referral
}

// away returns the partner's leg that a call has at present; none if empty.
func (c *call) away() LegID {
	if c.referral == nil {
		return ""
	}
	return c.referral.Leg
}

// settleAsking puts a waiting call among those who ask for partners, or takes it
// from there, as it may be offered to anybody or not.
func (e *Engine) settleAsking(c *call, offerable bool) {
	r := c.referral
	if r == nil || r.Leg != "" {
		return
	}
	e.stopAsking(c)
	if !offerable {
		return
	}
	for _, id := range r.Asked {
		if p := e.partners[id]; p != nil {
			a := &asking{call: c, partner: p, pos: -1}
			r.asking = append(r.asking, a)
			p.asking.add(a)
		}
	}
}

// stopAsking takes a call from among those who ask for partners.
func (e *Engine) stopAsking(c *call) {
	if c.referral == nil {
		return
	}
	for _, a := range c.referral.asking {
		a.partner.asking.remove(a)
	}
	c.referral.asking = c.referral.asking[:0]
}

// dispatchPartners rings partners for those who ask for them, as long as they
// are free: who has come first, with the priority reckoned in.
func (e *Engine) dispatchPartners() {
	for _, p := range e.partnerOrder {
		for p.asking.Len() > 0 && p.free() {
			e.ringPartner(p.asking.min().call, p)
		}
	}
}

func (e *Engine) ringPartner(c *call, p *partner) {
	e.stopAsking(c)
	r := c.referral
	r.Calls++
	r.partner, r.Partner, r.Rung = p, p.ID, e.now
	r.Leg = NewPartnerLegID(c.Call, r.Calls, p.ID)
	p.ringing++
	e.recalls(p).Rung++
	e.startTimer(&r.ring, e.now.Add(p.RingTimeout))
	e.command(e.partnerOffer(c))
	e.touchCall(c)
}

// partnerOffer is the command by which the partner is rung who has a leg of the call.
func (e *Engine) partnerOffer(c *call) Offer {
	p, shown := c.referral.partner, c.Entry
	if number := c.number(); p.ShowCaller && number != "" {
		shown = number
	}
	return Offer{
		Call: c.Call, Leg: c.referral.Leg, Node: c.Node, Number: p.Number, CallerID: shown, Timeout: p.RingTimeout + switchGrace,
	}
}

// partnerCall finds the call that has a leg at a partner; nil when the leg is none.
func (e *Engine) partnerCall(leg LegID) *call {
	id, _, _, ok := leg.Parse()
	if !ok {
		return nil
	}
	if c := e.calls[id]; c != nil && c.away() == leg {
		return c
	}
	return nil
}

// partnerLifted connects the caller with the partner, who was first.
func (e *Engine) partnerLifted(c *call) {
	if c.Phase != PhaseWaiting && c.Phase != PhaseRinging {
		return
	}
	e.timers.remove(&c.ring)
	e.timers.remove(&c.review)
	e.timers.remove(&c.referral.ring)
	e.leaveLine(c)
	rings := c.rings
	c.rings = nil
	c.Phase, c.Lifted = PhaseJoining, e.now
	c.stopsHearing()
	for _, r := range rings {
		e.cancel(c, r)
		e.ringEnded(c, r, OfferTaken)
		e.offerWithdrawn(r.agent)
	}
	e.showOffer(c)
	e.touchCall(c)
	e.command(Connect{Call: c.Call, Leg: c.referral.Leg, Node: c.Node})
}

// partnerConnected: from here on the caller is the partner's.
func (e *Engine) partnerConnected(c *call) {
	if c.Phase != PhaseJoining {
		return
	}
	p := c.referral.partner
	p.ringing--
	p.talking++
	e.recalls(p).Answered++
	c.Phase, c.Next = PhaseAway, nil
	e.leaveFor(c)
	e.touchCall(c)
	e.calledIn(c)
}

// partnerGone ends a partner's leg that has gone by itself.
func (e *Engine) partnerGone(c *call, outcome OfferOutcome, mayRing bool) {
	switch p := c.referral.partner; {
	case c.Phase == PhaseAway:
		e.endCall(c, Overflowed, Referred, Release{LegGone: true})
	case c.Phase == PhaseJoining:
		e.partnerFailed(c, OfferRefused, true)
	default:
		if mayRing && e.partners[p.ID] == p {
			e.startTimer(&p.rest, e.now.Add(leaveBound)) // it may ring there a moment longer
		}
		e.partnerFailed(c, outcome, outcome != OfferNodeFault)
	}
}

// partnerTimedOut gives up a partner that does not lift.
func (e *Engine) partnerTimedOut(c *call) {
	outcome := OfferNoAnswer
	if e.cutOff[c.Node] {
		outcome = OfferNodeFault
	}
	e.command(CancelLeg{Call: c.Call, Leg: c.referral.Leg, Node: c.Node})
	e.partnerFailed(c, outcome, outcome != OfferNodeFault)
}

// partnerFailed ends a call to a partner that was not taken. The partner rests, if
// it was the one who did not take it; the caller waits on as before.
func (e *Engine) partnerFailed(c *call, outcome OfferOutcome, rests bool) {
	p := c.referral.partner
	e.recalls(p).NotTaken++
	e.forgetPartner(c)
	if outcome != OfferNodeFault {
		p.last = outcome
	}
	e.touchPartner(p)
	switch {
	case !rests: // nor in a circle
		c.Paused = e.now.Add(nodePause)
	case e.partners[p.ID] == p:
		e.startTimer(&p.rest, e.now.Add(p.Rest))
	}
	e.touchCall(c)
	switch c.Phase {
	case PhaseJoining:
		c.Lifted = time.Time{}
		e.runFlow(c, FlowRingingEnd)
		e.startMusic(c, c.queue)
		e.hearsOn(c)
		e.wait(c)
	case PhaseWaiting:
		e.settle(c)
	}
}

// withdrawPartner hangs up at a partner that still rings for a call.
func (e *Engine) withdrawPartner(c *call) {
	if c.away() == "" || c.Phase == PhaseJoining || c.Phase == PhaseAway {
		return
	}
	e.command(CancelLeg{Call: c.Call, Leg: c.referral.Leg, Node: c.Node})
	e.recalls(c.referral.partner).Withdrawn++
	e.forgetPartner(c)
}

// partnerOver takes the partner off a call that ends while they are, or are just
// being, connected.
func (e *Engine) partnerOver(c *call) {
	if c.away() == "" {
		return
	}
	if c.Phase == PhaseJoining {
		e.recalls(c.referral.partner).Withdrawn++
	}
	e.forgetPartner(c)
}

// forgetPartner takes a leg that has ended, or will, off the call.
func (e *Engine) forgetPartner(c *call) {
	r := c.referral
	if c.Phase == PhaseAway {
		r.partner.talking--
	} else {
		r.partner.ringing--
	}
	e.timers.remove(&r.ring)
	r.partner, r.Partner, r.Leg, r.Rung = nil, "", "", time.Time{}
}

// leavePartners ends what a call has to do with the partners whom the rules of a
// queue have asked; the call leaves that queue.
func (e *Engine) leavePartners(c *call) {
	if c.referral == nil || c.Phase == PhaseJoining || c.Phase == PhaseAway {
		return
	}
	e.stopAsking(c)
	e.withdrawPartner(c)
	c.referral.Asked = nil
}

// referAgain brings the calls with partners together with the partners of a new
// configuration; who asks for one is put there anew by settle.
func (e *Engine) referAgain() {
	for _, p := range e.partnerOrder {
		p.ringing, p.talking = 0, 0
		p.clear()
	}
	for _, c := range e.callsByArrival() {
		r := c.referral
		if r == nil {
			continue
		}
		r.asking = nil
		if r.Leg == "" {
			continue
		}
		before := r.partner
		r.partner = e.partnerOf(r.Partner)
		if c.Phase == PhaseAway {
			r.partner.talking++
			continue
		}
		r.partner.ringing++
		if r.partner != before { // configured again
			e.recalls(r.partner).Rung++
		}
	}
}

// restorePartner finds again what a call has to do with partners. Of those that are
// known the counts have been restored already.
func (e *Engine) restorePartner(c *call, known map[PartnerID]bool) {
	saved := c.Referral
	if saved == nil {
		return
	}
	c.referral = nil
	r := c.refers()
	r.Referral = *saved
	r.Asked = slices.Clone(saved.Asked)
	if r.Leg == "" {
		return
	}
	r.partner = e.partnerOf(r.Partner)
	if c.Phase == PhaseAway {
		r.partner.talking++
		return
	}
	r.partner.ringing++
	if !known[r.Partner] {
		e.recalls(r.partner).Rung++
	}
	if c.Phase != PhaseJoining {
		e.startTimer(&r.ring, r.Rung.Add(r.partner.RingTimeout))
	}
}
