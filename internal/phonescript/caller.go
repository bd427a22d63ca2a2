package phonescript

import (
	"context"
	"errors"
	"time"

	"hotline/internal/phone"
)

// overrun is how much longer than planned a conversation may last before the
// party that was not to end it hangs up.
const overrun = 15 * time.Second

// call plays one caller, from dialling to the end of the call.
func (s *Script) call(wait context.Context, n int) {
	l := s.scenario.life(n)
	tone := s.tally.arrive(l)
	defer s.tally.leave(tone)
	p, err := s.callers.NewPhone(phone.Config{User: s.number(n), Server: s.scenario.Server, Tone: tone})
	if err != nil {
		s.tally.missed(tone, failed, 0, err.Error())
		return
	}
	defer p.Close() // of a phone on a shared site: cannot fail
	c, err := p.Dial(s.scenario.Callers.Dial, phone.CallOptions{})
	if err != nil {
		s.tally.missed(tone, failed, 0, err.Error())
		return
	}
	seat, heard := s.awaitAgent(wait, c, tone, l.patience)
	if !heard {
		return
	}
	s.tally.hearsAgent(tone, seat.seat, seat.heard.Sub(c.Times().Placed))
	s.converse(c, l)
	for _, h := range c.Hearings() {
		if other := s.tally.seatsOf[h.Tone]; other != seat.seat {
			s.tally.wrong("a caller connected with seat %s also hears %v (seat %q)", seat.seat, h.Tone, other)
		}
	}
	s.tally.talked(tone)
}

// meeting is the agent that a caller hears, and since when.
type meeting struct {
	seat  string
	heard time.Time
}

// awaitAgent waits until the caller hears an agent. Otherwise it ends the call
// if it is still up, and notes how it ended.
func (s *Script) awaitAgent(wait context.Context, c *phone.Call, tone phone.Tone, patience time.Duration) (meeting, bool) {
	ctx, cancel := wait, context.CancelFunc(func() {})
	if patience > 0 {
		ctx, cancel = context.WithTimeout(wait, patience)
	}
	defer cancel()
	h, err := c.WaitAnyTone(ctx, func(t phone.Tone) bool { return s.tally.seatsOf[t] != "" })
	if err == nil {
		return meeting{s.tally.seatsOf[h.Tone], h.First}, true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		c.Hangup()
	}
	<-c.Done()
	end, answered := c.Ended(), !c.Times().Answered.IsZero()
	switch {
	case end.By == phone.Us && end.Status == 0:
		s.tally.missed(tone, abandoned, 0, "")
	case answered:
		s.tally.missed(tone, released, 0, "")
	case end.Status != 0:
		s.tally.missed(tone, refused, end.Status, "")
	default:
		s.tally.missed(tone, failed, 0, "a call failed: "+end.Reason)
	}
	return meeting{}, false
}

// converse talks until the party that is to end the call has done so.
func (s *Script) converse(c *phone.Call, l life) {
	limit := l.talk
	if l.agentEnds {
		limit += overrun
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.Done():
	case <-s.talk.Done():
	case <-timer.C:
		if l.agentEnds {
			s.tally.wrong("an agent did not end the call with %s after %s", c.Number(), limit)
		}
	}
	c.Hangup()
}
