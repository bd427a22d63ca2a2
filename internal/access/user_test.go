package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
	"hotline/internal/acd"
)

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
