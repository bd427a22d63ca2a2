package asterisk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Errors that a caller may tell apart with errors.Is.
var (
	// ErrUnauthorized: Asterisk refuses the ARI user or password.
	ErrUnauthorized = errors.New("the ARI user or password is wrong")
	// ErrUnreachable: nothing answers at the address.
	ErrUnreachable = errors.New("Asterisk does not answer") //nolint:staticcheck // a name begins the sentence
)

// maxReply bounds what is read of one reply; the list of 10,000 channels is
// about 10 MB.
const maxReply = 64 << 20

// StatusError is a reply of Asterisk other than success.
type StatusError struct {
	Status  int
	Message string // what Asterisk says of it
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("Asterisk replied %d (%s)", e.Status, e.Message)
}

// gone reports whether an error says that the thing is not there or no longer
// in a state to be acted upon: for a clean-up that is as good as done.
func gone(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusConflict)
}

// rest makes the requests to one node, on connections that are kept.
type rest struct {
	node    Node
	client  *http.Client
	timeout time.Duration
	meter   Meter
}

func newREST(n Node, timeout time.Duration, meter Meter) *rest {
	return &rest{node: n, timeout: timeout, meter: meter, client: &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 128,
			IdleConnTimeout:     10 * time.Second, // below Asterisk's 15 s: we close first
		},
	}}
}

func (r *rest) close() { r.client.CloseIdleConnections() }

// request is one REST request. The route is for the metrics: the path with
// names instead of ids.
type request struct {
	method, route, path string
	query               url.Values
	body                any // sent as JSON when not nil
	into                any // the reply is decoded into it when not nil
}

// do makes a request. All our requests may be repeated (ids are chosen here,
// and the others set a state), so one that met a connection just closed is
// tried once more.
func (r *rest) do(ctx context.Context, q request) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := r.once(ctx, q)
	var status *StatusError
	if err != nil && !errors.As(err, &status) && ctx.Err() == nil && !errors.Is(err, ErrUnauthorized) {
		err = r.once(ctx, q)
	}
	if err != nil {
		return fmt.Errorf("node %s: %s %s: %w", r.node.ID, q.method, q.route, err)
	}
	return nil
}

func (r *rest) once(ctx context.Context, q request) error {
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	target := r.node.base() + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return err
	}
	req.SetBasicAuth(r.node.Username, r.node.Password)
	req.Header["Idempotency-Key"] = []string{} // not sent; lets net/http repeat on a connection just closed
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	began := time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		r.meter.SwitchRequest(string(r.node.ID), q.method, q.route, 0, time.Since(began))
		return r.unreachable(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	r.meter.SwitchRequest(string(r.node.ID), q.method, q.route, resp.StatusCode, time.Since(began))
	switch {
	case err != nil:
		return r.unreachable(err)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w at %s (user %q)", ErrUnauthorized, r.node.URL, r.node.Username)
	case resp.StatusCode >= 300:
		return &StatusError{Status: resp.StatusCode, Message: message(raw)}
	case q.into != nil:
		if err := json.Unmarshal(raw, q.into); err != nil {
			return fmt.Errorf("the reply is not what ARI promises: %w", err)
		}
	}
	return nil
}

// unreachable wraps a failure of the connection without the request's URL.
func (r *rest) unreachable(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, r.node.URL, err)
}

func message(raw []byte) string {
	var m struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(raw, &m) == nil && m.Message+m.Error != "" {
		return m.Message + m.Error
	}
	return "no explanation"
}

// Path parts are escaped, so that an odd id cannot become another path.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

func post(route, path string, query url.Values) request {
	return request{method: http.MethodPost, route: route, path: path, query: query}
}

func remove(route, path string) request {
	return request{method: http.MethodDelete, route: route, path: path}
}
