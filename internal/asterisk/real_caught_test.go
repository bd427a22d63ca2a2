package asterisk_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/callflow"
	"hotline/internal/phone"
	"hotline/internal/runner"
)

// shelf is a store and a meter that keeps records and when calls came to the engine.
type shelf struct {
	mu      sync.Mutex
	came    map[string]time.Time // guarded by mu; by caller
	records chan acd.CallRecord
}

func (s *shelf) Append(changes []acd.Change, records []acd.CallRecord, _ []acd.Stint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if c.Call != nil && s.came[c.Call.Caller].IsZero() {
			s.came[c.Call.Caller] = time.Now()
		}
	}
	for _, r := range records {
		s.records <- r
	}
}
func (s *shelf) Run(context.Context) error { return nil }
func (s *shelf) Ready() error              { return nil }
func (s *shelf) Measure(acd.Measure)       {}
func (s *shelf) Breach(string)             {}

// Callers come while no controller is there; then one is, with an agent who is ready
// at once, and another caller comes. All are served in the order in which they came.
func TestRealCaughtCallersAreServedInTheOrderOfTheirArrival(t *testing.T) {
	a := realAsterisk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	agent := newPhone(t, "127.0.0.1:0", phone.Config{User: "seat-8001", Password: seatSecret, Server: a.Params.SIPListen.String(), Tone: tone(t, 1)})
	noErr(t, agent.Register(ctx))
	var talks sync.WaitGroup
	defer talks.Wait()
	agent.SetPlan(func(c *phone.Call) phone.Plan {
		talks.Go(func() {
			if _, err := c.WaitAnyTone(ctx, func(h phone.Tone) bool { return h != agent.Tone() }); err != nil {
				t.Errorf("the agent did not hear the caller: %v", err)
			}
		})
		return phone.AnswerAfter(50 * time.Millisecond)
	})
	var dialled []time.Time
	call := func(i int) *phone.Call {
		p := newPhone(t, "127.0.0.2:0", phone.Config{User: fmt.Sprintf("1381000000%d", i), Server: a.Params.SIPListen.String(), Tone: tone(t, 2+i)})
		c, err := p.Dial("12345", phone.CallOptions{})
		noErr(t, err)
		dialled = append(dialled, time.Now())
		talks.Go(func() {
			if _, err := c.WaitTone(ctx, agent.Tone()); err != nil {
				t.Errorf("caller %d did not hear the agent: %v", i, err)
			}
			time.Sleep(200 * time.Millisecond) // the agent hears the caller, too
			c.Hangup()
		})
		return c
	}
	var calls []*phone.Call
	for i := range 4 {
		c := call(i)
		noErr(t, c.WaitAnswered(ctx)) // by the dialplan
		calls = append(calls, c)
		time.Sleep(700 * time.Millisecond)
	}
	// By now the dialplan tries again with them every two seconds, with the last first.
	time.Sleep(time.Until(dialled[3].Add(5200 * time.Millisecond)))

	cfg := acd.Config{
		Entries: []acd.Entry{{Number: "12345", Queue: "q"}}, Queues: []acd.Queue{{ID: "q", Music: "default", RingTimeout: 10 * time.Second}},
		Seats: []acd.SeatID{"8001"}, Agents: []acd.Agent{{ID: "1001", Queues: []acd.QueueID{"q"}}},
	}
	engine, err := acd.Restore(cfg, callflow.Standard{}, acd.State{
		At: time.Now(), CutOff: []acd.NodeID{"a1"}, Agents: []acd.AgentStatus{{Agent: "1001", State: acd.Ready, Seat: "8001", Since: time.Now(), IdleSince: time.Now()}},
	})
	noErr(t, err)
	meter := newCounts()
	sw, err := asterisk.New(asterisk.Options{
		Nodes: []asterisk.Node{{ID: "a1", URL: "http://" + a.Params.HTTPListen.String(), Username: a.Params.ARIUser, Password: a.Params.ARIPassword}},
		Log:   zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel)), Meter: meter,
	})
	noErr(t, err)
	s := &shelf{came: map[string]time.Time{}, records: make(chan acd.CallRecord, 10)}
	r := runner.New(runner.Options{Engine: engine, Switch: sw, Store: s, Meter: s, Log: zap.NewNop()})
	running, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	began := time.Now()
	parts.Go(func() {
		if err := sw.Run(running); err != nil {
			t.Error(err)
		}
	})
	parts.Go(func() { _ = r.Run(context.WithoutCancel(running)) })
	for sw.Ready() != nil {
		select {
		case <-meter.changed:
		case <-ctx.Done():
			t.Fatal(sw.Ready())
		}
	}
	ready := time.Since(began)
	calls = append(calls, call(len(calls))) // comes to the controller at once

	var order []string
	for range calls {
		select {
		case record := <-s.records:
			order = append(order, record.Caller)
			i := slices.Index([]string{"13810000000", "13810000001", "13810000002", "13810000003", "13810000004"}, record.Caller)
			if record.Result != acd.Answered || record.Arrived.Sub(dialled[i]).Abs() > 300*time.Millisecond {
				t.Errorf("caller %d dialled at %v: %+v", i, dialled[i], record)
			}
		case <-ctx.Done():
			t.Fatalf("served: %v", order)
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("served in the order %v", order)
	}
	s.mu.Lock()
	for i := range calls {
		came := s.came[fmt.Sprintf("1381000000%d", i)]
		t.Logf("caller %d: dialled %v before the controller began, in its engine %v after that", i, began.Sub(dialled[i]).Round(time.Millisecond), came.Sub(began).Round(time.Millisecond))
		if came.Sub(began) > 2500*time.Millisecond {
			t.Errorf("caller %d was not handed over within two seconds", i)
		}
	}
	s.mu.Unlock()
	t.Logf("the node was ready after %v", ready.Round(time.Millisecond))
}
