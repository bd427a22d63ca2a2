package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

func TestDoubledBatchCountsOnce(t *testing.T) {
	s, m, _ := run(t, address(t))
	records := calls(1, 300)
	s.Append(nil, records, nil)
	s.Append(nil, records, nil)
	drained(t, s, m)
	holds(t, s, records)
	if applied, duplicates := m.counts(); applied != 300 || duplicates != 300 {
		t.Errorf("%d applied, %d duplicates; want 300 and 300", applied, duplicates)
	}
}

// The connection is cut after the scripts have run and before their replies
// arrive: the batch is sent again, and counts once.
func TestLostReplyCountsOnce(t *testing.T) {
	proxy := redistest.StartProxy(t, server(t))
	s, m, _ := run(t, proxy.Address)
	var all []acd.CallRecord
	for round := range 5 {
		proxy.CutReply("eval")
		records := calls(uint64(round), 200)
		all = append(all, records...)
		s.Append(nil, records, nil)
		drained(t, s, m)
	}
	holds(t, s, all)
	if _, duplicates := m.counts(); proxy.Cuts() != 5 || duplicates < 5 {
		t.Errorf("%d connections were cut and %d records sent again; the case was not met", proxy.Cuts(), duplicates)
	}
}

func TestRestartOfRedisLosesNothing(t *testing.T) {
	redis := server(t)
	s, m, _ := run(t, redis.Address)
	records := calls(2, 600)
	s.Append(nil, records[:200], nil)
	m.until(t, "the first batch", func() bool { applied, _ := m.counts(); return applied > 0 })
	redis.Kill()
	s.Append(nil, records[200:400], nil)
	m.until(t, "the failure", func() bool { return m.failed("unreachable") && !m.isUp() })
	s.Append(nil, records[400:], nil)
	redis.Restart(t)
	drained(t, s, m)
	m.until(t, "the end of the failure", m.isUp)
	holds(t, open(t, redis.Address), records)
	if err := s.Ready(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// Redis forgets its scripts again and again while records are applied.
func TestForgottenScripts(t *testing.T) {
	redisServer := server(t)
	s, m, _ := run(t, redisServer.Address)
	other := redis.NewClient(&redis.Options{Addr: redisServer.Address})
	defer other.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var flusher sync.WaitGroup
	flusher.Go(func() {
		for ctx.Err() == nil {
			other.ScriptFlush(ctx)
		}
	})
	records := calls(3, 1500)
	for part := range slices.Chunk(records, 100) {
		s.Append(nil, part, nil)
	}
	drained(t, s, m)
	cancel()
	flusher.Wait()
	holds(t, s, records)
}

// The text of the script is sent to a Redis that does not know it, not with every batch.
func TestScriptIsSentOnce(t *testing.T) {
	redisServer := server(t)
	s, m, _ := run(t, redisServer.Address)
	other := redis.NewClient(&redis.Options{Addr: redisServer.Address})
	defer other.Close()
	times := func(command string) (n int) {
		stats := other.Info(t.Context(), "commandstats").Val()
		if _, rest, ok := strings.Cut(stats, "cmdstat_"+command+":calls="); ok {
			_, _ = fmt.Sscanf(rest, "%d", &n)
		}
		return n
	}
	records := calls(6, 20)
	apply := func(some []acd.CallRecord) {
		for _, record := range some {
			s.Append(nil, []acd.CallRecord{record}, nil)
			drained(t, s, m)
		}
	}
	before := times("eval")
	apply(records[:10])
	if n := times("eval") - before; n != 1 {
		t.Errorf("the text was sent %d times with ten batches, want once", n)
	}
	other.ScriptFlush(t.Context())
	apply(records[10:])
	if n := times("eval") - before; n != 2 {
		t.Errorf("the text was sent %d times, want once more when Redis has forgotten it", n)
	}
	holds(t, s, records)
}

// A pipeline whose script is not known fails from its first record on, and
// the next one, which brings the script, carries it out.
func TestNoScriptFallback(t *testing.T) {
	s := open(t, address(t))
	ctx := context.Background()
	record := calls(4, 1)[0]
	scriptKeys, args := argsOf(t, s, record)
	for i, c := range []struct {
		load     bool
		noScript bool
		applied  int
	}{{false, true, 0}, {true, false, 1}, {false, false, 0}} {
		pipe := s.client.Pipeline()
		reply := queueApply(ctx, pipe, c.load, scriptKeys, args)
		_, _ = pipe.Exec(ctx)
		if redis.HasErrorPrefix(reply.Err(), "NOSCRIPT") != c.noScript {
			t.Fatalf("call %d: %v", i, reply.Err())
		}
		if n, _ := reply.Int64Slice(); !c.noScript && 1-len(n) != c.applied {
			t.Errorf("call %d: result %v, want %d", i, n, c.applied)
		}
	}
	holds(t, s, []acd.CallRecord{record})
}

func TestConcurrentReplaysOfTwoStores(t *testing.T) {
	redis := server(t)
	a, meterA, _ := run(t, redis.Address)
	b, meterB, _ := run(t, redis.Address)
	records := calls(5, 2000)
	backwards := slices.Clone(records)
	slices.Reverse(backwards)
	var both sync.WaitGroup
	both.Go(func() {
		for part := range slices.Chunk(records, 50) {
			a.Append(nil, part, nil)
		}
	})
	both.Go(func() {
		for part := range slices.Chunk(backwards, 70) {
			b.Append(nil, part, nil)
		}
	})
	both.Wait()
	drained(t, a, meterA)
	drained(t, b, meterB)
	holds(t, a, records)
	appliedA, _ := meterA.counts()
	appliedB, _ := meterB.counts()
	if appliedA+appliedB != 2000 {
		t.Errorf("one store applied %d, the other %d; want 2000 together", appliedA, appliedB)
	}
}

// Redis whose memory is full refuses records. Calls stay in the live state
// until their record is written.
func TestRefusedRecordKeepsTheCallLive(t *testing.T) {
	s, m, _ := run(t, address(t))
	ctx := context.Background()
	record := calls(6, 1)[0]
	s.Append([]acd.Change{{Call: &acd.CallStatus{Call: record.Call, Phase: acd.PhaseTalking}}}, nil, nil)
	drained(t, s, m)
	s.client.ConfigSet(ctx, "maxmemory", "1")
	s.Append([]acd.Change{gone(record.Call)}, []acd.CallRecord{record}, nil)
	m.until(t, "the refusal", func() bool { return m.failed("refused") })
	if live, err := s.Load(ctx, morning); err != nil || len(live.Calls) != 1 {
		t.Errorf("while the record waits, Load = %+v, %v; want the call", live, err)
	}
	s.client.ConfigSet(ctx, "maxmemory", "0")
	drained(t, s, m)
	holds(t, s, []acd.CallRecord{record})
	if live, err := s.Load(ctx, morning); err != nil || len(live.Calls) != 0 {
		t.Errorf("Load = %+v, %v; want no call", live, err)
	}
}

func TestRecountEqualsCounters(t *testing.T) {
	redis := server(t)
	site := 0
	rapid.Check(t, func(rt *rapid.T) {
		site++
		s, err := New(Options{Address: redis.Address, Site: "site" + time.Duration(site).String(), Location: shanghai})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // Run writes what is there and returns
		records := calls(rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(0, 40).Draw(rt, "calls"))
		s.Append(nil, records, nil)
		again := rapid.SliceOfN(rapid.IntRange(0, 39), 0, 10).Draw(rt, "again")
		for _, i := range again {
			if i < len(records) {
				s.Append(nil, records[i:i+1], nil)
			}
		}
		if err := s.Run(ctx); err != nil {
			rt.Fatal(err)
		}
		holds(t, s, records)
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// Verify names a counter that somebody changed, and one that is gone.
func TestVerifyFindsDifferences(t *testing.T) {
	s, m, _ := run(t, address(t))
	ctx := context.Background()
	s.Append(nil, calls(7, 50), nil)
	drained(t, s, m)
	s.client.HIncrBy(ctx, s.keys.day(today), "site:|offered", 1)
	differences, err := s.Verify(ctx, today)
	if err != nil || len(differences) != 1 || differences[0].Bucket != "2026-11-24" || differences[0].Stored != differences[0].Recounted+1 {
		t.Errorf("Verify = %v, %v; want the changed counter", differences, err)
	}
	s.client.HDel(ctx, s.keys.day(today), "site:|offered")
	if differences, err = s.Verify(ctx, today); err != nil || len(differences) != 1 || differences[0].Stored != 0 {
		t.Errorf("Verify = %v, %v; want the missing counter", differences, err)
	}
}

// A counter of a quarter-hour is compared as well as those of the day.
func TestVerifyFindsDifferencesOfIntervals(t *testing.T) {
	s, m, _ := run(t, address(t))
	ctx := context.Background()
	records := calls(13, 50)
	s.Append(nil, records, nil)
	drained(t, s, m)
	interval := traffic.Fold(records[0], shanghai)[0].Interval
	s.client.HIncrBy(ctx, s.keys.interval(interval), "site:|rona", 5)
	differences, err := s.Verify(ctx, today)
	if err != nil || len(differences) != 1 || differences[0].Bucket != interval.String() || differences[0].Stored != differences[0].Recounted+5 {
		t.Errorf("Verify = %v, %v; want the changed counter of %s", differences, err, interval)
	}
	s.client.Del(ctx, s.keys.interval(interval))
	differences, err = s.Verify(ctx, today)
	if err != nil || len(differences) == 0 {
		t.Errorf("Verify = %v, %v; want the missing interval", differences, err)
	}
	for _, difference := range differences {
		if difference.Bucket != interval.String() || difference.Stored != 0 {
			t.Errorf("Verify finds %s; want counters of %s only", difference, interval)
		}
	}
}

// A call ends between two of the commands with which Verify reads.
func TestVerifyWhileCallsEnd(t *testing.T) {
	redisServer := server(t)
	proxy := redistest.StartProxy(t, redisServer)
	s, direct := open(t, proxy.Address), open(t, redisServer.Address)
	records := calls(14, 20)
	for _, record := range records[:10] {
		if _, err := apply(t, direct, direct.client, record); err != nil {
			t.Fatal(err)
		}
	}
	ended := 0
	proxy.Pause("xrevrange", func() {
		for _, record := range records[10:] {
			if n, err := apply(t, direct, direct.client, record); n != 1 || err != nil {
				t.Errorf("applying a record: %d, %v", n, err)
			}
			ended++
		}
	})
	differences, err := s.Verify(context.Background(), today)
	if err != nil || len(differences) != 0 {
		t.Errorf("Verify = %v, %v; want no difference", differences, err)
	}
	if ended != 10 {
		t.Errorf("%d calls ended while Verify read; the case was not met", ended)
	}
	holds(t, s, records)
}
