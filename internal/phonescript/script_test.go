package phonescript

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/internal/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is a scenario whose callers dial seat 8001 with no exchange between.
func direct() Scenario {
	return Scenario{
		Server: "127.0.0.1:5060", Seed: 7, Duration: 100 * time.Millisecond, WindDown: 20 * time.Second,
		Agents:  Agents{Seats: "8001-8002", Address: "127.0.0.1:0", HangsUp: 0.5},
		Callers: Callers{Address: "127.0.0.2:0", Dial: "8001", FirstNumber: "013900000001", Total: 4, AtOnce: 1, Talk: Spread{Min: time.Second, Max: 1100 * time.Millisecond}},
	}
}

func play(t *testing.T, s Scenario) Summary {
	t.Helper()
	script, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := script.Close(); err != nil {
			t.Error(err)
		}
	}()
	_, server, _ := strings.Cut(script.Contacts()["8001"], "@")
	if err := script.SetServer(server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	sum, err := script.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Placed != sum.Answered+sum.Abandoned+sum.Refused+sum.Released+sum.Failed || sum.Waiting != 0 || sum.Talking != 0 {
		t.Errorf("the endings do not add up: %+v", sum)
	}
	return sum
}

func TestCallersAreAnsweredAndVerified(t *testing.T) {
	sum := play(t, direct())
	if !sum.OK() || sum.Placed != 4 || sum.Verified != 4 || sum.AnsweredBy["8001"] != 4 || sum.AnsweredBy["8002"] != 0 {
		t.Errorf("%+v", sum)
	}
}

func TestImpatientCallersLeave(t *testing.T) {
	s := direct()
	s.Agents.Answer = Spread{Min: 5 * time.Second, Max: 5 * time.Second}
	s.Callers.Patience = Spread{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}
	if sum := play(t, s); !sum.OK() || sum.Abandoned != 4 {
		t.Errorf("%+v", sum)
	}
}

func TestAgentsRefuseAndIgnore(t *testing.T) {
	s := direct()
	s.Agents.Refuses = 1
	if sum := play(t, s); !sum.OK() || sum.Refused != 4 || sum.RefusedWith[486] != 4 || sum.Declined != 4 {
		t.Errorf("refusing: %+v", sum)
	}
	s.Agents.Refuses, s.Agents.Ignores = 0, 1
	s.WindDown = 300 * time.Millisecond
	if sum := play(t, s); !sum.OK() || sum.Abandoned == 0 || sum.Answered != 0 {
		t.Errorf("ignoring: %+v", sum)
	}
}

func TestTwoCallersOfOneSeat(t *testing.T) {
	s := direct()
	s.Callers.Total, s.Callers.AtOnce = 2, 2
	s.Duration = 10 * time.Millisecond
	// The second finds the seat busy; that a seat is rung while it talks is a fault.
	if sum := play(t, s); sum.OK() || sum.Answered != 1 || sum.Refused != 1 || sum.Faults != 1 {
		t.Errorf("%+v", sum)
	}
}

// TestSilentAgentIsNotAnAnswer has callers dial a phone that says nothing.
func TestSilentAgentIsNotAnAnswer(t *testing.T) {
	if sum := playAgainst(t, phone.Tone{}); sum.Answered != 0 || sum.Abandoned != 1 {
		t.Errorf("%+v", sum)
	}
}

// TestDeafAgentIsNotVerified has callers dial a phone that sounds like the seat
// 8002 and hears nobody.
func TestDeafAgentIsNotVerified(t *testing.T) {
	tone, err := phone.ToneAt(0)
	if err != nil {
		t.Fatal(err)
	}
	if sum := playAgainst(t, tone); sum.OK() || sum.Answered != 1 || sum.Verified != 0 || len(sum.Told) != 1 {
		t.Errorf("%+v", sum)
	}
}

// playAgainst has one caller dial a phone that is no agent of the scenario.
func playAgainst(t *testing.T, tone phone.Tone) Summary {
	t.Helper()
	s := direct()
	s.Agents.Seats, s.Agents.HangsUp = "8002", 0
	s.Callers.Total = 1
	s.Callers.Patience = Spread{Min: 2 * time.Second, Max: 2 * time.Second}
	script, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	stranger, err := phone.New("127.0.0.1:0", phone.Config{User: "8001", Tone: tone})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	_, server, _ := strings.Cut(stranger.Contact(), "@")
	if err := script.SetServer(server); err != nil {
		t.Fatal(err)
	}
	sum, err := script.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestCancelledRunEndsSoon(t *testing.T) {
	s := direct()
	s.Callers.Talk = Spread{Min: time.Hour, Max: time.Hour}
	script, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	_, server, _ := strings.Cut(script.Contacts()["8001"], "@")
	if err := script.SetServer(server); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for script.Live().Talking == 0 {
			<-tick.C
		}
	}()
	sum, err := script.Run(ctx)
	if err != nil || !sum.OK() || sum.Verified != 1 {
		t.Errorf("%v %+v", err, sum)
	}
}

func TestTheSameSeedDrawsTheSamePeople(t *testing.T) {
	s := direct()
	s.Callers.Total, s.Callers.Rate, s.Duration = 0, 50, 20*time.Second
	a, b := s.arrivals(), s.arrivals()
	first, second := s.life(3), s.life(3)
	if len(a) != len(b) || a[0] != b[0] || first != second {
		t.Error("one seed, two draws")
	}
	if n := len(a); n < 850 || n > 1150 { // 1000 ± 5 standard deviations
		t.Errorf("%d arrivals, want about 1000", n)
	}
	s.Seed++
	if s.arrivals()[0] == a[0] || s.life(3) == direct().life(3) {
		t.Error("two seeds, one draw")
	}
}

func TestScenarioFiles(t *testing.T) {
	examples, err := filepath.Glob("../../cmd/phones/examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range examples {
		if _, err := Load(path); err != nil {
			t.Error(err)
		}
	}
	bad, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(bad) == 0 {
		t.Fatalf("no bad scenarios: %v", err)
	}
	for _, path := range bad {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(data), "\n")
		want := strings.TrimPrefix(first, "# want: ")
		if _, err = Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", path, err, want)
		}
	}
}
