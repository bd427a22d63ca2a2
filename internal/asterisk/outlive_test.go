package asterisk_test

import (
	"context"
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

// Who talks when a controller starts that knows nothing goes on talking, and the
// engine hears of it. When one side hangs up, it says what comes of the other.
func TestConversationOfWhichNothingIsKnownGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		end  []string
		want acd.Event
	}{
		"caller hangs up": {
			[]string{aritest.Event("ChannelHangupRequest", callID, "Up", ""), aritest.Event("StasisEnd", callID, "Up", "")},
			acd.CallGone{Call: callID},
		},
		"agent hangs up": {
			[]string{aritest.Event("StasisEnd", string(legID), "Up", ""), aritest.Event("ChannelDestroyed", string(legID), "Up", `"cause":16,`)},
			acd.LegGone{Leg: legID, Outcome: acd.OfferAnswered},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			conversation(fake)
			b := newBenchAt(t, fake, func(o *asterisk.Options) { o.ReconcileEvery = 20 * time.Millisecond })
			found, _ := expect[acd.TalkFound](b.rig)
			want := acd.TalkFound{
				Call: callID, Leg: legID, Node: "a1", Entry: "12345", Caller: "13812345678", Seat: "8001",
				Arrived: stamp("02:10:43.843"), Rung: stamp("02:10:43.843"), Answered: stamp("02:11:00.000"),
			}
			if found.Arrived, found.Rung, found.Answered = found.Arrived.UTC(), found.Rung.UTC(), found.Answered.UTC(); found != want {
				t.Errorf("%+v, want %+v", found, want)
			}
			b.waitReady()
			b.undisturbed()
			b.send(c.end...)
			if got, _ := expect[acd.Event](b.rig); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			b.sw.Do([]acd.Command{acd.Release{Call: callID, Leg: legID, Node: "a1"}})
			b.waitFor("DELETE /bridges/"+acd.BridgeID(callID), 1)
		})
	}
}

func stamp(clock string) time.Time {
	at, _ := time.Parse(time.DateTime, "2026-11-24 "+clock)
	return at
}

// An engine whose state is older than the conversation hears of it likewise, and the
// caller is not taken out of the bridge to hear music.
func TestConversationThatTheStateIsBehind(t *testing.T) {
	fake := aritest.New()
	conversation(fake)
	b := newBenchAt(t, fake, func(o *asterisk.Options) { o.ReconcileEvery = 20 * time.Millisecond }, formerly(func(x *acd.Expected) { x.Fresh = true }))
	if found, _ := expect[acd.TalkFound](b.rig); found.Call != callID || found.Leg != legID {
		t.Errorf("%+v", found)
	}
	b.waitReady()
	b.undisturbed()
	if b.fake.Count("POST /channels")+b.fake.Count("POST /bridges") != 0 {
		t.Errorf("asked for: %v", b.fake.Requests())
	}
}

// A conversation whose record is written already goes on too, and the engine does not
// hear of it: when one side hangs up, the other is hung up here.
func TestConversationThatIsRecordedGoesOn(t *testing.T) {
	for name, end := range map[string][]string{
		"caller hangs up": {aritest.Event("ChannelHangupRequest", callID, "Up", ""), aritest.Event("StasisEnd", callID, "Up", "")},
		"agent hangs up":  {aritest.Event("StasisEnd", string(legID), "Up", ""), aritest.Event("ChannelDestroyed", string(legID), "Up", `"cause":16,`)},
	} {
		t.Run(name, func(t *testing.T) {
			fake := aritest.New()
			conversation(fake)
			b := newBenchAt(t, fake, func(o *asterisk.Options) {
				o.ReconcileEvery = 20 * time.Millisecond
				o.Over = func(_ context.Context, call acd.CallID) bool { return call == callID }
			})
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

// Who waits is told with the true time of arrival, after who talks; a leg that rings
// for nobody is hung up.
func TestCallerOfWhomNothingIsKnownWaitsOn(t *testing.T) {
	const other = "a1-2.2"
	ringing := acd.NewLegID(other, 1, "1002")
	fake := aritest.New()
	conversation(fake)
	fake.SetChannel(other, "Up", "hotline,entry,12345,1795485000.250")
	fake.SetChannel(string(ringing), "Ringing", "hotline,leg")
	b := newBenchAt(t, fake, nil)
	expect[acd.TalkFound](b.rig)
	if came, _ := expect[acd.CallArrived](b.rig); came.Call != other || !came.Since.Equal(time.UnixMilli(1795485000250)) {
		t.Errorf("%+v", came)
	}
	b.waitFor("DELETE /channels/"+string(ringing), 1)
	b.quiet()
	if n := b.fake.Count("DELETE"); n != 1 {
		t.Errorf("removed: %v", b.fake.Requests())
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
