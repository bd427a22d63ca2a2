package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
)

// Prometheus is a running server.
type Prometheus struct {
	URL string // http://127.0.0.1:31234
	Dir string

	p *process
}

// StartPrometheus starts Prometheus with the text of a configuration, which it writes into
// dir (made if need be) as prometheus.yml; relative names in it begin there. It returns when
// it answers. ctx bounds the start only; afterwards it runs until Stop, or until the calling
// process ends.
func StartPrometheus(ctx context.Context, dir, config string) (*Prometheus, error) {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		return nil, errors.New("prometheus is not installed: run make deps")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("prometheus folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the prometheus folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o644); err != nil {
		return nil, fmt.Errorf("write prometheus configuration: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s := &Prometheus{Dir: dir}
	for try := 1; ; try++ {
		err := s.start(ctx, binary)
		if err == nil {
			return s, nil
		}
		if s.p == nil || !s.p.portTaken() || try == tries {
			return nil, err
		}
	}
}

func (s *Prometheus) start(ctx context.Context, binary string) error {
	local := loopback{}.Addr()
	port, err := freePort(local)
	if err != nil {
		return fmt.Errorf("start prometheus: %w", err)
	}
	at := netip.AddrPortFrom(local, port).String()
	s.URL = "http://" + at
	p, err := launch(loopback{}, "prometheus on "+at, []string{
		binary, "--config.file", filepath.Join(s.Dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(s.Dir, "data"), "--web.listen-address", at,
	}, nil, filepath.Join(s.Dir, "prometheus.log"))
	if err != nil {
		return err
	}
	s.p = p
	if err := p.waitFor("Server is ready to receive web requests", ctx.Done()); err != nil {
		p.kill()
		return err
	}
	return nil
}

// Stop ends Prometheus and returns when it is gone. It may be called again. The error says
// that it had to be killed.
func (s *Prometheus) Stop() error { return s.p.stop() }

// Done is closed when Prometheus has ended.
func (s *Prometheus) Done() <-chan struct{} { return s.p.done }

// Log returns the last that it wrote, at most 64 KiB.
func (s *Prometheus) Log() string { return s.p.out.String() }
