package versus

import (
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What a call may cost at ten calls a second, whatever the machine: what it costs when
// hardly two of its steps are written to Redis together, and some room for what goes on
// beside calls (the lease, pings). A change that makes calls cheaper should lower these, and one
// that needs more has to say why here.
var mostPerCall = []struct {
	what  string
	bound float64
	of    func(Sample) float64
}{
	// StasisStart, ChannelStateChange and what ends a channel, of caller and agent; see usedEvents.
	{"events from ARI", 12.3, func(s Sample) float64 { return s.Events }},
	// Answer, music, leg, dial, music off, bridge, both into it, caller off, bridge off.
	{"requests to ARI", 9.3, func(s Sample) float64 { return s.Requests }},
	{"commands of Redis, in scripts too", 75, func(s Sample) float64 { return s.Commands }},
	{"bytes to Redis", 10_500, func(s Sample) float64 { return s.RedisIn }},
	{"allocations of the controller", 1750, func(s Sample) float64 { return s.Allocations }},
}

func TestCallCostsNoMoreThanItDid(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "hotline")
	if out, err := exec.Command("go", "build", "-o", binary, "hotline/cmd/hotline").CombinedOutput(); err != nil {
		t.Fatalf("build hotline: %v\n%s", err, out)
	}
	p := Point{Kind: Rate, Agents: 10, Rate: 10, Talk: shortTalk, Window: 8 * time.Second}
	samples, err := runSession(t.Context(), Options{Binary: binary, Out: io.Discard}, Hotline, []Point{p}, filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	s := samples[0]
	if s.Placed != 80 || s.Bridged() < s.Placed {
		t.Fatalf("%d calls placed, %d at the agents' phones, %d in the records; want 80", s.Placed, s.Answered, s.Connected)
	}
	for _, m := range mostPerCall {
		each := m.of(s) / float64(s.Placed)
		t.Logf("%s: %.1f a call", m.what, each)
		if each > m.bound || each == 0 {
			t.Errorf("%s: %.1f a call, at most %.1f were enough", m.what, each, m.bound)
		}
	}
}

// TestQueueConnectsCalls: the other side too must work for a comparison.
func TestQueueConnectsCalls(t *testing.T) {
	points := []Point{
		{Kind: Audio, Agents: 5, Rate: 5, Talk: shortTalk, Window: 2 * time.Second},
		{Kind: Waiting, Agents: 5, Waiting: 3, Rate: 10, Talk: 500 * time.Millisecond, Window: 2 * time.Second},
	}
	samples, err := runSession(t.Context(), Options{Out: io.Discard}, AppQueue, points, filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	if s := samples[0]; s.Placed != 10 || s.Bridged() < 10 || s.Completed != 10 || s.Spoken != 10 || s.Audio.N != 10 || s.CPU["asterisk"] == 0 {
		t.Errorf("at a rate: %+v", s)
	}
	if s := samples[1]; s.Answered == 0 || s.Gap.N == 0 || s.Waiting == 0 {
		t.Errorf("with callers waiting: %+v", s)
	}
}
