package asterisk_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/phone"
)

// lift rings the seat's phone on behalf of a call until the agent has lifted.
func (r *rig) lift(call acd.CallID) acd.LegID {
	r.t.Helper()
	leg := r.offer(call, "8001")
	expect[acd.LegRinging](r)
	expect[acd.LegAnswered](r)
	return leg
}

// called is the phone of a caller who is called back.
func (r *rig) called(plan phone.Plan) (*phone.Phone, chan *phone.Call) {
	r.t.Helper()
	p := newPhone(r.t, node.reached, phone.Config{User: "13912345678", Server: r.a.Params.SIPListen.String(), Tone: tone(r.t, 3)})
	rang := make(chan *phone.Call, 4)
	p.SetPlan(func(c *phone.Call) phone.Plan {
		rang <- c
		return plan
	})
	return p, rang
}

func TestRealCallback(t *testing.T) {
	r := newRig(t)
	r.plan(phone.AnswerAfter(50 * time.Millisecond))
	caller, rang := r.called(phone.AnswerAfter(300 * time.Millisecond))
	call := acd.CallID("callback-1-a1-0.1")
	leg := r.lift(call)
	r.sw.Do([]acd.Command{acd.DialOut{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: 5 * time.Second}})
	if connected, _ := expect[acd.Connected](r); connected.Call != call || connected.Leg != leg {
		t.Errorf("%+v", connected)
	}
	agent, c := <-r.rang, <-rang
	if c.Number() != "12345" {
		t.Errorf("the caller's phone shows %q", c.Number())
	}
	_, err := agent.WaitTone(r.ctx, caller.Tone())
	noErr(t, err)
	_, err = c.WaitTone(r.ctx, r.seat.Tone())
	noErr(t, err)
	c.Hangup()
	if gone, _ := expect[acd.CallGone](r); gone.Call != call || gone.Outcome != "" {
		t.Errorf("%+v", gone)
	}
	r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
	expect[acd.LegGone](r)
	r.nothingLeft()
	r.quiet()
}

func TestRealCallbackThatReachesNobody(t *testing.T) {
	for name, test := range map[string]struct {
		plan    phone.Plan
		timeout time.Duration
		want    acd.OfferOutcome
	}{
		"busy":       {phone.RefuseAfter(0, 486), 5 * time.Second, acd.OfferBusy},
		"no answer":  {phone.RingOn(), time.Second, acd.OfferNoAnswer},
		"declined":   {phone.RefuseAfter(0, 603), 5 * time.Second, acd.OfferRefused},
		"no such":    {phone.RefuseAfter(0, 404), 5 * time.Second, acd.OfferUnreachable},
		"agent ends": {phone.RingOn(), 5 * time.Second, acd.OfferWithdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.plan(phone.AnswerAfter(50 * time.Millisecond))
			_, rang := r.called(test.plan)
			call := acd.CallID("callback-1-a1-0.2")
			leg := r.lift(call)
			r.sw.Do([]acd.Command{acd.DialOut{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: test.timeout}})
			<-rang
			if test.want == acd.OfferWithdrawn {
				(<-r.rang).Hangup()
				expect[acd.LegGone](r)
				r.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1", LegGone: true}})
			}
			if gone, _ := expect[acd.CallGone](r); gone.Outcome != test.want {
				t.Errorf("%+v, want %s", gone, test.want)
			}
			if test.want != acd.OfferWithdrawn {
				r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
				expect[acd.LegGone](r)
			}
			r.nothingLeft()
			r.quiet()
		})
	}
}

// Keys that a waiting caller presses are told, also in the middle of a prompt,
// and a new prompt takes the place of the old one.
func TestRealKeysAndPromptsWhileWaiting(t *testing.T) {
	r := newRig(t)
	c, call := r.arrive()
	began := time.Now()
	r.sw.Do([]acd.Command{acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"callback-offer", "callback-offer", "callback-offer"}}})
	r.meter.waitRequest(r, "channels/{id}/play/{playback}")
	noErr(t, c.SendDTMF("1#*"))
	for _, want := range []string{"1", "#", "*"} {
		if key, _ := expect[acd.CallDigit](r); key.Call != call || key.Digit != want {
			t.Errorf("%+v, want %s", key, want)
		}
	}
	r.sw.Do([]acd.Command{acd.Play{Call: call, Node: "a1", Play: 2, Prompts: []string{"minutes"}}})
	expect[acd.CallPlayed](r)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the former prompts were played to their end: %v", took)
	}
	r.quiet()
	r.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1"}})
	expect[acd.CallGone](r)
}

// A partner is rung over the carrier while an agent's phone rings too, and has
// the caller when it lifts: both hear each other, and no number is shown but the one
// that was asked for.
func TestRealPartnerTakesTheCaller(t *testing.T) {
	r := newRig(t)
	r.plan(phone.RingOn())
	partner, rang := r.called(phone.AnswerAfter(300 * time.Millisecond))
	c, call := r.arrive()
	seat := r.offer(call, "8001")
	expect[acd.LegRinging](r)
	leg := acd.NewPartnerLegID(call, 1, "xuzhou")
	r.sw.Do([]acd.Command{acd.Offer{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: 5 * time.Second}})
	if ringing, _ := expect[acd.LegRinging](r); ringing.Leg != leg {
		t.Errorf("%+v", ringing)
	}
	if lifted, _ := expect[acd.LegAnswered](r); lifted.Leg != leg {
		t.Errorf("%+v", lifted)
	}
	r.sw.Do([]acd.Command{acd.CancelLeg{Call: call, Leg: seat, Node: "a1"}, acd.Connect{Call: call, Leg: leg, Node: "a1"}})
	for range 2 { // in either order
		select {
		case ev := <-r.events:
			switch got := ev.Event.(type) {
			case acd.LegGone:
				if got.Leg != seat {
					t.Errorf("%+v", got)
				}
			case acd.Connected:
				if got.Leg != leg {
					t.Errorf("%+v", got)
				}
			default:
				t.Fatalf("%#v", got)
			}
		case <-r.ctx.Done():
			t.Fatal("the agent's leg did not end, or the partner was not connected")
		}
	}
	there := <-rang
	if there.Number() != "12345" {
		t.Errorf("the partner's phone shows %q", there.Number())
	}
	_, err := c.WaitTone(r.ctx, partner.Tone())
	noErr(t, err)
	_, err = there.WaitTone(r.ctx, r.caller.Tone())
	noErr(t, err)
	there.Hangup()
	if gone, _ := expect[acd.LegGone](r); gone.Leg != leg {
		t.Errorf("%+v", gone)
	}
	r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", LegGone: true}})
	expect[acd.CallGone](r)
	r.nothingLeft()
	r.quiet()
}

func TestRealPartnerThatDoesNotTakeTheCaller(t *testing.T) {
	for name, test := range map[string]struct {
		plan phone.Plan
		want acd.OfferOutcome
	}{
		"busy":        {phone.RefuseAfter(0, 486), acd.OfferBusy},
		"no such":     {phone.RefuseAfter(0, 404), acd.OfferUnreachable},
		"overloaded":  {phone.RefuseAfter(0, 503), acd.OfferFailed},
		"no answer":   {phone.RingOn(), acd.OfferNoAnswer},
		"caller ends": {phone.RingOn(), acd.OfferWithdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, rang := r.called(test.plan)
			c, call := r.arrive()
			leg := acd.NewPartnerLegID(call, 1, "xuzhou")
			r.sw.Do([]acd.Command{acd.Offer{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: time.Second}})
			<-rang
			if name == "no answer" || name == "caller ends" {
				expect[acd.LegRinging](r)
			}
			if name == "caller ends" {
				c.Hangup()
				expect[acd.CallGone](r)
				r.sw.Do([]acd.Command{acd.CancelLeg{Call: call, Leg: leg, Node: "a1"}, acd.Release{Call: call, Node: "a1", CallerGone: true}})
			}
			if gone, _ := expect[acd.LegGone](r); gone.Leg != leg || gone.Outcome != test.want {
				t.Errorf("%+v, want %s", gone, test.want)
			}
			if name != "caller ends" {
				r.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1"}})
				expect[acd.CallGone](r)
			}
			r.nothingLeft()
			r.quiet()
		})
	}
}

// A controller that starts counts from the beginning: the leg that it asks for
// may bear the name of one that its predecessor left ringing. That one is hung
// up, and the new one rings, once.
func TestRealLegOfTheNameOfAFormerOneRings(t *testing.T) {
	r := newRig(t)
	_, rang := r.called(phone.RingOn())
	_, call := r.arrive()
	leg := acd.NewPartnerLegID(call, 1, "xuzhou")
	offer := acd.Offer{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: 10 * time.Second}
	r.sw.Do([]acd.Command{offer})
	former := <-rang
	expect[acd.LegRinging](r)

	r.replaced = true
	second, err := asterisk.New(r.options())
	noErr(t, err)
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	var told []acd.Event
	for ev := range second.Events() {
		switch ev.Event.(type) {
		case acd.CallArrived:
			second.Do([]acd.Command{offer})
			continue
		case acd.LegRinging:
			second.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1"}})
		case acd.LegGone:
			stop()
		default:
			continue
		}
		told = append(told, ev.Event)
	}
	noErr(t, <-done)
	want := []acd.Event{acd.LegRinging{Leg: leg}, acd.LegGone{Leg: leg, Outcome: acd.OfferWithdrawn}}
	if !slices.Equal(told, want) || len(rang) != 1 {
		t.Errorf("the phone rang %d times; told %#v, want %#v", len(rang), told, want)
	}
	_, err = former.WaitEnded(r.ctx)
	noErr(t, err)
}
