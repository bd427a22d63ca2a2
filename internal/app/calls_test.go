package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/report"
)

// The days that tests are about.
var (
	monday  = calendar.NewDay(2026, time.November, 23)
	tuesday = monday.Next()
)

func testConfig(t testing.TB, address string) *config.Config {
	t.Helper()
	loc, err := time.LoadLocation(calendar.DefaultZone)
	if err != nil {
		t.Fatal(err)
	}
	return &config.Config{Site: "lyg", Location: loc, Redis: config.Redis{Address: address}}
}

func testStore(t testing.TB, cfg *config.Config) *redisstore.Store {
	t.Helper()
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// dayOfCalls are n calls of a day, a minute apart: answered and abandoned in turn.
func dayOfCalls(cfg *config.Config, day calendar.Day, n int) (records []acd.CallRecord) {
	for i := range n {
		at := day.Start(cfg.Location).Add(time.Duration(i) * min(time.Minute, 23*time.Hour/time.Duration(n)))
		r := acd.CallRecord{
			Version: acd.RecordVersion, Call: acd.CallID(fmt.Sprintf("a1-%s.%d", day, i)), Node: "a1", Entry: "12345", Caller: "13812345678",
			Queue: "general", Arrived: at, Queued: at.Add(5 * time.Second), Ended: at.Add(65 * time.Second),
			Result: acd.Abandoned, Reason: acd.CallerHungUp,
		}
		if i%2 == 0 {
			r.Result, r.Agent, r.Seat, r.Answered = acd.Answered, "1001", "8001", at.Add(10*time.Second)
		}
		records = append(records, r)
	}
	return records
}

// dayOfStints are an agent's quarter-hours.
func dayOfStints(cfg *config.Config, day calendar.Day) (stints []acd.Stint) {
	for _, i := range day.Intervals(cfg.Location) {
		stints = append(stints, acd.Stint{
			Version: acd.RecordVersion, Agent: "1001", Seat: "8001", State: acd.Ready, From: i.Start(cfg.Location), To: i.End(cfg.Location),
		})
	}
	return stints
}

// fill counts a day's calls and stints.
func fill(t testing.TB, store *redisstore.Store, calls []acd.CallRecord, stints []acd.Stint) {
	t.Helper()
	im := store.NewImport()
	if err := cmp.Or(im.Add(context.Background(), calls, stints), im.Done(context.Background())); err != nil {
		t.Fatal(err)
	}
}

func closeDay(t testing.TB, cfg *config.Config, store *redisstore.Store, day calendar.Day) {
	t.Helper()
	if closed, err := store.CloseDay(context.Background(), day, day.End(cfg.Location).Add(time.Hour)); err != nil || !closed {
		t.Fatalf("CloseDay = %v, %v", closed, err)
	}
}

// verified asserts that the counters of a day are those of its records.
func verified(t testing.TB, cfg *config.Config, day calendar.Day, folder string) {
	t.Helper()
	differences, err := Verify(context.Background(), cfg, day, folder)
	if err != nil || len(differences) > 0 {
		t.Errorf("Verify of %s: %q, %v", day, differences, err)
	}
}

// exported is what Redis has of days, without ids.
func exported(t testing.TB, cfg *config.Config, days Days) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := ExportCalls(context.Background(), cfg, days, "-", &out); err != nil {
		t.Fatal(err)
	}
	var records []string
	for _, line := range strings.Split(out.String(), "\n") {
		if _, record, found := strings.Cut(line, `"record":`); found {
			records = append(records, record)
		}
	}
	return records
}

func names(t testing.TB, folder string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
		list = append(list, e.Name())
	}
	return list
}

func TestExportedRecordsAreImportedElsewhere(t *testing.T) {
	ctx := context.Background()
	here, there := testConfig(t, redistest.Start(t).Address), testConfig(t, redistest.Start(t).Address)
	from, to := testStore(t, here), testStore(t, there)
	fill(t, from, dayOfCalls(here, monday, 700), dayOfStints(here, monday))
	fill(t, from, dayOfCalls(here, tuesday, 600), dayOfStints(here, tuesday))
	closeDay(t, here, from, monday)
	days := Days{monday, tuesday}
	path := filepath.Join(t.TempDir(), "two.ndjson")
	end, err := ExportCalls(ctx, here, days, path, nil)
	if err != nil || end.Calls != 1300 || end.Stints != 192 {
		t.Fatalf("ExportCalls: %+v, %v", end, err)
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"two.ndjson"}) {
		t.Errorf("the folder has %v", got)
	}
	var out bytes.Buffer
	if _, err := ExportCalls(ctx, here, days, "-", &out); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, out.Bytes()) {
		t.Errorf("standard output differs from the file; %v", err)
	}
	fill(t, to, dayOfCalls(there, tuesday, 40), nil)
	o := ImportOptions{File: path, DryRun: true}
	if r, err := ImportCalls(ctx, there, o); err != nil || r != (ImportResult{Calls: 1300, Stints: 192}) || len(exported(t, there, days)) != 40 {
		t.Errorf("with DryRun: %+v, %v", r, err)
	}
	o.DryRun = false
	for _, want := range []ImportResult{{1300, 192, 1452, 40}, {1300, 192, 0, 1492}} {
		if r, err := ImportCalls(ctx, there, o); err != nil || r != want {
			t.Errorf("ImportCalls: %+v, %v; want %+v", r, err, want)
		}
	}
	if a, b := exported(t, here, days), exported(t, there, days); !slices.Equal(a, b) {
		t.Errorf("%d records became %d", len(a), len(b))
	}
	for _, day := range days.list() {
		verified(t, there, day, "")
		a, _ := from.Day(ctx, day)
		b, err := to.Day(ctx, day)
		if err != nil || !reflect.DeepEqual(a, b) || len(a) == 0 {
			t.Errorf("%s: %v, %v; want %v", day, err, b, a)
		}
	}
}

// Nothing of a file is imported when a line of it is wrong.
func TestMalformedFileIsNotImported(t *testing.T) {
	ctx := context.Background()
	here, there := testConfig(t, redistest.Start(t).Address), testConfig(t, redistest.Start(t).Address)
	fill(t, testStore(t, here), dayOfCalls(here, monday, 700), nil)
	path := filepath.Join(t.TempDir(), "f.ndjson")
	if _, err := ExportCalls(ctx, here, Days{monday, monday}, path, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`.698","node":"a1"`), []byte(`.698","nodes":"a1"`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ImportCalls(ctx, there, ImportOptions{File: path})
	problems, more := Malformed(err)
	if len(problems) != 2 || more != 0 || problems[0] != `line 700: unknown field "nodes"` || !strings.HasPrefix(problems[1], "line 702: gives") && !strings.HasPrefix(problems[1], "line 702: the SHA-256") {
		t.Errorf("%q, %d more, %v", problems, more, err)
	}
	if got := exported(t, there, Days{monday, monday}); len(got) > 0 {
		t.Errorf("%d records were imported", len(got))
	}
}

// The connection is lost in the middle; the file is imported again.
func TestImportThatBreaksOffIsDoneAgain(t *testing.T) {
	ctx := context.Background()
	here := testConfig(t, redistest.Start(t).Address)
	fill(t, testStore(t, here), dayOfCalls(here, monday, 2800), dayOfStints(here, monday))
	path := filepath.Join(t.TempDir(), "f.ndjson")
	if _, err := ExportCalls(ctx, here, Days{monday, monday}, path, nil); err != nil {
		t.Fatal(err)
	}
	proxy := redistest.StartProxy(t, redistest.Start(t))
	there := testConfig(t, proxy.Address)
	proxy.CutReply(`"a1-2026-11-23.1400"`)
	first, err := ImportCalls(ctx, there, ImportOptions{File: path})
	if err == nil || !strings.Contains(err.Error(), "broke off after 1024 of 2896 records: import the file again") || proxy.Cuts() != 1 {
		t.Errorf("%+v, %v", first, err)
	}
	second, err := ImportCalls(ctx, there, ImportOptions{File: path})
	if err != nil || second.Applied+second.Before != 2896 || second.Before != 2048 {
		t.Errorf("%+v, %v", second, err)
	}
	verified(t, there, monday, "")
	if a, b := exported(t, here, Days{monday, monday}), exported(t, there, Days{monday, monday}); !slices.Equal(a, b) {
		t.Errorf("%d records became %d", len(a), len(b))
	}
}

func TestListedCalls(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t, redistest.Start(t).Address)
	store := testStore(t, cfg)
	cfg.Queues, cfg.Agents = []acd.Queue{{ID: "policy"}}, []config.Agent{{ID: "1009"}} // who had no calls
	records := dayOfCalls(cfg, monday, 50)
	records[3].Queue, records[3].Entry = "business", "12346"
	records[4].Visits = []acd.Visit{{Queue: "business", Entered: records[4].Queued, Left: records[4].Queued}}
	records[5].Ended = records[5].Queued.Add(5 * time.Minute)
	records[6].Ended, records[6].Reason = records[6].Answered.Add(11*time.Minute), acd.AgentHungUp
	fill(t, store, records, nil)
	fill(t, store, dayOfCalls(cfg, tuesday, 50), nil)
	both := Days{monday, tuesday}
	for name, c := range map[string]struct {
		filter CallFilter
		want   int
		last   string
	}{
		"a day":   {CallFilter{Days: Days{monday, monday}}, 50, "a1-2026-11-23.49"},
		"all":     {CallFilter{Days: both}, 100, "a1-2026-11-24.49"},
		"queue":   {CallFilter{Days: both, Queue: "business"}, 2, "a1-2026-11-23.4"},
		"agent":   {CallFilter{Days: both, Agent: "1001"}, 50, "a1-2026-11-24.48"},
		"nobody":  {CallFilter{Days: both, Agent: "1009"}, 0, ""},
		"result":  {CallFilter{Days: both, Result: "abandoned"}, 50, "a1-2026-11-24.49"},
		"reason":  {CallFilter{Days: both, Reason: "agent_hung_up"}, 1, "a1-2026-11-23.6"},
		"entry":   {CallFilter{Days: both, Entry: "12346"}, 1, "a1-2026-11-23.3"},
		"waited":  {CallFilter{Days: both, MinWait: 2 * time.Minute}, 1, "a1-2026-11-23.5"},
		"talked":  {CallFilter{Days: both, MinTalk: 11 * time.Minute}, 1, "a1-2026-11-23.6"},
		"several": {CallFilter{Days: both, Result: "answered", Queue: "business"}, 1, "a1-2026-11-23.4"},
		"limit":   {CallFilter{Days: both, Limit: 7}, 100, "a1-2026-11-24.49"},
	} {
		list, err := ListCalls(ctx, cfg, c.filter)
		shown := c.want
		if c.filter.Limit > 0 {
			shown = c.filter.Limit
		}
		if err != nil || list.Found != c.want || len(list.Calls) != shown || shown > 0 && list.Calls[shown-1].ID != c.last {
			t.Errorf("%s: %d found, %d shown, %v", name, list.Found, len(list.Calls), err)
		}
		if !slices.IsSortedFunc(list.Calls, func(a, b report.Call) int { return a.Arrived.Compare(b.Arrived) }) {
			t.Errorf("%s: the newest are not last", name)
		}
		for _, format := range []string{"table", "csv", "json"} {
			var out bytes.Buffer
			if err := WriteCalls(&out, format, "zh", list); err != nil || strings.Contains(out.String(), "13812345678") ||
				strings.Count(out.String(), "138******78") != shown {
				t.Errorf("%s as %s: %v\n%s", name, format, err, out.String())
			}
		}
	}
	for want, filter := range map[string]CallFilter{
		"--result: \"lost\" is no result; write one of [answered":                                                         {Days: both, Result: "lost"},
		"--reason: \"bored\" is no reason; write one of [caller":                                                          {Days: both, Reason: "bored"},
		"--limit: -1 is less than 0":                                                                                      {Days: both, Limit: -1},
		"--min-wait: -30s is negative; write how long at least, for example 30s":                                          {Days: both, MinWait: -30 * time.Second},
		"--min-talk: -1ns is negative":                                                                                    {Days: both, MinTalk: -1},
		`--queue: no queue "genral" is in the configuration or in the figures of 2026-11-23 to 2026-11-24; write general`: {Days: both, Queue: "genral"},
		`--queue: no queue "sales" is in the configuration or in the figures of 2026-11-23 to 2026-11-24; known are business, general, policy`: {Days: both, Queue: "sales"},
		`--queue: no queue "business" is in the configuration or in the figures of 2026-11-24; known are general, policy`:                      {Days: Days{tuesday, tuesday}, Queue: "business"},
		`--agent: no agent "19999" is in the configuration or in the figures of 2026-11-23; known are 1001, 1009`:                              {Days: Days{monday, monday}, Agent: "19999"},
		`--agent: no agent "1002" is in the configuration or in the figures of 2026-11-23; write 1001`:                                         {Days: Days{monday, monday}, Agent: "1002"},
		`--entry: no number "99" is in the configuration or in the figures of 2026-11-24; known are 12345`:                                     {Days: Days{tuesday, tuesday}, Entry: "99"},
	} {
		if _, err := ListCalls(ctx, cfg, filter); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
