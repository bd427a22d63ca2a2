package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// browsers are the names under which a Chromium is looked for.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// printTimeout bounds how long a browser may take. A year with 300 agents takes two seconds.
const printTimeout = time.Minute

// FindBrowser is the Chromium that prints: the given one, or the first on the PATH.
func FindBrowser(given string) (string, error) {
	names := browsers
	if given != "" {
		names = []string{given}
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
		if given != "" {
			return "", notABrowser(given, err)
		}
	}
	return "", errors.New("a PDF is printed by Chromium, which is not installed; run: apt-get install chromium fonts-noto-cjk; or name one with --chromium")
}

// notABrowser says why a program cannot be run.
func notABrowser(name string, err error) error {
	const remedy = "name the program of a Chromium, as in --chromium /usr/bin/chromium, or leave --chromium out"
	info, missing := os.Stat(name)
	switch {
	case missing == nil && info.IsDir():
		return fmt.Errorf("--chromium: %s is a folder; %s", name, remedy)
	case missing == nil:
		return fmt.Errorf("--chromium: %s may not be executed by this user; chmod +x it if it is a Chromium, or leave --chromium out", name)
	case !strings.ContainsRune(name, os.PathSeparator) && errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("--chromium: there is no program %s on the PATH; %s", name, remedy)
	}
	return fmt.Errorf("--chromium: there is no program %s; %s", name, remedy)
}

// PrintPDF prints a page by a browser, which runs without network in a folder of its
// own that is removed afterwards. It ends when ctx is done, or after a minute.
func PrintPDF(ctx context.Context, browser string, page []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, printTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "hotline-pdf-")
	if err != nil {
		return nil, fmt.Errorf("print a PDF: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	html, pdf := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(html, page, 0o600); err != nil {
		return nil, fmt.Errorf("print a PDF: %w", err)
	}
	var said output
	cmd := exec.CommandContext(ctx, browser, arguments(dir, html, pdf)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir, "TMPDIR="+dir)
	// The browser's own children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	const remedy = "name another Chromium with --chromium"
	if err := cmd.Start(); err != nil {
		var number syscall.Errno
		if errors.As(err, &number) { // the path has been told
			err = number
		}
		return nil, fmt.Errorf("%s cannot be started (%w); %s", browser, err, remedy)
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it was ended after %s: %w", printTimeout, context.Cause(ctx))
		}
		return nil, fmt.Errorf("%s did not print the PDF (%w%s); %s", browser, err, said.lastLine(), remedy)
	}
	printed, err := os.ReadFile(pdf)
	if err != nil || !bytes.HasPrefix(printed, []byte("%PDF-")) {
		return nil, fmt.Errorf("%s ended without a PDF%s; %s", browser, said.lastLine(), remedy)
	}
	return printed, nil
}

func arguments(dir, html, pdf string) []string {
	list := []string{
		"--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync",
		"--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf=" + pdf,
		// The page has no script, and without compiled ones a browser needs no memory that is
		// written and executed, which units of systemd may refuse: it would hang.
		"--js-flags=--jitless",
	}
	if os.Geteuid() == 0 {
		list = append(list, "--no-sandbox") // Chromium refuses to run as root with it
	}
	return append(list, "file://"+html)
}

// output is what a program said.
type output struct{ bytes.Buffer }

// lastLine is what it said last, after a comma; empty when it said nothing.
func (o *output) lastLine() string {
	text := bytes.TrimSpace(o.Bytes())
	if len(text) == 0 {
		return ""
	}
	return fmt.Sprintf(", and said: %s", text[bytes.LastIndexByte(text, '\n')+1:])
}
