package faults

import (
	"time"

	"hotline/internal/phone"
)

// agent is one person at a seat.
type agent struct {
	crowd *crowd
	id    string
	long  bool // keeps the first caller until the end
	tone  phone.Tone
	phone *phone.Phone

	// Guarded by the crowd's mu.
	free   time.Time // since when there is no conversation; zero while there is one
	call   *phone.Call
	heard  flow // of call
	offers int  // since the fault
	met    int  // conversations
}

// decide says what the agent does with a call. It runs when the call comes in.
func (a *agent) decide(call *phone.Call) phone.Plan {
	c := a.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.ended {
		return phone.RefuseAfter(0, 480)
	}
	if old := a.call; old != nil && old.Ended() == (phone.End{}) {
		if a.heard.stalled(old) < deadLine {
			c.notes = append(c.notes, "agent "+a.id+" is rung while ringing or talking")
			return phone.RefuseAfter(0, 486)
		}
		a.free = a.heard.last
		go old.Hangup() // which must not be called from here
	}
	a.measure(now)
	p := c.people[call.Number()]
	if p == nil {
		c.notes = append(c.notes, "agent "+a.id+" is rung for nobody who calls")
		return phone.RefuseAfter(0, 480)
	}
	r := &ring{agent: a, from: now}
	p.rings = append(p.rings, r)
	a.call, a.heard = call, flow{last: now}
	wait := time.Duration(200+c.rng.IntN(700)) * time.Millisecond
	talk := time.Duration(2000+c.rng.IntN(3000)) * time.Millisecond
	agentEnds := c.rng.IntN(10) < 3
	c.tasks.Go(func() {
		a.attend(call, p, r, talk, agentEnds)
		c.mu.Lock()
		defer c.mu.Unlock()
		if a.call == call {
			a.call = nil
		}
	})
	return phone.AnswerAfter(wait)
}

// measure notes how long the agent was free after the fault until this offer. The
// crowd's mu is held.
func (a *agent) measure(now time.Time) {
	c := a.crowd
	if c.measured {
		return
	}
	if c.faulted.IsZero() {
		if !a.free.IsZero() {
			c.usual = max(c.usual, now.Sub(a.free))
		}
		return
	}
	a.offers++
	if a.free.IsZero() {
		return
	}
	from := a.free
	if from.Before(c.faulted) {
		from = c.faulted
	}
	c.gaps = append(c.gaps, gap{agent: a.id, took: now.Sub(from), at: now})
}

// putDown ends whatever call is at the phone.
func (a *agent) putDown() {
	a.crowd.mu.Lock()
	call := a.call
	a.crowd.mu.Unlock()
	if call != nil {
		call.Hangup()
	}
}

// attend is one call at the agent's phone, from the first ring to the end.
func (a *agent) attend(call *phone.Call, p *person, r *ring, length time.Duration, agentEnds bool) {
	c := a.crowd
	defer func() {
		call.Hangup()
		c.mu.Lock()
		defer c.mu.Unlock()
		r.to = time.Now()
	}()
	select {
	case <-call.Answered():
	case <-call.Done():
		return
	}
	c.mu.Lock()
	r.answered = true
	c.mu.Unlock()
	if t := a.meet(call, p); t != nil {
		a.converse(call, p, t, length, agentEnds)
	}
}

// hear reports whether agent and caller hear each other now, and packets of both come.
func (a *agent) hear(call *phone.Call, p *person) bool {
	return p.call.Hears() == a.tone && call.Hears() == p.tone
}

// meet waits until both hear each other.
func (a *agent) meet(call *phone.Call, p *person) *talk {
	c := a.crowd
	listen := time.NewTicker(watchEvery)
	defer listen.Stop()
	patience := time.NewTimer(meetWait)
	defer patience.Stop()
	for {
		select {
		case <-call.Done():
			return nil // withdrawn, or the caller has gone
		case <-p.call.Done():
			return nil
		case <-patience.C:
			c.note("agent %s lifted and did not hear the caller within %s", a.id, meetWait)
			return nil
		case <-listen.C:
		}
		a.watch(call)
		if !a.hear(call, p) {
			continue
		}
		c.mu.Lock()
		a.met++
		t := &talk{agent: a, from: time.Now(), long: a.long && a.met == 1, hurry: make(chan struct{})}
		if p.talk != nil {
			c.notes = append(c.notes, "a caller talked twice, with "+p.talk.agent.id+" and "+a.id)
		}
		p.talk, a.free = t, time.Time{}
		c.mu.Unlock()
		return t
	}
}

// watch looks whether packets come to the agent, and returns since how long none have.
func (a *agent) watch(call *phone.Call) time.Duration {
	a.crowd.mu.Lock()
	defer a.crowd.mu.Unlock()
	if a.call != call {
		return 0
	}
	return a.heard.stalled(call)
}

// converse talks until the end of the conversation, and notes how it was.
func (a *agent) converse(call *phone.Call, p *person, t *talk, length time.Duration, agentEnds bool) {
	c := a.crowd
	closing := c.closing
	over := time.NewTimer(length)
	defer over.Stop()
	ends := over.C
	if t.long {
		ends = nil
	} else {
		closing = nil
	}
	listen := time.NewTicker(watchEvery)
	defer listen.Stop()
	heard := time.Now()
	var back flow
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.to = time.Now()
		if a.call == call && a.free.IsZero() {
			a.free = t.to
		}
	}()
	for {
		select {
		case <-closing:
			closing, ends = nil, over.C
			over.Reset(length)
			continue
		case <-t.hurry:
			a.end(call, p, false)
			return
		case <-ends:
			a.end(call, p, agentEnds)
			return
		case <-p.call.Done():
			a.release(call)
			return
		case <-call.Done():
			c.finish(p, torn, "the agent's leg ended in the conversation: "+call.Ended().Reason)
			a.release(p.call)
			return
		case <-listen.C:
		}
		silence := a.watch(call)
		if a.hear(call, p) && silence < 3*watchEvery && back.stalled(p.call) < 3*watchEvery {
			heard = time.Now()
		}
		c.mu.Lock()
		t.silent = max(t.silent, time.Since(heard))
		c.mu.Unlock()
		if silence > c.load.Silence {
			c.finish(p, mute, "the agent heard nothing any more in the conversation")
			p.call.Hangup()
			return
		}
	}
}

// end ends the conversation as planned: one hangs up, and the other soon after, if
// nobody else has ended that call until then.
func (a *agent) end(call *phone.Call, p *person, agentEnds bool) {
	c := a.crowd
	c.finish(p, served, "")
	c.mu.Lock()
	if a.call == call {
		a.free = time.Now()
	}
	c.mu.Unlock()
	first, second := p.call, call
	if agentEnds {
		first, second = call, p.call
	}
	first.Hangup()
	a.release(second)
}

// release waits until a call is ended by the far end, and hangs up when it takes long.
func (a *agent) release(call *phone.Call) {
	timer := time.NewTimer(putDown)
	defer timer.Stop()
	select {
	case <-call.Done():
	case <-timer.C:
		call.Hangup()
	}
}
