package asterisk_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// Conversations that outlive the controller or the connection.

// conversation lets the node have caller and agent in one bridge.
func conversation(fake *aritest.Server) {
	fake.SetChannel(callID, "Up", appData)
	fake.SetChannel(string(legID), "Up", "")
	fake.SetBridge(acd.BridgeID(callID), callID, string(legID))
}

// undisturbed waits for more listings and asserts that nothing was removed.
func (b *bench) undisturbed() {
	b.t.Helper()
	b.waitFor("GET /channels", b.fake.Count("GET /channels")+3)
	if b.quiet(); b.fake.Count("DELETE") != 0 {
		b.t.Fatalf("removed: %v", b.fake.Requests())
	}
}

// Who talks when a controller starts goes on talking, and when one side hangs
// up the other is too.
func TestConversationOfAFormerControllerGoesOn(t *testing.T) {
	for name, end := range map[string][]string{
		"caller hangs up": {aritest.Event("ChannelHangupRequest", callID, "Up", ""), aritest.Event("StasisEnd", callID, "Up", "")},
		"agent hangs up":  {aritest.Event("StasisEnd", string(legID), "Up", ""), aritest.Event("ChannelDestroyed", string(legID), "Up", `"cause":16,`)},
	} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			conversation(fake)
			b := newBenchAt(t, fake, func(o *asterisk.Options) { o.ReconcileEvery = 20 * time.Millisecond })
			b.waitReady()
			b.undisturbed()
			b.send(end...)
			b.waitFor("DELETE /channels/"+callID, 1)
			b.waitFor("DELETE /channels/"+string(legID), 1)
			b.waitFor("DELETE /bridges/"+acd.BridgeID(callID), 1)
			b.quiet()
		})
	}
}

// A node that was only out of reach still has its conversations when it is
// back, though their calls have counted as lost meanwhile.
func TestConversationOutlivesANodeOutOfReach(t *testing.T) {
	b := newBench(t, func(o *asterisk.Options) {
		o.DeadAfter, o.ReconcileEvery = 50*time.Millisecond, 20*time.Millisecond
	})
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.sw.Do([]acd.Command{legOffer()})
	b.waitFor("POST /channels/create", 1)
	b.fake.SetChannel(string(legID), "Up", "")
	b.send(legStart(), aritest.Event("ChannelStateChange", string(legID), "Up", ""))
	expect[acd.LegAnswered](b.rig)
	b.sw.Do([]acd.Command{acd.Connect{Call: callID, Leg: legID, Node: "a1"}})
	expect[acd.Connected](b.rig)
	conversation(b.fake)

	b.fake.Refuse()
	expect[acd.NodeDown](b.rig)
	noErr(t, b.fake.Accept())
	b.waitReady()
	// What the engine said of the lost call may come as late as this.
	b.sw.Do([]acd.Command{acd.Release{Call: callID, Leg: legID, Node: "a1", CallerGone: true, LegGone: true}})
	b.undisturbed()
}
