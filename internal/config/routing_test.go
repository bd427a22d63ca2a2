package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// draft writes a configuration by chance.
type draft struct {
	*rapid.T
	odd int // one value in so many is an odd one; 0: none
}

func (d draft) chance(of int) bool { return rapid.IntRange(1, of).Draw(d.T, "chance") == 1 }

// one of the likely values, seldom another.
func (d draft) one(likely ...string) string {
	if d.odd > 0 && d.chance(d.odd) {
		return rapid.SampledFrom([]string{
			"0", "-1", "1", "11", "1e9", "0.001", "NaN", "0s", "-1s", "1ns", "9s", "2m", "1000h", `""`, "x", "true", "false", "null",
			"[]", "{}", "[general]", "{english: 3}", "{english: 0}", "general", "business", "talent", "[x, x]",
		}).Draw(d.T, "odd")
	}
	return rapid.SampledFrom(likely).Draw(d.T, "value")
}

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
		return "{" + condition + ", " + d.one("to: "+other, "to: spare", "callback: true, prompts: callback-offer", "refuse: true, prompts: [closed]", "prompts: waiting") + "}"
	})
	if hours {
		rules = strings.TrimSuffix(rules, "]") + ", {closed: true, to: spare}]"
	}
	return rules
}

func (d draft) queue(id, other string) string {
	hours := d.chance(3)
	var keep []string
	if hours {
		keep = []string{"!hours", d.one("office")}
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
		"!callback", d.keys("!attempts", d.one("1", "3"), "spacing", d.one("10m", "1m"), "ring_timeout", d.one("20s"), "within", d.one("2h"),
			"!missed", d.one("true"), "missed_after", d.one("0s", "10s"), "booked_prompts", d.one("x", "[]")),
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
  callback_trunk: %s
calendars: [{id: office, weekly: [{days: mon-fri, hours: "08:30-18:00"}]}]
seats: [{range: 8001-8002}]
priority_worth: %s
admission: %s
blocked_prompts: %s
entries:
  - {number: 1, queue: talent, skills: {english: 2}}
  - %s
queues:
  - {id: spare}
  - %s
  - %s
agents:
  - {id: 1001, queues: [general, talent, spare], skills: {english: 10}}
  - %s
not_ready_reasons: [{name: %s}]
`, d.one(`"sip:203.0.113.10"`), d.one("carrier"), d.one("30s", "1m"),
		d.keys("!pace", d.one("0.5", "10"), "burst", d.one("1", "20"), "prompts", d.one("busy-later")), d.one("blocked", "[]", "[a, b]"),
		d.keys("!number", d.one("12345"), "!queue", d.one("general", "talent"), "priority", d.one("0", "-3", "5"), "skills", "{english: "+d.one("2", "5")+"}"),
		d.queue("general", "talent"), d.queue("talent", "general"),
		d.keys("!id", d.one("1002"), "!queues", d.one("[general]", "[talent, general]"), "levels", "{general: "+d.one("1", "10")+"}",
			"skills", "{english: "+d.one("1", "10")+"}", "weight", d.one("1", "0.3"), "wrap_up", d.one("5s")),
		d.one("break", "meal"))
}

// What Load accepts the engine accepts too; what it refuses is explained with
// place and remedy.
func TestEngineTakesWhateverLoads(t *testing.T) {
	sandbox(t)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d := draft{t, rapid.SampledFrom([]int{0, 30, 100, 400}).Draw(t, "oddity")}
		content := d.file()
		if err := os.WriteFile("any.yaml", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load("any.yaml")
		if err == nil {
			accepted++
			if _, err := acd.NewEngine(cfg.ACD(), noFlow{}); err != nil {
				t.Fatalf("%v\n%s", err, content)
			}
			return
		}
		if d.odd == 0 {
			t.Fatalf("%v\n%s", err, content)
		}
		refused++
		for _, p := range err.(Problems) {
			if p.Line == 0 || p.Column == 0 || !strings.Contains(p.Text, "; ") {
				t.Fatalf("%v in\n%s", p, content)
			}
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("%d were accepted, %d refused", accepted, refused)
	}
	t.Logf("%d were accepted, %d refused", accepted, refused)
}
