package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
)

const password = "correct horse battery staple"

// signIn logs in as a browser does.
func (h *house) signIn(name, with string, headers ...string) (*httptest.ResponseRecorder, visitor) {
	body, _ := json.Marshal(map[string]string{"name": name, "password": with})
	r := visitor{house: h}.request("POST", "/api/v1/login", string(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	v := visitor{house: h}
	for _, c := range w.Result().Cookies() {
		if c.Name == "hotline_session" {
			v.cookie = c.Value
		}
	}
	var me view.Me
	_ = json.Unmarshal(w.Body.Bytes(), &me)
	v.csrf = me.CSRF
	return w, v
}

// into reads an answer that went well.
func into(t *testing.T, w *httptest.ResponseRecorder, status int, body any) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), body); err != nil {
		t.Fatal(err)
	}
}

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	if _, err := h.guard.CreateAdmin(t.Context(), "boss", password); err != nil {
		t.Fatal(err)
	}
	w, boss := h.signIn("boss", password)
	cookies := w.Result().Cookies()
	if w.Code != 200 || len(cookies) != 2 || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), boss.cookie) {
		t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if c := cookies[0]; c.Name != "hotline_session" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure || c.MaxAge != 0 {
		t.Errorf("%+v", c)
	}
	// The browser is known from then on: nobody's guesses keep it out.
	device := cookies[1]
	if device.Name != "hotline_device" || !device.HttpOnly || device.SameSite != http.SameSiteStrictMode || device.MaxAge != 90*24*3600 {
		t.Errorf("%+v", device)
	}
	for range 10 {
		w, _ = h.signIn("boss", "wrong")
	}
	wantProblem(t, w, 429, "too_many_attempts")
	w, _ = h.signIn("boss", password, "Cookie", "hotline_device="+device.Value)
	if w.Code != 200 || w.Result().Cookies()[1].Value != device.Value {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	var me view.Me
	into(t, boss.ask("GET", "/api/v1/me", ""), 200, &me)
	if me.Name != "boss" || me.Role != "admin" || me.CSRF != boss.csrf || len(me.Permissions) != len(access.Admin.Permissions()) {
		t.Errorf("%+v", me)
	}

	// A new user with a password that is good for one thing.
	var li view.User
	into(t, boss.ask("POST", "/api/v1/users", `{"name": "Li.Si", "title": "李四", "role": "agent", "agent": "1001"}`), 201, &li)
	if li.Name != "li.si" || li.Password == "" || !li.PasswordExpired {
		t.Fatalf("%+v", li)
	}
	_, agent := h.signIn("li.si", li.Password)
	wantProblem(t, agent.ask("GET", "/api/v1/queues", ""), 403, "password_expired")
	wantProblem(t, agent.ask("POST", "/api/v1/me/password", `{"present": "wrong", "new": "a new password of mine"}`), 422, "wrong_password")
	changed := agent.ask("POST", "/api/v1/me/password", `{"present": "`+li.Password+`", "new": "a new password of mine"}`)
	into(t, changed, 200, &me)
	wantProblem(t, agent.ask("GET", "/api/v1/me", ""), 401, "session_over")
	agent.cookie, agent.csrf = changed.Result().Cookies()[0].Value, me.CSRF
	into(t, agent.ask("POST", "/api/v1/agents/1001/ready", ""), 200, &view.Agent{})
	wantProblem(t, agent.ask("POST", "/api/v1/agents/1002/ready", ""), 403, "not_allowed")

	// The list shows no hash.
	if w := boss.ask("GET", "/api/v1/users", ""); w.Code != 200 || strings.Contains(w.Body.String(), "argon2") || strings.Contains(w.Body.String(), `"password":`) || !strings.Contains(w.Body.String(), "李四") {
		t.Errorf("%s", w.Body)
	}
	li = view.User{}
	if into(t, boss.ask("GET", "/api/v1/users/li.si", ""), 200, &li); li.Title != "李四" || li.Password != "" {
		t.Errorf("%+v", li)
	}
	// Disabled, and out at once.
	into(t, boss.ask("PATCH", "/api/v1/users/li.si", `{"disabled": true}`), 200, &li)
	wantProblem(t, agent.ask("GET", "/api/v1/me", ""), 401, "session_over")
	w, _ = h.signIn("li.si", "a new password of mine")
	wantProblem(t, w, 401, "wrong_login")
	// Enabled, with a new password for one thing.
	into(t, boss.ask("PATCH", "/api/v1/users/li.si", `{"disabled": false}`), 200, &li)
	into(t, boss.ask("POST", "/api/v1/users/li.si/password", ""), 200, &li)
	w, _ = h.signIn("li.si", li.Password)
	if into(t, w, 200, &me); !me.PasswordExpired || len(me.Permissions) > 0 {
		t.Errorf("%+v", me)
	}

	out := boss.ask("POST", "/api/v1/logout", "")
	if c := out.Result().Cookies(); out.Code != 200 || len(c) != 1 || c[0].MaxAge != -1 || c[0].Value != "" {
		t.Errorf("%d %v", out.Code, c)
	}
	wantProblem(t, boss.ask("GET", "/api/v1/me", ""), 401, "session_over")
}

func TestCookieOverTLS(t *testing.T) {
	h := newHouse(t)
	if _, err := h.guard.CreateAdmin(t.Context(), "boss", password); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(h.api)
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	answer, err := client.Post(server.URL+"/api/v1/login", "application/json", strings.NewReader(`{"name": "boss", "password": "`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	c := answer.Cookies()
	if len(c) != 2 || c[1].Name != "__Host-hotline_device" || !c[1].Secure || c[0].Name != "__Host-hotline_session" || !c[0].Secure || !c[0].HttpOnly || c[0].Path != "/" || c[0].Domain != "" {
		t.Fatalf("%+v", c)
	}
	for name, want := range map[string]int{"__Host-hotline_session": 200, "hotline_session": 401} {
		r, err := http.NewRequest("GET", server.URL+"/api/v1/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: name, Value: c[0].Value})
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

// Another site can let a browser send the cookie, and gets nothing done.
func TestOtherSitesGetNothingDone(t *testing.T) {
	h := newHouse(t)
	if _, err := h.guard.CreateAdmin(t.Context(), "boss", password); err != nil {
		t.Fatal(err)
	}
	boss, other := h.user("boss", access.Admin, ""), h.user("boss", access.Admin, "")
	try := func(change func(*http.Request)) *httptest.ResponseRecorder {
		r := boss.request("POST", "/api/v1/agents/1001/ready", "")
		change(r)
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		return w
	}
	for what, change := range map[string]func(*http.Request){
		"no CSRF token":                func(r *http.Request) { r.Header.Del("X-CSRF-Token") },
		"a wrong one":                  func(r *http.Request) { r.Header.Set("X-CSRF-Token", strings.Repeat("0", 32)) },
		"another site":                 func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another subdomain":            func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin":               func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"the token of another session": func(r *http.Request) { r.Header.Set("X-CSRF-Token", other.csrf) },
	} {
		if w := try(change); w.Code != 403 || len(h.desk.got) > 0 {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	w, _ := h.signIn("boss", password, "Sec-Fetch-Site", "cross-site")
	if wantProblem(t, w, 403, "foreign_origin"); len(w.Result().Cookies()) > 0 {
		t.Error("another site has logged in")
	}
	for _, site := range []string{"same-origin", "none"} {
		if w := try(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) }); w.Code != 200 {
			t.Errorf("%s: %d %s", site, w.Code, w.Body)
		}
	}
	// A browser sends no token by itself, so that it needs none of this.
	if w := h.token(access.ControlAgents, access.ReadAgents).ask("POST", "/api/v1/agents/1001/ready", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// A wrong token does not fall back on the cookie.
	wantProblem(t, try(func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }), 401, "wrong_token")
}

func TestFullNumbersAreForFewAndAudited(t *testing.T) {
	const full = "13812345678"
	for _, c := range []struct {
		allow bool
		role  access.Role
		code  string
	}{{true, access.Supervisor, ""}, {true, access.Admin, ""}, {true, access.Ops, "not_allowed"}, {false, access.Supervisor, "numbers_hidden"}} {
		h := newHouse(t, func(o *httpapi.Options) { o.FullNumbers = c.allow })
		v := h.user("somebody", c.role, "")
		for path, number := range map[string]string{"/api/v1/calls": full, "/api/v1/calls/c1": full, "/api/v1/callbacks": "13912345678"} {
			if w := v.ask("GET", path, ""); w.Code != 200 || strings.Contains(w.Body.String(), number) {
				t.Errorf("not asked for: %d %s", w.Code, w.Body)
			}
			w := v.ask("GET", path+"?numbers=full", "")
			if c.code != "" {
				wantProblem(t, w, 403, c.code)
			} else if w.Code != 200 || !strings.Contains(w.Body.String(), `"`+number+`"`) {
				t.Errorf("%s for %s: %d %s", path, c.role, w.Code, w.Body)
			}
			wantProblem(t, v.ask("GET", path+"?numbers=all", ""), 400, "bad_numbers")
		}
		// Everything else stays masked.
		for _, path := range []string{"/api/v1/snapshot?numbers=full", "/api/v1/blocked?numbers=full"} {
			if w := v.ask("GET", path, ""); w.Code != 200 || strings.Contains(w.Body.String(), "12345678") {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		entries, err := h.guard.Audit(t.Context(), "", 100)
		if err != nil || len(entries) != 3 {
			t.Fatalf("%d entries for 3 looks, %v", len(entries), err)
		}
		result := c.code
		if result == "" {
			result = access.Done
		}
		for _, e := range entries {
			if e.Who != "somebody" || e.Role != c.role || e.Result != result || strings.Contains(fmt.Sprint(e), full) {
				t.Errorf("%+v", e)
			}
		}
	}
	// A token may when its scope says so; the token file never.
	h := newHouse(t, func(o *httpapi.Options) { o.FullNumbers = true })
	if w := h.token(access.ReadCalls, access.SeeNumbers).ask("GET", "/api/v1/calls?numbers=full", ""); w.Code != 200 || !strings.Contains(w.Body.String(), full) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, h.token(access.ReadCalls).ask("GET", "/api/v1/calls?numbers=full", ""), 403, "not_allowed")
	wantProblem(t, visitor{house: h, bearer: token}.ask("GET", "/api/v1/calls?numbers=full", ""), 403, "not_allowed")
	// Cancelling is not refused because of how its answer was asked for.
	if w := h.user("sup", access.Supervisor, "").ask("POST", "/api/v1/callbacks/c0/cancel?numbers=full", ""); w.Code != 200 || strings.Contains(w.Body.String(), "13912345678") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWhatIsDoneIsAudited(t *testing.T) {
	h := newHouse(t)
	sup, agent, boss := h.user("sup", access.Supervisor, ""), h.user("li", access.Agent, "1001"), h.user("boss", access.Admin, "")
	sup.ask("GET", "/api/v1/calls", "")
	sup.ask("POST", "/api/v1/agents/1001/not-ready", `{"reason": "break"}`)
	sup.ask("POST", "/api/v1/blocked", `{"number": "13712345678", "reason": "called from 13712345678"}`)
	sup.ask("POST", "/api/v1/agents/1001/skills", `{"queues": {"general": 10, "english": 5}, "skills": {"law": 3}}`)
	sup.ask("POST", "/api/v1/agents/1001/skills/reset", "")
	sup.ask("POST", "/api/v1/calls/c1/prioritise", `{"priority": 5}`)
	sup.ask("POST", "/api/v1/calls/c1/move", `{"queue": "english"}`)
	sup.ask("POST", "/api/v1/calls/c2/move", `{"queue": "english"}`) // which has ended in the same moment
	sup.ask("POST", "/api/v1/reload", "")
	h.desk.refusal = &acd.RequestError{Code: "unknown_agent", Text: "no"}
	sup.ask("POST", "/api/v1/agents/13612345678/ready", "")
	agent.ask("POST", "/api/v1/agents/1001/ready", "")
	agent.ask("POST", "/api/v1/agents/1002/ready", "")
	visitor{house: h, bearer: token}.ask("PUT", "/api/v1/emergency", `{"prompts": []}`)
	boss.ask("POST", "/api/v1/users", `{"name": "wang", "role": "ops"}`)
	boss.ask("PATCH", "/api/v1/users/wang", `{"role": "analyst", "disabled": true}`)
	var page struct{ Entries []view.AuditEntry }
	into(t, h.user("ops", access.Ops, "").ask("GET", "/api/v1/audit?limit=50", ""), 200, &page)
	var got []string
	for _, e := range page.Entries {
		got = append(got, strings.Join([]string{e.Who, e.Via, e.Role, e.From, e.Action, e.On, e.What, e.Result}, "|"))
	}
	slices.Reverse(got)
	want := []string{
		"sup|session|supervisor|192.0.2.1|POST /api/v1/agents/{id}/not-ready|1001|break|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/blocked|137******78|called from 137******78|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/agents/{id}/skills|1001|english=5 general=10 law=3|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/agents/{id}/skills/reset|1001||done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/calls/{id}/prioritise|c1|5|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/calls/{id}/move|c1|to english|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/calls/{id}/move|c2|to english|done",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/reload|||not_allowed",
		"sup|session|supervisor|192.0.2.1|POST /api/v1/agents/{id}/ready|136******78||unknown_agent",
		"li|session|agent|192.0.2.1|POST /api/v1/agents/{id}/ready|1002||not_allowed",
		"token_file|token_file||192.0.2.1|PUT /api/v1/emergency|||unknown_agent",
		"boss|session|admin|192.0.2.1|POST /api/v1/users|wang|role ops|done",
		"boss|session|admin|192.0.2.1|PATCH /api/v1/users/{name}|wang|role analyst disabled|done",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		wantProblem(t, boss.ask(method, "/api/v1/audit", ""), 405, "method_not_allowed")
	}
	for query, code := range map[string]string{"limit=0": "bad_limit", "limit=1001": "bad_limit", "limit=x": "bad_limit", "before=x": "bad_place"} {
		if w := boss.ask("GET", "/api/v1/audit?"+query, ""); w.Code < 400 || w.Code > 422 || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestOtherPeoplesSessions(t *testing.T) {
	h := newHouse(t)
	boss, li := h.user("boss", access.Admin, ""), h.user("li", access.Ops, "")
	list := func(v visitor) []view.Session {
		var out struct{ Sessions []view.Session }
		into(t, v.ask("GET", "/api/v1/sessions", ""), 200, &out)
		return out.Sessions
	}
	all, own := list(boss), list(li)
	if len(all) != 2 || len(own) != 1 || own[0].User != "li" || !own[0].Own {
		t.Fatalf("%+v, %+v", all, own)
	}
	for _, s := range all {
		if s.User == "boss" {
			wantProblem(t, li.ask("DELETE", "/api/v1/sessions/"+s.ID, ""), 404, "unknown_session")
		}
	}
	into(t, boss.ask("DELETE", "/api/v1/sessions/"+own[0].ID, ""), 200, &struct{}{})
	wantProblem(t, li.ask("GET", "/api/v1/me", ""), 401, "session_over")
	into(t, boss.ask("GET", "/api/v1/me", ""), 200, &view.Me{})
}

func TestTokensOverTheAPI(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	var made view.Token
	into(t, boss.ask("POST", "/api/v1/tokens", `{"name": "board", "scopes": ["queues.read"], "expires": "2026-12-24T12:00:00Z"}`), 201, &made)
	if made.Secret == "" || made.Maker != "boss" {
		t.Fatalf("%+v", made)
	}
	board := visitor{house: h, bearer: made.Secret}
	into(t, board.ask("GET", "/api/v1/queues", ""), 200, &struct{}{})
	wantProblem(t, board.ask("GET", "/api/v1/calls", ""), 403, "not_allowed")
	wantProblem(t, board.ask("POST", "/api/v1/logout", ""), 409, "no_session")
	wantProblem(t, board.ask("POST", "/api/v1/me/password", `{"present": "x", "new": "y"}`), 409, "no_session")
	if w := boss.ask("GET", "/api/v1/tokens", ""); !strings.Contains(w.Body.String(), `"name":"board"`) || strings.Contains(w.Body.String(), made.Secret) {
		t.Errorf("%s", w.Body)
	}
	into(t, boss.ask("DELETE", "/api/v1/tokens/"+made.ID, ""), 200, &struct{}{})
	wantProblem(t, board.ask("GET", "/api/v1/queues", ""), 401, "wrong_token")
	wantProblem(t, boss.ask("DELETE", "/api/v1/tokens/"+made.ID, ""), 404, "unknown_token")
}

func TestRedisIsAwayOverTheAPI(t *testing.T) {
	h := newHouse(t)
	sup, boss := h.user("sup", access.Supervisor, ""), h.user("boss", access.Admin, "")
	for _, v := range []visitor{sup, boss} {
		into(t, v.ask("GET", "/api/v1/me", ""), 200, &view.Me{})
	}
	h.store.GoAway(true)
	into(t, sup.ask("POST", "/api/v1/agents/1001/ready", ""), 200, &view.Agent{})
	w, _ := h.signIn("sup", "x")
	wantProblem(t, w, 503, "redis_away")
	wantProblem(t, boss.ask("GET", "/api/v1/users", ""), 503, "redis_away")
	wantProblem(t, visitor{house: h, cookie: "another"}.ask("GET", "/api/v1/me", ""), 503, "redis_away")
	into(t, visitor{house: h, bearer: token}.ask("GET", "/api/v1/queues", ""), 200, &struct{}{})
	h.store.GoAway(false)
	if entries, err := h.guard.Audit(t.Context(), "", 10); err != nil || len(entries) != 1 || entries[0].Who != "sup" {
		t.Errorf("what was done meanwhile is not in the audit log: %+v, %v", entries, err)
	}
}

func TestSlowedLoginSaysHowLong(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		if w, _ := h.signIn("nobody", "wrong"); w.Code == 429 {
			if wantProblem(t, w, 429, "too_many_attempts"); w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("nothing slows logins")
}

func TestSecretsOfPeopleAreNotLogged(t *testing.T) {
	h := newHouse(t)
	if _, err := h.guard.CreateAdmin(t.Context(), "boss", password); err != nil {
		t.Fatal(err)
	}
	_, boss := h.signIn("boss", password)
	h.signIn("boss", "a-wrong-password")
	var made view.User
	into(t, boss.ask("POST", "/api/v1/users", `{"name": "li", "role": "ops"}`), 201, &made)
	text := ""
	for _, l := range h.logs.All() {
		data, err := json.Marshal(l.ContextMap())
		if err != nil {
			t.Fatal(err)
		}
		text += l.Message + string(data)
	}
	for what, secret := range map[string]string{"password": password, "wrong password": "a-wrong-password", "cookie": boss.cookie, "csrf": boss.csrf, "first password": made.Password} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s is logged", what)
		}
	}
}
