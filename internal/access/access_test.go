package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
	"hotline/internal/acd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryConforms(t *testing.T) { accesstest.Conform(t, &accesstest.Memory{}) }

// house is a guard with a clock and an admin.
type house struct {
	*access.Guard
	t     *testing.T
	store *accesstest.Memory
	now   time.Time
	logs  *observer.ObservedLogs
}

const (
	boss         = "boss"
	bossPassword = "correct horse battery staple"
	fileToken    = "token-of-the-file"
)

var here = access.Origin{Address: "10.0.0.7", Client: "Firefox\n\x00 on Windows"}

func build(t *testing.T) *house {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	h := &house{t: t, store: &accesstest.Memory{}, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), logs: logs}
	h.store.Now = func() time.Time { return h.now }
	h.Guard = h.another(zap.New(core))
	if _, err := h.CreateAdmin(t.Context(), boss, bossPassword); err != nil {
		t.Fatal(err)
	}
	return h
}

// another process with the same store.
func (h *house) another(log *zap.Logger) *access.Guard {
	return access.New(access.Options{Store: h.store, TokenFile: fileToken, Log: log, Now: func() time.Time { return h.now }})
}

func (h *house) login(name, password string) (*access.Principal, string) {
	h.t.Helper()
	p, secret, err := h.Login(h.t.Context(), name, password, here)
	if err != nil {
		h.t.Fatalf("login of %s: %v", name, err)
	}
	return p, secret
}

func want(t *testing.T, err error, kind access.Kind, code string) *access.Refusal {
	t.Helper()
	var r *access.Refusal
	if !errors.As(err, &r) || r.Kind != kind || r.Code != code {
		t.Errorf("got %v, want %s", err, code)
		return &access.Refusal{}
	}
	if r.Text == "" || strings.Contains(r.Text, "\n") || strings.HasSuffix(r.Text, ".") {
		t.Errorf("not a sentence: %q", r.Text)
	}
	return r
}

func (h *house) in(secret string) error {
	_, err := h.Session(h.t.Context(), secret)
	return err
}

func TestLoginAndLogout(t *testing.T) {
	h := build(t)
	p, secret := h.login(" Boss ", bossPassword)
	if p.Name != boss || p.Role != access.Admin || p.Via != access.BySession || len(p.CSRF) != 32 || p.Expired {
		t.Errorf("%+v", p)
	}
	again, err := h.Session(t.Context(), secret)
	if err != nil || again.CSRF != p.CSRF || again.Session != p.Session || !again.May(access.ManageUsers) {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, other := h.login(boss, bossPassword); other == secret {
		t.Error("two sessions have one secret")
	}
	list, err := h.ListSessions(t.Context(), "")
	if err != nil || len(list) != 2 || list[0].Client != "Firefox on Windows" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := h.Logout(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	for _, s := range []string{"", "x", strings.Repeat("x", 1<<20)} {
		want(t, h.in(s), access.NotLoggedIn, "session_over")
	}
}

func TestWrongLoginsHaveOneAnswer(t *testing.T) {
	h := build(t)
	disabled := true
	if _, err := h.CreateAdmin(t.Context(), "other", bossPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), "other", access.Change{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for name, password := range map[string]string{
		boss: "wrong", "nobody": bossPassword, "other": bossPassword, "../../etc": "x", "": bossPassword, strings.Repeat("a", 1000): "x",
		"hotline:{lyg}": "x", "bo ss": bossPassword, "boss\x00": bossPassword, "ｂｏｓｓ2": strings.Repeat("x", 100_000),
	} {
		_, _, err := h.Login(t.Context(), name, password, here)
		texts[want(t, err, access.NotLoggedIn, "wrong_login").Text] = true
	}
	if len(texts) != 1 {
		t.Errorf("several answers: %v", texts)
	}
	noted := 0
	entries, _ := h.Audit(t.Context(), "", 100)
	for _, e := range entries {
		if e.Who == "other" && e.Result == "wrong_login" {
			noted++
		}
	}
	if noted != 1 {
		t.Errorf("the login of a user who is disabled is noted %d times", noted)
	}
}

// Whoever measures how long the answer takes must not learn which users there are: each
// takes one hash of the same cost, which is told by the memory that it needs.
func TestUnknownUsersTakeAsMuch(t *testing.T) {
	h := build(t)
	yes := true
	if _, err := h.CreateAdmin(t.Context(), "other", bossPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), "other", access.Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]string{boss: "wrong", "nobody": "wrong", "other": bossPassword, "li": strings.Repeat("x", 50_000), "no/name": "x"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := h.Login(t.Context(), name, password, here)
		runtime.ReadMemStats(&after)
		want(t, err, access.NotLoggedIn, "wrong_login")
		if mib := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20); mib < 19 || mib > 20 {
			t.Errorf("a login as %s takes %.1f MiB", name, mib)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	_, secret := h.login(boss, bossPassword)
	h.now = h.now.Add(access.Idle - time.Second)
	if err := h.in(secret); err != nil {
		t.Fatal("before it is idle for too long: ", err)
	}
	h.now = h.now.Add(access.Idle - time.Second)
	if err := h.in(secret); err != nil {
		t.Fatal("a request has not prolonged it: ", err)
	}
	// Another process knows of the last request too.
	if _, err := h.another(nil).Session(t.Context(), secret); err != nil {
		t.Error(err)
	}
	h.now = h.now.Add(access.Idle)
	want(t, h.in(secret), access.NotLoggedIn, "session_over")

	_, secret = h.login(boss, bossPassword)
	for range 2*access.Lasts/access.Idle - 1 {
		h.now = h.now.Add(access.Idle / 2)
		if err := h.in(secret); err != nil {
			t.Fatal(err)
		}
	}
	h.now = h.now.Add(access.Idle / 2)
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	h.login(boss, bossPassword)
	if n := len(h.store.State()[access.Sessions]); n != 1 {
		t.Errorf("%d sessions are stored, of which one lasts", n)
	}
}

func (h *house) user(name string, role access.Role, agent acd.AgentID) (secret string) {
	h.t.Helper()
	_, first, err := h.CreateUser(h.t.Context(), access.User{Name: name, Role: role, Agent: agent})
	if err != nil {
		h.t.Fatal(err)
	}
	p, _ := h.login(name, first)
	_, secret, err = h.ChangePassword(h.t.Context(), p, first, "a password of "+strings.ToUpper(name[:1])+" by "+string(role), here)
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

func TestFirstPasswordIsGoodForChangingItOnly(t *testing.T) {
	h := build(t)
	user, first, err := h.CreateUser(t.Context(), access.User{Name: "Li", Title: "李四", Role: access.Supervisor})
	if err != nil || user.Name != "li" || !user.Expired {
		t.Fatalf("%+v, %v", user, err)
	}
	p, secret := h.login("li", first)
	if !p.Expired || len(p.Permissions()) != 0 || p.May(access.ReadQueues) {
		t.Errorf("%+v", p)
	}
	ctx := t.Context()
	_, _, err = h.ChangePassword(ctx, p, "wrong", "quite another password", here)
	want(t, err, access.Invalid, "wrong_password")
	_, _, err = h.ChangePassword(ctx, p, first, first, here)
	want(t, err, access.Invalid, "bad_password")
	_, _, err = h.ChangePassword(ctx, p, first, "short", here)
	want(t, err, access.Invalid, "bad_password")
	p, fresh, err := h.ChangePassword(ctx, p, first, "quite another password", here)
	if err != nil || p.Expired || !p.May(access.ReadQueues) || p.May(access.ManageUsers) {
		t.Fatalf("%+v, %v", p, err)
	}
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	if err := h.in(fresh); err != nil {
		t.Error(err)
	}
	_, _, err = h.Login(ctx, "li", first, here)
	want(t, err, access.NotLoggedIn, "wrong_login")
}

func TestWhatEndsSessionsAtOnce(t *testing.T) {
	access.Cheap(t)
	yes, ops, nobody := true, access.Ops, acd.AgentID("1002")
	for what, change := range map[string]func(*house) error{
		"disabled": func(h *house) error {
			_, err := h.ChangeUser(h.t.Context(), "li", access.Change{Disabled: &yes})
			return err
		},
		"another role": func(h *house) error {
			_, err := h.ChangeUser(h.t.Context(), "li", access.Change{Role: &ops})
			return err
		},
		"another agent": func(h *house) error {
			_, err := h.ChangeUser(h.t.Context(), "li", access.Change{Agent: &nobody})
			return err
		},
		"a reset password": func(h *house) error { _, _, err := h.ResetPassword(h.t.Context(), "li"); return err },
		"revoked": func(h *house) error {
			list, err := h.ListSessions(h.t.Context(), "li")
			if err != nil || len(list) != 1 {
				return fmt.Errorf("%v, %v", list, err)
			}
			_, err = h.RevokeSession(h.t.Context(), list[0].ID, "li")
			return err
		},
	} {
		h := build(t)
		secret := h.user("li", access.Agent, "1001")
		elsewhere := h.another(nil)
		if _, err := elsewhere.Session(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		if err := h.in(secret); err != nil {
			t.Fatal(err)
		}
		if err := change(h); err != nil {
			t.Fatal(what, err)
		}
		want(t, h.in(secret), access.NotLoggedIn, "session_over")
		h.now = h.now.Add(2 * time.Second)
		_, err := elsewhere.Session(t.Context(), secret)
		want(t, err, access.NotLoggedIn, "session_over")
		if list, _ := h.ListSessions(t.Context(), "li"); len(list) > 0 {
			t.Errorf("%s: the session is listed: %v", what, list)
		}
	}
}

func TestOthersSessionsAreNotOnesOwn(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	h.login(boss, bossPassword)
	h.user("li", access.Supervisor, "")
	all, _ := h.ListSessions(t.Context(), "")
	own, _ := h.ListSessions(t.Context(), "li")
	if len(all) != 2 || len(own) != 1 || own[0].User != "li" {
		t.Fatalf("%v, %v", all, own)
	}
	for _, s := range all {
		if s.User == boss {
			_, err := h.RevokeSession(t.Context(), s.ID, "li")
			want(t, err, access.NotFound, "unknown_session")
		}
	}
	_, err := h.RevokeSession(t.Context(), "", "")
	want(t, err, access.NotFound, "unknown_session")
	if left, _ := h.ListSessions(t.Context(), ""); len(left) != 2 {
		t.Errorf("%v", left)
	}
}

func TestLastAdminStays(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	yes, no, ops := true, false, access.Ops
	for _, c := range []access.Change{{Disabled: &yes}, {Role: &ops}} {
		_, err := h.ChangeUser(t.Context(), boss, c)
		want(t, err, access.Conflict, "last_admin")
	}
	h.user("li", access.Admin, "")
	if _, err := h.ChangeUser(t.Context(), boss, access.Change{Disabled: &yes}); err != nil {
		t.Error(err)
	}
	_, err := h.ChangeUser(t.Context(), "li", access.Change{Role: &ops})
	want(t, err, access.Conflict, "last_admin")
	if _, err := h.ChangeUser(t.Context(), boss, access.Change{Disabled: &no}); err != nil {
		t.Error(err)
	}
}

func TestAnAgentIsOnePerson(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	h.user("li", access.Agent, "1001")
	ctx, yes, no, agent := t.Context(), true, false, acd.AgentID("1001")
	_, _, err := h.CreateUser(ctx, access.User{Name: "wang", Role: access.Agent, Agent: "1001"})
	want(t, err, access.Conflict, "agent_taken")
	h.user("wang", access.Agent, "1002")
	_, err = h.ChangeUser(ctx, "wang", access.Change{Agent: &agent})
	want(t, err, access.Conflict, "agent_taken")
	if _, err := h.ChangeUser(ctx, "li", access.Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(ctx, "wang", access.Change{Agent: &agent}); err != nil {
		t.Error(err)
	}
	_, err = h.ChangeUser(ctx, "li", access.Change{Disabled: &no})
	want(t, err, access.Conflict, "agent_taken")
}

func TestBadUsersAreNotMade(t *testing.T) {
	h := build(t)
	before := fmt.Sprint(h.store.State())
	for code, u := range map[string]access.User{
		"bad_name":    {Name: "a", Role: access.Ops},
		"bad_role":    {Name: "li", Role: "root"},
		"no_agent":    {Name: "li", Role: access.Agent},
		"bad_agent":   {Name: "li", Role: access.Admin, Agent: "1001"},
		"bad_title":   {Name: "li", Role: access.Ops, Title: strings.Repeat("x", 65)},
		"user_exists": {Name: "BOSS", Role: access.Ops},
	} {
		_, _, err := h.CreateUser(t.Context(), u)
		var r *access.Refusal
		if !errors.As(err, &r) || r.Code != code {
			t.Errorf("%s: got %v", code, err)
		}
	}
	for _, name := range []string{"", " ", "-li", "li/../x", "li li", "李四", "li:1", "a*", strings.Repeat("a", 33)} {
		_, _, err := h.CreateUser(t.Context(), access.User{Name: name, Role: access.Ops})
		want(t, err, access.Invalid, "bad_name")
	}
	_, err := h.ChangeUser(t.Context(), "nobody", access.Change{})
	want(t, err, access.NotFound, "unknown_user")
	if after := fmt.Sprint(h.store.State()); after != before {
		t.Errorf("something has changed: %s", after)
	}
}

func TestTokens(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	ctx := t.Context()
	maker, _ := h.login(boss, bossPassword)
	in := func(months int) time.Time { return h.now.AddDate(0, months, 0) }
	token, secret, err := h.CreateToken(ctx, maker, "work orders", []access.Permission{access.ReadCalls, access.ReadQueues, access.ReadCalls}, in(6))
	if err != nil || !strings.HasPrefix(secret, "hotline_") || len(token.Scopes) != 2 {
		t.Fatalf("%+v, %v", token, err)
	}
	p, err := h.Token(ctx, secret)
	if err != nil || !p.May(access.ReadCalls) || p.May(access.ReadTraffic) || p.Via != access.ByToken || p.Name != "work orders" {
		t.Fatalf("%+v, %v", p, err)
	}
	if list, _ := h.ListTokens(ctx); len(list) != 1 || !list[0].Used.Equal(h.now) {
		t.Errorf("%+v", list)
	}
	for code, try := range map[string]func() error{
		"bad_scope": func() error {
			_, _, err := h.CreateToken(ctx, maker, "x", []access.Permission{access.ManageUsers}, in(1))
			return err
		},
		"no_scopes": func() error { _, _, err := h.CreateToken(ctx, maker, "x", nil, in(1)); return err },
		"bad_expiry": func() error {
			_, _, err := h.CreateToken(ctx, maker, "x", []access.Permission{access.ReadCalls}, in(13))
			return err
		},
		"bad_name": func() error {
			_, _, err := h.CreateToken(ctx, maker, " ", []access.Permission{access.ReadCalls}, in(1))
			return err
		},
		"no_person": func() error {
			_, _, err := h.CreateToken(ctx, p, "x", []access.Permission{access.ReadCalls}, in(1))
			return err
		},
	} {
		var r *access.Refusal
		if err := try(); !errors.As(err, &r) || r.Code != code {
			t.Errorf("%s: got %v", code, err)
		}
	}
	for _, wrong := range []string{"", secret + "x", secret[:len(secret)-1], token.ID, fileToken + "x"} {
		_, err := h.Token(ctx, wrong)
		want(t, err, access.NotLoggedIn, "wrong_token")
	}

	// What its maker may no longer do, the token may not either.
	h.user("li", access.Admin, "")
	analyst, yes := access.Analyst, true
	if _, err := h.ChangeUser(ctx, boss, access.Change{Role: &analyst}); err != nil {
		t.Fatal(err)
	}
	if p, err := h.Token(ctx, secret); err != nil || p.May(access.ReadCalls) || !p.May(access.ReadQueues) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := h.ChangeUser(ctx, boss, access.Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Token(ctx, secret)
	want(t, err, access.NotLoggedIn, "wrong_token")

	li, _ := h.login("li", "a password of L by admin")
	token, secret, err = h.CreateToken(ctx, li, "board", []access.Permission{access.ReadQueues}, in(1))
	if err != nil {
		t.Fatal(err)
	}
	h.now = in(1)
	_, err = h.Token(ctx, secret)
	want(t, err, access.NotLoggedIn, "wrong_token")
	h.now = h.now.AddDate(0, 0, -1)
	if _, err = h.Token(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := h.RevokeToken(ctx, token.ID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Token(ctx, secret)
	want(t, err, access.NotLoggedIn, "wrong_token")
	_, err = h.RevokeToken(ctx, token.ID)
	want(t, err, access.NotFound, "unknown_token")
}

func TestTokenOfTheFile(t *testing.T) {
	h := build(t)
	p, err := h.Token(t.Context(), fileToken)
	if err != nil || p.Via != access.ByTokenFile || !p.May(access.Reload) || p.May(access.ManageUsers) || p.May(access.SeeNumbers) || p.May(access.ActAsAgent) {
		t.Errorf("%+v, %v", p, err)
	}
	none := access.New(access.Options{})
	for _, secret := range []string{"", fileToken} {
		_, err := none.Token(t.Context(), secret)
		want(t, err, access.NotLoggedIn, "wrong_token")
	}
	if _, err := none.Session(t.Context(), "x"); err == nil {
		t.Error("a session without a store")
	}
}

// Who is logged in goes on while the store is away, for an hour; nobody else comes in.
func TestTheStoreIsAway(t *testing.T) {
	h := build(t)
	ctx := t.Context()
	maker, secret := h.login(boss, bossPassword)
	_, token, err := h.CreateToken(ctx, maker, "board", []access.Permission{access.ReadQueues}, h.now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, unseen := h.login(boss, bossPassword)
	if err := h.in(secret); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Token(ctx, token); err != nil {
		t.Fatal(err)
	}
	h.store.GoAway(true)
	asked := h.store.Asked()
	for range int(access.CacheBound/time.Minute) - 1 {
		h.now = h.now.Add(time.Minute)
		for range 10 {
			if err := h.in(secret); err != nil {
				t.Fatalf("after %v: %v", h.now, err)
			}
			if _, err := h.Token(ctx, token); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := h.store.Asked() - asked; n > 3*int(access.CacheBound/time.Minute) {
		t.Errorf("the store that is away was asked %d times", n)
	}
	want(t, h.in(unseen), access.Away, "redis_away")
	_, _, err = h.Login(ctx, boss, bossPassword, here)
	if r := want(t, err, access.Away, "redis_away"); !strings.Contains(r.Text, "nobody can log in while Redis is away") {
		t.Error(r.Text)
	}
	if !errors.Is(err, accesstest.ErrAway) {
		t.Error("the cause is lost")
	}
	h.now = h.now.Add(time.Minute)
	want(t, h.in(secret), access.Away, "redis_away")
	if _, err := h.Token(ctx, fileToken); err != nil {
		t.Error("the token of the file: ", err)
	}
	h.store.GoAway(false)
	h.now = h.now.Add(3 * time.Second)
	if err := h.in(secret); err != nil {
		t.Error("it is back, and the session was used all the time: ", err)
	}
}

// hooked lets something happen while a user is read.
type hooked struct {
	*accesstest.Memory
	then func()
}

func (s *hooked) Get(ctx context.Context, shelf access.Shelf, id string) ([]byte, error) {
	data, err := s.Memory.Get(ctx, shelf, id)
	if then := s.then; shelf == access.Users && then != nil {
		s.then = nil
		then()
	}
	return data, err
}

// What is revoked while it is looked up does not come into the cache.
func TestRevokedWhileItIsLookedUp(t *testing.T) {
	store := &hooked{Memory: &accesstest.Memory{}}
	g := access.New(access.Options{Store: store})
	ctx := t.Context()
	if _, err := g.CreateAdmin(ctx, boss, bossPassword); err != nil {
		t.Fatal(err)
	}
	p, secret, err := g.Login(ctx, boss, bossPassword, here)
	if err != nil {
		t.Fatal(err)
	}
	store.then = func() {
		if _, err := g.RevokeSession(ctx, p.Session, ""); err != nil {
			t.Error(err)
		}
	}
	_, _ = g.Session(ctx, secret) // it was valid when it was asked for
	store.GoAway(true)
	_, err = g.Session(ctx, secret)
	want(t, err, access.Away, "redis_away")
}

// A login that is compared while the password is reset does not get in with the old one.
func TestResetWhileSomebodyLogsIn(t *testing.T) {
	store := &hooked{Memory: &accesstest.Memory{}}
	g := access.New(access.Options{Store: store})
	ctx := t.Context()
	if _, err := g.CreateAdmin(ctx, boss, bossPassword); err != nil {
		t.Fatal(err)
	}
	store.then = func() {
		if _, _, err := g.ResetPassword(ctx, boss); err != nil {
			t.Error(err)
		}
	}
	_, _, err := g.Login(ctx, boss, bossPassword, here)
	want(t, err, access.NotLoggedIn, "wrong_login")
	if n := len(store.State()[access.Sessions]); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// A hash of another cost than that of new ones is made anew at the next login.
func TestHashOfAnotherCostIsMadeAnew(t *testing.T) {
	h := build(t)
	// "password", hashed by the reference implementation at another cost.
	const other = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	data, err := json.Marshal(access.User{Name: "li", Role: access.Ops, Password: other})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := h.store.Replace(t.Context(), access.Users, "li", nil, data); err != nil || !done {
		t.Fatal(done, err)
	}
	h.login("li", "password")
	if u, err := h.User(t.Context(), "li"); err != nil || !strings.HasPrefix(u.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s, %v", u.Password, err)
	}
	h.login("li", "password")
}

func BenchmarkLogin(b *testing.B) {
	g := access.New(access.Options{Store: &accesstest.Memory{}})
	if _, err := g.CreateAdmin(b.Context(), boss, bossPassword); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, _, err := g.Login(b.Context(), boss, bossPassword, here)
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Logout(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	now := time.Now()
	g := access.New(access.Options{Store: &accesstest.Memory{}, Now: func() time.Time { return now }})
	if _, err := g.CreateAdmin(b.Context(), boss, bossPassword); err != nil {
		b.Fatal(err)
	}
	_, secret, err := g.Login(b.Context(), boss, bossPassword, here)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.Session(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}

// A store that hangs holds up whoever finds that out, for half a second, and nobody else.
func TestTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &accesstest.Memory{}
		g := access.New(access.Options{Store: store})
		if _, err := g.CreateAdmin(t.Context(), boss, bossPassword); err != nil {
			t.Fatal(err)
		}
		_, secret, err := g.Login(t.Context(), boss, bossPassword, here)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Session(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		store.Hang(true)
		for round := range 4 {
			time.Sleep(3 * time.Second)
			var work sync.WaitGroup
			var held atomic.Int32
			for range 50 {
				work.Go(func() {
					began := time.Now()
					if _, err := g.Session(t.Context(), secret); err != nil {
						t.Error(err)
					}
					switch took := time.Since(began); {
					case took > 500*time.Millisecond:
						t.Errorf("a request took %v", took)
					case took > 0:
						held.Add(1)
					}
				})
			}
			if work.Wait(); round > 0 && held.Load() != 1 {
				t.Errorf("%d of 50 requests were held up", held.Load())
			}
		}
		store.Hang(false)
		time.Sleep(3 * time.Second)
		if _, err := g.Session(t.Context(), secret); err != nil {
			t.Error(err)
		}
	})
}

func TestLoginIsSlowedAndNobodyLockedOut(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	ctx := t.Context()
	p, _ := h.login(boss, bossPassword)
	known := access.Origin{Address: here.Address, Device: p.Device}
	guess := func(from access.Origin) (guesses int, wait time.Duration) {
		for range 1000 {
			_, _, err := h.Login(ctx, boss, "wrong", from)
			var r *access.Refusal
			if errors.As(err, &r) && r.Kind == access.TooMany {
				if r.Code != "too_many_attempts" || r.Wait <= 0 {
					t.Errorf("%+v", r)
				}
				return guesses, r.Wait
			}
			guesses++
		}
		t.Fatal("nothing slows guesses")
		return
	}
	stranger := access.Origin{Address: "192.0.2.1"}
	if n, _ := guess(stranger); n > 10 {
		t.Errorf("%d guesses from one address at once", n)
	}
	total := 0
	for i := range 10 {
		n, _ := guess(access.Origin{Address: fmt.Sprint("192.0.2.", 10+i)})
		total += n
	}
	if total > 12 {
		t.Errorf("%d guesses at one user from many addresses", total)
	}
	// The delay grows.
	began, most := h.now, time.Duration(0)
	for range 20 {
		_, wait := guess(stranger)
		most = max(most, wait)
		h.now = h.now.Add(wait)
	}
	if most < 14*time.Minute || h.now.Sub(began) < 2*time.Hour {
		t.Errorf("20 more guesses took %v, with a delay of %v at most", h.now.Sub(began), most)
	}
	// A known browser is not kept out by strangers, be they behind the same address.
	guess(here)
	guess(access.Origin{Address: here.Address, Device: strings.Repeat("A", 26)})
	enter := func(from access.Origin) error {
		p, _, err := h.Login(ctx, boss, bossPassword, from)
		if err == nil && p.Device != from.Device {
			t.Error("the device is another after a login")
		}
		return err
	}
	if err := enter(known); err != nil {
		t.Error("strangers keep a user out: ", err)
	}
	want(t, enter(here), access.TooMany, "too_many_attempts")
	// But by guesses with it, and not for ever.
	_, wait := guess(known)
	want(t, enter(known), access.TooMany, "too_many_attempts")
	h.now = h.now.Add(wait)
	if err := enter(known); err != nil {
		t.Error(err)
	}
	if n, _ := guess(known); n < 5 {
		t.Errorf("a right password has not forgiven what was wrong: %d", n)
	}
	// It is known for this user only, and not for ever.
	if n, _ := guess(access.Origin{Address: "198.51.100.9", Device: "A"}); n > 0 {
		t.Errorf("%d guesses with a made-up device", n)
	}
	// An address that tries many users is slowed, too; unknown ones like known ones.
	n := 0
	for i := range 200 {
		_, _, err := h.Login(ctx, fmt.Sprint("user", i), "wrong", access.Origin{Address: "2001:db8::" + fmt.Sprint(i)})
		var r *access.Refusal
		if errors.As(err, &r) && r.Kind == access.TooMany {
			break
		}
		n++
	}
	if n > 31 {
		t.Errorf("%d users were tried from one network", n)
	}
}

func TestAuditLog(t *testing.T) {
	h := build(t)
	h.login(boss, bossPassword)
	_, _, _ = h.Login(t.Context(), boss, "my secret guess", here)
	_, _, _ = h.Login(t.Context(), "password in the wrong field", "x", here)
	entries, err := h.Audit(t.Context(), "", 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%+v, %v", entries, err)
	}
	got := ""
	for _, e := range entries {
		got += fmt.Sprintln(e.Who, e.Role, e.Via, e.From, e.Action, e.Result)
	}
	if got != "unknown  session 10.0.0.7 login wrong_login\nboss  session 10.0.0.7 login wrong_login\nboss admin session 10.0.0.7 login done\n" {
		t.Error(got)
	}
	rest, err := h.Audit(t.Context(), entries[0].Place, 1)
	if err != nil || len(rest) != 1 || rest[0].ID != entries[1].ID {
		t.Errorf("%+v, %v", rest, err)
	}
	for _, place := range []string{"x", "+", "1-1)", "-"} {
		_, err := h.Audit(t.Context(), place, 1)
		want(t, err, access.Invalid, "bad_place")
	}
	// Old entries go.
	h.now = h.now.Add(access.AuditKept + time.Minute)
	h.login(boss, bossPassword)
	if entries, _ := h.Audit(t.Context(), "", 10); len(entries) != 1 {
		t.Errorf("%d entries are kept", len(entries))
	}
}

func TestAuditEntriesWaitForTheStore(t *testing.T) {
	h := build(t)
	h.store.GoAway(true)
	for i := range 1200 {
		h.Note(access.Entry{Who: boss, Action: "PUT /api/v1/emergency", On: fmt.Sprint(i), Result: access.Done})
	}
	if err := h.Flush(t.Context()); !errors.Is(err, accesstest.ErrAway) {
		t.Error(err)
	}
	if n := h.logs.FilterMessage("Audit").Len(); n != 1200 {
		t.Errorf("%d of 1200 entries are logged", n)
	}
	h.store.GoAway(false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
	entries, err := h.Audit(t.Context(), "", 5000)
	if err != nil || len(entries) != 1200 || entries[0].On != "1199" || entries[1199].On != "0" {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestFailedLoginsDoNotFillTheAuditLog(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	for i := range 64 {
		_, _, _ = h.Login(t.Context(), fmt.Sprint("user", i), "wrong", access.Origin{Address: fmt.Sprint("10.2.0.", i)})
	}
	if entries, _ := h.Audit(t.Context(), "", 1000); len(entries) != 60 {
		t.Errorf("%d entries in a minute", len(entries))
	}
}

// Nothing that lets in is stored or logged.
func TestSecretsAreNowhere(t *testing.T) {
	h := build(t)
	maker, session := h.login(boss, bossPassword)
	_, token, err := h.CreateToken(t.Context(), maker, "board", []access.Permission{access.ReadQueues}, h.now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := h.CreateUser(t.Context(), access.User{Name: "li", Role: access.Ops})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = h.Login(t.Context(), "li", "guess-of-somebody", here)
	_, _, _ = h.Login(t.Context(), "secret-in-the-name", "x", here)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, _ := h.store.Latest(t.Context(), "", 100)
	text := fmt.Sprint(h.store.State())
	for _, e := range entries {
		text += string(e.Entry)
	}
	for _, l := range h.logs.All() {
		data, _ := json.Marshal(l.ContextMap())
		text += l.Message + string(data)
	}
	for what, secret := range map[string]string{
		"password": bossPassword, "session": session, "token": token, "first password": first, "guess": "guess-of-somebody", "name": "secret-in-the-name", "csrf": maker.CSRF,
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s is stored or logged", what)
		}
	}
	if !strings.Contains(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error("passwords are not hashed by argon2id")
	}
}

func TestResetAdmin(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	_, secret := h.login(boss, bossPassword)
	if _, err := h.ResetAdmin(t.Context(), "Boss", "a wholly new password"); err != nil {
		t.Fatal(err)
	}
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	if p, _ := h.login(boss, "a wholly new password"); p.Expired {
		t.Error("it was chosen, and need not be changed")
	}
	h.user("li", access.Ops, "")
	_, err := h.ResetAdmin(t.Context(), "li", "a wholly new password")
	want(t, err, access.Conflict, "no_admin")
	_, err = h.ResetAdmin(t.Context(), "nobody", "a wholly new password")
	want(t, err, access.NotFound, "unknown_user")
	_, err = h.CreateAdmin(t.Context(), boss, "a wholly new password")
	want(t, err, access.Conflict, "user_exists")
}

// The table of the docs is that of the code.
func TestDocumentedTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), access.Table()) {
		t.Errorf("docs/access.md does not have this table:\n%s", access.Table())
	}
}

func TestRulesAreSound(t *testing.T) {
	seen := map[access.Permission]bool{}
	for _, r := range access.Rules {
		if seen[r.Permission] || r.Means == "" {
			t.Errorf("%s is there twice, or has no meaning", r.Permission)
		}
		seen[r.Permission] = true
		if !slices.Contains(r.Roles, access.Admin) && r.Permission != access.ActAsAgent {
			t.Errorf("no admin has %s", r.Permission)
		}
		if strings.HasSuffix(string(r.Permission), ".manage") && (r.Scope || r.File || len(r.Roles) != 1) {
			t.Errorf("%s is not for admins only", r.Permission)
		}
	}
	if slices.Contains(access.Agent.Permissions(), access.ReadCalls) || len(access.Role("root").Permissions()) != 0 {
		t.Error("the rules are not what they were meant to be")
	}
}

func TestMaskNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"13812345678": "138******78", "to 051812345 and 1001": "to 051****45 and 1001", "": "", "1234567": "123**67",
	} {
		if got := access.MaskNumbers(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
