package asterisk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
	"hotline/internal/runner"
)

// bench is a Switch at a fake Asterisk.
type bench struct {
	*rig
	fake *aritest.Server
	logs *observer.ObservedLogs
	stop context.CancelFunc
	done chan error
}

func newBench(t *testing.T, change func(*asterisk.Options)) *bench {
	t.Helper()
	return newBenchAt(t, aritest.New(), change)
}

// newBenchAt is for a fake that has something already.
func newBenchAt(t *testing.T, fake *aritest.Server, change func(*asterisk.Options)) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	core, logs := observer.New(zap.DebugLevel)
	b := &bench{
		rig:  &rig{t: t, ctx: ctx, meter: newCounts(), events: make(chan runner.SwitchEvent, 20_000), nodes: make(chan runner.SwitchEvent, 100)},
		fake: fake, logs: logs, done: make(chan error, 1),
	}
	t.Cleanup(b.fake.Close)
	o := asterisk.Options{
		Nodes: []asterisk.Node{{ID: "a1", URL: b.fake.URL(), Username: aritest.User, Password: aritest.Password}},
		Log:   zap.New(core), Meter: b.meter,
		RetryMin: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond, ConfirmAfter: 20 * time.Millisecond,
		RequestTimeout: 300 * time.Millisecond, RepeatAfter: 5 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	sw, err := asterisk.New(o)
	noErr(t, err)
	b.sw = sw
	runCtx, stop := context.WithCancel(context.Background())
	b.stop = stop
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.pump()
	}()
	go func() { b.done <- sw.Run(runCtx) }()
	t.Cleanup(func() {
		stop()
		noErr(t, <-b.done)
		<-ended
		for _, entry := range logs.All() {
			if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, aritest.Password) || strings.Contains(text, "13812345678") {
				t.Errorf("a secret or a number in the log: %s", text)
			}
		}
	})
	return b
}

func (b *bench) send(messages ...string) {
	b.t.Helper()
	noErr(b.t, b.fake.Send(messages...))
}

func (b *bench) waitFor(prefix string, n int) {
	b.t.Helper()
	noErr(b.t, b.fake.Wait(b.ctx, prefix, n))
}

const (
	callID  = "a1-1.1"
	appData = "hotline,entry,12345"
)

var legID = acd.NewLegID(callID, 1, "1001")

func start(id string) string {
	return aritest.Event("StasisStart", id, "Ring", `"args":["entry","12345"],`)
}

func legStart() string {
	return aritest.Event("StasisStart", string(legID), "Down", `"args":["leg"],`)
}

func legOffer() acd.Offer {
	return acd.Offer{Call: callID, Leg: legID, Node: "a1", Seat: "8001", Timeout: 5 * time.Second}
}

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

func TestEngineIsToldWhetherANodeCanBeReached(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	want := func(want acd.Event) {
		t.Helper()
		select {
		case ev := <-b.nodes:
			if ev.Event != want {
				t.Fatalf("%#v, want %#v", ev.Event, want)
			}
		case <-b.ctx.Done():
			t.Fatalf("no %#v", want)
		}
	}
	want(acd.NodeReachable{Node: "a1"})
	b.fake.Script(func(_, path string) (aritest.Reply, bool) {
		return aritest.Reply{Status: 503}, path == "/asterisk/info"
	})
	b.fake.Drop()
	want(acd.NodeUnreachable{Node: "a1"})
	b.fake.Script(nil)
	want(acd.NodeReachable{Node: "a1"})
}

func TestCancelledOfferNeverRings(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.sw.Do([]acd.Command{legOffer(), acd.CancelLeg{Call: callID, Leg: legID, Node: "a1"}})
	expect[acd.LegGone](b.rig)
	// Asterisk made it after all, unseen by us.
	b.send(legStart())
	b.waitFor("DELETE /channels/"+string(legID), 1)
	if n := b.fake.Count("POST /channels/" + string(legID)); n != 0 {
		t.Errorf("it was dialled")
	}
}

func TestLostAndHalfOpenConnection(t *testing.T) {
	t.Run("lost", func(t *testing.T) {
		b := newBench(t, nil)
		b.waitReady()
		b.fake.SetChannel(callID, "Ring", appData)
		b.send(start(callID))
		expect[acd.CallArrived](b.rig)
		b.fake.SetChannel(callID, "", "")
		b.fake.SetChannel("a1-1.2", "Ring", appData+",1795486000.5")
		b.fake.SetChannel(string(legID), "Up", "")
		b.fake.SetBridge(acd.BridgeID("a1-0.1"))
		b.fake.Drop()
		if gone, _ := expect[acd.CallGone](b.rig); gone.Call != callID || !gone.Vanished {
			t.Errorf("%+v", gone)
		}
		if arrived, _ := expect[acd.CallArrived](b.rig); arrived.Call != "a1-1.2" || !arrived.Since.Equal(time.UnixMilli(1795486000500)) {
			t.Errorf("%+v", arrived)
		}
		b.waitFor("DELETE /channels/"+string(legID), 1)
		b.waitFor("DELETE /bridges/"+acd.BridgeID("a1-0.1"), 1)
		b.quiet()
		if b.fake.Count("PUT /applications/hotline/eventFilter") != 2 {
			t.Error("the filter was not put again")
		}
	})
	t.Run("half open", func(t *testing.T) {
		b := newBench(t, func(o *asterisk.Options) { o.PingEvery, o.PingTimeout = 20*time.Millisecond, 50*time.Millisecond })
		b.fake.SetDeaf(true)
		b.fake.Drop()
		b.waitFor("GET /events", 3)
		b.fake.SetDeaf(false)
		b.waitFor("GET /events", b.fake.Sockets()+1)
		b.waitReady()
	})
	t.Run("restarted", func(t *testing.T) {
		b := newBench(t, nil)
		b.waitReady()
		b.send(start(callID))
		expect[acd.CallArrived](b.rig)
		b.fake.Restart()
		expect[acd.NodeDown](b.rig)
		b.waitFor("GET /channels", 2)
		b.quiet()
	})
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

// One node that has been taken over ends the whole switch: two controllers
// must not share a site.
func TestAnotherControllerTakesOver(t *testing.T) {
	other := aritest.New()
	defer other.Close()
	b := newBench(t, func(o *asterisk.Options) {
		o.Nodes = append(o.Nodes, asterisk.Node{ID: "a2", URL: other.URL(), Username: aritest.User, Password: aritest.Password})
	})
	for range 2 {
		select {
		case <-b.nodes: // NodeReachable
		case <-b.ctx.Done():
			t.Fatal(b.sw.Ready())
		}
	}
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	// A request without an answer does not delay the end.
	b.fake.Script(func(method, _ string) (aritest.Reply, bool) { return aritest.Reply{Hang: true}, method == "POST" })
	b.sw.Do([]acd.Command{acd.Answer{Call: callID, Node: "a1"}, acd.Answer{Call: callID, Node: "a1"}})
	b.waitFor("POST /channels/"+callID+"/answer", 1)
	b.send(`{"type":"ApplicationReplaced","application":"hotline"}`)

	var err error
	select {
	case err = <-b.done:
	case <-b.ctx.Done():
		t.Fatal("it goes on")
	}
	b.done <- nil
	var problem *asterisk.NodeError
	if !errors.As(err, &problem) || problem.Problem != asterisk.Replaced || problem.Node != "a1" || !errors.Is(err, asterisk.ErrReplaced) {
		t.Fatalf("ended with %v", err)
	}
	if want := "node a1: another controller has taken over the application hotline at " + b.fake.URL() + "; this one ends: stop one of the two"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !errors.Is(b.sw.Ready(), asterisk.ErrReplaced) {
		t.Errorf("ready: %v", b.sw.Ready())
	}
	before := len(b.fake.Requests()) + len(other.Requests())
	b.sw.Do([]acd.Command{acd.Release{Call: callID, Node: "a1"}, acd.Release{Call: callID, Node: "a2"}})
	if after := len(b.fake.Requests()) + len(other.Requests()); after != before || b.fake.Count("POST /channels/"+callID+"/answer") != 1 {
		t.Errorf("%v", b.fake.Requests())
	}
	if b.fake.Sockets() != 1 || other.Sockets() != 1 {
		t.Errorf("%d and %d connections", b.fake.Sockets(), other.Sockets())
	}
}

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

func TestWhyNotReady(t *testing.T) {
	fake := aritest.New()
	defer fake.Close()
	probe := func(n asterisk.Node) error {
		sw, err := asterisk.New(asterisk.Options{Nodes: []asterisk.Node{n}, Log: zap.NewNop()})
		noErr(t, err)
		return sw.Probe(t.Context())
	}
	wrong := probe(asterisk.Node{ID: "a1", URL: fake.URL(), Username: "x", Password: "tell-nobody"})
	if !errors.Is(wrong, asterisk.ErrUnauthorized) || strings.Contains(wrong.Error(), "tell-nobody") {
		t.Error(wrong)
	}
	away := probe(asterisk.Node{ID: "a1", URL: "http://127.0.0.1:1", Username: "x", Password: "y"})
	if !errors.Is(away, asterisk.ErrUnreachable) || !strings.Contains(away.Error(), "node a1: not connected: connection refused at http://127.0.0.1:1; is Asterisk running?") {
		t.Error(away)
	}
}
