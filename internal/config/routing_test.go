package config

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// draft writes a configuration by chance, in which everything is right.
type draft struct{ *rapid.T }

func (d draft) chance(of int) bool { return rapid.IntRange(1, of).Draw(d.T, "chance") == 1 }

func (d draft) one(values ...string) string { return rapid.SampledFrom(values).Draw(d.T, "value") }

// keys writes some of the keys, in flow style; those that begin with ! always.
func (d draft) keys(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		key, always := strings.CutPrefix(pairs[i], "!")
		if always || d.chance(3) {
			out = append(out, key+": "+pairs[i+1])
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (d draft) list(most int, item func(i int) string) string {
	var out []string
	for i := range rapid.IntRange(1, most).Draw(d.T, "items") {
		out = append(out, item(i))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (d draft) overflow(hours bool, other string) string {
	rules := d.list(3, func(int) string {
		condition := d.one("no_agents: true", "length: 5", "expected: 2m", "wait: 30s")
		return "{" + condition + ", " + d.one("to: "+other, "to: spare", "partner: xuzhou", "callback: true, prompts: callback-offer", "refuse: true, prompts: [closed]", "prompts: waiting") + "}"
	})
	if hours {
		rules = strings.TrimSuffix(rules, "]") + ", {closed: true, to: spare}]"
	}
	return rules
}

func (d draft) queue(id, other string) string {
	hours := d.chance(3)
	var keep []string
	within := []string{"within", d.one("2h")}
	if hours {
		keep = []string{"!hours", d.one("office")}
		within = []string{"!within", d.one("63h", "168h")}
	}
	return d.keys(append(keep, "!id", id,
		"ring_timeout", d.one("10s", "20s"), "wrap_up", d.one("0s", "20s"), "not_again", d.one("0s", "1m"),
		"strategy", d.one("longest_idle", "least_occupied", "fewest_calls", "round_robin", "most_skilled", "ordered", "weighted_random"),
		"ring_at_once", d.one("1", "3"), "weight", d.one("1", "0.5", "3"), "level", d.one("0", "3", "5"),
		"relax", d.list(3, func(i int) string {
			return d.keys("!after", d.one(fmt.Sprint(i+1, "0s")), "!level", d.one("0"), "skills", "{english: "+d.one(fmt.Sprint(max(0, 1-i)))+"}", "queues", d.one("[spare]"))
		}),
		"last_agent", d.keys("!within", d.one("24h"), "wait", d.one("0s", "20s")),
		"announce", d.keys("!after", d.one("20s"), "every", d.one("0s", "10s", "1m")),
		"!overflow", d.overflow(hours, other),
		"!callback", d.keys(append(within, "!attempts", d.one("1", "3"), "spacing", d.one("10m", "1m"), "ring_timeout", d.one("20s"),
			"!missed", d.one("true"), "missed_after", d.one("0s", "10s"), "booked_prompts", d.one("x", "[]"))...),
		"redial", d.keys("!within", d.one("5m"), "at_most", d.one("1"), "after", d.one("0s")),
	)...)
}

func (d draft) file() string {
	return fmt.Sprintf(`site: test
http: {token_file: secrets/api.token}
asterisk:
  nodes: [{id: a1, url: "http://127.0.0.1:8088", password_file: secrets/ari.password}]
  seat_password_dir: secrets/seats
  trunks: [{name: carrier, match: [203.0.113.10], contact: %s}]
  outbound_trunk: %s
calendars: [{id: office, weekly: [{days: mon-fri, hours: "08:30-18:00"}]}]
seats: [{range: 8001-8002}]
partners: [{id: xuzhou, number: %s, at_most: %s, ring_timeout: %s, rest: %s}]
priority_worth: %s
admission: %s
blocked_prompts: %s
entries:
  - {number: 1, queue: talent, skills: {english: 2}}
  - %s
queues:
  - {id: spare, overflow: [{wait: 5m, partner: xuzhou}]}
  - %s
  - %s
agents:
  - {id: 1001, queues: [general, talent, spare], skills: {english: 10}}
  - %s
not_ready_reasons: [{name: %s}]
`, d.one(`"sip:203.0.113.10"`), d.one("carrier"),
		d.one("051612345", `"+8651612345"`), d.one("1", "10"), d.one("20s"), d.one("1s", "1m"), d.one("30s", "1m"),
		d.keys("!pace", d.one("0.5", "10"), "burst", d.one("1", "20"), "prompts", d.one("busy-later")), d.one("blocked", "[]", "[a, b]"),
		d.keys("!number", d.one("12345"), "!queue", d.one("general", "talent"), "priority", d.one("0", "-3", "5"), "skills", "{english: "+d.one("2", "5")+"}"),
		d.queue("general", "talent"), d.queue("talent", "general"),
		d.keys("!id", d.one("1002"), "!queues", d.one("[general]", "[talent, general]"), "levels", "{general: "+d.one("1", "10")+"}",
			"skills", "{english: "+d.one("1", "10")+"}", "weight", d.one("1", "0.3"), "wrap_up", d.one("5s")),
		d.one("break", "meal"))
}

func TestEngineTakesAnyCombination(t *testing.T) {
	sandbox(t)
	rapid.Check(t, func(t *rapid.T) {
		if content := (draft{t}).file(); !agree(t, content) {
			_, err := Load("any.yaml")
			t.Fatalf("%v\n%s", err, content)
		}
	})
}

// agree makes sure that what Load accepts the engine accepts too, and that
// what it refuses is explained with place and remedy. The answer is whether it
// was accepted.
func agree(t interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, content string) bool {
	t.Helper()
	if err := os.WriteFile("any.yaml", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load("any.yaml")
	if err == nil {
		if _, err := acd.NewEngine(cfg.ACD(), noFlow{}); err != nil {
			t.Fatalf("the engine refuses what was loaded: %v\n%s", err, content)
		}
		return true
	}
	for _, p := range err.(Problems) {
		if p.Line == 0 || p.Column == 0 || !strings.Contains(p.Text, "; ") {
			t.Fatalf("%v in\n%s", p, content)
		}
	}
	return false
}

// oddValues are of the same kind as a value, or nearly.
func oddValues(value string) []string {
	odd := []string{`""`, "[]", "-1"}
	if _, err := time.ParseDuration(value); err == nil && value != "0" {
		return append(odd, "0s", "-1s", "1ns", "9s", "3m", "1000h")
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return append(odd, "0", "1", "7", "11", "1e-9", "1e9", "NaN")
	}
	if value == "true" || value == "false" {
		return append(odd, "true", "false")
	}
	return append(odd, "0", "x", "general", "business", "night", "break")
}

// Each value of a complete file is replaced by odd ones, and each key is left
// out, one at a time.
func TestEngineTakesWhateverLoads(t *testing.T) {
	full, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sandbox(t)
	content, accepted, refused := string(full), 0, 0
	routing, rest := strings.Index(content, "priority_worth:"), strings.Index(content, "not_ready_reasons:")
	try := func(from, to int, with string) {
		if from < routing || to > rest {
			return // the engine does not see it
		}
		if agree(t, content[:from]+with+content[to:]) {
			accepted++
		} else {
			refused++
		}
	}
	for _, at := range regexp.MustCompile(`: ("[^"]*"|[^\s,\[\]{}"]+)`).FindAllStringSubmatchIndex(content, -1) {
		for _, odd := range oddValues(content[at[2]:at[3]]) {
			try(at[2], at[3], odd)
		}
	}
	for _, key := range []string{`, [a-z_]+: [^\s,\[\]{}]+`, `, [a-z_]+: [\[{][^\[\]{}]+[\]}]`, `[a-z_]+: [^\s,\[\]{}]+, `, `(?m)^ +[a-z_]+: .*\n`} {
		for _, at := range regexp.MustCompile(key).FindAllStringIndex(content, -1) {
			try(at[0], at[1], "")
		}
	}
	if accepted < 100 || refused < 100 {
		t.Errorf("%d were accepted, %d refused", accepted, refused)
	}
}

// Every rule of overflow that can be written.
func TestEngineTakesWhateverRuleLoads(t *testing.T) {
	minimal, err := os.ReadFile("testdata/good/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sandbox(t)
	before := strings.NewReplacer(
		"  seat_password_dir", `  trunks: [{name: carrier, match: [127.0.0.2], contact: "sip:127.0.0.2"}]
  outbound_trunk: carrier
  seat_password_dir`,
		"seats:", "partners: [{id: xuzhou, number: 51612345, at_most: 1}]\nseats:",
		"queues: [general]", "queues: [general, business]",
		"queues: [{id: general}]", `calendars: [{id: office, weekly: [{days: mon, hours: "08:30-18:00"}]}]
queues:
  - {id: general, overflow: [{wait: 5m, partner: xuzhou}]}
  - id: business
    hours: office
    callback: {attempts: 1, within: 168h, missed: true}
    overflow: [{closed: true, to: general}, {`).Replace(string(minimal))
	before, after, _ := strings.Cut(before, "{\n")
	before, after = before+"{", "}]\n"+after
	parts := []string{"closed: true", "no_agents: true", "length: 1", "expected: 1m", "wait: 1m", "to: general", "partner: xuzhou", "callback: true", "refuse: true", "prompts: x"}
	accepted := 0
	for set := 1; set < 1<<len(parts); set++ {
		var chosen []string
		for i, part := range parts {
			if set&(1<<i) != 0 {
				chosen = append(chosen, part)
			}
		}
		if agree(t, before+strings.Join(chosen, ", ")+after) {
			accepted++
		}
	}
	// Five conditions, each with a queue or a partner, with prompts or without,
	// or prompts and one of callback, refusal and nothing.
	if accepted != 5*7 {
		t.Errorf("%d rules were accepted, want 35", accepted)
	}
}
