package vouch_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"go.uber.org/goleak"

	"hotline/internal/access"
	"hotline/internal/access/vouch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "http://127.0.0.1:9/api/v1/login/oidc/callback"

// people are who the real issuer knows.
type people struct{}

var zhang = &storage.User{ID: "id-1", Username: "zhang.san", Password: "at the issuer", FirstName: "三", LastName: "张"}

func (people) GetUserByID(id string) *storage.User {
	return map[string]*storage.User{zhang.ID: zhang}[id]
}
func (people) GetUserByUsername(name string) *storage.User {
	return map[string]*storage.User{zhang.Username: zhang}[name]
}
func (people) ExampleClientID() string { return "service" }

// real is an issuer that others have written, over loopback.
func real(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	clients := map[string]*storage.Client{"hotline": storage.WebClient("hotline", "the client's", callback)}
	silent := slog.New(slog.NewTextHandler(io.Discard, nil))
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	server.Config.Handler = exampleop.SetupServer(url, storage.NewStorageWithClients(people{}, clients), silent, false)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// login is somebody who logs in at the real issuer: what the browser has kept, and the
// issuer's answer.
func login(t *testing.T, i *vouch.Issuer) (keep string, answer url.Values) {
	t.Helper()
	to, keep, err := i.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, Transport: &http.Transport{}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	defer browser.CloseIdleConnections()
	page, err := browser.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	form := url.Values{"username": {"zhang.san"}, "password": {"at the issuer"}, "id": {page.Request.URL.Query().Get("authRequestID")}}
	page, err = browser.PostForm(page.Request.URL.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	if back == nil {
		t.Fatalf("the issuer did not lead back: %s %s", page.Request.URL, page.Status)
	}
	return keep, back.Query()
}

func issuerAt(t *testing.T, url string, change ...func(*vouch.Options)) *vouch.Issuer {
	t.Helper()
	o := vouch.Options{URL: url, ClientID: "hotline", ClientSecret: "the client's", RedirectURL: callback, NameClaim: "preferred_username"}
	for _, f := range change {
		f(&o)
	}
	i := vouch.New(o)
	t.Cleanup(i.Close)
	return i
}

func codeOf(err error) string {
	var r *access.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	if name != "" || codeOf(err) != code {
		t.Errorf("got %q, %v; want %s", name, err, code)
	}
}

func TestRealIssuer(t *testing.T) {
	server := real(t)
	i := issuerAt(t, server.URL)
	keep, answer := login(t, i)
	name, err := i.End(t.Context(), keep, answer)
	if name != "zhang.san" || err != nil {
		t.Fatal(name, err)
	}
	t.Run("a code is good for once", func(t *testing.T) {
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Refused)
	})
	t.Run("another controller can go on", func(t *testing.T) {
		keep, answer := login(t, i)
		if name, err := issuerAt(t, server.URL).End(t.Context(), keep, answer); name != "zhang.san" || err != nil {
			t.Error(name, err)
		}
	})
	t.Run("a state of another browser", func(t *testing.T) {
		_, answer := login(t, i)
		keep, _ := login(t, i)
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Expired)
	})
	t.Run("a code of another login", func(t *testing.T) {
		_, stolen := login(t, i)
		keep, answer := login(t, i)
		answer.Set("code", stolen.Get("code"))
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Refused) // PKCE: the verifier is another
	})
	t.Run("no login under way", func(t *testing.T) {
		_, answer := login(t, i)
		for _, keep := range []string{"", "x", "1.ABCDEFGHIJKLMNOPQRSTUVWXYZ", "99999999999.ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
			name, err := i.End(t.Context(), keep, answer)
			wantCode(t, name, err, vouch.Expired)
		}
	})
	t.Run("a wrong secret of the client", func(t *testing.T) {
		i := issuerAt(t, server.URL, func(o *vouch.Options) { o.ClientSecret = "wrong" })
		keep, answer := login(t, i)
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Refused)
	})
	t.Run("a claim that is not there", func(t *testing.T) {
		i := issuerAt(t, server.URL, func(o *vouch.Options) { o.NameClaim = "employee" })
		keep, answer := login(t, i)
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Refused)
	})
	t.Run("after ten minutes", func(t *testing.T) {
		late := time.Duration(0)
		i := issuerAt(t, server.URL, func(o *vouch.Options) { o.Now = func() time.Time { return time.Now().Add(late) } })
		keep, answer := login(t, i)
		late = vouch.Lasts
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.Expired)
	})
	t.Run("the issuer goes away", func(t *testing.T) {
		keep, answer := login(t, i)
		server.Close()
		name, err := i.End(t.Context(), keep, answer)
		wantCode(t, name, err, vouch.IsAway)
	})
}

func TestNoIssuer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i := issuerAt(t, "http://127.0.0.1:9")
	_, _, err := i.Begin(ctx)
	wantCode(t, "", err, vouch.IsAway)
}
