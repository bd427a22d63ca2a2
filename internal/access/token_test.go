package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hotline/internal/access"
)

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
