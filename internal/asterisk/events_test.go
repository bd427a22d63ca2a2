package asterisk_test

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// What the event stream brings, in whatever order and amount.

func TestEventsThatAreNotNeededOrNotLegible(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.fake.SetChannel(callID, "Ring", appData)
	b.send(
		`{"type":"ChannelVarset","variable":"x"}`, `{"type":"FromTheFuture","channel":17}`, `{"type":"CallBroadcast"}`,
		`{`, ``, `null`, `[]`, `"type"`, `{"type":7}`, `{"type":"StasisStart"}`, `{"type":"StasisStart","channel":{"id":5}}`,
		`{"type":"StasisEnd","channel":null}`, `{"type":"PlaybackFinished"}`, "\xff\xfe",
		start(callID), start(callID),
	)
	expect[acd.CallArrived](b.rig)
	b.send(aritest.Event("StasisEnd", callID, "Up", ""), aritest.Event("ChannelDestroyed", callID, "Up", `"cause":16,`))
	b.fake.SetChannel(callID, "", "")
	expect[acd.CallGone](b.rig)
	// One listing at the connection, one because of the bad messages.
	b.waitFor("GET /channels", 2)
	b.quiet()
	if b.meter.count("unknown") != 1 || b.meter.count("malformed") != 11 || b.meter.count("CallBroadcast") != 1 {
		t.Errorf("%v", b.meter.events)
	}
}

func TestBurstKeepsOrderAndLosesNothing(t *testing.T) {
	const n = 10_000
	// The requests that fail ask for a listing, which would show callers early.
	b := newBench(t, func(o *asterisk.Options) { o.ConfirmAfter = time.Minute })
	b.waitReady()
	// Requests hang meanwhile: neither reader nor owner may wait for them.
	b.fake.Script(func(method, _ string) (aritest.Reply, bool) { return aritest.Reply{Hang: true}, method != "GET" })
	for i := range n {
		b.fake.SetChannel(fmt.Sprintf("a1-2.%d", i), "Ring", appData)
	}
	sent := make(chan error, 1)
	go func() {
		for i := range n {
			id := fmt.Sprintf("a1-2.%d", i)
			if err := b.fake.Send(start(id)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := range n {
		arrived, _ := expect[acd.CallArrived](b.rig)
		if want := fmt.Sprintf("a1-2.%d", i); string(arrived.Call) != want {
			t.Fatalf("event %d is of %s, want %s", i, arrived.Call, want)
		}
		if i%100 == 0 {
			b.sw.Do([]acd.Command{acd.Answer{Call: arrived.Call, Node: "a1"}})
		}
	}
	noErr(t, <-sent)
	b.quiet()
}

func TestOverflowIsMadeGood(t *testing.T) {
	const n, limit = 3000, 2
	gate := make(chan struct{})
	b := newBench(t, func(o *asterisk.Options) {
		o.MaxBacklog = limit
		// The first caller holds the handling of events up, not their reading.
		o.Log = o.Log.WithOptions(zap.Hooks(func(e zapcore.Entry) error {
			if e.Message == "a caller arrived" {
				<-gate
			}
			return nil
		}))
	})
	b.waitReady()
	want := map[acd.CallID]bool{}
	var burst []string
	for i := range n {
		id := fmt.Sprintf("a1-3.%d", i)
		b.fake.SetChannel(id, "Ring", appData)
		want[acd.CallID(id)] = true
		burst = append(burst, start(id))
	}
	b.send(burst...)
	for b.meter.count("StasisStart") < n {
		select {
		case <-b.meter.changed:
		case <-b.ctx.Done():
			close(gate)
			t.Fatal("the events are not read on")
		}
	}
	close(gate)
	for range n {
		arrived, _ := expect[acd.CallArrived](b.rig)
		if !want[arrived.Call] {
			t.Fatalf("%s came twice", arrived.Call)
		}
		delete(want, arrived.Call)
	}
	// All were dropped but the first, those that the limit allows to wait, and
	// the last if it came when the others had been handled.
	if found := b.logs.FilterMessage("a listing shows what no event told").Len(); found < n-2-limit {
		t.Errorf("only %d of %d callers were found by a listing: more than %d events waited", found, n, limit)
	}
	b.meter.mu.Lock()
	defer b.meter.mu.Unlock()
	if b.meter.gaps != 1 {
		t.Errorf("%d gaps were counted", b.meter.gaps)
	}
}

func TestStasisStartBeforeAndAfterTheReply(t *testing.T) {
	for name, before := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.waitReady()
			b.send(start(callID))
			expect[acd.CallArrived](b.rig)
			if before {
				b.fake.Script(func(_, path string) (aritest.Reply, bool) {
					if path == "/channels/create" {
						_ = b.fake.Send(legStart())
					}
					return aritest.Reply{}, false
				})
			}
			b.sw.Do([]acd.Command{legOffer()})
			b.waitFor("POST /channels/create", 1)
			if !before {
				b.send(legStart(), legStart())
			}
			b.waitFor("POST /channels/"+string(legID)+"/dial", 1)
			b.send(aritest.Event("ChannelStateChange", string(legID), "Ringing", ""), aritest.Event("ChannelStateChange", string(legID), "Ringing", ""))
			expect[acd.LegRinging](b.rig)
			b.send(aritest.Event("ChannelDestroyed", string(legID), "Ringing", `"cause":21,"tech_cause":603,`))
			if gone, _ := expect[acd.LegGone](b.rig); gone.Outcome != acd.OfferRefused {
				t.Errorf("%+v", gone)
			}
			b.quiet()
			if n := b.fake.Count("POST /channels/" + string(legID) + "/dial"); n != 1 {
				t.Errorf("dialled %d times", n)
			}
		})
	}
}

// Only the dialplan knows who was held: neither a StasisStart that comes late
// nor a clock that differs makes of a new caller one who has waited.
func TestOnlyTheDialplanSaysWhoWasHeld(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	epoch := func(at time.Time) string { return fmt.Sprintf("%d.%03d", at.Unix(), at.Nanosecond()/1e6) }
	held := func(id string, since time.Time) string {
		return aritest.Event("StasisStart", id, "Up", fmt.Sprintf(`"args":["entry","12345",%q],`, epoch(since)))
	}
	b.send(start(callID)) // its channel was made hours ago by the clock of the node
	if arrived, _ := expect[acd.CallArrived](b.rig); !arrived.Since.IsZero() {
		t.Errorf("a new caller counts as held since %v", arrived.Since)
	}
	before := time.Now().Add(-200 * time.Millisecond).Truncate(time.Millisecond)
	b.send(held("a1-1.2", before))
	if arrived, _ := expect[acd.CallArrived](b.rig); !arrived.Since.Equal(before) {
		t.Errorf("held since %v, want %v", arrived.Since, before)
	}
	b.send(held("a1-1.3", time.Now().Add(time.Hour))) // a clock that is ahead
	if arrived, at := expect[acd.CallArrived](b.rig); !arrived.Since.Equal(at) {
		t.Errorf("held since %v, want the present", arrived.Since)
	}
}
