package asterisk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// Node is one Asterisk and how to reach its ARI.
type Node struct {
	// ID is the node's systemname.
	ID acd.NodeID
	// URL is where Asterisk's HTTP server listens, without /ari: http://127.0.0.1:8088.
	URL string
	// Username and Password are those of a user in ari.conf who may write.
	Username, Password string
}

// Options are what a Switch needs. Nodes and Log are required; every other
// zero value takes its default.
type Options struct {
	// App is the Stasis application that the dialplan calls. Default "hotline".
	App   string
	Nodes []Node
	Log   *zap.Logger
	// Meter counts; nil counts nothing.
	Meter Meter

	// Over says whether a call has ended already; nil: none has.
	Over Over
	// Gate lets commands through: it returns when this controller may command, or the
	// reason why not. nil: always.
	Gate func(ctx context.Context) error
	// Enter is asked before each connection for events, which takes the application
	// away from whoever has it, and before each command to a node of which nothing is
	// heard, which may be another's by now; nil: Gate is. answering tells since when
	// that node answers requests though nothing is heard of it; zero: it does not answer.
	Enter func(ctx context.Context, answering func() time.Time) error

	// OutboundTrunk is the endpoint of the carrier over which callers are called
	// back and partners called; empty: nobody can be.
	OutboundTrunk string
	// SoundPrefix is the folder of the prompts below Asterisk's sounds
	// directory, with a slash at its end. Default "hotline/".
	SoundPrefix string
	// ToneZone names the zone of indications.conf for ringing tone. Default "cn".
	ToneZone string

	// RequestTimeout bounds one attempt of a REST request. Default 2 s.
	RequestTimeout time.Duration
	// RepeatAfter is the pause before the one repetition of a request that
	// may be repeated and has not reached Asterisk. Default 100 ms.
	RepeatAfter time.Duration
	// Workers bounds how many calls of a node are being commanded at the
	// same time. Default 32.
	Workers int
	// PingEvery and PingTimeout find a connection that is dead without
	// having been closed. Default 5 s and 3 s.
	PingEvery, PingTimeout time.Duration
	// HearTimeout is how long after its request the event may take to come that
	// proves a new connection. It doubles, up to PingTimeout, with every connection
	// over which none came; later proofs may take PingTimeout. Default 500 ms.
	HearTimeout time.Duration
	// RetryMin and RetryMax bound the growing pause between two
	// attempts to connect; up to half of it is random. Default 100 ms and 2 s.
	RetryMin, RetryMax time.Duration
	// ReconcileEvery is how often the book of channels is compared with
	// what Asterisk has. Default 30 s.
	ReconcileEvery time.Duration
	// ConfirmAfter is the time between two listings in both of which a
	// channel must be missing before it counts as gone, while the
	// connection is up. Default 1 s.
	ConfirmAfter time.Duration
	// SettleTime is how long a channel may be listed as if nothing had
	// happened after its end was told, and how long the bridge of a finished
	// call may take to be deleted in the ordinary way. Default 5 s.
	SettleTime time.Duration
	// CaughtFor bounds how long those who come after a connection was made wait for
	// callers whom the dialplan held until then, and who came before them. It is
	// longer than the dialplan's prompt and the time until it tries again. Default 7 s.
	CaughtFor time.Duration
	// MaxBacklog bounds the events of a node that wait to be handled; more
	// are dropped, counted, and made good by a reconciliation. An event
	// takes about 1 kB. Default 100,000.
	MaxBacklog int
	// DeadAfter is how long a node must refuse connections, and SilentAfter how
	// long it must not answer at all, before its calls count as lost. Default 3 s
	// and 60 s.
	DeadAfter, SilentAfter time.Duration
	// Transport carries requests and event connections; nil: TCP.
	Transport http.RoundTripper
	// Jitter chooses the random part of a pause, at most max; nil: by chance.
	Jitter func(max time.Duration) time.Duration
	// Grace bounds how long Run goes on with commands handed over before
	// its context ended. Default 2 s.
	Grace time.Duration
}

func (o Options) withDefaults() (Options, error) {
	orString(&o.App, "hotline")
	if strings.ContainsAny(o.App, ",/? ") {
		return o, fmt.Errorf("the Stasis application %q needs a name without comma, slash and space", o.App)
	}
	if len(o.Nodes) == 0 {
		return o, errors.New("no Asterisk node is configured; name at least one")
	}
	seen := map[acd.NodeID]bool{}
	for _, n := range o.Nodes {
		if n.ID == "" || seen[n.ID] {
			return o, fmt.Errorf("Asterisk node %q needs an id of its own", n.ID)
		}
		seen[n.ID] = true
		u, err := url.Parse(n.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return o, fmt.Errorf("node %s: its URL must look like http://127.0.0.1:8088, without user or password", n.ID)
		}
	}
	if o.Log == nil {
		return o, errors.New("a log is missing")
	}
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	orString(&o.SoundPrefix, "hotline/")
	orString(&o.ToneZone, "cn")
	orDuration(&o.RequestTimeout, 2*time.Second)
	orDuration(&o.RepeatAfter, 100*time.Millisecond)
	orDuration(&o.PingEvery, 5*time.Second)
	orDuration(&o.PingTimeout, 3*time.Second)
	orDuration(&o.HearTimeout, 500*time.Millisecond)
	orDuration(&o.RetryMin, 100*time.Millisecond)
	orDuration(&o.RetryMax, 2*time.Second)
	orDuration(&o.ReconcileEvery, 30*time.Second)
	orDuration(&o.ConfirmAfter, time.Second)
	orDuration(&o.SettleTime, 5*time.Second)
	orDuration(&o.CaughtFor, 7*time.Second)
	orDuration(&o.DeadAfter, 3*time.Second)
	orDuration(&o.SilentAfter, 60*time.Second)
	orDuration(&o.Grace, 2*time.Second)
	if o.Jitter == nil {
		o.Jitter = func(max time.Duration) time.Duration { return rand.N(max + 1) }
	}
	if o.Workers <= 0 {
		o.Workers = 32
	}
	if o.MaxBacklog <= 0 {
		o.MaxBacklog = 100_000
	}
	return o, nil
}

func orString(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

func orDuration(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Meter receives counts. Its methods must not block and are called from
// several goroutines. All strings come from small fixed sets.
type Meter interface {
	// SwitchEvent counts a message by its event type; used is false for
	// types that are not wanted. typ is "unknown" for a type that Asterisk 22
	// does not document, and "malformed" for what cannot be decoded.
	SwitchEvent(node, typ string, used bool)
	// SwitchRequest observes a REST request; route is a template without
	// ids, status is 0 when there was no reply.
	SwitchRequest(node, method, route string, status int, took time.Duration)
	// SwitchConnected tells whether the events of a node arrive.
	SwitchConnected(node string, up bool)
	// SwitchGap counts stretches in which events may have been missed.
	SwitchGap(node string)
	// SwitchBacklog tells how many events wait to be handled.
	SwitchBacklog(node string, frames int)
}

type noMeter struct{}

func (noMeter) SwitchEvent(string, string, bool)                         {}
func (noMeter) SwitchRequest(string, string, string, int, time.Duration) {}
func (noMeter) SwitchConnected(string, bool)                             {}
func (noMeter) SwitchGap(string)                                         {}
func (noMeter) SwitchBacklog(string, int)                                {}
