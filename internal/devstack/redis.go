package devstack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout bounds a start when the caller's context does not.
const startTimeout = 30 * time.Second

// RedisOptions may be left zero.
type RedisOptions struct {
	Port     uint16 // 0 chooses a free one
	Password string // empty makes one, kept in the instance's folder
	// ReplicaOf, when not empty, is the host:port of the server whose data it copies,
	// which has the same password.
	ReplicaOf string
	Host      Host // nil: this machine
}

// Redis is a running redis-server with persistence, reachable at its host.
type Redis struct {
	Addr         string // host:port
	Password     string
	PasswordFile string // holds Password, readable by the owner only
	Dir          string

	p *process
}

// StartRedis starts redis-server with its files in dir (made if need be) and
// returns when it answers. ctx bounds the start only; afterwards the server runs
// until Stop, or until the calling process ends. Started again in the same dir it
// has its data and password again.
func StartRedis(ctx context.Context, dir string, o RedisOptions) (*Redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed: run make deps")
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("redis folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the redis folder: %w", err)
	}
	r := &Redis{Dir: dir, Password: o.Password, PasswordFile: filepath.Join(dir, "redis-password")}
	if o.Password != "" {
		err = writePassword(r.PasswordFile, o.Password)
	} else {
		r.Password, err = keptPassword(r.PasswordFile)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for try := 1; ; try++ {
		err := r.start(ctx, binary, o)
		if err == nil {
			return r, nil
		}
		if o.Port != 0 || !r.portTaken() || try == tries {
			return nil, err
		}
	}
}

func (r *Redis) portTaken() bool { return r.p != nil && r.p.portTaken() }

func (r *Redis) start(ctx context.Context, binary string, o RedisOptions) error {
	port, host := o.Port, orLoopback(o.Host)
	if port == 0 {
		var err error
		if port, err = freePortAt(host, host.Addr()); err != nil {
			return fmt.Errorf("start redis: %w", err)
		}
	}
	r.Addr = netip.AddrPortFrom(host.Addr(), port).String()
	conf := filepath.Join(r.Dir, "redis.conf")
	// The process dies by SIGKILL with its parent: what Redis has confirmed must
	// be in the file by then.
	text := fmt.Sprintf(`bind %s
port %d
requirepass %q
dir %q
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
daemonize no
masterauth %[3]q
repl-diskless-sync-delay 0
`, host.Addr(), port, r.Password, r.Dir)
	if host, of, ok := strings.Cut(o.ReplicaOf, ":"); ok {
		text += "replicaof " + host + " " + of + "\n"
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write redis configuration: %w", err)
	}
	name := "redis on " + r.Addr
	p, err := launch(host, name, []string{binary, conf}, nil, filepath.Join(r.Dir, "redis.log"))
	if err != nil {
		return err
	}
	r.p = p
	if err := p.waitFor("Ready to accept connections", ctx.Done()); err != nil {
		p.kill()
		return err
	}
	if err := r.ping(ctx); err != nil {
		p.kill()
		return fmt.Errorf("%s does not answer: %w", name, err)
	}
	return nil
}

// ping proves that the server on the port is ours: it takes our password.
func (r *Redis) ping(ctx context.Context) error {
	return r.ask(ctx, "PING", func(in *bufio.Reader) error {
		return expect(in, "+PONG")
	})
}

// Info is what the server tells of itself: total_commands_processed and the like.
func (r *Redis) Info(ctx context.Context) (map[string]string, error) {
	fields := make(map[string]string)
	err := r.ask(ctx, "INFO", func(in *bufio.Reader) error {
		line, err := in.ReadString('\n') // $ and the number of bytes that follow
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "$")))
		if err != nil || size < 0 || size > 1<<20 {
			return fmt.Errorf("answer %q, want a text", line)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return err
		}
		for _, line := range strings.Split(string(text), "\r\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				fields[name] = value
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask redis on %s: %w", r.Addr, err)
	}
	return fields, nil
}

// ask sends one command without arguments over a connection of its own.
func (r *Redis) ask(ctx context.Context, command string, read func(*bufio.Reader) error) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	fmt.Fprintf(c, "*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n*1\r\n$4\r\n%s\r\n", len(r.Password), r.Password, command)
	in := bufio.NewReader(c)
	if err := expect(in, "+OK"); err != nil {
		return err
	}
	return read(in)
}

func expect(in *bufio.Reader, want string) error {
	line, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	if got := strings.TrimSpace(line); got != want {
		return fmt.Errorf("answer %q, want %q", got, want)
	}
	return nil
}

// Command runs one command, as in CONFIG SET maxmemory 1mb, and returns the answer.
func (r *Redis) Command(ctx context.Context, args ...string) (string, error) {
	host, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "redis-cli", append([]string{"-e", "-h", host, "-p", port}, args...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+r.Password)
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("redis command %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return text, nil
}

// Stop ends the server and returns when it is gone. It may be called again. The
// error says that it had to be killed.
func (r *Redis) Stop() error { return r.p.stop() }

// Kill ends the server at once, as a crash would.
func (r *Redis) Kill() { r.p.kill() }

// Pause stops the server from running without closing its connections; Resume
// lets it go on.
func (r *Redis) Pause() error { return r.p.pause() }

// Resume lets a paused server go on.
func (r *Redis) Resume() error { return r.p.signal(syscall.SIGCONT) }

// PID is the process id.
func (r *Redis) PID() int { return r.p.pid }

// Done is closed when the server has ended.
func (r *Redis) Done() <-chan struct{} { return r.p.done }

// Log returns the last that the server wrote, at most 64 KiB.
func (r *Redis) Log() string { return r.p.out.String() }
