package report_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/report"
)

// browser is a program in the place of a browser: a shell script, which finds the page
// as its last argument and says where its folder is.
func browser(t *testing.T, script string) (path string, folder func() string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "browser")
	text := "#!/bin/sh\nfor last; do :; done\npage=${last#file://}\ndirname \"$page\" > " + dir + "/where\n" + script
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, func() string {
		where, err := os.ReadFile(filepath.Join(dir, "where"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(where))
	}
}

func gone(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder %s is left: %v", folder, err)
	}
}

func TestPrintedByABrowserThatLeavesNothing(t *testing.T) {
	path, folder := browser(t, `for a; do case "$a" in --print-to-pdf=*) out=${a#*=};; esac; done
(echo %PDF-1.7; cat "$page"; echo "$@") > "$out"`)
	got, err := report.PrintPDF(context.Background(), path, []byte("the page"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"%PDF-1.7\nthe page", "--headless", "--js-flags=--jitless", "--proxy-server=127.0.0.1:9", "--user-data-dir=" + folder()} {
		if !strings.Contains(string(got), part) {
			t.Errorf("%q is missing in %s", part, got)
		}
	}
	gone(t, folder())
}

func TestBrowserThatFails(t *testing.T) {
	for script, want := range map[string]string{
		"echo no display >&2; exit 3":   "exit status 3, and said: no display); name another Chromium with --chromium",
		"echo nothing to print; exit 0": "ended without a PDF, and said: nothing to print; name another Chromium",
	} {
		path, folder := browser(t, script)
		if _, err := report.PrintPDF(context.Background(), path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		gone(t, folder())
	}
}

// A browser that hangs is ended with its children.
func TestBrowserThatHangs(t *testing.T) {
	path, folder := browser(t, "sleep 300 & wait")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := report.PrintPDF(ctx, path, nil); err == nil || !strings.Contains(err.Error(), "it was ended") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	gone(t, folder())
}

func TestNoBrowserHasARemedy(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := report.FindBrowser(""); err == nil || !strings.Contains(err.Error(), "apt-get install chromium fonts-noto-cjk") {
		t.Errorf("got %v", err)
	}
	folder := t.TempDir()
	plain, broken, alien := filepath.Join(folder, "plain"), filepath.Join(folder, "broken"), filepath.Join(folder, "alien")
	for path, mode := range map[string]os.FileMode{plain: 0o600, broken: 0o700, alien: 0o700} {
		text := "neither script nor program"
		if path == broken {
			text = "#!/nowhere/sh\n"
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for given, want := range map[string]string{
		"/nowhere/chromium": "--chromium: there is no program /nowhere/chromium; name the program of a Chromium, as in --chromium /usr/bin/chromium, or leave --chromium out",
		"chromiom":          "--chromium: there is no program chromiom on the PATH; name",
		folder:              "--chromium: " + folder + " is a folder; name",
		plain:               "--chromium: " + plain + " may not be executed by this user; chmod +x it",
	} {
		if _, err := report.FindBrowser(given); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for path, want := range map[string]string{
		broken: broken + " cannot be started (no such file or directory); name another Chromium with --chromium",
		alien:  alien + " cannot be started (exec format error); name another Chromium with --chromium",
	} {
		if _, err := report.PrintPDF(context.Background(), path, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// On a machine with Chromium the real one prints.
func TestRealBrowser(t *testing.T) {
	path, err := report.FindBrowser("")
	if err != nil {
		t.Skip(err)
	}
	page := written(t, "html", "zh", assemble(t, bulletintest.Input(aDay, readAt)))
	printed, err := report.PrintPDF(context.Background(), path, page)
	if err != nil {
		t.Fatal(err)
	}
	if pages := bytes.Count(printed, []byte("/Type /Page\n")); pages < 3 || pages > 5 {
		t.Errorf("%d pages", pages)
	}
}
