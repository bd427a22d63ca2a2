package devstack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to end by itself before it is killed.
const stopGrace = 5 * time.Second

// process is a child in its own process group that dies with its parent.
type process struct {
	name string // for messages
	pid  int
	out  *output
	done chan struct{} // closed when the child has ended and was reaped
	err  error         // how it ended; valid after done
}

// launch starts argv at a host, with its output copied to logPath. env is added to ours.
func launch(host Host, name string, argv, env []string, logPath string) (*process, error) {
	return launchDyingBy(syscall.SIGKILL, host, name, argv, env, logPath)
}

// launchDyingBy is launch for a child that gets another signal when its parent
// dies: one that has children of its own and takes them along.
func launchDyingBy(death syscall.Signal, host Host, name string, argv, env []string, logPath string) (*process, error) {
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out := &output{file: logFile, changed: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	// A grandchild that keeps the pipe open must not hold up Wait.
	cmd.WaitDelay = time.Second

	p := &process{name: name, out: out, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		defer logFile.Close()
		// The kernel sends Pdeathsig when the thread that started the child ends,
		// so that thread stays with this goroutine until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := host.Do(cmd.Start)
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// signal reaches the child and whatever it has started.
func (p *process) signal(s syscall.Signal) error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended already", p.name)
	default:
	}
	if err := syscall.Kill(-p.pid, s); err != nil {
		return fmt.Errorf("signal %v to %s (pid %d): %w", s, p.name, p.pid, err)
	}
	return nil
}

// pause stops the child, and waits until no thread of it runs any more: on a busy
// machine that is a while after the signal.
func (p *process) pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		states, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.pid))
		if err != nil {
			return err
		}
		stopped := true
		for _, file := range states {
			// After the name, which may hold anything, comes the state.
			data, err := os.ReadFile(file)
			end := bytes.LastIndex(data, []byte(") "))
			stopped = stopped && (err != nil || end >= 0 && data[end+2] == 'T')
		}
		if stopped {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// stop asks the child to end, kills it after stopGrace, and returns when it is
// gone. It may be called again and from several goroutines.
func (p *process) stop() error {
	if p.signal(syscall.SIGTERM) != nil {
		<-p.done
		return nil
	}
	// A paused child would not see the request.
	_ = p.signal(syscall.SIGCONT)
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	_ = p.signal(syscall.SIGKILL)
	<-p.done
	return fmt.Errorf("%s (pid %d) did not end within %v and was killed", p.name, p.pid, stopGrace)
}

// kill ends the child at once, as a crash would.
func (p *process) kill() {
	_ = p.signal(syscall.SIGKILL)
	<-p.done
}

// output writes what a child says to a file, keeps the last of it for error
// messages, and wakes who waits for a line.
type output struct {
	mu      sync.Mutex
	file    io.Writer
	kept    []byte        // from the beginning, until trimmed to keepBytes
	changed chan struct{} // closed and replaced at each write
}

const keepBytes = 64 << 10

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, b...)
	if over := len(o.kept) - keepBytes; over > 0 {
		o.kept = append([]byte(nil), o.kept[over:]...)
	}
	close(o.changed)
	o.changed = make(chan struct{})
	return o.file.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}

// has tells whether text was written, and if not gives a channel that is closed
// when there is more.
func (o *output) has(text string) (bool, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.kept, []byte(text)), o.changed
}

// lastLines returns at most n lines, for an error message.
func (o *output) lastLines(n int) string {
	lines := strings.Split(strings.TrimSpace(o.String()), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

// waitFor returns nil when the child has written text, or an error that quotes
// its last lines when it ended before or cancelled was closed.
func (p *process) waitFor(text string, cancelled <-chan struct{}) error {
	for {
		found, more := p.out.has(text)
		if found {
			return nil
		}
		select {
		case <-more:
		case <-p.done:
			// The last words may have come with the end.
			if found, _ := p.out.has(text); found {
				return nil
			}
			return p.failure("ended while starting", p.err)
		case <-cancelled:
			return p.failure("was not ready in time", nil)
		}
	}
}

func (p *process) failure(what string, cause error) error {
	text := fmt.Sprintf("%s %s", p.name, what)
	if cause != nil {
		text += fmt.Sprintf(" (%v)", cause)
	}
	if lines := p.out.lastLines(8); lines != "" {
		text += "; its last lines:\n" + lines
	}
	return errors.New(text)
}

// portTaken tells whether the child found one of its ports in use.
func (p *process) portTaken() bool {
	return strings.Contains(strings.ToLower(p.out.String()), "address already in use")
}
