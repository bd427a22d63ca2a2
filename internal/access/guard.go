package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

const (
	// Idle and Lasts bound a session: after the last request, and after the login.
	Idle  = 30 * time.Minute
	Lasts = 12 * time.Hour

	// freshFor is how long an answer of the Store is believed without asking again:
	// what another process revokes holds here after so long.
	freshFor = 2 * time.Second
	// askWhenKnown bounds a question about somebody who can be let in without an answer.
	askWhenKnown = 500 * time.Millisecond
	// CacheBound is how long who is logged in, or has a token, is let in without an
	// answer of the Store. Nothing can be revoked while it is away either.
	CacheBound = time.Hour
	// mostCached bounds the memory of the cache.
	mostCached = 10_000
)

// Via is how somebody has got in.
type Via string

// The ways.
const (
	BySession   Via = "session"
	ByToken     Via = "token"
	ByTokenFile Via = "token_file"
	ByCommand   Via = "command_line"
)

// Principal is who makes a request.
type Principal struct {
	Via  Via
	Name string // of the user, of the token, or token_file
	// These are of a user who is logged in only.
	Title   string
	Role    Role
	Agent   acd.AgentID
	Expired bool   // may change the password and nothing else
	CSRF    string // what an unsafe request must send along
	Session string // the session's id
	// Device, after a login, is for a lasting cookie of the browser: it makes the
	// browser known, so that what strangers guess does not slow its user.
	Device string

	may []Permission
	key string // of the session or token
}

// Identity tells principals apart: users, whatever their session, and tokens, which may
// have the same name. It holds no secret.
func (p *Principal) Identity() string {
	if p.Via == ByToken {
		return string(p.Via) + ":" + publicID(p.key)
	}
	return string(p.Via) + ":" + p.Name
}

// May reports whether the principal has a permission.
func (p *Principal) May(permission Permission) bool {
	return !p.Expired && slices.Contains(p.may, permission)
}

// Permissions are all that the principal has.
func (p *Principal) Permissions() []Permission {
	if p.Expired {
		return []Permission{}
	}
	return slices.Clone(p.may)
}

// Acts reports whether the principal is this agent.
func (p *Principal) Acts(as acd.AgentID) bool {
	return p.May(ActAsAgent) && p.Agent != "" && p.Agent == as
}

func principalOf(s Session, u User, key, secret string) *Principal {
	return &Principal{
		Via: BySession, Name: u.Name, Title: u.Title, Role: u.Role, Agent: u.Agent, Expired: u.Expired && !s.ByIssuer,
		CSRF: csrfOf(secret), Session: publicID(key), may: u.Role.Permissions(), key: key,
	}
}

// Options are what a Guard is made of.
type Options struct {
	Store     Store         // nil: there are no users, and only the token file lets in
	TokenFile string        // the token of http.token_file; empty: there is none
	Idle      time.Duration // default Idle
	Lasts     time.Duration // default Lasts
	Log       *zap.Logger   // may be nil
	Now       func() time.Time
}

// Guard lets in, and remembers whom. It is safe for concurrent use.
type Guard struct {
	store       Store
	file        [sha256.Size]byte
	hasFile     bool
	idle, lasts time.Duration
	log         *zap.Logger
	now         func() time.Time
	throttle    throttle
	turns       turns
	audit       journal

	mu         sync.Mutex
	cache      map[string]cached // guarded by mu; by key
	generation int               // guarded by mu; grows when something is forgotten
	silent     time.Time         // guarded by mu; until then only strangers make the Store be asked
	failing    bool              // guarded by mu; the Store has not answered when it was asked last
}

// cached is what the Store has said of a session or token.
type cached struct {
	session *Session // either this
	token   *Token   // or that
	stored  []byte   // the record
	user    User     // whose session, or the token's maker
	asked   time.Time
}

// New makes a guard.
func New(o Options) *Guard {
	g := &Guard{
		store: o.Store, file: sha256.Sum256([]byte(o.TokenFile)), hasFile: o.TokenFile != "", idle: o.Idle, lasts: o.Lasts,
		log: o.Log, now: o.Now, turns: make(turns, 1), cache: make(map[string]cached),
	}
	if g.idle == 0 {
		g.idle = Idle
	}
	if g.lasts == 0 {
		g.lasts = Lasts
	}
	if g.log == nil {
		g.log = zap.NewNop()
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.audit.wake = make(chan struct{}, 1)
	return g
}

// HasUsers reports whether there is a Store.
func (g *Guard) HasUsers() bool { return g.store != nil }

// Token is who shows a bearer token.
func (g *Guard) Token(ctx context.Context, secret string) (*Principal, error) {
	given := sha256.Sum256([]byte(secret))
	// Digests have one length, so that the comparison tells nothing about the token's.
	if subtle.ConstantTimeCompare(given[:], g.file[:]) == 1 && g.hasFile {
		return &Principal{Via: ByTokenFile, Name: string(ByTokenFile), may: filePermissions()}, nil
	}
	wrong := refuse(NotLoggedIn, "wrong_token", "the token is neither that of http.token_file nor one that is valid")
	if g.store == nil {
		return nil, wrong
	}
	key := digest(secret)
	c, err := g.known(ctx, Tokens, key)
	if err != nil {
		return nil, err
	}
	if c.token == nil || c.user.Name == "" || c.user.Disabled || !g.now().Before(c.token.Expires) {
		return nil, wrong
	}
	p := &Principal{Via: ByToken, Name: c.token.Name, key: key}
	for _, scope := range c.token.Scopes {
		if slices.Contains(Scopes(), scope) && slices.Contains(c.user.Role.Permissions(), scope) {
			p.may = append(p.may, scope)
		}
	}
	if now := g.now(); now.Sub(c.token.Used) >= usedEvery {
		used := *c.token
		used.Used = now
		g.touch(ctx, Tokens, key, c, used, func(c *cached) { c.token = &used })
	}
	return p, nil
}

// Session is who shows the secret of a session.
func (g *Guard) Session(ctx context.Context, secret string) (*Principal, error) {
	over := refuse(NotLoggedIn, "session_over", "the session has ended; log in again")
	if g.store == nil || len(secret) > 128 {
		return nil, over
	}
	key := digest(secret)
	c, err := g.known(ctx, Sessions, key)
	if err != nil {
		return nil, err
	}
	if c.session == nil || g.over(*c.session) || c.user.Disabled || c.user.Name != c.session.User || c.user.Epoch != c.session.Epoch {
		return nil, over
	}
	if now := g.now(); now.Sub(c.session.Seen) >= seenEvery {
		seen := *c.session
		seen.Seen = now
		g.touch(ctx, Sessions, key, c, seen, func(c *cached) { c.session = &seen })
	}
	return principalOf(*c.session, c.user, key, secret), nil
}

// touch notes the use of a session or token, here and, if it answers, in the Store;
// never in the place of one that was revoked.
func (g *Guard) touch(ctx context.Context, shelf Shelf, key string, c cached, record any, change func(*cached)) {
	g.mu.Lock()
	quiet := g.now().Before(g.silent)
	g.mu.Unlock()
	stored := c.stored
	changed := false // by somebody else
	if !quiet {
		done, err := g.replace(ctx, shelf, key, c.stored, record)
		switch {
		case err != nil:
			g.fellSilent()
		case done:
			stored, _ = json.Marshal(record) // as replace has done
		default:
			changed = true
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, there := g.cache[key]
	if !there {
		return
	}
	if changed {
		now.asked = now.asked.Add(-freshFor) // the next request asks again
	} else {
		change(&now)
		now.stored = stored
	}
	g.cache[key] = now
}

func (g *Guard) fellSilent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing, g.silent = true, g.now().Add(freshFor)
}

func (g *Guard) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing, g.silent = false, time.Time{}
}

// known is what is behind a key: from the cache while it is fresh or the Store does
// not answer, and else from the Store. Nothing behind it is no error.
func (g *Guard) known(ctx context.Context, shelf Shelf, key string) (cached, error) {
	now := g.now()
	g.mu.Lock()
	c, there := g.cache[key]
	generation := g.generation
	fresh, usable := there && now.Sub(c.asked) < freshFor, there && now.Sub(c.asked) < CacheBound
	believe := fresh || usable && now.Before(g.silent)
	if !believe && g.failing {
		g.silent = now.Add(freshFor) // one request finds out whether it is back, and the others need not wait
	}
	g.mu.Unlock()
	if believe {
		return c, nil
	}
	bounded := ctx
	if usable {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, askWhenKnown)
		defer cancel()
	}
	told, err := g.read(bounded, shelf, key)
	switch {
	case isAway(err) && ctx.Err() == nil:
		g.fellSilent()
		if usable {
			return c, nil
		}
		return cached{}, err
	case err != nil:
		return cached{}, err
	}
	g.answered()
	if there && c.session != nil && told.session != nil && c.session.Seen.After(told.session.Seen) {
		told.session.Seen = c.session.Seen // it could not be stored
	}
	g.keep(key, told, generation)
	return told, nil
}

// read asks the Store.
func (g *Guard) read(ctx context.Context, shelf Shelf, key string) (c cached, err error) {
	c.asked = g.now()
	whose := ""
	if shelf == Sessions {
		var s Session
		if c.stored, err = g.get(ctx, shelf, key, &s); err != nil || c.stored == nil {
			return c, err
		}
		c.session, whose = &s, s.User
	} else {
		var t Token
		if c.stored, err = g.get(ctx, shelf, key, &t); err != nil || c.stored == nil {
			return c, err
		}
		c.token, whose = &t, t.Maker
	}
	_, err = g.get(ctx, Users, whose, &c.user)
	return c, err
}

// keep puts what the Store has said into the cache, unless something was revoked
// while it was asked.
func (g *Guard) keep(key string, c cached, generation int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.generation != generation || c.stored == nil {
		delete(g.cache, key)
		return
	}
	if _, there := g.cache[key]; !there && len(g.cache) >= mostCached {
		for k, old := range g.cache {
			if len(g.cache) < mostCached && g.now().Sub(old.asked) < CacheBound {
				break
			}
			delete(g.cache, k)
		}
	}
	g.cache[key] = c
}

// forget drops a session or token from the cache.
func (g *Guard) forget(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.cache, key)
	g.generation++
}

// forgetUser drops what belongs to a user.
func (g *Guard) forgetUser(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, c := range g.cache {
		if c.user.Name == name {
			delete(g.cache, key)
		}
	}
	g.generation++
}

// Login compares name and password, and begins a session. Whatever is wrong, the
// answer is the same and takes as long.
func (g *Guard) Login(ctx context.Context, name, password string, from Origin) (*Principal, string, error) {
	if g.store == nil {
		return nil, "", refuse(NotFound, "no_users", "there are no users here; show the token of http.token_file")
	}
	name = CanonicalName(name)
	device := from.device()
	user, err := g.match(ctx, name, password, device, from)
	if err != nil {
		return nil, "", err
	}
	p, secret, err := g.Begin(ctx, user, from)
	if err != nil {
		return nil, "", err
	}
	p.Device = device
	g.Note(Entry{Who: user.Name, Via: BySession, Role: user.Role, From: from.Address, Action: "login", Result: Done})
	return p, secret, nil
}

// match is the user with this name and password, with the login noted.
func (g *Guard) match(ctx context.Context, name, password, device string, from Origin) (User, error) {
	user, _, err := g.user(ctx, name)
	unknown := isRefusal(err, "unknown_user")
	switch {
	case unknown && len(name) > longestName:
		name = "too long" // it is counted, and need not be kept
	case isAway(err):
		r := away(err)
		r.Text = "nobody can log in while Redis is away; who is logged in goes on, and /readyz says when it is back"
		return User{}, r
	case err != nil && !unknown:
		return User{}, err
	}
	now := g.now()
	try := attempt{name: name, address: place(from.Address)}
	if user.knows(device, now) {
		try.device = digest(device)
	}
	if wait := g.throttle.begin(try, now); wait > 0 {
		wait = wait.Truncate(time.Second) + time.Second
		r := refuse(TooMany, "too_many_attempts", "too many logins have failed; try again in %v", wait)
		r.Wait = wait
		return User{}, r
	}
	right, hash, err := g.compare(ctx, user, password)
	if err != nil {
		g.throttle.undo(try, false)
		return User{}, err
	}
	if !right {
		g.failed(user.Name, "", "wrong_login", from)
		return User{}, refuse(NotLoggedIn, "wrong_login", "the name or the password is wrong")
	}
	g.throttle.undo(try, true)
	epoch := user.Epoch
	return g.change(ctx, name, func(u *User) error {
		if u.Epoch != epoch || u.Disabled {
			return refuse(NotLoggedIn, "wrong_login", "the name or the password is wrong")
		}
		if u.note(device, now); hash != "" {
			u.Password = hash
		}
		return nil
	})
}

// compare reports whether the password is right, with its new hash when the old one
// cost less. For nobody, and for who is disabled, it takes as long.
func (g *Guard) compare(ctx context.Context, user User, password string) (right bool, hash string, err error) {
	done, err := g.turns.take(ctx)
	if err != nil {
		return false, "", err
	}
	defer done()
	with := user.Password
	if user.Name == "" || len(password) > 4*longestPassword {
		with, password = nobody, ""
	}
	right, anew := verify(with, password)
	if right = right && user.Name != "" && !user.Disabled; right && anew {
		hash = present.hash(password)
	}
	return right, hash, nil
}

// ChangePassword lets a user choose a password. All sessions of the user end; another
// begins, whose secret is returned.
func (g *Guard) ChangePassword(ctx context.Context, p *Principal, old, chosen string, from Origin) (*Principal, string, error) {
	if p.Via != BySession {
		return nil, "", refuse(Conflict, "no_session", "a token has no password")
	}
	user, err := g.match(ctx, p.Name, old, from.device(), from)
	if err != nil {
		if isRefusal(err, "wrong_login") {
			err = refuse(Invalid, "wrong_password", "the present password is wrong")
		}
		return nil, "", err
	}
	if err := checkPassword(user.Name, chosen); err != nil {
		return nil, "", err
	}
	if old == chosen {
		return nil, "", refuse(Invalid, "bad_password", "this is the present password; choose another")
	}
	epoch := user.Epoch
	user, err = g.setPassword(ctx, user.Name, chosen, func(u *User) error {
		if u.Epoch != epoch {
			return refuse(Conflict, "changed_meanwhile", "others change this user at the same time; try again")
		}
		u.Expired = false
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return g.Begin(ctx, user, from)
}

func isRefusal(err error, code string) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == code
}
