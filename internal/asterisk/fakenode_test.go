package asterisk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
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

// newBenchAt is for a fake that has something already, perhaps calls that a former
// controller's engine knew.
func newBenchAt(t *testing.T, fake *aritest.Server, change func(*asterisk.Options), former ...acd.Expected) *bench {
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
	sw.Adopt(former)
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
