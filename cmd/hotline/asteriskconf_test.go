package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotline/internal/config"
)

// The passwords of seats are made once, and the log goes where it was asked for.
func TestAsteriskConf(t *testing.T) {
	dir := t.TempDir()
	text := `
site: lyg
redis: {address: "127.0.0.1:6379"}
http: {token_file: token}
asterisk:
  nodes: [{id: a1, url: "http://127.0.0.1:8088", username: hotline, password_file: ari}]
  seat_password_dir: seats
entries: [{number: "12345", queue: general}]
queues: [{id: general, title: 综合受理}]
seats: [{range: 8001-8003}]
agents: [{id: "1001", queues: [general]}]
`
	for name, text := range map[string]string{"hotline.yaml": text, "ari": "a-password-of-ari-for-the-test\n", "token": "a-token-of-the-api-for-the-test\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(flags ...string) (string, error) {
		cmd := program(func() (*config.Config, error) { return config.Load(filepath.Join(dir, "hotline.yaml")) })
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(append([]string{"asterisk-conf", "--out", filepath.Join(dir, "asterisk")}, flags...))
		err := cmd.Execute()
		return out.String(), err
	}
	logger := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "asterisk", "logger.conf"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const file, console = "messages.log =>", "console =>"

	if out, err := run(); err == nil || !strings.Contains(err.Error(), "seat 8001") {
		t.Errorf("without passwords: %q, %v", out, err)
	}
	made := "made passwords of 3 seats in " + filepath.Join(dir, "seats") + "\n"
	if out, err := run("--make-passwords"); err != nil || !strings.HasPrefix(out, made) {
		t.Fatalf("%q, %v", out, err)
	}
	if text := logger(); !strings.Contains(text, file) || strings.Contains(text, console) {
		t.Errorf("logger.conf is %s", text)
	}
	if out, err := run("--make-passwords", "--console-log"); err != nil || strings.Contains(out, "made") {
		t.Errorf("%q, %v", out, err)
	}
	if text := logger(); strings.Contains(text, file) || !strings.Contains(text, console) {
		t.Errorf("logger.conf is %s", text)
	}
}
