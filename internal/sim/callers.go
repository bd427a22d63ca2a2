package sim

import (
	"strconv"
	"time"

	"hotline/internal/acd"
)

// caller is a person who dials, until they have talked or given up for good.
type caller struct {
	key     uint64 // of the draws: which Arrivals, and the how-manieth of it
	item    int32
	slot    int32
	gen     uint32 // of redials; never set back, slots are reused
	attempt uint32 // from 0
	number  string
	first   int64 // when the person dialled first
	held    int64 // the time spent waiting in queues, of all calls
	onLine  bool  // a call of the person's is in progress
	redials bool  // will dial again, at a time that is fixed
	listed  int32 // callbacks of the person that have not ended
	tried   uint32
	served  bool
}

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
	p := &r.callers[slot]
	*p = caller{slot: slot, gen: p.gen + 1, item: e.slot, key: uint64(e.slot)<<40 | src.count, first: r.now}
	src.count++
	p.number = phoneNumber(p.key)
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
	p := &r.callers[slot]
	r.tally.dialled++
	if p.attempt > 0 {
		r.tally.redialled++
	}
	if r.Switch.Lines > 0 && r.inUse >= r.Switch.Lines {
		r.tally.blocked++
		r.decideRedial(p, r.Callers.Redial.Probability)
		return
	}
	r.inUse++
	r.active++
	p.onLine = true
	c := r.newCall(slot)
	r.serial++
	r.idBuf = strconv.AppendInt(r.idBuf[:0], int64(c.slot), 10)
	r.idBuf = append(r.idBuf, '.')
	c.id = acd.CallID(strconv.AppendUint(r.idBuf, r.serial, 10))
	c.attempt = uint64(p.attempt)
	_ = step(r, acd.CallArrived{Call: c.id, Node: nodeID, Entry: r.Arrivals[p.item].Entry, Caller: p.number})
}

// decideRedial lets a person whose call came to nothing dial again later, or
// leaves it at that.
func (r *run) decideRedial(p *caller, probability float64) {
	spec := r.Callers.Redial
	if int(p.attempt) < spec.Most && r.rnd.at(forRedial, p.key, uint64(p.attempt)).Float64() < probability {
		delay := spec.Delay.Sample(r.rnd.at(forRedialDelay, p.key, uint64(p.attempt)))
		if r.now+int64(delay) < r.plan.end() {
			p.attempt++
			p.redials = true
			r.later(delay, redials, p.slot, p.gen)
			return
		}
	}
	r.forget(p)
}

func (r *run) redial(e event) {
	p := &r.callers[e.slot]
	if p.gen != e.gen || !p.redials {
		return
	}
	p.redials = false
	r.dial(e.slot)
}

// forget lets go of a person from whom nothing more is to be expected.
func (r *run) forget(p *caller) {
	if !p.onLine && !p.redials && p.listed == 0 {
		p.gen++
		r.free = append(r.free, p.slot)
	}
}

// callEnded counts a finished call and lets the caller decide what to do.
func (r *run) callEnded(record *acd.CallRecord) {
	c := r.callOf(record.Call)
	if c == nil {
		r.fail("call %s was recorded, but is not there", record.Call)
		return
	}
	r.tally.add(record)
	if r.opt.Record != nil {
		r.opt.Record(*record)
	}
	p := &r.callers[c.person]
	if c.callback {
		if record.Result == acd.Answered {
			r.serve(p, record.Answered, true)
		}
		return // the change that it has ended frees it
	}
	r.active--
	p.held += int64(record.Wait())
	c.redial = -1
	switch {
	case record.Result == acd.Answered:
		r.serve(p, record.Answered, false)
	case record.Reason == acd.Referred:
		r.serve(p, record.Visits[len(record.Visits)-1].Left, false)
	case record.Result == acd.Abandoned:
		c.redial = r.Callers.Redial.Probability
	case record.Reason == acd.Refused || record.Reason == acd.Shed || record.Reason == acd.ClosedHours:
		c.redial = r.Callers.Redial.Refused
	}
	if c.gone {
		r.leave(c)
		return
	}
	// Released by the engine: the channel is gone a moment later.
	r.later(r.Switch.HangUpDelay, callerLeft, c.slot, c.gen)
}

// serve notes that a person talks with an agent, ours or a partner's, since then. Whoever is served does
// not dial again.
func (r *run) serve(p *caller, at time.Time, calledBack bool) {
	p.redials = false
	if p.served {
		return // called back although served already
	}
	p.served = true
	r.tally.serve(p.first, r.plan.since(at), time.Duration(p.held), calledBack)
}

// leave frees the line of a call that has ended; the person dials again later,
// or is gone.
func (r *run) leave(c *call) {
	p := &r.callers[c.person]
	probability := c.redial
	r.freeCall(c)
	p.onLine = false
	if probability >= 0 && !p.served {
		r.decideRedial(p, probability)
		return
	}
	r.forget(p)
}

// callbackChanged keeps count of a person's callbacks.
func (r *run) callbackChanged(status *acd.CallbackStatus) {
	slot, known := r.listed[status.ID]
	if !known {
		c := r.callOf(status.ID)
		if c == nil {
			r.fail("the callback %s is of no call", status.ID)
			return
		}
		slot = c.person
		r.listed[status.ID] = slot
		r.callers[slot].listed++
		r.tally.listed++
	}
	if status.State.Over() {
		r.tally.listEnds[status.State]++
		delete(r.listed, status.ID)
		r.over = append(r.over, slot)
	}
}
