package sim

import (
	"slices"
	"time"

	"hotline/internal/acd"
)

// leg is a call to an agent's phone, until the phone is free of it.
type leg struct {
	slot  int32
	gen   uint32 // of events about the leg; never set back, slots are reused
	call  int32
	id    acd.LegID
	fate  acd.OfferOutcome // how it ends if it is declined
	leave bool             // hung up; it will be gone in a moment
}

// carryOut is the model of the switch: it does what Asterisk would do, and
// schedules the events that Asterisk would report.
func (r *run) carryOut(command acd.Command) {
	switch cmd := command.(type) {
	case acd.Play:
		if c := r.callOf(cmd.Call); c != nil {
			r.play(c, cmd.Prompts)
		}
	case acd.Offer:
		switch c := r.callOf(cmd.Call); {
		case c == nil:
		case cmd.Number != "":
			r.ringPartner(c, cmd)
		default:
			r.offer(c, cmd)
		}
	case acd.CancelLeg:
		if c := r.callOf(cmd.Call); c != nil {
			r.hangUpLeg(r.legOf(c, cmd.Leg))
		}
	case acd.Connect:
		if c := r.callOf(cmd.Call); c != nil {
			if leg := r.legOf(c, cmd.Leg); leg != nil {
				r.later(r.Switch.ConnectDelay, bridged, leg.slot, leg.gen)
			}
		}
	case acd.DialOut:
		if c := r.callOf(cmd.Call); c != nil {
			r.dialOut(c, cmd)
		}
	case acd.Release:
		if c := r.callOf(cmd.Call); c != nil {
			r.release(c, cmd)
		}
	case acd.Answer, acd.StartMusic, acd.StartRingback, acd.StopRingback, acd.ReplySeat, acd.Unbridge:
		// Heard, and without an event that follows.
	default:
		r.fail("the model of the switch does not know the command %T", command)
	}
}

// play lets a caller hear prompts; those that are still heard end for them.
func (r *run) play(c *call, prompts []string) {
	length := r.promptLength(prompts)
	c.plays++
	r.later(length, played, c.slot, c.plays)
	if c.queued {
		r.hearsOffer(c, prompts)
	}
	if p := r.Callers.LeavesInGreeting; p > 0 && !c.queued && c.talks < 0 {
		if draw := r.rnd.at(forGreeting, r.callers[c.person].key, c.attempt); draw.Float64() < p {
			r.later(time.Duration(draw.Float64()*float64(length)), givesUp, c.slot, c.gen)
		}
	}
}

// promptLength is how long the prompts take.
func (r *run) promptLength(prompts []string) time.Duration {
	var sum time.Duration
	for _, p := range prompts {
		length, known := r.Switch.Prompts[p]
		if !known {
			length = r.Switch.Prompt
		}
		sum += length
	}
	return sum
}

// offer rings a phone. What the agent will do is drawn for the call, not for
// the agent, so that it is the same whoever gets the call.
func (r *run) offer(c *call, cmd acd.Offer) {
	r.lanes.offered(c)
	c.offers++
	leg := r.newLeg(c, cmd.Leg)
	a, ringing, key := &r.Agents, r.Switch.RingDelay, r.callers[c.person].key
	fate := r.rnd.at(forFate, key, c.offerKey()).Float64()
	if fate < a.Unreachable {
		leg.fate = acd.OfferUnreachable
		r.later(ringing, declines, leg.slot, leg.gen)
		return
	}
	r.later(ringing, rings, leg.slot, leg.gen)
	fate -= a.Unreachable
	if fate < a.NoAnswer {
		return // the engine's ring timeout, or the switch's, ends it
	}
	fate -= a.NoAnswer
	reaction := ringing + a.Answer.Sample(r.rnd.at(forAnswer, key, c.offerKey()))
	if fate < a.Refuse {
		leg.fate = acd.OfferRefused
		r.later(reaction, declines, leg.slot, leg.gen)
		return
	}
	r.later(reaction, lifts, leg.slot, leg.gen)
}

func (r *run) legEvent(leg *leg, e event) {
	id := leg.id
	switch e.kind {
	case rings:
		_ = step(r, acd.LegRinging{Leg: id})
	case lifts:
		_ = step(r, acd.LegAnswered{Leg: id})
	case declines:
		fate := leg.fate
		r.freeLeg(leg)
		_ = step(r, acd.LegGone{Leg: id, Outcome: fate})
	case bridged:
		c := &r.calls[leg.call]
		c.gen++ // the patience is no longer asked
		c.plays++
		c.talks = leg.slot
		talk := r.Callers.Talk.Sample(r.rnd.at(forTalk, r.callers[c.person].key, c.attempt))
		r.later(talk, talkEnds, c.slot, c.gen)
		_ = step(r, acd.Connected{Call: c.id, Leg: id})
	case calleeLeft:
		r.freeLeg(leg)
		_ = step(r, acd.LegGone{Leg: id, Outcome: acd.OfferWithdrawn})
	}
}

func (r *run) newLeg(c *call, id acd.LegID) *leg {
	var slot int32
	if n := len(r.freeLegs); n > 0 {
		slot, r.freeLegs = r.freeLegs[n-1], r.freeLegs[:n-1]
	} else {
		slot = int32(len(r.legs))
		r.legs = append(r.legs, leg{slot: slot})
	}
	l := &r.legs[slot]
	*l = leg{slot: slot, gen: l.gen + 1, call: c.slot, id: id}
	c.legs = append(c.legs, slot)
	return l
}

// legOf finds a leg of a call that was not hung up; nil when there is none.
func (r *run) legOf(c *call, id acd.LegID) *leg {
	for _, slot := range c.legs {
		if r.legs[slot].id == id {
			return &r.legs[slot]
		}
	}
	return nil
}

// drop takes a leg off its call; what was still to come of it does not.
func (r *run) drop(l *leg) {
	c := &r.calls[l.call]
	if i := slices.Index(c.legs, l.slot); i >= 0 {
		c.legs = slices.Delete(c.legs, i, i+1)
	}
	l.gen++
}

func (r *run) freeLeg(l *leg) {
	if !l.leave {
		r.drop(l)
	}
	l.gen++
	l.id = ""
	r.freeLegs = append(r.freeLegs, l.slot)
}

// hangUpLeg ends a leg on the engine's command; a moment later it is gone.
func (r *run) hangUpLeg(l *leg) {
	if l == nil {
		return
	}
	r.drop(l)
	l.leave = true
	r.later(r.Switch.HangUpDelay, calleeLeft, l.slot, l.gen)
}

// release ends a call; callEnded, which follows, deals with the caller.
func (r *run) release(c *call, cmd acd.Release) {
	for len(c.legs) > 0 {
		l := &r.legs[c.legs[0]]
		if l.id == cmd.Leg && !cmd.LegGone {
			r.hangUpLeg(l)
		} else {
			r.fail("call %s is released, and its leg %s is forgotten", c.id, l.id)
			r.freeLeg(l)
		}
	}
	c.gen++
	c.plays++
	c.gone = cmd.CallerGone
}
