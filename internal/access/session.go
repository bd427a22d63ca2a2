package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Origin is where a request comes from.
type Origin struct {
	Address string // of the connection, without the port
	Client  string // what the client calls itself
	// Device is what the browser's cookie of an earlier login holds, of whichever
	// user; empty: none. See Principal.Device.
	Device string
}

// device is what the browser shall keep: what it has, or something new.
func (o Origin) device() string {
	if deviceSecret.MatchString(o.Device) {
		return o.Device
	}
	return rand.Text()
}

var deviceSecret = regexp.MustCompile(`^[A-Z2-7]{26}$`) // as rand.Text makes it

// Session is a login that lasts.
type Session struct {
	User    string    `json:"user"`
	Epoch   int       `json:"epoch"` // of the user
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"seen"` // the last request, a minute exact
	Address string    `json:"address"`
	Client  string    `json:"client,omitempty"`
	// ByIssuer: the login was by OpenID Connect. A password that has expired does not
	// matter to it.
	ByIssuer bool `json:"by_issuer,omitempty"`
}

// ListedSession is a session with the id by which it can be revoked.
type ListedSession struct {
	ID string
	Session
	Expires time.Time // at the latest
}

// seenEvery is how exactly the last request is stored.
const seenEvery = time.Minute

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// publicID of a session or token is the beginning of its key: it leads to no secret.
func publicID(key string) string { return key[:16] }

// csrfOf is what a page must send along to show that it is ours: another site can
// send the cookie and cannot read this.
func csrfOf(secret string) string { return digest("csrf:" + secret)[:32] }

func (g *Guard) over(s Session) bool {
	now := g.now()
	return now.Sub(s.Seen) >= g.idle || now.Sub(s.Began) >= g.lasts
}

// Begin makes a session for a user who is known to be who it is, since Login has compared
// a password. The secret is for the user's cookie.
func (g *Guard) Begin(ctx context.Context, user User, from Origin) (p *Principal, secret string, err error) {
	return g.begin(ctx, user, false, from)
}

func (g *Guard) begin(ctx context.Context, user User, byIssuer bool, from Origin) (p *Principal, secret string, err error) {
	secret = rand.Text() // 130 bits
	now := g.now()
	client := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, from.Client)
	s := Session{User: user.Name, Epoch: user.Epoch, Began: now, Seen: now, Address: from.Address, Client: client[:min(len(client), 120)], ByIssuer: byIssuer}
	key := digest(secret)
	done, err := g.replace(ctx, Sessions, key, nil, s)
	if err != nil {
		return nil, "", err
	}
	if !done {
		return nil, "", refuse(Conflict, "session_exists", "the session could not be made; try again") // cannot be met
	}
	g.prune(ctx)
	return principalOf(s, user, key, secret), secret, nil
}

// prune removes sessions that are over. What fails is tried at the next login.
func (g *Guard) prune(ctx context.Context) {
	byKey, stored, err := all[Session](ctx, g, Sessions)
	if err != nil {
		return
	}
	for key, s := range byKey {
		if g.over(s) {
			_, _ = g.replace(ctx, Sessions, key, stored[key], nil)
		}
	}
}

// ListSessions are those that last, of one user or, when that is empty, of all; the
// newest first.
func (g *Guard) ListSessions(ctx context.Context, user string) ([]ListedSession, error) {
	byKey, _, err := all[Session](ctx, g, Sessions)
	if err != nil {
		return nil, err
	}
	users, _, err := all[User](ctx, g, Users)
	if err != nil {
		return nil, err
	}
	list := []ListedSession{}
	for key, s := range byKey {
		owner, known := users[s.User]
		if g.over(s) || user != "" && s.User != user || !known || owner.Disabled || owner.Epoch != s.Epoch {
			continue
		}
		list = append(list, ListedSession{ID: publicID(key), Session: s, Expires: s.Began.Add(g.lasts)})
	}
	slices.SortFunc(list, func(a, b ListedSession) int {
		return cmp.Or(b.Began.Compare(a.Began), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}

// RevokeSession ends a session of one user or, when that is empty, of anybody, and
// says whose it was.
func (g *Guard) RevokeSession(ctx context.Context, id, user string) (whose string, err error) {
	byKey, _, err := all[Session](ctx, g, Sessions)
	if err != nil {
		return "", err
	}
	for key, s := range byKey {
		if publicID(key) == id && (user == "" || s.User == user) {
			return s.User, g.remove(ctx, Sessions, key)
		}
	}
	return "", refuse(NotFound, "unknown_session", "there is no such session; /api/v1/sessions lists those that are")
}

// remove takes a record away, however it is changed meanwhile.
func (g *Guard) remove(ctx context.Context, shelf Shelf, key string) error {
	for range 8 {
		var record struct{}
		was, err := g.get(ctx, shelf, key, &record)
		if err != nil {
			return err
		}
		if was == nil {
			g.forget(key)
			return nil
		}
		done, err := g.replace(ctx, shelf, key, was, nil)
		if err != nil {
			return err
		}
		if done {
			g.forget(key)
			return nil
		}
	}
	return refuse(Conflict, "changed_meanwhile", "this is being used at the same time; try again")
}

// Logout ends the session of a principal.
func (g *Guard) Logout(ctx context.Context, p *Principal) error {
	if p.Via != BySession {
		return refuse(Conflict, "no_session", "a token has no session to end")
	}
	return g.remove(ctx, Sessions, p.key)
}
