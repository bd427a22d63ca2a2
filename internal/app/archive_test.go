package app

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotline/internal/config"
	"hotline/internal/redisstore/redistest"
)

// archiveAll archives what is before a day and returns what is told.
func archiveAll(t testing.TB, cfg *config.Config, o ArchiveOptions) (told string, err error) {
	t.Helper()
	err = ArchiveCalls(context.Background(), cfg, o, func(sentence string) { told += sentence + "\n" })
	return told, err
}

func TestArchive(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t, redistest.Start(t).Address)
	store := testStore(t, cfg)
	folder := t.TempDir()
	all := dayOfCalls(cfg, monday, 1200)
	fill(t, store, all[:1190], dayOfStints(cfg, monday))
	fill(t, store, dayOfCalls(cfg, tuesday, 20), nil)
	closeDay(t, cfg, store, monday)
	o := ArchiveOptions{Before: tuesday.Next(), Folder: folder}
	name := filepath.Join(folder, "lyg-2026-11-23.ndjson.gz")

	// Only written: twice, which changes nothing.
	for range 2 {
		told, err := archiveAll(t, cfg, o)
		if err != nil || !strings.Contains(told, "2026-11-24 is open and stays") || !strings.Contains(told, "2026-11-23: 1190 calls and 96 stints are in "+name+"\n") {
			t.Fatalf("%s%v", told, err)
		}
	}
	if got := names(t, folder); !slices.Equal(got, []string{"lyg-2026-11-23.ndjson.gz", "lyg-2026-11-23.ndjson.gz.sha256"}) {
		t.Errorf("the folder has %v", got)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "lyg-2026-11-23.ndjson.gz.sha256")
	check.Dir = folder
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %s", out)
	}
	verified(t, cfg, monday, "")
	whole := exported(t, cfg, Days{monday, monday})

	// Removed.
	o.Remove = true
	if told, err := archiveAll(t, cfg, o); err != nil || !strings.Contains(told, "and no longer in Redis") {
		t.Fatalf("%s%v", told, err)
	}
	if told, err := archiveAll(t, cfg, o); err != nil || strings.Contains(told, "2026-11-23") {
		t.Fatalf("again: %s%v", told, err)
	}
	for want, got := range map[string]error{
		"verify 2026-11-23: the records of 2026-11-23 are archived in lyg-2026-11-23.ndjson.gz: name its folder": second(Verify(ctx, cfg, monday, "")),
		"the records of 2026-11-23 are archived in lyg-2026-11-23.ndjson.gz; leave the day out":                  second(ExportCalls(ctx, cfg, Days{monday, tuesday}, filepath.Join(folder, "x"), nil)),
		"verify 2026-11-24: it is not archived: leave out --archive":                                             second(Verify(ctx, cfg, tuesday, folder)),
	} {
		if got == nil || !strings.HasPrefix(got.Error(), want) {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if list, err := ListCalls(ctx, cfg, CallFilter{Days: Days{monday, tuesday}}); err != nil || len(list.Calls) != 20 || len(list.Notes) != 1 {
		t.Errorf("%d calls are listed, %q, %v", len(list.Calls), list.Notes, err)
	}
	verified(t, cfg, monday, folder)
	figures, err := Traffic(ctx, cfg, monday)
	if err != nil || figures.Site.Text("answered") != "595" {
		t.Errorf("%v, %v", figures.Site, err)
	}

	// Corrections, a new file with them, and all put back.
	fill(t, store, all[1180:], nil)
	verified(t, cfg, monday, folder)
	told, err := archiveAll(t, cfg, ArchiveOptions{Before: o.Before, Folder: folder})
	if err != nil || !strings.Contains(told, "corrections have come since: archive with --remove") {
		t.Errorf("%s%v", told, err)
	}
	former, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if told, err := archiveAll(t, cfg, o); err != nil || !strings.Contains(told, "2026-11-23: 1200 calls and 96 stints are in") {
		t.Fatalf("%s%v", told, err)
	}
	verified(t, cfg, monday, folder)
	if err := os.WriteFile(filepath.Join(folder, "former"), former, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := RestoreCalls(ctx, cfg, filepath.Join(folder, "former")); err == nil || !strings.Contains(err.Error(), "is not the file that was archived on") {
		t.Errorf("the former file: %v", err)
	}
	if _, err := RestoreCalls(ctx, cfg, name); err != nil {
		t.Fatal(err)
	}
	verified(t, cfg, monday, "")
	back := exported(t, cfg, Days{monday, monday})
	if len(back) != len(whole)+10 || !slices.Equal(back[:1190], whole[:1190]) || !slices.Equal(back[1200:], whole[1190:]) {
		t.Errorf("%d records were archived, %d are back", len(whole), len(back))
	}
	if _, err := RestoreCalls(ctx, cfg, name); err == nil || !strings.Contains(err.Error(), "2026-11-23 is not archived: Redis has its records") {
		t.Errorf("again: %v", err)
	}
	if figures, err := Traffic(ctx, cfg, monday); err != nil || figures.Site.Text("answered") != "600" {
		t.Errorf("%v, %v", figures.Site, err)
	}
}

// second is the error of two results.
func second[T any](_ T, err error) error { return err }

func TestDamagedArchive(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t, redistest.Start(t).Address)
	store := testStore(t, cfg)
	folder := t.TempDir()
	fill(t, store, dayOfCalls(cfg, monday, 300), nil)
	closeDay(t, cfg, store, monday)
	o := ArchiveOptions{Before: tuesday, Folder: folder, Remove: true}
	name := filepath.Join(folder, "lyg-2026-11-23.ndjson.gz")

	// There is another file already.
	if err := os.WriteFile(name, []byte("a photograph"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archiveAll(t, cfg, o); err == nil || !strings.Contains(err.Error(), "2026-11-23 was not archived: there is a file already that is not whole, or another's: move it away") {
		t.Errorf("beside another file: %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := archiveAll(t, cfg, o); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string][]byte{
		"a bit":   append(append(slices.Clone(sound[:len(sound)/2]), sound[len(sound)/2]^1), sound[len(sound)/2+1:]...),
		"the end": sound[:len(sound)-9],
		"all":     nil,
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := RestoreCalls(ctx, cfg, name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: restore: %v", what, err)
		}
		if _, err := Verify(ctx, cfg, monday, folder); err == nil || !strings.Contains(err.Error(), "is not the file that was archived") {
			t.Errorf("%s: verify: %v", what, err)
		}
	}
	if err := os.WriteFile(name, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	verified(t, cfg, monday, folder)
	if _, err := RestoreCalls(ctx, cfg, name); err != nil {
		t.Fatal(err)
	}
	verified(t, cfg, monday, "")
}

// A file is not replaced by one with less in it: another Redis, which has lost records.
func TestArchiveIsNotReplacedByLess(t *testing.T) {
	cfg, other := testConfig(t, redistest.Start(t).Address), testConfig(t, redistest.Start(t).Address)
	folder := t.TempDir()
	o := ArchiveOptions{Before: tuesday, Folder: folder, Remove: true}
	for i, c := range []*config.Config{cfg, other} {
		store := testStore(t, c)
		fill(t, store, dayOfCalls(c, monday, 50-10*i), nil)
		closeDay(t, c, store, monday)
	}
	if _, err := archiveAll(t, cfg, o); err != nil {
		t.Fatal(err)
	}
	if _, err := archiveAll(t, other, o); err == nil || !strings.Contains(err.Error(), "has 50 calls and 0 stints, Redis only 40 and 0: move the file away") {
		t.Errorf("got %v", err)
	}
	verified(t, cfg, monday, folder)
	verified(t, other, monday, "")
	if _, err := archiveAll(t, cfg, ArchiveOptions{Before: tuesday, Folder: filepath.Join(folder, "no")}); err == nil || !strings.Contains(err.Error(), "there is no folder") {
		t.Errorf("got %v", err)
	}
}

// What is read back is compared with Redis, entry by entry.
func TestFileThatIsNotWhatRedisHas(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t, redistest.Start(t).Address)
	store := testStore(t, cfg)
	a := archiver{cfg: cfg, store: store, ArchiveOptions: ArchiveOptions{Folder: t.TempDir()}}
	path := filepath.Join(a.Folder, "f.gz")
	records := dayOfCalls(cfg, monday, 40)
	fill(t, store, records[:30], nil)
	if _, _, _, err := a.write(ctx, monday, path); err != nil {
		t.Fatal(err)
	}
	if err := a.compare(ctx, monday, path); err != nil {
		t.Error(err)
	}
	other := archiver{cfg: cfg, store: testStore(t, testConfig(t, redistest.Start(t).Address))}
	fill(t, store, records[30:], nil)
	fill(t, other.store, records[:30], nil) // with other ids
	for want, against := range map[string]archiver{"has not the entry": a, "does not read back what is in Redis": other} {
		if err := against.compare(ctx, monday, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
