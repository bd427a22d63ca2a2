package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// play runs the command on a scenario whose callers dial a phone directly.
func play(t *testing.T, seat *phone.Phone, args ...string) (out string, err error) {
	t.Helper()
	_, server, _ := strings.Cut(seat.Contact(), "@")
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	scenario := `
server: ` + server + `
duration: 1h
wind_down: 3s
agents: {seats: "8002", address: "127.0.0.1:0"}
callers: {address: "127.0.0.2:0", dial: "8001", first_number: "13900000001", total: 1,
  patience: {min: 1s, max: 1s}, talk: {min: 1s, max: 1s}}
`
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command()
	var stdout bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(append([]string{"run", path, "--duration", "100ms"}, args...))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return stdout.String(), err
}

func open(t *testing.T, plan phone.Plan) *phone.Phone {
	t.Helper()
	p, err := phone.New("127.0.0.1:0", phone.Config{User: "8001", OnInvite: func(*phone.Call) phone.Plan { return plan }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestRunPrintsASummary(t *testing.T) {
	out, err := play(t, open(t, phone.RingOn()), "--json", "--quiet")
	var sum struct {
		OK                bool
		Placed, Abandoned int
	}
	if err != nil || json.Unmarshal([]byte(out), &sum) != nil || !sum.OK || sum.Placed != 1 || sum.Abandoned != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = play(t, open(t, phone.RefuseAfter(0, 503)))
	if err != nil || !strings.Contains(out, "refused with 503: 1") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDeafAgentIsAnExitStatus has a phone that speaks with the tone of the
// scenario's only seat, so the caller is answered, but no agent hears the caller.
func TestDeafAgentIsAnExitStatus(t *testing.T) {
	tone, err := phone.ToneAt(0)
	if err != nil {
		t.Fatal(err)
	}
	seat, err := phone.New("127.0.0.1:0", phone.Config{User: "8001", Tone: tone})
	if err != nil {
		t.Fatal(err)
	}
	defer seat.Close()
	out, err := play(t, seat)
	if !errors.Is(err, errNotOK) || !strings.Contains(out, "of the agents [] heard the caller") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMistakesOfTheUser(t *testing.T) {
	for _, args := range [][]string{{"run"}, {"run", "nowhere.yaml"}, {"run", "a", "b"}, {"walk"}} {
		cmd := command()
		cmd.SetOut(&bytes.Buffer{})
		cmd.SetErr(&bytes.Buffer{})
		cmd.SetArgs(args)
		if err := cmd.Execute(); err == nil {
			t.Errorf("phones %v is accepted", args)
		}
	}
}
