package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
	"hotline/internal/acd"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
)

// house is an API with users.
type house struct {
	t     *testing.T
	desk  *desk
	store *accesstest.Memory
	guard *access.Guard
	api   http.Handler
	logs  *observer.ObservedLogs
}

func newHouse(t *testing.T, change ...func(*httpapi.Options)) *house {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	h := &house{t: t, desk: &desk{figures: figuresOf("2026-11-24")}, store: &accesstest.Memory{}, logs: logs}
	h.guard = access.New(access.Options{Store: h.store, TokenFile: token, Log: zap.New(core), Now: func() time.Time { return noon }})
	o := httpapi.Options{
		Control: h.desk, Traffic: h.desk, Reports: h.desk, Records: h.desk, Guard: h.guard, Log: zap.New(core), Metrics: http.NotFoundHandler(),
		Ready:  func() []error { return nil },
		Alerts: h.desk.alerts,
		Site:   func() view.Site { return configured },

		Configuration: h.desk, Announcements: announced,
		Reload: func(context.Context, string) error {
			h.desk.requests = append(h.desk.requests, "reload")
			return nil
		},
	}
	for _, f := range change {
		f(&o)
	}
	if o.Events == nil {
		o.Events = follow(t, h.desk, nil)
	}
	h.api = noting(h.desk, httpapi.New(o))
	return h
}

// visitor is somebody with a session or a token, or neither.
type visitor struct {
	*house
	cookie, csrf, bearer string
}

// user makes a user unless there is one, and a session without a login.
func (h *house) user(name string, role access.Role, agent acd.AgentID) visitor {
	h.t.Helper()
	user, err := h.guard.User(h.t.Context(), name)
	if err != nil {
		h.put(access.User{Name: name, Role: role, Agent: agent, Password: "none", Created: noon})
		if user, err = h.guard.User(h.t.Context(), name); err != nil {
			h.t.Fatal(err)
		}
	}
	p, secret, err := h.guard.Begin(h.t.Context(), user, access.Origin{Address: "192.0.2.1", Client: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return visitor{house: h, cookie: secret, csrf: p.CSRF}
}

func (h *house) put(u access.User) {
	h.t.Helper()
	data, err := json.Marshal(u)
	if err != nil {
		h.t.Fatal(err)
	}
	if done, err := h.store.Replace(h.t.Context(), access.Users, u.Name, nil, data); err != nil || !done {
		h.t.Fatal(done, err)
	}
}

// token makes a token of an admin.
func (h *house) token(scopes ...access.Permission) visitor {
	h.t.Helper()
	p, err := h.guard.Session(h.t.Context(), h.user("boss", access.Admin, "").cookie)
	if err != nil {
		h.t.Fatal(err)
	}
	_, secret, err := h.guard.CreateToken(h.t.Context(), p, "a token", scopes, noon.AddDate(0, 1, 0))
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.guard.Token(h.t.Context(), secret); err != nil { // notes its first use
		h.t.Fatal(err)
	}
	return visitor{house: h, bearer: secret}
}

func (v visitor) request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/api/v1/configuration") {
		r.Header.Set("If-Match", `"`+presentVersion+`"`)
	}
	if v.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	if v.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "hotline_session", Value: v.cookie})
		r.Header.Set("X-CSRF-Token", v.csrf)
	}
	return r
}

// ask leaves a stream of events after the first one.
func (v visitor) ask(method, path, body string) *httptest.ResponseRecorder {
	ctx, leave := context.WithCancel(v.t.Context())
	defer leave()
	w := httptest.NewRecorder()
	v.api.ServeHTTP(leaver{w, leave}, v.request(method, path, body).WithContext(ctx))
	return w
}

// state is all that a request may change, but for the audit log.
func (h *house) state() string {
	return fmt.Sprint(h.store.State(), h.desk.got, h.desk.changes, slices.Contains(h.desk.requests, "reload"))
}

// guest is one kind of visitor of the matrix.
type guest struct {
	name    string
	enter   func(*house) visitor
	may     []access.Permission
	agent   acd.AgentID
	expired bool
	token   bool
}

// guests are one for each role, the same with an expired password, the token file, and
// a token for each scope.
func guests() []guest {
	file := guest{name: "the token file", enter: func(h *house) visitor { return visitor{house: h, bearer: token} }, token: true}
	var all []guest
	for _, rule := range access.Rules {
		if rule.File {
			file.may = append(file.may, rule.Permission)
		}
		if rule.Scope {
			all = append(all, guest{
				name: "a token for " + string(rule.Permission), may: []access.Permission{rule.Permission}, token: true,
				enter: func(h *house) visitor { return h.token(rule.Permission) },
			})
		}
	}
	for _, role := range access.Roles {
		agent := acd.AgentID("")
		if role == access.Agent {
			agent = "1001"
		}
		g := guest{name: string(role), agent: agent, enter: func(h *house) visitor { return h.user("somebody", role, agent) }}
		for _, rule := range access.Rules {
			if slices.Contains(rule.Roles, role) {
				g.may = append(g.may, rule.Permission)
			}
		}
		all = append(all, g, guest{name: g.name + " with an expired password", expired: true, enter: func(h *house) visitor {
			h.put(access.User{Name: "somebody", Role: role, Agent: agent, Password: "none", Expired: true})
			return h.user("somebody", role, agent)
		}})
	}
	return append(all, file)
}

// expects is whether a guest may use a route, by the table of rules and what the route needs.
func (g guest) expects(route httpapi.Route, id string) bool {
	switch {
	case g.expired:
		return route.Expired
	case g.token && strings.HasPrefix(route.Pattern, "/api/v1/sessions"):
		return false // it has none
	case route.Self && g.agent != "" && string(g.agent) == id:
		return true
	}
	for _, needed := range route.All {
		if !slices.Contains(g.may, needed) {
			return false
		}
	}
	some := len(route.Any) == 0
	for _, enough := range route.Any {
		some = some || slices.Contains(g.may, enough)
	}
	return some
}

// Every route, for everybody: as the table of rules and the routes' needs have it. What
// is refused changes nothing.
func TestWhoMayDoWhat(t *testing.T) {
	routes, everybody := httpapi.Routes(), guests()
	if len(routes) < 35 {
		t.Fatalf("only %d routes", len(routes))
	}
	cells, allowed := 0, 0
	for _, route := range routes {
		for _, id := range []string{"1001", "1002"} {
			path := strings.NewReplacer("{id}", id, "{name}", "zhang", "{day}", "2026-11-24", "{month}", "2026-11", "{year}", "2026", "{version}", oldVersion).Replace(route.Pattern)
			none := newHouse(t)
			for _, v := range []visitor{{house: none}, {house: none, bearer: "wrong"}, {house: none, cookie: "wrong"}} {
				before := none.state()
				if w := v.ask(route.Method, path, ""); w.Code != 401 || none.state() != before {
					t.Errorf("%s %s without a login: %d", route.Method, path, w.Code)
				}
			}
			for _, g := range everybody {
				h := newHouse(t)
				v := g.enter(h)
				before := h.state()
				if bare := v; v.cookie != "" && route.Method != "GET" {
					bare.csrf = ""
					if got := bare.ask(route.Method, path, ""); got.Code != 403 || h.state() != before {
						t.Errorf("%s: %s %s without the CSRF token: %d", g.name, route.Method, path, got.Code)
					}
				}
				may, got := g.expects(route, id), v.ask(route.Method, path, "")
				cells++
				switch {
				case may && (got.Code == 401 || got.Code == 403 || got.Code == 405 || got.Code >= 500):
					t.Errorf("%s may not %s %s: %d %s", g.name, route.Method, path, got.Code, got.Body)
				case !may && (got.Code != 403 || h.state() != before):
					t.Errorf("%s may %s %s: %d %s, or something has changed", g.name, route.Method, path, got.Code, got.Body)
				}
				if may {
					allowed++
				}
			}
		}
	}
	t.Logf("%d routes, %d kinds of visitors, %d cells, of which %d are allowed", len(routes), len(everybody), cells, allowed)
}

// Some cells by hand, so that the table itself is held to what was meant.
func TestSomeCellsByHand(t *testing.T) {
	for _, c := range []struct {
		role   access.Role
		method string
		path   string
		want   int
	}{
		{access.Agent, "GET", "/api/v1/queues", 200},
		{access.Agent, "GET", "/api/v1/agents/1001", 200},
		{access.Agent, "POST", "/api/v1/agents/1001/ready", 200},
		{access.Agent, "POST", "/api/v1/agents/1002/ready", 403},
		{access.Agent, "GET", "/api/v1/agents/1002", 403},
		{access.Agent, "GET", "/api/v1/agents", 403},
		{access.Agent, "GET", "/api/v1/calls", 403},
		{access.Agent, "GET", "/api/v1/snapshot", 403},
		{access.Agent, "GET", "/api/v1/alerts", 403},
		{access.Agent, "GET", "/api/v1/events?kinds=queues,alerts", 403},
		{access.Analyst, "GET", "/api/v1/alerts", 403},
		{access.Analyst, "GET", "/api/v1/events?kinds=alerts", 403},
		{access.Supervisor, "GET", "/api/v1/alerts", 200},
		{access.Supervisor, "GET", "/api/v1/events?kinds=alerts", 200},
		{access.Agent, "GET", "/api/v1/events", 200},
		{access.Agent, "GET", "/api/v1/events?kinds=queues,agents", 200},
		{access.Agent, "GET", "/api/v1/events?kinds=queues,calls", 403},
		{access.Analyst, "GET", "/api/v1/events?kinds=partners,emergency", 200},
		{access.Analyst, "GET", "/api/v1/events?kinds=agents", 403},
		{access.Ops, "GET", "/api/v1/events?kinds=queues,agents,calls,callbacks,partners,blocked,emergency,alerts", 200},
		{access.Ops, "GET", "/api/v1/events?kinds=queues,", 400},
		{access.Ops, "HEAD", "/api/v1/events", 200},
		{access.Agent, "GET", "/api/v1/traffic/today", 403},
		{access.Analyst, "GET", "/api/v1/traffic/today", 200},
		{access.Analyst, "GET", "/api/v1/calls/c1", 403},
		{access.Analyst, "GET", "/api/v1/blocked", 403},
		{access.Analyst, "GET", "/api/v1/traffic/board", 200},
		{access.Analyst, "GET", "/api/v1/reports/daily/2026-11-24?format=html", 200},
		{access.Analyst, "GET", "/api/v1/calls/finished", 403},
		{access.Agent, "GET", "/api/v1/traffic/board", 403},
		{access.Agent, "GET", "/api/v1/reports", 403},
		{access.Supervisor, "GET", "/api/v1/calls/finished", 200},
		{access.Supervisor, "GET", "/api/v1/snapshot", 200},
		{access.Supervisor, "POST", "/api/v1/agents/1001/logout", 200},
		{access.Agent, "POST", "/api/v1/agents/1001/skills/reset", 403}, // not even their own
		{access.Ops, "POST", "/api/v1/agents/1001/skills/reset", 403},
		{access.Ops, "POST", "/api/v1/calls/c1/move", 403},
		{access.Supervisor, "POST", "/api/v1/agents/1001/skills/reset", 200},
		{access.Supervisor, "POST", "/api/v1/calls/c1/move", 422},
		{access.Supervisor, "POST", "/api/v1/calls/c1/prioritise", 422},
		{access.Supervisor, "POST", "/api/v1/reload", 403},
		{access.Supervisor, "GET", "/api/v1/audit", 403},
		{access.Supervisor, "GET", "/api/v1/users", 403},
		{access.Ops, "POST", "/api/v1/reload", 200},
		{access.Ops, "GET", "/api/v1/audit", 200},
		{access.Ops, "POST", "/api/v1/agents/1001/logout", 403},
		{access.Ops, "POST", "/api/v1/users", 403},
		{access.Ops, "POST", "/api/v1/tokens", 403},
		{access.Admin, "GET", "/api/v1/users", 200},
		{access.Admin, "GET", "/api/v1/tokens", 200},
		{access.Admin, "GET", "/api/v1/sessions", 200},
	} {
		agent := acd.AgentID("")
		if c.role == access.Agent {
			agent = "1001"
		}
		if w := newHouse(t).user("somebody", c.role, agent).ask(c.method, c.path, ""); w.Code != c.want {
			t.Errorf("%s %s %s: %d %s", c.role, c.method, c.path, w.Code, w.Body)
		}
	}
}

// Whatever is sent by somebody who may do everything: what makes no sense is answered
// with 4xx, and changes nothing.
func TestHostileInput(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	h.user("li", access.Agent, "1001")
	h.desk.refusal = &acd.RequestError{Code: "unknown_agent", Text: "the engine has refused it"}
	bodies := []string{
		`{`, `[]`, `"x"`, `null x`, `{"name":`, `{"name": 1}`, `{"name": ["x"]}`, `{"role": {"a": 1}}`, `{"disabled": "yes"}`, `{"scopes": "calls.read"}`, `{"scopes": [1]}`,
		`{"nothing": 1}`, `{} {}`, `{"name": "` + strings.Repeat("x", 70<<10) + `"}`, strings.Repeat("[", 10_000), "\xff\xfe", `{"name": "\ud800", "role": "ops"}`,
		`{"name": "x y", "role": "admin"}`, `{"name": "ok", "role": "root"}`, `{"name": "ok", "role": "agent"}`, `{"name": "ok", "role": "agent", "agent": "9999"}`,
		`{"name": "boss", "role": "admin"}`, `{"name": "t", "scopes": ["users.manage"], "expires": "2026-12-01T00:00:00Z"}`,
		`{"name": "t", "scopes": ["calls.read"], "expires": "2036-12-01T00:00:00Z"}`, `{"name": "t", "scopes": ["calls.read"], "expires": "tomorrow"}`,
		`{"agent": "9999"}`, `{"role": "ops", "agent": "1001"}`, `{"role": "root"}`, `{"title": "` + strings.Repeat("长", 100) + `"}`, `{"disabled": true, "role": "x"}`,
		`{"present": "x", "new": "y"}`, `{"present": 1}`,
	}
	names := []string{"boss", "li", "nobody", "..%2f..%2fetc", "%00", strings.Repeat("a", 5000), "a*", "%7Blyg%7D", "%ff%fe", "li%0aSET"}
	before, tries := h.state(), 0
	check := func(route, body string, code int, answer string) {
		t.Helper()
		tries++
		h.desk.got = nil // what the engine has refused
		if code < 400 || code > 499 {
			t.Errorf("%s %.80s: %d %s", route, body, code, answer)
		}
		if after := h.state(); after != before {
			t.Fatalf("%s %.80s has changed something:\n%s\n%s", route, body, before, after)
		}
	}
	for _, route := range httpapi.Routes() {
		if route.Method == "GET" {
			continue
		}
		for _, body := range bodies {
			for _, name := range names {
				if !strings.Contains(route.Pattern, "{") && name != names[0] {
					continue
				}
				w := boss.ask(route.Method, strings.NewReplacer("{id}", name, "{name}", name).Replace(route.Pattern), body)
				check(route.Method+" "+route.Pattern, body, w.Code, w.Body.String())
			}
		}
	}
	// Without a login, too.
	for _, body := range append(bodies, ``, `{}`, `{"name": "boss"}`, `{"name": "", "password": ""}`, `{"name": "boss", "password": 1}`, `{"name": "boss", "password": "`+strings.Repeat("x", 60_000)+`"}`) {
		w := visitor{house: h}.ask("POST", "/api/v1/login", body)
		check("login", body, w.Code, w.Body.String())
	}
	t.Logf("%d requests", tries)
}
