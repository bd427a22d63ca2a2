package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotline/internal/lab"
)

// serveFails runs hotline serve and expects that it ends by itself, with a
// status other than 0 and a sentence on standard error that holds all of want.
func serveFails(t *testing.T, config string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "serve", "--config", config)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want status 1; it said %s", err, errOut.String())
	}
	for _, w := range want {
		if !strings.Contains(errOut.String(), w) {
			t.Errorf("it does not say %q but: %s", w, errOut.String())
		}
	}
	if strings.Contains(errOut.String(), "goroutine ") {
		t.Errorf("it panicked: %s", errOut.String())
	}
}

// variant writes a changed copy of the lab's configuration beside it.
func variant(t *testing.T, l *lab.Lab, pattern, with string) string {
	t.Helper()
	raw, err := os.ReadFile(l.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(pattern).ReplaceAll(raw, []byte(with))
	if bytes.Equal(raw, changed) {
		t.Fatalf("%q does not occur in the configuration", pattern)
	}
	path := filepath.Join(filepath.Dir(l.ConfigFile), "variant.yaml")
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// elsewhere is the lab with a port for the API that nobody has.
func elsewhere(t *testing.T, l *lab.Lab) *lab.Lab {
	t.Helper()
	file := variant(t, l, `listen: 127\.0\.0\.1:\d+\n  token`, "listen: 127.0.0.1:"+closedPort(t)+"\n  token")
	return &lab.Lab{ConfigFile: file}
}

// closedPort is a port of 127.0.0.1 on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	c, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestMistakesAtTheStartAreToldInASentence(t *testing.T) {
	l := start(t, lab.Site{Agents: 2})
	t.Run("port in use", func(t *testing.T) {
		serveFails(t, l.ConfigFile, "cannot listen on "+l.Config.HTTP.Listen.String(), "http.listen")
	})
	t.Run("unknown key", func(t *testing.T) {
		serveFails(t, variant(t, l, `site: lab`, "site: lab\nsight: lab"), "variant.yaml:3:1", "sight")
	})
	t.Run("redis unreachable", func(t *testing.T) {
		port := closedPort(t)
		serveFails(t, variant(t, elsewhere(t, l), `address: 127\.0\.0\.1:\d+`, "address: 127.0.0.1:"+port), "Redis at 127.0.0.1:"+port, "start it")
	})
	t.Run("redis password", func(t *testing.T) {
		serveFails(t, variant(t, elsewhere(t, l), `secrets/redis\.password`, "secrets/api.token"), "does not accept the password")
	})
	t.Run("asterisk unreachable", func(t *testing.T) {
		port := closedPort(t)
		serveFails(t, variant(t, elsewhere(t, l), `http://127\.0\.0\.1:\d+`, "http://127.0.0.1:"+port), "127.0.0.1:"+port, "Asterisk")
	})
	t.Run("ari password", func(t *testing.T) {
		serveFails(t, variant(t, elsewhere(t, l), `secrets/ari\.password`, "secrets/api.token"), "ARI", "password")
	})
	t.Run("check is content with what is right", func(t *testing.T) {
		out, err := l.Hotline(t.Context(), "check")
		if err != nil || strings.Contains(out, "FAIL") || strings.Count(out, "ok ") < 8 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
