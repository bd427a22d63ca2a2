package asterisk_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/phone"
)

// Controllers follow each other, and each connects in the moment in which the former
// one leaves: at times Asterisk leaves its first connection without the application.
// Each hears of a caller who is there, and of one who comes when it is ready.
func TestRealTakingOverWhileTheFormerConnectionEnds(t *testing.T) {
	a := realAsterisk(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	caller := newPhone(t, "127.0.0.2:0", phone.Config{User: "13812345678", Server: a.Params.SIPListen.String(), Lines: 9})
	meter := newCounts()
	var sw *asterisk.Switch
	begin := func() (stop context.CancelFunc, arrived chan acd.CallID, ended chan struct{}) {
		next, err := asterisk.New(asterisk.Options{
			Nodes: []asterisk.Node{{ID: "a1", URL: "http://" + a.Params.HTTPListen.String(), Username: a.Params.ARIUser, Password: a.Params.ARIPassword}},
			Log:   zaptest.NewLogger(t, zaptest.Level(zap.FatalLevel)), Meter: meter,
		})
		noErr(t, err)
		sw = next
		runCtx, stop := context.WithCancel(context.Background())
		arrived, ended = make(chan acd.CallID, 10), make(chan struct{})
		go func() { _ = next.Run(runCtx) }()
		go func() {
			defer close(ended)
			for ev := range next.Events() {
				if ev, ok := ev.Event.(acd.CallArrived); ok {
					arrived <- ev.Call
				}
			}
		}()
		return stop, arrived, ended
	}
	hears := func(arrived chan acd.CallID) {
		t.Helper()
		select {
		case <-arrived:
		case <-ctx.Done():
			t.Fatal("a controller does not hear of a caller")
		}
	}
	stop, arrived, ended := begin()
	for i := range 20 {
		// A channel keeps the application half of the times.
		var there *phone.Call
		if i%2 == 0 {
			var err error
			there, err = caller.Dial("12345", phone.CallOptions{})
			noErr(t, err)
			hears(arrived)
		}
		go stop()
		formerEnded := ended
		stop, arrived, ended = begin()
		<-formerEnded
		if there != nil {
			hears(arrived)
		}
		for sw.Ready() != nil {
			select {
			case <-meter.changed:
			case <-ctx.Done():
				t.Fatal(sw.Ready())
			}
		}
		comes, err := caller.Dial("12345", phone.CallOptions{})
		noErr(t, err)
		hears(arrived)
		comes.Hangup()
		if there != nil {
			there.Hangup()
		}
	}
	stop()
	<-ended
	(&rig{t: t, a: a}).nothingLeft()
}
