package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// running is a configuration that was loaded, with PINs.
func running(t *testing.T) *Config {
	t.Helper()
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/full.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestChanges(t *testing.T) {
	cfg := running(t)
	for name, c := range map[string]struct {
		pairs []string // old, new
		want  []string
	}{
		"nothing":  {[]string{"site: lianyungang", "site:   'lianyungang' # our city"}, nil},
		"defaults": {[]string{"  - id: business\n", "  - id: business\n    ring_timeout: 15s\n    music: default\n"}, nil},
		"a queue": {[]string{"wrap_up: 0s", "wrap_up: 45s", "title: 企业服务", "title: 企业"},
			[]string{"queue general: wrap_up 0s → 45s", "queue business: title 企业服务 → 企业"}},
		"a section": {[]string{"admission: {pace: 2.5, burst: 20,", "admission: {pace: 3,", "priority_worth: 45s", "priority_worth: 1h"},
			[]string{"priority_worth 45s → 1h", "admission.pace 2.5 → 3", "admission.burst 20 → 10"}},
		"within an item": {[]string{"announce: {after: 20s, every: 90s}", "announce: {after: 30m}", "{length: 30,", "{length: 31,", "{after: 20s, skills: {english: 3}}", "{after: 20s, skills: {english: 2}}"},
			[]string{"queue business: relax 2: skills english 3 → english 2", "queue business: announce.after 20s → 30m", "queue business: announce.every 1m30s → 1m", "queue business: overflow 3: length 30 → 31"}},
		"lists": {[]string{"greeting: [greeting, please-hold]", "greeting: [please-hold, greeting]", "skills: {english: 6, law: 2}", "skills: {law: 2, english: 5}"},
			[]string{"number 12345: greeting greeting, please-hold → please-hold, greeting", "number 12345002: skills english 6, law 2 → english 5, law 2"}},
		"items": {[]string{`  - {number: 12345, queue: general, greeting: [greeting, please-hold]}` + "\n", "", `  - number: "12345002"`, `  - {number: 12345, queue: general, greeting: [greeting, please-hold]}` + "\n" + `  - {number: "12346", queue: general}` + "\n" + `  - number: "12345002"`},
			[]string{"number 12346 added", "entries in another order"}},
		"an item less": {[]string{`    - {name: other, match: [127.0.0.3]}` + "\n", ""}, []string{"trunk other removed"}},
	} {
		text := cfg.Text
		for i := 0; i < len(c.pairs); i += 2 {
			if !strings.Contains(text, c.pairs[i]) {
				t.Fatalf("%s: %q is not in the file", name, c.pairs[i])
			}
			text = strings.Replace(text, c.pairs[i], c.pairs[i+1], 1)
		}
		other, err := cfg.Instead([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := cfg.Changes(other); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// What belongs to a machine is not shared, and everything else is.
func TestShared(t *testing.T) {
	cfg := running(t)
	for old, c := range map[string]struct {
		new  string
		same bool
	}{
		`listen: "[::1]:8080"`:               {`listen: "127.0.0.1:8080"`, true},
		`operations: {listen: "[::1]:9090"}`: {"", true},
		"log: {level: debug,":                {"log: {level: info,", true},
		"site: lianyungang":                  {"site:   'lianyungang' # our city", true},
		"wrap_up: 0s":                        {"wrap_up: 1s", false},
		"fallback_after: 2m":                 {"fallback_after: 3m", false},
		"priority_worth: 45s":                {"priority_worth: 46s", false},
	} {
		other, err := cfg.Instead([]byte(strings.Replace(cfg.Text, old, c.new, 1)))
		if err != nil || other.Text == cfg.Text || (other.Shared() == cfg.Shared()) != c.same {
			t.Errorf("%s in the place of %s: %v", c.new, old, err)
		}
	}
}

// A PIN is told as changed, and never shown.
func TestChangesOfSecrets(t *testing.T) {
	cfg := running(t)
	if err := os.WriteFile("secrets/pins", []byte("1001 4712\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := cfg.Instead([]byte(cfg.Text))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Changes(other); !slices.Equal(got, []string{"PINs of agents"}) {
		t.Errorf("%q", got)
	}
}

// Who sends a text does not learn by it which files there are.
func TestInsteadOpensNoOtherFiles(t *testing.T) {
	cfg := running(t)
	if cfg.Text == "" || len(cfg.opened) == 0 {
		t.Fatal("nothing was kept")
	}
	for _, c := range []struct{ old, new, key string }{
		{"pin_file: secrets/pins", "pin_file: %s", "pin_file"},
		{"token_file: secrets/api.token", "token_file: %s", "http.token_file"},
		{"password_file: secrets/redis.password", "password_file: %s", "redis.password_file"},
		{"password_file: secrets/ari.password", "password_file: %s", "asterisk.nodes.password_file"},
		{`token_file: secrets/api.token`, "token_file: secrets/api.token, tls: {cert: %[1]s, key: %[1]s}", "http.tls.cert"},
		{"database: 3", "database: 3, tls: {ca: %s}", "redis.tls.ca"},
		{"chromium: /usr/bin/chromium", "chromium: %s", "reports.chromium"},
	} {
		var answers []string
		for _, path := range []string{"/etc/passwd", "/nowhere/at/all", "secrets/empty"} {
			if !strings.Contains(cfg.Text, c.old) {
				t.Fatalf("%q is not in the file", c.old)
			}
			_, err := cfg.Instead([]byte(strings.Replace(cfg.Text, c.old, fmt.Sprintf(c.new, path), 1)))
			if err == nil || !strings.Contains(err.Error(), c.key+": a text that comes over the API may name the files that are in use") {
				t.Errorf("%s %s: %v", c.key, path, err)
				continue
			}
			answers = append(answers, err.Error())
		}
		if slices.Sort(answers); len(slices.Compact(answers)) != 1 {
			t.Errorf("%s: the answers tell the files apart: %q", c.key, answers)
		}
	}
}

// Whatever is sent, the answer comes soon and says what is wrong.
func TestInsteadOfHostileTexts(t *testing.T) {
	cfg := running(t)
	fill := func(unit string) string { return strings.Repeat(unit, (256<<10)/len(unit)) }
	agents := strings.Index(cfg.Text, "\nseats:")
	if agents < 0 {
		t.Fatal("no seats")
	}
	for name, c := range map[string]struct{ text, want string }{
		"too large":     {strings.Repeat("#\n", Largest/2+1), "more than 1048576"},
		"brackets":      {fill("["), "nested more than 32 deep"},
		"braces":        {fill("{a: "), "nested more than 32 deep"},
		"lines of them": {fill("[\n"), "nested more than 32 deep"},
		"entries":       {fill("- "), "nested more than 32 deep"},
		"questions":     {fill("? "), "nested more than 32 deep"},
		"tags":          {fill("!a "), "nested more than 32 deep"},
		"anchors":       {fill("&a "), "nested more than 32 deep"},
		"keys":          {fill("a: b\n"), "more than 2000 keys"},
		"keys within":   {"a:\n" + strings.Repeat("  b: c\n", 100_000), "more than 2000 keys"},
		"flow keys":     {"{" + strings.Repeat("a: b, ", 100_000) + "}", "more than 2000 keys"},
		"signs":         {"a: [" + strings.Repeat("b,", 500_000) + "]", "more than 500000 words"},
		"laughs":        {"a: &a [x]\nb: &b [*a, *a]\nsite: *b\n", "anchors, aliases and tags are not supported"},
		"NUL":           {"site: a\n#\x00\n", ":2:2: there is a control character"},
		"not UTF-8":     {"site: \xff\n", ":1:7: there is a control character, or something that is not UTF-8"},
		"empty":         {"", "site is missing"},
		"a list":        {"- a\n", "must hold keys and values"},
		"documents":     {"site: a\n---\nsite: b\n", "several documents"},
		"ranges":        {cfg.Text[:agents] + "\nseats:\n" + ranges(20) + "agents:\n" + ranges(20), "more than 100000 numbers"},
	} {
		began := time.Now()
		_, err := cfg.Instead([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v, want %s", name, err, c.want)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func ranges(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {range: %03d0000-%03d9999, queues: [general]}\n", i, i)
	}
	return b.String()
}

// A large city is no attack.
func TestALargeConfiguration(t *testing.T) {
	cfg := running(t)
	at := strings.Index(cfg.Text, "\nagents:\n") + len("\nagents:\n")
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "  - {id: \"9%05d\", name: 张三, queues: [general, business], skills: {english: 3}}\n", i)
	}
	other, err := cfg.Instead([]byte(cfg.Text[:at] + b.String() + cfg.Text[at:]))
	if err != nil {
		t.Fatalf("%.500v", err)
	}
	if got := cfg.Changes(other); len(got) != 3000 {
		t.Errorf("%d changes", len(got))
	}
}
