package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/config"
	"hotline/internal/redisstore/redistest"
)

// admin runs hotline admin with a Redis of the test.
func admin(t *testing.T, address, input string, line ...string) (string, error) {
	t.Helper()
	cmd := program(func() (*config.Config, error) {
		return &config.Config{Site: "lyg", Location: time.UTC, Redis: config.Redis{Address: address}}, nil
	})
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetIn(strings.NewReader(input))
	cmd.SetArgs(append([]string{"admin"}, line...))
	err := cmd.Execute()
	return out.String(), err
}

func TestAdmins(t *testing.T) {
	redis := redistest.Start(t).Address
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("a sentence that is long\nand a second line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, input string
		out, err    string
	}{
		{"list", "", "has no admin: run hotline admin create", ""},
		{"create Boss", "", "", "there is no password"},
		{"create Boss", "short\n", "", "at least 15"},
		{"create b!", "a sentence that is long", "", "a user's name has"},
		{"create Boss", "a sentence that is long\r\n", "boss is an admin of the site lyg", ""},
		{"create boss", "a sentence that is long", "", "there is a user of this name already"},
		{"create second --password-file " + file, "", "second is an admin", ""},
		{"create third --password-file " + file + ".not", "", "", "the password cannot be read"},
		{"reset second --password-file " + file, "", "second has a new password and no sessions", ""},
		{"reset third", "a sentence that is long", "", "there is no such user"},
		{"list", "", "second  enabled  never", ""},
	} {
		out, err := admin(t, redis, c.input, strings.Fields(c.line)...)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(out, c.out) || !strings.Contains(text, c.err) || c.err == "" && text != "" {
			t.Errorf("%s: %v\n%s", c.line, err, out)
		}
		if strings.Contains(out+text, "a sentence") {
			t.Errorf("%s shows the password", c.line)
		}
	}
	out, err := admin(t, "/nowhere/redis", "a sentence that is long", "create", "boss")
	if err == nil || !strings.Contains(err.Error(), "Redis at /nowhere/redis is unreachable") {
		t.Errorf("%v\n%s", err, out)
	}
}
