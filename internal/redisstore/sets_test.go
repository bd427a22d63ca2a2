package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hotline/internal/traffic"
)

// oneMore are the sets of a program that counts RONA since its second set. To a program
// with the first set alone, RONA is the counter of a later one.
var oneMore = traffic.CounterSets{{Counters: []traffic.Counter{traffic.CountRONA}}}

// forgetRONA makes today what an earlier program, which did not count it, would have left.
func forgetRONA(t *testing.T, s *Store) (fields int) {
	t.Helper()
	ctx := context.Background()
	for _, key := range s.client.Keys(ctx, s.keys.day(today)+"*").Val() {
		for _, field := range s.client.HKeys(ctx, key).Val() {
			if strings.HasSuffix(field, "|"+string(traffic.CountRONA)) {
				fields += int(s.client.HDel(ctx, key, field).Val())
			}
		}
	}
	return fields
}

func TestDayOfAnEarlierProgramIsVerifiedByWhatThatCounted(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(70, 300)
	s.sets = traffic.CounterSets{} // an earlier program's
	s.Append(nil, records[:200], stints())
	drained(t, s, m)
	if forgetRONA(t, s) == 0 {
		t.Fatal("no call counts for the case")
	}
	// A later program goes on with the day.
	s.sets = oneMore
	s.Append(nil, records[200:], nil)
	drained(t, s, m)
	if set, err := s.CounterSet(ctx, today); set != 1 || err != nil {
		t.Errorf("while the day is open: set %d, %v", set, err)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("the open day: %v, %v", differences, err)
	}
	// It closes the day with all that it counts, from the records.
	closeToday(t, s)
	if set, err := s.CounterSet(ctx, today); set != 2 || err != nil {
		t.Errorf("when the day is closed: set %d, %v", set, err)
	}
	rona := int64(0)
	for _, r := range records {
		if r.Agent != "" {
			rona++
		}
	}
	if day, err := s.Day(ctx, today); err != nil || day[traffic.Site][traffic.CountRONA] != rona {
		t.Errorf("the day has %d, %v; want %d", day[traffic.Site][traffic.CountRONA], err, rona)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("the closed day: %v, %v", differences, err)
	}
	if differences, err := s.VerifyMonth(ctx, today.Month()); err != nil || len(differences) > 0 {
		t.Errorf("the month: %v, %v", differences, err)
	}
}

// Closed by the earlier program, verified and corrected by the later one, archived or not.
func TestClosingOfAnEarlierProgram(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(71, 300)
	s.Append(nil, records[:299], stints())
	drained(t, s, m)
	// What an earlier program would have counted: the same without RONA.
	counted, err := s.recount(today, s.Entries(ctx, today), nil)
	if err != nil {
		t.Fatal(err)
	}
	tables := []traffic.Table{counted.Day}
	for _, interval := range counted.Intervals {
		tables = append(tables, interval.Table)
	}
	for _, table := range tables {
		for _, counters := range table {
			delete(counters, traffic.CountRONA)
		}
	}
	stored, err := s.stored(ctx, today, s.client.TxPipelined)
	if err != nil {
		t.Fatal(err)
	}
	closing := Closing{Version: 1, At: evening, Calls: counted.calls, Stints: counted.stints, LastCall: stored.lastCall, LastStint: stored.lastStint,
		Checksum: s.checksum(1, today, counted.DayTraffic)} // without a number of a set
	if done, err := s.pack(ctx, today, closing, Line{Day: today}, counted.DayTraffic); err != nil || !done {
		t.Fatalf("%v, %v", done, err)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) == 0 {
		t.Errorf("%v, %v: the case is not met", differences, err)
	}
	s.sets = oneMore
	if set, err := s.CounterSet(ctx, today); set != 1 || err != nil {
		t.Errorf("set %d, %v", set, err)
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("%v, %v", differences, err)
	}
	s.Append(nil, calls(72, 5), nil)
	drained(t, s, m)
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("corrected: %v, %v", differences, err)
	}
	agree(t, s, archive(t, s))
}

// What a later program has counted or closed is refused.
func TestDayOfALaterProgram(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.sets = oneMore
	s.Append(nil, calls(73, 10), stints())
	drained(t, s, m)
	s.sets = nil
	const want = "2026-11-24 was counted by a later version of hotline than this one (set of counters 2; this one knows up to 1): use that version, or a later one"
	var newer *NewerError
	refused := func(when string) {
		t.Helper()
		if _, err := s.Verify(ctx, today); !errors.As(err, &newer) || err.Error() != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("open")
	if _, err := s.CloseDay(ctx, today, evening); !errors.As(err, &newer) {
		t.Errorf("closing: %v", err)
	}
	s.sets = oneMore
	closeToday(t, s)
	file := collect(t, s.Entries(ctx, today))
	lastCall, lastStint, calls, stints := lasts(file)
	s.sets = nil
	refused("closed")
	if err := s.Archive(ctx, today, Archived{File: "f", Calls: calls, Stints: stints}, lastCall, lastStint); !errors.As(err, &newer) {
		t.Errorf("archiving: %v", err)
	}
	s.sets = oneMore
	archive(t, s)
	s.sets = nil
	if _, err := s.VerifyArchived(ctx, today, each(file)); !errors.As(err, &newer) {
		t.Errorf("the archived day: %v", err)
	}
	if err := s.Restore(ctx, today, each(file)); !errors.As(err, &newer) {
		t.Errorf("restoring: %v", err)
	}
	// An earlier program that goes on with a day lowers its set.
	s.sets = oneMore
	yesterday := overMidnight()
	s.Append(nil, yesterday[:1], nil)
	drained(t, s, m)
	s.sets = nil
	s.Append(nil, yesterday[1:2], nil)
	drained(t, s, m)
	if set, err := s.CounterSet(ctx, today.AddDays(-1)); set != 1 || err != nil {
		t.Errorf("set %d, %v", set, err)
	}
}
