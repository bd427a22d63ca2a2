package asterisk_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/aritest"
)

// redisWait is how long a node must answer while Redis does not, as in the store longer
// than a request may take.
const redisWait = 400 * time.Millisecond

// newBenchWithoutRedis has a caller, and a Redis that is away from now on.
func newBenchWithoutRedis(t *testing.T) *bench {
	var away atomic.Bool
	b := newBench(t, func(o *asterisk.Options) {
		o.RequestTimeout = redisWait / 2
		o.Gate = func(context.Context) error { return nil }
		o.Enter = func(ctx context.Context, answering func() time.Time) error {
			for away.Load() {
				if since := answering(); !since.IsZero() && time.Since(since) >= redisWait {
					return nil
				}
				select {
				case <-ctx.Done():
					return errors.New("Redis does not answer")
				case <-time.After(5 * time.Millisecond):
				}
			}
			return nil
		}
	})
	b.waitReady()
	b.fake.SetChannel(callID, "Up", appData)
	b.send(start(callID))
	expect[acd.CallArrived](b.rig)
	away.Store(true)
	return b
}

func (b *bench) waitDeaf() {
	b.t.Helper()
	for b.sw.Ready() == nil {
		select {
		case <-b.meter.changed:
		case <-b.ctx.Done():
			b.t.Fatal("it is ready")
		}
	}
}

const answerRequest = "POST /channels/" + callID + "/answer"

func (b *bench) answerCall() { b.sw.Do([]acd.Command{acd.Answer{Call: callID, Node: "a1"}}) }

// While Redis answers nobody, a node that answers is commanded and connected after one
// wait, not after one for each command and each attempt.
func TestCommandsAndConnectionsWaitOnceForRedis(t *testing.T) {
	b := newBenchWithoutRedis(t)
	noEvents := func(_, path string) (aritest.Reply, bool) { return aritest.Reply{Status: 503}, path == "/events" }
	b.fake.Script(noEvents)
	began := time.Now()
	b.fake.Drop()
	b.waitDeaf()
	b.answerCall()
	b.waitFor(answerRequest, 1)
	if waited := time.Since(began); waited < redisWait {
		t.Errorf("commanded after %v", waited)
	}
	began = time.Now()
	b.answerCall()
	b.waitFor(answerRequest, 2)
	b.waitFor("GET /events", b.fake.Count("GET /events")+1)
	b.fake.Script(nil)
	b.waitReady()
	if waited := time.Since(began); waited > redisWait*3/4 {
		t.Errorf("the second command and the connection took %v", waited)
	}
}

// Whoever was cut off from the node and from Redis asks Redis first, however long that
// took.
func TestANodeThatDidNotAnswerIsWaitedForAnew(t *testing.T) {
	b := newBenchWithoutRedis(t)
	b.fake.Script(func(string, string) (aritest.Reply, bool) { return aritest.Reply{Hang: true}, true })
	b.fake.Drop()
	b.waitDeaf()
	b.waitFor("GET /asterisk/info", b.fake.Count("GET /asterisk/info")+5) // longer than redisWait
	b.answerCall()                                                        // is given up
	b.waitFor("GET /asterisk/info", b.fake.Count("GET /asterisk/info")+3)
	if n := b.fake.Count(answerRequest) + b.fake.Sockets() - 1; n != 0 {
		t.Errorf("commanded or connected: %v", b.fake.Requests())
	}
	answers := time.Now()
	asked := b.fake.Count("GET /asterisk/info")
	b.fake.Script(nil)
	b.waitFor("GET /asterisk/info", asked+1) // which is answered
	b.answerCall()
	b.waitFor(answerRequest, 1)
	if waited := time.Since(answers); waited < redisWait {
		t.Errorf("commanded %v after the node answered again", waited)
	}
	b.waitReady()
}
