package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
