// Package vouch lets people log in by OpenID Connect 1.0: it sends them to an issuer by
// the authorisation code flow with PKCE, and learns from its ID token by which name they
// go. Which user that is, and what a session may do, is the business of package access.
// It enters a way in by Begin, and a browser that comes back by End; only the app makes
// an Issuer, and the API uses it.
package vouch
