package arimodel_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/arimodel"
)

// listener is a Switch with the events that it gives.
type listener struct {
	*asterisk.Switch
	stop    context.CancelFunc
	arrived chan acd.CallID
	ended   chan struct{}
}

func newListener(t *testing.T, w *arimodel.World, n *arimodel.Node) *listener {
	sw, err := asterisk.New(asterisk.Options{
		Nodes: []asterisk.Node{{ID: "a1", URL: n.URL(), Username: arimodel.User, Password: arimodel.Password}},
		Log:   zap.NewNop(), Transport: w, Jitter: func(max time.Duration) time.Duration { return max / 2 },
	})
	noErr(t, err)
	ctx, stop := context.WithCancel(context.Background())
	c := &listener{sw, stop, make(chan acd.CallID, 10), make(chan struct{})}
	go func() { _ = sw.Run(ctx) }()
	go func() {
		defer close(c.ended)
		for ev := range sw.Events() {
			if arrived, ok := ev.Event.(acd.CallArrived); ok {
				c.arrived <- arrived.Call
			}
		}
	}()
	return c
}

// A controller that connects in the moment in which the former one leaves hears of
// whoever calls and of whoever is there, whatever Asterisk makes of its connection.
func TestTakingOverWhileTheFormerConnectionEnds(t *testing.T) {
	without := 0
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			w := arimodel.New(arimodel.Options{Seed: seed, Log: func(line string) {
				if strings.HasSuffix(line, "without the application") {
					without++
				}
			}})
			defer w.Close()
			n := w.AddNode("a1")
			hears := func(c *listener) {
				t.Helper()
				select {
				case <-c.arrived:
				case <-time.After(10 * time.Second):
					t.Fatalf("seed %d: it does not hear of a caller; ready: %v", seed, c.Ready())
				}
			}
			former := newListener(t, w, n)
			time.Sleep(time.Second)
			if seed%2 == 0 { // then a channel keeps the application
				w.Dial("a1", "13812345678", "12345")
				hears(former)
			}
			former.stop()
			second := newListener(t, w, n)
			if seed%2 == 0 {
				hears(second)
			}
			time.Sleep(2 * time.Second)
			noErr(t, second.Ready())
			w.Dial("a1", "13812345679", "12345")
			hears(second)
			second.stop()
			<-former.ended
			<-second.ended
		})
	}
	if without == 0 {
		t.Error("the former connection was never just ending")
	}
	t.Logf("%d of 60 connections were left without the application", without)
}
