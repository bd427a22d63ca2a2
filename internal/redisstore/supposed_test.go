package redisstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/spool"
)

// because are records of calls of these ids that ended for these reasons.
func because(seed uint64, ends map[acd.CallID]acd.Reason) []acd.CallRecord {
	records := calls(seed, len(ends))
	i := 0
	for id, reason := range ends {
		records[i].Call, records[i].Reason = id, reason
		i++
	}
	return records
}

func without(records []acd.CallRecord, ids ...acd.CallID) []acd.CallRecord {
	return slices.DeleteFunc(slices.Clone(records), func(r acd.CallRecord) bool { return slices.Contains(ids, r.Call) })
}

func liveCalls(t *testing.T, s *Store) string {
	t.Helper()
	state, err := s.Load(context.Background(), morning)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range state.Calls {
		ids = append(ids, string(c.Call))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// Whoever was cut off supposes that its calls have ended. Those that go on under the next
// controller are the next one's; what it has seen end has ended.
func TestACallThatGoesOnUnderAnotherIsNotRecorded(t *testing.T) {
	address := address(t)
	a, meterA, _ := run(t, address)
	take(t, a, "a")
	var live []acd.Change
	for _, id := range []acd.CallID{"lost", "found", "seen", "over"} {
		live = append(live, call(id, acd.PhaseTalking))
	}
	a.Append(live, nil, nil)
	drained(t, a, meterA)
	expire(t, a)
	b, meterB, _ := run(t, address)
	take(t, b, "b")
	b.Append([]acd.Change{gone("over")}, nil, nil)
	drained(t, b, meterB)

	records := because(95, map[acd.CallID]acd.Reason{"lost": acd.NodeLost, "found": acd.Recovered, "seen": acd.CallerHungUp, "over": acd.NodeLost})
	a.Append([]acd.Change{gone("lost"), gone("found"), gone("seen"), gone("over")}, records, nil)
	drained(t, a, meterA)
	holds(t, b, without(records, "lost", "found"))
	if got := liveCalls(t, b); got != "found lost" {
		t.Errorf("the calls %q go on, want found and lost", got)
	}
	truth := because(96, map[acd.CallID]acd.Reason{"lost": acd.CallerHungUp, "found": acd.NodeLost})
	b.Append([]acd.Change{gone("lost"), gone("found")}, truth, nil)
	drained(t, b, meterB)
	holds(t, b, append(without(records, "lost", "found"), truth...))
	if got := liveCalls(t, b); got != "" {
		t.Errorf("the calls %q go on", got)
	}
	if _, twice := meterB.counts(); twice != 0 {
		t.Errorf("%d records were duplicates", twice)
	}
}

// cutOff is a controller that has the calls lost and seen in Redis, has spooled that they
// have ended, and has crashed. Redis is back.
func cutOff(t *testing.T, redis *redistest.Server, dir string) []acd.CallRecord {
	t.Helper()
	file := openSpool(t, dir)
	s, m, stop := runSpooling(t, redis.Address, file, never, func(o *Options) { o.FlushTimeout = 1 })
	take(t, s, "first")
	s.Append([]acd.Change{call("lost", acd.PhaseTalking), call("seen", acd.PhaseTalking)}, nil, nil)
	drained(t, s, m)
	redis.Kill()
	records := because(97, map[acd.CallID]acd.Reason{"lost": acd.NodeLost, "seen": acd.CallerHungUp})
	s.Append([]acd.Change{gone("lost"), gone("seen")}, records, nil)
	m.until(t, "the failure", func() bool { return m.failed("unreachable") })
	spooled(t, s, m)
	_ = stop()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	redis.Restart(t)
	return records
}

func TestSpooledRecordsOfCallsThatGoOnAreNotWritten(t *testing.T) {
	for name, test := range map[string]struct {
		led, leads bool // another has led since; and this one leads when it writes
		live       string
		kept       []acd.CallID // of the records not written
	}{
		"nobody has led":                   {false, false, "", nil},
		"nobody has led, and it leads":     {false, true, "", nil},
		"another leads":                    {true, false, "lost", []acd.CallID{"lost"}},
		"another has led, and now it does": {true, true, "lost", []acd.CallID{"lost"}},
	} {
		t.Run(name, func(t *testing.T) {
			redis := server(t)
			dir := t.TempDir()
			records := cutOff(t, redis, dir)
			other := open(t, redis.Address)
			free(t, other)
			if test.led {
				take(t, other, "other")
				free(t, other)
			}
			s := open(t, redis.Address, with(openSpool(t, dir)))
			if test.leads {
				take(t, s, "second")
				state, err := s.TakeOver(t.Context(), morning)
				if err != nil || len(state.Calls) != len(test.kept) {
					t.Errorf("took over the calls %+v, %v", state.Calls, err)
				}
			}
			if err := s.Replay(t.Context()); err != nil {
				t.Fatal(err)
			}
			holds(t, s, without(records, test.kept...))
			if got := liveCalls(t, s); got != test.live {
				t.Errorf("the calls %q go on, want %q", got, test.live)
			}
		})
	}
}

// Between the moment in which Redis gives the lease and that in which this process hears of
// it, its own records look like those of somebody else who led before.
func TestSpooledRecordsSentWhileTheLeaseIsGivenAreNotLost(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	records := cutOff(t, redis, dir)
	s := open(t, redis.Address, with(openSpool(t, dir)))
	free(t, s)
	made := s.spool.countedUnder
	s.client.Set(t.Context(), s.keys.fence(), made+1, 0)
	if err := s.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.client.Set(t.Context(), s.keys.fence(), made, 0)
	take(t, s, "second")
	if got := takeOver(t, s); got != "" {
		t.Errorf("took over %q", got)
	}
	if err := s.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, s, records)
}

// A process that crashes a second time, after it took the lease, still knows whose records
// those in the spool are.
func TestSpooledRecordsBelongToTheLeaseThatWasTaken(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	records := cutOff(t, redis, dir)
	file := openSpool(t, dir)
	second := open(t, redis.Address, with(file))
	free(t, second)
	lease := take(t, second, "second")
	var content spool.Content
	var err error
	if content, err = file.Read(); err != nil || content.Counting != lease.Token() {
		t.Errorf("the records are those of the lease %d, want %d; %v", content.Counting, lease.Token(), err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, redis.Address, with(openSpool(t, dir)))
	free(t, s)
	take(t, s, "third")
	takeOver(t, s)
	if err := s.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(t, s, records)
}

// An agent's time is accounted for once: by the controller that leads, which goes on from
// the state that was written, and not by the former one too.
func TestTheTimeOfAgentsIsAccountedForOnce(t *testing.T) {
	address := address(t)
	a, meterA, _ := run(t, address)
	take(t, a, "a")
	first := acd.Stint{Version: acd.RecordVersion, Agent: "1001", Seat: "8001", State: acd.Ready, From: morning, To: morning.Add(time.Minute)}
	a.Append(nil, nil, []acd.Stint{first})
	drained(t, a, meterA)
	expire(t, a)
	b, meterB, _ := run(t, address)
	take(t, b, "b")
	late, whole := first, first
	late.From, late.To = first.To, first.To.Add(time.Minute)
	whole.From, whole.To = first.To, first.To.Add(2*time.Minute)
	a.Append(nil, nil, []acd.Stint{late})
	drained(t, a, meterA)
	b.Append(nil, nil, []acd.Stint{whole})
	drained(t, b, meterB)
	var tos []time.Time
	for entry, err := range b.Entries(t.Context(), today) {
		if err != nil {
			t.Fatal(err)
		}
		var stint acd.Stint
		if err := json.Unmarshal(entry.Text, &stint); err != nil {
			t.Fatal(err)
		}
		tos = append(tos, stint.To)
	}
	if len(tos) != 2 || !tos[0].Equal(first.To) || !tos[1].Equal(whole.To) {
		t.Errorf("stints until %v", tos)
	}
}
