package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/httpapi/view"
)

// Client asks one API. It is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client for an address such as http://127.0.0.1:8080. A request
// takes at most ten seconds, or as long as its context allows if that is less.
// Close releases its connections.
func New(base, token string) *Client {
	return &Client{
		base:  strings.TrimRight(base, "/"),
		token: token,
		http:  &http.Client{Timeout: 10 * time.Second, Transport: http.DefaultTransport.(*http.Transport).Clone()},
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is the API's refusal.
type Error struct {
	Method, Path string
	view.Problem
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s (%d %s)", e.Method, e.Path, e.Detail, e.Status, e.Code)
}

// Snapshot is everything at this moment.
func (c *Client) Snapshot(ctx context.Context) (view.Snapshot, error) {
	var s view.Snapshot
	return s, c.do(ctx, http.MethodGet, "/api/v1/snapshot", nil, &s)
}

// Today is the site's figures of the present day.
func (c *Client) Today(ctx context.Context) (view.Traffic, error) {
	var t view.Traffic
	return t, c.do(ctx, http.MethodGet, "/api/v1/traffic/today", nil, &t)
}

// Day is the site's figures of the calls that were offered on a day.
func (c *Client) Day(ctx context.Context, day calendar.Day) (view.Traffic, error) {
	var t view.Traffic
	return t, c.do(ctx, http.MethodGet, "/api/v1/traffic/days/"+day.String(), nil, &t)
}

// Ready is nil when the program can take calls; otherwise an *Error whose
// Reasons say why not, or that nothing answers.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/readyz", nil, nil)
}

// Health is what a process says of itself.
type Health struct {
	Status  string `json:"status"` // ok, or standby
	Version string `json:"version"`
}

// Health asks whether the program lives; one that stands by does, too.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	return h, c.do(ctx, http.MethodGet, "/healthz", nil, &h)
}

// Login seats an agent; the answer is the agent as it is then. So are those of
// Logout, SetReady and SetNotReady.
func (c *Client) Login(ctx context.Context, agent acd.AgentID, seat acd.SeatID) (view.Agent, error) {
	return c.agent(ctx, agent, "login", map[string]string{"seat": string(seat)})
}

// Logout takes an agent off duty.
func (c *Client) Logout(ctx context.Context, agent acd.AgentID) (view.Agent, error) {
	return c.agent(ctx, agent, "logout", nil)
}

// SetReady makes an agent ready.
func (c *Client) SetReady(ctx context.Context, agent acd.AgentID) (view.Agent, error) {
	return c.agent(ctx, agent, "ready", nil)
}

// SetNotReady makes an agent not ready, for a configured reason.
func (c *Client) SetNotReady(ctx context.Context, agent acd.AgentID, reason string) (view.Agent, error) {
	return c.agent(ctx, agent, "not-ready", map[string]string{"reason": reason})
}

func (c *Client) agent(ctx context.Context, agent acd.AgentID, action string, body map[string]string) (view.Agent, error) {
	var a view.Agent
	return a, c.do(ctx, http.MethodPost, "/api/v1/agents/"+url.PathEscape(string(agent))+"/"+action, body, &a)
}

// largestAnswer in bytes: some hundred thousand calls.
const largestAnswer = 64 << 20

func (c *Client) do(ctx context.Context, method, path string, body map[string]string, into any) error {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return fmt.Errorf("%q is not an API's address; write for example http://127.0.0.1:8080", c.base)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the address stands in the sentence already
		}
		return fmt.Errorf("the API at %s does not answer (%w); see whether hotline serve runs there", c.base, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: the answer broke off: %w", method, path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return refusal(method, path, answer.StatusCode, data)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s %s: the answer is not the JSON of this API: %w", method, path, err)
	}
	return nil
}

// refusal reads a problem; an answer that is none comes from something that
// stands between.
func refusal(method, path string, status int, data []byte) error {
	e := &Error{Method: method, Path: path}
	if json.Unmarshal(data, &e.Problem) != nil || e.Detail == "" {
		e.Problem = view.Problem{Detail: "this is not an answer of hotline", Code: "foreign"}
	}
	e.Status = status
	return e
}
