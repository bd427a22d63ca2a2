package asterisk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// formerly is what a former controller's engine knew of the call: waiting, with music.
func formerly(change func(*acd.Expected)) acd.Expected {
	x := acd.Expected{Call: callID, Node: "a1", Class: "default", Music: true}
	change(&x)
	return x
}

func legOf(rings, lifted bool) []acd.ExpectedLeg {
	return []acd.ExpectedLeg{{Offer: legOffer(), Made: time.Now().Add(-time.Minute), Rings: rings, Lifted: lifted}}
}

// A call that goes on as it was known is left alone: no event, no request.
func TestAdoptedCallsGoOnUndisturbed(t *testing.T) {
	for name, c := range map[string]struct {
		legState string
		bridged  bool
		known    acd.Expected
	}{
		"waiting": {"", false, formerly(func(*acd.Expected) {})},
		"ringing": {"Ringing", false, formerly(func(x *acd.Expected) { x.Legs = legOf(true, false) })},
		"talking": {"Up", true, formerly(func(x *acd.Expected) { x.Music, x.Joined, x.Legs = false, legID, legOf(true, true) })},
	} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			fake.SetChannel(callID, "Up", appData)
			if c.legState != "" {
				fake.SetChannel(string(legID), c.legState, "")
			}
			if c.bridged {
				fake.SetBridge(acd.BridgeID(callID), callID, string(legID))
			}
			b := newBenchAt(t, fake, func(o *asterisk.Options) { o.ReconcileEvery = 20 * time.Millisecond }, c.known)
			b.waitReady()
			b.undisturbed()
			if n := b.fake.Count("POST /channels") + b.fake.Count("POST /bridges"); n != 0 {
				t.Errorf("asked for: %v", b.fake.Requests())
			}
		})
	}
}

// What has changed meanwhile is told as events.
func TestWhatHappenedBeforeATakeoverIsTold(t *testing.T) {
	begin := func(t *testing.T, caller, leg bool, legState string, known acd.Expected) *bench {
		fake := aritest.New()
		if caller {
			fake.SetChannel(callID, "Up", appData)
		}
		if leg {
			fake.SetChannel(string(legID), legState, "")
		}
		return newBenchAt(t, fake, nil, known)
	}
	t.Run("the caller has left", func(t *testing.T) {
		b := begin(t, false, false, "", formerly(func(*acd.Expected) {}))
		if gone, _ := expect[acd.CallGone](b.rig); gone.Call != callID || !gone.Vanished {
			t.Errorf("%+v", gone)
		}
	})
	t.Run("the agent has left", func(t *testing.T) {
		b := begin(t, true, false, "", formerly(func(x *acd.Expected) { x.Music, x.Joined, x.Legs = false, legID, legOf(true, true) }))
		if gone, _ := expect[acd.LegGone](b.rig); gone.Leg != legID {
			t.Errorf("%+v", gone)
		}
	})
	t.Run("the agent has lifted", func(t *testing.T) {
		b := begin(t, true, true, "Up", formerly(func(x *acd.Expected) { x.Legs = legOf(true, false) }))
		if lifted, _ := expect[acd.LegAnswered](b.rig); lifted.Leg != legID {
			t.Errorf("%+v", lifted)
		}
	})
	t.Run("they were not connected yet", func(t *testing.T) {
		b := begin(t, true, true, "Up", formerly(func(x *acd.Expected) { x.Music, x.Joins, x.Legs = false, legID, legOf(true, true) }))
		expect[acd.Connected](b.rig)
		b.waitFor("POST /bridges/"+acd.BridgeID(callID)+"/addChannel", 1)
	})
	t.Run("they were connected already", func(t *testing.T) {
		fake := aritest.New()
		fake.SetChannel(callID, "Up", appData)
		fake.SetChannel(string(legID), "Up", "")
		fake.SetBridge(acd.BridgeID(callID), callID, string(legID))
		b := newBenchAt(t, fake, nil, formerly(func(x *acd.Expected) { x.Music, x.Joins, x.Legs = false, legID, legOf(true, true) }))
		expect[acd.Connected](b.rig)
		if b.waitReady(); b.fake.Count("POST /channels")+b.fake.Count("POST /bridges") != 0 {
			t.Errorf("asked for: %v", b.fake.Requests())
		}
	})
	t.Run("the music may not have been started", func(t *testing.T) {
		b := begin(t, true, false, "", formerly(func(x *acd.Expected) { x.Fresh = true }))
		b.waitFor("POST /channels/"+callID+"/moh", 1)
	})
}

// Whoever is on the line although the record is written is hung up, not served anew.
func TestCallerOfAnEndedCallIsHungUp(t *testing.T) {
	for _, over := range []bool{true, false} {
		fake := aritest.New()
		fake.SetChannel(callID, "Up", appData)
		b := newBenchAt(t, fake, func(o *asterisk.Options) {
			o.Over = func(_ context.Context, call acd.CallID) bool { return over && call == callID }
		})
		if !over {
			expect[acd.CallArrived](b.rig)
			continue
		}
		b.waitFor("DELETE /channels/"+callID, 1)
		b.quiet()
	}
}

// Without the right to command, nothing is asked for; questions are.
func TestNothingIsCommandedThroughAClosedGate(t *testing.T) {
	gate := make(chan error)
	b := newBench(t, func(o *asterisk.Options) {
		o.Gate = func(ctx context.Context) error {
			select {
			case err := <-gate:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	pass := func(err error) {
		t.Helper()
		select {
		case gate <- err:
		case <-b.ctx.Done():
			t.Fatal("nobody asks at the gate")
		}
	}
	pass(nil) // the event connection
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.sw.Do([]acd.Command{acd.Answer{Call: callID, Node: "a1"}, acd.StartMusic{Call: callID, Node: "a1"}})
	for range 2 {
		pass(errors.New("another controller has taken over"))
	}
	b.waitFor("GET /channels", 2)
	if n := b.fake.Count("POST /channels") + b.fake.Count("POST /bridges"); n != 0 {
		t.Errorf("asked for: %v", b.fake.Requests())
	}
}

// A phone that began to ring when the former controller could not write it any more: the
// ringing tone that the caller may hear since is ended, unless the phone rings on.
func TestARingingToneThatNobodyHasWrittenDownIsEnded(t *testing.T) {
	known := formerly(func(x *acd.Expected) { x.Legs, x.MayTone = legOf(false, false), 2 })
	for _, c := range []struct {
		state string
		ended int
	}{{"Up", 1}, {"Ringing", 0}} {
		t.Run(c.state, func(t *testing.T) {
			fake := aritest.New()
			fake.SetChannel(callID, "Up", appData)
			fake.SetChannel(string(legID), c.state, "")
			b := newBenchAt(t, fake, nil, known)
			b.waitReady()
			if c.state == "Up" {
				expect[acd.LegAnswered](b.rig)
				b.waitFor("DELETE /playbacks/", 1)
			} else {
				expect[acd.LegRinging](b.rig)
			}
			b.sw.Do([]acd.Command{acd.StartRingback{Call: callID, Node: "a1", Tone: 2}})
			b.sw.Do([]acd.Command{acd.Connect{Call: callID, Leg: legID, Node: "a1"}})
			expect[acd.Connected](b.rig)
			// The tone that goes on is not begun again, and ended before they are connected.
			if n := b.fake.Count("DELETE /playbacks/"); n != c.ended+1 {
				t.Errorf("%d playbacks were ended: %v", n, b.fake.Requests())
			}
			if n := b.fake.Count("POST /channels/" + callID + "/play"); n != c.ended {
				t.Errorf("%d tones were begun: %v", n, b.fake.Requests())
			}
		})
	}
}

// A bridge that the former controller did not make any more is made.
func TestABridgeThatWasNeverMadeIsMade(t *testing.T) {
	fake := aritest.New()
	fake.SetChannel(callID, "Up", appData)
	fake.SetChannel(string(legID), "Up", "")
	made := make(chan struct{}, 8)
	fake.Script(func(method, path string) (aritest.Reply, bool) {
		switch path {
		case "/bridges/" + acd.BridgeID(callID):
			if method == "POST" {
				made <- struct{}{}
			}
		case "/bridges/" + acd.BridgeID(callID) + "/addChannel":
			return aritest.Reply{Status: 404, Body: `{"message":"Bridge not found"}`}, len(made) == 0
		}
		return aritest.Reply{}, false
	})
	b := newBenchAt(t, fake, nil, formerly(func(x *acd.Expected) { x.Music, x.Joins, x.Legs = false, legID, legOf(true, true) }))
	b.waitReady()
	expect[acd.Connected](b.rig)
	if len(made) != 1 {
		t.Errorf("it was made %d times: %v", len(made), b.fake.Requests())
	}
}
