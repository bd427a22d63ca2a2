package access_test

import (
	"strings"
	"testing"
	"time"

	"hotline/internal/access"
)

// last is the newest entry of the audit log.
func (h *house) last() access.Entry {
	h.t.Helper()
	if err := h.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	entries, err := h.Audit(h.t.Context(), "", 1)
	if err != nil || len(entries) != 1 {
		h.t.Fatal(entries, err)
	}
	return entries[0].Entry
}

func TestVouchedFor(t *testing.T) {
	h := build(t)
	if _, _, err := h.CreateUser(t.Context(), access.User{Name: "li.si", Title: "李四", Role: access.Agent, Agent: "1001"}); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	p, secret, err := h.Vouched(t.Context(), "Li.Si", here)
	if err != nil || p.Name != "li.si" || p.Agent != "1001" || p.Via != access.BySession {
		t.Fatal(p, err)
	}
	if e := h.last(); e.Who != "li.si" || e.Action != "login" || e.What != "by OpenID Connect" || e.Result != access.Done || e.From != here.Address {
		t.Errorf("%+v", e)
	}
	// The first password, which was never changed, does not matter; also to another process.
	for _, g := range []*access.Guard{h.Guard, h.another(nil)} {
		if p, err := g.Session(t.Context(), secret); err != nil || p.Expired || !p.May(access.ActAsAgent) || p.CSRF == "" {
			t.Errorf("%+v %v", p, err)
		}
	}
	if u, err := h.User(t.Context(), "li.si"); err != nil || !u.LastSeen.Equal(h.now) || !u.Expired || len(u.Devices) != 0 {
		t.Errorf("%+v %v", u, err)
	}
	// It is a session as any other: it ends when it is idle, and with its user.
	h.now = h.now.Add(access.Idle)
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	_, secret, err = h.Vouched(t.Context(), "li.si", here)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := h.ChangeUser(t.Context(), "li.si", access.Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	want(t, h.in(secret), access.NotLoggedIn, "session_over")
	_, _, err = h.Vouched(t.Context(), "li.si", here)
	want(t, err, access.NotLoggedIn, "unknown_user")
	if e := h.last(); e.Who != "li.si" || e.Result != "unknown_user" || e.What != "by OpenID Connect" {
		t.Errorf("%+v", e)
	}
}

func TestVouchedForNobody(t *testing.T) {
	h := build(t)
	before := h.store.State()[access.Sessions]
	for name, noted := range map[string]string{
		"wang.wu": `as "wang.wu"`, "boss@city.example": `as "boss@city.example"`, " boss": `as " boss"`, "": `as ""`,
		"13812345678":                    `as "138`,
		"a\x00\n\xff":                    `as "a\x00\n"`,
		"bo\u017f\u017f":                 `as "bo` + "\u017f\u017f",
		strings.Repeat("x", 100_000):     `as "xxx`,
		"boss\u202e":                     `as "boss\u202e"`,
		"b\uff4fss":                      "as",
		strings.ToUpper(boss) + "\u212a": "as",
	} {
		_, _, err := h.Vouched(t.Context(), name, here)
		want(t, err, access.NotLoggedIn, "unknown_user")
		e := h.last()
		if e.Who != "unknown" || e.Result != "unknown_user" || !strings.Contains(e.What, noted) || len(e.What) > 200 || strings.Contains(e.What, "13812345678") {
			t.Errorf("%.20q: %+v", name, e)
		}
	}
	if _, _, err := h.CreateUser(t.Context(), access.User{Name: "frank", Role: access.Ops}); err != nil {
		t.Fatal(err)
	}
	// The small letter of the Kelvin sign is k.
	_, _, err := h.Vouched(t.Context(), "fran\u212a", here)
	want(t, err, access.NotLoggedIn, "unknown_user")
	if after := h.store.State()[access.Sessions]; len(after) != len(before) {
		t.Errorf("%v", after)
	}
	h.NotVouched("refused", here)
	if e := h.last(); e.Who != "unknown" || e.Action != "login" || e.What != "by OpenID Connect" || e.Result != "refused" {
		t.Errorf("%+v", e)
	}
	h.store.GoAway(true)
	_, _, err = h.Vouched(t.Context(), boss, here)
	want(t, err, access.Away, "redis_away")
}

// Whoever makes up returns from the issuer fills neither Redis nor hides other failures.
func TestManyReturnsHideNoPasswords(t *testing.T) {
	h := build(t)
	for range 1000 {
		h.NotVouched("expired", here)
	}
	_, _, err := h.Login(t.Context(), boss, "wrong", here)
	want(t, err, access.NotLoggedIn, "wrong_login")
	if e := h.last(); e.Who != boss || e.Result != "wrong_login" {
		t.Errorf("%+v", e)
	}
	entries, err := h.Audit(t.Context(), "", 500)
	if err != nil || len(entries) != 61 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}
