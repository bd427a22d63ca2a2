package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	asteriskconf "hotline/asterisk-conf"
)

// Asterisk is a running node.
type Asterisk struct {
	// Params are those it runs with, ports and password filled in. With them
	// and the same folder the very node can be started again.
	Params       asteriskconf.Params
	URL          string // of ARI, for example http://127.0.0.1:31234/ari
	PasswordFile string // holds ARI's password, readable by the owner only
	Dir          string
	ConfDir      string

	deps    Deps
	p       *process
	tempRun string // a short folder for the socket, removed at the end
	options AsteriskOptions
}

// AsteriskOptions may be left zero.
type AsteriskOptions struct {
	Instead map[string]string // content of files, by their names, that take the place of those rendered
	Host    Host              // nil: this machine
}

// StartAsterisk renders p into dir (made if need be), starts Asterisk and returns
// when it has loaded everything without an error, listens and takes the password
// of ARI. What is zero in p gets a value: node-1, application hotline, entry
// 12345, a trunk "carrier" from 127.0.0.2, free ports on 127.0.0.1 or of the host, a password.
// ctx bounds the start only; afterwards Asterisk runs until Stop, or until the
// calling process ends.
func StartAsterisk(ctx context.Context, dir string, p asteriskconf.Params) (*Asterisk, error) {
	return StartAsteriskWith(ctx, dir, p, AsteriskOptions{})
}

// StartAsteriskWith is StartAsterisk with options.
func StartAsteriskWith(ctx context.Context, dir string, p asteriskconf.Params, o AsteriskOptions) (*Asterisk, error) {
	deps, err := Lookup()
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("asterisk folder: %w", err)
	}
	o.Host = orLoopback(o.Host)
	a := &Asterisk{
		Dir:          dir,
		ConfDir:      filepath.Join(dir, "etc"),
		PasswordFile: filepath.Join(dir, "ari-password"),
		deps:         deps,
		options:      o,
	}
	if err := a.prepare(&p); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for try := 1; ; try++ {
		err := a.start(ctx, p)
		if err == nil {
			return a, nil
		}
		chosen := p.HTTPListen.Port() == 0 || p.SIPListen.Port() == 0
		if chosen && a.p != nil && a.p.portTaken() && try < tries {
			continue
		}
		a.removeTempRun()
		return nil, err
	}
}

// prepare fills in everything but the ports, and makes the folders.
func (a *Asterisk) prepare(p *asteriskconf.Params) error {
	local := a.options.Host.Addr()
	if p.Node == "" {
		p.Node = "node-1"
	}
	if p.App == "" {
		p.App = "hotline"
	}
	if p.ARIUser == "" {
		p.ARIUser = "hotline"
	}
	if !p.HTTPListen.Addr().IsValid() {
		p.HTTPListen = netip.AddrPortFrom(local, p.HTTPListen.Port())
	}
	if !p.SIPListen.Addr().IsValid() {
		p.SIPListen = netip.AddrPortFrom(local, p.SIPListen.Port())
	}
	if p.RTPStart == 0 && p.RTPEnd == 0 {
		p.RTPStart, p.RTPEnd = MediaPorts()
	}
	if p.Trunks == nil {
		p.Trunks = []asteriskconf.Trunk{{Name: "carrier", Match: []string{"127.0.0.2"}}}
	}
	if p.Entries == nil {
		p.Entries = []string{"12345"}
	}
	if p.FallbackAfter == 0 {
		p.FallbackAfter = 30 * time.Second
	}
	if p.MaxFiles == 0 {
		// Asterisk starts with the soft limit of whoever called us, often 1,024.
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
			p.MaxFiles = min(limit.Max, 65536)
		}
	}
	p.LogToConsole = true // so that errors of the start are seen here
	if p.Dirs == (asteriskconf.Dirs{}) {
		p.Dirs = asteriskconf.InstanceDirs(a.Dir, a.deps.Modules(), a.deps.Data())
	}
	if err := a.shortenRun(&p.Dirs); err != nil {
		return err
	}
	for _, d := range []string{a.Dir, p.Dirs.Run, p.Dirs.Log, p.Dirs.DB, p.Dirs.Spool} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("make the asterisk folder: %w", err)
		}
	}
	var err error
	if p.ARIPassword != "" {
		err = writePassword(a.PasswordFile, p.ARIPassword)
	} else {
		p.ARIPassword, err = keptPassword(a.PasswordFile)
	}
	return err
}

// shortenRun moves the socket elsewhere when the instance's folder is so deep
// that its path would not fit a socket's address.
func (a *Asterisk) shortenRun(d *asteriskconf.Dirs) error {
	if len(d.Run) <= asteriskconf.LongestRunDir {
		return nil
	}
	short, err := os.MkdirTemp("", "hotline-")
	if err != nil {
		return fmt.Errorf("make a folder for asterisk's socket: %w", err)
	}
	d.Run, a.tempRun = short, short
	return nil
}

func (a *Asterisk) removeTempRun() {
	if a.tempRun != "" {
		_ = os.RemoveAll(a.tempRun)
	}
}

func (a *Asterisk) start(ctx context.Context, p asteriskconf.Params) error {
	for _, at := range []*netip.AddrPort{&p.HTTPListen, &p.SIPListen} {
		if at.Port() == 0 {
			port, err := freePortAt(a.options.Host, at.Addr())
			if err != nil {
				return fmt.Errorf("start asterisk: %w", err)
			}
			*at = netip.AddrPortFrom(at.Addr(), port)
		}
	}
	if err := asteriskconf.Render(a.ConfDir, p); err != nil {
		return err
	}
	for name, content := range a.options.Instead {
		if err := os.WriteFile(filepath.Join(a.ConfDir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("write asterisk configuration: %w", err)
		}
	}
	a.Params, a.URL = p, "http://"+p.HTTPListen.String()+"/ari"
	name := fmt.Sprintf("asterisk node %s (ARI %s, SIP %s)", p.Node, p.HTTPListen, p.SIPListen)
	// -f stays in the foreground, -n writes no colours. A resolver that cannot
	// be reached must not hold up calls.
	argv := a.deps.AsteriskCommand("-C", filepath.Join(a.ConfDir, "asterisk.conf"), "-f", "-n")
	proc, err := launch(a.options.Host, name, argv, []string{"RES_OPTIONS=timeout:1 attempts:1"}, filepath.Join(p.Dirs.Log, "console.log"))
	if err != nil {
		return err
	}
	a.p = proc
	if err := a.ready(ctx); err != nil {
		proc.kill()
		return err
	}
	return nil
}

func (a *Asterisk) ready(ctx context.Context) error {
	if err := a.p.waitFor("Asterisk Ready.", ctx.Done()); err != nil {
		return err
	}
	// Asterisk runs on with a port that it did not get, or a file that it could
	// not read; we do not.
	if strings.Contains(a.p.out.String(), " ERROR[") {
		return a.p.failure("reported errors while starting", nil)
	}
	if err := a.ping(ctx); err != nil {
		return a.p.failure("does not answer on ARI", err)
	}
	return nil
}

// ping proves that the Asterisk on the port is ours: it takes our password.
func (a *Asterisk) ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/asterisk/ping", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(a.Params.ARIUser, a.Params.ARIPassword)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// CLI runs one command of Asterisk's command line, such as "core show channels
// count", and returns what it prints.
func (a *Asterisk) CLI(ctx context.Context, command string) (string, error) {
	argv := a.deps.AsteriskCommand("-C", filepath.Join(a.ConfDir, "asterisk.conf"), "-n", "-r", "-x", command)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("asterisk command %q: %w: %s", command, err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// Stop ends Asterisk with all its calls and returns when it is gone. It may be
// called again. The error says that it had to be killed.
func (a *Asterisk) Stop() error {
	err := a.p.stop()
	a.removeTempRun()
	return err
}

// Kill ends Asterisk at once, as a crash would.
func (a *Asterisk) Kill() {
	a.p.kill()
	a.removeTempRun()
}

// Pause stops Asterisk from running without closing its sockets, as a machine
// that hangs would. It returns when all threads stand still.
func (a *Asterisk) Pause() error { return a.p.pause() }

// Resume lets a paused Asterisk go on.
func (a *Asterisk) Resume() error { return a.p.signal(syscall.SIGCONT) }

// PID is the process id.
func (a *Asterisk) PID() int { return a.p.pid }

// Done is closed when Asterisk has ended.
func (a *Asterisk) Done() <-chan struct{} { return a.p.done }

// Log returns the last that Asterisk wrote, at most 64 KiB: its warnings and
// errors, and the lines of its start.
func (a *Asterisk) Log() string { return a.p.out.String() }
