package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Secret is a password or token. However it is printed, logged or marshalled,
// it shows as [secret]; only Reveal gives it away.
type Secret struct{ value string }

const hidden = "[secret]"

// NewSecret wraps a password or token.
func NewSecret(value string) Secret { return Secret{value: value} }

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return s.value }

// IsSet reports whether there is a secret at all.
func (s Secret) IsSet() bool { return s.value != "" }

func (Secret) String() string { return hidden }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return hidden }

// Format hides the secret from every verb of fmt, %d and %x included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides the secret from JSON and other encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// longestSecret in bytes: whoever names a larger file has named the wrong one.
const longestSecret = 4096

// readSecret reads a file of one line that only its owner may read. The error
// is a sentence "what is wrong; what to do" without the secret.
func readSecret(path string) (Secret, error) {
	text, err := readPrivate(path, longestSecret)
	if err != nil {
		return Secret{}, err
	}
	text = strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return Secret{}, fmt.Errorf("the secret file %s is empty; write the secret on its first line", path)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Secret{}, fmt.Errorf("the secret file %s has several lines or control characters; leave one line with the secret", path)
	}
	return Secret{value: text}, nil
}

// readPrivate reads a regular file of at most limit bytes that neither group
// nor others may read or write.
func readPrivate(path string, limit int64) (string, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the secret file %s does not exist; create it with mode 0600, or correct the path", path)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("the secret file %s may not be read by this user; make this user its owner", path)
	case err != nil:
		return "", fmt.Errorf("the secret file %s cannot be opened (%v); correct the path", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("the secret file %s cannot be examined (%v); correct the path", path, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("the secret file %s is not a regular file; name a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("the secret file %s may be read or changed by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	case info.Size() > limit:
		return "", fmt.Errorf("the secret file %s has %d bytes, more than %d; name the right file", path, info.Size(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return "", fmt.Errorf("the secret file %s cannot be read (%v); correct the path", path, err)
	}
	return string(data), nil
}
