package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/lab"
	"hotline/internal/metrics/metricstest"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hotline-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "hotline")
	if out, err := exec.Command("go", "build", "-o", binary, "hotline/cmd/hotline").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build hotline: %v\n%s", err, out)
		os.Exit(1)
	}
	zones = filepath.Join(dir, "zoneinfo")
	// Before any zone is looked up: the variable is read once.
	if err := os.Setenv("ZONEINFO", zones); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	if status == 0 {
		http.DefaultClient.CloseIdleConnections()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// start brings up a hotline of its own for a test.
func start(t *testing.T, site lab.Site) *lab.Lab { return startWith(t, site, "") }

// startWith is start with more lines at the end of the configuration.
func startWith(t *testing.T, site lab.Site, more string) *lab.Lab {
	t.Helper()
	dir := t.TempDir()
	file, err := lab.Write(filepath.Join(dir, "site"), site)
	if err != nil {
		t.Fatal(err)
	}
	if more != "" {
		written, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(written, more...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := lab.Start(t.Context(), file, dir, binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// within waits until ok says yes; it asks every 50 ms, and fails the test with
// what ok said last when time is up.
func within(t *testing.T, limit time.Duration, what string, ok func(ctx context.Context) (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ask := time.NewTicker(50 * time.Millisecond)
	defer ask.Stop()
	for {
		yes, said := ok(ctx)
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s (%s)", limit, what, said)
		case <-ask.C:
		}
	}
}

// scrape reads /metrics.
func scrape(t *testing.T, l *lab.Lab) metricstest.Scrape {
	t.Helper()
	resp, err := http.Get(l.API + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s, err := metricstest.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listed counts what Asterisk has of a kind: channels or bridges.
func listed(ctx context.Context, l *lab.Lab, kind string) (int, error) {
	p := l.Asterisk.Params
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Asterisk.URL+"/"+kind, nil)
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(p.ARIUser, p.ARIPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var items []json.RawMessage
	err = json.NewDecoder(resp.Body).Decode(&items)
	return len(items), err
}

// value is the sum of a metric over its labels; 0 when there is none.
func value(s metricstest.Scrape, name string) float64 {
	sum, _ := s.Value(name)
	return sum
}
