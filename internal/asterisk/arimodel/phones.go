package arimodel

import (
	"context"
	"fmt"
	"time"
)

// A Plan is what a phone does with a call that comes in: it rings for a time, if
// that is not zero, and then answers (200), refuses (300 to 699) or rings on (0).
type Plan struct {
	After  time.Duration
	Status int
}

// Phone is somebody's phone: a seat's, or any number outside.
type Phone struct {
	w     *World
	name  string
	seat  bool
	lines int
	plan  func(*Call) Plan
	calls map[*Call]bool
	away  bool // a seat whose phone is not registered
}

// AddSeat adds the phone of a seat, registered at all nodes.
func (w *World) AddSeat(name string) *Phone { return w.addPhone(name, true) }

// AddNumber adds the phone of somebody outside, who is reached over the trunk.
func (w *World) AddNumber(number string) *Phone { return w.addPhone(number, false) }

func (w *World) addPhone(name string, seat bool) *Phone {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &Phone{w: w, name: name, seat: seat, lines: 1, calls: map[*Call]bool{}}
	w.phones[name] = p
	return p
}

// SetPlan says what the phone does with calls from now on; nil: rings on. The
// function must not call methods of this package.
func (p *Phone) SetPlan(f func(*Call) Plan) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.plan = f
}

// SetRegistered says whether the nodes know where a seat's phone is.
func (p *Phone) SetRegistered(yes bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.away = !yes
}

// Call is a call as the person at the phone has it.
type Call struct {
	w        *World
	phone    *Phone
	in       bool // it came in
	ch       *channel
	answered chan struct{}
	ended    chan struct{}
	up, over bool
	status   int // of a refusal
	planned  *item
	keys     string
}

func newCall(p *Phone, ch *channel, in bool) *Call {
	c := &Call{w: p.w, phone: p, ch: ch, in: in, answered: make(chan struct{}), ended: make(chan struct{})}
	p.calls[c] = true
	return c
}

// Answered is closed when the call is up.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// Ended is closed when the call is over for the person at the phone.
func (c *Call) Ended() <-chan struct{} { return c.ended }

// Status is the SIP status with which the call was refused, or 0.
func (c *Call) Status() int {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.status
}

// Channel is the id of the call's channel; empty while there is none.
func (c *Call) Channel() string {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.ch == nil {
		return ""
	}
	return c.ch.id
}

// Phone is the name of the phone that the call is at.
func (c *Call) Phone() string { return c.phone.name }

func (c *Call) lift() {
	if !c.up && !c.over {
		c.up = true
		close(c.answered)
	}
}

func (c *Call) finish(status int) {
	if c.over {
		return
	}
	c.over, c.status = true, status
	if c.planned != nil {
		c.planned.off = true
	}
	delete(c.phone.calls, c)
	close(c.ended)
}

// Dial lets somebody dial a number at a node: a seat's name dials feature codes,
// any other number comes over the trunk.
func (w *World) Dial(node, from, number string) *Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.phones[from]
	if p == nil {
		p = &Phone{w: w, name: from, lines: 1, calls: map[*Call]bool{}}
	}
	c := newCall(p, nil, false)
	n := w.byName(node)
	w.log("%s dials %s at %s", from, number, node)
	w.after(w.draw(w.opt.Delays.SIP, "invite", from), nil, func() {
		switch {
		case c.over:
		case n == nil || !n.up:
			c.finish(503)
		case n.frozen:
			n.stuck = append(n.stuck, &item{node: n, epoch: n.epoch, run: func() { n.incoming(c, from, number) }})
		default:
			n.incoming(c, from, number)
		}
	})
	return c
}

// Hangup ends the call in whatever state it is.
func (c *Call) Hangup() {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.hangUp()
}

func (c *Call) hangUp() {
	if c.over {
		return
	}
	c.w.log("%s hangs up", c.phone.name)
	status, cause, tech := 0, causeNormal, 0
	switch {
	case c.in && !c.up:
		status, cause, tech = 603, 21, 603
	case !c.up:
		cause, tech = 127, 487
	case !c.in:
		cause = 0 // as the real one says of a call that has come in
	}
	ch := c.ch
	c.finish(status)
	if ch != nil {
		c.sip("bye", func() { ch.hangUp(cause, tech) })
	}
}

// Answer answers a call that rings on.
func (c *Call) Answer() {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.answer()
}

func (c *Call) answer() {
	if c.up || c.over {
		return
	}
	c.w.log("%s lifts", c.phone.name)
	c.lift()
	ch := c.ch
	c.sip("200", func() { ch.setState("Up") })
}

// Refuse refuses a call that rings, with a SIP status.
func (c *Call) Refuse(status int) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.refuse(status)
}

func (c *Call) refuse(status int) {
	if c.up || c.over {
		return
	}
	c.w.log("%s refuses with %d", c.phone.name, status)
	ch := c.ch
	c.finish(status)
	c.sip("refusal", func() { ch.hangUp(causeOf(status), status) })
}

// causeOf is what Asterisk makes of a SIP status.
func causeOf(status int) int {
	switch status {
	case 486, 600:
		return 17
	case 403, 603:
		return 21
	case 480:
		return 19
	case 408:
		return 18
	case 404:
		return 1
	case 500:
		return 38
	case 503:
		return 34
	}
	return 127
}

// sip lets a message arrive at the channel's node, unless that has died.
func (c *Call) sip(what string, run func()) {
	c.w.after(c.w.draw(c.w.opt.Delays.SIP, what, c.ch.id), c.ch.n, run)
}

// Press presses keys.
func (c *Call) Press(digits string) error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !c.up || c.over {
		return fmt.Errorf("the call of %s is not up", c.phone.name)
	}
	for i, d := range digits {
		ch := c.ch
		c.w.after(time.Duration(i)*260*time.Millisecond+160*time.Millisecond, c.ch.n, func() { ch.pressed(string(d)) })
	}
	return nil
}

// Hold puts the other side on hold, or takes it back.
func (c *Call) Hold(hold bool) error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !c.up || c.over {
		return fmt.Errorf("the call of %s is not up", c.phone.name)
	}
	ch := c.ch
	c.sip("reinvite", func() { ch.hold(hold) })
	return nil
}

// Hears is what is heard at present: "prompt:NAME", "tone:NAME", "voice:PHONE",
// "music:CLASS"; nothing: silence.
func (c *Call) Hears() []string {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.ch == nil {
		return nil
	}
	return c.ch.hears()
}

// Keys are those of the other side that were heard.
func (c *Call) Keys() string {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.keys
}

// invite lets a phone be rung for a channel that is dialled.
func (p *Phone) invite(ch *channel) {
	busy := len(p.calls) >= p.lines
	c := newCall(p, ch, true)
	ch.call = c
	if busy {
		c.refuse(486)
		return
	}
	plan := Plan{}
	if p.plan != nil {
		plan = p.plan(c)
	}
	if plan.After > 0 || plan.Status == 0 {
		c.sip("180", func() { ch.setState("Ringing") })
	}
	act := func() {
		switch {
		case plan.Status/100 == 2:
			c.answer()
		case plan.Status != 0:
			c.refuse(plan.Status)
		}
	}
	if plan.After == 0 {
		act()
		return
	}
	if plan.Status != 0 {
		c.planned = p.w.after(plan.After, nil, act)
	}
}

// WaitKeys waits until keys of the other side were heard.
func (c *Call) WaitKeys(ctx context.Context, digits string) error {
	return c.wait(ctx, func() bool { return c.keys == digits })
}

// WaitHears waits until a sound is heard.
func (c *Call) WaitHears(ctx context.Context, sound string) error {
	return c.wait(ctx, func() bool { return c.ch != nil && contains(c.ch.hears(), sound) })
}

// wait looks again after every change at any node.
func (c *Call) wait(ctx context.Context, enough func() bool) error {
	for {
		c.w.mu.Lock()
		if enough() {
			c.w.mu.Unlock()
			return nil
		}
		more := make(chan struct{}, 1)
		c.w.after(time.Millisecond, nil, func() { more <- struct{}{} })
		c.w.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
