package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// parking is a store that tries parked entries again soon. It does not run yet.
func parking(t testing.TB, address string) (*Store, *meter, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	m := newMeter()
	s := open(t, address, func(o *Options) { o.Meter, o.Log = m, zap.New(core) })
	s.parkRetry = 20 * time.Millisecond
	return s, m, logs
}

func (m *meter) parkedEntries() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.parked
}

func (m *meter) batchesSoFar() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.batches
}

// A record whose counters are damaged waits, and its call stays live; all
// others are written, and it too when the counter is repaired.
func TestRefusedRecordDoesNotHoldUpTheOthers(t *testing.T) {
	s, m, logs := parking(t, address(t))
	ctx := context.Background()
	records := calls(30, 1000)
	bad := traffic.Fold(records[0], shanghai)[0].Interval
	var ends []acd.Change
	others := 0
	for _, record := range records {
		ends = append(ends, gone(record.Call))
		s.client.HSet(ctx, s.keys.live(acd.KindCall), string(record.Call), `{"v":1,"call":"`+string(record.Call)+`"}`)
		if traffic.Fold(record, shanghai)[0].Interval != bad {
			others++
		}
	}
	for _, counter := range []traffic.Counter{traffic.CountOffered, traffic.CountNotOffered} {
		s.client.HSet(ctx, s.keys.interval(bad), counterField(traffic.Site, counter), "x")
	}
	start(t, s)
	s.Append(ends, records, nil)
	m.until(t, "writing the others", func() bool {
		applied, _ := m.counts()
		return applied == others && m.parkedEntries() == len(records)-others
	})
	var refused *RefusedEntriesError
	if err := s.Ready(); !errors.As(err, &refused) || refused.Records != len(records)-others || !strings.Contains(err.Error(), s.keys.interval(bad)) {
		t.Errorf("Ready: %v; want the refused records and the key", err)
	}
	if live, err := s.Load(ctx, morning); err != nil || len(live.Calls) != len(records)-others {
		t.Errorf("Load: %d calls, %v; want those whose record waits", len(live.Calls), err)
	}
	until := m.batchesSoFar() + 3
	m.until(t, "trying again", func() bool { return m.batchesSoFar() >= until })
	if told := logs.FilterLevelExact(zap.ErrorLevel).Len(); told != len(records)-others {
		t.Errorf("%d errors in the log, want one for each refused record", told)
	}
	if told := logs.FilterField(zap.String("record", string(records[0].Call))).Len(); told != 1 {
		t.Errorf("call %s is told %d times", records[0].Call, told)
	}
	s.client.HDel(ctx, s.keys.interval(bad), counterField(traffic.Site, traffic.CountOffered), counterField(traffic.Site, traffic.CountNotOffered))
	drained(t, s, m)
	holds(t, s, records)
	if err := s.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if live, err := s.Load(ctx, morning); err != nil || len(live.Calls) != 0 || m.parkedEntries() != 0 {
		t.Errorf("Load: %d calls, %v; %d parked; want none", len(live.Calls), err, m.parkedEntries())
	}
}

// A record that was refused and is then called a duplicate counts as written
// only when it is among the records.
func TestRefusedRecordIsNotTakenForADuplicate(t *testing.T) {
	s, m, _ := parking(t, address(t))
	ctx := context.Background()
	record := calls(31, 1)[0]
	stream, counted := s.keys.records(today), s.keys.counted(today)
	s.client.Set(ctx, stream, "x", 0)
	start(t, s)
	s.Append(nil, []acd.CallRecord{record}, nil)
	m.until(t, "the refusal", func() bool { return m.parkedEntries() == 1 })
	s.client.SAdd(ctx, counted, string(record.Call)) // as a script would that fails half way
	s.client.Del(ctx, stream)
	m.until(t, "the doubt", func() bool {
		err := s.Ready()
		return err != nil && strings.Contains(err.Error(), "is in "+counted) && strings.Contains(err.Error(), string(record.Call))
	})
	if applied, duplicates := m.counts(); applied+duplicates != 0 {
		t.Errorf("%d applied, %d duplicates; want none", applied, duplicates)
	}
	s.client.SRem(ctx, counted, string(record.Call))
	drained(t, s, m)
	holds(t, s, []acd.CallRecord{record})

	// Another controller writes it meanwhile.
	second := calls(32, 1)[0]
	s.client.Rename(ctx, stream, "away")
	s.client.Set(ctx, stream, "x", 0)
	s.Append(nil, []acd.CallRecord{second}, nil)
	m.until(t, "the refusal", func() bool { return m.parkedEntries() == 1 })
	pipe := s.client.TxPipeline()
	pipe.Rename(ctx, "away", stream)
	scriptKeys, args := argsOf(t, s, second)
	queueApply(ctx, pipe, true, scriptKeys, args)
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	drained(t, s, m)
	holds(t, s, []acd.CallRecord{record, second})
	if applied, duplicates := m.counts(); applied != 1 || duplicates != 1 {
		t.Errorf("%d applied, %d duplicates; want 1 and 1", applied, duplicates)
	}
}

// However many records are refused, only so many are parked; none is lost.
func TestParkIsBounded(t *testing.T) {
	s, m, _ := parking(t, address(t))
	ctx := context.Background()
	const limit = 600
	records := calls(33, limit+3*batchLimit)
	s.client.Set(ctx, s.keys.day(today), "x", 0)
	s.parkRetry, s.parkLimit = 2*time.Second, limit
	start(t, s)
	s.Append(nil, records, nil)
	m.until(t, "filling the park", func() bool { return m.parkedEntries() >= limit })
	s.mu.Lock()
	parked, waiting := len(s.parked)+len(s.inFlight), s.waiting.records
	s.mu.Unlock()
	if parked >= limit+batchLimit || parked+waiting != len(records) {
		t.Errorf("%d are parked and %d wait", parked, waiting)
	}
	s.client.Del(ctx, s.keys.day(today))
	drained(t, s, m)
	holds(t, s, records)
}

// A parked state gives way to a newer one, and records go on beside it.
func TestParkedStateIsReplaced(t *testing.T) {
	s, m, _ := parking(t, address(t))
	ctx := context.Background()
	s.client.Set(ctx, s.keys.live(acd.KindAgent), "x", 0)
	start(t, s)
	records := calls(34, 50)
	for i, state := range []acd.AgentState{acd.Ready, acd.Ringing, acd.Talking} {
		s.Append([]acd.Change{{Agent: &acd.AgentStatus{Agent: "1001", State: state}}}, records[i:i+1], nil)
		m.until(t, "the refusal", func() bool {
			applied, _ := m.counts()
			return applied == i+1 && m.parkedEntries() == 1
		})
	}
	s.client.Del(ctx, s.keys.live(acd.KindAgent))
	drained(t, s, m)
	if live, err := s.Load(ctx, morning); err != nil || len(live.Agents) != 1 || live.Agents[0].State != acd.Talking {
		t.Errorf("Load = %+v, %v; want the newest state", live, err)
	}
}

func TestShutdownTriesParkedRecordsAndSaysWhichAreLost(t *testing.T) {
	for _, repaired := range []bool{true, false} {
		s, m, _ := parking(t, address(t))
		s.parkRetry = time.Hour
		ctx := context.Background()
		records := calls(35, 3)
		s.client.Set(ctx, s.keys.day(today), "x", 0)
		stop := start(t, s)
		s.Append(nil, records, nil)
		m.until(t, "the refusal", func() bool { return m.parkedEntries() == 3 })
		if repaired {
			s.client.Del(ctx, s.keys.day(today))
		}
		err := stop()
		if repaired {
			if err != nil {
				t.Errorf("Run: %v", err)
			}
			holds(t, s, records)
			continue
		}
		var refused *RefusedEntriesError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "3 call records and 0 live-state changes were not written") {
			t.Errorf("Run: %v", err)
		}
	}
}
