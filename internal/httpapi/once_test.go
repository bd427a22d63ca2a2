package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/httpapi"
)

// keyed asks with an Idempotency-Key.
func (v visitor) keyed(key, method, path, body string) *httptest.ResponseRecorder {
	r := v.request(method, path, body)
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	v.api.ServeHTTP(w, r)
	return w
}

// again is a good answer that was given before, word for word.
func again(t *testing.T, first, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != first.Code || w.Body.String() != first.Body.String() || w.Header().Get("Idempotency-Replayed") != "true" ||
		w.Header().Get("Content-Type") != first.Header().Get("Content-Type") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s\nand first %d %s", w.Code, w.Header(), w.Body, first.Code, first.Body)
	}
	if first.Header().Get("Idempotency-Replayed") != "" {
		t.Error("the first answer is said to be a repeated one")
	}
}

func TestKeyedRequestIsCarriedOutOnce(t *testing.T) {
	h := newHouse(t)
	boss, file := h.user("boss", access.Admin, ""), visitor{house: h, bearer: token}
	const path, body = "/api/v1/agents/1001/wrap-up", `{"extend": "30s"}`
	first := boss.keyed("k1", "POST", path, body)
	again(t, first, boss.keyed("k1", "POST", path, body))
	again(t, first, boss.keyed(`"k1"`, "POST", path, body)) // in quotes, as the draft writes it
	again(t, first, h.user("boss", access.Admin, "").keyed("k1", "POST", path, body))
	if first.Code != 200 || len(h.desk.got) != 1 {
		t.Fatalf("%d %s, carried out: %v", first.Code, first.Body, h.desk.got)
	}
	// Another body, path, method or query is another request.
	for _, other := range []struct{ method, path, body string }{
		{"POST", path, `{"extend": "31s"}`}, {"POST", path, `{"extend":"30s"}`}, {"POST", "/api/v1/agents/1002/wrap-up", body}, {"POST", path + "?x=1", body},
		{"POST", "/api/v1/agents/1001/ready", ""}, {"PUT", "/api/v1/emergency", `{"prompts": []}`},
	} {
		wantProblem(t, boss.keyed("k1", other.method, other.path, other.body), 422, "key_reused")
	}
	if len(h.desk.got) != 1 {
		t.Errorf("carried out: %v", h.desk.got)
	}
	// Another key, and the same of somebody else.
	for _, w := range []*httptest.ResponseRecorder{boss.keyed("k2", "POST", path, body), file.keyed("k1", "POST", path, body), boss.ask("POST", path, body), boss.ask("POST", path, body)} {
		if w.Code != 200 || w.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(h.desk.got) != 5 {
		t.Errorf("carried out: %v", h.desk.got)
	}
	// Once in the audit log, too, but for the refusals.
	done := 0
	entries, err := h.guard.Audit(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action == "POST /api/v1/agents/{id}/wrap-up" && e.Result == access.Done {
			done++
		}
	}
	if done != 5 {
		t.Errorf("%d entries", done)
	}
	// What reads needs no key, and is not kept.
	if w := boss.keyed("k1", "GET", "/api/v1/queues", ""); w.Code != 200 || w.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Two tokens of one name are two principals.
func TestKeysOfTokensAreApart(t *testing.T) {
	h := newHouse(t)
	for i := range 2 {
		w := h.token(access.ControlAgents).keyed("k1", "POST", "/api/v1/agents/1001/logout", "")
		if w.Code != 200 || len(h.desk.got) != i+1 {
			t.Errorf("%d, %v", w.Code, h.desk.got)
		}
	}
}

// Who may not make the request gets no answer to it, whoever has made it.
func TestKeysAreForThoseWhoMay(t *testing.T) {
	h := newHouse(t)
	const path = "/api/v1/agents/1001/ready"
	boss := h.user("boss", access.Supervisor, "")
	if w := boss.keyed("k1", "POST", path, ""); w.Code != 200 {
		t.Fatal(w.Code)
	}
	wantProblem(t, visitor{house: h}.keyed("k1", "POST", path, ""), 401, "no_token")
	wantProblem(t, visitor{house: h, cookie: boss.cookie}.keyed("k1", "POST", path, ""), 403, "no_csrf_token")
	ops := access.Ops
	if _, err := h.guard.ChangeUser(t.Context(), "boss", access.Change{Role: &ops}); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.user("boss", access.Ops, "").keyed("k1", "POST", path, ""), 403, "not_allowed")
	wantProblem(t, h.user("li", access.Agent, "1002").keyed("k1", "POST", path, ""), 403, "not_allowed")
}

func TestKeysThatAreNone(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	for _, key := range []string{"", `""`, "a b", " ", "钥匙", "a\tb", strings.Repeat("x", 65), "\"" + strings.Repeat("x", 65) + "\""} {
		wantProblem(t, boss.keyed(key, "POST", "/api/v1/reload", ""), 400, "bad_key")
	}
	two := boss.request("POST", "/api/v1/reload", "")
	two.Header["Idempotency-Key"] = []string{"a", "a"}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, two)
	wantProblem(t, w, 400, "bad_key")
	if len(h.desk.requests) > 0 && slices.Contains(h.desk.requests, "reload") {
		t.Error("carried out")
	}
	for _, key := range []string{"x", strings.Repeat("x", 64), `"`, "!~"} {
		if w := boss.keyed(key, "POST", "/api/v1/reload", ""); w.Code != 200 {
			t.Errorf("%q: %d %s", key, w.Code, w.Body)
		}
	}
	wantProblem(t, boss.keyed("large", "POST", "/api/v1/reload", strings.Repeat(" ", 70<<10)), 413, "body_too_large")
}

// A refusal is an answer, too; what the program could not do may be asked again.
func TestWhatIsKept(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	const path = "/api/v1/agents/1001/login"
	h.desk.refusal = &acd.RequestError{Code: "seat_taken", Text: "the seat is taken"}
	first := boss.keyed("k1", "POST", path, `{"seat": "8001"}`)
	wantProblem(t, first, 409, "seat_taken")
	h.desk.refusal = context.DeadlineExceeded
	again(t, first, boss.keyed("k1", "POST", path, `{"seat": "8001"}`))
	if n := h.logs.FilterField(zap.String("code", "seat_taken")).Len(); n != 1 {
		t.Errorf("%d lines of the log have the code", n)
	}
	for range 2 {
		wantProblem(t, boss.keyed("k2", "POST", path, `{"seat": "8001"}`), 503, "no_answer")
	}
	h.desk.refusal = nil
	if w := boss.keyed("k2", "POST", path, `{"seat": "8001"}`); w.Code != 200 || w.Header().Get("Idempotency-Replayed") != "" || len(h.desk.got) != 4 {
		t.Errorf("%d, %v", w.Code, h.desk.got)
	}
	// A throttled one is not kept either.
	pat := h.user("pat", access.Ops, "")
	code := 0
	for range 12 {
		code = pat.keyed("k3", "POST", "/api/v1/me/password", `{"present": "wrong", "new": "a long and better passphrase"}`).Code
	}
	if code != 422 { // the first refusal
		t.Error(code)
	}
	for i := range 12 {
		code = pat.keyed(fmt.Sprint("x", i), "POST", "/api/v1/me/password", `{"present": "wrong", "new": "a long and better passphrase"}`).Code
	}
	w := pat.keyed("x11", "POST", "/api/v1/me/password", `{"present": "wrong", "new": "a long and better passphrase"}`)
	if code != 429 || w.Code != 429 || w.Header().Get("Idempotency-Replayed") != "" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, then %d %v", code, w.Code, w.Header())
	}
}

// A handler that panics leaves nothing behind.
func TestPanicLeavesNoKey(t *testing.T) {
	h := newHouse(t, func(o *httpapi.Options) { o.Reload = func(context.Context, string) error { panic("a defect") } })
	boss := h.user("boss", access.Admin, "")
	for range 2 {
		wantProblem(t, boss.keyed("k1", "POST", "/api/v1/reload", ""), 500, "internal")
	}
}

// Fifty at once: one is carried out, and the others are told so or get its answer.
func TestManyAtOnceAreCarriedOutOnce(t *testing.T) {
	var mu sync.Mutex
	carried, enter, leave := 0, make(chan struct{}), make(chan struct{})
	h := newHouse(t, func(o *httpapi.Options) {
		o.Reload = func(context.Context, string) error {
			mu.Lock()
			carried++
			mu.Unlock()
			close(enter)
			<-leave
			return nil
		}
	})
	boss := h.user("boss", access.Admin, "")
	ask := func() *httptest.ResponseRecorder {
		r := boss.request("POST", "/api/v1/reload", "{}")
		r.Header.Set("Idempotency-Key", "k1")
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, r)
		return w
	}
	var all sync.WaitGroup
	answers := make([]*httptest.ResponseRecorder, 50)
	for i := range answers {
		all.Go(func() {
			if i%2 == 0 {
				<-enter // while it is at work
			}
			answers[i] = ask()
			if i == 0 {
				close(leave)
			}
		})
	}
	all.Wait()
	good, waits := 0, 0
	for _, w := range answers {
		switch w.Code {
		case 200:
			good++
		case 409:
			wantProblem(t, w, 409, "in_progress")
			if waits++; w.Header().Get("Retry-After") != "1" {
				t.Error(w.Header())
			}
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if carried != 1 || good+waits != 50 || good == 0 || waits == 0 {
		t.Errorf("carried out %d times; %d answers, %d to wait", carried, good, waits)
	}
	again(t, answers[slices.IndexFunc(answers, func(w *httptest.ResponseRecorder) bool {
		return w.Code == 200 && w.Header().Get("Idempotency-Replayed") == ""
	})], ask())
}

// A client that gives up while the request is carried out finds its answer later.
func TestClientThatLeavesFindsTheAnswer(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	ctx, cancel := context.WithCancel(t.Context())
	r := boss.request("POST", "/api/v1/agents/1001/ready", "").WithContext(ctx)
	r.Header.Set("Idempotency-Key", "k1")
	plain := h.desk.snapshot
	h.desk.snapshot = func(ctx context.Context) (acd.Snapshot, error) { // for the answer, when all is done
		cancel()
		if err := ctx.Err(); err != nil {
			return acd.Snapshot{}, err
		}
		return (&desk{snapshot: plain}).Snapshot(ctx)
	}
	w := httptest.NewRecorder()
	h.api.ServeHTTP(w, r)
	again(t, w, boss.keyed("k1", "POST", "/api/v1/agents/1001/ready", ""))
	if w.Code != 200 || len(h.desk.got) != 1 {
		t.Errorf("%d %s %v", w.Code, w.Body, h.desk.got)
	}
}

func TestKeysAreForgottenAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		h := d.handler(nil)
		ask := func() *httptest.ResponseRecorder {
			return call(h, "POST", "/api/v1/agents/1001/wrap-up", `{"extend": "30s"}`, "Idempotency-Key", "k1")
		}
		first := ask()
		time.Sleep(10*time.Minute - time.Second)
		again(t, first, ask())
		time.Sleep(time.Second)
		if w := ask(); w.Header().Get("Idempotency-Replayed") != "" || len(d.got) != 2 {
			t.Errorf("%v, %v", w.Header(), d.got)
		}
	})
}

// Answers with secrets are not kept: that the request was carried out is.
func TestSecretsAreNotRepeated(t *testing.T) {
	h := newHouse(t)
	boss := h.user("boss", access.Admin, "")
	for _, c := range []struct{ path, body, secret string }{
		{"/api/v1/users", `{"name": "li.si", "role": "ops"}`, "password"},
		{"/api/v1/users/li.si/password", ``, "password"},
		{"/api/v1/tokens", `{"name": "work orders", "scopes": ["queues.read"], "expires": "2026-12-01T00:00:00Z"}`, "secret"},
	} {
		first := boss.keyed("k"+c.path, "POST", c.path, c.body)
		var body map[string]any
		if err := json.Unmarshal(first.Body.Bytes(), &body); err != nil || body[c.secret] == nil || first.Code >= 300 {
			t.Fatalf("%d %s", first.Code, first.Body)
		}
		state := h.state()
		wantProblem(t, boss.keyed("k"+c.path, "POST", c.path, c.body), 409, "answer_not_kept")
		if h.state() != state {
			t.Errorf("%s was carried out twice", c.path)
		}
		// A refusal is repeated as others are.
		refusal := boss.keyed("bad"+c.path, "POST", c.path, `{"x": 1}`)
		wantProblem(t, refusal, 400, "bad_json")
		again(t, refusal, boss.keyed("bad"+c.path, "POST", c.path, `{"x": 1}`))
	}
}

// Routes whose answers have a secret by the document, or give a cookie, are known as such.
func TestSecretRoutesAreMarked(t *testing.T) {
	d, _ := served()
	var want []string
	for path, of := range d.Paths {
		for method, op := range of {
			for status, response := range op.Responses {
				schema := fmt.Sprint(response.Content["application/json"].Schema)
				if strings.HasPrefix(status, "2") && (strings.Contains(schema, "WithPassword") || strings.Contains(schema, "WithSecret") || strings.Contains(schema, "/Me]")) && method != "get" {
					want = append(want, strings.ToUpper(method)+" "+path)
				}
			}
		}
	}
	want = slices.DeleteFunc(want, func(route string) bool { return slices.Contains(httpapi.OpenRoutes(), route) })
	var got []string
	for _, route := range httpapi.Routes() {
		if route.Secret {
			got = append(got, route.Method+" "+route.Pattern)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != 4 || !slices.Equal(got, want) {
		t.Errorf("%v, and by the document %v", got, want)
	}
}

// Every operation that changes something says what a key does.
func TestDocumentHasTheKeys(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref string `json:"$ref"`
			}
			Responses map[string]any
		}
	}
	if err := json.Unmarshal(get("/api/v1/openapi.json"), &d); err != nil {
		t.Fatal(err)
	}
	for _, route := range httpapi.Routes() {
		op, has := d.Paths[route.Pattern][strings.ToLower(route.Method)], false
		for _, p := range op.Parameters {
			has = has || p.Ref == "#/components/parameters/IdempotencyKey"
		}
		if has != (route.Method != http.MethodGet) {
			t.Errorf("%s %s: %v", route.Method, route.Pattern, has)
		}
	}
}
