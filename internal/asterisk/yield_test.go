package asterisk_test

import (
	"context"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// The controller that yields keeps its connection until it is replaced, and carries out
// first what was handed over.
func TestYield(t *testing.T) {
	b := newBench(t, nil)
	b.waitReady()
	held := make(chan struct{})
	b.fake.Script(func(method, path string) (aritest.Reply, bool) {
		if method == "POST" && path == "/channels/"+callID+"/answer" {
			<-held
		}
		return aritest.Reply{}, false
	})
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	b.sw.Do([]acd.Command{acd.Answer{Call: callID, Node: "a1"}})
	b.waitFor("POST /channels/"+callID+"/answer", 1)
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		b.sw.Yield(b.ctx)
	}()
	select {
	case <-settled:
		t.Fatal("it yielded before the command was carried out")
	case <-time.After(20 * time.Millisecond):
	}
	close(held)
	<-settled

	soon, cancel := context.WithTimeout(b.ctx, 20*time.Millisecond)
	defer cancel()
	b.sw.AwaitSuccessor(soon)
	if soon.Err() == nil {
		t.Fatal("it says that another has taken over")
	}
	b.send(`{"type":"ApplicationReplaced","application":"hotline"}`)
	b.sw.AwaitSuccessor(b.ctx)
	if b.ctx.Err() != nil {
		t.Fatal("it was not noticed that another has taken over")
	}
	select {
	case err := <-b.done:
		t.Fatalf("the switch ended by itself: %v", err)
	default:
	}
	if n := b.fake.Sockets(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
}

// A node that cannot be reached is not connected again by a controller that yields: it
// would take the application away from the other.
func TestNoConnectionIsMadeAfterYielding(t *testing.T) {
	b := newBench(t, func(o *asterisk.Options) { o.RetryMin, o.RetryMax = time.Hour, time.Hour })
	b.waitReady()
	b.fake.Drop()
	for b.sw.Ready() == nil {
		<-b.meter.changed
	}
	b.sw.Yield(b.ctx)
	b.sw.AwaitSuccessor(b.ctx)
	if b.ctx.Err() != nil || b.fake.Sockets() != 1 {
		t.Errorf("%d connections were made, %v", b.fake.Sockets(), b.ctx.Err())
	}
}
