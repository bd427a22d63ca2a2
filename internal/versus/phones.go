package versus

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"hotline/internal/devstack"
)

//go:embed sipp/*.xml
var scenarios embed.FS

// sipp is a running SIPp: the phones of many people.
type sipp struct {
	dir  string // of its files
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; valid after done
}

// longest is after how long a SIPp ends by itself, whatever goes wrong.
const longest = 5 * time.Minute

// startSIPp runs a scenario that was filled in, with its files in dir.
func startSIPp(dir, scenario string, fill map[string]any, args ...string) (*sipp, error) {
	binary, err := exec.LookPath("sipp")
	if err != nil {
		return nil, errors.New("sipp is not installed: run make deps")
	}
	set, err := template.ParseFS(scenarios, "sipp/"+scenario)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := set.Execute(&text, fill); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "scenario.xml"), text.Bytes(), 0o644); err != nil {
		return nil, err
	}
	ports, err := devstack.FreePorts(1)
	if err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(dir, "out.txt"))
	if err != nil {
		return nil, err
	}
	s := &sipp{dir: dir, done: make(chan struct{})}
	s.cmd = exec.Command(binary, append(args,
		"-sf", "scenario.xml", "-nostdin", "-cp", strconv.Itoa(int(ports[0])), "-timeout", strconv.Itoa(int(longest.Seconds())),
		"-trace_shortmsg", "-shortmessage_file", "messages.log", "-trace_logs", "-log_file", "notes.log", "-trace_err", "-error_file", "errors.log",
	)...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		defer close(s.done)
		defer out.Close()
		// The child dies with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.err = s.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start sipp: %w", err)
	}
	return s, nil
}

// agentsPhones are the phones of all agents, at one port.
func agentsPhones(ctx context.Context, dir string, port uint16, p Point) (*sipp, error) {
	media, err := mediaPort(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err != nil {
		return nil, err
	}
	args := []string{"-i", "127.0.0.1", "-p", strconv.Itoa(int(port)), "-mi", "127.0.0.1", "-mp", strconv.Itoa(int(media))}
	if p.Kind == Audio {
		args = append(args, "-rtp_echo") // what an agent hears comes back
	}
	s, err := startSIPp(dir, "agents.xml", map[string]any{
		"Ringing": ringing.Milliseconds(),
		// Of one length, agents who begin together would be free together for ever.
		"Shortest": (p.Talk / 2).Milliseconds(), "Longest": (p.Talk * 3 / 2).Milliseconds(),
	}, args...)
	if err != nil {
		return nil, err
	}
	if err := s.listening(ctx, port); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// callersPhones dial to at a rate, at most atOnce at a time and total in all (0:
// no limit). Their media goes to their own SIPp, which does not look at it, or, with
// numbers, each caller's to an address of its own.
func callersPhones(dir, to string, rate, atOnce, total int, numbers []numbered) (*sipp, error) {
	local := netip.AddrFrom4([4]byte{127, 0, 0, 2})
	port, err := devstack.FreePortAt(local)
	if err != nil {
		return nil, err
	}
	media, err := mediaPort(local)
	if err != nil {
		return nil, err
	}
	fill := map[string]any{"Dial": dialled, "Number": "1[pid]0[call_number]", "MediaIP": "[media_ip]", "MediaPort": "[media_port]"}
	args := []string{to, "-i", local.String(), "-p", strconv.Itoa(int(port)), "-mi", local.String(), "-mp", strconv.Itoa(int(media)),
		"-r", strconv.Itoa(rate), "-l", strconv.Itoa(atOnce)}
	if total > 0 {
		args = append(args, "-m", strconv.Itoa(total))
	}
	if numbers != nil {
		fill["Number"], fill["MediaIP"], fill["MediaPort"] = "[field0]", "127.0.0.2", "[field1]"
		var list strings.Builder
		list.WriteString("SEQUENTIAL\n")
		for _, n := range numbers {
			fmt.Fprintf(&list, "%s;%d\n", n.number, n.port)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "numbers.csv"), []byte(list.String()), 0o644); err != nil {
			return nil, err
		}
		args = append(args, "-inf", "numbers.csv")
	}
	return startSIPp(dir, "callers.xml", fill, args...)
}

// numbered is a caller with a number and a media port of its own.
type numbered struct {
	number string
	port   uint16
}

// mediaPort finds a port whose second neighbour is free too: SIPp takes both.
func mediaPort(at netip.Addr) (uint16, error) {
	for range 100 {
		port, err := devstack.FreePortAt(at)
		if err != nil {
			return 0, err
		}
		port &^= 1
		if free(at, port) && free(at, port+2) {
			return port, nil
		}
	}
	return 0, errors.New("no free media port for SIPp")
}

func free(at netip.Addr, port uint16) bool {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, port)))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// listening waits until the phones can be rung.
func (s *sipp) listening(ctx context.Context, port uint16) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for free(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port) {
		select {
		case <-poll.C:
		case <-s.done:
			return s.failure()
		case <-ctx.Done():
			return fmt.Errorf("sipp does not listen: %w", s.failure())
		}
	}
	return nil
}

// failure says what SIPp has complained of.
func (s *sipp) failure() error {
	var said []string
	for _, name := range []string{"out.txt", "errors.log"} {
		raw, _ := os.ReadFile(filepath.Join(s.dir, name))
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		said = append(said, lines[max(0, len(lines)-3):]...)
	}
	return fmt.Errorf("sipp: %w: %s", s.err, strings.Join(said, " / "))
}

// wait returns when all its calls have ended, or ctx is done.
func (s *sipp) wait(ctx context.Context) error {
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endGrace is how long SIPp may take to end when no call is left.
const endGrace = 500 * time.Millisecond

// end returns when SIPp is gone: at once when it has no calls, else it is killed, and
// the calls stay as they are.
func (s *sipp) end() {
	if s.cmd.Process.Signal(syscall.SIGUSR1) == nil { // no more calls; fails when it has ended
		grace := time.NewTimer(endGrace)
		defer grace.Stop()
		select {
		case <-s.done:
		case <-grace.C:
		}
	}
	s.kill()
}

// kill ends SIPp at once.
func (s *sipp) kill() {
	_ = s.cmd.Process.Kill() // fails when it has ended
	<-s.done
}
