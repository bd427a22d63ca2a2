package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Sentinels are three Redis Sentinels that watch a server and a replica of it, and put
// the one in the place of the other when it dies.
type Sentinels struct {
	Master  string   // the name under which they know it
	Addrs   []string // host:port of each
	Replica *Redis

	running []*process
}

// SentinelOptions say what is watched, and where.
type SentinelOptions struct {
	Master   *Redis
	Patience time.Duration // a master that says nothing for so long is replaced
	// Replica and Sentinels are where these run; nil: this machine.
	Replica   Host
	Sentinels [3]Host
}

// StartSentinels starts a replica of the master and three Sentinels, with their files in dir,
// and returns when all know each other.
func StartSentinels(ctx context.Context, dir string, o SentinelOptions) (s *Sentinels, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s = &Sentinels{Master: "hotline"}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if s.Replica, err = StartRedis(ctx, filepath.Join(dir, "replica"), RedisOptions{Password: o.Master.Password, ReplicaOf: o.Master.Addr, Host: o.Replica}); err != nil {
		return s, err
	}
	for i, host := range o.Sentinels {
		if err := s.start(ctx, filepath.Join(dir, fmt.Sprintf("sentinel-%d", i+1)), orLoopback(host), o); err != nil {
			return s, err
		}
	}
	for _, addr := range s.Addrs {
		if err := s.knowsAll(ctx, addr); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Sentinels) start(ctx context.Context, dir string, at Host, o SentinelOptions) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the sentinel folder: %w", err)
	}
	host, masterPort, err := net.SplitHostPort(o.Master.Addr)
	if err != nil {
		return err
	}
	port, err := freePortAt(at, at.Addr())
	if err != nil {
		return fmt.Errorf("start sentinel: %w", err)
	}
	conf := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf(`port %d
bind %[8]s
dir %[2]q
sentinel monitor %s %s %s 2
sentinel down-after-milliseconds %[3]s %[6]d
sentinel failover-timeout %[3]s 3000
sentinel auth-pass %[3]s %[7]s
`, port, dir, s.Master, host, masterPort, o.Patience.Milliseconds(), o.Master.Password, at.Addr())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write sentinel configuration: %w", err)
	}
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("redis-server is not installed: run make deps")
	}
	addr := netip.AddrPortFrom(at.Addr(), port).String()
	p, err := launch(at, "sentinel on "+addr, []string{binary, conf, "--sentinel"}, nil, filepath.Join(dir, "sentinel.log"))
	if err != nil {
		return err
	}
	s.running, s.Addrs = append(s.running, p), append(s.Addrs, addr)
	return p.waitFor("+monitor master", ctx.Done())
}

// knowsAll waits until a Sentinel knows the replica and the two others.
func (s *Sentinels) knowsAll(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		out, err := exec.CommandContext(ctx, "redis-cli", "-h", host, "-p", port, "INFO", "sentinel").CombinedOutput()
		if err == nil && strings.Contains(string(out), "slaves=1,sentinels=3") {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the sentinel on %s does not know all others (%v): %s", addr, err, out)
		}
	}
}

// Stop ends all that was started. It may be called again.
func (s *Sentinels) Stop() error {
	var errs []error
	for _, p := range s.running {
		errs = append(errs, p.stop())
	}
	if s.Replica != nil {
		errs = append(errs, s.Replica.Stop())
	}
	return errors.Join(errs...)
}
