package asterisk

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// Node is one Asterisk.
type Node struct {
	ID       acd.NodeID
	URL      string // of the HTTP server inside Asterisk, e.g. http://127.0.0.1:8088
	Username string
	Password string
}

// Options are what a Switch needs.
type Options struct {
	App   string // the Stasis application; "hotline" when empty
	Nodes []Node // at least one
	Log   *zap.Logger
	Meter Meter

	// SoundPrefix stands before the name of each prompt; "hotline/" when empty.
	SoundPrefix string
	// RequestTimeout bounds one REST request; 2 s when zero.
	RequestTimeout time.Duration
	// PingEvery is the interval of websocket pings, and how long a pong may
	// take: a half-open connection is noticed within twice that. 5 s when zero.
	PingEvery time.Duration
	// ReconcileEvery is the interval of the routine comparison; 30 s when zero.
	ReconcileEvery time.Duration
	// RetryMin and RetryMax bound the pause between attempts to connect; 100 ms
	// and 2 s when zero.
	RetryMin, RetryMax time.Duration
	// Workers is how many REST requests may be under way at once; 64 when zero.
	Workers int
	// MaxBacklog is how many frames may wait to be handled before the
	// connection is given up and what was missed is found by comparison;
	// 200,000 when zero.
	MaxBacklog int
}

// Meter receives counts. Its methods must not block.
type Meter interface {
	// SwitchEvent counts a frame by its type; used is false for types that
	// are not known or not wanted. typ is "malformed" for what is not JSON.
	SwitchEvent(node, typ string, used bool)
	// SwitchRequest observes a REST request; status is 0 when there was no reply.
	SwitchRequest(node, method, route string, status int, took time.Duration)
	// SwitchConnected tells whether the events of a node arrive.
	SwitchConnected(node string, up bool)
	// SwitchGap counts losses of the event connection.
	SwitchGap(node string)
	// SwitchBacklog tells how many frames wait to be handled.
	SwitchBacklog(node string, frames int)
}

func (o *Options) fill() error {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.RequestTimeout, 2*time.Second)
	set(&o.PingEvery, 5*time.Second)
	set(&o.ReconcileEvery, 30*time.Second)
	set(&o.RetryMin, 100*time.Millisecond)
	set(&o.RetryMax, 2*time.Second)
	if o.App == "" {
		o.App = "hotline"
	}
	if o.SoundPrefix == "" {
		o.SoundPrefix = "hotline/"
	}
	if o.Workers == 0 {
		o.Workers = 64
	}
	if o.MaxBacklog == 0 {
		o.MaxBacklog = 200_000
	}
	if len(o.Nodes) == 0 || o.Log == nil || o.Meter == nil {
		return errors.New("asterisk: at least one node, a log and a meter are needed")
	}
	seen := make(map[acd.NodeID]bool)
	for _, n := range o.Nodes {
		u, err := url.Parse(n.URL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("asterisk: node %s: %q is not an address such as http://127.0.0.1:8088", n.ID, n.URL)
		}
		if n.ID == "" || seen[n.ID] {
			return fmt.Errorf("asterisk: the node name %q is empty or given twice", n.ID)
		}
		seen[n.ID] = true
	}
	return nil
}

func (n Node) base() string { return strings.TrimRight(n.URL, "/") + "/ari" }
