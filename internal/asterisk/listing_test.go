package asterisk_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// What a listing of the node may and may not conclude.

// A channel that hangs on long after its hang-up is not a caller who comes,
// even if no listing was made for longer than a channel needs to go.
func TestChannelThatHangsOnIsNoNewCaller(t *testing.T) {
	for _, settle := range []time.Duration{50 * time.Millisecond, time.Nanosecond} {
		b := newBench(t, func(o *asterisk.Options) {
			o.ReconcileEvery, o.SettleTime = 20*time.Millisecond, settle
		})
		b.waitReady()
		b.fake.SetChannel(callID, "Up", appData)
		b.send(start(callID))
		expect[acd.CallArrived](b.rig)
		b.send(aritest.Event("ChannelHangupRequest", callID, "Up", ""))
		expect[acd.CallGone](b.rig)
		b.send(aritest.Event("StasisEnd", callID, "Up", "")) // takes nothing back
		b.waitFor("GET /channels", b.fake.Count("GET /channels")+10)
		b.quiet()
		// An event is believed all the same.
		b.send(start(callID))
		expect[acd.CallArrived](b.rig)
	}
}

// A channel that left the application without a hang-up, and is in it a good
// while later, is a caller who came back unseen.
func TestChannelThatComesBackIsACaller(t *testing.T) {
	b := newBench(t, func(o *asterisk.Options) {
		o.ReconcileEvery, o.SettleTime = 20*time.Millisecond, 200*time.Millisecond
	})
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.send(aritest.Event("StasisEnd", callID, "Up", ""))
	_, gone := expect[acd.CallGone](b.rig)
	if _, back := expect[acd.CallArrived](b.rig); back.Sub(gone) < 200*time.Millisecond {
		t.Errorf("back after %v, while its end was still under way", back.Sub(gone))
	}
}

// The bridge of a call that has ended is left to Release for a while, and then
// removed.
func TestBridgeThatIsLeftOverIsRemoved(t *testing.T) {
	b := newBench(t, func(o *asterisk.Options) {
		o.ReconcileEvery, o.SettleTime = 20*time.Millisecond, 200*time.Millisecond
	})
	b.waitReady()
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.fake.SetBridge(acd.BridgeID(callID))
	b.send(aritest.Event("ChannelHangupRequest", callID, "Up", ""))
	_, gone := expect[acd.CallGone](b.rig)
	b.waitFor("DELETE /bridges/"+acd.BridgeID(callID), 1)
	if took := time.Since(gone); took < 200*time.Millisecond {
		t.Errorf("removed after %v", took)
	}
}

func TestListingDoesNotMisfire(t *testing.T) {
	b := newBench(t, func(o *asterisk.Options) { o.ReconcileEvery = 20 * time.Millisecond })
	b.waitReady()
	b.fake.SetChannel(callID, "Ring", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	n := b.fake.Count("GET /channels")
	b.waitFor("GET /channels", n+4)
	b.quiet()
	// Missing in one listing only: its end would be told by an event.
	missed := false
	b.fake.Script(func(_, path string) (aritest.Reply, bool) {
		if path != "/channels" || missed {
			return aritest.Reply{}, false
		}
		missed = true
		return aritest.Reply{Status: 200, Body: "[]"}, true
	})
	n = b.fake.Count("GET /channels")
	b.waitFor("GET /channels", n+4)
	b.quiet()
	// Still listed a moment after its end was told: not a new caller.
	const other = "a1-1.9"
	b.fake.SetChannel(other, "Up", appData)
	b.send(start(other))
	expect[acd.CallArrived](b.rig)
	b.send(aritest.Event("StasisEnd", other, "Up", ""))
	expect[acd.CallGone](b.rig)
	n = b.fake.Count("GET /channels")
	b.waitFor("GET /channels", n+4)
	b.quiet()
	b.fake.SetChannel(other, "", "")
	// Truly gone, and no event told it.
	b.fake.SetChannel(callID, "", "")
	if gone, _ := expect[acd.CallGone](b.rig); !gone.Vanished {
		t.Errorf("%+v", gone)
	}
}
