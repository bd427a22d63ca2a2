package term_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/arimodel"
	"hotline/internal/callflow"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redismodel"
	"hotline/internal/term"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a node and a Redis, both in memory and in virtual time, and controllers.
type house struct {
	t     *testing.T
	world *arimodel.World
	node  *arimodel.Node
	redis *redismodel.Redis
}

func inHouse(t *testing.T, body func(h *house)) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, world: arimodel.New(arimodel.Options{Seed: 1}), redis: redismodel.New(redismodel.Options{Seed: 1})}
		h.node = h.world.AddNode("a1")
		defer h.world.Close()
		body(h)
	})
}

func (h *house) store(name string) *redisstore.Store {
	h.t.Helper()
	s, err := redisstore.New(redisstore.Options{Address: "redis:6379", Dial: h.redis.Link(name).Dial, Site: "lab", Location: time.UTC})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// ended is how a term ended.
type ended struct {
	how term.Ending
	err error
}

// controller stands by or leads until stop is called; terms tells how each term ended.
type controller struct {
	stop  context.CancelFunc
	leads chan *term.Term
	terms chan ended
	done  chan error
}

func (h *house) controller(name string, drain time.Duration) *controller {
	ctx, stop := context.WithCancel(context.Background())
	c := &controller{stop: stop, leads: make(chan *term.Term, 10), terms: make(chan ended, 10), done: make(chan error, 1)}
	candidate := term.Candidate{
		Me:       redisstore.Controller{ID: name, Host: name},
		NewStore: func() (*redisstore.Store, error) { return h.store(name), nil },
		Lead: func(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
			t, err := term.Begin(ctx, term.Options{
				Store: store, Lease: lease, Flow: callflow.Standard{}, Meter: silent{}, Log: zap.NewNop(), Drain: drain, DrainPrompts: []string{"busy-later"},
				Engine: acd.Config{Entries: []acd.Entry{{Number: "12345", Queue: "q"}}, Queues: []acd.Queue{{ID: "q", RingTimeout: 10 * time.Second}}},
				Switch: asterisk.Options{
					Nodes: []asterisk.Node{{ID: "a1", URL: h.node.URL(), Username: arimodel.User, Password: arimodel.Password}},
					Log:   zap.NewNop(), Transport: h.world, Jitter: func(max time.Duration) time.Duration { return max / 2 },
				},
			})
			if err != nil {
				return term.Ceased, err
			}
			c.leads <- t
			how, err := t.Run(ctx)
			c.terms <- ended{how, err}
			return how, err
		},
		StandsBy: func(redisstore.Controller, string) {},
		Log:      zap.NewNop(),
	}
	go func() { c.done <- candidate.Run(ctx) }()
	return c
}

func (c *controller) end(h *house) {
	h.t.Helper()
	c.stop()
	if err := <-c.done; err != nil {
		h.t.Error(err)
	}
}

type silent struct{}

func (silent) Measure(acd.Measure) {}
func (silent) Breach(string)       {}

// waiting is how many callers the term knows.
func waiting(h *house, t *term.Term) int {
	h.t.Helper()
	s, err := t.Snapshot(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return len(s.Calls)
}

// Who ends while another stands by hands over; the other knows the callers.
func TestHandover(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.controller("first", 0)
		old := <-first.leads
		time.Sleep(time.Second)
		caller := h.world.Dial("a1", "13800000001", "12345")
		time.Sleep(time.Second)
		if n := waiting(h, old); n != 1 {
			t.Fatalf("%d callers", n)
		}
		second := h.controller("second", 0)
		time.Sleep(3 * time.Second)
		began := time.Now()
		first.stop()
		if e := <-first.terms; e.how != term.HandedOver || e.err != nil {
			t.Errorf("%v, %v", e.how, e.err)
		}
		next := <-second.leads
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second)
		if n := waiting(h, next); n != 1 {
			t.Errorf("%d callers afterwards", n)
		}
		caller.Hangup()
		first.end(h)
		second.end(h)
	})
}

// Who drains hands over as soon as somebody comes who can go on.
func TestDrainEndsWhenAStandbyComes(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.controller("first", time.Hour)
		<-first.leads
		time.Sleep(time.Second)
		caller := h.world.Dial("a1", "13800000001", "12345")
		time.Sleep(time.Second)
		first.stop()
		time.Sleep(10 * time.Minute)
		select {
		case e := <-first.terms:
			t.Fatalf("it has ended, %v", e)
		default:
		}
		second := h.controller("second", 0)
		if e := <-first.terms; e.how != term.HandedOver || e.err != nil {
			t.Errorf("%v, %v", e.how, e.err)
		}
		<-second.leads
		caller.Hangup()
		first.end(h)
		second.end(h)
	})
}

// Who drains ends when nobody is left.
func TestDrainEndsWithTheLastCall(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.controller("first", time.Hour)
		<-first.leads
		time.Sleep(time.Second)
		caller := h.world.Dial("a1", "13800000001", "12345")
		time.Sleep(time.Second)
		first.stop()
		time.Sleep(time.Minute)
		caller.Hangup()
		began := time.Now()
		if e := <-first.terms; e.how != term.Ended || e.err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%v, %v, after %v", e.how, e.err, time.Since(began))
		}
		first.end(h)
	})
}

// Who reaches no node lets another try, but not at once again and again.
func TestAnotherTriesWhenNoNodeIsReached(t *testing.T) {
	inHouse(t, func(h *house) {
		first := h.controller("first", 0)
		term1 := <-first.leads
		second := h.controller("second", 0)
		time.Sleep(2 * time.Minute)
		h.node.Isolate(true)
		isolated := time.Now()
		if wrong := term1.Problems(); len(wrong) != 0 {
			t.Errorf("before it is noticed: %v", wrong)
		}
		time.Sleep(8 * time.Second)
		if wrong := term1.Problems(); len(wrong) != 1 || wrong[0].Node != "a1" || wrong[0].Problem != asterisk.Unreachable {
			t.Errorf("%v", wrong)
		}
		if e := <-first.terms; e.how != term.HandedOver {
			t.Errorf("%v, %v", e.how, e.err)
		}
		if took := time.Since(isolated); took < 10*time.Second || took > 30*time.Second {
			t.Errorf("after %v", took)
		}
		<-second.leads
		back := time.Now()
		<-second.terms
		if took := time.Since(back); took < 55*time.Second {
			t.Errorf("and back after %v", took)
		}
		h.node.Isolate(false)
		first.end(h)
		second.end(h)
	})
}

// What a term could not write while Redis was away is written when it is back, although
// another term has begun.
func TestRecordsOfATermAreNotLostWithIt(t *testing.T) {
	inHouse(t, func(h *house) {
		ctx, stop := context.WithCancel(context.Background())
		record := acd.CallRecord{
			Version: acd.RecordVersion, Call: "a1-1.1", Node: "a1", Entry: "12345", Queue: "q", Arrived: time.Now(), Queued: time.Now(), Ended: time.Now(),
			Result: acd.Abandoned, Reason: acd.CallerHungUp,
		}
		terms := 0
		candidate := term.Candidate{
			Me: redisstore.Controller{ID: "c"}, Log: zap.NewNop(), StandsBy: func(redisstore.Controller, string) {},
			NewStore: func() (*redisstore.Store, error) { return h.store("c"), nil },
			Lead: func(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
				if terms++; terms == 1 {
					store.Append(nil, []acd.CallRecord{record}, nil) // and never written
				}
				return term.Ceased, errors.Join(errors.New("it could not go on"), lease.GiveBack(ctx))
			},
		}
		done := make(chan error, 1)
		go func() { done <- candidate.Run(ctx) }()
		time.Sleep(20 * time.Second)
		reader := h.store("reader")
		if terms < 2 || !reader.Counted(ctx, record.Call) {
			t.Errorf("after %d terms the record is not there", terms)
		}
		stop()
		if err := errors.Join(<-done, reader.Close()); err != nil {
			t.Error(err)
		}
	})
}

// Who is replaced at the nodes again and again, while nobody takes the lease, stands aside.
func TestWhoIsReplacedAgainAndAgainStandsAside(t *testing.T) {
	inHouse(t, func(h *house) {
		ctx, stop := context.WithCancel(context.Background())
		var led []time.Time
		candidate := term.Candidate{
			Me: redisstore.Controller{ID: "c"}, Log: zap.NewNop(), StandsBy: func(redisstore.Controller, string) {},
			NewStore: func() (*redisstore.Store, error) { return h.store("c"), nil },
			Lead: func(ctx context.Context, _ *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
				led = append(led, time.Now())
				return term.Ceased, errors.Join(&asterisk.NodeError{Node: "a1", Problem: asterisk.Replaced}, lease.GiveBack(ctx))
			},
		}
		done := make(chan error, 1)
		go func() { done <- candidate.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(led) < 4 {
			t.Fatalf("it led %d times", len(led))
		}
		for i, longest := range []time.Duration{10 * time.Second, 10 * time.Second, 2 * time.Minute} {
			pause := led[i+1].Sub(led[i])
			if pause > longest || i == 2 && pause < time.Minute {
				t.Errorf("pause %d took %v", i+1, pause)
			}
		}
	})
}

// An end by itself, as before a live state of a newer version, does not wait for records
// that Redis does not take.
func TestAnEndDoesNotWaitForRecordsThatCannotBeWritten(t *testing.T) {
	inHouse(t, func(h *house) {
		stores := 0
		broken := errors.New("no store can be made")
		candidate := term.Candidate{
			Me: redisstore.Controller{ID: "c"}, Log: zap.NewNop(), StandsBy: func(redisstore.Controller, string) {},
			NewStore: func() (*redisstore.Store, error) {
				if stores++; stores > 1 {
					return nil, broken
				}
				return h.store("c"), nil
			},
			Lead: func(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
				now := time.Now()
				store.Append(nil, []acd.CallRecord{{
					Version: acd.RecordVersion, Call: "a1-1.1", Node: "a1", Entry: "12345", Queue: "q", Arrived: now, Queued: now, Ended: now,
					Result: acd.Abandoned, Reason: acd.CallerHungUp,
				}}, nil)
				err := lease.GiveBack(ctx)
				h.redis.Stop()
				return term.Ceased, err
			},
		}
		began := time.Now()
		if err := candidate.Run(context.Background()); !errors.Is(err, broken) || time.Since(began) > time.Minute {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
		time.Sleep(5 * time.Second) // of virtual time: the client looks once a second whether it was closed
	})
}
