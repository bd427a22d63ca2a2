package sim

import (
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// caller is a person who dials, until they have talked or given up for good.
type caller struct {
	key     uint64 // of the draws: which Arrivals, and the how-manieth of it
	item    int32
	slot    int32
	attempt uint32 // from 0
	number  string
	id      acd.CallID // of the present call
	gen     uint32     // of events about the call; never set back, slots are reused
	legGen  uint32     // of events about the leg
	offers  uint32
	queued  bool
	again   bool // will dial again
	gone    bool // the caller's channel has left before the call was released
	leg     acd.LegID
	fate    acd.OfferOutcome
}

// attemptKey tells attempts and the offers within them apart.
func (c *caller) attemptKey() uint64 { return uint64(c.attempt)<<32 | uint64(c.offers) }

func (r *run) awaitArrival(item int32) {
	if at, ok := r.sources[item].draw(); ok {
		r.pending++
		r.events.push(at, arrives, item, 0)
	}
}

func (r *run) arrive(e event) {
	r.pending--
	src := r.sources[e.slot]
	var slot int32
	if n := len(r.free); n > 0 {
		slot, r.free = r.free[n-1], r.free[:n-1]
	} else {
		slot = int32(len(r.callers))
		r.callers = append(r.callers, caller{slot: slot})
	}
	c := &r.callers[slot]
	*c = caller{slot: slot, gen: c.gen + 1, legGen: c.legGen + 1, item: e.slot, key: uint64(e.slot)<<40 | src.count}
	src.count++
	c.number = phoneNumber(c.key)
	r.tally.callers++
	r.awaitArrival(e.slot)
	r.dial(slot)
}

// phoneNumber is a mobile number of no network, one a caller.
func phoneNumber(key uint64) string {
	var b [11]byte
	b[0], b[1], b[2] = '1', '0', '0'
	for i := len(b) - 1; i > 2; i-- {
		b[i] = byte('0' + key%10)
		key /= 10
	}
	return string(b[:])
}

// dial makes a call; when all lines are busy the caller hears so.
func (r *run) dial(slot int32) {
	c := &r.callers[slot]
	r.tally.dialled++
	if c.attempt > 0 {
		r.tally.redialled++
	}
	if r.Switch.Lines > 0 && r.inUse >= r.Switch.Lines {
		r.tally.blocked++
		r.decideRedial(c)
		r.leave(c)
		return
	}
	r.inUse++
	r.active++
	r.serial++
	r.idBuf = strconv.AppendInt(r.idBuf[:0], int64(slot), 10)
	r.idBuf = append(r.idBuf, '.')
	c.id = acd.CallID(strconv.AppendUint(r.idBuf, r.serial, 10))
	c.queued, c.gone, c.offers, c.leg = false, false, 0, ""
	c.gen++
	_ = r.step(acd.CallArrived{Call: c.id, Node: nodeID, Entry: r.Arrivals[c.item].Entry, Caller: c.number})
}

// callerOf finds the caller of a call; nil when the call is over.
func (r *run) callerOf(id acd.CallID) *caller {
	before, _, _ := strings.Cut(string(id), ".")
	slot, err := strconv.Atoi(before)
	if err != nil || slot >= len(r.callers) || r.callers[slot].id != id {
		return nil
	}
	return &r.callers[slot]
}

// callChanged notices that a caller has entered the queue: from then on the
// patience runs.
func (r *run) callChanged(status *acd.CallStatus) {
	if status.Queued.IsZero() {
		return
	}
	c := r.callerOf(status.Call)
	if c == nil || c.queued {
		return
	}
	c.queued = true
	c.gen++ // whoever would have left in the greeting has not
	if patience := r.Callers.Patience.Sample(r.rnd.at(forPatience, c.key, uint64(c.attempt))); patience < never {
		r.later(patience, givesUp, c.slot, c.gen)
	}
}

func (r *run) callerEvent(c *caller, e event) {
	switch e.kind {
	case played:
		_ = r.step(acd.CallPlayed{Call: c.id})
	case givesUp:
		r.callerHangsUp(c)
	case talkEnds:
		if r.rnd.at(forHangUp, c.key, uint64(c.attempt)).Float64() < r.Callers.HangsUpFirst {
			r.callerHangsUp(c)
			return
		}
		leg := c.leg
		r.dropLeg(c)
		_ = r.step(acd.LegGone{Leg: leg})
	case callerLeft:
		r.inUse--
		id := c.id
		_ = r.step(acd.CallGone{Call: id})
		r.leave(&r.callers[e.slot])
	}
}

func (r *run) callerHangsUp(c *caller) {
	r.inUse--
	_ = r.step(acd.CallGone{Call: c.id})
}

// callEnded counts a finished call and lets the caller decide what to do.
func (r *run) callEnded(record *acd.CallRecord) {
	r.active--
	r.tally.add(record)
	if r.opt.Record != nil {
		r.opt.Record(*record)
	}
	c := r.callerOf(record.Call)
	if c == nil {
		r.fail("call %s was recorded, but is not there", record.Call)
		return
	}
	switch {
	case record.Result == acd.Answered:
		r.tally.served++
	case record.Result == acd.Abandoned:
		r.decideRedial(c)
	}
	if c.gone {
		r.leave(c)
		return
	}
	// Released by the engine: the channel is gone a moment later.
	r.later(r.Switch.HangUpDelay, callerLeft, c.slot, c.gen)
}

func (r *run) decideRedial(c *caller) {
	p := r.Callers.Redial
	c.again = int(c.attempt) < p.Most && r.rnd.at(forRedial, c.key, uint64(c.attempt)).Float64() < p.Probability
}

// leave frees the caller's line; the caller dials again later, or is gone.
func (r *run) leave(c *caller) {
	c.id = ""
	c.gen++
	c.legGen++
	if c.again {
		delay := r.Callers.Redial.Delay.Sample(r.rnd.at(forRedialDelay, c.key, uint64(c.attempt)))
		if r.now+int64(delay) < r.plan.end() {
			c.again = false
			c.attempt++
			r.later(delay, redials, c.slot, 0)
			return
		}
	}
	r.free = append(r.free, c.slot)
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
