package vouch

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.uber.org/zap"
	"golang.org/x/oauth2"

	"hotline/internal/access"
)

// The codes of refusals.
const (
	Expired = "expired"     // no login is under way in this browser, or it took too long
	Refused = "refused"     // the issuer does not vouch for anybody, or not so that it can be believed
	IsAway  = "issuer_away" // the issuer does not answer
)

var sentences = map[string]string{
	Expired: "the login took too long, or was begun in another window; begin again",
	Refused: "the issuer has refused the login",
	IsAway:  "the issuer of logins does not answer; try again, or log in with a password",
}

// refuse logs why, which does not concern who logs in, and answers with a *access.Refusal.
func (i *Issuer) refuse(code string, why error) error {
	kind := access.NotLoggedIn
	if code == IsAway {
		kind = access.Away
	}
	i.o.Log.Warn("A login by OpenID Connect has failed", zap.String("code", code), zap.Error(why))
	return &access.Refusal{Kind: kind, Code: code, Text: sentences[code]}
}

// Begin is where to send a browser, and what it is to keep until it comes back, for Lasts.
func (i *Issuer) Begin(ctx context.Context) (to, keep string, err error) {
	p, err := i.lookUp(ctx)
	if err != nil {
		return "", "", i.refuse(IsAway, err)
	}
	f := newFlow(i.o.Now())
	return p.oauth.AuthCodeURL(f.state(), oidc.Nonce(f.nonce()), oauth2.S256ChallengeOption(f.verifier())), string(f), nil
}

// End is the name of who has come back with what it kept and with the issuer's answer. An
// error is a *access.Refusal with one of the codes.
func (i *Issuer) End(ctx context.Context, keep string, answer url.Values) (name string, err error) {
	f := flow(keep)
	if !f.good(i.o.Now()) {
		return "", i.refuse(Expired, errors.New("no login is under way in this browser, or it is over"))
	}
	// The state is that of another login when somebody has begun twice, or is made to
	// end a login that an attacker has begun.
	if subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(f.state())) != 1 {
		return "", i.refuse(Expired, errors.New("the state is not that of this browser"))
	}
	if iss := answer.Get("iss"); iss != "" && iss != i.o.URL { // RFC 9207
		return "", i.refuse(Refused, fmt.Errorf("the answer is of the issuer %.100q", iss))
	}
	switch code := answer.Get("error"); code {
	case "":
	case "server_error", "temporarily_unavailable":
		return "", i.refuse(IsAway, fmt.Errorf("the issuer says %s", code))
	default:
		return "", i.refuse(Refused, fmt.Errorf("the issuer says %.100q: %.200q", code, answer.Get("error_description")))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, i.client), endBound)
	defer cancel()
	p, err := i.lookUp(ctx)
	if err != nil {
		return "", i.refuse(IsAway, err)
	}
	token, err := p.oauth.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(f.verifier()))
	if err != nil {
		return "", i.failed("the code is not taken", err)
	}
	id, err := i.verify(ctx, p, token, f)
	if err != nil {
		return "", i.failed("the ID token is not good", err)
	}
	if name, err = i.nameOf(ctx, p, token, id); err != nil {
		return "", i.failed("there is no name", err)
	}
	return name, nil
}

// failed tells an issuer that is away from one that refuses, or is not to be believed.
func (i *Issuer) failed(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	var lost *url.Error
	var said *oauth2.RetrieveError
	if errors.As(err, &lost) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &said) && said.Response.StatusCode >= http.StatusInternalServerError {
		return i.refuse(IsAway, err)
	}
	return i.refuse(Refused, err)
}

// verify is the ID token, of this issuer, for this client and for this flow.
func (i *Issuer) verify(ctx context.Context, p *party, token *oauth2.Token, f flow) (*oidc.IDToken, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, errors.New("there is none")
	}
	id, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.nonce())) != 1 {
		return nil, errors.New("its nonce is not that of this login")
	}
	// A token for several may have been given to another of them.
	var of struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&of); err != nil {
		return nil, err
	}
	if of.Party != i.o.ClientID && (of.Party != "" || len(id.Audience) > 1) {
		return nil, fmt.Errorf("it was given to %.100q, and is for %.200q", of.Party, slices.Clone(id.Audience))
	}
	return id, nil
}

// nameOf reads the name out of the ID token. Some issuers have such claims at their
// userinfo address only.
func (i *Issuer) nameOf(ctx context.Context, p *party, token *oauth2.Token, id *oidc.IDToken) (string, error) {
	claims := make(map[string]any)
	if err := id.Claims(&claims); err != nil {
		return "", err
	}
	if claims[i.o.NameClaim] == nil && p.provider.UserInfoEndpoint() != "" {
		info, err := p.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return "", err
		}
		if info.Subject != id.Subject {
			return "", errors.New("userinfo is about somebody else")
		}
		if err := info.Claims(&claims); err != nil {
			return "", err
		}
	}
	name, _ := claims[i.o.NameClaim].(string)
	if name == "" {
		return "", fmt.Errorf("neither the ID token nor userinfo has the claim %s with a text", i.o.NameClaim)
	}
	return name, nil
}
