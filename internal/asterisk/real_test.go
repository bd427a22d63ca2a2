package asterisk_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/phone"
)

func TestRealConversation(t *testing.T) {
	for name, callerEnds := range map[string]bool{"caller hangs up": true, "agent hangs up": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.plan(phone.AnswerAfter(200 * time.Millisecond))
			c, err := r.caller.Dial("12345", phone.CallOptions{})
			noErr(t, err)
			arrived, _ := expect[acd.CallArrived](r)
			call := arrived.Call
			requests, events := r.meter.sums()
			const proofs = "POST events/user/{name} 204" // of the connection, at times of their own
			proofsBefore := r.meter.count(proofs)
			r.sw.Do([]acd.Command{acd.Answer{Call: call, Node: "a1"}, acd.Play{Call: call, Node: "a1", Prompts: []string{"agent-ready"}}})
			expect[acd.CallPlayed](r)
			r.sw.Do([]acd.Command{acd.StartMusic{Call: call, Node: "a1", Class: "default"}})
			asked := time.Now()
			leg := r.offer(call, "8001")
			_, rang := expect[acd.LegRinging](r)
			_, lifted := expect[acd.LegAnswered](r)
			r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
			_, joined := expect[acd.Connected](r)
			agent := <-r.rang
			if agent.Number() != "13812345678" {
				t.Errorf("the agent's phone shows %q", agent.Number())
			}
			_, err = c.WaitTone(r.ctx, r.seat.Tone())
			noErr(t, err)
			_, err = agent.WaitTone(r.ctx, r.caller.Tone())
			noErr(t, err)
			if callerEnds {
				c.Hangup()
				expect[acd.CallGone](r)
				r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
				expect[acd.LegGone](r)
			} else {
				agent.Hangup()
				expect[acd.LegGone](r)
				r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", LegGone: true}})
				expect[acd.CallGone](r)
			}
			r.nothingLeft()
			r.quiet()
			requests2, events2 := r.meter.sums()
			t.Logf("requests %d, events %d (%v); offer to ringing %v, lifted to connected %v", requests2-requests, events2-events+1,
				r.meter.events, rang.Sub(asked), joined.Sub(lifted))
			if made := requests2 - requests - (r.meter.count(proofs) - proofsBefore); made > 10 {
				t.Errorf("%d requests for an answered call", made)
			}
		})
	}
}

func TestRealOutcomes(t *testing.T) {
	cases := []struct {
		name    string
		plan    phone.Plan
		seat    acd.SeatID
		rings   bool
		outcome acd.OfferOutcome
	}{
		{"declined with 603", phone.RefuseAfter(150*time.Millisecond, 603), "8001", true, acd.OfferRefused},
		{"declined with 486", phone.RefuseAfter(150*time.Millisecond, 486), "8001", true, acd.OfferRefused},
		{"refused with 403 at once", phone.RefuseAfter(0, 403), "8001", false, acd.OfferRefused},
		{"busy with 486", phone.RefuseAfter(0, 486), "8001", false, acd.OfferBusy},
		{"busy with 600", phone.RefuseAfter(0, 600), "8001", false, acd.OfferBusy},
		{"480 after ringing", phone.RefuseAfter(150*time.Millisecond, 480), "8001", true, acd.OfferNoAnswer},
		{"480 at once", phone.RefuseAfter(0, 480), "8001", false, acd.OfferUnreachable},
		{"404", phone.RefuseAfter(0, 404), "8001", false, acd.OfferUnreachable},
		{"500", phone.RefuseAfter(0, 500), "8001", false, acd.OfferFailed},
		{"no answer", phone.RingOn(), "8001", true, acd.OfferNoAnswer},
		{"not registered", phone.RingOn(), "8002", false, acd.OfferUnreachable},
		{"no such seat", phone.RingOn(), "7777", false, acd.OfferUnreachable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.plan(c.plan)
			_, call := r.arrive()
			leg := r.offer(call, c.seat)
			if c.rings {
				expect[acd.LegRinging](r)
			}
			gone, _ := expect[acd.LegGone](r)
			if gone.Leg != leg || gone.Outcome != c.outcome {
				t.Errorf("%+v, want %s", gone, c.outcome)
			}
			r.release(call, leg)
			expect[acd.CallGone](r)
		})
	}
}

func TestRealOfferIsCancelled(t *testing.T) {
	t.Run("while ringing", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.RingOn())
		_, call := r.arrive()
		leg := r.offer(call, "8001")
		expect[acd.LegRinging](r)
		r.sw.Do([]acd.Command{acd.CancelLeg{Call: call, Leg: leg, Node: "a1"}})
		gone, _ := expect[acd.LegGone](r)
		if gone.Outcome != acd.OfferWithdrawn {
			t.Errorf("%+v", gone)
		}
		r.release(call, "")
		expect[acd.CallGone](r)
	})
	t.Run("at once", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.RingOn())
		_, call := r.arrive()
		leg := r.offer(call, "8001")
		r.sw.Do([]acd.Command{acd.CancelLeg{Call: call, Leg: leg, Node: "a1"}})
		expect[acd.LegGone](r)
		r.release(call, "")
		expect[acd.CallGone](r)
		select {
		case <-r.rang:
			t.Error("the phone rang")
		default:
		}
	})
	t.Run("because the caller leaves", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.RingOn())
		c, call := r.arrive()
		leg := r.offer(call, "8001")
		expect[acd.LegRinging](r)
		c.Hangup()
		expect[acd.CallGone](r)
		r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
		expect[acd.LegGone](r)
	})
}

func TestRealRingback(t *testing.T) {
	r := newRig(t)
	r.plan(phone.AnswerAfter(300 * time.Millisecond))
	c, call := r.arrive()
	r.sw.Do([]acd.Command{acd.StartRingback{Call: call, Node: "a1"}})
	leg := r.offer(call, "8001")
	expect[acd.LegRinging](r)
	expect[acd.LegAnswered](r)
	r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
	expect[acd.Connected](r)
	_, err := c.WaitTone(r.ctx, r.seat.Tone())
	noErr(t, err)
	r.release(call, leg)
	expect[acd.CallGone](r)
}

// An announcement to a waiting caller ends when the agent answers; otherwise
// Asterisk would connect them only after it.
func TestRealAnnouncementEndsAtAnswer(t *testing.T) {
	r := newRig(t)
	r.plan(phone.AnswerAfter(200 * time.Millisecond))
	c, call := r.arrive()
	leg := r.offer(call, "8001")
	expect[acd.LegRinging](r)
	announcement := acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"agents-busy", "waiting", "agents-busy", "waiting"}}
	again := announcement
	again.Play = 2
	r.sw.Do([]acd.Command{announcement, again})
	expect[acd.LegAnswered](r)
	asked := time.Now()
	r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
	_, joined := expect[acd.Connected](r)
	if took := joined.Sub(asked); took > time.Second {
		t.Errorf("connected after %v", took)
	}
	_, err := c.WaitTone(r.ctx, r.seat.Tone())
	noErr(t, err)
	r.quiet()
	r.release(call, leg)
	expect[acd.CallGone](r)
}

// Another controller takes over and knows nothing: this one ends, the conversation
// goes on, and the other one's engine hears of it, with the times that Asterisk has.
func TestRealTakeover(t *testing.T) {
	r := newRig(t)
	r.plan(phone.AnswerAfter(100 * time.Millisecond))
	dialled := time.Now()
	c, call := r.arrive()
	offered := time.Now()
	leg := r.offer(call, "8001")
	expect[acd.LegRinging](r)
	_, lifted := expect[acd.LegAnswered](r)
	r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
	expect[acd.Connected](r)
	agent := <-r.rang
	_, err := c.WaitTone(r.ctx, r.seat.Tone())
	noErr(t, err)

	r.replaced = true
	second, err := asterisk.New(r.options())
	noErr(t, err)
	ctx, stop := context.WithCancel(r.ctx)
	done, told := make(chan error, 1), make(chan acd.Event, 10)
	go func() { done <- second.Run(ctx) }()
	go func() {
		defer close(told)
		for ev := range second.Events() {
			if _, reachable := ev.Event.(acd.NodeReachable); !reachable {
				told <- ev.Event
			}
		}
	}()
	for second.Ready() != nil {
		select {
		case <-r.meter.changed:
		case <-r.ctx.Done():
			t.Fatal(second.Ready())
		}
	}
	// Heard anew: what was said before the takeover does not count.
	noErr(t, c.SendDTMF("17"))
	noErr(t, agent.WaitDTMF(r.ctx, "17"))
	if agent.Ended() != (phone.End{}) {
		t.Error("the conversation has ended")
	}
	found, ok := (<-told).(acd.TalkFound)
	if !ok || found.Call != call || found.Leg != leg || found.Seat != "8001" || found.Entry != "12345" || found.Caller != "13812345678" {
		t.Errorf("found: %+v", found)
	}
	for name, off := range map[string]time.Duration{
		"arrival": found.Arrived.Sub(dialled), "ringing": found.Rung.Sub(offered), "answer": found.Answered.Sub(lifted),
	} {
		t.Logf("%s: %v off", name, off)
		if off.Abs() > 500*time.Millisecond {
			t.Errorf("%s: %v off", name, off)
		}
	}
	c.Hangup()
	if gone := <-told; gone != (acd.CallGone{Call: call}) {
		t.Errorf("told %#v", gone)
	}
	second.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
	_, err = agent.WaitEnded(r.ctx)
	noErr(t, err)
	if gone, ok := (<-told).(acd.LegGone); !ok || gone.Leg != leg {
		t.Errorf("told %#v", gone)
	}
	r.nothingLeft()
	stop()
	noErr(t, <-done)
	for ev := range told {
		t.Errorf("told %#v too", ev)
	}
}

func TestRealFeatureCode(t *testing.T) {
	r := newRig(t)
	c, err := r.seat.Dial("*111001", phone.CallOptions{})
	noErr(t, err)
	dialled, _ := expect[acd.SeatDialled](r)
	if dialled.Seat != "8001" || dialled.Code != "*111001" {
		t.Fatalf("%+v", dialled)
	}
	r.sw.Do([]acd.Command{acd.ReplySeat{Channel: dialled.Channel, Node: "a1", Prompt: acd.PromptReady}})
	noErr(t, c.WaitAnswered(r.ctx))
	_, err = c.WaitEnded(r.ctx)
	noErr(t, err)
}

// TestRealCut cuts the event connection, lets something happen meanwhile, and
// expects the ordinary event after the reconnection.
func TestRealCut(t *testing.T) {
	t.Run("caller arrives", func(t *testing.T) {
		r := newRig(t)
		r.proxy.cut()
		c, err := r.caller.Dial("12345", phone.CallOptions{})
		noErr(t, err)
		r.proxy.mend()
		// Whether the dialplan holds the caller first depends on when the node was mended.
		next := func() acd.Event {
			for {
				ev, _ := expect[acd.Event](r)
				if _, caught := ev.(acd.CallersCaught); !caught {
					return ev
				}
			}
		}
		arrived, _ := next().(acd.CallArrived)
		c.Hangup()
		if gone, _ := next().(acd.CallGone); arrived.Call == "" || gone.Call != arrived.Call {
			t.Errorf("%+v, then %+v", arrived, gone)
		}
	})
	t.Run("caller leaves", func(t *testing.T) {
		r := newRig(t)
		c, _ := r.arrive()
		r.proxy.cut()
		c.Hangup()
		r.gone(1)
		r.proxy.mend()
		if gone, _ := expect[acd.CallGone](r); !gone.Vanished {
			t.Errorf("%+v", gone)
		}
	})
	t.Run("prompt ends", func(t *testing.T) {
		r := newRig(t)
		c, call := r.arrive()
		r.sw.Do([]acd.Command{acd.Play{Call: call, Node: "a1", Prompts: []string{"agent-ready"}}})
		r.meter.waitRequest(r, "channels/{id}/play/{playback}")
		r.proxy.cut()
		// Longer than the prompt.
		select {
		case <-time.After(4 * time.Second):
		case <-c.Done():
		}
		r.proxy.mend()
		expect[acd.CallPlayed](r)
		r.release(call, "")
		expect[acd.CallGone](r)
	})
	t.Run("agent answers", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.AnswerAfter(300 * time.Millisecond))
		_, call := r.arrive()
		leg := r.offer(call, "8001")
		expect[acd.LegRinging](r)
		r.proxy.cut()
		noErr(t, (<-r.rang).WaitAnswered(r.ctx))
		r.proxy.mend()
		expect[acd.LegAnswered](r)
		r.release(call, leg)
	})
	t.Run("agent refuses", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.RefuseAfter(300*time.Millisecond, 603))
		_, call := r.arrive()
		r.offer(call, "8001")
		expect[acd.LegRinging](r)
		r.proxy.cut()
		_, err := (<-r.rang).WaitEnded(r.ctx)
		noErr(t, err)
		r.gone(2)
		r.proxy.mend()
		expect[acd.LegGone](r)
		r.release(call, "")
		expect[acd.CallGone](r)
	})
	t.Run("caller leaves the conversation", func(t *testing.T) {
		r := newRig(t)
		r.plan(phone.AnswerAfter(100 * time.Millisecond))
		c, call := r.arrive()
		leg := r.offer(call, "8001")
		expect[acd.LegRinging](r)
		expect[acd.LegAnswered](r)
		r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
		expect[acd.Connected](r)
		r.proxy.cut()
		c.Hangup()
		r.gone(2)
		r.proxy.mend()
		expect[acd.CallGone](r)
		r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1", CallerGone: true}})
		expect[acd.LegGone](r)
	})
}

func TestRealCheck(t *testing.T) {
	a := realAsterisk(t)
	n := asterisk.Node{ID: "a1", URL: "http://" + a.Params.HTTPListen.String(), Username: a.Params.ARIUser, Password: a.Params.ARIPassword}
	for _, f := range asterisk.Check(t.Context(), n, "hotline") {
		if !f.OK {
			t.Errorf("%+v", f)
		}
	}
	n.Password = "wrong"
	found := asterisk.Check(t.Context(), n, "hotline")
	if len(found) != 1 || found[0].OK || !strings.Contains(found[0].Detail, "401") || strings.Contains(found[0].Detail+found[0].Remedy, "wrong;") {
		t.Errorf("%+v", found)
	}
}
