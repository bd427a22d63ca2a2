package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/lab"
	"hotline/internal/phone"
)

// A floor of 300, of whom three have phones here.
const floor = `
entries:
  - {number: "12345", queue: general}
  - {number: "12346", queue: general, skills: {english: 3}}
queues:
  - {id: general, title: 综合受理, ring_timeout: 30s, wrap_up: 2s}
  - {id: business, title: 企业服务, ring_timeout: 30s, wrap_up: 2s}
  - {id: talent, title: 尚贤人才, ring_timeout: 30s, wrap_up: 2s}
agents:
  - {range: 1001-1280, name: "坐席 {id}", queues: [general], skills: {english: 3}}
  - {range: 1281-1295, name: "坐席 {id}", queues: [business, general]}
  - {range: 1296-1300, name: "坐席 {id}", queues: [talent]}
`

const floorAgents = 300

// TestPages lets people use the pages, in a real Chromium by Playwright, while real phones
// call and answer as those tests say (internal/web/app/test). PAGES_GREP chooses some of
// them, PAGES_SHOTS is a folder that keeps pictures of the pages.
func TestPages(t *testing.T) {
	app, err := filepath.Abs("../web/app")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"node_modules", "../dist/site/index.html"} {
		if _, err := os.Stat(filepath.Join(app, needed)); err != nil {
			t.Fatalf("the pages are not built (%v); run make pages", err)
		}
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; run make deps", err)
	}
	o := officeIn(t, start(t, lab.Site{Agents: floorAgents, Routing: floor}))
	o.fillFloor()
	stage := httptest.NewServer((&stage{office: o, calls: make(map[acd.AgentID]*phone.Call)}).handler())
	t.Cleanup(stage.Close)

	shots := os.Getenv("PAGES_SHOTS") // where to keep what the pages look like
	if shots == "" {
		shots = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "node_modules/@playwright/test/cli.js", "test", "--grep", os.Getenv("PAGES_GREP"))
	cmd.Dir = app
	cmd.Env = append(os.Environ(), "HOTLINE_URL="+o.lab.API, "HOTLINE_TOKEN="+o.lab.Config.HTTP.Token.Reveal(), "ADMIN_PASSWORD="+o.admin(),
		"PAGES_STAGE="+stage.URL, "PAGES_SHOTS="+shots, "PAGES_OUTPUT="+t.TempDir(), "CHROMIUM="+chromium, "HOME="+t.TempDir())
	// Browsers are children of node: all of them end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("the pages: %v", err)
	}
}

// fillFloor seats everybody who has no phone, not ready.
func (o *office) fillFloor() {
	o.t.Helper()
	for i := len(o.phones); i < floorAgents; i++ {
		agent, seat := fmt.Sprint(lab.FirstAgent+i), fmt.Sprint(lab.FirstSeat+i)
		if _, err := o.api.Login(o.t.Context(), acd.AgentID(agent), acd.SeatID(seat)); err != nil {
			o.t.Fatal(err)
		}
	}
}

// admin makes the first admin and gives the password.
func (o *office) admin() string {
	o.t.Helper()
	const password = "seven seas and one harbour"
	file := filepath.Join(o.t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.lab.Hotline(o.t.Context(), "admin", "create", "root.admin", "--password-file", file); err != nil {
		o.t.Fatal(err)
	}
	return password
}

// stage lets the tests of the pages speak to the phones.
type stage struct {
	*office
	mu      sync.Mutex
	callers []*phone.Call               // guarded by mu; on the line
	calls   map[acd.AgentID]*phone.Call // guarded by mu; at the agents' phones
}

func (s *stage) handler() http.Handler {
	for agent, d := range s.phones {
		d.SetPlan(func(c *phone.Call) phone.Plan {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.calls[agent] = c
			return phone.RingOn()
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /dial", s.does(func(ctx context.Context, body map[string]string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.person++
		c, err := s.phone("127.0.0.2:0", fmt.Sprintf("1390518%04d", s.person), "").Dial(body["number"], phone.CallOptions{})
		if err != nil {
			return err
		}
		s.callers = append(s.callers, c)
		return c.WaitAnswered(ctx)
	}))
	mux.HandleFunc("POST /answer", s.does(func(ctx context.Context, body map[string]string) error {
		c, err := s.ringing(ctx, acd.AgentID(body["agent"]))
		if err != nil {
			return err
		}
		return c.Answer()
	}))
	mux.HandleFunc("POST /hangup", s.does(func(context.Context, map[string]string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.callers {
			c.Hangup()
		}
		s.callers = nil
		return nil
	}))
	mux.HandleFunc("POST /restart", s.does(func(ctx context.Context, _ map[string]string) error {
		if err := s.lab.StopServe(); err != nil {
			return err
		}
		return s.lab.StartServe(ctx)
	}))
	return mux
}

// does answers with the moment at which it was done, in milliseconds since 1970.
func (s *stage) does(what func(ctx context.Context, body map[string]string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
		defer cancel()
		var body map[string]string
		err := json.NewDecoder(r.Body).Decode(&body)
		if err == nil {
			err = what(ctx, body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]int64{"at": time.Now().UnixMilli()})
	}
}

// ringing is the call at an agent's phone, once it rings.
func (s *stage) ringing(ctx context.Context, agent acd.AgentID) (*phone.Call, error) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		s.mu.Lock()
		c := s.calls[agent]
		delete(s.calls, agent)
		s.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("the phone of agent %s does not ring", agent)
		}
	}
}
