package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/certtest"
	"hotline/internal/traffic"
)

var update = flag.Bool("update", false, "write the expected texts of testdata/bad, and the tables of docs/configuration.md, anew")

// sandbox makes a working directory with secret files of all kinds. They
// cannot lie in testdata, since version control does not keep their modes.
func sandbox(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("secrets/seats", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"api.token": "0123456789abcdef\n", "ari.password": "ari-password-of-the-test\r\n", "redis.password": "redis-password",
		"open.password": "open", "empty": "\n", "two-lines": "one\ntwo\n", "short": "tooshort",
		"seats/8001": "seat-8001-password\n", "seats/8002": "seat-8002-password\n",
		"pins":        "# work number, PIN\n1001 4711\n\n0999  123456\n",
		"headers":     "# of the collector\nAuthorization: Bearer key:of-the-test\n\nX-Scope-OrgID: city-1\r\n",
		"bad-headers": "Authorization\nX-Key: a\nContent-Type: text/plain\nx-key: b\nX-Empty:\n",
		"bad-pins":    "1001 47\n1002 4711\n1002 4712\n1003 4711\n1001 4711 x\n",
	} {
		path := filepath.Join("secrets", name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certtest.Write(t, "secrets/cert.pem", "secrets/key.pem")
	if err := os.Chmod("secrets/open.password", 0o644); err != nil {
		t.Fatal(err)
	}
}

// fixture copies a file of testdata into the sandbox.
func fixture(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sandbox(t)
	name := filepath.Base(path)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func fixtures(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in testdata/%s: %v", folder, err)
	}
	return files
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestGoodFilesLoad(t *testing.T) {
	for _, path := range fixtures(t, "good") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			cfg, err := Load(fixture(t, absolute(t, path)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := acd.NewEngine(cfg.ACD(), noFlow{}); err != nil {
				t.Errorf("the engine refuses what was loaded: %v", err)
			}
		})
	}
}

// noFlow is a call flow that no call ever enters.
type noFlow struct{ acd.Flow }

func TestBadFilesAreRefused(t *testing.T) {
	for _, path := range fixtures(t, "bad") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			path := absolute(t, path)
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			cfg, err := Load(fixture(t, path))
			if err == nil {
				t.Fatalf("accepted: %+v", cfg)
			}
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			for line := range strings.Lines(got) {
				if !strings.Contains(line, "; ") {
					t.Errorf("no remedy in: %s", line)
				}
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("nowhere.yaml")
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 || !strings.HasPrefix(err.Error(), "nowhere.yaml: the configuration file does not exist; ") {
		t.Errorf("got %v", err)
	}
}

func TestFullFile(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/full.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	equal := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	same := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
		}
	}
	equal("redis", cfg.Redis.Address+cfg.Redis.Username, "redis.internal:6380hotline")
	equal("redis password", cfg.Redis.Password.Reveal(), "redis-password")
	equal("token", cfg.HTTP.Token.Reveal(), "0123456789abcdef")
	equal("listen", cfg.HTTP.Listen, "[::1]:8080")
	equal("reports", cfg.Reports, Reports{"示例市12345", "/usr/bin/chromium"})
	equal("operations", cfg.Operations.Listen, "[::1]:9090")
	equal("tracing", cfg.Tracing.Endpoint, "https://collector.internal:4318/otlp")
	equal("sample", cfg.Tracing.Sample, 0.25)
	same("headers", cfg.Tracing.Headers, map[string]Secret{"authorization": NewSecret("Bearer key:of-the-test"), "x-scope-orgid": NewSecret("city-1")})
	if tls, err := cfg.Tracing.TLS.Client(); err != nil || tls == nil {
		t.Errorf("tracing.ca: %v, %v", tls, err)
	}
	same("traffic", cfg.Traffic, traffic.Options{Thresholds: []int{20, 10, 300}, ShortAbandon: 10, Published: traffic.OfOfferedLessShort})
	equal("node 1", cfg.Asterisk.Nodes[0].URL, "http://127.0.0.1:8088")
	equal("node password", cfg.Asterisk.Nodes[1].Password.Reveal(), "ari-password-of-the-test")
	equal("ports", []uint16{cfg.Asterisk.RTPStart, cfg.Asterisk.RTPEnd}, "[20000 20999]")
	equal("fallback", cfg.Asterisk.FallbackAfter, 2*time.Minute)
	equal("trunks", cfg.Asterisk.Trunks, "[{carrier [127.0.0.2 10.1.0.0/24 10.2.0.1:5060] sip:10.2.0.1:5070} {other [127.0.0.3] }]")
	same("partners", cfg.ACD().Partners, []acd.Partner{
		{ID: "xuzhou", Title: "徐州12345", Number: "051612345", AtMost: 10, RingTimeout: 20 * time.Second, Rest: 2 * time.Minute, ShowCaller: true},
		{ID: "suqian", Title: "suqian", Number: "+8652712345", AtMost: 1, RingTimeout: 30 * time.Second, Rest: time.Minute},
	})
	equal("outbound trunk", cfg.Asterisk.OutboundTrunk, "carrier")
	equal("entries", cfg.Entries, "[{12345 general [greeting please-hold] 0 []} {+8651812345 business [] -2 []} {12345002 general [] 5 [{english 6} {law 2}]}]")
	equal("worth of priority", cfg.PriorityWorth, 45*time.Second)
	equal("admission", cfg.Admission, "{2.5 20 [busy-later goodbye]}")
	equal("shutdown", cfg.Shutdown, "{10m0s [busy-later goodbye]}")
	equal("blocked prompts", cfg.BlockedPrompts, "[blocked goodbye]")
	general, business, night := cfg.Queues[0], cfg.Queues[1], cfg.Queues[2]
	business.Hours, night.Hours = nil, nil // see TestOpeningHours
	same("queue general", general, acd.Queue{
		ID: "general", Title: "综合受理", Music: "quiet", Ringback: true, RingTimeout: 20 * time.Second,
		Strategy: acd.LongestIdle, RingAtOnce: 1, Weight: 1, NotAgain: 30 * time.Second,
	})
	same("queue business", business, acd.Queue{
		ID: "business", Title: "企业服务", Music: "default", RingTimeout: 15 * time.Second, WrapUp: 10 * time.Second,
		Strategy: acd.WeightedRandom, RingAtOnce: 2, Weight: 1.5, Level: 7,
		Relax: []acd.Relaxation{
			{After: 10 * time.Second, Level: 5},
			{After: 20 * time.Second, Level: 5, Skills: []acd.Requirement{{Skill: "english", Level: 3}}},
			{After: 40 * time.Second, Skills: []acd.Requirement{{Skill: "english"}, {Skill: "law", Level: 1}}, Queues: []acd.QueueID{"general", "night"}},
		},
		LastAgent: acd.LastAgent{Within: 24 * time.Hour, Wait: 20 * time.Second},
		Announce:  acd.Announce{After: 20 * time.Second, Every: 90 * time.Second},
		Overflow: []acd.Overflow{
			{Closed: true, To: "general", Prompts: []string{"closed"}},
			{NoAgents: true, To: "general"},
			{Length: 30, Refuse: true, Prompts: []string{"agents-busy", "goodbye"}},
			{Expected: 5 * time.Minute, Callback: true, Prompts: []string{"callback-offer"}},
			{Wait: time.Minute, Prompts: []string{"agents-busy"}},
			{Wait: 90 * time.Second, Partner: "xuzhou"},
			{Wait: 100 * time.Second, Partner: "suqian", Prompts: []string{"partner-asked"}},
			{Wait: 2 * time.Minute, To: "night"},
		},
		Callback: acd.Callback{
			Attempts: 3, Spacing: 20 * time.Minute, RingTimeout: 25 * time.Second, Within: 72 * time.Hour,
			Missed: true, MissedAfter: 5 * time.Second,
		},
		Redial: acd.Redial{Within: 5 * time.Minute, AtMost: 1, After: 15 * time.Second},
		Rating: acd.Rating{Prompts: []string{"please", "rating"}, Attempts: 3, Timeout: 8 * time.Second},
	})
	same("what is left out of night", night, acd.Queue{
		ID: "night", Title: "night", Music: "default", RingTimeout: 15 * time.Second, WrapUp: 10 * time.Second,
		Strategy: acd.LongestIdle, RingAtOnce: 1, Weight: 1, NotAgain: 30 * time.Second,
		LastAgent: acd.LastAgent{Within: time.Hour},
		Announce:  acd.Announce{After: 30 * time.Second},
		Overflow: []acd.Overflow{
			{Closed: true, Refuse: true, Prompts: []string{"closed"}},
			{Wait: 45 * time.Second, Callback: true, Prompts: []string{"callback-offer"}},
		},
		Callback: acd.Callback{
			Attempts: 1, Spacing: 10 * time.Minute, RingTimeout: 30 * time.Second, Within: 65 * time.Hour,
			MissedAfter: 10 * time.Second, BookedPrompts: []string{"callback-booked"},
		},
		Redial: acd.Redial{Within: time.Minute, AtMost: 2, After: 10 * time.Second},
		Rating: acd.Rating{Prompts: []string{"rating"}, Thanks: []string{"rating-thanks"}, Attempts: 2, Timeout: 5 * time.Second},
	})
	equal("seats", cfg.Seats, "[{window-1 sip:w1@10.0.0.9:5062} {0098 sip:0098@10.0.0.1:5060} {0099 sip:0099@10.0.0.1:5060} {0100 sip:0100@10.0.0.1:5060} {0101 sip:0101@10.0.0.1:5060} {8001 }]")
	same("agent 1001", cfg.ACD().Agents[0], acd.Agent{
		ID: "1001", Name: "张三", Queues: []acd.QueueID{"general", "business", "night"},
		Levels: map[acd.QueueID]acd.Level{"business": 7, "night": 1}, Skills: map[acd.SkillID]acd.Level{"english": 6, "law": 10},
		Weight: 0.5, WrapUp: 40 * time.Second, PIN: "4711",
	})
	equal("the other agents", cfg.ACD().Agents[1:], "[{0998 坐席 0998 [general] map[] map[] 1 0s } {0999 坐席 0999 [general] map[] map[] 1 0s 123456} {1000 坐席 1000 [general] map[] map[] 1 0s }]")
	equal("reasons", cfg.NotReadyReasons, "[{break 小休 1} {training training }]")
	equal("zone", cfg.Location, "Asia/Shanghai")

	passwords, err := cfg.SeatPasswords()
	if err != nil {
		t.Fatal(err)
	}
	equal("seat passwords", len(passwords), 1)
	equal("seat password", passwords["8001"].Reveal(), "seat-8001-password")
}

// TestTracingNeedsARestart, which a reload says.
func TestTracingNeedsARestart(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/full.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	other := *cfg
	if differs := cfg.NeedsRestart(&other); len(differs) > 0 {
		t.Errorf("the same differs in %v", differs)
	}
	other.Tracing.Sample = 1
	if differs := cfg.NeedsRestart(&other); !slices.Equal(differs, []string{"tracing"}) {
		t.Errorf("it differs in %v, want tracing", differs)
	}
}

func TestOpeningHours(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/full.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		queue acd.QueueID
		at    string
		open  bool
	}{
		{"general", "2026-02-17 03:00", true}, // without a calendar
		{"business", "2026-02-12 17:30", true},
		{"business", "2026-02-12 12:00", false},
		{"business", "2026-02-13 17:30", false}, // a Friday
		{"business", "2026-02-14 16:59", true},  // a Saturday like a Friday
		{"business", "2026-02-14 17:30", false},
		{"business", "2026-02-16 09:00", true}, // a holiday
		{"business", "2026-02-16 14:00", false},
		{"business", "2026-02-17 09:00", false}, // closed
		{"business", "2026-11-24 09:00", false}, // other hours for three days
		{"business", "2026-11-26 11:00", true},
		{"business", "2026-11-27 09:00", true},
		{"business", "2026-11-28 09:00", false},
		{"night", "2026-11-27 05:59", true}, // from Thursday on
		{"night", "2026-11-27 22:00", false},
		{"night", "2026-11-29 22:00", true},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, cfg.Location)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(cfg.Queues, func(q acd.Queue) bool { return q.ID == c.queue })
		if hours := cfg.ACD().Queues[i].Hours; hours == nil != (c.queue == "general") {
			t.Errorf("queue %s has the hours %v", c.queue, hours)
		} else if got := hours == nil || hours.Open(at.UTC()); got != c.open {
			t.Errorf("queue %s at %s: open %v", c.queue, c.at, got)
		}
	}
	if list := fmt.Sprint(cfg.Holidays["china"].List()[:2]); list != "[{2026-02-14 workday 春节调休} {2026-02-15 holiday 春节}]" {
		t.Errorf("holidays: %s", list)
	}
	if got := len(cfg.Holidays["china"].List()); got != 11 {
		t.Errorf("%d holidays", got)
	}
}

func TestSeatPasswordsNamesEachMissingFile(t *testing.T) {
	cfg, err := Load(fixture(t, absolute(t, "testdata/good/minimal.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("secrets/seats/8002"); err != nil {
		t.Fatal(err)
	}
	_, err = cfg.SeatPasswords()
	want := "minimal.yaml: seat 8002: the secret file secrets/seats/8002 does not exist; create it with mode 0600, or correct the path"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestRelativePathsBeginAtTheFile(t *testing.T) {
	name := absolute(t, fixture(t, absolute(t, "testdata/good/full.yaml")))
	t.Chdir(t.TempDir())
	if _, err := Load(name); err != nil {
		t.Error(err)
	}
}

func TestSecretNeverShows(t *testing.T) {
	secret := NewSecret("hunter2")
	wrapped := Redis{Password: secret}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", secret, secret, secret, secret, secret, secret, secret, wrapped, wrapped, &wrapped)
	data, err := json.Marshal(wrapped)
	if err != nil {
		t.Fatal(err)
	}
	shown += string(data)
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, "68756e7465") || strings.Count(shown, hidden) != 11 {
		t.Errorf("shown: %s", shown)
	}
}
