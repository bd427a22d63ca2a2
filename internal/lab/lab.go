package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hotline/internal/apiclient"
	"hotline/internal/app"
	"hotline/internal/config"
	"hotline/internal/devstack"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
)

// Lab is a running hotline.
type Lab struct {
	Dir        string
	ConfigFile string
	Config     *config.Config
	API        string // http://127.0.0.1:8080
	Client     *apiclient.Client
	SIP        string // where callers and seats reach Asterisk, host:port
	LogFile    string // what the program writes
	Redis      *devstack.Redis
	Asterisk   *devstack.Asterisk   // the first node
	Nodes      []*devstack.Asterisk // those that run here, in the order of the configuration
	Kamailio   *devstack.Kamailio   // nil when the nodes have no proxy

	binary  string
	started time.Time // no call of this lab is older
	serve   *exec.Cmd
	ended   chan error    // how the program ended; taken once
	gone    chan struct{} // closed when it has ended
}

// Start brings up everything that the configuration names on this machine:
// Redis, the first Asterisk node or, with a proxy, all nodes and the proxy, and
// the program, whose binary is given. It keeps its files under dir. When it fails, nothing is left running.
func Start(ctx context.Context, configFile, dir, binary string) (*Lab, error) {
	cfg, err := config.Load(configFile)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Dir: dir, ConfigFile: configFile, Config: cfg, binary: binary, started: time.Now(),
		API: "http://" + cfg.HTTP.Listen.String(), SIP: cfg.Asterisk.Nodes[0].SIPListen.String(),
		LogFile: filepath.Join(dir, "hotline.log"),
	}
	if proxy := cfg.Asterisk.Proxy.Listen; proxy.IsValid() {
		l.SIP = proxy.String()
	}
	l.Client = apiclient.New(l.API, cfg.HTTP.Token.Reveal())
	bounded, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := l.start(bounded); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted during the start")
		}
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

func (l *Lab) start(ctx context.Context) error {
	if l.Config.Redis.Address == "" {
		return errors.New("the lab starts one Redis: give redis.address, and neither redis.sentinel nor redis.cluster")
	}
	host, port, err := net.SplitHostPort(l.Config.Redis.Address)
	if err != nil || host != "127.0.0.1" {
		return fmt.Errorf("redis.address is %s: the lab starts Redis on 127.0.0.1 only", l.Config.Redis.Address)
	}
	redisPort, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("redis.address: %w", err)
	}
	l.Redis, err = devstack.StartRedis(ctx, filepath.Join(l.Dir, "redis"), devstack.RedisOptions{
		Port: uint16(redisPort), Password: l.Config.Redis.Password.Reveal(),
	})
	if err != nil {
		return err
	}
	proxied := l.Config.Asterisk.Proxy.Listen.IsValid()
	for i := range l.Config.Asterisk.Nodes {
		if i > 0 && !proxied {
			break // they have one SIP address, meant for several machines
		}
		if err := l.StartNode(ctx, i); err != nil {
			return err
		}
	}
	l.Asterisk = l.Nodes[0]
	if proxied {
		params, err := app.KamailioParams(l.Config)
		if err != nil {
			return err
		}
		if l.Kamailio, err = devstack.StartKamailio(ctx, filepath.Join(l.Dir, "kamailio"), params); err != nil {
			return err
		}
	}
	return l.StartServe(ctx)
}

// StartNode starts a node of the configuration, again when it was ended.
func (l *Lab) StartNode(ctx context.Context, i int) error {
	params, err := app.AsteriskParams(l.Config, l.Config.Asterisk.Nodes[i].ID)
	if err != nil {
		return err
	}
	folder := "asterisk"
	if i > 0 {
		folder += "-" + params.Node
	}
	node, err := devstack.StartAsterisk(ctx, filepath.Join(l.Dir, folder), params)
	if err != nil {
		return err
	}
	if i == len(l.Nodes) {
		l.Nodes = append(l.Nodes, node)
	} else {
		l.Nodes[i] = node
	}
	return nil
}

// StartServe runs the program and waits until it is ready to take calls.
func (l *Lab) StartServe(ctx context.Context) error {
	log, err := os.OpenFile(l.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(l.binary, "serve", "--config", l.ConfigFile)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own, so that a terminal's Ctrl-C reaches us alone and we
	// end things in order; and it does not outlive us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start hotline: %w", err)
	}
	ended, gone := make(chan error, 1), make(chan struct{})
	l.serve, l.ended, l.gone = cmd, ended, gone
	go func() {
		ended <- cmd.Wait()
		close(gone)
	}()
	return l.waitReady(ctx)
}

func (l *Lab) waitReady(ctx context.Context) error {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	why := errors.New("it was not asked")
	for {
		select {
		case err := <-l.ended:
			l.serve = nil
			return fmt.Errorf("hotline serve ended at its start (%w): %s", err, l.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("hotline serve did not become ready (%w): %s", why, l.lastLines())
		case <-poll.C:
			if err := l.Client.Ready(ctx); err == nil {
				return nil
			} else if ctx.Err() == nil {
				why = err
			}
		}
	}
}

func (l *Lab) lastLines() string {
	raw, err := os.ReadFile(l.LogFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// PID is the process id of the program; 0 when it does not run.
func (l *Lab) PID() int {
	if l.serve == nil {
		return 0
	}
	return l.serve.Process.Pid
}

// ServeEnded is closed when the program that StartServe ran last has ended.
func (l *Lab) ServeEnded() <-chan struct{} { return l.gone }

// StopServe ends the program and waits for it. The error is its failure.
func (l *Lab) StopServe() error {
	if l.serve == nil {
		return nil
	}
	defer func() { l.serve = nil }()
	if err := l.serve.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-l.ended:
		if err != nil {
			return fmt.Errorf("hotline serve: %w: %s", err, l.lastLines())
		}
		return nil
	case <-time.After(stopTimeout):
		_ = l.serve.Process.Kill()
		<-l.ended
		return fmt.Errorf("hotline serve did not end within %s and was killed", stopTimeout)
	}
}

// Stop ends everything that was started, the program first. It may be called again.
func (l *Lab) Stop() error {
	l.Client.Close()
	errs := []error{l.StopServe()}
	if l.Kamailio != nil {
		errs = append(errs, l.Kamailio.Stop())
	}
	for _, node := range l.Nodes {
		errs = append(errs, node.Stop())
	}
	if l.Redis != nil {
		errs = append(errs, l.Redis.Stop())
	}
	return errors.Join(errs...)
}

// SeatPasswords are the SIP passwords of the seats' phones, by seat.
func (l *Lab) SeatPasswords() (map[string]string, error) {
	secrets, err := l.Config.SeatPasswords()
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(secrets))
	for seat, s := range secrets {
		out[string(seat)] = s.Reveal()
	}
	return out, nil
}
