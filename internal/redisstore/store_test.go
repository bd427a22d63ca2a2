package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
)

func TestLiveStateIsReadBackAsItWasLast(t *testing.T) {
	s, m, _ := run(t, address(t))
	agent := acd.AgentStatus{Agent: "1001", Name: "王芳", Queues: []acd.QueueID{"general"}, State: acd.Ready, Since: morning}
	call := acd.CallStatus{Call: "c1", Node: "node1", Caller: "13812345678", Phase: acd.PhaseGreeting, Arrived: morning}
	talking := call
	talking.Phase, talking.Queued, talking.Answered = acd.PhaseTalking, morning.Add(time.Second), morning.Add(2*time.Second)
	points := 0
	talking.Points = &points
	talking.Visits = []acd.Visit{{Queue: "general", Entered: morning, Left: morning.Add(time.Second), Reason: acd.VisitMoved}}
	talking.Offers = []acd.OfferRecord{{Agent: "1001", Seat: "21", Made: morning.Add(time.Second), Outcome: acd.OfferAnswered}}
	s.Append([]acd.Change{{Agent: &agent}, {Call: &call}}, nil, nil)
	s.Append([]acd.Change{{Call: &acd.CallStatus{Call: "c2", Phase: acd.PhaseWaiting}}}, nil, nil)
	drained(t, s, m)
	busy := agent
	busy.State, busy.Call = acd.Talking, "c1"
	busy.Assigned = &acd.Assignment{Queues: map[acd.QueueID]acd.Level{"english": 5}, Skills: map[acd.SkillID]acd.Level{"law": 3}}
	s.Append([]acd.Change{{Call: &talking}, {Agent: &busy}, gone("c2")}, nil, nil)
	drained(t, s, m)
	live, err := s.Load(context.Background(), morning)
	if err != nil {
		t.Fatal(err)
	}
	if len(live.Calls) != 1 || len(live.Agents) != 1 {
		t.Fatalf("Load = %+v", live)
	}
	got := live.Calls[0]
	if !got.Queued.Equal(talking.Queued) || !got.Answered.Equal(talking.Answered) || got.Phase != acd.PhaseTalking || len(got.Offers) != 1 || got.Offers[0].Outcome != acd.OfferAnswered {
		t.Errorf("the call reads back as %+v", got)
	}
	if got.Points == nil || *got.Points != 0 || len(got.Visits) != 1 || got.Visits[0].Reason != acd.VisitMoved {
		t.Errorf("what was directed reads back as %+v", got)
	}
	if a := live.Agents[0]; !reflect.DeepEqual(a.Assigned, busy.Assigned) {
		t.Errorf("the assignment reads back as %+v", a.Assigned)
	}
	if a := live.Agents[0]; a.State != acd.Talking || a.Call != "c1" || a.Name != "王芳" || !a.Since.Equal(morning) {
		t.Errorf("the agent reads back as %+v", a)
	}
}

func TestLoadRefusesAnotherVersion(t *testing.T) {
	s := open(t, address(t))
	ctx := context.Background()
	s.client.Set(ctx, s.keys.stateVersion(), acd.StateVersion+1, 0)
	var newer *StateVersionError
	if _, err := s.Load(ctx, morning); !errors.As(err, &newer) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("Load: %v", err)
	}
	s.client.Del(ctx, s.keys.stateVersion())
	for _, text := range []string{"null", "{", `{"call":7}`} {
		s.client.HSet(ctx, s.keys.live(acd.KindCall), "c1", text)
		if _, err := s.Load(ctx, morning); err == nil || !strings.Contains(err.Error(), "c1") {
			t.Errorf("%s: Load: %v", text, err)
		}
	}
}

func TestShutdownWritesWhatIsLeft(t *testing.T) {
	s, _, stop := run(t, address(t))
	records := calls(8, 3000)
	s.Append([]acd.Change{{Call: &acd.CallStatus{Call: "c1"}}}, records, nil)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	holds(t, s, records)
}

// A Redis that accepts connections and never answers.
func deaf(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "deaf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestShutdownIsBoundedAndSaysWhatIsLost(t *testing.T) {
	for name, address := range map[string]string{"absent": filepath.Join(t.TempDir(), "nobody"), "deaf": deaf(t)} {
		t.Run(name, func(t *testing.T) {
			s, _, stop := run(t, address, func(o *Options) { o.FlushTimeout = 200 * time.Millisecond })
			start := time.Now()
			s.Append([]acd.Change{{Call: &acd.CallStatus{Call: "c1"}}}, calls(9, 700), nil)
			if took := time.Since(start); took > time.Second {
				t.Errorf("Append took %s", took)
			}
			start = time.Now()
			err := stop()
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("the shutdown took %s", took)
			}
			if err == nil || !strings.Contains(err.Error(), "700 call records and 1 live-state changes were not written") {
				t.Errorf("Run returned %v", err)
			}
		})
	}
}

func TestReadySaysHowManyRecordsWait(t *testing.T) {
	address := filepath.Join(t.TempDir(), "nobody")
	s, m, _ := run(t, address, func(o *Options) { o.FlushTimeout = 10 * time.Millisecond })
	s.Append(nil, calls(10, 7), nil)
	m.until(t, "the failure", func() bool { return m.failed("unreachable") })
	err := s.Ready()
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Since.IsZero() {
		t.Fatalf("Ready: %v", err)
	}
	for _, part := range []string{"Redis at " + address + " is unreachable since ", "7 records waiting"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Ready says %q, want %q in it", err, part)
		}
	}
}

func TestReadyBeforeRun(t *testing.T) {
	if err := open(t, "127.0.0.1:1").Ready(); err == nil {
		t.Error("a store that does not run is ready")
	}
}

func TestWrongPassword(t *testing.T) {
	const right, wrong = "right-horse", "wrong-horse"
	redis := server(t, "--requirepass", right)
	for _, password := range []string{wrong, ""} {
		core, logs := observer.New(zap.DebugLevel)
		s, m, stop := run(t, redis.Address, func(o *Options) {
			o.Password, o.Log, o.FlushTimeout = password, zap.New(core), 50*time.Millisecond
		})
		s.Append(nil, calls(11, 1), nil)
		m.until(t, "the refusal of the password", func() bool { return m.failed("password") })
		var refused *PasswordError
		if err := s.Ready(); !errors.As(err, &refused) {
			t.Errorf("Ready: %v", err)
		}
		texts := []string{s.Ready().Error(), stop().Error(), fmt.Sprint(s.Check(context.Background()))}
		for _, entry := range logs.All() {
			texts = append(texts, fmt.Sprint(entry.Message, entry.ContextMap()))
		}
		for _, text := range texts {
			if strings.Contains(text, right) || strings.Contains(text, wrong) {
				t.Errorf("a password is told: %s", text)
			}
		}
	}
	s := open(t, redis.Address, func(o *Options) { o.Password = right })
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("with the right password: %v", err)
	}
}

func TestCheck(t *testing.T) {
	good := server(t)
	short := server(t, "--appendonly", "no", "--appendfsync", "no", "--maxmemory-policy", "allkeys-lru")
	locked := server(t, "--requirepass", "x")
	for _, c := range []struct {
		name, address string
		want          map[string]bool
	}{
		{"good", good.Address, map[string]bool{"redis reachable": true, "redis password": true, "redis version": true, "days closed": true, "redis persistence": true, "redis sync": true, "redis eviction": true}},
		{"volatile", short.Address, map[string]bool{"redis reachable": true, "redis password": true, "redis version": true, "days closed": true, "redis persistence": false, "redis sync": false, "redis eviction": false}},
		{"password", locked.Address, map[string]bool{"redis reachable": true, "redis password": false}},
		{"absent", filepath.Join(t.TempDir(), "nobody"), map[string]bool{"redis reachable": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]bool{}
			for _, finding := range open(t, c.address).Check(context.Background()) {
				got[finding.Name] = finding.OK
				if finding.Detail == "" || finding.OK != (finding.Remedy == "") {
					t.Errorf("finding without detail, or with the wrong remedy: %+v", finding)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("findings %v, want %v", got, c.want)
			}
		})
	}
}

func TestVersionOK(t *testing.T) {
	for version, want := range map[string]bool{"7.0.15": true, "8.0.2": true, "10.1": true, "6.2.7": false, "": false, "x": false} {
		if versionOK(version) != want {
			t.Errorf("versionOK(%q) = %v", version, !want)
		}
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for _, o := range []Options{
		{Address: "x", Location: shanghai},
		{Address: "x", Location: shanghai, Site: "a{b}"},
		{Address: "x", Site: "lyg"},
		{Location: shanghai, Site: "lyg"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) was accepted", o)
		}
	}
}
