package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Node is a server of a Group, on a port of 127.0.0.1.
type Node struct {
	Address string // host:port

	port    int
	log     string
	command []string
	process *exec.Cmd
}

// Group is a master with a replica and those that replace the one by the other: three
// Sentinels, or the other masters of a cluster.
type Group struct {
	Master  *Node // at the start
	Replica *Node
	Others  []*Node

	dir string
}

// MasterName is under which the Sentinels know the master.
const MasterName = "hotline"

// Addresses are those of the Sentinels, or of all nodes of the cluster.
func (g *Group) Addresses(all bool) (list []string) {
	nodes := g.Others
	if all {
		nodes = append([]*Node{g.Master, g.Replica}, nodes...)
	}
	for _, n := range nodes {
		list = append(list, n.Address)
	}
	return list
}

// StartSentinel runs a master, a replica and three Sentinels until the test ends. A
// master that says nothing for so long is replaced.
func StartSentinel(t testing.TB, patience time.Duration) *Group {
	t.Helper()
	g := newGroup(t)
	g.Master = g.node(t, "master")
	g.Replica = g.node(t, "replica", "--replicaof", "127.0.0.1", strconv.Itoa(g.Master.port))
	g.inStep(t)
	for i := range 3 {
		conf := filepath.Join(g.dir, fmt.Sprintf("sentinel%d.conf", i))
		n := g.prepare(t, fmt.Sprintf("sentinel%d", i))
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 2\n"+
			"sentinel down-after-milliseconds %[3]s %[6]d\nsentinel failover-timeout %[3]s 3000\n"+
			"sentinel auth-user %[3]s %[5]s\nsentinel auth-pass %[3]s %[5]s\n", n.port, g.dir, MasterName, g.Master.port, watcher, patience.Milliseconds())
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n.command = []string{conf, "--sentinel"}
		n.Restart(t)
		g.Others = append(g.Others, n)
	}
	for _, n := range g.Others {
		await(t, "the Sentinels to know each other", func() bool {
			state := n.Do(t, "SENTINEL", "MASTER", MasterName)
			return strings.Contains(state, "num-slaves:1") && strings.Contains(state, "num-other-sentinels:2")
		})
	}
	return g
}

// StartCluster runs a cluster of three masters until the test ends. The one with the
// slot has a replica. A master that says nothing for so long is replaced.
func StartCluster(t testing.TB, slot int, patience time.Duration) *Group {
	t.Helper()
	const slots, part = 16384, 5462
	g := newGroup(t)
	var all []*Node
	for i := range 4 {
		n := g.prepare(t, fmt.Sprintf("node%d", i))
		n.command = append(n.command, "--cluster-enabled", "yes", "--cluster-config-file", fmt.Sprintf("nodes%d.conf", i),
			"--cluster-port", strconv.Itoa(freePort(t)), "--cluster-node-timeout", strconv.FormatInt(patience.Milliseconds(), 10),
			"--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no")
		n.Restart(t)
		n.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		all = append(all, n)
	}
	g.Master, g.Replica, g.Others = all[0], all[3], all[1:3]
	for i, n := range all[:3] {
		third := (slot/part + i) % 3
		n.Do(t, "CLUSTER", "ADDSLOTSRANGE", third*part, min(third*part+part, slots)-1)
	}
	for _, n := range all[1:] {
		n.Do(t, "CLUSTER", "MEET", "127.0.0.1", g.Master.port, busOf(g.Master))
	}
	await(t, "the nodes to know each other", func() bool {
		for _, n := range all {
			if state := n.Do(t, "CLUSTER", "INFO"); !strings.Contains(state, "cluster_state:ok") || !strings.Contains(state, "cluster_known_nodes:4") {
				return false
			}
		}
		return true
	})
	g.Replica.Do(t, "CLUSTER", "REPLICATE", g.Master.Do(t, "CLUSTER", "MYID"))
	g.inStep(t)
	await(t, "the replica to be known", func() bool {
		for _, n := range all {
			if !strings.Contains(n.Do(t, "CLUSTER", "NODES"), "slave") {
				return false
			}
		}
		return true
	})
	return g
}

func busOf(n *Node) string {
	for i, arg := range n.command {
		if arg == "--cluster-port" {
			return n.command[i+1]
		}
	}
	return ""
}

func newGroup(t testing.TB) *Group {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not installed: run make deps")
	}
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // runs after the nodes have ended
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &Group{dir: dir}
}

// prepare makes a node that does not run yet.
func (g *Group) prepare(t testing.TB, name string) *Node {
	t.Helper()
	port := freePort(t)
	n := &Node{Address: "127.0.0.1:" + strconv.Itoa(port), port: port, log: filepath.Join(g.dir, name+".log")}
	n.command = []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", g.dir, "--save", "", "--repl-diskless-sync-delay", "0",
		"--dbfilename", name + ".rdb", "--masteruser", replicator, "--masterauth", replicator,
		"--user", replicator, "on", ">" + replicator, "+psync", "+replconf", "+ping",
		"--user", watcher, "on", ">" + watcher, "+@all", "&*",
	}
	t.Cleanup(n.Kill)
	return n
}

const (
	replicator = "replicator" // the user as whom a replica reads from its master
	watcher    = "watcher"    // the user as whom the Sentinels ask
)

func (g *Group) node(t testing.TB, name string, args ...string) *Node {
	t.Helper()
	n := g.prepare(t, name)
	n.command = append(n.command, args...)
	n.Restart(t)
	return n
}

func (g *Group) inStep(t testing.TB) {
	t.Helper()
	await(t, "the replica to be in step", func() bool {
		return strings.Contains(g.Replica.Do(t, "INFO", "replication"), "master_link_status:up")
	})
}

// CutOff lets the replica not hear any more of what the master is told. Both live on,
// and Sentinel or the cluster may put the one in the place of the other.
func (g *Group) CutOff(t testing.TB) {
	t.Helper()
	g.Master.Do(t, "ACL", "SETUSER", replicator, "off")
	g.Master.Do(t, "CLIENT", "KILL", "TYPE", "replica")
	await(t, "the replica to be cut off", func() bool {
		return strings.Contains(g.Replica.Do(t, "INFO", "replication"), "master_link_status:down")
	})
}

// Promoted waits until the replica is the master.
func (g *Group) Promoted(t testing.TB) {
	t.Helper()
	await(t, "the replica to be the master", func() bool { return g.Replica.IsMaster(t) })
}

// Kill ends the server at once, as a crash would.
func (n *Node) Kill() {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Kill()
	_ = n.process.Wait() // its error says that it was killed
	n.process = nil
}

// Pause stops the server from running without closing its connections.
func (n *Node) Pause(t testing.TB) { n.signal(t, syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (n *Node) Resume(t testing.TB) { n.signal(t, syscall.SIGCONT) }

func (n *Node) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := n.process.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a node that does not run.
func (n *Node) Restart(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.process = exec.Command("redis-server", n.command...)
	n.process.Stdout, n.process.Stderr = log, log
	if err := n.process.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		if conn, err := net.Dial("tcp", n.Address); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(n.log)
			t.Fatalf("redis-server did not start:\n%s", text)
		}
		time.Sleep(5 * time.Millisecond) // there is no signal to wait for
	}
}

// Do asks the node, whatever its part, and returns the answer as text; a field and its
// value are field:value.
func (n *Node) Do(t testing.TB, args ...any) string {
	t.Helper()
	answer, err := n.do(args...)
	if err != nil {
		t.Fatalf("%v at %s: %v", args, n.Address, err)
	}
	return answer
}

func (n *Node) do(args ...any) (string, error) {
	client := redis.NewClient(&redis.Options{Addr: n.Address, MaxRetries: -1, PoolSize: 1, ReadTimeout: 5 * time.Second})
	defer client.Close()
	answer, err := client.Do(context.Background(), args...).Result()
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(fmt.Sprint(answer), "map"), nil
}

// IsMaster reports whether the node runs as a master.
func (n *Node) IsMaster(t testing.TB) bool {
	t.Helper()
	answer, err := n.do("ROLE")
	return err == nil && strings.HasPrefix(answer, "[master")
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30 s for %s", what)
		}
		time.Sleep(10 * time.Millisecond) // there is no signal to wait for
	}
}

// HideFromSentinels lets the Sentinels find the master dead, which goes on to serve
// everybody else.
func (g *Group) HideFromSentinels(t testing.TB) {
	t.Helper()
	g.Master.Do(t, "ACL", "SETUSER", watcher, "-@all")
}

// StartSecure runs a Redis with cluster-enabled until the test ends, which speaks TLS at
// an address beside its own and asks for no certificate of clients.
func StartSecure(t testing.TB, cert, key string) (n *Node, secure string) {
	t.Helper()
	g := newGroup(t)
	port := strconv.Itoa(freePort(t))
	n = g.node(t, "secure", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
		"--tls-auth-clients", "no", "--tls-cluster", "yes", "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(freePort(t)))
	return n, net.JoinHostPort("127.0.0.1", port)
}

// MoveSlot moves a slot of the cluster from its master to another. between, unless nil, is
// called when part of its keys has moved.
func (g *Group) MoveSlot(t testing.TB, slot int, to *Node, between func()) {
	t.Helper()
	from, source, target := g.Master, g.Master.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", source)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	for {
		keys := strings.Fields(strings.Trim(from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, 10), "[]"))
		if len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS"}
		for _, key := range keys {
			args = append(args, key)
		}
		from.Do(t, args...)
		if between != nil {
			between()
			between = nil
		}
	}
	for _, n := range append([]*Node{to, from}, g.Others...) {
		n.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", target)
	}
}

// StartFile runs redis-server with a configuration file until the test ends, on a port
// of its own whatever the file says.
func StartFile(t testing.TB, text string, args ...string) *Node {
	t.Helper()
	g := newGroup(t)
	n := g.prepare(t, "file")
	conf := filepath.Join(g.dir, "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "%s\nport %d\ndir %s\n", text, n.port, g.dir), 0o600); err != nil {
		t.Fatal(err)
	}
	n.command = append([]string{conf}, args...)
	if strings.Contains(text, "cluster-enabled yes") {
		n.command = append(n.command, "--cluster-port", strconv.Itoa(freePort(t)))
	}
	n.Restart(t)
	return n
}
