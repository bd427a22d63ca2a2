package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotline/deploy/cluster"
)

// Kamailio is a running SIP proxy.
type Kamailio struct {
	Params cluster.Params
	Dir    string

	host           Host
	binary, kamcmd string
	p              *process
	tempRun        string // a short folder for the socket, removed at the end
}

// StartKamailio renders p into dir (made if need be), starts Kamailio and returns
// when it answers SIP. Run and State are filled in. ctx bounds the start only; afterwards it
// runs until Stop, or until the calling process ends.
func StartKamailio(ctx context.Context, dir string, p cluster.Params) (*Kamailio, error) {
	return StartKamailioAt(ctx, nil, dir, p)
}

// StartKamailioAt is StartKamailio at a host, whose address p names.
func StartKamailioAt(ctx context.Context, host Host, dir string, p cluster.Params) (*Kamailio, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("kamailio folder: %w", err)
	}
	k := &Kamailio{Dir: dir, host: orLoopback(host)}
	for name, path := range map[string]*string{"kamailio": &k.binary, "kamcmd": &k.kamcmd} {
		if *path, err = exec.LookPath(name); err != nil {
			// Debian's place of it, which is not on every user's path.
			if *path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
				return nil, fmt.Errorf("there is no %s on this machine: run make deps", name)
			}
		}
	}
	p.State = filepath.Join(dir, "state")
	if p.Run = filepath.Join(dir, "run"); len(p.Run) > cluster.LongestRunDir {
		if p.Run, err = os.MkdirTemp("", "hotline-"); err != nil {
			return nil, fmt.Errorf("make a folder for kamailio's socket: %w", err)
		}
		k.tempRun = p.Run
	}
	k.Params = p
	if err := k.start(ctx); err != nil {
		k.removeTempRun()
		return nil, err
	}
	return k, nil
}

func (k *Kamailio) start(ctx context.Context) error {
	if err := os.MkdirAll(k.Params.Run, 0o755); err != nil {
		return fmt.Errorf("make the kamailio folder: %w", err)
	}
	etc := filepath.Join(k.Dir, "etc")
	if err := cluster.Render(etc, k.Params); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// Not as a daemon, errors to standard error, little memory.
	argv := []string{k.binary, "-DD", "-E", "-m", "32", "-M", "4", "-Y", k.Params.Run,
		"-P", filepath.Join(k.Params.Run, "pid"), "-f", filepath.Join(etc, "kamailio.cfg")}
	proc, err := launchDyingBy(syscall.SIGTERM, k.host, "kamailio on "+k.Params.Listen.String(), argv, nil, filepath.Join(k.Dir, "kamailio.log"))
	if err != nil {
		return err
	}
	k.p = proc
	if err := k.answers(ctx); err != nil {
		proc.kill()
		return err
	}
	return nil
}

// answers asks over SIP, again and again, until there is a reply.
func (k *Kamailio) answers(ctx context.Context) error {
	var c *net.UDPConn
	err := k.host.Do(func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(k.Params.Listen.Addr(), 0)))
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	at := c.LocalAddr().String()
	text := fmt.Sprintf("OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKstart;rport\r\nMax-Forwards: 5\r\n"+
		"From: <sip:start@%[2]s>;tag=start\r\nTo: <sip:%[1]s>\r\nCall-ID: start@%[2]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", k.Params.Listen, at)
	reply := make([]byte, 2048)
	for {
		if _, err := c.WriteToUDPAddrPort([]byte(text), k.Params.Listen); err != nil {
			return err
		}
		if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			return err
		}
		n, err := c.Read(reply)
		if err == nil && bytes.HasPrefix(reply[:n], []byte("SIP/2.0 200")) {
			return nil
		}
		select {
		case <-k.p.done:
			return k.p.failure("ended while starting", k.p.err)
		case <-ctx.Done():
			return k.p.failure("does not answer", errors.Join(err, ctx.Err()))
		default:
		}
	}
}

func (k *Kamailio) removeTempRun() {
	if k.tempRun != "" {
		_ = os.RemoveAll(k.tempRun)
	}
}

// Command runs one command of kamcmd, such as "dispatcher.list", and returns what
// it prints.
func (k *Kamailio) Command(ctx context.Context, args ...string) (string, error) {
	argv := append([]string{"-s", "unix:" + filepath.Join(k.Params.Run, "kamailio_ctl")}, args...)
	out, err := exec.CommandContext(ctx, k.kamcmd, argv...).CombinedOutput()
	if err == nil && bytes.HasPrefix(out, []byte("error:")) {
		err = errors.New(strings.TrimSpace(string(out)))
	}
	if err != nil {
		return string(out), fmt.Errorf("kamcmd %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// Stop ends Kamailio and returns when it is gone. It may be called again. The
// error says that it had to be killed.
func (k *Kamailio) Stop() error {
	err := k.p.stop()
	k.removeTempRun()
	return err
}

// Log returns the last that Kamailio wrote, at most 64 KiB.
func (k *Kamailio) Log() string { return k.p.out.String() }
