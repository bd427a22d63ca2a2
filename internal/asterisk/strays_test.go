package asterisk_test

import (
	"sync/atomic"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// stray lets the node have a channel under a name of ours that a former
// controller made; gone says what comes of it when it is hung up.
func stray(fake *aritest.Server, id, appData string, listed bool, gone func()) {
	var there atomic.Bool
	there.Store(true)
	if listed {
		fake.SetChannel(id, "Ringing", appData)
	}
	fake.Script(func(method, path string) (aritest.Reply, bool) {
		switch {
		case !there.Load():
		case path == "/channels/create":
			return aritest.Reply{Status: 409, Body: `{"message":"Channel with given unique ID already exists"}`}, true
		case method == "DELETE" && path == "/channels/"+id:
			if gone != nil {
				there.Store(false)
				go gone()
			}
		}
		return aritest.Reply{}, false
	})
}

// newStrayBench is quick to list and to give up.
func newStrayBench(t *testing.T, fake *aritest.Server) *bench {
	return newBenchAt(t, fake, func(o *asterisk.Options) {
		o.SettleTime, o.ReconcileEvery, o.OutboundTrunk = 300*time.Millisecond, 50*time.Millisecond, "carrier"
	})
}

// A leg that is asked for rings, once, though a former controller has left one
// of the same name, whenever and however its end becomes known.
func TestLegOfTheNameOfAFormerOne(t *testing.T) {
	end := aritest.Event("ChannelDestroyed", string(legID), "Ringing", `"cause":16,`)
	for name, c := range map[string]struct{ listed, told bool }{
		"listed, its end is told":     {true, true},
		"listed, its end is lost":     {true, false},
		"not listed, its end is told": {false, true},
		"not listed, its end is lost": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			fake.SetChannel(callID, "Up", appData)
			stray(fake, string(legID), "hotline,leg", c.listed, func() {
				time.Sleep(5 * time.Millisecond)
				fake.SetChannel(string(legID), "", "")
				if c.told {
					_ = fake.Send(aritest.Event("ChannelStateChange", string(legID), "Up", ""), end)
				}
			})
			b := newStrayBench(t, fake)
			expect[acd.CallArrived](b.rig)
			creations := 1
			if !c.listed {
				creations = 2 // the first is refused
			}
			b.sw.Do([]acd.Command{legOffer()})
			b.waitFor("POST /channels/create", creations)
			b.fake.SetChannel(string(legID), "Down", "hotline,leg")
			b.send(legStart())
			b.waitFor("POST /channels/"+string(legID)+"/dial", 1)
			b.fake.SetChannel(string(legID), "Ringing", "")
			b.send(aritest.Event("ChannelStateChange", string(legID), "Ringing", ""))
			expect[acd.LegRinging](b.rig)
			b.waitFor("GET /channels", b.fake.Count("GET /channels")+3)
			b.quiet()
			if made, hung := b.fake.Count("POST /channels/create"), b.fake.Count("DELETE /channels/"+string(legID)); made != creations || hung == 0 {
				t.Errorf("asked for %d times, hung up %d times", made, hung)
			}
			b.send(end) // the new one's
			expect[acd.LegGone](b.rig)
		})
	}
}

// An offer is not put off for ever, and may be withdrawn meanwhile.
func TestLegWhoseNameIsNotFree(t *testing.T) {
	for name, want := range map[string]acd.OfferOutcome{"does not end": acd.OfferFailed, "withdrawn": acd.OfferWithdrawn} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			fake.SetChannel(callID, "Up", appData)
			stray(fake, string(legID), "hotline,leg", true, nil)
			b := newStrayBench(t, fake)
			expect[acd.CallArrived](b.rig)
			b.sw.Do([]acd.Command{legOffer()})
			if want == acd.OfferWithdrawn {
				b.sw.Do([]acd.Command{acd.CancelLeg{Call: callID, Leg: legID, Node: "a1"}})
				b.waitFor("DELETE /channels/"+string(legID), 2)
				b.send(aritest.Event("ChannelDestroyed", string(legID), "Ringing", `"cause":16,`))
			}
			if gone, _ := expect[acd.LegGone](b.rig); gone != (acd.LegGone{Leg: legID, Outcome: want}) {
				t.Errorf("%+v", gone)
			}
			if n := b.fake.Count("POST /channels/create"); n != 0 {
				t.Errorf("made %d times under a name that is not free", n)
			}
		})
	}
}

// The same holds for the channel of a caller who is called back.
func TestCallbackOfTheNameOfAFormerOne(t *testing.T) {
	for name, released := range map[string]bool{"wanted": false, "released meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			call := acd.CallID("callback-1-a1-0.1")
			end := aritest.Event("ChannelDestroyed", string(call), "Ringing", `"cause":16,`)
			fake := aritest.New()
			hungUp := make(chan struct{})
			stray(fake, string(call), "hotline,callback", true, func() { close(hungUp) })
			b := newStrayBench(t, fake)
			b.waitReady()
			<-hungUp
			b.sw.Do([]acd.Command{acd.DialOut{Call: call, Leg: legID, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: time.Second}})
			if released {
				b.sw.Do([]acd.Command{acd.Release{Call: call, Node: "a1", LegGone: true}})
				b.waitFor("DELETE /channels/"+string(call), 2)
			}
			b.fake.SetChannel(string(call), "", "")
			b.send(end)
			if released {
				if gone, _ := expect[acd.CallGone](b.rig); gone.Outcome != acd.OfferWithdrawn {
					t.Errorf("%+v", gone)
				}
				return
			}
			b.waitFor("POST /channels/create", 1)
			b.fake.SetChannel(string(call), "Down", "hotline,callback")
			b.send(aritest.Event("StasisStart", string(call), "Down", `"args":["callback"],`))
			b.waitFor("POST /channels/"+string(call)+"/dial", 1)
			b.quiet()
		})
	}
}

// A caller's channel that came into the application while no event did is
// dialled all the same.
func TestCallbackWhoseStartWasMissedIsDialled(t *testing.T) {
	b := newStrayBench(t, aritest.New())
	b.waitReady()
	call := acd.CallID("callback-1-a1-0.1")
	leg := acd.NewLegID(call, 1, "1001")
	b.sw.Do([]acd.Command{acd.DialOut{Call: call, Leg: leg, Node: "a1", Number: "13912345678", CallerID: "12345", Timeout: time.Second}})
	b.waitFor("POST /channels/create", 1)
	b.fake.SetChannel(string(call), "Down", "hotline,callback")
	b.fake.Drop()
	b.waitFor("POST /channels/"+string(call)+"/dial", 1)
	b.waitFor("GET /channels", b.fake.Count("GET /channels")+3)
	if n := b.fake.Count("POST /channels/" + string(call) + "/dial"); n != 1 {
		t.Errorf("dialled %d times", n)
	}
	b.quiet()
}
