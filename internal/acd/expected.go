package acd

import "time"

// Expected is what the switch has of a call as far as the engine knows: for a switch
// that is taken over together with the engine's state. What it has in truth is found
// out by listing, and told as events.
type Expected struct {
	Call  CallID
	Node  NodeID
	Up    bool   // it has been answered
	Class string // of hold music; heard when Music is set
	Music bool
	Tone  int // the ringing tone that is heard; 0: none
	// MayTone is the ringing tone that is heard if the phone has begun to ring since the
	// state was written; 0: none.
	MayTone int
	Play    int // the prompts that are heard, see Play; 0: none
	Legs    []ExpectedLeg
	// Joined is the leg that is in the bridge with the caller; Joins one that is
	// just being connected: whether that has been done is not known. One at most.
	Joined, Joins LegID
	// Called is set for a caller who is called back and whose channel we made; then
	// Joins is the agent's leg until the caller has answered.
	Called *DialOut
	// Rating: the caller is asked for one, and no longer in the bridge, or should not be.
	Rating bool
	// Fresh: so little time has gone by since the call last moved that what was
	// asked for then may not have been carried out.
	Fresh bool
	// Alone: nobody is on the line yet, a callback that waits for an agent.
	Alone bool
}

// ExpectedLeg is a leg that was made on behalf of a call.
type ExpectedLeg struct {
	Offer  Offer
	Made   time.Time
	Rings  bool
	Lifted bool
	Held   bool // the agent holds the caller
}

// Expect lists what the switch has of the calls in progress, by arrival.
func (e *Engine) Expect() []Expected {
	var list []Expected
	for _, c := range e.callsByArrival() {
		list = append(list, e.expect(c))
	}
	return list
}

func (e *Engine) expect(c *call) Expected {
	x := Expected{Call: c.Call, Node: c.Node, Up: c.Up, Music: c.Music, Tone: c.Tone, Rating: c.Phase == PhaseRating, Fresh: e.now.Sub(c.lastMoved()) < freshFor}
	if c.queue != nil {
		x.Class = c.queue.Music
	}
	if c.Phase == PhaseGreeting || c.Phase == PhaseClosing || c.Phase == PhaseRating || c.Announcing {
		x.Play = c.Plays
	}
	lifted := c.Phase == PhaseAnswered || c.Phase == PhaseTalking
	for _, r := range c.rings {
		o := c.Offers[r.record]
		if c.Phase == PhaseRinging && c.Tone == 0 && o.Rang.IsZero() {
			x.MayTone = c.nextTone()
		}
		x.Legs = append(x.Legs, ExpectedLeg{Offer: e.offerOf(c, r.leg, o.Seat), Made: o.Made, Rings: !o.Rang.IsZero() || lifted, Lifted: lifted, Held: !c.OnHold.IsZero()})
	}
	if leg := c.away(); leg != "" {
		lifted := c.Phase == PhaseJoining || c.Phase == PhaseAway
		x.Legs = append(x.Legs, ExpectedLeg{Offer: e.partnerOffer(c), Made: c.referral.Rung, Rings: lifted, Lifted: lifted})
	}
	switch c.Phase {
	case PhaseAnswered:
		x.Joins = c.Leg
	case PhaseTalking:
		x.Joined = c.Leg
	case PhaseJoining:
		x.Joins = c.away()
	case PhaseAway:
		x.Joined = c.away()
	}
	if c.callback != nil {
		x.Alone = c.Phase == PhaseWaiting || c.Phase == PhaseRinging
		if !x.Alone {
			dial := e.dialOutOf(c)
			x.Called = &dial
		}
	}
	return x
}

// freshFor is longer than a controller takes to carry out what it has decided, and
// another to take over.
const freshFor = 10 * time.Second

// lastMoved is when the call came, entered its queue, or was last offered in vain.
func (c *call) lastMoved() time.Time {
	last := c.Arrived
	for _, t := range []time.Time{c.Entered, c.Lifted} {
		if t.After(last) {
			last = t
		}
	}
	if n := len(c.Offers); n > 0 && c.Offers[n-1].Ended.After(last) {
		last = c.Offers[n-1].Ended
	}
	return last
}
