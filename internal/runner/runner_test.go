package runner_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"

	"hotline/internal/acd"
	"hotline/internal/callflow"
	"hotline/internal/runner"
)

// fakes stand for switch, store and metrics, and keep what they are given.
type fakes struct {
	events   chan runner.SwitchEvent
	commands []acd.Command
	changes  []acd.Change
	records  []acd.CallRecord
	traced   []acd.CallRecord
	measures []acd.Measure
}

func (f *fakes) Events() <-chan runner.SwitchEvent { return f.events }
func (f *fakes) Do(c []acd.Command)                { f.commands = append(f.commands, c...) }
func (f *fakes) Run(context.Context) error         { return nil }
func (f *fakes) Ready() error                      { return nil }
func (f *fakes) Measure(m acd.Measure)             { f.measures = append(f.measures, m) }
func (f *fakes) Breach(name string)                { panic("breach of " + name) }
func (f *fakes) Trace(r []acd.CallRecord)          { f.traced = append(f.traced, r...) }
func (f *fakes) Append(c []acd.Change, r []acd.CallRecord, _ []acd.Stint) {
	f.changes, f.records = append(f.changes, c...), append(f.records, r...)
}

// inBubble runs body beside a runner in virtual time.
func inBubble(t *testing.T, body func(t *testing.T, r *runner.Runner, f *fakes)) {
	synctest.Test(t, func(t *testing.T) {
		engine, err := acd.NewEngine(acd.Config{
			Entries: []acd.Entry{{Number: "9", Queue: "q"}},
			Queues:  []acd.Queue{{ID: "q", RingTimeout: 10 * time.Second, WrapUp: 5 * time.Second}},
			Seats:   []acd.SeatID{"801"},
			Agents:  []acd.Agent{{ID: "1", Queues: []acd.QueueID{"q"}}},
		}, callflow.Standard{})
		if err != nil {
			t.Fatal(err)
		}
		f := &fakes{events: make(chan runner.SwitchEvent)}
		r := runner.New(runner.Options{Engine: engine, Switch: f, Store: f, Meter: f, Tracer: f, Log: zaptest.NewLogger(t)})
		ended := make(chan error, 1)
		go func() { ended <- r.Run(t.Context()) }()
		body(t, r, f)
		close(f.events)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := r.Snapshot(t.Context()); !errors.Is(err, runner.ErrStopped) {
			t.Errorf("a snapshot after the end: %v", err)
		}
		if err := r.Request(t.Context(), acd.Logout{Agent: "1"}); !errors.Is(err, runner.ErrStopped) {
			t.Errorf("a request after the end: %v", err)
		}
	})
}

func (f *fakes) send(event acd.Event) {
	f.events <- runner.SwitchEvent{At: time.Now(), Event: event}
	synctest.Wait()
}

func TestOneCallThroughTheRunner(t *testing.T) {
	inBubble(t, func(t *testing.T, r *runner.Runner, f *fakes) {
		for _, request := range []acd.Event{acd.Login{Agent: "1", Seat: "801"}, acd.SetReady{Agent: "1"}} {
			if err := r.Request(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
		leg := acd.NewLegID("c", 1, "1")
		f.send(acd.CallArrived{Call: "c", Node: "a1", Entry: "9"})
		f.send(acd.LegAnswered{Leg: leg})
		f.send(acd.Connected{Call: "c", Leg: leg})
		time.Sleep(time.Minute)
		f.send(acd.CallGone{Call: "c"})
		if len(f.records) != 1 || f.records[0].Talk() != time.Minute {
			t.Errorf("records: %+v", f.records)
		}
		if len(f.traced) != 1 || f.traced[0].Call != "c" {
			t.Errorf("traced: %+v", f.traced)
		}
		if last, ok := f.commands[len(f.commands)-1].(acd.Release); !ok || last.Call != "c" {
			t.Errorf("commands: %+v", f.commands)
		}
		if len(f.measures) == 0 || len(f.changes) == 0 {
			t.Errorf("%d measures, %d changes", len(f.measures), len(f.changes))
		}
	})
}

func TestTimersRunWithoutEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, r *runner.Runner, f *fakes) {
		if err := r.Request(t.Context(), acd.Login{Agent: "1", Seat: "801"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Request(t.Context(), acd.SetReady{Agent: "1"}); err != nil {
			t.Fatal(err)
		}
		f.send(acd.CallArrived{Call: "c", Node: "a1", Entry: "9"})
		f.send(acd.LegRinging{Leg: acd.NewLegID("c", 1, "1")})
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		s, err := r.Snapshot(t.Context())
		if err != nil || s.Agents[0].Reason != acd.ReasonRONA || s.Calls[0].Phase != acd.PhaseWaiting {
			t.Errorf("after the ring timeout: %+v %v", s, err)
		}
	})
}

func TestRequestsAreAnsweredAndSeenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, r *runner.Runner, f *fakes) {
		if _, err := r.Snapshot(t.Context()); err != nil {
			t.Fatal(err)
		}
		var refused *acd.RequestError
		if err := r.Request(t.Context(), acd.Login{Agent: "1", Seat: "nowhere"}); !errors.As(err, &refused) || refused.Code != "unknown_seat" {
			t.Errorf("login at an unknown seat: %v", err)
		}
		if err := r.Request(t.Context(), acd.Login{Agent: "1", Seat: "801"}); err != nil {
			t.Fatal(err)
		}
		s, err := r.Snapshot(t.Context())
		if err != nil || s.Agents[0].Seat != "801" {
			t.Errorf("snapshot after the login: %+v %v", s.Agents, err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Request(cancelled, acd.Logout{Agent: "1"}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("a request given up: %v", err)
		}
	})
}
