package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotline/internal/config"
)

// answers are those of an API to METHOD PATH; it takes one token.
type answers map[string]string

func (a answers) serve(t *testing.T, start func(*httptest.Server), asked *[]string) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
		answer, known := a[r.Method+" "+r.URL.Path]
		if r.Header.Get("Authorization") != "Bearer right" || !known {
			w.WriteHeader(http.StatusUnauthorized)
			answer = `{"detail":"the token is wrong","code":"unauthorized"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	s.Config.ErrorLog = nil
	start(s)
	t.Cleanup(s.Close)
	return s
}

// ask runs the program with the configuration of an API.
func ask(at config.HTTP, line ...string) (string, error) {
	cmd := program(func() (*config.Config, error) { return &config.Config{Site: "lyg", HTTP: at}, nil })
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(line)
	err := cmd.Execute()
	return out.String(), err
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDeskCommands(t *testing.T) {
	agent := `{"agent":"1001","name":"王","queues":["general","tax"],"seat":"8001","state":"not_ready","reason":"break","in_state":61.4,"answered":3,"levels":{"general":10,"tax":4},"skills":{"law":3,"english":7},"assigned":true}`
	call := `{"call":"a1-1.9","node":"a1","entry":"12345","caller":"138****5678","queue":"tax","priority":-5,"phase":"waiting","wait":31.2,"talk":0,"offers":1}`
	of := answers{
		"GET /api/v1/queues":                    `{"queues":[{"queue":"general","title":"综合","waiting":2,"longest_wait":12.4,"talking":1,"agents":{"ready":0,"not_ready":3},"open":true,"expected_wait":135},{"queue":"tax","title":"","agents":{},"open":false,"expected_wait":null}]}`,
		"GET /api/v1/agents":                    `{"agents":[` + agent + `,{"agent":"1002","name":"","queues":["tax"],"state":"ready","in_state":5}]}`,
		"POST /api/v1/agents/1001/skills":       agent,
		"POST /api/v1/agents/1001/skills/reset": agent,
		"POST /api/v1/calls/a1-1.9/move":        call,
		"POST /api/v1/calls/a1-1.9/prioritise":  call,
		"GET /api/v1/calls":                     `{"calls":[]}`,
		"GET /api/v1/callbacks":                 `{"callbacks":[{"callback":"a1-1.7","number":"138****5678","queue":"general","state":"waiting","waits":90,"attempts":1,"last":"busy"}]}`,
		"POST /api/v1/callbacks/a1-1.7/cancel":  `{"callbacks":[]}`,
		"POST /api/v1/agents/1001/not-ready":    agent,
		"GET /api/v1/emergency":                 `{"prompts":[]}`,
		"POST /api/v1/reload":                   `{"status":"applied"}`,
		"PUT /api/v1/emergency":                 `{"prompts":["flood-warning","stay-indoors"]}`,
	}
	const agents = "AGENT  STATE      REASON  FOR   SEAT  CALL  ANSWERED  QUEUES                       SKILLS           NAME\n" +
		"1001   not_ready  break   1m1s  8001  -     3         general=10,tax=4 (assigned)  english=7,law=3  王\n"
	const calls = "CALL    CALLER       ENTRY  QUEUE  PRIORITY  PHASE    WAIT  TALK  AGENT  SEAT  OFFERS  NODE\na1-1.9  138****5678  12345  tax    -5        waiting  31s   0s    -      -     1       a1\n"
	var asked []string
	s := of.serve(t, (*httptest.Server).Start, &asked)
	token := file(t, "token", "right\n")
	where := []string{"--api", s.URL, "--token-file", token}
	for _, c := range []struct{ line, asks, want string }{
		{"queues list", "GET /api/v1/queues", "QUEUE    OPEN  WAITING  LONGEST WAIT  EXPECTED WAIT  TALKING  READY  NOT READY  WRAP-UP  TITLE\ngeneral  yes   2        12s           2m15s          1        0      3          0        综合\ntax      no    0        0s            -              0        0      0          0        -\n"},
		{"agents list --queue general", "GET /api/v1/agents", agents},
		{"agents list --state talking", "GET /api/v1/agents", "no agent is so\n"},
		{"agents not-ready 1001 break", `POST /api/v1/agents/1001/not-ready {"reason":"break"}`, agents},
		{"agents skills 1001 --queue general=10 --queue tax=4 --skill law=3", `POST /api/v1/agents/1001/skills {"queues":{"general":10,"tax":4},"skills":{"law":3}}`, agents},
		{"agents skills 1001 --queue general=10", `POST /api/v1/agents/1001/skills {"queues":{"general":10}}`, agents},
		{"agents skills 1001 --reset", "POST /api/v1/agents/1001/skills/reset", agents},
		{"calls move a1-1.9 tax", `POST /api/v1/calls/a1-1.9/move {"queue":"tax"}`, calls},
		{"calls prioritise a1-1.9 5", `POST /api/v1/calls/a1-1.9/prioritise {"priority":5}`, calls},
		{"calls live", "GET /api/v1/calls", "nobody is on the line\n"},
		{"calls live --format json", "GET /api/v1/calls", "[]\n"},
		{"callbacks list", "GET /api/v1/callbacks", "CALLBACK  NUMBER       QUEUE    STATE    WAITS  ATTEMPTS  LAST  NEXT  EXPIRES\na1-1.7    138****5678  general  waiting  1m30s  1         busy  -     -\n"},
		{"callbacks cancel a1-1.7", "POST /api/v1/callbacks/a1-1.7/cancel {}", "nobody waits for a callback any more\n"},
		{"emergency show", "GET /api/v1/emergency", "there is no emergency announcement\n"},
		{"emergency on flood-warning,stay-indoors", `PUT /api/v1/emergency {"prompts":["flood-warning","stay-indoors"]}`, "PROMPT\nflood-warning\nstay-indoors\n"},
		{"reload", "POST /api/v1/reload {}", "the configuration is applied\n"},
		{"emergency off", `PUT /api/v1/emergency {"prompts":[]}`, "PROMPT\nflood-warning\nstay-indoors\n"},
	} {
		asked = nil
		out, err := ask(config.HTTP{}, append(strings.Fields(c.line), where...)...)
		if err != nil || out != c.want || len(asked) != 1 || asked[0] != c.asks {
			t.Errorf("%s: asked %q, %v\n%s, want\n%s", c.line, asked, err, out, c.want)
		}
	}
	asked = nil
	if _, err := ask(config.HTTP{}, append(append([]string{"calls", "prioritise"}, where...), "a1-1.9", "--", "-5")...); err != nil || len(asked) != 1 || asked[0] != `POST /api/v1/calls/a1-1.9/prioritise {"priority":-5}` {
		t.Errorf("asked %q, %v", asked, err)
	}
	var list []map[string]any
	out, err := ask(config.HTTP{}, append([]string{"agents", "list", "--format", "json"}, where...)...)
	if err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list) != 2 || list[0]["reason"] != "break" {
		t.Errorf("%v\n%s", err, out)
	}
	for want, line := range map[string][]string{
		"the token is wrong":          {"queues", "list", "--api", s.URL, "--token-file", file(t, "other", "wrong")},
		"does not hold one API token": {"queues", "list", "--api", s.URL, "--token-file", file(t, "empty", "\n")},
		"--token-file: ":              {"queues", "list", "--api", s.URL, "--token-file", "/nowhere"},
		"name all queues":             append([]string{"agents", "skills", "1001", "--skill", "law=3"}, where...),
		"is not a name and a level":   append([]string{"agents", "skills", "1001", "--queue", "tax=11"}, where...),
		"is no number of points":      append([]string{"calls", "prioritise", "a1-1.9", "more"}, where...),
		"a prompt is missing":         append([]string{"emergency", "on", "a,,b"}, where...),
	} {
		if _, err := ask(config.HTTP{}, line...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want: %s", line, err, want)
		}
	}
}

func TestConfigurationCommands(t *testing.T) {
	const is, was = "krxi7mbq2tdw5ozc4vfa", "bq4x3nuh7ovdz2scykpe"
	present := `{"file":"hotline.yaml","version":"` + is + `","applied":"2026-11-24T12:00:00Z","by":"li.si","file_differs":false,"text":"site: lyg\n"}`
	of := answers{
		"GET /api/v1/configuration":                `{"file":"hotline.yaml","version":"` + was + `","text":"site: lyg\n"}`,
		"PUT /api/v1/configuration":                present,
		"POST /api/v1/configuration/rollback":      present,
		"POST /api/v1/configuration/validate":      `{"valid":true,"changes":["queue general: wrap_up 30s → 45s"]}`,
		"GET /api/v1/configuration/history":        `{"versions":[{"number":2,"version":"` + was + `","by":"li.si","note":"why","size":9,"lines_added":2,"lines_removed":1}]}`,
		"GET /api/v1/configuration/history/" + was: `{"version":"` + was + `","text":"site: old\n"}`,
	}
	var asked []string
	s := of.serve(t, (*httptest.Server).Start, &asked)
	where := []string{"--api", s.URL, "--token-file", file(t, "token", "right\n")}
	text := file(t, "new.yaml", "site: new\n")
	const get = "GET /api/v1/configuration"
	for _, c := range []struct {
		line []string
		asks string
		want string
	}{
		{[]string{"show"}, get, "site: lyg\n"},
		{[]string{"show", "--version", was}, get + "/history/" + was, "site: old\n"},
		{[]string{"validate", text}, `POST /api/v1/configuration/validate {"text":"site: new\n"}`, "queue general: wrap_up 30s → 45s\n"},
		{[]string{"apply", text, "--note", "more time"}, get + ` PUT /api/v1/configuration {"note":"more time","text":"site: new\n"}`, "version " + is + " is applied, in the place of " + was + "\n"},
		{[]string{"apply", text, "--replaces", is}, `PUT /api/v1/configuration {"note":"","text":"site: new\n"}`, "version " + is + " is applied, in the place of " + is + "\n"},
		{[]string{"rollback", was}, get + ` POST /api/v1/configuration/rollback {"note":"","version":"` + was + `"}`, "version " + is + " is applied, in the place of " + was + "\n"},
		{[]string{"history"}, get + "/history", "VERSION               APPLIED  BY     LINES  BYTES  NOTE\n" + was + "  -        li.si  +2 -1  9      why\n"},
	} {
		asked = nil
		out, err := ask(config.HTTP{}, slices.Concat([]string{"configuration"}, c.line, where)...)
		if err != nil || out != c.want || strings.Join(asked, " ") != c.asks {
			t.Errorf("%v: asked %q, %v\n%s, want\n%s", c.line, asked, err, out, c.want)
		}
	}
	of["POST /api/v1/configuration/validate"] = `{"valid":false,"mistakes":["line 1, column 1: sight is not a known key"]}`
	if out, err := ask(config.HTTP{}, slices.Concat([]string{"configuration", "validate", text}, where)...); !errors.Is(err, errFound) || out != "line 1, column 1: sight is not a known key\n" {
		t.Errorf("%v %s", err, out)
	}
	of["POST /api/v1/configuration/validate"] = `{"valid":true,"changes":["log.level info → debug"],"needs_restart":["log"]}`
	if out, err := ask(config.HTTP{}, slices.Concat([]string{"configuration", "validate", text}, where)...); !errors.Is(err, errFound) || !strings.HasSuffix(out, "a change of log takes a restart, and is not applied here\n") {
		t.Errorf("%v %s", err, out)
	}
}

// The certificate of the configuration is known by itself, and no other is.
func TestDeskKnowsItsOwnCertificate(t *testing.T) {
	var asked []string
	s := answers{"GET /api/v1/queues": `{"queues":[]}`}.serve(t, (*httptest.Server).StartTLS, &asked)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	at := config.HTTP{Listen: netip.MustParseAddrPort(s.Listener.Addr().String()), TLSCert: file(t, "own.pem", string(own))}
	line := []string{"queues", "list", "--token-file", file(t, "token", "right")}
	if out, err := ask(at, line...); err != nil || out != "there are no queues\n" {
		t.Errorf("%q, %v", out, err)
	}
	asked = nil
	other := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append([]byte{}, s.Certificate().RawSubject...)})
	at.TLSCert = file(t, "other.pem", string(other))
	if _, err := ask(at, line...); err == nil || !strings.Contains(err.Error(), "its certificate is not that of "+at.TLSCert) || len(asked) > 0 {
		t.Errorf("%v, asked %v", err, asked)
	}
	at.TLSCert = file(t, "none.pem", "nothing")
	if _, err := ask(at, line...); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Error(err)
	}
}

func TestOwnAPI(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://[::1]:80", "10.0.0.5:8080": "http://10.0.0.5:8080",
	} {
		if got, _, err := ownAPI(config.HTTP{Listen: netip.MustParseAddrPort(listen)}); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", listen, got, err, want)
		}
	}
}
