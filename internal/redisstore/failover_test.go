package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
)

// groups are what takes over from a master.
var groups = map[string]func(testing.TB) (*redistest.Group, func(*Options)){
	"sentinel": func(t testing.TB) (*redistest.Group, func(*Options)) {
		g := redistest.StartSentinel(t, 500*time.Millisecond)
		return g, sentinelPlace(g)
	},
	"cluster": func(t testing.TB) (*redistest.Group, func(*Options)) {
		g := redistest.StartCluster(t, siteSlot, time.Second)
		return g, clusterPlace(g)
	},
}

// inEach runs a test with Sentinel and with a cluster, side by side: most of the time
// they wait for the failover.
func inEach(t *testing.T, test func(*testing.T, *redistest.Group, func(*Options))) {
	t.Parallel()
	for name, start := range groups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, place := start(t)
			test(t, g, place)
		})
	}
}

// busy appends calls that begin and end, until stop is called, which returns what ended
// and how many are still in progress.
func busy(s *Store, seed uint64) (stop func() ([]acd.CallRecord, int)) {
	all := calls(seed, 40_000)
	ctx, cancel := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	const open = 20
	began := 0
	worker.Go(func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for ; began < len(all) && ctx.Err() == nil; began++ {
			changes := []acd.Change{call(all[began].Call, acd.PhaseTalking)}
			var ended []acd.CallRecord
			if began >= open {
				changes, ended = append(changes, gone(all[began-open].Call)), all[began-open:began-open+1]
			}
			s.Append(changes, ended, nil)
			<-ticker.C
		}
	})
	return func() ([]acd.CallRecord, int) {
		cancel()
		worker.Wait()
		return all[:began-open], open
	}
}

// complete asserts that Redis has these records, each once, and so many calls in progress.
func complete(t *testing.T, s *Store, m *meter, records []acd.CallRecord, live int) {
	t.Helper()
	m.until(t, "writing anew", func() bool { return !s.toBeWrittenAnew() })
	drained(t, s, m)
	// go-redis tries once a second whether those who read can connect again.
	for deadline := time.Now().Add(30 * time.Second); s.Ping(t.Context()) != nil; pause(t.Context(), 20*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(s.Ping(t.Context()))
		}
	}
	holds(t, s, records)
	state, err := s.Load(t.Context(), morning)
	if err != nil || len(state.Calls) != live {
		t.Errorf("%d calls are in progress, want %d; %v", len(state.Calls), live, err)
	}
}

// resumed waits until something is written to another Redis.
func resumed(t *testing.T, s *Store, m *meter, since time.Time) {
	t.Helper()
	m.until(t, "another Redis", func() bool { return s.serverChanges() > 0 })
	applied, _ := m.counts()
	m.until(t, "writing there", func() bool { now, _ := m.counts(); return now > applied && s.Ready() == nil })
	t.Logf("writes went on %s after the master had stopped", time.Since(since).Round(10*time.Millisecond))
}

// A master is killed whose replica has not heard of the last second.
func TestMasterIsKilledUnderLoad(t *testing.T) {
	inEach(t, func(t *testing.T, g *redistest.Group, place func(*Options)) {
		s, m, _ := run(t, "", place)
		stop := busy(s, 200)
		m.until(t, "the first batches", func() bool { applied, _ := m.counts(); return applied > 100 })
		g.CutOff(t) // what comes next is confirmed, and known to the master only
		s.Append([]acd.Change{call("lasts", acd.PhaseTalking)}, nil, nil)
		before, _ := m.counts()
		m.until(t, "more batches", func() bool { applied, _ := m.counts(); return applied > before+100 })
		killed := time.Now()
		g.Master.Kill()
		resumed(t, s, m, killed)
		records, live := stop()
		complete(t, s, m, records, live+1)
	})
}

// A master that is stopped and wakes up finds another in its place.
func TestMasterIsStoppedUnderLoadAndWakesUp(t *testing.T) {
	inEach(t, func(t *testing.T, g *redistest.Group, place func(*Options)) {
		s, m, _ := run(t, "", place)
		stop := busy(s, 201)
		m.until(t, "the first batches", func() bool { applied, _ := m.counts(); return applied > 100 })
		stopped := time.Now()
		g.Master.Pause(t)
		g.Promoted(t)
		g.Master.Resume(t)
		resumed(t, s, m, stopped)
		records, live := stop()
		complete(t, s, m, records, live)
	})
}

// What the replica had not heard of is written again, the lease included: who has it
// keeps it, and nobody else gets it, although it has run out by then.
func TestReplicaThatHadNotHeardTakesOver(t *testing.T) {
	inEach(t, func(t *testing.T, g *redistest.Group, place func(*Options)) {
		s, m, _ := run(t, "", place)
		former, standby := open(t, "", place), open(t, "", place)
		if err := take(t, former, "former").GiveBack(t.Context()); err != nil {
			t.Fatal(err)
		}
		records := calls(202, 300)
		s.Append([]acd.Change{call("early", acd.PhaseWaiting)}, records[:100], nil)
		drained(t, s, m)
		g.CutOff(t)
		lease := take(t, s, "leader")
		kept, standing := context.WithCancel(context.Background())
		defer standing()
		var both sync.WaitGroup
		both.Go(func() {
			if err := lease.Keep(kept); err != nil {
				t.Errorf("the leader: %v", err)
			}
		})
		both.Go(func() {
			for kept.Err() == nil {
				if taken, _, _ := standby.TryLease(kept, controller("standby")); taken != nil {
					t.Error("the standby got the lease while the leader was there")
					return
				}
				pause(kept, 50*time.Millisecond)
			}
		})
		s.Append([]acd.Change{call("late", acd.PhaseTalking), gone("early")}, records[100:200], nil)
		drained(t, s, m)
		g.Master.Kill()
		g.Promoted(t)
		time.Sleep(leaseFor) // also what the new master had heard of has run out
		s.Append([]acd.Change{call("latest", acd.PhaseRinging)}, records[200:], nil)
		m.until(t, "another Redis", func() bool { return s.serverChanges() > 0 })
		complete(t, s, m, records, 2)
		if err := lease.keep(t.Context()); err != nil {
			t.Error(err)
		}
		if last := s.client.Get(t.Context(), s.keys.fence()).Val(); last != fmt.Sprint(lease.Token()) {
			t.Errorf("the last token is %s, the leader's %d", last, lease.Token())
		}
		standing()
		both.Wait()
	})
}

// A server of the cluster that has nothing of the site is no successor; each failover,
// also back, has one.
func TestWhatCountsAsAnotherRedis(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, siteSlot, time.Second)
	s, m, _ := run(t, "", clusterPlace(g))
	if _, err := s.TakeOver(t.Context(), morning); err != nil { // it leads, and so writes anew
		t.Fatal(err)
	}
	reader := open(t, "", clusterPlace(g)) // does not follow the master while it has nothing to ask
	records := calls(203, 50)
	s.Append(nil, records, nil)
	drained(t, s, m)
	var readers sync.WaitGroup
	for range 4 { // connections to the other nodes, and more to this one
		readers.Go(func() {
			for range 20 {
				_, _ = s.Controllers(t.Context())
				_ = s.Ping(t.Context())
			}
		})
	}
	readers.Wait()
	s.seeker.leave()
	for _, asking := range []*Store{s, reader} {
		if err := asking.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if applied, duplicates := m.counts(); s.serverChanges() != 0 || applied != 50 || duplicates != 0 {
		t.Errorf("%d servers followed, %d records were applied, %d written again", s.serverChanges(), applied, duplicates)
	}
	absent := open(t, "", clusterPlace(g))
	_ = absent.Ping(t.Context())
	absent.seeker.leave()
	for n, next := range []*redistest.Node{g.Replica, g.Master} {
		next.Do(t, "CLUSTER", "FAILOVER")
		m.until(t, "another Redis", func() bool {
			_ = s.Ping(context.Background())
			_, duplicates := m.counts()
			return s.serverChanges() == n+1 && duplicates == 50*(n+1)
		})
		_ = reader.Ping(t.Context()) // is sent to the other, and so ends the connections
		if err := reader.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	complete(t, s, m, records, 0)
	if err := absent.Ping(t.Context()); err != nil || absent.serverChanges() != 1 {
		t.Errorf("who was not there did not find out that the server has been a replica meanwhile: %v", err)
	}
}

// While a slot moves, a site's keys are on two nodes: nothing is written until they are
// together again, and then everything.
func TestSlotMovesUnderLoad(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, siteSlot, time.Second)
	s, m, _ := run(t, "", clusterPlace(g))
	stop := busy(s, 207)
	m.until(t, "the first batches", func() bool { applied, _ := m.counts(); return applied > 100 })
	began := time.Now()
	g.MoveSlot(t, siteSlot, g.Others[0], func() {
		m.until(t, "the refusal", func() bool { return m.failed("refused") })
	})
	resumed(t, s, m, began)
	records, live := stop()
	complete(t, s, m, records, live)
}

// The Sentinels find the master dead, which still serves the store: what it takes until
// the store finds out is not lost, nor what it has taken before.
func TestSplitBrain(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t, 500*time.Millisecond)
	s, m, _ := run(t, "", sentinelPlace(g))
	stop := busy(s, 204)
	m.until(t, "the first batches", func() bool { applied, _ := m.counts(); return applied > 100 })
	g.CutOff(t)
	g.HideFromSentinels(t)
	g.Promoted(t)
	applied, _ := m.counts()
	began := time.Now()
	m.until(t, "another Redis", func() bool { return s.serverChanges() > 0 })
	if !g.Master.IsMaster(t) {
		t.Error("the old master was demoted; the case was not met")
	}
	after, _ := m.counts()
	t.Logf("the old master took %d records in %s after the other was the master", after-applied, time.Since(began).Round(time.Millisecond))
	resumed(t, s, m, began)
	records, live := stop()
	complete(t, s, m, records, live)
}

// Redis replies to a batch while a connection leads to another already.
func TestFormerRedisTakesABatchLast(t *testing.T) {
	proxy := redistest.StartProxy(t, server(t))
	s, m, _ := run(t, proxy.Address)
	s.Append(nil, calls(205, 10), nil)
	drained(t, s, m)
	proxy.Pause("node1-206", func() { s.otherServer("successor") })
	s.Append([]acd.Change{call("1", acd.PhaseWaiting)}, calls(206, 20), nil)
	m.until(t, "writing again", func() bool { _, duplicates := m.counts(); return duplicates >= 30 })
	drained(t, s, m)
	holds(t, s, append(calls(205, 10), calls(206, 20)...))
}

// A Sentinel that is cut off with the old master answers first.
func TestNewestConfigurationIsBelieved(t *testing.T) {
	k := &seeker{configured: []string{"beside the old one", "elsewhere", "dead"}, ask: func(_ context.Context, address string) (sighting, error) {
		switch address {
		case "beside the old one":
			return sighting{master: "old", epoch: 1}, nil
		case "dead":
			return sighting{}, errors.New("no answer")
		}
		time.Sleep(5 * time.Millisecond)
		return sighting{master: "new", epoch: 2}, nil
	}}
	if master, err := k.find(t.Context()); err != nil || master != "new" {
		t.Errorf("found %q, %v", master, err)
	}
}

func TestSlotOf(t *testing.T) {
	// As CLUSTER KEYSLOT answers; the first is of the specification (0x31C3).
	for key, want := range map[string]int{"123456789": 12739, "foo{bar}baz": 5061, "bar": 5061, "foo{}bar": 14292, "hotline:{lyg}:lease": slotOf("lyg")} {
		if got := slotOf(key); got != want {
			t.Errorf("slotOf(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestSlotMaster(t *testing.T) {
	const text = `07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected
67ed ::1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
292f 127.0.0.1:30003@31003 master,fail - 0 1426238318243 3 connected 10923-16382 16383 [93->-292f]
6ec2 :0@0 master,noaddr - 0 0 1 disconnected
e7d1 :30001@31001 myself,master - 0 0 7 connected 0-5460 [5461-<-67ed]
`
	for slot, want := range map[int]string{0: "10.0.0.9:30001", 5461: "[::1]:30002", 16382: "127.0.0.1:30003", 16383: "127.0.0.1:30003"} {
		seen := slotMaster(text, slot, "10.0.0.9:30001")
		if seen.master != want || len(seen.nodes) != 4 || slot == 0 && seen.epoch != 7 {
			t.Errorf("slot %d: %+v, want %s", slot, seen, want)
		}
	}
}
