package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scenarioWith is the folder of a scenario whose routing has a section traffic.
func scenarioWith(t *testing.T, traffic string) string {
	t.Helper()
	folder := t.TempDir()
	for name, change := range map[string]func(string) string{
		"day.yaml":                 func(text string) string { return text },
		"lianyungang-routing.yaml": func(text string) string { return text + "\n" + traffic + "\n" },
	} {
		text, err := os.ReadFile(filepath.Join("../../internal/scenario/shipped", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "day.yaml")
}

// A simulation goes by the flags or, where they are left out, by its routing.
func TestSimulateShowsTheChosenServiceLevels(t *testing.T) {
	own := scenarioWith(t, "traffic: {service_levels: [20s], short_abandon: 10s, formula: of_answered}")
	for _, c := range []struct {
		want, not string
		args      []string
	}{
		{"15 s service level (answered within 15 s / offered)", "20 s service level", nil},
		{"20 s service level (answered within 20 s / answered)", "15 s service level", []string{"--scenario", own}},
		{"abandoned under 10 s", "abandoned under 5 s", []string{"--scenario", own, "--service-levels", "10s,30s"}},
		{"10 s service level (answered within 10 s / offered)", "20 s service level", []string{"--scenario", own, "--service-levels", "10s", "--formula", "of_offered"}},
	} {
		out, err := simulate(append([]string{"--lang", "en", "--by", "day"}, c.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, c.want) || strings.Contains(out, c.not) {
			t.Errorf("%v: wanted %q and not %q in\n%s", c.args, c.want, c.not, out)
		}
		// The rows by time have the published one.
		_, rows, found := strings.Cut(out, "\nfrom ")
		head, _, _ := strings.Cut(rows, "\n")
		if want := strings.TrimPrefix(c.want, "abandoned under 10 s"); !found || !strings.Contains(head, want) {
			t.Errorf("%v: the rows have %q", c.args, head)
		}
	}
	if _, err := simulate("--service-levels", "17s"); err == nil || !strings.Contains(err.Error(), "a service level at 17 s is not counted: choose among") {
		t.Errorf("got %v", err)
	}
}

func TestDefinitionsGoByTheConfigurationOrFlags(t *testing.T) {
	out, err := run("traffic", "definitions", "--lang", "en", "--config", "../../internal/app/testdata/nowhere.yaml")
	if err == nil {
		t.Errorf("a configuration that is not there was passed over: %s", out)
	}
	out, err = run("traffic", "definitions", "--lang", "en", "--service-levels", "10s", "--short-abandon", "3s")
	if err != nil || !strings.Contains(out, "service_level_10_of_offered") || strings.Contains(out, "service_level_15") || !strings.Contains(out, "abandoned after less than 3 s") {
		t.Errorf("%v: %s", err, out)
	}
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "hotline.yaml")
	text := `site: test
http: {token_file: secret}
asterisk: {nodes: [{id: a1, url: "http://127.0.0.1:8088", password_file: secret}]}
entries: [{number: "12345", queue: general}]
queues: [{id: general}]
seats: [{id: "8001", contact: "sip:8001@127.0.0.1:5070"}]
agents: [{id: "1001", queues: [general]}]
traffic: {service_levels: [45s]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = run("traffic", "definitions", "--config", file)
	if err != nil || !strings.Contains(out, "service_level_45_of_offered") || strings.Contains(out, "service_level_15") {
		t.Errorf("%v: %s", err, out)
	}
}
