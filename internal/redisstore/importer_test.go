package redisstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

// stintsOf are the parts of stints that count for today.
func stintsOf(list []acd.Stint) (parts []acd.Stint) {
	for _, stint := range list {
		for _, part := range traffic.SplitStint(stint, shanghai) {
			if part.From.Before(today.End(shanghai)) {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// importAll gives all to one import, in batches, and ends it.
func importAll(s *Store, records []acd.CallRecord, stints []acd.Stint) (*Import, error) {
	im := s.NewImport()
	for part := range slices.Chunk(records, ImportBatch) {
		if err := im.Add(context.Background(), part, nil); err != nil {
			return im, err
		}
	}
	if err := im.Add(context.Background(), nil, stints); err != nil {
		return im, err
	}
	return im, im.Done(context.Background())
}

func TestImportCountsLikeLiveCallsAndOnce(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	records, spent := calls(60, 2000), stintsOf(stints())
	s.Append(nil, records[:500], nil)
	drained(t, s, m)
	im, err := importAll(s, records, spent)
	if err != nil || im.Applied != 1505 || im.Before != 500 {
		t.Errorf("%d applied, %d before, %v; want 1505 and 500", im.Applied, im.Before, err)
	}
	im, err = importAll(s, slices.Concat(records[:3], records[:3]), spent)
	if err != nil || im.Applied != 0 || im.Before != 11 {
		t.Errorf("again: %d applied, %d before, %v; want 0 and 11", im.Applied, im.Before, err)
	}
	s.Append(nil, records, spent)
	drained(t, s, m)
	counts(t, s, len(records), len(spent))
}

// counts asserts that a day has so many records and stints, and that they are what was counted.
func counts(t testing.TB, s *Store, calls, stints int) {
	t.Helper()
	differences, err := s.Verify(context.Background(), today)
	if err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	got, err := s.recount(today, s.Entries(context.Background(), today), nil)
	if err != nil || got.calls != calls || got.stints != stints {
		t.Errorf("%d calls and %d stints are there, %v; want %d and %d", got.calls, got.stints, err, calls, stints)
	}
}

// A day is not closed halfway through an import, by whomever it is tried, and at once
// when the import has ended. One that was killed holds the day up for a time only.
func TestDayIsNotClosedHalfwayThroughAnImport(t *testing.T) {
	s := open(t, server(t).Address)
	closer := open(t, s.address) // another process
	ctx := context.Background()
	records := calls(65, 30)
	first, second := s.NewImport(), s.NewImport()
	for _, im := range []*Import{first, second} {
		if err := im.Hold(ctx, today, today.AddDays(-1)); err != nil {
			t.Fatal(err)
		}
	}
	add := func(im *Import, records []acd.CallRecord) {
		t.Helper()
		if err := im.Add(ctx, records, nil); err != nil {
			t.Fatal(err)
		}
	}
	add(first, records[:10])
	refused := func(when string) {
		t.Helper()
		if closed, err := closer.CloseDay(ctx, today, evening); closed || !errors.Is(err, ErrDayImported) {
			t.Errorf("%s: %v, %v", when, closed, err)
		}
	}
	refused("while both are under way")
	// The import begins between the recount and the closing.
	_, recounted, err := closer.recounted(ctx, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	closing := Closing{LastCall: recounted.lastCall, LastStint: recounted.lastStint}
	if _, err := closer.pack(ctx, today, closing, Line{}, recounted.DayTraffic); !errors.Is(err, ErrDayImported) {
		t.Errorf("in the script: %v", err)
	}
	if err := first.Done(ctx); err != nil {
		t.Fatal(err)
	}
	refused("while one is under way")
	// The second is killed, and its time passes.
	add(second, records[10:20])
	past := float64(time.Now().Add(-time.Second).Unix())
	for _, member := range s.client.ZRange(ctx, s.keys.importing(), 0, -1).Val() {
		s.client.ZAdd(ctx, s.keys.importing(), redis.Z{Score: past, Member: member})
	}
	closeToday(t, closer)
	// Done again, it brings corrections, and leaves nothing behind.
	third, err := importAll(s, records, nil)
	if err != nil || third.Applied != 10 || third.Before != 20 {
		t.Errorf("%d applied, %d before, %v", third.Applied, third.Before, err)
	}
	if corrections, err := s.Corrections(ctx, today); err != nil || len(corrections) != 10 {
		t.Errorf("%d corrections, %v", len(corrections), err)
	}
	if left := s.client.ZCard(ctx, s.keys.importing()).Val(); left != 0 {
		t.Errorf("%d days are held still", left)
	}
	counts(t, s, 30, 0)
}

// An import that takes long says again and again that it goes on.
func TestLongImportHoldsItsDays(t *testing.T) {
	s := open(t, server(t).Address)
	ctx := context.Background()
	im := s.NewImport()
	if err := im.Hold(ctx, today); err != nil {
		t.Fatal(err)
	}
	s.client.Del(ctx, s.keys.importing())
	im.heldAt = im.heldAt.Add(-holdAgain - time.Second)
	if err := im.Add(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.notImported(ctx, today); !errors.Is(err, ErrDayImported) {
		t.Errorf("got %v", err)
	}
}

// The connection is cut after a batch in the middle was counted and before Redis has
// said so; the second run counts the rest.
func TestImportThatIsBrokenOff(t *testing.T) {
	proxy := redistest.StartProxy(t, server(t))
	s := open(t, proxy.Address)
	records := calls(61, 3000)
	proxy.CutReply(`"` + string(records[1600].Call) + `"`)
	first, err := importAll(s, records, nil)
	if err == nil || proxy.Cuts() != 1 || first.Applied == 0 {
		t.Fatalf("%d applied, %v; the case was not met", first.Applied, err)
	}
	second, err := importAll(s, records, nil)
	if err != nil || second.Applied+second.Before != 3000 || second.Before <= first.Applied {
		t.Errorf("%d applied, then %d applied and %d before, %v", first.Applied, second.Applied, second.Before, err)
	}
	counts(t, s, 3000, 0)
}

// Redis is killed, and is there again: a new run counts the rest.
func TestImportWhileRedisIsKilled(t *testing.T) {
	redis := server(t)
	s := open(t, redis.Address)
	records := calls(62, 3000)
	half, err := importAll(s, records[:1500], nil)
	if err != nil {
		t.Fatal(err)
	}
	redis.Kill()
	if _, err := importAll(s, records, nil); kind(err) != "unreachable" {
		t.Errorf("while Redis is away: %v", err)
	}
	redis.Restart(t)
	again, err := importAll(s, records, nil)
	if err != nil || again.Before != half.Applied || again.Applied != 1500 {
		t.Errorf("%d applied, %d before, %v", again.Applied, again.Before, err)
	}
	counts(t, s, 3000, 0)
}

// The ids of what was counted are forgotten after some weeks. An import reads them
// from the records, and where those are archived it refuses.
func TestImportKnowsWhatWasCountedLongAgo(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records, spent := calls(63, 1200), stintsOf(stints())
	s.Append(nil, records[:1100], spent)
	drained(t, s, m)
	s.client.Del(ctx, s.keys.counted(today))
	s.Append(nil, records[1100:1101], nil) // the set is there again, and has one
	drained(t, s, m)
	im, err := importAll(s, records[:1150], spent)
	if err != nil || im.Applied != 49 || im.Before != 1101+len(spent) {
		t.Errorf("%d applied, %d before, %v", im.Applied, im.Before, err)
	}
	if ttl := s.client.TTL(ctx, s.keys.counted(today)).Val(); ttl <= 0 {
		t.Errorf("the ids are kept for %v", ttl)
	}
	counts(t, s, 1150, len(spent))
	closeToday(t, s)
	file := archive(t, s)
	if im, err = importAll(s, records[:1160], spent); err != nil || im.Applied != 10 {
		t.Errorf("while the ids are known: %d applied, %v", im.Applied, err)
	}
	agree(t, s, file)
	s.client.Del(ctx, s.keys.counted(today))
	const want = "are archived in lyg-2026-11-24.ndjson.gz, and which calls were counted is not known"
	if err := s.NewImport().Check(ctx, today); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Check: %v", err)
	}
	if im, err = importAll(s, records, spent); err == nil || !strings.Contains(err.Error(), want) || im.Applied > 0 {
		t.Errorf("when they are forgotten: %d applied, %v", im.Applied, err)
	}
	if err := s.Restore(ctx, today, each(file)); err != nil {
		t.Fatal(err)
	}
	if im, err = importAll(s, records, spent); err != nil || im.Applied != 40 {
		t.Errorf("when they are back: %d applied, %v", im.Applied, err)
	}
	counts(t, s, 1200, len(spent))
}

func TestImportBesidePublishedFigures(t *testing.T) {
	s := open(t, server(t).Address)
	ctx := context.Background()
	for _, period := range []string{"2026", "2026-11"} {
		if err := s.ImportYears(ctx, map[string]traffic.Counters{period: {traffic.CountOffered: 5}}, "report.csv", false, today.Start(shanghai).AddDate(2, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if im, err := importAll(s, calls(64, 3), nil); err == nil || !strings.Contains(err.Error(), "the figures of "+period+" were imported") || im.Applied > 0 {
			t.Errorf("%s: %v", period, err)
		}
		s.client.Del(ctx, s.keys.imported())
	}
}
