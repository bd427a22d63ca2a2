package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// call is a call at the engine: one that a person has dialled, or an attempt
// to call a person back.
type call struct {
	slot     int32
	gen      uint32 // of events about the call; never set back, slots are reused
	plays    uint32 // of its prompts: only the last ones end
	person   int32
	id       acd.CallID
	callback bool
	attempt  uint64 // of the person: the key of the draws
	offers   uint64
	queued   bool
	asked    bool    // a callback was offered to the caller
	rated    bool    // a person who was called back is asked for a rating
	gone     bool    // the caller's channel has left before the call was released
	redial   float64 // probability of dialling again, once the call is over; below 0: not
	legs     []int32 // those at phones
	talks    int32   // the leg of the conversation; -1: none
	// Where it stands, for lanes: the queue, -1 for none; and whether it waits
	// there, or a phone rings for it.
	lane  int32
	waits bool
	place place
}

// ofCallback marks the draws of an attempt to call a person back.
const ofCallback = 1 << 31

// offerKey tells attempts and the offers within them apart.
func (c *call) offerKey() uint64 { return c.attempt<<32 | c.offers }

func (r *run) newCall(person int32) *call {
	var slot int32
	if n := len(r.freeCalls); n > 0 {
		slot, r.freeCalls = r.freeCalls[n-1], r.freeCalls[:n-1]
	} else {
		slot = int32(len(r.calls))
		r.calls = append(r.calls, call{slot: slot})
	}
	c := &r.calls[slot]
	*c = call{slot: slot, gen: c.gen + 1, plays: c.plays + 1, person: person, legs: c.legs[:0], talks: -1, lane: -1}
	return c
}

func (r *run) freeCall(c *call) {
	c.id = ""
	c.gen++
	r.freeCalls = append(r.freeCalls, c.slot)
}

// callOf finds a call that has not ended; nil when it has.
func (r *run) callOf(id acd.CallID) *call {
	if r.recent < len(r.calls) && r.calls[r.recent].id == id {
		return &r.calls[r.recent]
	}
	before, _, _ := strings.Cut(string(id), ".")
	slot, err := strconv.Atoi(before)
	if err != nil {
		attempt, known := r.attempts[id]
		if !known {
			return nil
		}
		slot = int(attempt)
	}
	if slot >= len(r.calls) || r.calls[slot].id != id {
		return nil
	}
	r.recent = slot
	return &r.calls[slot]
}

// callChanged follows where a call stands. From the queue on the caller's patience runs.
func (r *run) callChanged(status *acd.CallStatus) {
	c := r.callOf(status.Call)
	if c == nil && status.Callback != "" {
		c = r.beginAttempt(status)
	}
	if c == nil {
		return
	}
	r.lanes.move(c, status)
	if c.callback && status.Phase == acd.PhaseRating && !c.rated {
		c.rated = true
		r.callers[c.person].listed++ // not over yet, though the callback is
	}
	if c.callback || status.Queued.IsZero() {
		return
	}
	p := &r.callers[c.person]
	if !c.queued && status.Phase != acd.PhaseClosing {
		c.queued = true
		c.gen++ // whoever would have left in the greeting has not
		c.plays++
		if patience := r.Callers.Patience.Sample(r.rnd.at(forPatience, p.key, c.attempt)); patience < never {
			r.later(patience, givesUp, c.slot, c.gen)
		}
	}
}

// hearsOffer lets a caller to whom a callback is offered decide about it.
func (r *run) hearsOffer(c *call, prompts []string) {
	b := &r.Callers.Callback
	if c.asked || b.Takes == 0 || !r.offersCallback(prompts) {
		return
	}
	c.asked = true
	if draw := r.rnd.at(forTaking, r.callers[c.person].key, c.attempt); draw.Float64() < b.Takes {
		r.later(b.Delay.Sample(draw), presses, c.slot, c.gen)
	}
}

// offersCallback reports whether prompts are those of a rule that offers one.
func (r *run) offersCallback(prompts []string) bool {
	for i := range r.Routing.Queues {
		for _, rule := range r.Routing.Queues[i].Overflow {
			if rule.Callback && slices.Equal(rule.Prompts, prompts) {
				return true
			}
		}
	}
	return false
}

// beginAttempt takes note of a call by which the engine will call a person back.
func (r *run) beginAttempt(status *acd.CallStatus) *call {
	person, known := r.listed[status.Callback]
	if !known {
		r.fail("the call %s is an attempt of no callback that is known", status.Call)
		return nil
	}
	p := &r.callers[person]
	p.tried++
	c := r.newCall(person)
	c.id, c.callback, c.attempt = status.Call, true, ofCallback|uint64(p.tried)
	r.attempts[c.id] = c.slot
	return c
}

// attemptEnded lets go of an attempt to call a person back.
func (r *run) attemptEnded(id acd.CallID) {
	if c := r.callOf(id); c != nil && c.callback {
		delete(r.attempts, id)
		r.lanes.leave(c)
		if c.rated {
			r.over = append(r.over, c.person)
		}
		r.freeCall(c)
	}
}

// dialOut calls a person back: the phone is busy while the person is calling.
func (r *run) dialOut(c *call, cmd acd.DialOut) {
	p, b := &r.callers[c.person], &r.Callers.Callback
	if p.onLine {
		r.later(r.Switch.RingDelay, misses, c.slot, c.gen)
		return
	}
	draw := r.rnd.at(forLifting, p.key, c.attempt)
	answers := draw.Float64() < b.Answers
	var after time.Duration
	if b.Lifts != nil {
		after = b.Lifts.Sample(draw)
	}
	if !answers || after >= cmd.Timeout {
		r.later(cmd.Timeout, misses, c.slot, c.gen)
		return
	}
	leg := r.legOf(c, cmd.Leg)
	if leg != nil {
		r.later(r.Switch.RingDelay+after, bridged, leg.slot, leg.gen)
	}
}

func (r *run) callEvent(c *call, e event) {
	p := &r.callers[c.person]
	switch e.kind {
	case givesUp:
		r.callerHangsUp(c)
	case presses:
		_ = step(r, acd.CallDigit{Call: c.id, Digit: "1"})
	case misses:
		outcome := acd.OfferNoAnswer
		if p.onLine {
			outcome = acd.OfferBusy
		}
		_ = step(r, acd.CallGone{Call: c.id, Outcome: outcome})
	case talkEnds:
		if r.rnd.at(forHangUp, p.key, c.attempt).Float64() < r.Callers.HangsUpFirst {
			r.callerHangsUp(c)
			return
		}
		leg := &r.legs[c.talks]
		id := leg.id
		r.freeLeg(leg)
		_ = step(r, acd.LegGone{Leg: id})
	case callerLeft:
		r.inUse--
		slot, id := c.slot, c.id
		_ = step(r, acd.CallGone{Call: id})
		r.leave(&r.calls[slot])
	}
}

func (r *run) callerHangsUp(c *call) {
	if !c.callback {
		r.inUse--
	}
	_ = step(r, acd.CallGone{Call: c.id})
}
