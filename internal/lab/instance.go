package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/config"
	"hotline/internal/devstack"
	"hotline/internal/nethost"
)

// Instance is one process of the program: the one that Start runs, or a further one
// with the same Redis and nodes and an API of its own.
type Instance struct {
	Name       string
	ConfigFile string
	API        string // http://127.0.0.1:8080
	Client     *apiclient.Client
	LogFile    string // what it writes

	binary string
	host   *nethost.Host // nil: this machine
	cmd    *exec.Cmd
	ended  chan error    // how it ended; taken once
	gone   chan struct{} // closed when it has ended
}

// Variant says in what a further instance differs.
type Variant struct {
	Name   string // part of the names of its files
	Binary string // the lab's when empty
	// Host, when not nil, is where it runs.
	Host *nethost.Host
	// Redis, when not empty, is where it finds Redis: a proxy's host:port.
	Redis string
	// ARI, where not empty, is where it finds the nodes: http://127.0.0.1:8088.
	ARI map[acd.NodeID]string
	// Change, when not nil, makes further changes of the configuration's text.
	Change func(text string) string
}

// newInstance is an instance with the configuration as it is.
func (l *Lab) newInstance(name, configFile, binary string, cfg *config.Config) *Instance {
	log := "hotline.log"
	if name != "" {
		log = "hotline-" + name + ".log"
	}
	api := "http://" + cfg.HTTP.Listen.String()
	return &Instance{
		Name: name, ConfigFile: configFile, API: api, Client: apiclient.New(api, cfg.HTTP.Token.Reveal()),
		LogFile: filepath.Join(l.Dir, log), binary: binary,
	}
}

var (
	listenLine = regexp.MustCompile(`(?m)^(\s+listen: )127\.0\.0\.1:\d+(\n\s+token_file:)`)
	redisLine  = regexp.MustCompile(`(?m)^(redis:\n\s+address: )\S+`)
)

// Instance writes the configuration of a further instance beside the lab's own, with a
// free port for its API (at a host the usual one, in clear), and does not start it. The configuration must be one of Write's.
func (l *Lab) Instance(v Variant) (*Instance, error) {
	raw, err := os.ReadFile(l.ConfigFile)
	if err != nil {
		return nil, err
	}
	listen, err := listenOf(v.Host)
	if err != nil {
		return nil, err
	}
	text := listenLine.ReplaceAllString(string(raw), "${1}"+listen+"${2}")
	if text == string(raw) {
		return nil, fmt.Errorf("%s has no http.listen as the lab writes it", l.ConfigFile)
	}
	if v.Redis != "" {
		text = redisLine.ReplaceAllString(text, "${1}"+v.Redis)
	}
	for id, url := range v.ARI {
		line := regexp.MustCompile(`(\{id: ` + regexp.QuoteMeta(string(id)) + `, url: )"[^"]*"`)
		text = line.ReplaceAllString(text, `${1}"`+url+`"`)
	}
	if v.Change != nil {
		text = v.Change(text)
	}
	file := filepath.Join(filepath.Dir(l.ConfigFile), "hotline-"+v.Name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	binary := v.Binary
	if binary == "" {
		binary = l.binary
	}
	i := l.newInstance(v.Name, file, binary, cfg)
	i.host = v.Host
	l.instances = append(l.instances, i)
	return i, nil
}

// listenOf is what the configuration says of the API's address.
func listenOf(host *nethost.Host) (string, error) {
	if host != nil {
		return netip.AddrPortFrom(host.Addr(), apiPort).String() + "\n  allow_plain: true", nil
	}
	ports, err := devstack.FreePorts(1)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(ports[0])), nil
}

// Run starts the process and does not wait for it.
func (i *Instance) Run() error {
	log, err := os.OpenFile(i.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(i.binary, "serve", "--config", i.ConfigFile)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own, so that a terminal's Ctrl-C reaches us alone and we
	// end things in order; and it does not outlive us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started, ended, gone := make(chan error), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(gone)
		// It is told of the end of the thread that started it, not of ours.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		start := cmd.Start
		if i.host != nil {
			start = func() error { return i.host.Do(cmd.Start) }
		}
		err := start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start hotline: %w", err)
	}
	i.cmd, i.ended, i.gone = cmd, ended, gone
	return nil
}

// Start starts the process and waits until it is ready to take calls.
func (i *Instance) Start(ctx context.Context) error {
	if err := i.Run(); err != nil {
		return err
	}
	return i.await(ctx, "become ready", i.Client.Ready)
}

// StandBy starts the process and waits until it stands by.
func (i *Instance) StandBy(ctx context.Context) error {
	if err := i.Run(); err != nil {
		return err
	}
	return i.await(ctx, "stand by", func(ctx context.Context) error {
		health, err := i.Client.Health(ctx)
		if err == nil && health.Status != "standby" {
			err = fmt.Errorf("it says %q of itself", health.Status)
		}
		return err
	})
}

// AwaitReady waits until the process that runs is ready to take calls.
func (i *Instance) AwaitReady(ctx context.Context) error {
	return i.await(ctx, "become ready", i.Client.Ready)
}

func (i *Instance) await(ctx context.Context, what string, ask func(context.Context) error) error {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	why := errors.New("it was not asked")
	for {
		select {
		case err := <-i.ended:
			i.cmd = nil
			return fmt.Errorf("hotline serve ended at its start (%w): %s", err, i.LastLines(5))
		case <-ctx.Done():
			return fmt.Errorf("hotline serve did not %s (%w): %s", what, why, i.LastLines(5))
		case <-poll.C:
			if err := ask(ctx); err == nil {
				return nil
			} else if ctx.Err() == nil {
				why = err
			}
		}
	}
}

// LastLines are the last n lines that the instance has written.
func (i *Instance) LastLines(n int) string {
	raw, err := os.ReadFile(i.LogFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// PID is the process id; 0 when it does not run.
func (i *Instance) PID() int {
	if i.cmd == nil {
		return 0
	}
	return i.cmd.Process.Pid
}

// Ended is closed when the process that was run last has ended.
func (i *Instance) Ended() <-chan struct{} { return i.gone }

// Signal sends a signal to the process, and fails when there is none.
func (i *Instance) Signal(s syscall.Signal) error {
	if i.cmd == nil {
		return fmt.Errorf("hotline serve %s does not run", i.Name)
	}
	if err := i.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %v to hotline serve %s: %w", s, i.Name, err)
	}
	return nil
}

// Kill ends the process at once, as a crash would, and returns when it is gone.
func (i *Instance) Kill() error {
	if err := i.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-i.ended
	i.cmd = nil
	return nil
}

// Pause stops the process from running without closing its connections, as a machine
// that hangs would. Resume lets it go on.
func (i *Instance) Pause() error { return i.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (i *Instance) Resume() error { return i.Signal(syscall.SIGCONT) }

// Stop asks the process to end and waits for it. The error is its failure.
func (i *Instance) Stop() error {
	if i.cmd == nil {
		return nil
	}
	defer func() { i.cmd = nil }()
	if err := i.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = i.cmd.Process.Signal(syscall.SIGCONT) // or, paused, it would not see the request
	select {
	case err := <-i.ended:
		if err != nil {
			return fmt.Errorf("hotline serve: %w: %s", err, i.LastLines(5))
		}
		return nil
	case <-time.After(stopTimeout):
		_ = i.cmd.Process.Kill()
		<-i.ended
		return fmt.Errorf("hotline serve did not end within %s and was killed", stopTimeout)
	}
}
