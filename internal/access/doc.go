// Package access says who may use the API, and for what: users with a role,
// sessions, API tokens, and the audit log of what they did.
//
// What a person or program shows enters: a name and password, a session's
// secret, a token. A Principal with its permissions leaves, or a *Refusal in
// one sentence. Records go to a Store, which this package declares and
// internal/redisstore implements; internal/httpapi asks a Guard at each request.
// It imports acd.
//
// Secrets are kept as hashes only: passwords by argon2id, what was drawn at
// random by SHA-256. docs/access.md explains all of it to users.
package access
