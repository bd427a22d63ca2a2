// Package redistest runs a real Redis for tests: each test its own, on a unix
// socket in a directory of its own, so that tests and checkouts never meet; or a
// Group of them with Sentinels or as a cluster, on free ports. A test and its
// options enter; the socket's path, or the addresses, leave. Only tests import it.
package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a running redis-server with an append-only file.
type Server struct {
	// Address is the path of its unix socket.
	Address string

	dir     string
	args    []string
	process *exec.Cmd
}

// Start runs a Redis until the test ends; args are further arguments of
// redis-server, for example "--requirepass", "…". The test fails when
// redis-server is not installed.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not installed: run make deps")
	}
	dir, err := os.MkdirTemp("", "redis") // short: a socket's path has at most 107 characters
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: filepath.Join(dir, "s"), dir: dir, args: args}
	t.Cleanup(func() {
		s.Kill()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s.Restart(t)
	return s
}

// Kill ends Redis at once, as a crash would. What it had acknowledged is in
// its append-only file, because that is synced before each reply.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // its error says that it was killed
	s.process = nil
}

// Restart starts Redis again after Kill, with its data.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	args := []string{"--port", "0", "--unixsocket", s.Address, "--dir", s.dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""}
	s.process = exec.Command("redis-server", append(args, s.args...)...)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for !s.answers() {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("redis-server did not start:\n%s", text)
		}
		time.Sleep(5 * time.Millisecond) // there is no signal to wait for
	}
}

// answers reports whether Redis accepts commands; it may still load its data,
// or ask for a password, which is an answer too.
func (s *Server) answers() bool {
	conn, err := net.Dial("unix", s.Address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return false
	}
	reply := make([]byte, 64)
	n, err := conn.Read(reply)
	return err == nil && !strings.HasPrefix(string(reply[:n]), "-LOADING")
}
