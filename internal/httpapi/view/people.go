package view

import (
	"time"

	"hotline/internal/acd"
)

// User is a user as admins see it.
type User struct {
	Name     string      `json:"name"`
	Title    string      `json:"title,omitempty"`
	Role     string      `json:"role"`
	Agent    acd.AgentID `json:"agent,omitempty"`
	Disabled bool        `json:"disabled"`
	// PasswordExpired: the user chooses a password at the next login.
	PasswordExpired bool      `json:"password_expired"`
	Created         time.Time `json:"created"`
	LastLogin       time.Time `json:"last_login,omitzero"`
	// Password is there once, in the answer that has made it.
	Password string `json:"password,omitempty"`
}

// WaysIn are how people may log in.
type WaysIn struct {
	Password bool         `json:"password"`
	OIDC     *WayByIssuer `json:"oidc"` // null: not by OpenID Connect
}

// WayByIssuer is a login by OpenID Connect.
type WayByIssuer struct {
	Title string `json:"title"` // of the button
}

// Me is who asks.
type Me struct {
	Via             string      `json:"via"` // session, token or token_file
	Name            string      `json:"name"`
	Title           string      `json:"title,omitempty"`
	Role            string      `json:"role,omitempty"`
	Agent           acd.AgentID `json:"agent,omitempty"`
	Permissions     []string    `json:"permissions"`
	PasswordExpired bool        `json:"password_expired"` // only the password can be changed until that is done
	// CSRF is to be sent in the header X-CSRF-Token with every request of this
	// session that is not GET or HEAD.
	CSRF string `json:"csrf,omitempty"`
}

// Token is an API token.
type Token struct {
	ID      string    `json:"token"`
	Name    string    `json:"name"`
	Scopes  []string  `json:"scopes"`
	Maker   string    `json:"maker"` // it ends when this user is disabled
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"last_used,omitzero"`
	// Secret is there once, in the answer that has made it.
	Secret string `json:"secret,omitempty"`
}

// Session is somebody who is logged in.
type Session struct {
	ID      string    `json:"session"`
	User    string    `json:"user"`
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"last_seen"`
	Expires time.Time `json:"expires"` // at the latest
	Address string    `json:"address"`
	Client  string    `json:"client,omitempty"` // what the browser calls itself
	Own     bool      `json:"own"`              // that of this request
}

// AuditEntry says who did what.
type AuditEntry struct {
	Place  string    `json:"place"` // for before
	ID     string    `json:"id"`    // two entries with one id are the same
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Via    string    `json:"via"`
	Role   string    `json:"role,omitempty"`
	From   string    `json:"from"`
	Action string    `json:"action"`
	On     string    `json:"on,omitempty"`
	What   string    `json:"what,omitempty"`
	Result string    `json:"result"` // done, or the code of the problem
}

// WithNumbers shows a snapshot of the engine with the full numbers of calls and
// callbacks. Blocked callers stay masked.
func WithNumbers(s acd.Snapshot) Snapshot {
	out := Of(s)
	for i, c := range s.Calls {
		out.Calls[i].Caller = c.Caller
	}
	for i, c := range s.Callbacks {
		out.Callbacks[i].Number = c.Number
	}
	return out
}
