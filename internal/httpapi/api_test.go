package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/calendar"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
	"hotline/internal/traffic"
)

// Every answer of the tests is held to the API's document at the end.
func TestMain(m *testing.M) { goleak.VerifyTestMain(conformance{m}) }

const token = "token-of-the-test"

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// desk stands in for runner and figures.
type desk struct {
	snapshot func(context.Context) (acd.Snapshot, error)
	refusal  error
	got      []acd.Event
	ready    []error
	reload   error
	figures  any
	figErr   error
	makes    func(context.Context, httpapi.Report) ([]byte, error) // nil: a report of the day
	later    time.Duration                                         // than noon the board was read
	asked    []httpapi.Finished
	page     httpapi.FinishedPage
	requests []string
	panics   []string

	configuration
}

func (d *desk) Snapshot(ctx context.Context) (acd.Snapshot, error) {
	if d.snapshot != nil {
		return d.snapshot(ctx)
	}
	expected := 131 * time.Second
	return acd.Snapshot{
		At: noon,
		Queues: []acd.QueueStatus{{
			Queue: "general", Title: "综合受理", Waiting: 1, LongestWait: 12500 * time.Millisecond, Talking: 1,
			Agents: map[acd.AgentState]int{acd.Talking: 1}, Counts: acd.QueueCounts{Offered: 3, Answered: 1, Abandoned: 1, RONA: 2},
			Open: true, ExpectedWait: &expected,
		}},
		Agents: []acd.AgentStatus{{
			Agent: "1001", Name: "张三", Queues: []acd.QueueID{"general"}, Seat: "8001", State: acd.Talking, Since: noon.Add(-time.Minute), Call: "c1",
			Assigned: &acd.Assignment{}, Levels: map[acd.QueueID]acd.Level{"general": 7}, Skills: map[acd.SkillID]acd.Level{"law": 3},
		}},
		Calls: []acd.CallStatus{{
			Call: "c1", Node: "a1", Entry: "12345", Caller: "13812345678", Queue: "general", Phase: acd.PhaseTalking,
			Arrived: noon.Add(-70 * time.Second), Queued: noon.Add(-65 * time.Second), Answered: noon.Add(-60 * time.Second),
			Agent: "1001", Seat: "8001", Priority: 2, Offers: []acd.OfferRecord{{Agent: "1001"}},
		}},
		Callbacks: []acd.CallbackStatus{{
			ID: "c0", Number: "13912345678", Queue: "general", State: acd.CallbackSpaced, Missed: true, Attempts: 1,
			Requested: noon.Add(-10 * time.Minute), Next: noon.Add(5 * time.Minute), Last: acd.OfferNoAnswer,
		}},
		Partners:  []acd.PartnerStatus{{Partner: "xuzhou", Title: "徐州12345", AtMost: 5, Ringing: 1, Counts: acd.PartnerCounts{Rung: 3, Answered: 2}}},
		Blocks:    []acd.Block{{Number: "13712345678", Reason: "abuse", Since: noon.Add(-time.Hour)}},
		Emergency: []string{"flood"},
	}, nil
}

func (d *desk) Request(_ context.Context, event acd.Event) error {
	if b, ok := event.(acd.BlockCaller); ok && (b.Number == "" || b.Reason == "") {
		return &acd.RequestError{Code: "no_number", Text: "as the engine refuses it"}
	}
	d.got = append(d.got, event)
	return d.refusal
}

// alerts are the same whenever there is anything.
func (d *desk) alerts(s acd.Snapshot) []alert.Alert {
	if len(s.Queues) == 0 {
		return []alert.Alert{}
	}
	waiting := 1.0
	return []alert.Alert{
		{ID: "nobody_ready:general", Code: alert.NobodyReady, Severity: alert.Critical, Since: noon.Add(-time.Minute), Queue: "general", Value: &waiting, Detail: "Callers wait."},
		{ID: "node_down:a2", Code: alert.NodeDown, Severity: alert.Critical, Since: noon, Node: "a2", Detail: "Node a2: Asterisk does not answer."},
		{ID: "agent_rona:1001", Code: alert.AgentRONA, Severity: alert.Warning, Since: noon, Agent: "1001", Detail: "Agent 1001 did not answer."},
	}
}

func (d *desk) Today(context.Context) (any, error) { return d.figures, d.figErr }

func (d *desk) Day(_ context.Context, day calendar.Day) (any, error) {
	return figuresOf(day.String()), d.figErr
}

var configured = view.Site{
	Site: "lab", TimeZone: "Asia/Shanghai", Numbers: []string{"12345"}, Queues: []view.QueueTitle{{Queue: "general", Title: "综合受理"}},
	Reasons: []view.ReasonTitle{{Reason: "break", Title: "小休"}}, Seats: []acd.SeatID{"8001"}, Skills: []acd.SkillID{"english"},
	Levels: []view.ServiceLevel{{Seconds: 15, Figure: "service_level_15_of_offered"}},
}

// figuresOf are those of a day without calls, as internal/app makes them.
func figuresOf(day string) any {
	definitions, err := traffic.Define(traffic.Options{})
	if err != nil {
		panic(err)
	}
	none := definitions.Compute(traffic.Counters{})
	return map[string]any{"day": day, "site": none, "queues": map[string]traffic.Figures{"general": none}}
}

func (d *desk) HTTPRequest(method, route string, _ int, _ time.Duration) {
	d.requests = append(d.requests, method+" "+route)
}
func (d *desk) HTTPPanic(route string) { d.panics = append(d.panics, route) }

func (d *desk) handler(log *zap.Logger) http.Handler {
	return noting(d, httpapi.New(httpapi.Options{
		Control: d, Traffic: d, Reports: d, Records: d, Meter: d, Token: token, Log: log, Version: "1.2.3",
		Ready:  func() []error { return d.ready },
		Alerts: d.alerts,
		Reload: func(context.Context, string) error { return d.reload },
		Site:   func() view.Site { return configured },

		Configuration: d, Announcements: announced,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some_metric 1\n") }),
	}))
}

// call asks with the token.
func call(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) view.Problem {
	t.Helper()
	var p view.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status || p.Code != code || p.Title != http.StatusText(status) || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %s, want %d %s", w.Code, w.Header().Get("Content-Type"), w.Body, status, code)
	}
	return p
}

const (
	queueJSON    = `{"queue":"general","title":"综合受理","waiting":1,"longest_wait":12.500,"waiting_since":"2026-11-24T11:59:47.5Z","talking":1,"agents":{"talking":1},"since_start":{"offered":3,"answered":1,"abandoned":1,"overflowed":0,"rona":2},"open":true,"expected_wait":135.000}`
	agentJSON    = `{"agent":"1001","name":"张三","queues":["general"],"seat":"8001","state":"talking","since":"2026-11-24T11:59:00Z","in_state":60.000,"call":"c1","answered":0,"levels":{"general":7},"skills":{"law":3},"assigned":true}`
	callJSON     = `{"call":"c1","node":"a1","entry":"12345","caller":"138******78","queue":"general","phase":"talking","arrived":"2026-11-24T11:58:50Z","queued":"2026-11-24T11:58:55Z","answered":"2026-11-24T11:59:00Z","wait":5.000,"talk":60.000,"agent":"1001","seat":"8001","priority":2,"offers":1}`
	callbackJSON = `{"callback":"c0","number":"139******78","queue":"general","state":"spaced","missed":true,"requested":"2026-11-24T11:50:00Z","waits":600.000,"attempts":1,"next":"2026-11-24T12:05:00Z","last":"no_answer"}`
	partnerJSON  = `{"partner":"xuzhou","title":"徐州12345","at_most":5,"ringing":1,"talking":0,"waiting":0,"counts":{"rung":3,"answered":2,"not_taken":0,"withdrawn":0}}`
	blockedJSON  = `{"number":"137******78","reason":"abuse","since":"2026-11-24T11:00:00Z"}`
	alertsJSON   = `[{"id":"nobody_ready:general","alert":"nobody_ready","severity":"critical","since":"2026-11-24T11:59:00Z","queue":"general","value":1,"detail":"Callers wait."},` +
		`{"id":"node_down:a2","alert":"node_down","severity":"critical","since":"2026-11-24T12:00:00Z","node":"a2","detail":"Node a2: Asterisk does not answer."},` +
		`{"id":"agent_rona:1001","alert":"agent_rona","severity":"warning","since":"2026-11-24T12:00:00Z","agent":"1001","detail":"Agent 1001 did not answer."}]`
	atJSON = `"at":"2026-11-24T12:00:00Z"`
)

func TestReading(t *testing.T) {
	day, err := json.Marshal(figuresOf("2024-02-29"))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{figures: figuresOf("2024-02-29")}
	h := d.handler(nil)
	for path, want := range map[string]string{
		"/api/v1/snapshot":       `{` + atJSON + `,"queues":[` + queueJSON + `],"agents":[` + agentJSON + `],"calls":[` + callJSON + `],"callbacks":[` + callbackJSON + `],"partners":[` + partnerJSON + `],"blocked":[` + blockedJSON + `],"emergency":["flood"],"alerts":` + alertsJSON + `}`,
		"/api/v1/alerts":         `{"alerts":` + alertsJSON + `,` + atJSON + `}`,
		"/api/v1/partners":       `{` + atJSON + `,"partners":[` + partnerJSON + `]}`,
		"/api/v1/callbacks":      `{` + atJSON + `,"callbacks":[` + callbackJSON + `]}`,
		"/api/v1/blocked":        `{` + atJSON + `,"blocked":[` + blockedJSON + `]}`,
		"/api/v1/emergency":      `{"prompts":["flood"]}`,
		"/api/v1/queues":         `{` + atJSON + `,"queues":[` + queueJSON + `]}`,
		"/api/v1/queues/general": queueJSON,
		"/api/v1/agents":         `{"agents":[` + agentJSON + `],` + atJSON + `}`,
		"/api/v1/agents/1001":    agentJSON,
		"/api/v1/calls":          `{` + atJSON + `,"calls":[` + callJSON + `]}`,
		"/api/v1/calls/c1":       callJSON,
		"/api/v1/traffic/today":  string(day),

		"/api/v1/traffic/days/2024-02-29": string(day),

		"/healthz": `{"status":"ok","version":"1.2.3"}`,
		"/readyz":  `{"status":"ready","version":"1.2.3"}`,
		"/metrics": `some_metric 1`,
	} {
		w := call(h, "GET", path, "")
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
			t.Errorf("%s: %d\ngot  %s\nwant %s", path, w.Code, got, want)
		}
		if strings.HasPrefix(path, "/api/") && (w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
}

func TestEmptySiteHasListsAndNoNulls(t *testing.T) {
	d := &desk{snapshot: func(context.Context) (acd.Snapshot, error) { return acd.Snapshot{At: noon}, nil }}
	w := call(d.handler(nil), "GET", "/api/v1/snapshot", "")
	if got := strings.TrimSpace(w.Body.String()); got != `{`+atJSON+`,"queues":[],"agents":[],"calls":[],"callbacks":[],"partners":[],"blocked":[],"emergency":[],"alerts":[]}` {
		t.Error(got)
	}
}

func TestTokenIsNeeded(t *testing.T) {
	d := &desk{}
	h := d.handler(nil)
	for _, path := range []string{
		"/api/v1/snapshot", "/api/v1/alerts", "/api/v1/events", "/api/v1/queues", "/api/v1/queues/general", "/api/v1/agents", "/api/v1/agents/1001", "/api/v1/calls",
		"/api/v1/calls/c1", "/api/v1/calls/finished", "/api/v1/traffic/today", "/api/v1/traffic/board", "/api/v1/traffic/days/2026-11-24",
		"/api/v1/traffic/days/2026-11-24/intervals", "/api/v1/reports", "/api/v1/reports/daily/2026-11-24", "/api/v1/reports/monthly/2026-11", "/api/v1/reports/annual/2026", "/api/v1/nothing", "/api/v1/agents/1001/login", "/api/v1/agents/1001/logout",
		"/api/v1/agents/1001/ready", "/api/v1/agents/1001/not-ready", "/api/v1/agents/1001/wrap-up", "/api/v1/partners", "/api/v1/callbacks", "/api/v1/callbacks/c0/cancel",
		"/api/v1/blocked", "/api/v1/blocked/lift", "/api/v1/emergency", "/api/v1/reload",
	} {
		for header, code := range map[string]string{
			"": "no_token", "Bearer": "no_token", "Bearer ": "no_token", "Basic " + token: "no_token",
			"Bearer wrong": "wrong_token", "Bearer " + token + "x": "wrong_token", "Bearer " + token[:5]: "wrong_token",
		} {
			for _, method := range []string{"GET", "POST"} {
				w := call(h, method, path, "", "Authorization", header)
				wantProblem(t, w, 401, code)
				if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="hotline"`) {
					t.Errorf("%s: WWW-Authenticate is %q", path, w.Header().Get("WWW-Authenticate"))
				}
			}
		}
	}
	if len(d.got) > 0 {
		t.Errorf("carried out without a token: %v", d.got)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if w := call(h, "GET", path, "", "Authorization", ""); w.Code != 200 {
			t.Errorf("%s: %d without a token", path, w.Code)
		}
	}
	if w := call(h, "GET", "/api/v1/queues", "", "Authorization", "bearer  "+token); w.Code != 200 {
		t.Errorf("the scheme's case matters: %d", w.Code)
	}
}

func TestWithoutConfiguredTokenEverythingIsRefused(t *testing.T) {
	h := httpapi.New(httpapi.Options{Control: &desk{}})
	wantProblem(t, call(h, "GET", "/api/v1/queues", "", "Authorization", "Bearer "), 401, "no_token")
	// Blanks are cut off, so that this shows the empty token.
	wantProblem(t, call(h, "GET", "/api/v1/queues", "", "Authorization", "Bearer   "), 401, "wrong_token")
	wantProblem(t, call(h, "GET", "/api/v1/queues", "", "Authorization", "Bearer x"), 401, "wrong_token")
}

func TestWrongMethodsAndPaths(t *testing.T) {
	d := &desk{}
	h := d.handler(nil)
	for path, allow := range map[string]string{
		"/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/metrics": "GET, HEAD", "/api/v1/snapshot": "GET, HEAD", "/api/v1/alerts": "GET, HEAD", "/api/v1/queues": "GET, HEAD",
		"/api/v1/queues/general": "GET, HEAD", "/api/v1/agents": "GET, HEAD", "/api/v1/agents/1001": "GET, HEAD", "/api/v1/calls": "GET, HEAD",
		"/api/v1/calls/c1": "GET, HEAD", "/api/v1/traffic/today": "GET, HEAD", "/api/v1/traffic/days/2026-11-24": "GET, HEAD", "/api/v1/agents/1001/login": "POST",
		"/api/v1/agents/1001/logout": "POST", "/api/v1/agents/1001/ready": "POST", "/api/v1/agents/1001/not-ready": "POST",
		"/api/v1/agents/1001/wrap-up": "POST", "/api/v1/partners": "GET, HEAD", "/api/v1/callbacks": "GET, HEAD", "/api/v1/callbacks/c0/cancel": "POST", "/api/v1/blocked": "GET, HEAD, POST",
		"/api/v1/blocked/lift": "POST", "/api/v1/emergency": "GET, HEAD, PUT", "/api/v1/reload": "POST",
	} {
		w := call(h, "DELETE", path, "")
		wantProblem(t, w, 405, "method_not_allowed")
		if got := w.Header().Get("Allow"); got != allow {
			t.Errorf("%s: Allow is %q, want %q", path, got, allow)
		}
	}
	wantProblem(t, call(h, "GET", "/api/v1/agents/1001/login", ""), 405, "method_not_allowed")
	for _, path := range []string{"/", "/nothing", "/api", "/api/v1/", "/api/v1/nothing", "/api/v1/agents/1001/dance", "/api/v1/traffic", "/api/v1/traffic/days"} {
		wantProblem(t, call(h, "GET", path, ""), 404, "unknown_path")
	}
	for _, day := range []string{"today", "2026-2-1", "2026-02-29"} {
		p := wantProblem(t, call(h, "GET", "/api/v1/traffic/days/"+day, ""), 400, "bad_day")
		if !strings.Contains(p.Detail, day) || !strings.Contains(p.Detail, "2026-11-24") {
			t.Errorf("%s: the detail does not show how to write a day: %s", day, p.Detail)
		}
	}
	wantProblem(t, call(h, "GET", "/api/v1/queues/none", ""), 404, "unknown_queue")
	wantProblem(t, call(h, "GET", "/api/v1/agents/none", ""), 404, "unknown_agent")
	wantProblem(t, call(h, "GET", "/api/v1/calls/none", ""), 404, "unknown_call")
}

func TestRequestsReachTheEngine(t *testing.T) {
	for _, c := range []struct {
		path, body string
		want       acd.Event
	}{
		{"login", `{"seat": "8001"}`, acd.Login{Agent: "1001", Seat: "8001"}},
		{"logout", ``, acd.Logout{Agent: "1001"}},
		{"logout", `{}`, acd.Logout{Agent: "1001"}},
		{"ready", ``, acd.SetReady{Agent: "1001"}},
		{"wrap-up", `{"extend": "90s"}`, acd.ExtendWrapUp{Agent: "1001", By: 90 * time.Second}},
		{"not-ready", `{"reason": "break"}`, acd.SetNotReady{Agent: "1001", Reason: "break"}},
		{"skills", `{"queues": {"general": 10, "english": 5}, "skills": {"law": 3}}`, acd.AssignSkills{
			Agent: "1001", Queues: map[acd.QueueID]acd.Level{"general": 10, "english": 5}, Skills: map[acd.SkillID]acd.Level{"law": 3},
		}},
		{"skills", `{"queues": {"general": 10}, "skills": null}`, acd.AssignSkills{Agent: "1001", Queues: map[acd.QueueID]acd.Level{"general": 10}}},
		{"skills/reset", ``, acd.ResetSkills{Agent: "1001"}},
	} {
		d := &desk{}
		w := call(d.handler(nil), "POST", "/api/v1/agents/1001/"+c.path, c.body)
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != agentJSON {
			t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
		}
		if !reflect.DeepEqual(d.got, []acd.Event{c.want}) {
			t.Errorf("%s: the engine got %#v", c.path, d.got)
		}
	}
}

func TestRequestsAboutTheSiteReachTheEngine(t *testing.T) {
	until := time.Date(2026, 12, 1, 8, 0, 0, 0, time.FixedZone("", 8*3600))
	for _, c := range []struct {
		method, path, body string
		want               acd.Event
	}{
		{"POST", "calls/c1/prioritise", `{"priority": -5}`, acd.Prioritise{Call: "c1", Priority: -5}},
		{"POST", "calls/c1/prioritise", `{"priority": 0}`, acd.Prioritise{Call: "c1"}},
		{"POST", "calls/c1/move", `{"queue": "english"}`, acd.MoveCall{Call: "c1", Queue: "english"}},
		{"POST", "callbacks/c0/cancel", ``, acd.CancelCallback{Callback: "c0"}},
		{"POST", "blocked", `{"number": "13812345678", "reason": "abuse"}`, acd.BlockCaller{Number: "13812345678", Reason: "abuse"}},
		{"POST", "blocked", `{"number": "1", "reason": "x", "until": "2026-12-01T08:00:00+08:00"}`, acd.BlockCaller{Number: "1", Reason: "x", Until: until}},
		{"POST", "blocked/lift", `{"number": "13812345678"}`, acd.UnblockCaller{Number: "13812345678"}},
		{"PUT", "emergency", `{"prompts": ["flood", "typhoon-2"]}`, acd.SetEmergency{Prompts: []string{"flood", "typhoon-2"}}},
		{"PUT", "emergency", `{"prompts": []}`, acd.SetEmergency{Prompts: []string{}}},
	} {
		d := &desk{}
		w := call(d.handler(nil), c.method, "/api/v1/"+c.path, c.body)
		if w.Code != 200 || len(d.got) != 1 {
			t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
			continue
		}
		if b, ok := d.got[0].(acd.BlockCaller); ok && !b.Until.IsZero() {
			if !b.Until.Equal(until) {
				t.Errorf("until %v", b.Until)
			}
			continue
		}
		if !reflect.DeepEqual(d.got[0], c.want) {
			t.Errorf("%s: the engine got %#v", c.path, d.got)
		}
	}
	d := &desk{}
	h := d.handler(nil)
	wantProblem(t, call(h, "PUT", "/api/v1/emergency", `{"prompts": ["../../etc/passwd"]}`), 422, "bad_prompt")
	wantProblem(t, call(h, "POST", "/api/v1/blocked", `{"number": "1", "reason": "x", "until": "tomorrow"}`), 422, "bad_expiry")
	wantProblem(t, call(h, "POST", "/api/v1/agents/1001/wrap-up", `{"extend": "long"}`), 422, "bad_extension")
	if len(d.got) != 0 {
		t.Errorf("the engine got %#v", d.got)
	}
}

func TestReloadAppliesTheFileOrSaysWhyNot(t *testing.T) {
	d := &desk{}
	h := d.handler(nil)
	if w := call(h, "POST", "/api/v1/reload", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "applied") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	d.reload = errors.New("hotline.yaml:3:1: no")
	if p := wantProblem(t, call(h, "POST", "/api/v1/reload", ""), 422, "bad_configuration"); p.Detail != "hotline.yaml:3:1: no" {
		t.Errorf("%+v", p)
	}
}

func TestBadBodies(t *testing.T) {
	d := &desk{}
	h := d.handler(nil)
	huge := `{"seat": "` + strings.Repeat("8", 64<<10) + `"}`
	for _, action := range []string{"login", "logout", "ready", "not-ready"} {
		path := "/api/v1/agents/1001/" + action
		wantProblem(t, call(h, "POST", path, `{"seat"`), 400, "bad_json")
		wantProblem(t, call(h, "POST", path, `{"colour": "red"}`), 400, "bad_json")
		wantProblem(t, call(h, "POST", path, `["8001"]`), 400, "bad_json")
		wantProblem(t, call(h, "POST", path, `{} {}`), 400, "bad_json")
		wantProblem(t, call(h, "POST", path, huge), 413, "body_too_large")
		wantProblem(t, call(h, "POST", path, `{}`, "Content-Type", "text/plain"), 415, "not_json")
		wantProblem(t, call(h, "POST", path, `{}`, "Content-Type", ""), 415, "not_json")
	}
	p := wantProblem(t, call(h, "POST", "/api/v1/agents/1001/login", `{"seat": 8001}`), 400, "bad_json")
	if p.Detail != "the field seat must be a string and is a number" {
		t.Error(p.Detail)
	}
	wantProblem(t, call(h, "POST", "/api/v1/agents/1001/login", ``), 422, "no_seat")
	wantProblem(t, call(h, "POST", "/api/v1/agents/1001/not-ready", `{}`), 422, "no_reason")
	wantProblem(t, call(h, "POST", "/api/v1/agents/1001/skills", ``), 422, "no_queues")
	wantProblem(t, call(h, "POST", "/api/v1/agents/1001/skills", `{"queues": {}}`), 422, "no_queues")
	wantProblem(t, call(h, "POST", "/api/v1/calls/c1/prioritise", `{}`), 422, "no_priority")
	wantProblem(t, call(h, "POST", "/api/v1/calls/c1/move", `{}`), 422, "no_queue")
	for body, want := range map[string]string{
		`{"queues": ["general"]}`:                     "the field queues must be an object and is a list",
		`{"queues": {"general": "10"}}`:               "the field queues.general must be a whole number and is a string",
		`{"queues": {"general": 1.5}}`:                "the field queues.general must be a whole number and is a number",
		`{"queues": {"general": 1, "general": 2}}`:    `the body is not the JSON object expected here: duplicate object member name "general"`,
		`{"queues": {"general": 1}, "skills": "law"}`: "the field skills must be an object and is a string",
	} {
		if p := wantProblem(t, call(h, "POST", "/api/v1/agents/1001/skills", body), 400, "bad_json"); !strings.HasPrefix(p.Detail, want) {
			t.Errorf("%s: %s", body, p.Detail)
		}
	}
	if len(d.got) > 0 {
		t.Errorf("bad requests were carried out: %v", d.got)
	}
}

func TestRefusalsOfTheEngine(t *testing.T) {
	for code, status := range map[string]int{
		"unknown_agent": 404, "unknown_seat": 422, "unknown_reason": 422, "seat_taken": 409,
		"unknown_call": 404, "unknown_queue": 422, "unknown_skill": 422, "bad_level": 422, "no_queues": 422, "bad_priority": 422, "not_waiting": 409, "same_queue": 409,
		"already_logged_in": 409, "not_logged_in": 409, "busy": 409, "something_new": 409,
	} {
		d := &desk{refusal: &acd.RequestError{Code: code, Text: "a sentence"}}
		p := wantProblem(t, call(d.handler(nil), "POST", "/api/v1/agents/1001/ready", ``), status, code)
		if p.Detail != "a sentence" {
			t.Errorf("%s: the engine's sentence is lost: %q", code, p.Detail)
		}
	}
}

func TestSilentEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{snapshot: func(ctx context.Context) (acd.Snapshot, error) {
			<-ctx.Done()
			return acd.Snapshot{}, ctx.Err()
		}}
		h := d.handler(nil)
		for _, path := range []string{"/healthz", "/api/v1/snapshot", "/api/v1/queues", "/api/v1/agents/1001", "/api/v1/calls/c1"} {
			wantProblem(t, call(h, "GET", path, ""), 503, "no_answer")
		}
		p := wantProblem(t, call(h, "GET", "/readyz", ""), 503, "not_ready")
		if len(p.Reasons) != 1 || p.Reasons[0] != "the engine does not answer" {
			t.Error(p.Reasons)
		}
	})
}

func TestReadinessSaysWhyNot(t *testing.T) {
	d := &desk{ready: []error{errors.New("node a1 is not connected"), nil, errors.New("Redis is unreachable")}}
	h := d.handler(nil)
	p := wantProblem(t, call(h, "GET", "/readyz", ""), 503, "not_ready")
	if !reflect.DeepEqual(p.Reasons, []string{"node a1 is not connected", "Redis is unreachable"}) {
		t.Error(p.Reasons)
	}
	w := call(h, "GET", "/readyz", "", "Accept", "text/plain")
	if w.Code != 503 || w.Body.String() != "node a1 is not connected\nRedis is unreachable\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := call(h, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("not ready is taken for dead: %d", w.Code)
	}
}

func TestFiguresThatFail(t *testing.T) {
	d := &desk{figErr: errors.New("redis: password hunter2 is wrong")}
	for _, path := range []string{"/api/v1/traffic/today", "/api/v1/traffic/days/2026-11-24"} {
		p := wantProblem(t, call(d.handler(nil), "GET", path, ""), 503, "unavailable")
		if strings.Contains(p.Detail, "hunter2") {
			t.Error("an internal error is shown to clients")
		}
	}
	d = &desk{figures: make(chan int)}
	wantProblem(t, call(d.handler(nil), "GET", "/api/v1/traffic/today", ""), 500, "internal")
}

func TestPanicIsCountedAndSurvived(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	d := &desk{snapshot: func(context.Context) (acd.Snapshot, error) { panic("defect") }}
	wantProblem(t, call(d.handler(zap.New(core)), "GET", "/api/v1/calls", ""), 500, "internal")
	if !reflect.DeepEqual(d.panics, []string{"/api/v1/calls"}) || logs.FilterLevelExact(zap.ErrorLevel).Len() != 1 {
		t.Errorf("panics %v, errors logged %d", d.panics, logs.FilterLevelExact(zap.ErrorLevel).Len())
	}
}

func TestLogAndLabelsHoldNoSecretsAndNumbers(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	d := &desk{}
	h := d.handler(zap.New(core))
	call(h, "GET", "/api/v1/calls", "")
	call(h, "GET", "/api/v1/calls/13812345678?number=13812345678", "")
	call(h, "GET", "/13812345678", "")
	call(h, "POST", "/api/v1/agents/13812345678/login", `{"seat": "13812345678"}`)
	call(h, "BREW13812345678", "/healthz", "")
	if logs.Len() != 5 {
		t.Errorf("%d lines for 5 requests", logs.Len())
	}
	written := strings.Join(d.requests, "\n")
	for _, line := range logs.All() {
		data, err := json.Marshal(line.ContextMap())
		if err != nil {
			t.Fatal(err)
		}
		written += line.Message + string(data) + "\n"
	}
	for _, private := range []string{token, "13812345678"} {
		if strings.Contains(written, private) {
			t.Errorf("%s stands in: %s", private, written)
		}
	}
	if got := strings.Join(d.requests, " | "); got != "GET /api/v1/calls | GET /api/v1/calls/{id} | GET / | POST /api/v1/agents/{id}/login | other /healthz" {
		t.Error(got)
	}
}

// Whoever has been refused can name the line of the log.
func TestProblemsAreFoundInTheLog(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := (&desk{}).handler(zap.New(core))
	first, second := wantProblem(t, call(h, "GET", "/api/v1/calls/none", ""), 404, "unknown_call"), wantProblem(t, call(h, "GET", "/api/v1/calls/none", ""), 404, "unknown_call")
	if first.Instance == second.Instance {
		t.Error("two answers have one instance")
	}
	if found := logs.FilterField(zap.String("instance", second.Instance)).FilterField(zap.String("code", "unknown_call")); found.Len() != 1 {
		t.Errorf("%d lines have %s", found.Len(), second.Instance)
	}
}

func TestServerHasBounds(t *testing.T) {
	s := httpapi.NewServer(http.NotFoundHandler(), zap.NewNop())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 || s.ErrorLog == nil {
		t.Errorf("%+v", s)
	}
}

func TestSecondsThereAndBack(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 12500 * time.Millisecond, 3*time.Hour + 7*time.Millisecond} {
		data, err := json.Marshal(view.Seconds(d))
		if err != nil {
			t.Fatal(err)
		}
		var back view.Seconds
		if err := json.Unmarshal(data, &back); err != nil || back.Duration() != d {
			t.Errorf("%v became %s and %v (%v)", d, data, back.Duration(), err)
		}
	}
}
