package devstack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	asteriskconf "hotline/asterisk-conf"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Run as a child by TestChildrenDieWithTheirParent.
	if dir := os.Getenv("DEVSTACK_TEST_PARENT"); dir != "" {
		r, err := StartRedis(context.Background(), dir, RedisOptions{})
		if err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(strconv.Itoa(r.p.pid) + "\n")
		select {}
	}
	goleak.VerifyTestMain(m)
}

func startContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// gone fails the test when a process of the group is still there.
func gone(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process group %d is still there (%v)", pid, err)
	}
}

func TestRedisKeepsDataAndPasswordOverAKillAndAStop(t *testing.T) {
	ctx, dir := startContext(t), t.TempDir()
	r, err := StartRedis(ctx, dir, RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.Stop() }()
	if info, err := os.Stat(r.PasswordFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v, %v; want mode 0600", info, err)
	}
	if out := redisCLI(t, r, "SET", "call", "1"); out != "OK" {
		t.Fatalf("SET: %s", out)
	}
	password := r.Password
	r.Kill()
	gone(t, r.p.pid)
	for range 2 {
		if r, err = StartRedis(ctx, dir, RedisOptions{}); err != nil {
			t.Fatal(err)
		}
		if out := redisCLI(t, r, "GET", "call"); out != "1" || r.Password != password {
			t.Errorf("after the restart GET gives %q, want 1; the password is the same: %v", out, r.Password == password)
		}
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
		if err := r.Stop(); err != nil {
			t.Errorf("second stop: %v", err)
		}
		gone(t, r.p.pid)
	}
}

func redisCLI(t *testing.T, r *Redis, args ...string) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(r.Addr)
	cmd := exec.Command("redis-cli", append([]string{"-h", "127.0.0.1", "-p", port}, args...)...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+r.Password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPausedServerStopsToo(t *testing.T) {
	r, err := StartRedis(startContext(t), t.TempDir(), RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
	gone(t, r.p.pid)
}

func TestPortInUseIsOneClearError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).AddrPort()

	_, err = StartRedis(startContext(t), t.TempDir(), RedisOptions{Port: taken.Port()})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("redis: got %v, want an error that quotes the log", err)
	}
	_, err = StartAsterisk(startContext(t), t.TempDir(), asteriskconf.Params{HTTPListen: taken})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("asterisk http: got %v, want an error that quotes the log", err)
	}
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	_, err = StartAsterisk(startContext(t), t.TempDir(), asteriskconf.Params{SIPListen: u.LocalAddr().(*net.UDPAddr).AddrPort()})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("asterisk sip: got %v, want an error that quotes the log", err)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := StartRedis(ctx, t.TempDir(), RedisOptions{}); err == nil {
		r.Stop()
		t.Error("redis started although the context had ended")
	}
	if a, err := StartAsterisk(ctx, t.TempDir(), asteriskconf.Params{}); err == nil {
		a.Stop()
		t.Error("asterisk started although the context had ended")
	}
	// goleak in TestMain sees a goroutine that still waits for a child.
}

func TestTwoAsterisksSideBySideAndAgain(t *testing.T) {
	ctx := startContext(t)
	// So deep that the socket's path does not fit.
	deep := filepath.Join(t.TempDir(), strings.Repeat("deep-", 20))
	a, err := StartAsterisk(ctx, deep, asteriskconf.Params{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	b, err := StartAsterisk(ctx, t.TempDir(), asteriskconf.Params{Node: "node-2"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Stop()
	if a.Params.ARIPassword == b.Params.ARIPassword {
		t.Error("two instances have one password")
	}
	for _, x := range []*Asterisk{a, b} {
		out, err := x.CLI(ctx, "core show settings")
		if err != nil || !strings.Contains(out, x.Params.Node) {
			t.Errorf("%s: settings do not name it: %v\n%s", x.Params.Node, err, out)
		}
	}
	a.Kill()
	gone(t, a.p.pid)
	if _, err := os.Stat(a.tempRun); a.tempRun == "" || !os.IsNotExist(err) {
		t.Errorf("the short folder %q for the socket was left: %v", a.tempRun, err)
	}
	again, err := StartAsterisk(ctx, b.Dir+"/again", asteriskconf.Params{HTTPListen: a.Params.HTTPListen, SIPListen: a.Params.SIPListen})
	if err != nil {
		t.Fatalf("start on the ports of the killed one: %v", err)
	}
	defer again.Stop()
	if again.URL != a.URL {
		t.Errorf("got %s, want the given address %s", again.URL, a.URL)
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	gone(t, b.p.pid)
}

// What is measured of a server needs its process, and what it tells of itself.
func TestStartedServersTellOfThemselves(t *testing.T) {
	ctx := startContext(t)
	r, err := StartRedis(ctx, t.TempDir(), RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	info, err := r.Info(ctx)
	if err != nil || info["process_id"] != strconv.Itoa(r.PID()) || info["total_commands_processed"] == "" {
		t.Errorf("%v, of process %d: %v", info, r.PID(), err)
	}
	r.Stop()
	if _, err := r.Info(ctx); err == nil {
		t.Error("a server that has ended tells of itself")
	}

	a, err := StartAsteriskWith(ctx, t.TempDir(), asteriskconf.Params{}, AsteriskOptions{Instead: map[string]string{
		"queues.conf": "[general]\n\n[ours]\nmusicclass = default\n",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	queues, err := a.CLI(ctx, "queue show")
	if err != nil || !strings.Contains(queues, "ours") || strings.Contains(queues, "fallback") {
		t.Errorf("the queues are those of the project, want our own: %s, %v", queues, err)
	}
	if err := syscall.Kill(a.PID(), 0); err != nil {
		t.Errorf("process %d: %v", a.PID(), err)
	}
}

func TestStartFailsWithTheReasonWhenTheConfigurationIsWrong(t *testing.T) {
	_, err := StartAsterisk(startContext(t), t.TempDir(), asteriskconf.Params{Seats: []asteriskconf.Seat{{Name: "1001"}}})
	if err == nil || !strings.Contains(err.Error(), "give it a password") {
		t.Errorf("got %v, want the mistake", err)
	}
}

func TestChildrenDieWithTheirParent(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe)
	parent.Env = append(os.Environ(), "DEVSTACK_TEST_PARENT="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil || convErr != nil {
		parent.Process.Kill()
		t.Fatalf("the parent did not report its child: %v, %v", err, convErr)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	// The kernel kills the child; whoever adopts it reaps it. Until then it may
	// be seen as a zombie, which runs no more.
	deadline := time.Now().Add(10 * time.Second)
	for running(pid) {
		if time.Now().After(deadline) {
			syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("redis (pid %d) outlived its parent", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func TestLookupSaysWhatToDo(t *testing.T) {
	t.Setenv("HOTLINE_DEPS", t.TempDir())
	if _, err := Lookup(); err == nil || !strings.Contains(err.Error(), "run make deps") {
		t.Errorf("empty folder: got %v, want the advice to run make deps", err)
	}
	t.Setenv("HOTLINE_DEPS", "")
	t.Chdir("/")
	if _, err := Lookup(); err == nil || !strings.Contains(err.Error(), "HOTLINE_DEPS") {
		t.Errorf("outside of a checkout: got %v, want the advice to set HOTLINE_DEPS", err)
	}
}

func TestFreePortIsFreeForBoth(t *testing.T) {
	port, err := freePort(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if port < firstListenPort || port > lastListenPort {
		t.Errorf("port %d is not between %d and %d", port, firstListenPort, lastListenPort)
	}
}

// elsewhere is a host that notes how often something was done there.
type elsewhere struct{ done *int }

func (elsewhere) Addr() netip.Addr { return netip.MustParseAddr("127.0.0.5") }
func (e elsewhere) Do(f func() error) error {
	*e.done++
	return f()
}

// A server at a host listens there and nowhere else, and was started there.
func TestServersAreStartedAtTheirHost(t *testing.T) {
	ctx := startContext(t)
	var done int
	host := elsewhere{&done}
	r, err := StartRedis(ctx, t.TempDir(), RedisOptions{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	a, err := StartAsteriskWith(ctx, t.TempDir(), asteriskconf.Params{}, AsteriskOptions{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	if done != 5 { // a port for Redis, two for Asterisk, and each start
		t.Errorf("%d things were done at the host, want 5", done)
	}
	for _, at := range []string{r.Addr, a.Params.HTTPListen.String(), a.Params.SIPListen.String()} {
		if netip.MustParseAddrPort(at).Addr() != host.Addr() {
			t.Errorf("it listens on %s, want the host's address", at)
		}
	}
	_, port, _ := net.SplitHostPort(r.Addr)
	if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		c.Close()
		t.Error("redis is reached elsewhere, too")
	}
}

func TestPrometheusRunsAndSaysWhyNot(t *testing.T) {
	s, err := StartPrometheus(startContext(t), t.TempDir(), "global: {scrape_interval: 1s}\n")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	gone(t, s.p.pid)
	if _, err := StartPrometheus(startContext(t), t.TempDir(), "globul: {}\n"); err == nil || !strings.Contains(err.Error(), "globul") {
		t.Errorf("got %v, want the mistake", err)
	}
}
