package access_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
	"hotline/internal/acd"
)

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
