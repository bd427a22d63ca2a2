package access

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"hotline/internal/acd"
)

// User is a person who may log in. Its JSON is how it is stored, with the hash of the
// password: it is not what the API shows.
type User struct {
	Name     string      `json:"name"` // small letters, digits, dots, hyphens, underscores
	Title    string      `json:"title,omitempty"`
	Role     Role        `json:"role"`
	Agent    acd.AgentID `json:"agent,omitempty"` // whom an agent acts as
	Disabled bool        `json:"disabled,omitempty"`
	Password string      `json:"password"`          // PHC string
	Expired  bool        `json:"expired,omitempty"` // the password was set by another; the user is to choose one
	Epoch    int         `json:"epoch"`             // grows when password, role, agent or disabled change: earlier sessions are void
	Created  time.Time   `json:"created"`
	LastSeen time.Time   `json:"last_login,omitzero"`
	// Devices are the browsers of the last logins, by the SHA-256 of what their cookie
	// holds, and when; see throttle.
	Devices map[string]time.Time `json:"devices,omitempty"`
}

const (
	mostDevices = 20 // agents change seats
	longestName = 32

	// DeviceKept is how long a browser is known after a login.
	DeviceKept = 90 * 24 * time.Hour
)

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

// CanonicalName is a user's name as it is stored: case does not matter.
func CanonicalName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (u *User) knows(device string, now time.Time) bool {
	at, known := u.Devices[digest(device)]
	return known && now.Sub(at) < DeviceKept
}

// note remembers a login.
func (u *User) note(device string, now time.Time) {
	devices := maps.Clone(u.Devices)
	if devices == nil {
		devices = make(map[string]time.Time)
	}
	devices[digest(device)] = now
	for len(devices) > mostDevices {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(devices)), func(a, b string) int { return devices[a].Compare(devices[b]) })
		delete(devices, oldest)
	}
	u.Devices, u.LastSeen = devices, now
}

// check says what is wrong with a user.
func (u *User) check() error {
	switch {
	case !userName.MatchString(u.Name):
		return refuse(Invalid, "bad_name", "a user's name has 2 to %d small letters, digits, dots, hyphens or underscores, and begins with a letter or digit", longestName)
	case !slices.Contains(Roles, u.Role):
		return refuse(Invalid, "bad_role", "a role is one of agent, supervisor, analyst, ops and admin")
	case u.Role == Agent && u.Agent == "":
		return refuse(Invalid, "no_agent", `say whom the user acts as, for example {"agent": "1001"}`)
	case u.Role != Agent && u.Agent != "":
		return refuse(Invalid, "bad_agent", "only a user with the role agent acts as an agent; leave agent out")
	case len(u.Agent) > 64 || hasControls(string(u.Agent)):
		return refuse(Invalid, "bad_agent", "the agent is not one of the configuration; /api/v1/agents lists those who are")
	case len([]rune(u.Title)) > 64 || hasControls(u.Title):
		return refuse(Invalid, "bad_title", "the title is too long or has control characters; write at most 64 characters")
	}
	return nil
}

func hasControls(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// Users lists all users by name.
func (g *Guard) Users(ctx context.Context) ([]User, error) {
	byName, _, err := all[User](ctx, g, Users)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b User) int { return strings.Compare(a.Name, b.Name) }), nil
}

// User is one of them.
func (g *Guard) User(ctx context.Context, name string) (User, error) {
	user, _, err := g.user(ctx, name)
	return user, err
}

func (g *Guard) user(ctx context.Context, name string) (User, []byte, error) {
	var user User
	data, err := g.get(ctx, Users, CanonicalName(name), &user)
	if err == nil && data == nil {
		err = refuse(NotFound, "unknown_user", "there is no such user; /api/v1/users lists those who are")
	}
	return user, data, err
}

// CreateUser makes a user, whose name, title, role and agent are given, with a password
// that is returned this once and that the user must change at the first login.
func (g *Guard) CreateUser(ctx context.Context, user User) (User, string, error) {
	password := randomPassword()
	user, err := g.create(ctx, user, password, true)
	return user, password, err
}

func (g *Guard) create(ctx context.Context, user User, password string, expired bool) (User, error) {
	user = User{Name: CanonicalName(user.Name), Title: strings.TrimSpace(user.Title), Role: user.Role, Agent: user.Agent, Expired: expired, Created: g.now()}
	if err := user.check(); err != nil {
		return User{}, err
	}
	if err := g.nobodyElse(ctx, user); err != nil {
		return User{}, err
	}
	hash, err := g.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	user.Password = hash
	switch done, err := g.replace(ctx, Users, user.Name, nil, user); {
	case err != nil:
		return User{}, err
	case !done:
		return User{}, refuse(Conflict, "user_exists", "there is a user of this name already; choose another name")
	}
	return user, nil
}

// Change is what becomes of a user; nil leaves a thing as it is.
type Change struct {
	Title    *string
	Role     *Role
	Agent    *acd.AgentID
	Disabled *bool
}

// ChangeUser changes a user. A new role, another agent, or being disabled ends the
// user's sessions; the last admin stays one.
func (g *Guard) ChangeUser(ctx context.Context, name string, c Change) (User, error) {
	return g.change(ctx, name, func(u *User) error {
		before := *u
		if c.Title != nil {
			u.Title = strings.TrimSpace(*c.Title)
		}
		if c.Role != nil {
			if u.Role = *c.Role; u.Role != Agent && c.Agent == nil {
				u.Agent = ""
			}
		}
		if c.Agent != nil {
			u.Agent = *c.Agent
		}
		if c.Disabled != nil {
			u.Disabled = *c.Disabled
		}
		if u.Role != before.Role || u.Agent != before.Agent || u.Disabled != before.Disabled {
			u.Epoch++
		}
		if before.Role == Admin && !before.Disabled && (u.Role != Admin || u.Disabled) {
			return g.otherAdmin(ctx, u.Name)
		}
		return g.nobodyElse(ctx, *u)
	})
}

// nobodyElse makes sure that an agent is one person: what it does about itself is not
// in the audit log but in its stints, under the agent's id.
func (g *Guard) nobodyElse(ctx context.Context, user User) error {
	if user.Agent == "" || user.Disabled {
		return nil
	}
	users, err := g.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Name != user.Name && u.Agent == user.Agent && !u.Disabled {
			return refuse(Conflict, "agent_taken", "the user %s acts as this agent already; disable that one first, or name another agent", u.Name)
		}
	}
	return nil
}

// otherAdmin makes sure that somebody can still manage users.
func (g *Guard) otherAdmin(ctx context.Context, name string) error {
	users, err := g.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Name != name && u.Role == Admin && !u.Disabled {
			return nil
		}
	}
	return refuse(Conflict, "last_admin", "this is the last admin; make another user an admin first")
}

// change reads, changes and writes a user as often as somebody else does so in between.
func (g *Guard) change(ctx context.Context, name string, with func(*User) error) (User, error) {
	for range 8 {
		user, was, err := g.user(ctx, name)
		if err != nil {
			return User{}, err
		}
		epoch := user.Epoch
		if err := with(&user); err != nil {
			return User{}, err
		}
		if err := user.check(); err != nil {
			return User{}, err
		}
		done, err := g.replace(ctx, Users, user.Name, was, user)
		if err != nil {
			return User{}, err
		}
		if done {
			if user.Epoch != epoch {
				g.forgetUser(user.Name)
			}
			return user, nil
		}
	}
	return User{}, refuse(Conflict, "changed_meanwhile", "others change this user at the same time; try again")
}

// ResetPassword gives a user a password that is returned this once, which the user
// must change at the next login; the user's sessions end.
func (g *Guard) ResetPassword(ctx context.Context, name string) (User, string, error) {
	password := randomPassword()
	user, err := g.setPassword(ctx, name, password, func(u *User) error { u.Expired = true; return nil })
	return user, password, err
}

func (g *Guard) setPassword(ctx context.Context, name, password string, with func(*User) error) (User, error) {
	hash, err := g.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	return g.change(ctx, name, func(u *User) error {
		if err := with(u); err != nil {
			return err
		}
		u.Password = hash
		u.Epoch++
		return nil
	})
}

// CreateAdmin makes an admin with a password that somebody has chosen: the first one,
// from the command line.
func (g *Guard) CreateAdmin(ctx context.Context, name, password string) (User, error) {
	if err := checkPassword(CanonicalName(name), password); err != nil {
		return User{}, err
	}
	return g.create(ctx, User{Name: name, Role: Admin}, password, false)
}

// ResetAdmin gives an admin a new password that somebody has chosen, and enables it;
// sessions and the delays after failed logins of this process end.
func (g *Guard) ResetAdmin(ctx context.Context, name, password string) (User, error) {
	if err := checkPassword(CanonicalName(name), password); err != nil {
		return User{}, err
	}
	return g.setPassword(ctx, name, password, func(u *User) error {
		if u.Role != Admin {
			return refuse(Conflict, "no_admin", "%s is no admin but has the role %s; an admin resets such passwords over the API", u.Name, u.Role)
		}
		u.Disabled, u.Expired = false, false
		return nil
	})
}

func (g *Guard) hash(ctx context.Context, password string) (string, error) {
	done, err := g.turns.take(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return present.hash(password), nil
}
