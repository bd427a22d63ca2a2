package sim

import (
	"time"

	"hotline/internal/acd"
)

// carryOut is the model of the switch: it does what Asterisk would do, and
// schedules the events that Asterisk would report.
func (r *run) carryOut(command acd.Command) {
	switch cmd := command.(type) {
	case acd.Play:
		if c := r.callerOf(cmd.Call); c != nil {
			r.play(c, cmd.Prompts)
		}
	case acd.Offer:
		if c := r.callerOf(cmd.Call); c != nil {
			r.offer(c, cmd)
		}
	case acd.CancelLeg:
		if c := r.callerOf(cmd.Call); c != nil && c.leg == cmd.Leg {
			r.hangUpLeg(c)
		}
	case acd.Connect:
		if c := r.callerOf(cmd.Call); c != nil && c.leg == cmd.Leg {
			r.later(r.Switch.ConnectDelay, bridged, c.slot, c.legGen)
		}
	case acd.Release:
		if c := r.callerOf(cmd.Call); c != nil {
			r.release(c, cmd)
		}
	case acd.Answer, acd.StartMusic, acd.StartRingback, acd.StopRingback, acd.ReplySeat:
		// Heard, and without an event that follows.
	default:
		r.fail("the model of the switch does not know the command %T", command)
	}
}

func (r *run) play(c *caller, prompts []string) {
	length := r.promptLength(prompts)
	r.later(length, played, c.slot, c.gen)
	if p := r.Callers.LeavesInGreeting; p > 0 && !c.queued {
		if draw := r.rnd.at(forGreeting, c.key, uint64(c.attempt)); draw.Float64() < p {
			r.later(time.Duration(draw.Float64()*float64(length)), givesUp, c.slot, c.gen)
		}
	}
}

// offer rings a phone. What the agent will do is drawn for the call, not for
// the agent, so that it is the same whoever gets the call.
func (r *run) offer(c *caller, cmd acd.Offer) {
	c.offers++
	c.legGen++
	c.leg = cmd.Leg
	a, ringing := &r.Agents, r.Switch.RingDelay
	fate := r.rnd.at(forFate, c.key, c.attemptKey()).Float64()
	if fate < a.Unreachable {
		c.fate = acd.OfferUnreachable
		r.later(ringing, declines, c.slot, c.legGen)
		return
	}
	r.later(ringing, rings, c.slot, c.legGen)
	fate -= a.Unreachable
	if fate < a.NoAnswer {
		return // the engine's ring timeout, or the switch's, ends it
	}
	fate -= a.NoAnswer
	reaction := ringing + a.Answer.Sample(r.rnd.at(forAnswer, c.key, c.attemptKey()))
	if fate < a.Refuse {
		c.fate = acd.OfferRefused
		r.later(reaction, declines, c.slot, c.legGen)
		return
	}
	r.later(reaction, lifts, c.slot, c.legGen)
}

func (r *run) legEvent(c *caller, e event) {
	switch e.kind {
	case rings:
		_ = r.step(acd.LegRinging{Leg: c.leg})
	case lifts:
		_ = r.step(acd.LegAnswered{Leg: c.leg})
	case declines:
		leg := c.leg
		r.dropLeg(c)
		_ = r.step(acd.LegGone{Leg: leg, Outcome: c.fate})
	case bridged:
		c.gen++ // the patience is no longer asked
		talk := r.Callers.Talk.Sample(r.rnd.at(forTalk, c.key, uint64(c.attempt)))
		r.later(talk, talkEnds, c.slot, c.gen)
		_ = r.step(acd.Connected{Call: c.id, Leg: c.leg})
	}
}

// dropLeg forgets the caller's leg; what was still to come of it does not.
func (r *run) dropLeg(c *caller) {
	c.leg = ""
	c.legGen++
}

// hangUpLeg ends a leg on the engine's command; a moment later it is gone.
func (r *run) hangUpLeg(c *caller) {
	var slot int32
	if n := len(r.freeLegs); n > 0 {
		slot, r.freeLegs = r.freeLegs[n-1], r.freeLegs[:n-1]
		r.leaving[slot] = c.leg
	} else {
		slot = int32(len(r.leaving))
		r.leaving = append(r.leaving, c.leg)
	}
	r.later(r.Switch.HangUpDelay, calleeLeft, slot, 0)
	r.dropLeg(c)
}

func (r *run) legLeft(slot int32) {
	leg := r.leaving[slot]
	r.leaving[slot] = ""
	r.freeLegs = append(r.freeLegs, slot)
	_ = r.step(acd.LegGone{Leg: leg, Outcome: acd.OfferWithdrawn})
}

// release ends a call; callEnded, which follows, deals with the caller.
func (r *run) release(c *caller, cmd acd.Release) {
	if c.leg != "" && c.leg == cmd.Leg && !cmd.LegGone {
		r.hangUpLeg(c)
	}
	r.dropLeg(c)
	c.gen++
	c.gone = cmd.CallerGone
}
