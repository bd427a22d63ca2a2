package asterisk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/devstack"
	"hotline/internal/phone"
	"hotline/internal/runner"
)

// node is the one real Asterisk of all tests; it is started by the first.
var node struct {
	once sync.Once
	a    *devstack.Asterisk
	err  error
	// reached is where the carrier delivers calls to callers.
	reached string
}

const seatSecret = "secretsecret"

func realAsterisk(t *testing.T) *devstack.Asterisk {
	t.Helper()
	node.once.Do(func() {
		if _, node.err = devstack.Lookup(); node.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		node.reached = freePort(t, "127.0.0.2")
		node.a, node.err = devstack.StartAsterisk(ctx, realDir, asteriskconf.Params{
			Node: "a1", Trunks: []asteriskconf.Trunk{{Name: "carrier", Match: []string{"127.0.0.2"}, Contact: "sip:" + node.reached}}, Seats: []asteriskconf.Seat{{Name: "8001", Password: seatSecret}, {Name: "8002", Password: seatSecret}},
		})
	})
	if node.err != nil {
		t.Fatalf("these tests run on a real Asterisk: %v", node.err)
	}
	return node.a
}

// freePort is a UDP address that nobody has.
func freePort(t *testing.T, host string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", host+":0")
	noErr(t, err)
	defer c.Close()
	return c.LocalAddr().String()
}

// rig is a Switch at the real Asterisk behind a proxy that can be cut, a
// caller and the phone of seat 8001.
type rig struct {
	t      *testing.T
	ctx    context.Context
	a      *devstack.Asterisk
	sw     *asterisk.Switch
	meter  *counts
	proxy  *proxy
	events chan runner.SwitchEvent
	nodes  chan runner.SwitchEvent // NodeReachable and NodeUnreachable, apart from the calls' events
	caller *phone.Phone
	seat   *phone.Phone
	rang   chan *phone.Call
	// replaced: the test lets another controller take over.
	replaced bool
}

func newRig(t *testing.T) *rig {
	t.Helper()
	a := realAsterisk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, a: a, meter: newCounts(), rang: make(chan *phone.Call, 8), events: make(chan runner.SwitchEvent, 1000), nodes: make(chan runner.SwitchEvent, 1000)}
	r.proxy = newProxy(t, a.Params.HTTPListen.String())
	sw, err := asterisk.New(r.options())
	noErr(t, err)
	r.sw = sw
	runCtx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.pump()
	}()
	done := make(chan error, 1)
	go func() { done <- sw.Run(runCtx) }()
	t.Cleanup(func() {
		r.nothingLeft()
		stop()
		if err := <-done; !errors.Is(err, asterisk.ErrReplaced) || !r.replaced {
			noErr(t, err)
		}
		<-ended
	})
	r.waitReady()
	r.caller = newPhone(t, "127.0.0.2:0", phone.Config{User: "13812345678", Server: a.Params.SIPListen.String(), Tone: tone(t, 2)})
	r.seat = newPhone(t, "127.0.0.1:0", phone.Config{User: "seat-8001", Password: seatSecret, Server: a.Params.SIPListen.String(), Tone: tone(t, 1)})
	noErr(t, r.seat.Register(ctx))
	return r
}

func (r *rig) options() asterisk.Options {
	return asterisk.Options{
		Nodes: []asterisk.Node{{ID: "a1", URL: "http://" + r.proxy.addr, Username: r.a.Params.ARIUser, Password: r.a.Params.ARIPassword}},
		Log:   zaptest.NewLogger(r.t, zaptest.Level(zap.InfoLevel)), Meter: r.meter,
		RetryMin: 20 * time.Millisecond, ConfirmAfter: 200 * time.Millisecond, OutboundTrunk: "carrier",
	}
}

// pump takes everything from the switch until it ends.
func (r *rig) pump() {
	for ev := range r.sw.Events() {
		switch ev.Event.(type) {
		case acd.NodeReachable, acd.NodeUnreachable:
			r.nodes <- ev
		default:
			r.events <- ev
		}
	}
}

func newPhone(t *testing.T, addr string, cfg phone.Config) *phone.Phone {
	t.Helper()
	p, err := phone.New(addr, cfg)
	noErr(t, err)
	t.Cleanup(func() { noErr(t, p.Close()) })
	return p
}

func tone(t *testing.T, n int) phone.Tone {
	t.Helper()
	tn, err := phone.ToneAt(n)
	noErr(t, err)
	return tn
}

func noErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) waitReady() {
	r.t.Helper()
	for r.sw.Ready() != nil {
		select {
		case <-r.meter.changed:
		case <-r.ctx.Done():
			r.t.Fatal(r.sw.Ready())
		}
	}
}

func (r *rig) plan(p phone.Plan) {
	r.seat.SetPlan(func(c *phone.Call) phone.Plan {
		r.rang <- c
		return p
	})
}

// expect takes events until one of type T comes; others but those listed are a failure.
func expect[T acd.Event](r *rig) (T, time.Time) {
	r.t.Helper()
	select {
	case ev := <-r.events:
		got, ok := ev.Event.(T)
		if !ok {
			r.t.Fatalf("got %#v, want a %T", ev.Event, got)
		}
		return got, ev.At
	case <-r.ctx.Done():
		var none T
		r.t.Fatalf("no %T came", none)
		return none, time.Time{}
	}
}

// quiet asserts that nothing more has come.
func (r *rig) quiet() {
	r.t.Helper()
	select {
	case ev := <-r.events:
		r.t.Fatalf("one event too many: %#v", ev.Event)
	default:
	}
}

// nothingLeft waits until Asterisk has neither channels nor bridges.
func (r *rig) nothingLeft() {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		channels, err := r.a.CLI(context.Background(), "core show channels concise")
		noErr(r.t, err)
		bridges, err := r.a.CLI(context.Background(), "bridge show all")
		noErr(r.t, err)
		if !strings.Contains(channels, "PJSIP/") && !strings.Contains(bridges, "bridge_") {
			return
		}
		if time.Now().After(deadline) {
			r.t.Errorf("left behind: %s %s", channels, bridges)
			return
		}
	}
}

// arrive lets the caller dial and hear music; it returns the call.
func (r *rig) arrive() (*phone.Call, acd.CallID) {
	r.t.Helper()
	c, err := r.caller.Dial("12345", phone.CallOptions{})
	noErr(r.t, err)
	arrived, _ := expect[acd.CallArrived](r)
	if arrived.Entry != "12345" || arrived.Caller != "13812345678" || arrived.Node != "a1" || !arrived.Since.IsZero() {
		r.t.Fatalf("arrived: %+v", arrived)
	}
	r.sw.Do([]acd.Command{acd.Answer{Call: arrived.Call, Node: "a1"}, acd.StartMusic{Call: arrived.Call, Node: "a1", Class: "default"}})
	noErr(r.t, c.WaitAnswered(r.ctx))
	return c, arrived.Call
}

// offer rings a seat.
func (r *rig) offer(call acd.CallID, seat acd.SeatID) acd.LegID {
	leg := acd.NewLegID(call, 1, "1001")
	r.sw.Do([]acd.Command{acd.Offer{Call: call, Leg: leg, Node: "a1", Seat: seat, CallerID: "13812345678", Timeout: 2 * time.Second}})
	return leg
}

func (r *rig) release(call acd.CallID, leg acd.LegID) {
	r.sw.Do([]acd.Command{acd.Release{Call: call, Leg: leg, Node: "a1"}})
}

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

// gone waits until Asterisk has fewer channels than given.
func (r *rig) gone(fewerThan int) {
	r.t.Helper()
	for r.ctx.Err() == nil {
		out, err := r.a.CLI(r.ctx, "core show channels concise")
		noErr(r.t, err)
		if strings.Count(out, "PJSIP/") < fewerThan {
			return
		}
	}
	r.t.Fatal("the channels do not go")
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

// proxy passes connections on to Asterisk until it is cut.
type proxy struct {
	addr string
	ln   net.Listener
	to   string
	wg   sync.WaitGroup
	mu   sync.Mutex
	off  bool // guarded by mu
	open map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	p := &proxy{addr: ln.Addr().String(), ln: ln, to: to, open: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	if !p.hold(c) {
		return
	}
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	p.hold(up)
	p.wg.Go(func() {
		io.Copy(up, c)
		up.Close()
	})
	io.Copy(c, up)
}

// cut closes all connections, and refuses new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = true
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = false
}
