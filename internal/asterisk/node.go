package asterisk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/CyCoreSystems/ari/v5"
	"github.com/coder/websocket"
	"go.uber.org/zap"

	"hotline/internal/acd"
)

// maxFrame bounds one event; the longest seen are a few kilobytes.
const maxFrame = 1 << 20

// deadAfter is how long a node that was connected must refuse connections
// before its calls count as lost: nobody listens, so the process has ended.
const deadAfter = 2 * time.Second

var (
	errReplaced = errors.New("another controller has taken over the application; this one stands back")
	errOverrun  = errors.New("too many events wait to be handled; starting over with a comparison")
)

// node is one Asterisk: its connection and what is believed of its channels.
type node struct {
	Node
	o    Options
	sw   *Switch
	rest *rest
	log  *zap.Logger

	mu       sync.Mutex
	calls    map[acd.CallID]*call
	seats    map[string]string // playback -> channel of a phone that dialled a feature code
	state    error             // why not ready; nil when connected
	started  string            // when this Asterisk started, as it says itself
	refusing time.Time         // since when connections are refused; zero when not
}

func newNode(cfg Node, o Options, sw *Switch) *node {
	return &node{
		Node: cfg, o: o, sw: sw, rest: newREST(cfg, o.RequestTimeout, o.Meter),
		log:   o.Log.With(zap.String("node", string(cfg.ID))),
		calls: make(map[acd.CallID]*call), seats: make(map[string]string),
		state: fmt.Errorf("node %s: not connected yet", cfg.ID),
	}
}

func (n *node) ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *node) setState(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state = err
	n.o.Meter.SwitchConnected(string(n.ID), err == nil)
}

// run keeps the node connected until ctx is done or another controller has
// taken over.
func (n *node) run(ctx context.Context) {
	pause := n.o.RetryMin
	for ctx.Err() == nil {
		connected, err := n.session(ctx)
		if ctx.Err() != nil {
			return
		}
		n.setState(fmt.Errorf("node %s: %w", n.ID, err))
		if errors.Is(err, errReplaced) {
			n.log.Error("another controller has taken over; not connecting again")
			return
		}
		if connected {
			n.o.Meter.SwitchGap(string(n.ID))
			pause = n.o.RetryMin
		}
		n.log.Warn("the connection to Asterisk is lost or cannot be made; trying again", zap.Error(err))
		n.noteRefusal(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
		pause = min(2*pause, n.o.RetryMax)
	}
}

// noteRefusal declares the node's calls lost once it has refused connections
// long enough.
func (n *node) noteRefusal(err error) {
	n.mu.Lock()
	if !errors.Is(err, syscall.ECONNREFUSED) {
		n.refusing = time.Time{}
	} else if n.refusing.IsZero() {
		n.refusing = time.Now()
	}
	dead := !n.refusing.IsZero() && time.Since(n.refusing) >= deadAfter && len(n.calls) > 0
	n.mu.Unlock()
	if dead {
		n.lost()
	}
}

// lost reports that the node has lost all its calls.
func (n *node) lost() {
	n.mu.Lock()
	clear(n.calls)
	clear(n.seats)
	n.mu.Unlock()
	n.log.Error("the node has lost its calls")
	n.sw.emit(time.Now(), acd.NodeDown{Node: n.ID})
}

// frame is an event as read, with the time of reading.
type frame struct {
	at   time.Time
	data []byte
}

// session connects once and serves until the connection ends. connected tells
// whether events were being served.
func (n *node) session(ctx context.Context) (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, err := n.dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.CloseNow()

	frames := newBacklog[frame]()
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel(nil)
	helpers.Go(func() { cancel(n.read(ctx, conn, frames)) })
	helpers.Go(func() { cancel(n.ping(ctx, conn)) })

	if err := n.begin(ctx); err != nil {
		return false, n.cause(ctx, err)
	}
	n.setState(nil)
	n.log.Info("connected to Asterisk")
	routine := time.NewTicker(n.o.ReconcileEvery)
	defer routine.Stop()
	for {
		select {
		case <-ctx.Done():
			return true, context.Cause(ctx)
		case <-frames.filled:
			items, _ := frames.take()
			for _, f := range items {
				if err := n.handle(f); err != nil {
					return true, err
				}
			}
			n.o.Meter.SwitchBacklog(string(n.ID), 0)
		case <-routine.C:
			if err := n.reconcile(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("the routine comparison with Asterisk failed", zap.Error(err))
			}
		}
	}
}

// cause prefers the reason for which the session was cancelled.
func (n *node) cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
		return c
	}
	return err
}

func (n *node) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, n.o.RequestTimeout)
	defer cancel()
	target := "ws" + strings.TrimPrefix(n.base(), "http") + "/events?" + url.Values{"app": {n.o.App}}.Encode()
	// The password travels in a header: in the address it could reach a log.
	req := &http.Request{Header: make(http.Header)}
	req.SetBasicAuth(n.Username, n.Password)
	conn, resp, err := websocket.Dial(ctx, target, &websocket.DialOptions{HTTPHeader: req.Header, HTTPClient: n.rest.client})
	switch {
	case err == nil:
		conn.SetReadLimit(maxFrame)
		return conn, nil
	case resp != nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden):
		return nil, fmt.Errorf("%w at %s (user %q)", ErrUnauthorized, n.URL, n.Username)
	default:
		return nil, n.rest.unreachable(err)
	}
}

// read puts every frame into the backlog; it does nothing that could block.
func (n *node) read(ctx context.Context, conn *websocket.Conn, frames *backlog[frame]) error {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("the event connection ended: %w", err)
		}
		waiting := frames.put(frame{at: time.Now(), data: data})
		if waiting > n.o.MaxBacklog {
			return errOverrun
		}
		if waiting%1000 == 0 {
			n.o.Meter.SwitchBacklog(string(n.ID), waiting)
		}
	}
}

// ping notices a connection whose other end has silently gone.
func (n *node) ping(ctx context.Context, conn *websocket.Conn) error {
	every := time.NewTicker(n.o.PingEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
			pong, cancel := context.WithTimeout(ctx, n.o.PingEvery)
			err := conn.Ping(pong)
			cancel()
			if err != nil {
				return fmt.Errorf("no pong within %s: the event connection is dead", n.o.PingEvery)
			}
		}
	}
}

// begin is done at each connection: the filter, which Asterisk forgets with
// the application, and the comparison.
func (n *node) begin(ctx context.Context) error {
	info, err := n.info(ctx)
	if err != nil {
		return err
	}
	if err := n.filter(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	restarted := n.started != "" && n.started != info.StatusInfo.StartupTime.String()
	n.started = info.StatusInfo.StartupTime.String()
	n.refusing = time.Time{}
	n.mu.Unlock()
	if restarted {
		n.lost()
	}
	return n.reconcile(ctx)
}

// wireInfo is the part of /asterisk/info that is used.
type wireInfo struct {
	SystemInfo struct {
		Version  string `json:"version"`
		EntityID string `json:"entity_id"`
	} `json:"system"`
	StatusInfo ari.StatusInfo `json:"status"`
}

func (n *node) info(ctx context.Context) (wireInfo, error) {
	var info wireInfo
	err := n.rest.do(ctx, request{method: http.MethodGet, route: "/asterisk/info", path: "/asterisk/info", into: &info})
	return info, err
}

func (n *node) filter(ctx context.Context) error {
	type name struct {
		Type string `json:"type"`
	}
	var allowed []name
	for _, t := range usedEvents {
		allowed = append(allowed, name{t})
	}
	return n.rest.do(ctx, request{
		method: http.MethodPut, route: "/applications/{app}/eventFilter", path: path("applications", n.o.App, "eventFilter"),
		body: map[string]any{"allowed": allowed},
	})
}

// handle turns a frame into events. Only a takeover is an error.
func (n *node) handle(f frame) error {
	typ := eventType(f.data)
	var ev wireEvent
	used := false
	for _, t := range usedEvents {
		used = used || t == typ
	}
	if used && json.Unmarshal(f.data, &ev) != nil {
		typ, used = "malformed", false
	}
	n.o.Meter.SwitchEvent(string(n.ID), typ, used)
	if !used {
		return nil
	}
	switch typ {
	case evStasisStart:
		n.stasisStart(f.at, ev)
	case evStasisEnd, evChannelDestroyed:
		n.channelEnded(f.at, ev)
	case evChannelStateChange:
		n.channelState(f.at, ev.Channel.ID, ev.Channel.State)
	case evPlaybackFinished:
		n.playbackFinished(f.at, ev.Playback.ID)
	case evApplicationReplaced:
		return errReplaced
	}
	return nil
}
