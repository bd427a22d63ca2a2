package asterisk_test

import (
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// realDir is the folder of the real Asterisk.
var realDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hotline-asterisk-")
	if err != nil {
		panic(err)
	}
	realDir = dir
	code := m.Run()
	if node.a != nil {
		if err := node.a.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping Asterisk:", err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// counts is a Meter that remembers.
type counts struct {
	mu       sync.Mutex
	events   map[string]int
	requests map[string]int
	gaps     int
	changed  chan struct{} // holds a token after each change of the connection or request
}

func newCounts() *counts {
	return &counts{events: map[string]int{}, requests: map[string]int{}, changed: make(chan struct{}, 1)}
}

func (c *counts) note(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *counts) SwitchEvent(_, typ string, used bool) { c.note(func() { c.events[typ]++ }) }
func (c *counts) SwitchRequest(_, method, route string, status int, _ time.Duration) {
	c.note(func() { c.requests[fmt.Sprintf("%s %s %d", method, route, status)]++ })
}
func (c *counts) SwitchConnected(string, bool) { c.note(func() {}) }
func (c *counts) SwitchGap(string)             { c.note(func() { c.gaps++ }) }
func (c *counts) SwitchBacklog(string, int)    {}

func (c *counts) sums() (requests, events int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range maps.Values(c.requests) {
		requests += n
	}
	for n := range maps.Values(c.events) {
		events += n
	}
	return requests, events
}

func (c *counts) count(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[key] + c.events[key]
}

// waitRequest waits until a POST of the route has been answered with success.
func (c *counts) waitRequest(r *rig, route string) {
	r.t.Helper()
	for c.count("POST "+route+" 200")+c.count("POST "+route+" 201")+c.count("POST "+route+" 204") == 0 {
		select {
		case <-c.changed:
		case <-r.ctx.Done():
			r.t.Fatal("no request " + route)
		}
	}
}
