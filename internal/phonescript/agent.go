package phonescript

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"hotline/internal/phone"
)

const (
	// hearWait is how long an agent listens for a caller before giving up.
	hearWait = 5 * time.Second
	// crossing: an agent's call that ends sooner than this, with no caller
	// heard, crossed with the caller's leaving.
	crossing = time.Second
	// refusalRing is how long an agent lets it ring before refusing.
	refusalRing = 500 * time.Millisecond
)

// agent is one person at a seat.
type agent struct {
	script *Script
	seat   string
	number string
	phone  *phone.Phone

	mu      sync.Mutex
	rng     *rand.Rand
	talking *phone.Call // the call that came in and has not ended
}

// open puts the agent's phone at the site. i is the index of its tone.
func (a *agent) open(site *phone.Site, i int, password string) error {
	tone, err := phone.ToneAt(i)
	if err != nil {
		return err
	}
	account := a.seat
	if pattern := a.script.scenario.Agents.Account; pattern != "" {
		account = strings.ReplaceAll(pattern, "{seat}", a.seat)
	}
	a.phone, err = site.NewPhone(phone.Config{
		User: a.seat, Account: account, Password: password, Server: a.script.scenario.Server,
		// A second line, so that a code being dialled does not make the seat
		// busy; decide sees to it that the agent talks to one caller at a time.
		Tone: tone, Lines: 2, OnInvite: a.decide,
	})
	if err != nil {
		return fmt.Errorf("seat %s: %w", a.seat, err)
	}
	return nil
}

func (a *agent) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, codeWait)
	defer cancel()
	return a.phone.Register(ctx)
}

// sitDown dials the start codes.
func (a *agent) sitDown(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil // the run has been ended
	}
	err := a.dial(ctx, a.script.scenario.Agents.Start)
	if err == nil {
		a.script.tally.note(func(s *Summary) { s.Seated++ })
	}
	return err
}

// getUp dials the stop codes.
func (a *agent) getUp(ctx context.Context) error {
	return a.dial(ctx, a.script.scenario.Agents.Stop)
}

// dial dials codes one after another. Each must be answered; the server hangs up.
func (a *agent) dial(ctx context.Context, codes []string) error {
	for _, code := range codes {
		code = strings.ReplaceAll(code, "{agent}", a.number)
		if err := a.dialOne(ctx, code); err != nil {
			return fmt.Errorf("seat %s dials %s: %w", a.seat, code, err)
		}
	}
	return nil
}

func (a *agent) dialOne(ctx context.Context, code string) error {
	ctx, cancel := context.WithTimeout(ctx, codeWait)
	defer cancel()
	c, err := a.phone.Call(ctx, code, phone.CallOptions{})
	if err != nil {
		return err
	}
	// Whoever does not hang up on a code that was accepted is hung up on.
	_, _ = c.WaitEnded(ctx)
	c.Hangup()
	return nil
}

// decide says what the agent does with a call. It runs when the call comes in.
func (a *agent) decide(c *phone.Call) phone.Plan {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.talking != nil && a.talking.Ended() == (phone.End{}) {
		a.script.tally.wrong("seat %s is rung while it rings or talks", a.seat)
		return phone.RefuseAfter(0, 486)
	}
	a.talking = c
	cfg := a.script.scenario.Agents
	chance, ring := a.rng.Float64(), cfg.Answer.draw(a.rng)
	decline := func(s *Summary) { s.Declined++ }
	switch {
	case chance < cfg.Ignores:
		a.script.tally.note(decline)
		return phone.RingOn()
	case chance < cfg.Ignores+cfg.Refuses:
		a.script.tally.note(decline)
		return phone.RefuseAfter(refusalRing, 486)
	case c.AsksAutoAnswer():
		ring = 0
	}
	if !a.script.begin(func() { a.attend(c) }) {
		return phone.RefuseAfter(0, 480)
	}
	return phone.AnswerAfter(ring)
}

// attend talks with the caller of a call that is going to be answered.
func (a *agent) attend(c *phone.Call) {
	t := a.script.tally
	select {
	case <-c.Answered():
	case <-c.Done():
		return
	case <-a.script.talk.Done():
		c.Hangup()
		return
	}
	defer c.Hangup()
	ctx, cancel := context.WithTimeout(a.script.talk, hearWait)
	defer cancel()
	h, err := c.WaitAnyTone(ctx, func(tone phone.Tone) bool { return t.seatsOf[tone] == "" })
	if err != nil {
		times := c.Times()
		switch {
		case a.script.talk.Err() != nil:
		case !times.Ended.IsZero() && times.Ended.Sub(times.Answered) < crossing:
			t.note(func(s *Summary) { s.Crossed++ })
		default:
			t.wrong("seat %s answered and heard no caller", a.seat)
		}
		return
	}
	l, known := t.hearsCaller(a.seat, h.Tone)
	if !known {
		t.wrong("seat %s heard %v, which is no caller's of this run", a.seat, h.Tone)
		return
	}
	limit := l.talk
	if !l.agentEnds {
		limit += overrun
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.Done():
	case <-a.script.talk.Done():
	case <-timer.C:
		if !l.agentEnds {
			t.wrong("the call at seat %s did not end %s after the caller hung up", a.seat, overrun)
		}
	}
	for _, other := range c.Hearings() {
		if other.Tone != h.Tone {
			t.wrong("seat %s, talking with a caller of %v, also heard %v", a.seat, h.Tone, other.Tone)
		}
	}
}
