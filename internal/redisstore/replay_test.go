package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/spool"
)

// crashed is a controller that has spooled changes while Redis was away, and has crashed:
// the agent is talking since morning + 1 min, and in Redis still ready since morning; call c1,
// which Redis has, has ended; call c2 has begun. Redis is back.
func crashed(t *testing.T, redis *redistest.Server, dir string) *Lease {
	t.Helper()
	file := openSpool(t, dir)
	s, m, stop := runSpooling(t, redis.Address, file, never, func(o *Options) { o.FlushTimeout = time.Millisecond })
	lease := take(t, s, "first")
	s.Append([]acd.Change{agentIn(acd.Ready, morning), {Call: &acd.CallStatus{Call: "c1", Phase: acd.PhaseTalking}}}, nil, nil)
	drained(t, s, m)
	redis.Kill()
	s.Append([]acd.Change{agentIn(acd.WrapUp, morning.Add(time.Second)), {Call: &acd.CallStatus{Call: "c2", Phase: acd.PhaseWaiting}}}, nil, nil)
	s.Append([]acd.Change{agentIn(acd.Talking, morning.Add(time.Minute)), gone("c1")}, nil, nil)
	m.until(t, "the failure", func() bool { return m.failed("unreachable") })
	spooled(t, s, m)
	_ = stop()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	redis.Restart(t)
	return lease
}

// takeOver is what the next controller goes on from.
func takeOver(t *testing.T, s *Store) string {
	t.Helper()
	state, err := s.TakeOver(t.Context(), morning)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, a := range state.Agents {
		text += fmt.Sprintf("%s %s %v;", a.Agent, a.State, a.Since.Sub(morning))
	}
	for _, c := range state.Calls {
		text += fmt.Sprintf(" %s", c.Call)
	}
	return text
}

const (
	asSpooled = "1001 talking 1m0s; c2"
	asInRedis = "1001 ready 0s; c1"
)

// free lets the time pass in which the lease runs out, and in which a Redis that has started
// again gives none.
func free(t *testing.T, s *Store) {
	t.Helper()
	s.client.Del(t.Context(), s.keys.lease())
	if lease, _, err := s.TryLease(t.Context(), controller("nobody")); err != nil {
		t.Fatal(err)
	} else if lease != nil {
		s.client.Del(t.Context(), s.keys.lease())
	}
	s.client.HSet(t.Context(), s.keys.server(), "since", 0)
}

func TestTakeOverOfSpooledChanges(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	crashed(t, redis, dir)
	s, m, _ := runSpooling(t, redis.Address, openSpool(t, dir), never)
	free(t, s)
	take(t, s, "second")
	if got := takeOver(t, s); got != asSpooled {
		t.Errorf("took over %q, want %q", got, asSpooled)
	}
	emptied(t, s, m)
	if got := takeOver(t, open(t, redis.Address)); got != asSpooled {
		t.Errorf("Redis has %q, want %q", got, asSpooled)
	}
}

// Redis gives the lease and its answer is lost: the next attempt is told all the same, and
// that the spool is that of the lease before.
func TestTakeOverAfterALostAnswer(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	former := crashed(t, redis, dir)
	s := open(t, redis.Address, with(openSpool(t, dir)))
	free(t, s)
	lost, err := s.askLease(t.Context(), "take", controller("second"), 0, true)
	if err != nil || lost.what != "held" {
		t.Fatalf("%+v, %v", lost, err)
	}
	if none, holder, err := open(t, redis.Address).TryLease(t.Context(), controller("third")); none != nil || holder.ID != "second" || err != nil {
		t.Errorf("the third was told %v, %+v, %v", none, holder, err)
	}
	lease := take(t, s, "second")
	if lease.Token() != lost.token || !lease.FormerAlive().Equal(lost.alive) {
		t.Errorf("the lease is %d after %v, want %d after %v", lease.Token(), lease.FormerAlive(), lost.token, lost.alive)
	}
	if got := takeOver(t, s); got != asSpooled {
		t.Errorf("took over %q, want %q", got, asSpooled)
	}
	// Once it was kept the answer has come, and what is in a spool may be of this lease.
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := s.askLease(t.Context(), "take", controller("second"), 0, true)
	if err != nil || again.what != "held" || again.token != lease.Token() || again.last != lease.Token() || former.Token() != lost.last {
		t.Errorf("told %+v, %v after %+v", again, err, lost)
	}
}

// The second crashes before it has taken over, or as soon as it has: the third has all.
func TestTakeOverAfterASecondCrash(t *testing.T) {
	for _, taken := range []bool{false, true} {
		redis := server(t)
		dir := t.TempDir()
		crashed(t, redis, dir)
		file := openSpool(t, dir)
		second := open(t, redis.Address, with(file))
		free(t, second)
		lease := take(t, second, "second")
		if taken {
			takeOver(t, second)
			if content, err := file.Read(); err != nil || content.Made != lease.Token() {
				t.Errorf("after the takeover the spool is not under its lease: %+v, %v", content, err)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, redis.Address, with(openSpool(t, dir)))
		free(t, s)
		take(t, s, "third")
		if got := takeOver(t, s); got != asSpooled {
			t.Errorf("after a crash of the second (taken over: %v) took over %q, want %q", taken, got, asSpooled)
		}
	}
}

func TestSpooledChangesAreLeftOutWhenAnotherHasLed(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	crashed(t, redis, dir)
	other := open(t, redis.Address)
	free(t, other)
	take(t, other, "other")
	s, m, _ := runSpooling(t, redis.Address, openSpool(t, dir), never)
	free(t, s)
	take(t, s, "second")
	if got := takeOver(t, s); got != asInRedis {
		t.Errorf("took over %q, want %q", got, asInRedis)
	}
	emptied(t, s, m)
}

// Redis had acknowledged more than the spool knew when the process crashed.
func TestSpooledChangesAreOlderThanThoseOfRedis(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	s, m, stop := runSpooling(t, redis.Address, openSpool(t, dir), never)
	lease := take(t, s, "first")
	s.Append([]acd.Change{agentIn(acd.Ready, morning)}, nil, nil)
	drained(t, s, m)
	s.Append([]acd.Change{agentIn(acd.Talking, morning.Add(time.Minute)), {Call: &acd.CallStatus{Call: "c2", Phase: acd.PhaseWaiting}}}, nil, nil)
	drained(t, s, m)
	_ = stop()
	// As if the first change had been spooled, and a call that ended with its record.
	states, _ := s.encoded([]entry{{seq: 1, live: acd.Key{Kind: acd.KindAgent, ID: "1001"}, change: new(agentIn(acd.Ready, morning))}})
	if _, err := s.spool.file.Write(lease.Token(), states); err != nil {
		t.Fatal(err)
	}
	if err := s.spool.file.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, redis.Address, with(openSpool(t, dir)))
	free(t, s)
	take(t, s, "second")
	if got := takeOver(t, s); got != asSpooled {
		t.Errorf("took over %q, want %q", got, asSpooled)
	}
}

// A call whose record is in the spool has ended, whatever else is known of it.
func TestRecordedCallsAreNotTakenOver(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	lease := crashed(t, redis, dir)
	file := openSpool(t, dir)
	records := calls(30, batchLimit+100) // their states come in a later batch
	records[0].Call, records[1].Call = "c2", "c3"
	var entries []entry
	for i := range records {
		entries = append(entries, entry{seq: uint64(100 + i), record: &records[i]})
	}
	kept, _ := open(t, redis.Address).encoded(entries)
	if _, err := file.Write(lease.Token(), kept); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, redis.Address, with(openSpool(t, dir)))
	s.client.HSet(t.Context(), s.keys.live(acd.KindCall), "c3", `{"call":"c3"}`)
	free(t, s)
	take(t, s, "second")
	if got, want := takeOver(t, s), "1001 talking 1m0s;"; got != want {
		t.Errorf("took over %q, want %q", got, want)
	}
	if err := s.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, s, records)
	if live, err := s.Load(t.Context(), morning); err != nil || len(live.Calls) != 0 {
		t.Errorf("Redis has the calls %+v, %v", live.Calls, err)
	}
}

// TestSpoolingChild is a controller that is killed while Redis is away. It tells how many
// records, and states of its agent, are on disk for certain.
func TestSpoolingChild(t *testing.T) {
	address := os.Getenv("HOTLINE_SPOOL_FOR")
	if address == "" {
		t.Skip("only as the child of TestKilledWhileRedisIsAway")
	}
	file := openSpool(t, os.Getenv("HOTLINE_SPOOL_DIR"))
	s, m, _ := runSpooling(t, address, file, spoolAfter)
	free(t, s)
	take(t, s, "child")
	takeOver(t, s)
	emptied(t, s, m)
	fmt.Println("leads")
	m.until(t, "the failure", func() bool { return m.failed("unreachable") })
	var seed uint64
	_, _ = fmt.Sscan(os.Getenv("HOTLINE_SPOOL_SEED"), &seed)
	records := calls(seed, 20_000)
	for i := 0; i < len(records); i += 20 {
		s.Append([]acd.Change{agentIn(acd.Talking, morning.Add(time.Duration(i+20)*time.Second))}, records[i:i+20], nil)
		// Not all at once: several are synced together.
		if i%100 == 0 {
			spooled(t, s, m)
			fmt.Printf("spooled %d\n", i+20)
		}
	}
	time.Sleep(time.Minute) // to be killed
}

// A controller is killed while Redis is away. Redis comes back, and another process writes
// what was spooled: each record once, and the newest state of the agent.
func TestKilledWhileRedisIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	redis := server(t)
	dir := filepath.Join(t.TempDir(), "spool")
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var all []acd.CallRecord
	for round := range uint64(4) {
		child := exec.Command(os.Args[0], "-test.run=^TestSpoolingChild$", "-test.v")
		child.Env = append(os.Environ(), "HOTLINE_SPOOL_FOR="+redis.Address, "HOTLINE_SPOOL_DIR="+dir, fmt.Sprintf("HOTLINE_SPOOL_SEED=%d", 40+round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		certain, until := 0, 100+random.IntN(2000)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasSuffix(lines.Text(), "leads") {
				redis.Kill()
			}
			if text, told := strings.CutPrefix(lines.Text(), "spooled "); told {
				_, _ = fmt.Sscan(text, &certain)
			}
			if certain >= until {
				time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond) // some moment
				break
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it told while it was being killed
			if text, told := strings.CutPrefix(lines.Text(), "spooled "); told {
				_, _ = fmt.Sscan(text, &certain)
			}
		}
		_ = child.Wait() // killed
		redis.Restart(t)

		file, err := spool.Open(spool.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		s, m, stop := runSpooling(t, redis.Address, file, spoolAfter)
		free(t, s)
		take(t, s, "parent")
		content, err := file.Read()
		if err != nil {
			t.Fatal(err)
		}
		state, err := s.TakeOver(context.Background(), morning)
		if err != nil {
			t.Fatal(err)
		}
		emptied(t, s, m)
		n := len(content.Counted)
		if n < certain {
			t.Errorf("round %d: %d records are in the spool, %d were on disk", round, n, certain)
		}
		if len(state.Agents) != 1 || state.Agents[0].Since.Before(morning.Add(time.Duration(certain)*time.Second)) {
			t.Errorf("round %d: took over %+v after %d records", round, state.Agents, certain)
		}
		all = append(all, calls(40+round, 20_000)[:n]...)
		slices.SortFunc(all, func(a, b acd.CallRecord) int { return strings.Compare(string(a.Call), string(b.Call)) })
		holds(t, s, all)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever does not lead, or has not taken over yet, knows nothing of the live state, and
// writes none anew when another Redis answers.
func TestReplayLeavesTheLiveStateOfTheLeaderAlone(t *testing.T) {
	for _, leads := range []bool{false, true} {
		address := address(t)
		leader, m, _ := run(t, address)
		if !leads {
			take(t, leader, "leader")
		}
		leader.Append([]acd.Change{call("1", acd.PhaseTalking), agentIn(acd.Talking, morning)}, nil, nil)
		drained(t, leader, m)
		dir := t.TempDir()
		file := openSpool(t, dir)
		records := calls(36, 3)
		var entries []entry
		for i := range records {
			entries = append(entries, entry{seq: uint64(1 + i), record: &records[i]})
		}
		kept, _ := leader.encoded(entries)
		if _, err := file.Write(0, kept); err != nil {
			t.Fatal(err)
		}
		s := open(t, address, with(file))
		if leads {
			take(t, s, "next")
		}
		s.otherServer("former")
		s.otherServer("other")
		if err := s.Replay(t.Context()); err != nil {
			t.Fatal(err)
		}
		holds(t, s, records)
		state, err := s.Load(t.Context(), morning)
		if err != nil || len(state.Calls) != 1 || len(state.Agents) != 1 {
			t.Errorf("leads: %v: the live state is %+v, %v", leads, state.Calls, err)
		}
	}
}

// Whoever has forgotten all that was taken over takes it out of Redis, too.
func TestWhatIsForgottenIsTakenOut(t *testing.T) {
	address := address(t)
	leader, m, stop := run(t, address)
	leader.Append([]acd.Change{call("1", acd.PhaseTalking)}, nil, nil)
	drained(t, leader, m)
	_ = stop()
	s := open(t, address)
	s.ForgetAll()
	s.drain(t.Context(), 1)
	if state, err := s.Load(t.Context(), morning); err != nil || len(state.Calls) != 0 {
		t.Errorf("the live state is %+v, %v", state, err)
	}
}
