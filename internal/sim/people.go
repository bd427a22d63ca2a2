package sim

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"hotline/internal/acd"
)

// person is an agent.
type person struct {
	id    acd.AgentID
	seat  acd.SeatID
	state acd.AgentState
	since int64   // in this state
	duty  []block // planned, in order of time; the first may have begun
	gen   uint32
	pause time.Duration // length of the break that was asked for last
	turns uint64        // how often the agent was set aside: the key of the draw

	queues    []int // that the agent serves
	available bool  // may be rung
}

// block is a time of work without a gap.
type block struct{ begin, end int64 }

// onDuty reports whether the agent is to be at work.
func (p *person) onDuty(now int64) bool {
	return len(p.duty) > 0 && p.duty[0].begin <= now && now < p.duty[0].end
}

// plan adds a time of work; what touches becomes one.
func (p *person) plan(begin, end int64) {
	p.duty = append(p.duty, block{begin, end})
	slices.SortFunc(p.duty, func(a, b block) int { return cmp.Compare(a.begin, b.begin) })
	merged := p.duty[:1]
	for _, b := range p.duty[1:] {
		if last := &merged[len(merged)-1]; b.begin <= last.end {
			last.end = max(last.end, b.end)
		} else {
			merged = append(merged, b)
		}
	}
	p.duty = merged
}

// seatRetry is how long an agent without a free seat waits for one: the
// predecessor is still in a conversation.
const seatRetry = 10 * time.Second

// planShifts schedules the shifts that begin on a day, -1 being the day before
// the scenario. A shift that follows upon the agent's former one without a gap
// prolongs it.
func (r *run) planShifts(day int) {
	if day > len(r.plan.days) {
		return
	}
	date := r.From.AddDays(day)
	y, m, d := date.Date()
	weekday := (int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
	midnight := r.plan.offset(date)
	for n := range r.Shifts {
		shift := &r.Shifts[n]
		if !shift.Weekdays[weekday] {
			continue
		}
		begin := midnight + int64(shift.Begin)
		end := begin + int64(shift.length())
		for _, id := range shift.Agents {
			if end > 0 {
				r.planShift(r.agentSlot[id], n, begin, end, uint64(day+1))
			}
		}
	}
}

func (r *run) planShift(slot int32, n int, begin, end int64, day uint64) {
	r.planDuty(slot, begin, end)
	for i, b := range r.Shifts[n].Breaks {
		draw := r.rnd.at(forBreak, uint64(slot)<<8|uint64(i), day).Float64()
		if at := begin + int64(b.After) + int64(draw*float64(b.Spread)); at >= 0 {
			r.events.plan(at, breakBegins, slot, uint32(n)<<8|uint32(i))
		}
	}
}

func (r *run) planDuty(slot int32, begin, end int64) {
	r.people[slot].plan(begin, end)
	r.events.plan(max(begin, 0), shiftBegins, slot, 0)
	r.events.plan(end, shiftEnds, slot, 0)
}

func (r *run) agentEvent(p *person, e event) {
	switch e.kind {
	case shiftBegins:
		r.login(p, e.slot)
	case shiftEnds:
		if len(p.duty) > 0 && p.duty[0].end <= r.now {
			p.duty = p.duty[1:]
			if p.state != acd.LoggedOut {
				demand(r, acd.Logout{Agent: p.id})
			}
		}
	case breakBegins:
		if p.state != acd.LoggedOut {
			b := r.Shifts[e.gen>>8].Breaks[e.gen&0xff]
			p.pause = b.Length
			demand(r, acd.SetNotReady{Agent: p.id, Reason: b.Reason})
		}
	case comesBack:
		if e.gen == p.gen && p.onDuty(r.now) {
			demand(r, acd.SetReady{Agent: p.id})
		}
	}
}

// login seats the agent at a free seat, as soon as there is one.
func (r *run) login(p *person, slot int32) {
	switch {
	case !p.onDuty(r.now):
		return
	case p.state == acd.Ringing, p.state == acd.Talking:
		demand(r, acd.SetReady{Agent: p.id}) // takes back the wish to go home
		return
	case p.state != acd.LoggedOut:
		return
	}
	if len(r.seats) == 0 {
		r.events.push(r.now+int64(seatRetry), shiftBegins, slot, 0)
		return
	}
	last := len(r.seats) - 1
	p.seat, r.seats = r.seats[last], r.seats[:last]
	demand(r, acd.Login{Agent: p.id, Seat: p.seat})
}

// demand is a request that the engine must grant.
func demand[E acd.Event](r *run, request E) {
	if err := step(r, request); err != nil {
		r.breach = errors.Join(r.breach, err)
	}
}

// agentChanged accounts for the time in the former state, and lets the person
// do what people do in the new one.
func (r *run) agentChanged(status *acd.AgentStatus) {
	if status.Since.IsZero() {
		return // told at the beginning: has never been on duty
	}
	slot := r.agentSlot[status.Agent]
	p := &r.people[slot]
	r.lanes.available(p, status.State == acd.Ready && status.Leaving == "")
	if status.State == p.state && r.plan.since(status.Since) == p.since {
		return // something else has changed
	}
	r.tally.spent(p.state, p.since, r.now)
	p.state, p.since = status.State, r.now
	p.gen++
	switch p.state {
	case acd.LoggedOut:
		r.seats = append(r.seats, p.seat)
		p.seat = ""
	case acd.NotReady:
		r.events.push(r.now+int64(r.absence(p, slot, status.Reason)), comesBack, slot, p.gen)
	}
}

// absence is how long an agent stays not ready.
func (r *run) absence(p *person, slot int32, reason string) time.Duration {
	switch reason {
	case acd.ReasonLogin:
		return r.Agents.ReadyAfterLogin
	case acd.ReasonRONA, acd.ReasonRefused, acd.ReasonBusy, acd.ReasonUnreachable, acd.ReasonFailed:
		p.turns++
		return r.Agents.Back.Sample(r.rnd.at(forBack, uint64(slot), p.turns))
	}
	return p.pause
}
