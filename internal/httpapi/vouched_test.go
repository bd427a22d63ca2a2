package httpapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hotline/internal/access"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/view"
)

// sso is an issuer that vouches for whoever brings the code under which it has the name.
type sso struct{ away bool }

func (s *sso) Begin(context.Context) (string, string, error) {
	if s.away {
		return "", "", errors.New("away")
	}
	return "https://sso.example/authorise?state=s", "kept", nil
}

func (s *sso) End(_ context.Context, keep string, answer url.Values) (string, error) {
	switch code := answer.Get("code"); {
	case keep != "kept":
		return "", &access.Refusal{Code: "expired", Text: "over"}
	case code == "":
		return "", &access.Refusal{Code: answer.Get("error"), Text: "no"}
	default:
		return code, nil
	}
}

// browser keeps cookies, and tells what happens at an address.
type browser struct {
	*house
	cookies map[string]*http.Cookie
	tls     bool
}

func (b *browser) open(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if b.tls {
		r.TLS = &tls.ConnectionState{}
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) leads(path, to string) {
	b.t.Helper()
	w := b.open(path)
	if h := w.Header(); w.Code != 303 || h.Get("Location") != to || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || w.Body.Len() > 0 {
		b.t.Errorf("%s: %d %v %s; want to be led to %s", path, w.Code, h, w.Body, to)
	}
}

const begins, ends = "/api/v1/login/oidc", "/api/v1/login/oidc/callback"

func withIssuer(t *testing.T, s *sso) *browser {
	h := newHouse(t, func(o *httpapi.Options) { o.Issuer, o.IssuerTitle = s, "市统一身份认证" })
	return &browser{house: h, cookies: make(map[string]*http.Cookie)}
}

func TestLoginByIssuer(t *testing.T) {
	for _, secure := range []bool{false, true} {
		b := withIssuer(t, &sso{})
		b.put(access.User{Name: "li", Role: access.Agent, Agent: "1001", Password: "none", Expired: true})
		b.tls = secure
		prefix := map[bool]string{true: "__Host-"}[secure]
		var ways view.WaysIn
		into(t, b.open("/api/v1/login"), 200, &ways)
		if !ways.Password || ways.OIDC == nil || ways.OIDC.Title != "市统一身份认证" {
			t.Errorf("%+v", ways)
		}
		b.leads(begins, "https://sso.example/authorise?state=s")
		c := b.cookies[prefix+"hotline_oidc"]
		// It must come along when the issuer leads back, and nowhere else.
		if c == nil || c.Value != "kept" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 || c.Path != "/" || c.Domain != "" || c.Secure != secure {
			t.Fatalf("%+v", c)
		}
		b.leads(ends+"?state=s&code=li", "/")
		c = b.cookies[prefix+"hotline_session"]
		if c == nil || len(b.cookies) != 1 || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 0 || c.Path != "/" || c.Domain != "" || c.Secure != secure {
			t.Fatalf("%+v", b.cookies)
		}
		// A password that has expired is no matter to who does not use it.
		var me view.Me
		into(t, b.open("/api/v1/me"), 200, &me)
		if me.Name != "li" || me.Via != "session" || me.PasswordExpired || me.CSRF == "" || len(me.Permissions) == 0 {
			t.Errorf("%+v", me)
		}
		b.leads(ends+"?state=s&code=li", "/login?error=expired") // again
	}
}

func TestLoginByIssuerFails(t *testing.T) {
	b := withIssuer(t, &sso{})
	b.put(access.User{Name: "li", Role: access.Ops, Password: "none"})
	b.put(access.User{Name: "gone", Role: access.Ops, Password: "none", Disabled: true})
	for query, code := range map[string]string{
		"code=nobody": "unknown_user", "code=gone": "unknown_user", "error=refused": "refused", "error=issuer_away": "issuer_away",
		"error=//evil.example": "refused", "error=wrong_login": "refused", "error=x%0d%0aSet-Cookie:%20a=b": "refused", "error=": "refused",
	} {
		b.leads(begins, "https://sso.example/authorise?state=s")
		b.leads(ends+"?"+query, "/login?error="+code)
		if err := b.guard.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries, err := b.guard.Audit(t.Context(), "", 1)
		if err != nil || len(entries) != 1 || entries[0].Action != "login" || entries[0].Result != code || entries[0].From != "192.0.2.1" {
			t.Errorf("%s: %+v %v", query, entries, err)
		}
	}
	// Without the cookie of the beginning, or with that of another place.
	b.leads(ends+"?state=s&code=li", "/login?error=expired")
	b.cookies["hotline_oidc"] = &http.Cookie{Name: "hotline_oidc", Value: "other"}
	b.leads(ends+"?state=s&code=li", "/login?error=expired")
	b.tls = true // a cookie without the prefix may be another host's
	b.cookies["hotline_oidc"] = &http.Cookie{Name: "hotline_oidc", Value: "kept"}
	b.leads(ends+"?state=s&code=li", "/login?error=expired")
	b.tls = false
	b.cookies["hotline_oidc"] = &http.Cookie{Name: "hotline_oidc", Value: "kept"}
	b.store.GoAway(true)
	b.leads(ends+"?state=s&code=li", "/login?error=redis_away")
	if c := b.cookies["hotline_session"]; c != nil {
		t.Errorf("%+v", c)
	}
}

func TestIssuerIsAway(t *testing.T) {
	s := &sso{away: true}
	b := withIssuer(t, s)
	wantProblem(t, b.open(begins), 503, "issuer_away")
	w := b.open(begins, "Sec-Fetch-Mode", "navigate")
	if w.Code != 303 || w.Header().Get("Location") != "/login?error=issuer_away" || len(b.cookies) > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	s.away = false
	b.leads(begins, "https://sso.example/authorise?state=s")
}

func TestNoIssuer(t *testing.T) {
	b := &browser{house: newHouse(t), cookies: make(map[string]*http.Cookie)}
	wantProblem(t, b.open(begins), 404, "no_oidc")
	wantProblem(t, b.open(ends+"?code=li"), 404, "no_oidc")
	if w := b.open("/api/v1/login"); strings.TrimSpace(w.Body.String()) != `{"password":true,"oidc":null}` {
		t.Errorf("%s", w.Body)
	}
	// Without users there is nobody to vouch for.
	b.api = httpapi.New(httpapi.Options{Control: b.desk, Token: token, Issuer: &sso{}})
	wantProblem(t, b.open(begins), 404, "no_oidc")
	if w := b.open("/api/v1/login"); strings.TrimSpace(w.Body.String()) != `{"password":false,"oidc":null}` {
		t.Errorf("%s", w.Body)
	}
}
