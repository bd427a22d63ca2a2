package vouch

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strconv"
	"time"
)

// Lasts is how long somebody may take at the issuer.
const Lasts = 10 * time.Minute

// flow is one login under way. It is kept by the browser alone, in a cookie, so that
// whichever controller it comes back to can go on. State, nonce and verifier are made of
// it one way each: the issuer's address shows the state, which tells nothing of the others.
type flow string

// newFlow holds when it began, in Unix seconds, and 130 random bits.
func newFlow(now time.Time) flow {
	return flow(strconv.FormatInt(now.Unix(), 10) + "." + rand.Text())
}

var flowText = regexp.MustCompile(`^([0-9]{1,12})\.[A-Z2-7]{26}$`)

// good reports whether the text is a flow that is not over.
func (f flow) good(now time.Time) bool {
	match := flowText.FindStringSubmatch(string(f))
	if match == nil {
		return false
	}
	began, err := strconv.ParseInt(match[1], 10, 64)
	took := now.Sub(time.Unix(began, 0))
	// Another controller's clock may be a little ahead.
	return err == nil && took > -time.Minute && took < Lasts
}

func (f flow) state() string    { return f.derive("state") }
func (f flow) nonce() string    { return f.derive("nonce") }
func (f flow) verifier() string { return f.derive("verifier") }

// derive makes 43 characters, as PKCE (RFC 7636) wants at least.
func (f flow) derive(what string) string {
	sum := sha256.Sum256([]byte(what + ":" + string(f)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
