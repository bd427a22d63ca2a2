package asterisk

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// idleConnections are kept open for the next request; idleTimeout stays
	// below the 15 s after which Asterisk closes them, so that a request
	// never meets a connection that is being closed.
	idleConnections = 64
	idleTimeout     = 10 * time.Second
	// maxBody bounds an answer: a listing takes about 1 kB a channel.
	maxBody = 64 << 20
)

// request is one ARI request. Route is the path's template, path the real one.
type request struct {
	method, route, path string
	query               url.Values
	body                any
	// repeatable marks a request whose second execution does no harm.
	repeatable bool
	// harmless marks a request other than GET that changes nothing, and so needs no
	// right to command.
	harmless bool
	// entering marks what belongs to a connection, for which the gate was asked already.
	entering bool
}

// client carries out ARI requests of one node. Safe for concurrent use.
type client struct {
	node Node
	base string
	// authorization is the header that holds user and password, so that no URL does.
	authorization string
	requests      http.RoundTripper // carries requests
	sockets       *http.Client      // opens event connections
	gate          func(context.Context) error
	timeout       time.Duration
	retryAfter    time.Duration
	meter         Meter

	mu      sync.Mutex
	answers time.Time // guarded by mu; since when each request was answered; zero when the last was not
}

// answering is since when the node has answered each request; zero when the last one
// was not answered.
func (c *client) answering() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers
}

func (c *client) noteAnswer(answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !answered {
		c.answers = time.Time{}
	} else if c.answers.IsZero() {
		c.answers = time.Now()
	}
}

func newClient(n Node, o Options) *client {
	c := &client{
		node: n, base: strings.TrimRight(n.URL, "/") + "/ari",
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(n.Username+":"+n.Password)),
		requests:      o.Transport, sockets: &http.Client{Transport: o.Transport},
		gate: o.Gate, timeout: o.RequestTimeout, retryAfter: o.RepeatAfter, meter: o.Meter,
	}
	if o.Transport == nil {
		c.requests = newKeepAlive(o.RequestTimeout, max(idleConnections, o.Workers))
		dialer := &net.Dialer{Timeout: o.RequestTimeout, KeepAlive: 15 * time.Second}
		c.sockets.Transport = &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: o.RequestTimeout}
	}
	// ARI never redirects; whoever does is not Asterisk and gets no password.
	c.sockets.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

func (c *client) close() {
	for _, carrier := range []http.RoundTripper{c.requests, c.sockets.Transport} {
		if idle, ok := carrier.(interface{ CloseIdleConnections() }); ok {
			idle.CloseIdleConnections()
		}
	}
}

// do carries out a request and decodes the answer into out unless that is
// nil. An answer other than 2xx is a *statusError.
func (c *client) do(ctx context.Context, r request, out any) error {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("encoding %s %s: %w", r.method, r.route, err)
		}
	}
	if err := c.mayAsk(ctx, r); err != nil {
		return err
	}
	err := c.attempt(ctx, r, body, out)
	if err == nil || statusOf(err) != 0 || ctx.Err() != nil || !(r.repeatable || neverSent(err)) {
		return err
	}
	pause := time.NewTimer(c.retryAfter)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return err
	}
	if err := c.mayAsk(ctx, r); err != nil {
		return err
	}
	second := c.attempt(ctx, r, body, out)
	var answer *statusError
	if errors.As(second, &answer) {
		answer.again = !neverSent(err)
	}
	return second
}

// mayAsk waits until a request that changes something may be made, or says why it
// may not.
func (c *client) mayAsk(ctx context.Context, r request) error {
	if c.gate == nil || r.method == http.MethodGet || r.harmless || r.entering {
		return nil
	}
	if err := c.gate(ctx); err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.route, err)
	}
	return nil
}

// neverSent reports whether the request cannot have reached Asterisk.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.Is(err, syscall.ECONNREFUSED) || (errors.As(err, &op) && op.Op == "dial")
}

func (c *client) attempt(ctx context.Context, r request, body []byte, out any) (err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, reader)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.route, err)
	}
	req.Header.Set("Authorization", c.authorization)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	started := time.Now()
	status := 0
	defer func() { c.meter.SwitchRequest(string(c.node.ID), r.method, r.route, status, time.Since(started)) }()

	resp, err := c.requests.RoundTrip(req)
	if asked.Err() == nil { // else it was given up here
		c.noteAnswer(err == nil)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.route, err)
	}
	defer resp.Body.Close()
	status = resp.StatusCode
	// Reading to the end keeps the connection usable.
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", r.method, r.route, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", r.method, r.route, &statusError{code: resp.StatusCode, message: errorMessage(data)})
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s %s: decoding the answer: %w", r.method, r.route, err)
	}
	return nil
}

// errorMessage takes the text out of an error answer of ARI.
func errorMessage(data []byte) string {
	var body struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(data, &body) != nil {
		return ""
	}
	if body.Message != "" {
		return body.Message
	}
	return body.Error
}
