package asterisk_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/devstack"
	"hotline/internal/phone"
)

// converse brings about a conversation.
func (r *rig) converse() (caller, agent *phone.Call, call acd.CallID, leg acd.LegID) {
	r.t.Helper()
	r.plan(phone.AnswerAfter(100 * time.Millisecond))
	caller, call = r.arrive()
	leg = r.offer(call, "8001")
	expect[acd.LegRinging](r)
	expect[acd.LegAnswered](r)
	r.sw.Do([]acd.Command{acd.Connect{Call: call, Leg: leg, Node: "a1"}})
	expect[acd.Connected](r)
	agent = <-r.rang
	_, err := caller.WaitTone(r.ctx, r.seat.Tone())
	noErr(r.t, err)
	return caller, agent, call, leg
}

// sound is a prompt, or the hold music, as it goes on the line.
func sound(t *testing.T, pattern ...string) []byte {
	t.Helper()
	deps, err := devstack.Lookup()
	noErr(t, err)
	files, err := filepath.Glob(filepath.Join(append([]string{deps.Prompts()}, pattern...)...))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: %v %v", pattern, files, err)
	}
	data, err := os.ReadFile(files[0])
	noErr(t, err)
	return data
}

func music(t *testing.T) []byte { return sound(t, "..", "moh", "default", "*.alaw") }

// hears waits until the caller hears a prompt, known by its middle.
func (r *rig) hears(c *phone.Call, prompt string) {
	r.t.Helper()
	data := sound(r.t, prompt+".alaw")
	middle := len(data) / 2
	if err := c.WaitSound(r.ctx, data[middle-800:middle+800]); err != nil {
		r.t.Errorf("%s: %v", prompt, err)
	}
}

// An agent who holds the caller lets music be heard by no request of ours, and is
// heard again afterwards.
func TestRealHold(t *testing.T) {
	r := newRig(t)
	caller, agent, call, leg := r.converse()
	requests, _ := r.meter.sums()
	for n := range 2 {
		noErr(t, agent.Hold(r.ctx))
		if held, _ := expect[acd.LegHeld](r); held.Leg != leg {
			t.Errorf("%+v", held)
		}
		caller.Record()
		noErr(t, caller.WaitPart(r.ctx, music(t), 1600))
		noErr(t, agent.SetTone(tone(t, 3+n))) // heard only afterwards
		noErr(t, agent.Resume(r.ctx))
		expect[acd.LegResumed](r)
		_, err := caller.WaitTone(r.ctx, tone(t, 3+n))
		noErr(t, err)
		noErr(t, caller.SetTone(tone(t, 5+n)))
		_, err = agent.WaitTone(r.ctx, tone(t, 5+n))
		noErr(t, err)
	}
	// A hold of the caller's is none of ours.
	noErr(t, caller.Hold(r.ctx))
	noErr(t, caller.Resume(r.ctx))
	r.quiet()
	if after, _ := r.meter.sums(); after != requests {
		t.Errorf("%d requests for holding", after-requests)
	}
	r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1"}})
	for range 2 {
		<-r.events // the end of both, in any order
	}
}

// The agent hangs up, even while holding: the caller hears prompts, and nothing
// else, and keys are told in the middle of them.
func TestRealCallerIsAskedAfterTheAgentHasLeft(t *testing.T) {
	for _, holding := range []bool{false, true} {
		t.Run(map[bool]string{false: "talking", true: "holding"}[holding], func(t *testing.T) {
			r := newRig(t)
			caller, agent, call, leg := r.converse()
			caller.Record()
			if holding {
				noErr(t, agent.Hold(r.ctx))
				expect[acd.LegHeld](r)
				noErr(t, caller.WaitPart(r.ctx, music(t), 1600))
			}
			noErr(t, caller.SendDTMF("3")) // still to the agent
			noErr(t, agent.WaitDTMF(r.ctx, "3"))
			agent.Hangup()
			if gone, _ := expect[acd.LegGone](r); gone.Leg != leg {
				t.Errorf("%+v", gone)
			}
			r.sw.Do([]acd.Command{acd.Unbridge{Call: call, Node: "a1"}, acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"rating", "rating"}}})
			r.hears(caller, "rating")
			noErr(t, caller.SendDTMF("2"))
			if key, _ := expect[acd.CallDigit](r); key.Call != call || key.Digit != "2" {
				t.Errorf("%+v", key)
			}
			asked := time.Now()
			r.sw.Do([]acd.Command{acd.Play{Call: call, Node: "a1", Play: 2, Prompts: []string{"rating-thanks"}}})
			r.hears(caller, "rating-thanks")
			if played, _ := expect[acd.CallPlayed](r); played.Play != 2 || time.Since(asked) > 5*time.Second {
				t.Errorf("%+v after %v", played, time.Since(asked))
			}
			r.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1"}})
			expect[acd.CallGone](r)
			_, err := caller.WaitEnded(r.ctx)
			noErr(t, err)
		})
	}
}

// Nobody takes a caller who is asked for a rating for one who has no agent and must
// wait: not after a gap in the events, nor when another controller takes over.
func TestRealCallerIsAskedWhileTheConnectionIsCut(t *testing.T) {
	t.Run("the same controller", func(t *testing.T) {
		r := newRig(t)
		caller, agent, call, _ := r.converse()
		r.proxy.cut()
		agent.Hangup()
		r.gone(2)
		r.proxy.mend()
		expect[acd.LegGone](r) // the listing shows it
		caller.Record()
		r.sw.Do([]acd.Command{acd.Unbridge{Call: call, Node: "a1"}, acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"rating"}}})
		r.hears(caller, "rating")
		r.proxy.cut()
		// Longer than what is left of the prompt.
		select {
		case <-time.After(8 * time.Second):
		case <-caller.Done():
			t.Error("the caller was hung up")
		}
		r.proxy.mend()
		if played, _ := expect[acd.CallPlayed](r); played.Play != 1 {
			t.Errorf("%+v", played)
		}
		r.quiet()
		noErr(t, caller.SendDTMF("4"))
		expect[acd.CallDigit](r)
		r.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1"}})
		expect[acd.CallGone](r)
	})
	t.Run("another controller", func(t *testing.T) {
		r := newRig(t)
		caller, agent, call, _ := r.converse()
		agent.Hangup()
		expect[acd.LegGone](r)
		caller.Record()
		r.sw.Do([]acd.Command{acd.Unbridge{Call: call, Node: "a1"}, acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"rating", "rating"}}})
		r.hears(caller, "rating")
		r.replaced = true
		second, err := asterisk.New(r.options())
		noErr(t, err)
		ctx, stop := context.WithCancel(r.ctx)
		done, told := make(chan error, 1), make(chan []acd.Event, 1)
		go func() { done <- second.Run(ctx) }()
		go func() {
			var all []acd.Event
			for ev := range second.Events() {
				if _, reachable := ev.Event.(acd.NodeReachable); !reachable {
					all = append(all, ev.Event)
				}
			}
			told <- all
		}()
		_, err = caller.WaitEnded(r.ctx)
		noErr(t, err)
		r.nothingLeft()
		stop()
		noErr(t, <-done)
		if all := <-told; len(all) != 0 {
			t.Errorf("the second controller told %#v", all)
		}
	})
}

// Another controller that takes over goes on with a caller who is asked for a rating,
// and with one on hold: also where the former one did not come to what it had decided.
func TestRealTakingOverWhoIsAskedOrHeld(t *testing.T) {
	over := func(r *rig, x acd.Expected) *asterisk.Switch {
		r.replaced = true
		second, err := asterisk.New(r.options())
		noErr(r.t, err)
		second.Adopt([]acd.Expected{x})
		ctx, stop := context.WithCancel(r.ctx)
		done := make(chan error, 1)
		go func() { done <- second.Run(ctx) }()
		r.t.Cleanup(func() {
			stop()
			for range second.Events() { // until it has ended
			}
			noErr(r.t, <-done)
		})
		return second
	}
	next := func(r *rig, sw *asterisk.Switch) acd.Event {
		r.t.Helper()
		for {
			select {
			case ev := <-sw.Events():
				if _, reachable := ev.Event.(acd.NodeReachable); !reachable {
					return ev.Event
				}
			case <-r.ctx.Done():
				r.t.Fatal("no event comes")
			}
		}
	}
	for _, done := range []bool{true, false} {
		t.Run(map[bool]string{true: "asked", false: "not asked yet"}[done], func(t *testing.T) {
			r := newRig(t)
			caller, agent, call, _ := r.converse()
			agent.Hangup()
			expect[acd.LegGone](r)
			if done {
				caller.Record()
				r.sw.Do([]acd.Command{acd.Unbridge{Call: call, Node: "a1"}, acd.Play{Call: call, Node: "a1", Play: 1, Prompts: []string{"rating"}}})
				r.hears(caller, "rating")
			}
			sw := over(r, acd.Expected{Call: call, Node: "a1", Play: 1, Rating: true})
			if ev, ok := next(r, sw).(acd.CallPlayed); !ok || ev.Call != call || ev.Play != 1 {
				t.Errorf("got %+v", ev)
			}
			caller.Record()
			sw.Do([]acd.Command{acd.Play{Call: call, Node: "a1", Play: 2, Prompts: []string{"rating", "rating"}}})
			r.hears(caller, "rating")
			noErr(t, caller.SendDTMF("5"))
			if ev, ok := next(r, sw).(acd.CallDigit); !ok || ev.Digit != "5" {
				t.Errorf("got %+v", ev)
			}
			sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1"}})
			_, err := caller.WaitEnded(r.ctx)
			noErr(t, err)
			if ev, ok := next(r, sw).(acd.CallGone); !ok {
				t.Errorf("got %+v", ev)
			}
			r.nothingLeft()
		})
	}
	t.Run("held", func(t *testing.T) {
		r := newRig(t)
		caller, agent, call, leg := r.converse()
		noErr(t, agent.Hold(r.ctx))
		expect[acd.LegHeld](r)
		offer := acd.Offer{Call: call, Leg: leg, Node: "a1", Seat: "8001"}
		noErr(t, agent.Resume(r.ctx)) // of which the state that is taken over knows nothing
		expect[acd.LegResumed](r)
		sw := over(r, acd.Expected{Call: call, Node: "a1", Joined: leg, Legs: []acd.ExpectedLeg{{Offer: offer, Rings: true, Lifted: true, Held: true}}})
		if ev, ok := next(r, sw).(acd.LegResumed); !ok || ev.Leg != leg {
			t.Errorf("got %+v", ev)
		}
		sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1"}})
		_, err := caller.WaitEnded(r.ctx)
		noErr(t, err)
		for range 2 {
			next(r, sw) // the end of both, in any order
		}
		r.nothingLeft()
	})
}

// A hold, or its end, that no event has told is found out after the gap.
func TestRealHoldWhileTheConnectionIsCut(t *testing.T) {
	r := newRig(t)
	_, agent, call, leg := r.converse()
	r.proxy.cut()
	noErr(t, agent.Hold(r.ctx))
	r.proxy.mend()
	expect[acd.LegHeld](r)
	r.proxy.cut()
	noErr(t, agent.Resume(r.ctx))
	r.proxy.mend()
	expect[acd.LegResumed](r)
	r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1"}})
	for range 2 {
		<-r.events // the end of both, in any order
	}
}
