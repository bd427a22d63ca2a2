package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"hotline/internal/access"
	"hotline/internal/httpapi/view"
)

// Issuer lets people log in by OpenID Connect.
type Issuer interface {
	// Begin is where to send a browser, and what it is to keep until it comes back.
	Begin(ctx context.Context) (to, keep string, err error)
	// End is the name of who has come back with what it kept and the issuer's answer.
	// The error is an *access.Refusal.
	End(ctx context.Context, keep string, answer url.Values) (name string, err error)
}

const (
	// flowCookie is kept while somebody is at the issuer. It is sent along when the
	// issuer's page leads back here, which a cookie of SameSite=Strict would not be.
	flowCookie = "hotline_oidc"
	flowLasts  = 10 * time.Minute
)

// waysIn tells the page what to offer to who is to log in.
func (a *api) waysIn(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	ways := view.WaysIn{Password: a.Guard.HasUsers()}
	if a.byIssuer() {
		ways.OIDC = &view.WayByIssuer{Title: a.IssuerTitle}
	}
	return writeJSON(w, ways)
}

func (a *api) byIssuer() bool { return a.Issuer != nil && a.Guard.HasUsers() }

func noOIDC() error {
	return refused(http.StatusNotFound, "no_oidc", "there is no login by OpenID Connect here; log in with a password")
}

// beginByIssuer sends a browser to the issuer.
func (a *api) beginByIssuer(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if !a.byIssuer() {
		return noOIDC()
	}
	ctx, cancel := bounded(r)
	defer cancel()
	to, keep, err := a.Issuer.Begin(ctx)
	if err != nil {
		if r.Header.Get("Sec-Fetch-Mode") == "navigate" { // a person, who is told by the page
			return leave(w, "/login?error=issuer_away")
		}
		return refused(http.StatusServiceUnavailable, "issuer_away", "the issuer of logins does not answer; try again, or log in with a password")
	}
	setFlow(w, r, keep, int(flowLasts/time.Second))
	return leave(w, to)
}

// endByIssuer logs somebody in who comes back from the issuer. The session's cookie is
// not sent with the page that is asked for next, since another site has led here; that
// page needs none, and what it asks for itself has it.
func (a *api) endByIssuer(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if !a.byIssuer() {
		return noOIDC()
	}
	keep := ""
	if c, err := r.Cookie(cookieNameOf(r, flowCookie)); err == nil {
		keep = c.Value
	}
	setFlow(w, r, "", -1) // one try
	ctx, cancel := bounded(r)
	defer cancel()
	from := originOf(r)
	name, err := a.Issuer.End(ctx, keep, r.URL.Query())
	if err != nil {
		code := codeOf(err)
		a.Guard.NotVouched(code, from)
		return leave(w, "/login?error="+code)
	}
	_, secret, err := a.Guard.Vouched(ctx, name, from)
	if err != nil {
		return leave(w, "/login?error="+codeOf(err))
	}
	setSession(w, r, secret)
	return leave(w, "/")
}

// loginErrors are the codes that the page knows.
var loginErrors = map[string]bool{"unknown_user": true, "refused": true, "expired": true, "issuer_away": true, "redis_away": true}

func codeOf(err error) string {
	var refusal *access.Refusal
	if errors.As(err, &refusal) && loginErrors[refusal.Code] {
		return refusal.Code
	}
	return "refused"
}

func setFlow(w http.ResponseWriter, r *http.Request, keep string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieNameOf(r, flowCookie), Value: keep, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// leave sends a browser elsewhere. The address here may hold a code, and is nobody's business.
func leave(w http.ResponseWriter, to string) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
