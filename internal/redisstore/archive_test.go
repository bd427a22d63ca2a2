package redisstore

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// collect reads entries.
func collect(t testing.TB, entries Entries) (list []Entry) {
	t.Helper()
	for entry, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, entry)
	}
	return list
}

func each(list []Entry) Entries {
	return func(yield func(Entry, error) bool) {
		for _, entry := range list {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// lasts are the ids of the last record and stint, and how many there are.
func lasts(list []Entry) (lastCall, lastStint string, calls, stints int) {
	lastCall, lastStint = "0-0", "0-0"
	for _, entry := range list {
		if entry.Stint {
			lastStint = entry.ID
			stints++
		} else {
			lastCall = entry.ID
			calls++
		}
	}
	return
}

// archive lets today go to a file; it returns what is in the file.
func archive(t testing.TB, s *Store) []Entry { return archiveDay(t, s, today) }

func archiveDay(t testing.TB, s *Store, day calendar.Day) []Entry {
	t.Helper()
	file := collect(t, s.Entries(context.Background(), day))
	lastCall, lastStint, calls, stints := lasts(file)
	a := Archived{File: "lyg-" + day.String() + ".ndjson.gz", SHA256: "abc", At: evening.UTC(), Calls: calls, Stints: stints}
	if err := s.Archive(context.Background(), day, a, lastCall, lastStint); err != nil {
		t.Fatal(err)
	}
	return file
}

func same(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(a, b Entry) bool { return a.ID == b.ID && a.Stint == b.Stint && bytes.Equal(a.Text, b.Text) })
}

// agree asserts that Verify of the archived or whole day finds nothing.
func agree(t testing.TB, s *Store, file []Entry) {
	t.Helper()
	ctx := context.Background()
	differences, err := s.VerifyArchived(ctx, today, each(file))
	if err != nil || len(differences) > 0 {
		t.Errorf("with the file: %v, %v", differences, err)
	}
	if differences, err := s.VerifyMonth(ctx, today.Month()); err != nil || len(differences) > 0 {
		t.Errorf("VerifyMonth: %v, %v", differences, err)
	}
}

func TestArchivedDayKeepsItsFigures(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(50, 1500), stints())
	drained(t, s, m)
	closeToday(t, s)
	before, _ := s.Lines(ctx, today, today)
	file := archive(t, s)
	if len(file) != 1505 {
		t.Errorf("%d entries are archived", len(file))
	}
	if left := collect(t, s.Entries(ctx, today)); len(left) > 0 {
		t.Errorf("%d entries are left", len(left))
	}
	if after, err := s.Lines(ctx, today, today); err != nil || !reflect.DeepEqual(normal(before), normal(after)) {
		t.Errorf("the line before %+v\nand after %+v, %v", before, after, err)
	}
	var archived *ArchivedError
	if _, err := s.Verify(ctx, today); !errors.As(err, &archived) || archived.File != "lyg-2026-11-24.ndjson.gz" {
		t.Errorf("Verify: %v", err)
	}
	agree(t, s, file)
	if differences, err := s.VerifyArchived(ctx, today, each(file[1:])); err != nil || len(differences) == 0 || differences[len(differences)-1].Closing == "" {
		t.Errorf("without the first record: %v, %v; want that counters and the closing differ", differences, err)
	}
	if err := s.Archive(ctx, today, Archived{}, "0-0", "0-0"); !errors.As(err, &archived) {
		t.Errorf("a second time: %v", err)
	}
}

func TestOnlyWhatIsInTheFileIsLetGo(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(51, 101)
	s.Append(nil, records[:100], stints())
	drained(t, s, m)
	file := collect(t, s.Entries(ctx, today))
	lastCall, lastStint, calls, stints := lasts(file)
	a := Archived{File: "f", Calls: calls, Stints: stints}
	if err := s.Archive(ctx, today, a, lastCall, lastStint); !errors.Is(err, ErrDayNotClosed) {
		t.Errorf("an open day: %v", err)
	}
	closeToday(t, s)
	// A correction comes after the file was written.
	s.Append(nil, records[100:], nil)
	drained(t, s, m)
	if err := s.Archive(ctx, today, a, lastCall, lastStint); !errors.Is(err, ErrDayChanging) {
		t.Errorf("with a correction: %v", err)
	}
	// Somebody takes one away as well: the last id differs, the number does not.
	s.client.XDel(ctx, s.keys.records(today), file[3].ID)
	if err := s.Archive(ctx, today, a, lastCall, lastStint); !errors.Is(err, ErrDayChanging) {
		t.Errorf("with another record: %v", err)
	}
	if closing, err := s.Closing(ctx, today); err != nil || closing.Archived != nil {
		t.Errorf("closed with %+v, %v", closing, err)
	}
	if left := collect(t, s.Entries(ctx, today)); len(left) != 105 {
		t.Errorf("%d entries are left", len(left))
	}
}

// A user who may not let go of records is refused before the day is called archived.
func TestArchiveWithoutTheRight(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(52, 10), nil)
	drained(t, s, m)
	closeToday(t, s)
	file := collect(t, s.Entries(ctx, today))
	lastCall, lastStint, calls, stints := lasts(file)
	if err := s.client.Do(ctx, "ACL", "SETUSER", "default", "-xtrim").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Archive(ctx, today, Archived{File: "f", Calls: calls, Stints: stints}, lastCall, lastStint); err == nil {
		t.Error("nothing was refused")
	}
	if differences, err := s.Verify(ctx, today); err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
}

// Corrections come for an archived day: the day is verified with the file, put back,
// archived again with the corrections, and put back again.
func TestCorrectionsOfAnArchivedDay(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(53, 300)
	s.Append(nil, records[:280], stints())
	drained(t, s, m)
	closeToday(t, s)
	s.Append(nil, records[280:290], nil)
	drained(t, s, m)
	peaks, _ := s.Lines(ctx, today, today)
	first := archive(t, s)
	s.Append(nil, records, nil) // 10 are new
	late := stints()[1]
	late.Agent = "1002"
	s.Append(nil, nil, []acd.Stint{late})
	drained(t, s, m)
	agree(t, s, first)
	if lines, err := s.Lines(ctx, today, today); err != nil || lines[0].Peaks.Calls < peaks[0].Peaks.Calls-5 || lines[0].Peaks.Calls == 0 {
		t.Errorf("peaks %+v became %+v, %v", peaks[0].Peaks, lines[0].Peaks, err)
	}
	since := collect(t, s.Entries(ctx, today))
	if len(since) != 11 {
		t.Fatalf("%d entries came since, want 10 calls and a stint", len(since))
	}

	if err := s.Restore(ctx, today, each(first)); err != nil {
		t.Fatal(err)
	}
	holdsRestored(t, s, records)
	if err := s.Restore(ctx, today, each(first)); err == nil || !strings.Contains(err.Error(), "is not archived") {
		t.Errorf("a second time: %v", err)
	}
	all := collect(t, s.Entries(ctx, today))
	if len(all) != len(first)+11 {
		t.Errorf("%d entries are there, %d were archived", len(all), len(first))
	}

	second := archive(t, s)
	if !same(second, all) {
		t.Error("the second archive has not all")
	}
	agree(t, s, second)
	if err := s.Restore(ctx, today, each(second)); err != nil {
		t.Fatal(err)
	}
	if !same(all, collect(t, s.Entries(ctx, today))) {
		t.Error("what was put back is not what was archived")
	}
	holdsRestored(t, s, records)
	// The day goes on as if nothing had been.
	s.Append(nil, records, nil)
	drained(t, s, m)
	holdsRestored(t, s, records)
}

func holdsRestored(t testing.TB, s *Store, records []acd.CallRecord) {
	t.Helper()
	agree(t, s, nil)
	if differences, err := s.Verify(context.Background(), today); err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	n := 0
	if err := s.Records(context.Background(), today, func(acd.CallRecord) error { n++; return nil }); err != nil || n != len(records) {
		t.Errorf("%d records are there, %v; want %d", n, err, len(records))
	}
	if left := s.client.Keys(context.Background(), "*restoring*").Val(); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestRestoreOfAnotherFileChangesNothing(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(54, 700), stints())
	drained(t, s, m)
	closeToday(t, s)
	file := archive(t, s)
	broken := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		entries Entries
		want    string
	}{
		"a record is missing": {each(file[1:]), "were not put back"},
		"in another order":    {each([]Entry{file[1], file[0]}), "equal or smaller"},
		"no record":           {each([]Entry{{ID: "1-1", Text: []byte("x")}}), "not a call record"},
		"cannot be read":      {joined(each(file), func(yield func(Entry, error) bool) { yield(Entry{}, broken) }), "the disk is broken"},
	} {
		if err := s.Restore(ctx, today, c.entries); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left := s.client.Keys(ctx, "*restoring*").Val(); len(left) > 0 || len(collect(t, s.Entries(ctx, today))) > 0 {
			t.Errorf("%s: %v is left, or entries are there", name, left)
		}
		agree(t, s, file)
	}
	if err := s.Restore(ctx, today, each(file)); err != nil {
		t.Fatal(err)
	}
	if !same(file, collect(t, s.Entries(ctx, today))) {
		t.Error("what was put back is not what was archived")
	}
}

// The clock of Redis is set back after a day was archived: corrections still come after
// what is in the file.
func TestCorrectionsComeAfterTheArchiveWhateverTheClockSays(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(55, 20)
	s.Append(nil, records[:10], nil)
	drained(t, s, m)
	// As a clock that is an hour ahead would have numbered it.
	last := s.client.XRevRangeN(ctx, s.keys.records(today), "+", "-", 1).Val()[0]
	ahead := time.Now().Add(time.Hour).UnixMilli()
	pipe := s.client.TxPipeline()
	pipe.XDel(ctx, s.keys.records(today), last.ID)
	pipe.Do(ctx, "XADD", s.keys.records(today), ahead, "call", last.Values["call"], "record", last.Values["record"])
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	closeToday(t, s)
	file := archive(t, s)
	s.Append(nil, records[10:], nil)
	drained(t, s, m)
	agree(t, s, file)
	if err := s.Restore(ctx, today, each(file)); err != nil {
		t.Fatal(err)
	}
	holdsRestored(t, s, records)
}
