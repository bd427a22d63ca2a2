package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

// configOf is a configuration with a Redis of a test.
func configOf(address string) (*config.Config, error) {
	loc, err := time.LoadLocation(calendar.DefaultZone)
	return &config.Config{Site: "lyg", Location: loc, Redis: config.Redis{Address: address}}, err
}

// runWith runs the program with arguments and a Redis.
func runWith(address string, line ...string) (out, told string, err error) {
	cmd := program(func() (*config.Config, error) { return configOf(address) })
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(line)
	err = cmd.ExecuteContext(context.Background())
	return stdout.String(), stderr.String(), err
}

func storeOf(t testing.TB, address string) *redisstore.Store {
	t.Helper()
	cfg, err := configOf(address)
	if err != nil {
		t.Fatal(err)
	}
	store, err := redisstore.New(redisstore.Options{Address: address, Site: cfg.Site, Location: cfg.Location})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// abandonedCalls are n calls in the morning of 2026-11-24.
func abandonedCalls(n int) (records []acd.CallRecord) {
	for i := range n {
		at := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
		records = append(records, acd.CallRecord{
			Version: 1, Call: acd.CallID(fmt.Sprintf("a1-%d", i)), Node: "a1", Entry: "12345", Caller: "13812345678", Queue: "general",
			Arrived: at, Queued: at, Ended: at.Add(31 * time.Second), Result: acd.Abandoned, Reason: acd.CallerHungUp,
		})
	}
	return records
}

func fill(t testing.TB, store *redisstore.Store, records []acd.CallRecord) {
	t.Helper()
	im := store.NewImport()
	for part := range slices.Chunk(records, redisstore.ImportBatch) {
		if err := im.Add(context.Background(), part, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := im.Done(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestCallsCommands(t *testing.T) {
	redis, empty := redistest.Start(t), redistest.Start(t)
	store := storeOf(t, redis.Address)
	fill(t, store, abandonedCalls(150))
	folder := t.TempDir()
	file := filepath.Join(folder, "f.ndjson")
	calls := func(address, line string) (string, string, error) {
		return runWith(address, append([]string{"calls"}, strings.Fields(line)...)...)
	}
	for _, c := range []struct{ line, out, told string }{
		{"list --day 2026-11-24 --min-wait 31s", "来电时间", "shown: the newest 100 of 150 calls; --limit 0 shows all"},
		{"list --day 2026-11-24 --lang en --format csv --limit 1", "2026-11-24 09:02:29,138******78,12345,general,abandoned,caller_hung_up,,31.0,—,inbound,a1-149\n", "shown: the newest 1 of 150"},
		{"list --from 2026-11-01 --to 2026-11-30 --result answered --format json", "[]", ""},
		{"export " + file + " --day 2026-11-24", "", "exported: 150 calls and 0 stints"},
		{"export - --from 2026-11-24 --to 2026-11-25", `{"kind":"head","format":"hotline records","v":1,"site":"lyg","zone":"Asia/Shanghai","from":"2026-11-24","to":"2026-11-25"}`, "150 calls"},
		{"import " + file, "0 applied, 150 had been counted before", ""},
		{"import --dry-run " + file, "good: 150 calls and 0 stints; nothing was imported", ""},
	} {
		out, told, err := calls(redis.Address, c.line)
		if err != nil || !strings.Contains(out, c.out) || !strings.Contains(told, c.told) || c.told == "" && told != "" {
			t.Errorf("%s: %v\n%s\n%s", c.line, err, out, told)
		}
	}
	for want, line := range map[string]string{
		"--to needs the first day; write it":                        "list --to 2026-11-24",
		"--day and --from exclude each other":                       "list --day 2026-11-24 --from 2026-11-24",
		"2026-11-23 is before 2026-11-24; exchange":                 "list --from 2026-11-24 --to 2026-11-23",
		`--from: "soon" is not a day: write it as`:                  "export - --from soon",
		`--lang: "fr" is not possible; write zh or en`:              "list --lang fr",
		`--format: "xml" is not possible; write table, csv or json`: "list --format xml",
		"there is no file " + file + ".gone; name":                  "import " + file + ".gone",
		"standard input cannot be imported":                         "import -",
		"--before: \"now\" is not a day":                            "archive --folder " + folder + " --before now",
		"there is no folder":                                        "archive --folder " + folder + "/no --before 2026-11-25",
		"2026-11-24 is not archived":                                "restore " + file,
	} {
		if _, _, err := calls(redis.Address, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
	// 150 wrong lines and the last: 100 are told.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(folder, "wrong.ndjson")
	if err := os.WriteFile(wrong, bytes.ReplaceAll(text, []byte("abandoned"), []byte("lost")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, told, err := calls(empty.Address, "import "+wrong)
	if !errors.Is(err, errFound) || strings.Count(told, wrong+": line ") != 100 || !strings.Contains(told, wrong+": line 2: the result \"lost\" is not known") ||
		!strings.Contains(told, wrong+": and 51 problems more\nnothing was imported") || strings.Contains(told, "138") {
		t.Errorf("%v\n%s", err, told)
	}
	if open, err := storeOf(t, empty.Address).OpenDays(context.Background()); err != nil || len(open) > 0 {
		t.Errorf("something was imported: %v, %v", open, err)
	}
}

func TestVerifyOfAnArchivedDay(t *testing.T) {
	redis := redistest.Start(t)
	store := storeOf(t, redis.Address)
	fill(t, store, abandonedCalls(20))
	day := calendar.NewDay(2026, time.November, 24)
	if closed, err := store.CloseDay(context.Background(), day, time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)); !closed || err != nil {
		t.Fatal(closed, err)
	}
	folder := t.TempDir()
	out, _, err := runWith(redis.Address, "calls", "archive", "--before", "2026-11-25", "--folder", folder, "--remove")
	if err != nil || !strings.Contains(out, "2026-11-24: 20 calls and 0 stints are in "+folder+"/lyg-2026-11-24.ndjson.gz and no longer in Redis") {
		t.Fatalf("%s%v", out, err)
	}
	_, _, err = runWith(redis.Address, "traffic", "verify", "--day", "2026-11-24")
	if err == nil || !strings.Contains(err.Error(), "are archived in lyg-2026-11-24.ndjson.gz: name its folder, as in hotline traffic verify --day 2026-11-24 --archive FOLDER") {
		t.Errorf("got %v", err)
	}
	out, _, err = runWith(redis.Address, "traffic", "verify", "--day", "2026-11-24", "--archive", folder)
	if err != nil || !strings.Contains(out, "2026-11-24: 0 differences") {
		t.Errorf("%s%v", out, err)
	}
	out, _, err = runWith(redis.Address, "calls", "restore", folder+"/lyg-2026-11-24.ndjson.gz")
	if err != nil || out != "2026-11-24: back in Redis: 20 calls and 0 stints\n" {
		t.Errorf("%s%v", out, err)
	}
}

// One of a thing is not told in the plural.
func TestOneCall(t *testing.T) {
	from, to := redistest.Start(t), redistest.Start(t)
	fill(t, storeOf(t, from.Address), abandonedCalls(1))
	file := filepath.Join(t.TempDir(), "f.ndjson")
	if _, told, err := runWith(from.Address, "calls", "export", file, "--day", "2026-11-24"); err != nil || told != "exported: 1 call and 0 stints\n" {
		t.Errorf("%s%v", told, err)
	}
	if out, _, err := runWith(to.Address, "calls", "import", "--dry-run", file); err != nil || out != "good: 1 call and 0 stints; nothing was imported\n" {
		t.Errorf("%s%v", out, err)
	}
	years := filepath.Join(t.TempDir(), "years.csv")
	if err := os.WriteFile(years, []byte(app.YearsHead()+"\n2022,1157692,98.50,11,205,2.13,112556,92,0.76\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := runWith(to.Address, "traffic", "import", years); err != nil || out != "imported: 1 period\n" {
		t.Errorf("%s%v", out, err)
	}
}

// importOf names the environment of TestImportingChild: a file and a Redis.
const importOf, importTo = "HOTLINE_IMPORT_OF", "HOTLINE_IMPORT_TO"

// TestImportingChild is the child: a process that imports a file.
func TestImportingChild(t *testing.T) {
	address := os.Getenv(importTo)
	if address == "" {
		t.Skip("only as the child of TestKilledWhileImporting")
	}
	out, told, err := runWith(address, "calls", "import", os.Getenv(importOf))
	fmt.Print(out, told)
	if err != nil {
		t.Fatal(err)
	}
}

// A process that imports is killed some times on the way. What is imported at the end
// is counted once.
func TestKilledWhileImporting(t *testing.T) {
	const calls, kills = 4_000, 3
	from, to := redistest.Start(t), redistest.Start(t)
	fill(t, storeOf(t, from.Address), abandonedCalls(calls))
	file := filepath.Join(t.TempDir(), "f.ndjson")
	if _, _, err := runWith(from.Address, "calls", "export", file, "--day", "2026-11-24"); err != nil {
		t.Fatal(err)
	}
	store := storeOf(t, to.Address)
	day := calendar.NewDay(2026, time.November, 24)
	child := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestImportingChild$", "-test.v")
		cmd.Env = append(os.Environ(), importOf+"="+file, importTo+"="+to.Address)
		return cmd
	}
	killed := 0
	for n := range kills {
		cmd := child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for enough := int64((n + 1) * calls / (kills + 1)); ; {
			table, err := store.Day(context.Background(), day)
			if err != nil {
				t.Fatal(err)
			}
			if table[traffic.Site][traffic.CountOffered] >= enough {
				break
			}
		}
		_ = cmd.Process.Kill()
		if err := <-ended; err != nil {
			killed++
		}
	}
	out, err := child().CombinedOutput()
	var applied, before int
	if at := strings.Index(string(out), " applied"); err == nil && at > 0 {
		line := string(out[strings.LastIndexByte(string(out[:at]), '\n')+1:])
		_, err = fmt.Sscanf(line, "%d applied, %d had been counted before", &applied, &before)
	}
	if err != nil || applied+before != calls || applied == 0 || before == 0 {
		t.Errorf("%d applied, %d before, %v\n%s", applied, before, err, out)
	}
	differences, err := store.Verify(context.Background(), day)
	if err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	table, err := store.Day(context.Background(), day)
	if got := table[traffic.Site][traffic.CountOffered]; err != nil || got != calls || killed == 0 {
		t.Errorf("%d calls are counted after %d kills, %v; want %d", got, killed, err, calls)
	}
}
