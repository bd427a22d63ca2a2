package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
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
func New(base, token string) *Client { return NewTrusting(base, token, nil) }

// NewTrusting is New for an API whose certificate is judged by a configuration of its
// own; nil is that of the machine.
func NewTrusting(base, token string, secure *tls.Config) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if secure != nil {
		transport.TLSClientConfig = secure
	}
	return &Client{
		base:  strings.TrimRight(base, "/"),
		token: token,
		http:  &http.Client{Timeout: 10 * time.Second, Transport: transport},
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

// Queues are all queues at this moment. Whoever may not see the whole snapshot may see
// these; so of the following.
func (c *Client) Queues(ctx context.Context) ([]view.Queue, error) {
	s, err := c.part(ctx, http.MethodGet, "queues", nil)
	return s.Queues, err
}

// Agents are all agents.
func (c *Client) Agents(ctx context.Context) ([]view.Agent, error) {
	s, err := c.part(ctx, http.MethodGet, "agents", nil)
	return s.Agents, err
}

// Calls are those in progress.
func (c *Client) Calls(ctx context.Context) ([]view.Call, error) {
	s, err := c.part(ctx, http.MethodGet, "calls", nil)
	return s.Calls, err
}

// Callbacks are those that have not ended.
func (c *Client) Callbacks(ctx context.Context) ([]view.Callback, error) {
	s, err := c.part(ctx, http.MethodGet, "callbacks", nil)
	return s.Callbacks, err
}

// CancelCallback ends a callback; the answer are those that are left.
func (c *Client) CancelCallback(ctx context.Context, id acd.CallbackID) ([]view.Callback, error) {
	s, err := c.part(ctx, http.MethodPost, "callbacks/"+url.PathEscape(string(id))+"/cancel", struct{}{})
	return s.Callbacks, err
}

// Emergency are the prompts that every caller hears first; none: there is no announcement.
func (c *Client) Emergency(ctx context.Context) ([]string, error) {
	var e view.Emergency
	err := c.do(ctx, http.MethodGet, "/api/v1/emergency", nil, &e)
	return e.Prompts, err
}

// SetEmergency lets every caller hear prompts first, or none; the answer is what they
// hear from now on.
func (c *Client) SetEmergency(ctx context.Context, prompts []string) ([]string, error) {
	var e view.Emergency
	err := c.do(ctx, http.MethodPut, "/api/v1/emergency", view.Emergency{Prompts: append([]string{}, prompts...)}, &e)
	return e.Prompts, err
}

// Reload lets the controller apply its configuration file as it is now. The error says
// what is wrong with it; then nothing has changed.
func (c *Client) Reload(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/api/v1/reload", struct{}{}, nil)
}

// Configuration is what the site goes by.
func (c *Client) Configuration(ctx context.Context) (view.Configuration, error) {
	var v view.Configuration
	return v, c.do(ctx, http.MethodGet, "/api/v1/configuration", nil, &v)
}

// Validate says what applying a text as configuration would do, or what is wrong with it.
func (c *Client) Validate(ctx context.Context, text string) (view.Validation, error) {
	var v view.Validation
	return v, c.do(ctx, http.MethodPost, "/api/v1/configuration/validate", map[string]string{"text": text}, &v)
}

// Apply lets the site go by a text in the place of a version of the configuration; so does
// RollBack by a former version. The error says what is wrong; then nothing has changed.
func (c *Client) Apply(ctx context.Context, replaces, text, note string) (view.Configuration, error) {
	var v view.Configuration
	return v, c.do(ctx, http.MethodPut, "/api/v1/configuration", map[string]string{"text": text, "note": note}, &v, "If-Match", `"`+replaces+`"`)
}

// RollBack goes back to a version of the history.
func (c *Client) RollBack(ctx context.Context, replaces, version, note string) (view.Configuration, error) {
	var v view.Configuration
	return v, c.do(ctx, http.MethodPost, "/api/v1/configuration/rollback", map[string]string{"version": version, "note": note}, &v, "If-Match", `"`+replaces+`"`)
}

// ConfigurationHistory is what was applied, the newest first, without texts.
func (c *Client) ConfigurationHistory(ctx context.Context) ([]view.AppliedConfiguration, error) {
	var page struct {
		Versions []view.AppliedConfiguration `json:"versions"`
	}
	err := c.do(ctx, http.MethodGet, "/api/v1/configuration/history?limit=200", nil, &page)
	return page.Versions, err
}

// ConfigurationVersion is one of the history, with its text.
func (c *Client) ConfigurationVersion(ctx context.Context, version string) (view.AppliedConfiguration, error) {
	var v view.AppliedConfiguration
	return v, c.do(ctx, http.MethodGet, "/api/v1/configuration/history/"+url.PathEscape(version), nil, &v)
}

// Announcements are the prompts that callers can hear, by name.
func (c *Client) Announcements(ctx context.Context) ([]view.Announcement, error) {
	var list struct {
		Announcements []view.Announcement `json:"announcements"`
	}
	err := c.do(ctx, http.MethodGet, "/api/v1/announcements", nil, &list)
	return list.Announcements, err
}

// part asks for a part of the snapshot.
func (c *Client) part(ctx context.Context, method, path string, body any) (s view.Snapshot, err error) {
	err = c.do(ctx, method, "/api/v1/"+path, body, &s)
	return s, err
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

// AssignSkills gives an agent other queues, levels and skills than the configuration says,
// all of them; the answer is the agent as it is then.
func (c *Client) AssignSkills(ctx context.Context, agent acd.AgentID, queues map[acd.QueueID]acd.Level, skills map[acd.SkillID]acd.Level) (a view.Agent, err error) {
	body := map[string]any{"queues": queues}
	if len(skills) > 0 {
		body["skills"] = skills
	}
	err = c.do(ctx, http.MethodPost, "/api/v1/agents/"+url.PathEscape(string(agent))+"/skills", body, &a)
	return a, err
}

// ResetSkills lets an agent serve by the configuration again.
func (c *Client) ResetSkills(ctx context.Context, agent acd.AgentID) (view.Agent, error) {
	return c.agent(ctx, agent, "skills/reset", nil)
}

// Prioritise sets the points of a caller who waits; the answer is the call as it is then.
func (c *Client) Prioritise(ctx context.Context, id acd.CallID, points int) (view.Call, error) {
	return c.direct(ctx, id, "prioritise", map[string]int{"priority": points})
}

// MoveCall leads a caller who waits to another queue; the answer is the call as it is then.
func (c *Client) MoveCall(ctx context.Context, id acd.CallID, queue acd.QueueID) (view.Call, error) {
	return c.direct(ctx, id, "move", map[string]acd.QueueID{"queue": queue})
}

func (c *Client) direct(ctx context.Context, id acd.CallID, action string, body any) (call view.Call, err error) {
	err = c.do(ctx, http.MethodPost, "/api/v1/calls/"+url.PathEscape(string(id))+"/"+action, body, &call)
	return call, err
}

func (c *Client) agent(ctx context.Context, agent acd.AgentID, action string, body map[string]string) (view.Agent, error) {
	var a view.Agent
	var content any
	if body != nil {
		content = body
	}
	return a, c.do(ctx, http.MethodPost, "/api/v1/agents/"+url.PathEscape(string(agent))+"/"+action, content, &a)
}

// largestAnswer in bytes: some hundred thousand calls.
const largestAnswer = 64 << 20

// do sends a request; headers are names and values in turn.
func (c *Client) do(ctx context.Context, method, path string, body, into any, headers ...string) error {
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
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
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
