package access

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// Token lets a program in. It may do what its scopes say and its maker's role allows:
// it works as long as its maker is a user who is not disabled.
type Token struct {
	Name    string       `json:"name"`
	Scopes  []Permission `json:"scopes"`
	Maker   string       `json:"maker"`
	Created time.Time    `json:"created"`
	Expires time.Time    `json:"expires"`
	Used    time.Time    `json:"used,omitzero"` // five minutes exact
}

// ListedToken is a token with the id by which it can be revoked.
type ListedToken struct {
	ID string
	Token
}

const (
	tokenPrefix  = "hotline_" // so that scanners find what has leaked
	usedEvery    = 5 * time.Minute
	longestToken = 366 * 24 * time.Hour
)

// CreateToken makes a token; its secret is returned this once.
func (g *Guard) CreateToken(ctx context.Context, maker *Principal, name string, scopes []Permission, expires time.Time) (ListedToken, string, error) {
	now := g.now()
	name = strings.TrimSpace(name)
	switch n := len([]rune(name)); {
	case n == 0 || n > 64 || hasControls(name):
		return ListedToken{}, "", refuse(Invalid, "bad_name", `say what the token is for in 1 to 64 characters, for example {"name": "work orders"}`)
	case len(scopes) == 0:
		return ListedToken{}, "", refuse(Invalid, "no_scopes", "name what the token may do; possible scopes are %s", joined(Scopes()))
	case !expires.After(now) || expires.Sub(now) > longestToken:
		return ListedToken{}, "", refuse(Invalid, "bad_expiry", "a token expires within a year from now; write for example %q", now.AddDate(0, 6, 0).UTC().Format(time.RFC3339))
	case maker.Via != BySession:
		return ListedToken{}, "", refuse(NotAllowed, "no_person", "only a person who is logged in makes tokens")
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return ListedToken{}, "", refuse(Invalid, "bad_scope", "a token cannot have one of these scopes; possible are %s", joined(Scopes()))
		}
		if !maker.May(s) {
			return ListedToken{}, "", refuse(NotAllowed, "more_than_own", "a token cannot be allowed what its maker is not")
		}
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	secret := tokenPrefix + rand.Text() + rand.Text()
	key := digest(secret)
	t := Token{Name: name, Scopes: scopes, Maker: maker.Name, Created: now, Expires: expires.Round(0)}
	if done, err := g.replace(ctx, Tokens, key, nil, t); err != nil {
		return ListedToken{}, "", err
	} else if !done {
		return ListedToken{}, "", refuse(Conflict, "token_exists", "the token could not be made; try again") // cannot be met
	}
	return ListedToken{publicID(key), t}, secret, nil
}

func joined(permissions []Permission) string {
	var words []string
	for _, p := range permissions {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

// ListTokens are all that were not revoked, also those that have expired; by name.
func (g *Guard) ListTokens(ctx context.Context) ([]ListedToken, error) {
	byKey, _, err := all[Token](ctx, g, Tokens)
	if err != nil {
		return nil, err
	}
	list := []ListedToken{}
	for key, t := range byKey {
		list = append(list, ListedToken{publicID(key), t})
	}
	slices.SortFunc(list, func(a, b ListedToken) int { return strings.Compare(a.Name+" "+a.ID, b.Name+" "+b.ID) })
	return list, nil
}

// RevokeToken ends a token, and says what its name was.
func (g *Guard) RevokeToken(ctx context.Context, id string) (name string, err error) {
	byKey, _, err := all[Token](ctx, g, Tokens)
	if err != nil {
		return "", err
	}
	for key, t := range byKey {
		if publicID(key) == id {
			return t.Name, g.remove(ctx, Tokens, key)
		}
	}
	return "", refuse(NotFound, "unknown_token", "there is no such token; /api/v1/tokens lists those that are")
}
