package asterisk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// The connection to a node: lost, half open, taken over, refused.

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

// When the end of a prompt was missed, and the node cannot say whether it still plays, it
// is asked again: nobody else would let the caller go on.
func TestMissedEndOfAPromptIsAskedForUntilTheNodeSays(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.sw.Do([]acd.Command{acd.Play{Call: callID, Node: "a1", Prompts: []string{"greeting"}}})
	b.waitFor("POST /channels/"+callID+"/play/", 1)
	tries := 0
	b.fake.Script(func(method, path string) (aritest.Reply, bool) {
		if method != "GET" || !strings.HasPrefix(path, "/playbacks/") {
			return aritest.Reply{}, false
		}
		tries++
		if tries < 3 {
			return aritest.Reply{Status: 503}, true
		}
		return aritest.Reply{Status: 404, Body: `{"message":"Playback not found"}`}, true
	})
	b.fake.Drop()
	expect[acd.CallPlayed](b.rig)
	b.quiet()
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
	t.Run("without the application", func(t *testing.T) {
		// Then Asterisk does not know it, or knows it and sends nothing.
		b := newBench(t, func(o *asterisk.Options) { o.HearTimeout, o.PingTimeout = 10*time.Millisecond, 20*time.Millisecond })
		b.waitReady()
		b.fake.SetMute(true)
		b.fake.Drop()
		b.waitFor("POST /events/user/", 4)
		if b.sw.Ready() == nil {
			t.Error("it is ready though no event can come")
		}
		b.fake.Script(func(_, path string) (aritest.Reply, bool) {
			return aritest.Reply{Status: 404, Body: `{"message":"Application not found"}`}, strings.HasSuffix(path, "/eventFilter")
		})
		b.waitFor("PUT /applications/", 8)
		b.fake.Script(nil)
		b.fake.SetMute(false)
		b.waitReady()
	})
	t.Run("without the application after a while", func(t *testing.T) {
		b := newBench(t, func(o *asterisk.Options) { o.PingTimeout, o.ReconcileEvery = 50*time.Millisecond, 30*time.Millisecond })
		b.waitReady()
		b.fake.SetMute(true)
		b.waitFor("GET /events", b.fake.Sockets()+1)
		b.fake.SetMute(false)
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
	if want := "node a1: another controller has taken over the application hotline at " + b.fake.URL() + "; this one leads no more, and stands by; if that happens again and again, another site or another Redis uses the same application"; err.Error() != want {
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
