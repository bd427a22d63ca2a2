package asterisk_test

import (
	"context"
	"errors"
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
