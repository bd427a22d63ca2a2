package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/lab"
	"hotline/internal/phonescript"
	"hotline/internal/versus"
)

const (
	busyAgents = 300
	busyCalls  = 200
	// mayCost is how much of a core an open wallboard may cost the server.
	mayCost = 0.05
	stretch = 20 * time.Second
)

// TestWallboardCost measures what an open wallboard costs the server while 300 agents are
// at real phones and 200 calls go on. It takes minutes of a quiet machine: make wall.
func TestWallboardCost(t *testing.T) {
	if os.Getenv("HOTLINE_WALL") == "" {
		t.Skip("make wall runs it")
	}
	l := start(t, lab.Site{Agents: busyAgents, WrapUp: "10s", NoGreeting: true})
	scenario, err := l.People(busyAgents)
	if err != nil {
		t.Fatal(err)
	}
	scenario.Seed = 12345
	scenario.Duration, scenario.WindDown = 5*time.Minute, 20*time.Second
	scenario.Callers.Rate, scenario.Callers.AtOnce = 6, busyCalls+20
	scenario.Callers.Talk = phonescript.Spread{Mean: 70 * time.Second, Min: 20 * time.Second, Max: 3 * time.Minute}
	script, err := phonescript.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		_, err := script.Run(ctx)
		ran <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if err := script.Close(); err != nil {
			t.Error(err)
		}
	})
	within(t, 6*time.Minute, "200 calls go on", func(ctx context.Context) (bool, string) {
		s, err := l.Client.Snapshot(ctx)
		return err == nil && len(s.Calls) >= busyCalls, fmt.Sprint(len(s.Calls), err)
	})
	var without, with time.Duration
	for range 2 { // in turn, so that what the machine does otherwise falls on both
		without += consumed(t, l, stretch)
		shut := openWall(t, l)
		with += consumed(t, l, stretch)
		shut()
	}
	s, err := l.Client.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seated := 0
	for _, a := range s.Agents {
		if a.State != acd.LoggedOut {
			seated++
		}
	}
	share := func(d time.Duration) float64 { return d.Seconds() / (2 * stretch).Seconds() }
	t.Logf("%d agents, %d calls: hotline takes %.1f %% of a core without a page, %.1f %% with an open wallboard", seated, len(s.Calls), 100*share(without), 100*share(with))
	if cost := share(with) - share(without); cost > mayCost {
		t.Errorf("an open wallboard costs the server %.1f %% of a core, more than %.0f %%", 100*cost, 100*mayCost)
	}
}

// consumed is the processor time of the controller in a stretch of time.
func consumed(t *testing.T, l *lab.Lab, stretch time.Duration) time.Duration {
	t.Helper()
	before := processorTime(t, l.PID())
	time.Sleep(stretch) // what is measured is a rate over this time
	return processorTime(t, l.PID()) - before
}

func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	used, err := versus.ProcessorTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// openWall opens the wallboard in a Chromium, until shut is called.
func openWall(t *testing.T, l *lab.Lab) (shut func()) {
	t.Helper()
	app, err := filepath.Abs("../web/app")
	if err != nil {
		t.Fatal(err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; run make deps", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, "node", "test/open.mjs")
	cmd.Dir, cmd.Stderr = app, os.Stderr
	cmd.Env = append(os.Environ(), "HOTLINE_URL="+l.API, "HOTLINE_TOKEN="+l.Config.HTTP.Token.Reveal(), "CHROMIUM="+chromium, "HOME="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "open\n" {
		t.Fatalf("the wallboard did not open: %q %v", said, err)
	}
	return func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the wallboard: %v", err)
		}
		cancel()
	}
}
