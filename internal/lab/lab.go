package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
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
	Hosts      *Hosts               // where the parts live; nil: on loopback
	// Seats and Callers are the addresses of the phones.
	Seats, Callers netip.Addr

	binary    string
	instead   map[string]string // see StartWith
	started   time.Time         // no call of this lab is older
	serve     *Instance
	instances []*Instance // further ones
}

// Start brings up everything that the configuration names on this machine:
// Redis, the first Asterisk node or, with a proxy, all nodes and the proxy, and
// the program, whose binary is given. It keeps its files under dir. When it fails, nothing is left running.
func Start(ctx context.Context, configFile, dir, binary string) (*Lab, error) {
	return open(ctx, configFile, dir, binary, nil, nil, true)
}

// StartWith is Start with files of one's own, by their names, instead of those of
// Asterisk's configuration.
func StartWith(ctx context.Context, configFile, dir, binary string, instead map[string]string) (*Lab, error) {
	return open(ctx, configFile, dir, binary, instead, nil, true)
}

// Open is Start without the program, for who runs instances of it. Redis, Kamailio and
// the nodes run at the hosts that the site was written for; on loopback when hosts is nil.
func Open(ctx context.Context, configFile, dir, binary string, hosts *Hosts) (*Lab, error) {
	return open(ctx, configFile, dir, binary, nil, hosts, false)
}

func open(ctx context.Context, configFile, dir, binary string, instead map[string]string, hosts *Hosts, serve bool) (*Lab, error) {
	cfg, err := config.Load(configFile)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Dir: dir, ConfigFile: configFile, Config: cfg, binary: binary, instead: instead, started: time.Now(),
		API: "http://" + cfg.HTTP.Listen.String(), SIP: cfg.Asterisk.Nodes[0].SIPListen.String(),
		Hosts: hosts, Seats: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Callers: netip.AddrFrom4([4]byte{127, 0, 0, 2}),
	}
	if hosts != nil {
		l.Seats, l.Callers = hosts.Seats, hosts.Callers
	}
	l.serve = l.newInstance("", configFile, binary, cfg)
	l.LogFile, l.Client = l.serve.LogFile, l.serve.Client
	if proxy := cfg.Asterisk.Proxy.Listen; proxy.IsValid() {
		l.SIP = proxy.String()
	}
	bounded, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = l.start(bounded)
	if err == nil && serve {
		err = l.StartServe(bounded)
	}
	if err != nil {
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
	want := "127.0.0.1"
	if l.Hosts != nil {
		want = l.Hosts.Redis.Addr().String()
	}
	if host, _, err := net.SplitHostPort(l.Config.Redis.Address); err != nil || host != want {
		return fmt.Errorf("redis.address is %s: the lab starts Redis on %s only", l.Config.Redis.Address, want)
	}
	if err := l.StartRedis(ctx); err != nil {
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
		if l.Kamailio, err = devstack.StartKamailioAt(ctx, at(l.Hosts.proxy()), filepath.Join(l.Dir, "kamailio"), params); err != nil {
			return err
		}
	}
	return nil
}

// StartRedis starts Redis again in the lab's folder, with what it has kept there.
func (l *Lab) StartRedis(ctx context.Context) (err error) {
	_, port, err := net.SplitHostPort(l.Config.Redis.Address)
	if err != nil {
		return err
	}
	redisPort, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("redis.address: %w", err)
	}
	l.Redis, err = devstack.StartRedis(ctx, filepath.Join(l.Dir, "redis"), devstack.RedisOptions{
		Port: uint16(redisPort), Password: l.Config.Redis.Password.Reveal(), Host: at(l.Hosts.redis()),
	})
	return err
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
	node, err := devstack.StartAsteriskWith(ctx, filepath.Join(l.Dir, folder), params, devstack.AsteriskOptions{Instead: l.instead, Host: at(l.Hosts.node(i))})
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
func (l *Lab) StartServe(ctx context.Context) error { return l.serve.Start(ctx) }

// PID is the process id of the program; 0 when it does not run.
func (l *Lab) PID() int { return l.serve.PID() }

// ServeEnded is closed when the program that StartServe ran last has ended.
func (l *Lab) ServeEnded() <-chan struct{} { return l.serve.Ended() }

// StopServe ends the program and waits for it. The error is its failure.
func (l *Lab) StopServe() error { return l.serve.Stop() }

// Stop ends everything that was started, the program first. It may be called again.
func (l *Lab) Stop() error {
	l.Client.Close()
	errs := []error{l.StopServe()}
	for _, i := range l.instances {
		i.Client.Close()
		errs = append(errs, i.Stop())
	}
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
