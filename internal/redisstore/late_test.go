package redisstore

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
)

// A write of live state that the writer gave up, and that arrives after later ones, brings
// back nothing that has ended since. What another store writes under the same lease is no
// later and no earlier.
func TestLateLiveWriteBringsNothingBack(t *testing.T) {
	s := open(t, server(t).Address)
	lease := take(t, s, "a")
	write := func(s *Store, call acd.Change, waits bool) (send func() error) {
		writes := s.newLiveWrites()
		var change *acd.Change
		if waits {
			change = &call
		}
		key, _ := call.Key()
		if err := writes.add(key, change); err != nil {
			t.Fatal(err)
		}
		keys, args := writes.args(false)
		return func() error { return s.client.Eval(t.Context(), liveSource, keys, args...).Err() }
	}
	late, later := write(s, call("1", acd.PhaseWaiting), true), write(s, call("1", acd.PhaseWaiting), false)
	if err := later(); err != nil {
		t.Fatal(err)
	}
	if err := late(); !redis.HasErrorPrefix(err, "LATE") {
		t.Errorf("a write that is late: %v", err)
	}
	if got := liveCalls(t, s); got != "" {
		t.Errorf("a call that has ended is back: %s", got)
	}
	other := open(t, s.address)
	other.token.Store(lease.Token())
	if err := write(other, call("2", acd.PhaseWaiting), true)(); err != nil {
		t.Errorf("another store: %v", err)
	}
	if err := write(other, call("3", acd.PhaseWaiting), true)(); err != nil {
		t.Errorf("again: %v", err)
	}
	if got := liveCalls(t, s); got != "2 3" {
		t.Errorf("live are %q", got)
	}
}
