package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// cost is what a guess at a password costs.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// present is the cost of new hashes: argon2id with the first of the settings that the
// OWASP Password Storage Cheat Sheet gives as equal and that spares memory (19 MiB, 2
// passes, 1 thread), since this process also serves calls. RFC 9106, section 4, would
// have 64 MiB, 3 passes and 4 threads. A hash of another cost is made anew at the next login.
var present = cost{memory: 19 * 1024, passes: 2, threads: 1}

const (
	saltBytes = 16 // RFC 9106, section 3.1
	hashBytes = 32
)

var b64 = base64.RawStdEncoding

// hash writes a password in the PHC string format. A password that is typed by
// different input methods is the same (NFKC, as NIST SP 800-63B-4 has it).
func (c cost) hash(password string) string {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return c.format(salt, c.derive(password, salt))
}

func (c cost) derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.passes, c.memory, c.threads, hashBytes)
}

func (c cost) format(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// verify compares a password with a hash. anew: it is right, and its hash has
// another cost than new ones.
func verify(hash, password string) (right, anew bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, false
	}
	var c cost
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil || !c.bearable() {
		return false, false
	}
	salt, err1 := b64.DecodeString(parts[4])
	key, err2 := b64.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) != hashBytes {
		return false, false
	}
	right = subtle.ConstantTimeCompare(c.derive(password, salt), key) == 1
	return right, right && c != present
}

// bearable keeps a damaged record from taking all memory.
func (c cost) bearable() bool {
	return c.memory >= 8 && c.memory <= 256*1024 && c.passes >= 1 && c.passes <= 10 && c.threads >= 1 && c.threads <= 16
}

// nobody is the hash against which the password of an unknown user is compared, so
// that the answer takes as long.
var nobody = present.format(make([]byte, saltBytes), make([]byte, hashBytes))

const (
	// shortestPassword in characters: NIST SP 800-63B-4, section 3.1.1.2, for a
	// password that is the only factor.
	shortestPassword = 15
	longestPassword  = 256 // characters; the standard asks for 64 at least
	leastDifferent   = 6   // different characters
)

// tooCommon begin what people type to be done with a long password.
var tooCommon = []string{"123456789", "987654321", "password", "passw0rd", "qwerty", "asdfgh", "1qaz2wsx", "abcdefgh", "woaini", "12345hotline", "hotline", "iloveyou"}

// checkPassword says what is wrong with a new password. There are no rules of
// composition: they make passwords worse, not better (NIST SP 800-63B-4).
func checkPassword(name, password string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refuse(Invalid, "bad_password", "the password has control characters or is not UTF-8; write letters, digits, signs and blanks")
	}
	plain := strings.ToLower(norm.NFKC.String(password))
	letters := map[rune]bool{}
	for _, r := range plain {
		letters[r] = true
	}
	bare := strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, plain)
	switch n := utf8.RuneCountInString(plain); {
	case n < shortestPassword:
		return refuse(Invalid, "bad_password", "the password has %d characters; write at least %d, for example four words that nobody would put together", n, shortestPassword)
	case n > longestPassword:
		return refuse(Invalid, "bad_password", "the password has %d characters; write at most %d", n, longestPassword)
	case len(name) >= 3 && strings.Contains(plain, strings.ToLower(name)):
		return refuse(Invalid, "bad_password", "the password contains the user's name; choose one that does not")
	case len(letters) < leastDifferent:
		return refuse(Invalid, "bad_password", "the password has %d different characters; write at least %d", len(letters), leastDifferent)
	}
	for _, common := range tooCommon {
		if strings.HasPrefix(bare, common) {
			return refuse(Invalid, "bad_password", "the password begins like those that are guessed first; choose another")
		}
	}
	return nil
}

// randomPassword is one for a first login: 100 bits that can be read out.
func randomPassword() string {
	text := strings.ToLower(rand.Text())
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
}

// queueFor is how long a password waits for its turn to be examined.
const queueFor = 5 * time.Second

// turns lets one password be examined at a time: a storm of logins takes one core and
// 19 MiB, and never what calls need.
type turns chan struct{}

func (t turns) take(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, queueFor)
	defer cancel()
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, &Refusal{Kind: TooMany, Code: "busy", Text: "too many people log in at this moment; try again", Wait: queueFor}
	}
}
