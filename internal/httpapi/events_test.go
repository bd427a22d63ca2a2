package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
	"hotline/internal/acd"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/live"
	"hotline/internal/httpapi/view"
)

// leaver ends the request once it has got an event.
type leaver struct {
	*httptest.ResponseRecorder
	leave func()
}

func (l leaver) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("event: ")) {
		defer l.leave()
	}
	return l.ResponseRecorder.Write(p)
}

// follow lets a hub run until the test has ended.
func follow(t *testing.T, d *desk, meter live.Meter) *live.Hub {
	hub := live.New(live.Options{Snapshot: d.Snapshot, Alerts: d.alerts, Meter: meter})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = hub.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return hub
}

// cuts are the reasons for which streams were ended.
type cuts struct {
	mu      sync.Mutex
	reasons []string // guarded by mu
}

func (c *cuts) EventClients(int) {}
func (c *cuts) EventClientCutOff(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reasons = append(c.reasons, reason)
}

func (c *cuts) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.reasons, " ")
}

// Everybody sees of the events what the routes of the kinds show, in the same words, and
// no full number.
func TestEventsShowWhatOneMaySee(t *testing.T) {
	routes := map[string]string{
		"queues": "/api/v1/queues", "agents": "/api/v1/agents", "calls": "/api/v1/calls", "callbacks": "/api/v1/callbacks",
		"partners": "/api/v1/partners", "blocked": "/api/v1/blocked", "emergency": "/api/v1/emergency", "alerts": "/api/v1/alerts",
	}
	for _, g := range guests() {
		h := newHouse(t, func(o *httpapi.Options) { o.FullNumbers = true })
		two, err := h.desk.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two.Agents = append(two.Agents, acd.AgentStatus{Agent: "1002", Name: "李四", Queues: []acd.QueueID{"general"}, State: acd.LoggedOut})
		h.desk.snapshot = func(context.Context) (acd.Snapshot, error) { return two, nil }
		v := g.enter(h)
		w := v.ask("GET", "/api/v1/events?numbers=full", "")
		if w.Code != 200 {
			if w.Code != 403 {
				t.Errorf("%s: %d %s", g.name, w.Code, w.Body)
			}
			continue
		}
		if w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Body.String(), "retry: ") {
			t.Errorf("%s: %v %s", g.name, w.Header(), w.Body)
		}
		for _, full := range []string{"13812345678", "13912345678", "13712345678"} {
			if strings.Contains(w.Body.String(), full) {
				t.Errorf("%s sees %s", g.name, full)
			}
		}
		_, text, _ := strings.Cut(w.Body.String(), "event: snapshot\ndata: ")
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v in %s", g.name, err, w.Body)
		}
		for kind, path := range routes {
			answer, want := v.ask("GET", path, ""), map[string]json.RawMessage{}
			into(t, answer, answer.Code, &want)
			if kind == "emergency" {
				want[kind] = want["prompts"]
			}
			if answer.Code != 200 {
				want[kind] = nil
			}
			if kind == "agents" && g.agent != "" {
				want[kind] = json.RawMessage("[" + agentJSON + "]")
			}
			if string(got[kind]) != string(want[kind]) {
				t.Errorf("%s sees %s\n%s\nand shall see\n%s", g.name, kind, got[kind], want[kind])
			}
		}
	}
}

func TestEventsOfAStandby(t *testing.T) {
	d := &desk{snapshot: func(context.Context) (acd.Snapshot, error) {
		return acd.Snapshot{}, &httpapi.StandbyError{Leader: "b-1", Host: "b", HTTP: "10.0.0.2:8080"}
	}}
	h := newHouse(t, func(o *httpapi.Options) { o.Events = follow(t, d, nil) })
	if p := wantProblem(t, h.user("ops", access.Ops, "").ask("GET", "/api/v1/events", ""), 503, "standby"); !strings.Contains(p.Detail, "10.0.0.2:8080") {
		t.Error(p.Detail)
	}
	wantProblem(t, call((&desk{}).handler(nil), "GET", "/api/v1/events", ""), 503, "unavailable")
}

// moving is a house whose clock goes.
func moving(t *testing.T, c *cuts) *house {
	h := &house{t: t, desk: &desk{}, store: &accesstest.Memory{}}
	h.guard = access.New(access.Options{Store: h.store, TokenFile: token, Lasts: 20 * time.Minute})
	h.api = httpapi.New(httpapi.Options{Control: h.desk, Traffic: h.desk, Guard: h.guard, Events: follow(t, h.desk, c)})
	return h
}

// wire is a connection as a handler sees it, over a pipe with deadlines.
type wire struct {
	net.Conn
	header http.Header
}

func (w wire) Header() http.Header { return w.header }
func (wire) WriteHeader(int)       {}
func (wire) Flush()                {}

// stream follows events until they end.
func (w wire) stream(v visitor) chan struct{} {
	ended := make(chan struct{})
	r := v.request("GET", "/api/v1/events", "")
	go func() {
		defer close(ended)
		v.api.ServeHTTP(w, r)
		_ = w.Close()
	}()
	return ended
}

// Who may no longer see it loses the stream within some seconds, and is told why.
func TestStreamEndsWithTheRight(t *testing.T) {
	for _, c := range []struct {
		name, code string
		enter      func(h *house) visitor
		then       func(h *house, v visitor)
		after      time.Duration
	}{
		{"logs out", "session_over", func(h *house) visitor { return h.user("li", access.Ops, "") }, func(_ *house, v visitor) { v.ask("POST", "/api/v1/logout", "") }, 5 * time.Second},
		{"disabled by another controller", "session_over", func(h *house) visitor { return h.user("li", access.Ops, "") }, func(h *house, _ visitor) {
			h.change("li", func(u *access.User) { u.Disabled = true })
		}, 7 * time.Second},
		{"another role", "session_over", func(h *house) visitor { return h.user("li", access.Supervisor, "") }, func(h *house, _ visitor) {
			role := access.Analyst
			if _, err := h.guard.ChangeUser(h.t.Context(), "li", access.Change{Role: &role}); err != nil {
				h.t.Fatal(err)
			}
		}, 5 * time.Second},
		{"a session lasts no longer", "session_over", func(h *house) visitor { return h.user("li", access.Ops, "") }, func(*house, visitor) {}, 20*time.Minute + 5*time.Second},
		{"token revoked", "wrong_token", func(h *house) visitor { return h.freshToken(access.ReadQueues) }, func(h *house, _ visitor) {
			list, err := h.guard.ListTokens(h.t.Context())
			if err != nil || len(list) != 1 {
				h.t.Fatal(list, err)
			}
			if _, err := h.guard.RevokeToken(h.t.Context(), list[0].ID); err != nil {
				h.t.Fatal(err)
			}
		}, 5 * time.Second},
		{"token expires", "wrong_token", func(h *house) visitor { return h.freshToken(access.ReadQueues) }, func(*house, visitor) {}, 20*time.Minute + 5*time.Second},
		{"the maker may less", "rights_changed", func(h *house) visitor { return h.freshToken(access.ReadQueues, access.ReadCalls) }, func(h *house, _ visitor) {
			h.change("boss", func(u *access.User) { u.Role = access.Analyst })
		}, 7 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cut cuts
				h := moving(t, &cut)
				v := c.enter(h)
				near, far := net.Pipe()
				ended := wire{Conn: near, header: http.Header{}}.stream(v)
				read := make(chan string, 1)
				go func() {
					all, _ := io.ReadAll(far)
					read <- string(all)
				}()
				time.Sleep(time.Minute)
				select {
				case <-ended:
					t.Fatalf("it has ended before: %s", <-read)
				default:
				}
				c.then(h, v)
				began := time.Now()
				<-ended
				if took := time.Since(began); took > c.after {
					t.Errorf("after %v", took)
				}
				text := <-read
				_, last, _ := strings.Cut(text, "event: end\ndata: ")
				var p view.Problem
				if err := json.Unmarshal([]byte(last), &p); err != nil || p.Code != c.code || cut.all() != c.code {
					t.Errorf("%s, cut off for %s", last, cut.all())
				}
			})
		})
	}
}

// change changes a user as another controller does.
func (h *house) change(name string, change func(*access.User)) {
	h.t.Helper()
	stored := []byte(h.store.State()[access.Users][name])
	var u access.User
	if err := json.Unmarshal(stored, &u); err != nil {
		h.t.Fatal(err)
	}
	change(&u)
	data, err := json.Marshal(u)
	if err != nil {
		h.t.Fatal(err)
	}
	if done, err := h.store.Replace(h.t.Context(), access.Users, name, stored, data); err != nil || !done {
		h.t.Fatal(done, err)
	}
}

// freshToken is a token of an admin for twenty minutes from now on.
func (h *house) freshToken(scopes ...access.Permission) visitor {
	h.t.Helper()
	p, err := h.guard.Session(h.t.Context(), h.user("boss", access.Admin, "").cookie)
	if err != nil {
		h.t.Fatal(err)
	}
	_, secret, err := h.guard.CreateToken(h.t.Context(), p, "a token", scopes, time.Now().Add(20*time.Minute))
	if err != nil {
		h.t.Fatal(err)
	}
	return visitor{house: h, bearer: secret}
}

// A client that reads nothing more is cut off by the time that a write may take.
func TestSilentClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cut cuts
		h := moving(t, &cut)
		near, far := net.Pipe()
		ended := wire{Conn: near, header: http.Header{}}.stream(visitor{house: h, bearer: token})
		if _, err := far.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-ended
		if took := time.Since(began); took > 6*time.Second || cut.all() != "too_slow" {
			t.Errorf("after %v: %s", took, cut.all())
		}
	})
}

// Over a real connection a stream outlives the bounds of requests, and one that is left
// is left behind by nobody.
func TestStreamOverAConnection(t *testing.T) {
	var d desk
	moved := make(chan struct{})
	n := 0
	d.snapshot = func(context.Context) (acd.Snapshot, error) {
		n++
		if n == 10 {
			close(moved)
		}
		return acd.Snapshot{At: time.Now(), Agents: []acd.AgentStatus{{Agent: "1001", Answered: n}}}, nil
	}
	h := newHouse(t, func(o *httpapi.Options) { o.Events = follow(t, &d, nil) })
	server := httptest.NewUnstartedServer(h.api)
	server.Config = httpapi.NewServer(h.api, nil)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Start()
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+"/api/v1/events?kinds=agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var names []string
	buffer, got := make([]byte, 64<<10), ""
	for strings.Count(got, "event: changes\n") < 8 {
		n, err := answer.Body.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %s", err, got)
		}
		got += string(buffer[:n])
	}
	<-moved
	for line := range strings.Lines(got) {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	if names[0] != "snapshot" || slices.Contains(names[1:], "snapshot") {
		t.Error(names)
	}
}
