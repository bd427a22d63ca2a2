package asterisk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// Requests that fail, get no answer, or come too late.

func TestFailingRequestsBecomeEvents(t *testing.T) {
	fail := func(part string, r aritest.Reply) func(string, string) (aritest.Reply, bool) {
		return func(_, path string) (aritest.Reply, bool) { return r, strings.Contains(path, part) }
	}
	replies := map[string]aritest.Reply{
		"500": {Status: 500, Body: `{"error":"Allocation failed"}`}, "404": {Status: 404, Body: `{"message":"no"}`},
		"409 without JSON": {Status: 409, Body: `no`}, "silence": {Hang: true},
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.waitReady()
			b.fake.SetChannel(callID, "Ring", appData)
			b.send(start(callID))
			expect[acd.CallArrived](b.rig)

			b.fake.Script(fail("/play/", reply))
			b.sw.Do([]acd.Command{acd.Play{Call: callID, Node: "a1", Prompts: []string{"greeting"}}})
			expect[acd.CallPlayed](b.rig)

			b.fake.Script(fail("/dial", reply))
			b.sw.Do([]acd.Command{legOffer()})
			b.waitFor("POST /channels/create", 1)
			b.send(legStart())
			if reply.Status == 404 {
				// The leg has gone by itself; its end is told by an event.
				b.send(aritest.Event("ChannelDestroyed", string(legID), "Down", `"cause":20,`))
			}
			gone, _ := expect[acd.LegGone](b.rig)
			if (gone.Outcome == acd.OfferNodeFault) != reply.Hang || gone.MayRing != (reply.Status != 404) {
				t.Errorf("%+v", gone)
			}
			if gone.MayRing {
				expect[acd.LegGone](b.rig) // it has been removed
			}

			if reply.Status != 409 { // 409 means that it exists
				b.fake.Script(fail("/create", reply))
				second := legOffer()
				second.Leg = acd.NewLegID(callID, 2, "1001")
				b.sw.Do([]acd.Command{second})
				want := acd.LegGone{Leg: second.Leg, Outcome: acd.OfferFailed}
				switch {
				case reply.Status == 500:
					want.Outcome = acd.OfferUnreachable
				case reply.Hang:
					want.Outcome, want.MayRing = acd.OfferNodeFault, true
				}
				if gone, _ := expect[acd.LegGone](b.rig); gone != want {
					t.Errorf("%+v", gone)
				}
				if reply.Hang {
					b.waitFor("DELETE /channels/"+string(second.Leg), 1)
					if gone, _ := expect[acd.LegGone](b.rig); gone.MayRing {
						t.Errorf("it has been removed: %+v", gone)
					}
				}
			}

			b.fake.Script(fail("/addChannel", reply))
			third := legOffer()
			third.Leg = acd.NewLegID(callID, 3, "1001")
			b.fake.SetChannel(string(third.Leg), "Up", "")
			b.sw.Do([]acd.Command{third, acd.Connect{Call: callID, Leg: third.Leg, Node: "a1"}})
			if failed, _ := expect[acd.ConnectFailed](b.rig); failed.NodeFault != reply.Hang {
				t.Errorf("%+v", failed)
			}

			// Clean-up counts as done whatever the answer.
			b.fake.Script(func(method, _ string) (aritest.Reply, bool) { return reply, method == "DELETE" })
			b.sw.Do([]acd.Command{acd.Release{Call: callID, Leg: third.Leg, Node: "a1"}})
			b.waitFor("DELETE /bridges/", 1)
		})
	}
}

// Who hangs up at the moment of the answer is told before the connection
// fails, so that nobody else is to blame; what tells it late is no news.
func TestWhoHasGoneIsToldBeforeConnectFailed(t *testing.T) {
	cases := map[string]struct {
		caller, leg string // their states when asked; empty when gone
		appData     string
		late        bool // the caller's channel goes only after the first look
	}{
		"caller":                          {leg: "Up"},
		"caller, still in the dialplan":   {caller: "Up", leg: "Up", appData: "elsewhere"},
		"caller, there for a moment more": {caller: "Up", leg: "Up", appData: appData, late: true},
		"agent":                           {caller: "Up", appData: appData},
		"both":                            {},
		"nobody":                          {caller: "Up", leg: "Up", appData: appData},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.waitReady()
			b.send(start(callID))
			expect[acd.CallArrived](b.rig)
			b.sw.Do([]acd.Command{legOffer()})
			b.waitFor("POST /channels/create", 1)
			b.send(legStart(), aritest.Event("ChannelStateChange", string(legID), "Up", ""))
			expect[acd.LegAnswered](b.rig)
			b.fake.SetChannel(callID, c.caller, c.appData)
			b.fake.SetChannel(string(legID), c.leg, "")
			b.fake.Script(func(method, path string) (aritest.Reply, bool) {
				if c.late && method == "GET" && path == "/channels/"+string(legID) {
					b.fake.SetChannel(callID, "", "")
				}
				return aritest.Reply{Status: 422, Body: `{"message":"Channel not in Stasis application"}`}, strings.HasSuffix(path, "/addChannel")
			})
			b.sw.Do([]acd.Command{acd.Connect{Call: callID, Leg: legID, Node: "a1"}})
			callerGone := c.caller == "" || c.appData != appData || c.late
			if callerGone {
				if gone, _ := expect[acd.CallGone](b.rig); gone != (acd.CallGone{Call: callID}) {
					t.Errorf("%+v", gone)
				}
			}
			if c.leg == "" {
				if gone, _ := expect[acd.LegGone](b.rig); gone != (acd.LegGone{Leg: legID, Outcome: acd.OfferAnswered}) {
					t.Errorf("%+v", gone)
				}
			}
			if failed, _ := expect[acd.ConnectFailed](b.rig); failed.NodeFault {
				t.Errorf("%+v", failed)
			}
			if callerGone {
				b.send(aritest.Event("ChannelHangupRequest", callID, "Up", ""), aritest.Event("StasisEnd", callID, "Up", ""))
			}
			if c.leg == "" {
				b.send(aritest.Event("ChannelDestroyed", string(legID), "Up", `"cause":16,`))
			}
			b.send(start("a1-1.2"))
			expect[acd.CallArrived](b.rig) // and nothing is told twice
		})
	}
}

// The reply that tells of a connection may be lost. Who talks is not to be hung up.
func TestALostReplyEndsNoConversation(t *testing.T) {
	unplugged := aritest.Reply{Hang: true}
	for name, c := range map[string]struct {
		reply     aritest.Reply
		bridge    string
		members   []string
		connected bool
	}{
		"both are in the bridge":  {unplugged, acd.BridgeID(callID), []string{string(legID), callID}, true},
		"the node is overloaded":  {aritest.Reply{Status: 503}, acd.BridgeID(callID), []string{string(legID), callID}, true},
		"only the caller is":      {unplugged, acd.BridgeID(callID), []string{callID}, false},
		"only the agent is":       {unplugged, acd.BridgeID(callID), []string{string(legID)}, false},
		"there is no such bridge": {unplugged, acd.BridgeID("a1-0.1"), []string{string(legID), callID}, false},
		"Asterisk refuses":        {aritest.Reply{Status: 422}, acd.BridgeID(callID), []string{string(legID), callID}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *asterisk.Options) { o.RequestTimeout = 100 * time.Millisecond })
			b.waitReady()
			b.fake.SetChannel(callID, "Up", appData)
			b.send(start(callID))
			expect[acd.CallArrived](b.rig)
			b.fake.SetChannel(string(legID), "Up", "")
			b.fake.SetBridge(c.bridge, c.members...)
			b.fake.Script(func(_, path string) (aritest.Reply, bool) { return c.reply, strings.HasSuffix(path, "/addChannel") })
			b.sw.Do([]acd.Command{legOffer(), acd.Connect{Call: callID, Leg: legID, Node: "a1"}})
			if !c.connected {
				if failed, _ := expect[acd.ConnectFailed](b.rig); failed.NodeFault != (c.reply.Status == 0) {
					t.Errorf("%+v", failed)
				}
				return
			}
			if connected, _ := expect[acd.Connected](b.rig); connected != (acd.Connected{Call: callID, Leg: legID}) {
				t.Errorf("%+v", connected)
			}
			// The adapter knows it too: the caller is taken out before music is played.
			b.sw.Do([]acd.Command{acd.StartMusic{Call: callID, Node: "a1"}})
			b.waitFor("POST /bridges/"+acd.BridgeID(callID)+"/removeChannel", 1)
		})
	}
}

// The ringing tone has no end of its own: one that may have begun is ended.
func TestRingbackThatMayHaveBegunIsEnded(t *testing.T) {
	for name, reply := range map[string]aritest.Reply{"no reply": {Hang: true}, "refused": {Status: 500}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.waitReady()
			b.fake.SetChannel(callID, "Up", appData)
			b.send(start(callID))
			expect[acd.CallArrived](b.rig)
			b.fake.Script(func(_, path string) (aritest.Reply, bool) { return reply, strings.Contains(path, "/play/") })
			b.sw.Do([]acd.Command{
				legOffer(), acd.StartRingback{Call: callID, Node: "a1"}, acd.Connect{Call: callID, Leg: legID, Node: "a1"},
			})
			expect[acd.Connected](b.rig)
			if n := b.fake.Count("DELETE /playbacks/ring_"); (n == 1) != reply.Hang {
				t.Errorf("the tone was ended %d times", n)
			}
		})
	}
}

// What a waiting caller is told ends when something else is to be told, or an
// agent answers: all that may be heard, and none of it is CallPlayed.
func TestConnectStopsPrompts(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	play := acd.Play{Call: callID, Node: "a1", Prompts: []string{"agents-busy"}}
	playbacks := func(method string) (ids []string) {
		for _, r := range b.fake.Requests() {
			if i := strings.Index(r, "play_"); i >= 0 && strings.HasPrefix(r, method) {
				ids = append(ids, r[i:])
			}
		}
		return ids
	}

	b.sw.Do([]acd.Command{play}) // ends by itself
	b.waitFor("POST /channels/"+callID+"/play/", 1)
	b.send(fmt.Sprintf(`{"type":"PlaybackFinished","playback":{"id":%q}}`, playbacks("POST")[0]))
	expect[acd.CallPlayed](b.rig)
	b.fake.Script(func(_, path string) (aritest.Reply, bool) {
		return aritest.Reply{Hang: true}, strings.Contains(path, "/play/")
	})
	b.sw.Do([]acd.Command{play}) // may have begun
	expect[acd.CallPlayed](b.rig)
	b.fake.Script(func(_, path string) (aritest.Reply, bool) {
		return aritest.Reply{Status: 500}, strings.Contains(path, "/play/")
	})
	b.sw.Do([]acd.Command{play}) // has not begun
	expect[acd.CallPlayed](b.rig)
	b.fake.Script(nil)
	b.sw.Do([]acd.Command{play, legOffer(), acd.Connect{Call: callID, Leg: legID, Node: "a1"}})
	expect[acd.Connected](b.rig)
	asked := playbacks("POST")
	if got, want := playbacks("DELETE"), []string{asked[1], asked[3]}; !slices.Equal(got, want) {
		t.Errorf("ended %v, want %v of %v", got, want, asked)
	}
	requests := b.fake.Requests()
	if last := requests[len(requests)-1]; !strings.HasSuffix(last, "/addChannel") {
		t.Errorf("the last request is %s", last)
	}
	b.send(fmt.Sprintf(`{"type":"PlaybackFinished","playback":{"id":%q}}`, asked[3]), start("a1-1.2"))
	expect[acd.CallArrived](b.rig) // and no CallPlayed before it
}

// A call that the engine has done with must not stay at the switch because its
// hang-up failed.
func TestReleaseThatFailsIsMadeGood(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.fake.Script(func(method, path string) (aritest.Reply, bool) {
		return aritest.Reply{Status: 500}, method == "DELETE"
	})
	b.sw.Do([]acd.Command{acd.Release{Call: callID, Node: "a1"}})
	b.waitFor("DELETE /channels/"+callID, 2) // the second one after a listing
	b.fake.Script(nil)
	b.waitFor("DELETE /channels/"+callID, 3)
	b.quiet() // and it is no new caller meanwhile
	b.fake.SetChannel(callID, "", "")
	b.send(aritest.Event("StasisEnd", callID, "Up", ""))
	expect[acd.CallGone](b.rig)
}

func TestCancelledOfferNeverRings(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	// The offer waits behind another command of the call, or it might have begun before
	// it is cancelled.
	begun, goOn := make(chan struct{}), make(chan struct{})
	b.fake.Script(func(_, path string) (aritest.Reply, bool) {
		if strings.HasSuffix(path, "/answer") {
			close(begun)
			<-goOn
		}
		return aritest.Reply{}, false
	})
	b.sw.Do([]acd.Command{acd.Answer{Call: callID, Node: "a1"}})
	<-begun
	b.sw.Do([]acd.Command{legOffer(), acd.CancelLeg{Call: callID, Leg: legID, Node: "a1"}})
	close(goOn)
	expect[acd.LegGone](b.rig)
	// Asterisk made it after all, unseen by us.
	b.send(legStart())
	b.waitFor("DELETE /channels/"+string(legID), 1)
	if n := b.fake.Count("POST /channels/" + string(legID)); n != 0 {
		t.Errorf("it was dialled")
	}
}

// A playback that has just begun cannot be stopped for a moment; the ringing tone
// would never end.
func TestRingingToneIsStoppedThoughItHasJustBegun(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	tries := 0
	b.fake.Script(func(method, path string) (aritest.Reply, bool) {
		if method != "DELETE" || !strings.HasPrefix(path, "/playbacks/") {
			return aritest.Reply{}, false
		}
		tries++
		return aritest.Reply{Status: 500, Body: `{"message":"Could not stop playback"}`}, tries < 3
	})
	b.sw.Do([]acd.Command{acd.StartRingback{Call: callID, Node: "a1"}, acd.StopRingback{Call: callID, Node: "a1"}})
	b.waitFor("DELETE /playbacks/", 3)
	b.quiet()
	if n := b.fake.Count("DELETE /playbacks/"); n != 3 {
		t.Errorf("asked %d times", n)
	}
}
