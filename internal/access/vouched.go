package access

import (
	"context"
	"strconv"
	"strings"
)

// byIssuer is what audit entries say of logins by OpenID Connect.
const byIssuer = "by OpenID Connect"

// Vouched begins a session for the user of this name, for whom an issuer vouches by
// OpenID Connect. The secret is for the user's cookie. Nobody of this name, and somebody
// who is disabled, have the same answer, unknown_user.
//
// No password is compared: one that has expired, or was reset, keeps nobody out.
func (g *Guard) Vouched(ctx context.Context, name string, from Origin) (*Principal, string, error) {
	unknown := refuse(NotLoggedIn, "unknown_user", "there is no user of the name by which the issuer knows you; ask an admin")
	stored := strings.ToLower(name)
	// Of letters beyond ASCII some have one of ASCII as their small one, such as the
	// Kelvin sign: they would make another name equal to a user's.
	if !userName.MatchString(stored) || len(stored) != len(name) {
		g.failed("", namely(name), unknown.Code, from)
		return nil, "", unknown
	}
	if g.store == nil {
		return nil, "", unknown
	}
	user, err := g.change(ctx, stored, func(u *User) error {
		if u.Disabled {
			return unknown
		}
		u.LastSeen = g.now()
		return nil
	})
	switch {
	case err == error(unknown):
		g.failed(stored, byIssuer, unknown.Code, from)
		return nil, "", unknown
	case isRefusal(err, unknown.Code):
		g.failed("", namely(name), unknown.Code, from)
		return nil, "", unknown
	case err != nil:
		return nil, "", err
	}
	p, secret, err := g.begin(ctx, user, true, from)
	if err != nil {
		return nil, "", err
	}
	g.Note(Entry{Who: user.Name, Via: BySession, Role: user.Role, From: from.Address, Action: "login", What: byIssuer, Result: Done})
	return p, secret, nil
}

// NotVouched notes a login by OpenID Connect that has failed before there was a name.
func (g *Guard) NotVouched(code string, from Origin) { g.failed("", byIssuer, code, from) }

// namely is the name that the issuer has given: unlike one that somebody types it is no
// password, and the admin needs it to see what does not match.
func namely(name string) string {
	name = strconv.QuoteToGraphic(strings.ToValidUTF8(name[:min(len(name), 2*longestName)], ""))
	return byIssuer + " as " + MaskNumbers(name)
}
