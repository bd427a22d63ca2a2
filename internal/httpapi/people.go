package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"hotline/internal/access"
	"hotline/internal/acd"
	"hotline/internal/httpapi/view"
)

// peopleBound is how long what concerns users, sessions and tokens may take, with the
// wait for a password's turn.
const peopleBound = 12 * time.Second

func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), peopleBound)
}

func originOf(r *http.Request) access.Origin {
	from := access.Origin{Address: clientOf(r), Client: r.UserAgent()}
	if c, err := r.Cookie(cookieNameOf(r, deviceCookie)); err == nil {
		from.Device = c.Value
	}
	return from
}

// beginSession logs a user in.
func (a *api) beginSession(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := a.foreign.Check(r); err != nil {
		return refused(http.StatusForbidden, "foreign_origin", "the request comes from a page of another site")
	}
	var body struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Name == "" || body.Password == "" {
		return refused(http.StatusUnprocessableEntity, "no_name", `send name and password, as in {"name": "zhang.san", "password": "…"}`)
	}
	ctx, cancel := bounded(r)
	defer cancel()
	who, secret, err := a.Guard.Login(ctx, body.Name, body.Password, originOf(r))
	if err != nil {
		waitAs(w, err)
		return err
	}
	setSession(w, r, secret)
	setCookie(w, r, deviceCookie, who.Device, int(access.DeviceKept/time.Second))
	return writeJSON(w, meOf(who))
}

// setSession gives a browser the session, or takes it away.
func setSession(w http.ResponseWriter, r *http.Request, secret string) {
	maxAge := 0 // until the browser is closed
	if secret == "" {
		maxAge = -1
	}
	setCookie(w, r, sessionCookie, secret, maxAge)
}

func setCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieNameOf(r, name), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

func (a *api) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	if err := a.Guard.Logout(ctx, principalOf(r)); err != nil {
		return err
	}
	setSession(w, r, "")
	return writeJSON(w, map[string]string{"status": "logged_out"})
}

func (a *api) me(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, meOf(principalOf(r)))
}

func meOf(p *access.Principal) view.Me {
	return view.Me{
		Via: string(p.Via), Name: p.Name, Title: p.Title, Role: string(p.Role), Agent: p.Agent,
		Permissions: words(p.Permissions()), PasswordExpired: p.Expired, CSRF: p.CSRF,
	}
}

func words(permissions []access.Permission) []string {
	out := make([]string, 0, len(permissions))
	for _, p := range permissions {
		out = append(out, string(p))
	}
	return out
}

func (a *api) choosePassword(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Present string `json:"present"`
		New     string `json:"new"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	who, secret, err := a.Guard.ChangePassword(ctx, principalOf(r), body.Present, body.New, originOf(r))
	if err != nil {
		return err
	}
	setSession(w, r, secret)
	return writeJSON(w, meOf(who))
}

func (a *api) users(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if err := a.peopled(); err != nil {
		return err
	}
	users, err := a.Guard.Users(ctx)
	if err != nil {
		return err
	}
	list := make([]view.User, 0, len(users))
	for _, u := range users {
		list = append(list, userOf(u, ""))
	}
	return writeTaggedJSON(w, r, map[string]any{"users": list})
}

func userOf(u access.User, password string) view.User {
	return view.User{
		Name: u.Name, Title: u.Title, Role: string(u.Role), Agent: u.Agent, Disabled: u.Disabled,
		PasswordExpired: u.Expired, Created: u.Created, LastLogin: u.LastSeen, Password: password,
	}
}

func (a *api) user(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	user, err := a.Guard.User(ctx, r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, userOf(user, ""))
}

func (a *api) createUser(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name  string      `json:"name"`
		Title string      `json:"title"`
		Role  access.Role `json:"role"`
		Agent acd.AgentID `json:"agent"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	about(r, body.Name, "role "+string(body.Role)+agentWord(body.Agent))
	ctx, cancel := bounded(r)
	defer cancel()
	if body.Agent != "" {
		if err := a.configured(ctx, body.Agent); err != nil {
			return err
		}
	}
	user, password, err := a.Guard.CreateUser(ctx, access.User{Name: body.Name, Title: body.Title, Role: body.Role, Agent: body.Agent})
	if err != nil {
		return err
	}
	return writeCreated(w, userOf(user, password))
}

func agentWord(id acd.AgentID) string {
	if id == "" {
		return ""
	}
	return " agent " + string(id)
}

// configured makes sure that an agent exists.
func (a *api) configured(ctx context.Context, id acd.AgentID) error {
	ctx, cancel := context.WithTimeout(ctx, answerBound)
	defer cancel()
	s, err := a.Control.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, agent := range s.Agents {
		if agent.Agent == id {
			return nil
		}
	}
	return refused(http.StatusUnprocessableEntity, "bad_agent", "this agent is not configured; /api/v1/agents lists those who are")
}

func (a *api) changeUser(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Title    *string      `json:"title"`
		Role     *access.Role `json:"role"`
		Agent    *acd.AgentID `json:"agent"`
		Disabled *bool        `json:"disabled"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	what := ""
	if body.Role != nil {
		what += " role " + string(*body.Role)
	}
	if body.Agent != nil {
		what += agentWord(*body.Agent)
	}
	if body.Disabled != nil {
		what += map[bool]string{true: " disabled", false: " enabled"}[*body.Disabled]
	}
	about(r, "", strings.TrimSpace(what))
	ctx, cancel := bounded(r)
	defer cancel()
	if body.Agent != nil && *body.Agent != "" {
		if err := a.configured(ctx, *body.Agent); err != nil {
			return err
		}
	}
	user, err := a.Guard.ChangeUser(ctx, r.PathValue("name"), access.Change(body))
	if err != nil {
		return err
	}
	return writeJSON(w, userOf(user, ""))
}

func (a *api) resetPassword(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	user, password, err := a.Guard.ResetPassword(ctx, r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, userOf(user, password))
}

func (a *api) tokens(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	tokens, err := a.Guard.ListTokens(ctx)
	if err != nil {
		return err
	}
	list := make([]view.Token, 0, len(tokens))
	for _, t := range tokens {
		list = append(list, tokenOf(t, ""))
	}
	return writeTaggedJSON(w, r, map[string]any{"tokens": list})
}

func tokenOf(t access.ListedToken, secret string) view.Token {
	return view.Token{
		ID: t.ID, Name: t.Name, Scopes: words(t.Scopes), Maker: t.Maker, Created: t.Created, Expires: t.Expires, Used: t.Used, Secret: secret,
	}
}

func (a *api) createToken(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name    string              `json:"name"`
		Scopes  []access.Permission `json:"scopes"`
		Expires string              `json:"expires"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	about(r, body.Name, "")
	expires, err := time.Parse(time.RFC3339, body.Expires)
	if err != nil {
		return refused(http.StatusUnprocessableEntity, "bad_expiry", "expires is not a moment; write for example 2026-12-31T18:00:00+08:00")
	}
	ctx, cancel := bounded(r)
	defer cancel()
	token, secret, err := a.Guard.CreateToken(ctx, principalOf(r), body.Name, body.Scopes, expires)
	if err != nil {
		return err
	}
	about(r, token.Name, "scopes "+strings.Join(words(token.Scopes), " "))
	return writeCreated(w, tokenOf(token, secret))
}

func (a *api) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	name, err := a.Guard.RevokeToken(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	about(r, name, "")
	return writeJSON(w, map[string]string{"status": "revoked"})
}

// whose sessions a principal may see and end: all, or its own.
func whose(p *access.Principal) (user string, err error) {
	switch {
	case p.May(access.ManageSessions):
		return "", nil
	case p.Via == access.BySession:
		return p.Name, nil
	}
	return "", notAllowed(access.ManageSessions)
}

func (a *api) sessions(w http.ResponseWriter, r *http.Request) error {
	p := principalOf(r)
	user, err := whose(p)
	if err != nil {
		return a.noted(r, err)
	}
	ctx, cancel := bounded(r)
	defer cancel()
	sessions, err := a.Guard.ListSessions(ctx, user)
	if err != nil {
		return err
	}
	list := make([]view.Session, 0, len(sessions))
	for _, s := range sessions {
		list = append(list, view.Session{
			ID: s.ID, User: s.User, Began: s.Began, Seen: s.Seen, Expires: s.Expires, Address: s.Address, Client: s.Client, Own: s.ID == p.Session,
		})
	}
	return writeJSON(w, map[string]any{"sessions": list})
}

func (a *api) revokeSession(w http.ResponseWriter, r *http.Request) error {
	if err := decode(w, r, &struct{}{}); err != nil {
		return err
	}
	user, err := whose(principalOf(r))
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	of, err := a.Guard.RevokeSession(ctx, r.PathValue("id"), user)
	if err != nil {
		return err
	}
	about(r, "", "of "+of)
	return writeJSON(w, map[string]string{"status": "revoked"})
}

const auditPage = 100

// audit lists what was done, the newest first; before is the place of the last entry of
// the page before.
func (a *api) audit(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r, auditPage)
	if err != nil {
		return err
	}
	if err := a.peopled(); err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	entries, err := a.Guard.Audit(ctx, r.URL.Query().Get("before"), limit)
	if err != nil {
		return err
	}
	list := make([]view.AuditEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, view.AuditEntry{
			Place: e.Place, ID: e.ID, At: e.At, Who: e.Who, Via: string(e.Via), Role: string(e.Role), From: e.From,
			Action: e.Action, On: e.On, What: e.What, Result: e.Result,
		})
	}
	return writeJSON(w, map[string]any{"entries": list})
}

// peopled refuses what needs a store.
func (a *api) peopled() error {
	if a.Guard.HasUsers() {
		return nil
	}
	return refused(http.StatusNotFound, "no_users", "there are no users and no audit log here")
}
