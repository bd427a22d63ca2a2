package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"go.uber.org/zap"

	"hotline/internal/access"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
	"hotline/internal/redisstore/redistest"
)

// A browser follows the link of the login page to an issuer that others have written, and
// comes back logged in: with the configuration's values, and users in a real Redis.
func TestLoginByRealIssuer(t *testing.T) {
	redis := redistest.Start(t)
	cfg := testConfig(t, redis.Address)
	guard := newGuard(cfg, testStore(t, cfg), zap.NewNop())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	issuer := httptest.NewUnstartedServer(nil)
	cfg.HTTP.OIDC = &config.OIDC{
		Issuer: "http://" + issuer.Listener.Addr().String(), ClientID: "hotline", ClientSecret: config.NewSecret("the client's"),
		RedirectURL: base + "/api/v1/login/oidc/callback", NameClaim: "preferred_username", Title: "统一身份认证",
	}
	clients := map[string]*storage.Client{"hotline": storage.WebClient("hotline", "the client's", cfg.HTTP.OIDC.RedirectURL)}
	before := slog.Default() // which the example replaces
	defer slog.SetDefault(before)
	issuer.Config.Handler = exampleop.SetupServer(cfg.HTTP.OIDC.Issuer,
		storage.NewStorageWithClients(storage.NewUserStore(cfg.HTTP.OIDC.Issuer), clients), slog.New(slog.DiscardHandler), false)
	issuer.Start()
	defer issuer.Close()

	vouches, err := newIssuer(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer vouches.Close()
	server := httpapi.NewServer(httpapi.New(httpapi.Options{Control: quiet{}, Guard: guard, Issuer: vouches, IssuerTitle: cfg.HTTP.OIDC.Title}), zap.NewNop())
	served, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveHTTP(served, server, listener) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{}}
	defer func() {
		browser.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	// comes is where the browser is in the end.
	comes := func(answer *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.Request.URL.String()
	}
	login := func() string {
		t.Helper()
		form, err := url.Parse(comes(browser.Get(base + "/api/v1/login/oidc")))
		if err != nil {
			t.Fatal(err)
		}
		return comes(browser.PostForm(form.String(), url.Values{"username": {"test-user2"}, "password": {"verysecure"}, "id": {form.Query().Get("authRequestID")}}))
	}
	if at := login(); at != base+"/login?error=unknown_user" {
		t.Errorf("nobody: %s", at)
	}
	if _, _, err := guard.CreateUser(t.Context(), access.User{Name: "test-user2", Role: access.Supervisor}); err != nil {
		t.Fatal(err)
	}
	if at := login(); at != base+"/" {
		t.Fatalf("came to %s", at)
	}
	answer, err := browser.Get(base + "/api/v1/me")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var me view.Me
	if err := json.NewDecoder(answer.Body).Decode(&me); err != nil || me.Name != "test-user2" || me.Role != "supervisor" || me.PasswordExpired {
		t.Errorf("%+v %v", me, err)
	}
}
