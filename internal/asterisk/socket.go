package asterisk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/CyCoreSystems/ari/v5"
	"github.com/coder/websocket"
	"go.uber.org/zap"

	"hotline/internal/acd"
)

// maxFrame bounds one event; real ones have about 1 kB.
const maxFrame = 1 << 20

var (
	errReplaced = errors.New("another controller has connected with the same application name")
	errSilent   = errors.New("the node does not reply on the event connection any more")
	errDeaf     = errors.New("Asterisk sends no events over this event connection")
)

// stayConnected keeps the event connection until ctx is done or another controller
// has taken over; the latter is its error, unless this one has yielded.
func (n *node) stayConnected(ctx context.Context) *NodeError {
	var out outage
	backoff := n.opt.RetryMin
	for ctx.Err() == nil {
		connected, err := n.session(ctx)
		if ctx.Err() != nil || n.yields() {
			return nil
		}
		if connected {
			n.meter.SwitchGap(string(n.cfg.ID))
			backoff, out = n.opt.RetryMin, outage{}
		}
		if errors.Is(err, errReplaced) {
			replaced := &NodeError{
				Node: n.cfg.ID, Problem: Replaced, Err: err,
				Text: "another controller has taken over the application " + n.opt.App + " at " + n.cfg.URL +
					"; this one leads no more, and stands by; if that happens again and again," +
					" another site or another Redis uses the same application",
			}
			n.setProblem(replaced)
			return replaced
		}
		n.setProblem(nodeError(n.cfg, err))

		now := time.Now()
		if why := out.failed(now, err, n.opt); why != "" {
			n.log.Error("the node " + why + " for too long; its calls count as lost")
			n.inbox.post(n.nodeDown)
		}

		pause := time.NewTimer(min(backoff/2+n.opt.Jitter(backoff/2), max(out.left(now, n.opt), n.opt.RetryMin)))
		select {
		case <-pause.C:
		case <-n.yield:
			pause.Stop()
			return nil
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
		backoff = min(backoff*2, n.opt.RetryMax)
	}
	return nil
}

// session connects once and serves the connection until it ends. connected
// tells whether it came so far that events were read.
func (n *node) session(ctx context.Context) (connected bool, err error) {
	ws, err := n.enter(ctx)
	if err != nil {
		return false, err
	}
	defer ws.CloseNow()
	// The node may be another incarnation than the one whose calls we know.
	if err := n.checkIncarnation(ctx); err != nil {
		return false, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer ws.CloseNow()
	heard := make(chan struct{}, 1)
	wg.Go(func() { cancel(n.read(ctx, ws, heard)) })
	wg.Go(func() { n.ping(ctx, ws, cancel) })

	err = n.putFilter(ctx)
	if statusOf(err) == http.StatusNotFound {
		err = errDeaf // the application is not there, for the reason that prove gives
	} else if err == nil {
		err = n.proveFirst(ctx, heard)
	}
	if err == nil {
		err = n.list(ctx, true, true)
	}
	if err != nil {
		return true, causeOr(ctx, err)
	}
	return true, n.serveListings(ctx, heard)
}

// causeOr prefers why the connection ended to the failure that followed.
func causeOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// enter opens the event connection, which takes the application away from whoever has
// it: only a controller that may command does that.
func (n *node) enter(ctx context.Context) (*websocket.Conn, error) {
	may := n.opt.Gate
	if n.opt.Enter != nil {
		if err := n.rest.do(ctx, get("asterisk/info", "/asterisk/info"), nil); err != nil {
			return nil, err // whoever does not reach the node may not reach anything, and cannot know who leads
		}
		may = func(ctx context.Context) error { return n.mayEnter(ctx, 0) }
	}
	if may != nil {
		if err := may(ctx); err != nil {
			return nil, fmt.Errorf("GET events: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-n.yield:
			cancel()
		case <-done:
		}
	}()
	return dialSocket(ctx, n.rest, n.opt.App)
}

// dialSocket opens the event connection of an application.
func dialSocket(ctx context.Context, c *client, app string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	target := "ws" + strings.TrimPrefix(c.base, "http") + "/events?app=" + url.QueryEscape(app)
	ws, resp, err := websocket.Dial(ctx, target, &websocket.DialOptions{
		HTTPClient: c.sockets,
		HTTPHeader: http.Header{"Authorization": {c.authorization}},
	})
	if err == nil {
		ws.SetReadLimit(maxFrame)
		return ws, nil
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("GET events: %w", &statusError{code: resp.StatusCode, message: http.StatusText(resp.StatusCode)})
	}
	return nil, fmt.Errorf("GET events: %w", err)
}

// checkIncarnation finds out whether Asterisk was started anew since the last
// connection: then all calls of before are gone, though channel ids may return.
func (n *node) checkIncarnation(ctx context.Context) error {
	var info ari.AsteriskInfo
	if err := n.rest.do(ctx, get("asterisk/info", "/asterisk/info"), &info); err != nil {
		return err
	}
	started := time.Time(info.StatusInfo.StartupTime)
	if !n.started.IsZero() && !started.Equal(n.started) {
		n.log.Warn("the node was restarted; the calls it had are lost", zap.Time("started", started))
		n.inbox.post(n.nodeDown)
	}
	n.started = started
	return nil
}

// nodeDown reports all calls of the node as lost. The owner calls it. For a
// node that was merely out of reach it is as if this controller had just
// started: conversations that go on there are adopted by the next listing.
func (n *node) nodeDown(at time.Time) {
	n.mu.Lock()
	n.lost = map[acd.CallID]bool{}
	for id := range n.book.calls {
		n.lost[id] = true
	}
	n.book, n.synced = newBook(), false
	n.mu.Unlock()
	n.emit(at, acd.NodeDown{Node: n.cfg.ID})
}

// proof is the name of the event of our own by which a connection is proved.
const proof = "hotline-proof"

// prove finds out whether events come over the connection: it asks for one of our
// own, and waits as long for any.
//
// Asterisk 22.10.1 accepts a connection that is opened in the moment in which it
// ends a former one of the same application, and leaves it without the application:
// app_update (res/stasis/app.c) waits until the former one is told that it is
// replaced, finds the application deactivated by then, and returns without having
// taken it over. The next connection puts it right. Until then no event comes and
// no caller enters. Where a channel keeps the application nothing else shows that:
// the filter is taken, and the application is listed with it.
func (n *node) prove(ctx context.Context, heard <-chan struct{}, patience time.Duration) error {
	select {
	case <-heard:
	default:
	}
	err := n.rest.do(ctx, request{
		method: http.MethodPost, route: "events/user/{name}", path: "/events/user/" + proof,
		repeatable: true, harmless: true,
		query: url.Values{"application": {n.opt.App}},
	}, nil)
	if statusOf(err) == http.StatusNotFound {
		return errDeaf
	}
	if err != nil {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-heard:
		return nil
	case <-late.C:
		return errDeaf
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// proveFirst proves a connection that was just opened. Its patience grows from
// connection to connection, so that a node whose events are slow is not left again
// and again.
func (n *node) proveFirst(ctx context.Context, heard <-chan struct{}) error {
	n.patience = min(max(n.patience, n.opt.HearTimeout), n.opt.PingTimeout)
	err := n.prove(ctx, heard, n.patience)
	switch {
	case err == nil:
		n.patience = 0
	case errors.Is(err, errDeaf):
		n.patience *= 2
	}
	return err
}

// read is the one reader of the connection. It never waits for anything but
// the connection itself. heard gets a token for whatever comes.
func (n *node) read(ctx context.Context, ws *websocket.Conn, heard chan<- struct{}) error {
	// Watched once for the whole connection, and not anew for each message.
	defer context.AfterFunc(ctx, func() { _ = ws.CloseNow() })()
	for {
		_, data, err := ws.Read(context.Background())
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("reading events: %w", err)
		}
		select {
		case heard <- struct{}{}:
		default:
		}
		if err := n.take(time.Now(), data); err != nil {
			return err
		}
	}
}

// take decodes one message and puts it into the inbox.
func (n *node) take(at time.Time, data []byte) error {
	ev, used, err := decodeEvent(data)
	switch {
	case err != nil:
		// It may have been anything: look what has changed.
		n.meter.SwitchEvent(string(n.cfg.ID), "malformed", false)
		n.meter.SwitchGap(string(n.cfg.ID))
		n.log.Error("an event of Asterisk was not legible", zap.Int("bytes", len(data)), zap.Error(err))
		n.askResync(true)
		return nil
	case !used:
		name := ev.Type
		if _, known := knownEvents[name]; !known {
			name = "unknown"
		}
		n.meter.SwitchEvent(string(n.cfg.ID), name, false)
		return nil
	}
	n.meter.SwitchEvent(string(n.cfg.ID), ev.Type, true)
	if ev.Type == "ApplicationReplaced" {
		return errReplaced
	}
	if !n.inbox.put(at, ev) {
		n.log.Error("the limit of waiting events is reached", zap.Int("limit", n.opt.MaxBacklog))
	}
	return nil
}

// ping finds out that the other end is gone without having said so.
func (n *node) ping(ctx context.Context, ws *websocket.Conn, fail context.CancelCauseFunc) {
	ticker := time.NewTicker(n.opt.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		n.meter.SwitchBacklog(string(n.cfg.ID), n.inbox.depth())
		pctx, cancel := context.WithTimeout(ctx, n.opt.PingTimeout)
		err := ws.Ping(pctx)
		cancel()
		if err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%w (no pong within %v)", errSilent, n.opt.PingTimeout))
			return
		}
	}
}

// putFilter asks for no other events than those used, and those that prove a
// connection. The filter lives as long as the application, so each connection puts
// it anew. It also holds for ApplicationReplaced.
func (n *node) putFilter(ctx context.Context) error {
	return putFilter(ctx, n.rest, n.opt.App)
}

func putFilter(ctx context.Context, c *client, app string) error {
	type eventType struct {
		Type string `json:"type"`
	}
	allowed := make([]eventType, len(usedEvents), len(usedEvents)+1)
	for i, t := range usedEvents {
		allowed[i].Type = t
	}
	allowed = append(allowed, eventType{"ChannelUserevent"})
	return c.do(ctx, request{
		method: http.MethodPut, route: "applications/{app}/eventFilter",
		path: "/applications/" + esc(app) + "/eventFilter", repeatable: true, entering: true,
		body: map[string]any{"allowed": allowed},
	}, nil)
}

func get(route, path string) request {
	return request{method: http.MethodGet, route: route, path: path, repeatable: true}
}
