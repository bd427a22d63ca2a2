package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/httpapi"
)

func ids(alerts []alert.Alert) string {
	var list []string
	for _, a := range alerts {
		list = append(list, fmt.Sprintf("%s %s", a.ID, a.Since.UTC().Format("15:04:05")))
	}
	return strings.Join(list, ", ")
}

// Alerts begin when they do, though nobody follows or asks; and anew when another
// controller has led meanwhile.
func TestAlertsAreWatchedForWithoutClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // from 00:00:00 on
		var mu sync.Mutex
		var emergency []string // guarded by mu, as is away
		var away error
		see := func(context.Context) (acd.Snapshot, error) {
			mu.Lock()
			defer mu.Unlock()
			return acd.Snapshot{At: time.Now(), Emergency: emergency}, away
		}
		w := &watch{snapshot: see, target: func() time.Duration { return 15 * time.Second }, faults: func() ([]alert.Node, error, bool) { return nil, nil, false }}
		now := func() string {
			s, _ := see(t.Context())
			return ids(w.Alerts(s))
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.run(ctx) }()
		pass := func(d time.Duration, meanwhile func()) {
			mu.Lock()
			meanwhile()
			mu.Unlock()
			time.Sleep(d)
			synctest.Wait()
		}
		pass(90*time.Second, func() {})
		w.ConnectRate(100, 90)
		pass(time.Hour, func() { emergency = []string{"flood"} })
		if got := now(); got != "connect_rate 00:01:31, emergency_on 00:01:31" {
			t.Error(got)
		}
		pass(time.Minute, func() { away = &httpapi.StandbyError{Leader: "b-1"} })
		pass(10*time.Second, func() { away = nil })
		if got := now(); got != "connect_rate 01:02:31, emergency_on 01:02:31" {
			t.Error(got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What does not work becomes an alert of its own.
func TestFaultsBecomeAlerts(t *testing.T) {
	for _, c := range []struct {
		store  error
		spools bool
		want   string
	}{
		{nil, true, "node_down:a1"},
		{errors.New("Redis does not answer"), false, "node_down:a1 not_ready"},
		{errors.New("Redis does not answer"), true, "node_down:a1 spool"},
	} {
		w := &watch{target: func() time.Duration { return 0 }, faults: func() ([]alert.Node, error, bool) {
			return []alert.Node{{ID: "a1", Why: "gone"}}, c.store, c.spools
		}}
		var got []string
		for _, a := range w.Alerts(acd.Snapshot{At: time.Unix(1e9, 0)}) {
			got = append(got, a.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v, %v: %q, want %q", c.store, c.spools, got, c.want)
		}
	}
}
