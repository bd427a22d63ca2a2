package httpapi

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/access"
	"hotline/internal/acd"
)

// The names of the cookies. With the prefix, over TLS, a browser takes them from this
// very host only.
const (
	sessionCookie = "hotline_session"
	deviceCookie  = "hotline_device" // of a browser with which somebody has logged in before
	securePrefix  = "__Host-"

	// csrfHeader is sent along by pages of this host; another site cannot.
	csrfHeader = "X-CSRF-Token"
)

// request is what is known of a request while it is served.
type request struct {
	who      *access.Principal
	on, what string // for the audit log
	noted    bool
}

type requestKey struct{}

func requestOf(r *http.Request) *request {
	q, _ := r.Context().Value(requestKey{}).(*request)
	if q == nil {
		q = &request{who: &access.Principal{}}
	}
	return q
}

// principalOf is who makes the request.
func principalOf(r *http.Request) *access.Principal { return requestOf(r).who }

// about says for the audit log whom or what a request concerns. An empty on leaves what
// the path names.
func about(r *http.Request, on, what string) {
	q := requestOf(r)
	if on != "" {
		q.on = on
	}
	q.what = what
}

// authorised lets through who is logged in or shows a token, and may do what the path
// and method stand for; and notes in the audit log what was changed or refused.
func (a *api) authorised(of actions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		who, err := a.identify(r)
		if err != nil {
			a.refuse(w, err)
			return
		}
		q := &request{who: who}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
		all := make(methods, len(of))
		for method, do := range of {
			all[method] = a.guarded(do, q)
		}
		all.ServeHTTP(w, r)
	})
}

// refuse asks for a login, or says that it cannot be checked.
func (a *api) refuse(w http.ResponseWriter, err error) {
	p := problemOf(err)
	if p.Status == http.StatusUnauthorized {
		challenge := `Bearer realm="hotline"`
		if p.Code == "wrong_token" {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	waitAs(w, err)
	writeProblem(w, p)
}

func waitAs(w http.ResponseWriter, err error) {
	var refusal *access.Refusal
	if errors.As(err, &refusal) && refusal.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((refusal.Wait+time.Second-1)/time.Second)))
	}
}

// identify finds out who makes the request: by a bearer token, or by a session's cookie.
func (a *api) identify(r *http.Request) (*access.Principal, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if token == "" || !strings.EqualFold(scheme, "Bearer") {
			return nil, refused(http.StatusUnauthorized, "no_token", "log in, or send the header Authorization: Bearer and a token")
		}
		return a.Guard.Token(r.Context(), strings.TrimSpace(token))
	}
	cookie, err := r.Cookie(cookieNameOf(r, sessionCookie))
	if err != nil || cookie.Value == "" {
		return nil, refused(http.StatusUnauthorized, "no_token", "log in, or send the header Authorization: Bearer and a token")
	}
	who, err := a.Guard.Session(r.Context(), cookie.Value)
	if err != nil || safe(r) {
		return who, err
	}
	if err := a.foreign.Check(r); err != nil {
		return nil, refused(http.StatusForbidden, "foreign_origin", "the request comes from a page of another site")
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(who.CSRF)) != 1 {
		return nil, refused(http.StatusForbidden, "no_csrf_token", "send the header "+csrfHeader+" with what GET /api/v1/me has as csrf")
	}
	return who, nil
}

func safe(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func cookieNameOf(r *http.Request, name string) string {
	if r.TLS != nil {
		return securePrefix + name
	}
	return name
}

// guarded calls the handler for those who may.
func (a *api) guarded(do action, q *request) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		if q.on = id; q.on == "" {
			q.on = r.PathValue("name")
		}
		if !do.Lets(q.who, id) {
			if q.who.Expired {
				return a.noted(r, refused(http.StatusForbidden, "password_expired", "choose a password of your own first, by POST /api/v1/me/password"))
			}
			return a.noted(r, notAllowed(slices.Concat(do.All, do.Any)...))
		}
		// What agents do about themselves is in their stints.
		itself := do.Self && q.who.Acts(acd.AgentID(id))
		err := a.once(do, func(w http.ResponseWriter, r *http.Request) error {
			err := do.handler(w, r)
			waitAs(w, err)
			if itself || safe(r) {
				return err
			}
			return a.noted(r, err)
		})(w, r)
		if err == nil || itself || safe(r) {
			return err
		}
		return a.noted(r, err) // a key that was refused
	}
}

func notAllowed(needed ...access.Permission) error {
	var words []string
	for _, p := range needed {
		words = append(words, string(p))
	}
	return refused(http.StatusForbidden, "not_allowed", "this needs the right to "+strings.Join(words, ", ")+", which you do not have")
}

// noted puts a request into the audit log, once, with the outcome that it returns.
func (a *api) noted(r *http.Request, outcome error) error {
	q := requestOf(r)
	if q.noted {
		return outcome
	}
	q.noted = true
	e := access.Entry{
		Who: q.who.Name, Via: q.who.Via, Role: q.who.Role, From: clientOf(r), Action: methodLabel(r.Method) + " " + route(r),
		On: cut(q.on), What: cut(access.MaskNumbers(q.what)), Result: access.Done,
	}
	if outcome != nil {
		// What was asked for may be anything that somebody has typed.
		e.Result, e.On = problemOf(outcome).Code, access.MaskNumbers(e.On)
	}
	a.Guard.Note(e)
	return outcome
}

// longestNote in bytes, of what a client has written.
const longestNote = 120

func cut(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) > longestNote {
		text = strings.ToValidUTF8(text[:longestNote], "") + "…"
	}
	return text
}
