package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
)

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

func TestMaskNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"13812345678": "138******78", "to 051812345 and 1001": "to 051****45 and 1001", "": "", "1234567": "123**67",
	} {
		if got := access.MaskNumbers(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
