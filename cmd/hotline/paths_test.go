package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/redisstore/redistest"
)

// Files and folders that cannot be used are told in one sentence with a remedy.
func TestPathsThatCannotBeUsed(t *testing.T) {
	redis := redistest.Start(t)
	fill(t, storeOf(t, redis.Address), abandonedCalls(5))
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	for name, text := range map[string]string{"text": "hello\n", "gzip": "\x1f\x8bxx", "cut.gz": "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03xxxxxx", "empty": ""} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	const report, export = "report daily --day 2026-11-24 --format csv --out ", "calls export --day 2026-11-24 "
	const records = "; name one that hotline calls export or archive has written"
	const archive = "; name one that hotline calls archive has written"
	for line, want := range map[string]string{
		report + in("no/x.csv"):   "--out: there is no folder " + in("no") + " for x.csv; make it, or name another file",
		report + folder:           "--out: " + folder + " is a folder; name a file in it, for example " + in("report"),
		report + in("pipe"):       "--out: " + in("pipe") + " is no ordinary file and is not replaced; name another",
		report + in("text/x.csv"): "--out: " + in("text") + " is no folder; name a file in one",
		export + in("no/x"):       "there is no folder " + in("no") + " for x; make it, or name another file",
		export + folder:           folder + " is a folder; name a file in it, for example " + in("report"),
		export + in("pipe"):       in("pipe") + " is no ordinary file and is not replaced; name another",
		"report daily --day 2026-11-24 --format pdf --out " + in("x.pdf") + " --chromium " + in("no"): "--chromium: there is no program " + in("no") + "; name the program",
		"traffic scenario --day 2026-11-24 --out " + in("text"):                                       "--out: " + in("text") + " is a file, or lies in one; name a folder",
		"staffing --demand " + folder:                                                                 "--demand: " + folder + " is a folder; name a CSV file with the columns start,calls",
		"traffic import " + in("no"):                                                                  "there is no file " + in("no") + "; name a CSV file; hotline traffic import --help describes it",
		"traffic import " + folder:                                                                    folder + " is a folder; name a CSV file",
		"calls import " + in("no"):                                                                    "there is no file " + in("no") + records,
		"calls import " + folder:                                                                      folder + " is a folder" + records,
		"calls import " + in("text/x"):                                                                "there is no file " + in("text/x") + records,
		"calls import " + in("gzip"):                                                                  in("gzip") + " is compressed with gzip, but damaged or cut off: get it whole, or name one that",
		"calls import " + in("cut.gz"):                                                                in("cut.gz") + " is compressed with gzip, but damaged or cut off",
		"calls restore " + in("no"):                                                                   "there is no file " + in("no") + archive,
		"calls restore " + in("gzip"):                                                                 in("gzip") + " is compressed with gzip, but damaged or cut off: get it whole, or" + archive[1:],
		"calls restore " + in("text"):                                                                 in("text") + " is damaged, or no archive of this site: get a sound copy, for which sha256sum --check text.sha256 says OK (line 1: is not the first line",
		"calls restore " + in("empty"):                                                                in("empty") + " is damaged, or no archive of this site: get a sound copy, for which sha256sum --check empty.sha256 says OK (line 1: the file is empty)",
	} {
		out, told, err := runWith(redis.Address, strings.Fields(line)...)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") || out != "" || told != "" {
			t.Errorf("%s: got %v\n%s%s, want %s", line, err, out, told, want)
		}
	}
	if info, err := os.Lstat(in("pipe")); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe was replaced: %v, %v", info, err)
	}
	if _, told, err := runWith(redis.Address, "calls", "import", in("text")); err != errFound ||
		told != in("text")+": line 1: is not the first line of a file of records: is not JSON: invalid character 'h' looking for beginning of value\nnothing was imported; correct the file, or export it anew where it comes from\n" {
		t.Errorf("%v\n%s", err, told)
	}
	// A file that is there is replaced, and a link stays one.
	if err := os.Symlink("text", in("link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := runWith(redis.Address, strings.Fields(report+in("link"))...); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(in("text")); err != nil || !strings.HasPrefix(string(text), "话务类别") {
		t.Errorf("%s, %v", text, err)
	}
	if to, err := os.Readlink(in("link")); err != nil || to != "text" {
		t.Errorf("the link leads to %q: %v", to, err)
	}
}

// What only another user, or a full disk, would be told.
func TestFilesThatWereNotWritten(t *testing.T) {
	for number, want := range map[syscall.Errno]string{
		syscall.EACCES: "--out: this user may not write into the folder /srv; change its owner or mode, or name a file elsewhere",
		syscall.EROFS:  "--out: the folder /srv is on a disk that is read-only; name a file elsewhere",
		syscall.ENOSPC: "--out: there is no space left for /srv/x.pdf; make room, or name a file elsewhere",
		syscall.EIO:    "--out: /srv/x.pdf cannot be written (input/output error); name a file elsewhere",
	} {
		if err := app.NotWritten("--out: ", "/srv/x.pdf", &os.PathError{Op: "open", Path: "/srv/.x.pdf-17", Err: number}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := app.NotWritten("--out: ", "/srv/x.pdf", nil); err != nil {
		t.Error(err)
	}
}

// An archive that was changed, and a Redis that is away.
func TestRestoreThatFails(t *testing.T) {
	redis := redistest.Start(t)
	store := storeOf(t, redis.Address)
	fill(t, store, abandonedCalls(20))
	ctx := t.Context()
	if closed, err := store.CloseDay(ctx, calendar.NewDay(2026, time.November, 24), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)); !closed || err != nil {
		t.Fatal(closed, err)
	}
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain.ndjson")
	if _, _, err := runWith(redis.Address, "calls", "export", plain, "--day", "2026-11-24"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := runWith(redis.Address, "calls", "archive", "--before", "2026-11-25", "--folder", folder, "--remove"); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(folder, "lyg-2026-11-24.ndjson.gz")
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(folder, "cut.gz")
	if err := os.WriteFile(cut, text[:len(text)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	const nowhere = "127.0.0.1:1"
	for _, c := range []struct{ address, file, want string }{
		{redis.Address, plain, plain + " is not the file that was archived on "},
		{redis.Address, cut, cut + " is compressed with gzip, but damaged or cut off: get it whole"},
		{nowhere, archive, "Redis at 127.0.0.1:1 is unreachable (dial tcp 127.0.0.1:1: connect: connection refused): start it, or correct its address"},
	} {
		if _, _, err := runWith(c.address, "calls", "restore", c.file); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, _, err := runWith(nowhere, "calls", "import", plain); err == nil || !strings.HasPrefix(err.Error(), "Redis at 127.0.0.1:1 is unreachable") {
		t.Errorf("got %v", err)
	}
	if out, _, err := runWith(redis.Address, "calls", "restore", archive); err != nil || out != "2026-11-24: back in Redis: 20 calls and 0 stints\n" {
		t.Errorf("%s%v", out, err)
	}
}
