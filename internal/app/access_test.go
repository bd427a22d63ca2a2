package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/certtest"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/metrics"
	"hotline/internal/metrics/metricstest"
	"hotline/internal/redisstore/redistest"
)

// quiet is a controller without calls.
type quiet struct{}

func (quiet) Snapshot(context.Context) (acd.Snapshot, error) { return acd.Snapshot{}, nil }
func (quiet) Request(context.Context, acd.Event) error       { return nil }

// The first admin is made without an API and logs in at one over TLS; who is logged in
// goes on while Redis is away, and nobody else comes in.
func TestFirstAdminLogsIn(t *testing.T) {
	redis := redistest.Start(t)
	cfg := testConfig(t, redis.Address)
	ctx := t.Context()
	if admins, err := Admins(ctx, cfg); err != nil || len(admins) != 0 {
		t.Fatalf("%v, %v", admins, err)
	}
	const password = "correct horse battery staple"
	if err := CreateAdmin(ctx, cfg, "Boss", "password1234567890"); err == nil || !strings.Contains(err.Error(), "guessed first") {
		t.Errorf("a bad password: %v", err)
	}
	if err := CreateAdmin(ctx, cfg, "Boss", password); err != nil {
		t.Fatal(err)
	}
	if err := CreateAdmin(ctx, cfg, "boss", password); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("again: %v", err)
	}
	if admins, err := Admins(ctx, cfg); err != nil || len(admins) != 1 || admins[0].Name != "boss" || !admins[0].LastLogin.IsZero() {
		t.Errorf("%v, %v", admins, err)
	}

	dir := t.TempDir()
	cfg.HTTP.TLSCert, cfg.HTTP.TLSKey = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certtest.Write(t, cfg.HTTP.TLSCert, cfg.HTTP.TLSKey)
	cfg.HTTP.Token = config.NewSecret("token-of-the-file")
	store := testStore(t, cfg)
	guard := newGuard(cfg, store, zap.NewNop())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	meters := metrics.New("v1.2.3")
	secure, err := secured(listener, cfg, meters, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	told := httptest.NewRecorder()
	meters.Handler().ServeHTTP(told, httptest.NewRequest("GET", "/metrics", nil))
	figures, err := metricstest.Parse(told.Body)
	if expires, there := figures.Value("hotline_tls_certificate_expiry_timestamp_seconds"); err != nil || !there || expires < float64(time.Now().Unix()) {
		t.Errorf("the certificate expires at %v (told: %v), %v", expires, there, err)
	}
	server := httpapi.NewServer(httpapi.New(httpapi.Options{Control: quiet{}, Guard: guard}), zap.NewNop())
	served, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- serveHTTP(served, server, secure) }()
	go func() { ended <- guard.Run(served) }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the certificate is the test's own
	defer func() {
		transport.CloseIdleConnections()
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}()
	base := "https://" + listener.Addr().String() + "/api/v1/"
	ask := func(method, path, body string, cookie *http.Cookie, token string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if cookie != nil {
			r.AddCookie(cookie)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(data)
	}
	login := func(password string) (*http.Response, string) {
		body, _ := json.Marshal(map[string]string{"name": "boss", "password": password})
		return ask("POST", "login", string(body), nil, "")
	}
	if answer, text := login("wrong"); answer.StatusCode != 401 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text := login(password)
	if answer.StatusCode != 200 || len(answer.Cookies()) != 2 || !answer.Cookies()[0].Secure {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	cookie := answer.Cookies()[0]
	if answer, text := ask("GET", "users", "", cookie, ""); answer.StatusCode != 200 || !strings.Contains(text, `"boss"`) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, text := ask("GET", "audit", "", nil, "token-of-the-file"); answer.StatusCode != 200 || strings.Count(text, `"action"`) != 3 || !strings.Contains(text, "hotline admin create") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}

	redis.Kill()
	if answer, text := ask("GET", "me", "", cookie, ""); answer.StatusCode != 200 {
		t.Errorf("who is logged in is put out: %d %s", answer.StatusCode, text)
	}
	if answer, text := login(password); answer.StatusCode != 503 || !strings.Contains(text, "nobody can log in while Redis is away") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if answer, _ := ask("GET", "queues", "", nil, "token-of-the-file"); answer.StatusCode != 200 {
		t.Errorf("the token file: %d", answer.StatusCode)
	}
	if err := CreateAdmin(ctx, cfg, "other", password); err == nil || !strings.Contains(err.Error(), "is unreachable") {
		t.Errorf("without Redis: %v", err)
	}
	redis.Restart(t)
	if err := ResetAdmin(ctx, cfg, "boss", "a wholly new password"); err != nil {
		t.Fatal(err)
	}
	if answer, text := login("a wholly new password"); answer.StatusCode != 200 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if err := ResetAdmin(ctx, cfg, "nobody", password); err == nil || !strings.Contains(err.Error(), "no such user") {
		t.Errorf("%v", err)
	}
}
