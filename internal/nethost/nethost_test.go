package nethost

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var notIsolated error

func TestMain(m *testing.M) {
	notIsolated = Isolate()
	goleak.VerifyTestMain(m)
}

// silence is for how long nothing must be heard to say that nothing comes.
const silence = 300 * time.Millisecond

var (
	home = netip.MustParseAddr("10.77.0.1")
	one  = netip.MustParseAddr("10.77.0.11")
	two  = netip.MustParseAddr("10.77.0.12")
)

// network has two hosts.
func network(t *testing.T) (n *Network, a, b *Host) {
	t.Helper()
	if errors.Is(notIsolated, ErrNotPermitted) {
		t.Skip(notIsolated)
	}
	if notIsolated != nil {
		t.Fatal(notIsolated)
	}
	n, err := New(netip.PrefixFrom(home, 24))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if a, err = n.Host("a", one); err != nil {
		t.Fatal(err)
	}
	if b, err = n.Host("b", two); err != nil {
		t.Fatal(err)
	}
	return n, a, b
}

// place is a host, or the command itself (nil).
func at(t *testing.T, h *Host, f func() error) {
	t.Helper()
	err := error(nil)
	if h == nil {
		err = f()
	} else {
		err = h.Do(f)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ear is a UDP socket.
type ear struct {
	t    *testing.T
	conn *net.UDPConn
}

func listen(t *testing.T, h *Host, addr netip.Addr) ear {
	t.Helper()
	e := ear{t: t}
	at(t, h, func() (err error) {
		e.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		return err
	})
	t.Cleanup(func() { e.conn.Close() })
	return e
}

func (e ear) addr() netip.AddrPort { return e.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// tells sends a word to another, and whether it was heard there within so long.
func (e ear) tells(to ear, within time.Duration) bool {
	e.t.Helper()
	word := []byte(time.Now().String())
	if _, err := e.conn.WriteToUDPAddrPort(word, to.addr()); err != nil {
		e.t.Fatal(err)
	}
	if err := to.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		e.t.Fatal(err)
	}
	got := make([]byte, 200)
	for {
		n, err := to.conn.Read(got)
		if err != nil {
			return false
		}
		if bytes.Equal(got[:n], word) {
			return true
		}
	}
}

// hear checks who hears whom, in both directions.
func hear(t *testing.T, x, y ear, want bool, what string) {
	t.Helper()
	within := silence
	if want {
		within = 5 * time.Second // a busy machine; it is a matter of milliseconds
	}
	for _, pair := range [][2]ear{{x, y}, {y, x}} {
		if got := pair[0].tells(pair[1], within); got != want {
			t.Errorf("%s: %s hears %s: %v, want %v", what, pair[1].addr(), pair[0].addr(), got, want)
		}
	}
}

// talk opens a TCP connection from one place to another.
func talk(t *testing.T, from *Host, to *Host) (near, far net.Conn) {
	t.Helper()
	var l net.Listener
	at(t, to, func() (err error) {
		l, err = net.Listen("tcp4", net.JoinHostPort(to.Addr().String(), "0"))
		return err
	})
	defer l.Close()
	at(t, from, func() (err error) {
		// No timeout: else the connection would be made by another goroutine.
		near, err = net.Dial("tcp4", l.Addr().String())
		return err
	})
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	said(t, near, far, "hello", 5*time.Second)
	return near, far
}

func said(t *testing.T, from, to net.Conn, word string, within time.Duration) {
	t.Helper()
	if _, err := io.WriteString(from, word); err != nil {
		t.Fatal(err)
	}
	read(t, to, word, within)
}

func read(t *testing.T, from net.Conn, word string, within time.Duration) {
	t.Helper()
	_ = from.SetReadDeadline(time.Now().Add(within))
	got := make([]byte, len(word))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != word {
		t.Fatalf("read %q, %v; want %q", got, err, word)
	}
}

// quiet: nothing comes, not even an end.
func quiet(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(silence))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v; want silence", n, err)
	}
}

func TestIsolatedProcessHasLoopbackOnly(t *testing.T) {
	network(t) // skips
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if name := link.Name; name != "lo" && name != "hosts" && !strings.HasPrefix(name, "port") {
			t.Errorf("the process sees %s", name)
		}
	}
	x, y := listen(t, nil, netip.MustParseAddr("127.0.0.1")), listen(t, nil, netip.MustParseAddr("127.0.0.2"))
	hear(t, x, y, true, "loopback")
}

func TestMachinesOwnNetworkIsLeftAlone(t *testing.T) {
	was := isolated
	defer func() { isolated = was }()
	isolated = false
	if n, err := New(netip.PrefixFrom(home, 24)); !errors.Is(err, ErrNotIsolated) {
		t.Errorf("%v, want %v", err, ErrNotIsolated)
		n.Close()
	}
}

func TestEverybodyHearsEverybody(t *testing.T) {
	n, a, b := network(t)
	further := netip.MustParseAddr("10.77.0.2")
	if err := n.AddAddr(further); err != nil {
		t.Fatal(err)
	}
	x, y := listen(t, a, one), listen(t, b, two)
	hear(t, x, y, true, "two hosts")
	hear(t, x, listen(t, nil, home), true, "host and command")
	hear(t, x, listen(t, nil, further), true, "host and another address of the command")
	hear(t, listen(t, a, netip.MustParseAddr("127.0.0.1")), listen(t, a, netip.MustParseAddr("127.0.0.3")), true, "loopback of a host")
}

func TestProcessesRunAtTheHostAndTheThreadComesBack(t *testing.T) {
	_, a, _ := network(t)
	before, err := os.Readlink(own)
	if err != nil {
		t.Fatal(err)
	}
	var inside string
	cmd := exec.Command("readlink", "/proc/self/ns/net")
	var out bytes.Buffer
	cmd.Stdout = &out
	at(t, a, func() (err error) {
		if inside, err = os.Readlink(own); err == nil {
			err = cmd.Start()
		}
		return err
	})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != inside || inside == before {
		t.Errorf("the process ran in %s, want %s, which is not %s", got, inside, before)
	}
	failure := errors.New("of its own")
	if err := a.Do(func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = a.Do(func() error { panic("there") })
	}()
	if after, err := os.Readlink(own); err != nil || after != before {
		t.Errorf("the thread is in %s, %v, want %s", after, err, before)
	}
}

func TestUnpluggedHostIsSilentAndNoConnectionEnds(t *testing.T) {
	_, a, b := network(t)
	x, y, h := listen(t, a, one), listen(t, b, two), listen(t, nil, home)
	near, far := talk(t, nil, a)
	hostNear, hostFar := talk(t, a, b)
	for range 2 { // again: what was learnt of the first time does no harm
		if err := a.Unplug(); err != nil {
			t.Fatal(err)
		}
		hear(t, x, y, false, "unplugged")
		hear(t, x, h, false, "unplugged")
		hear(t, y, h, true, "the other host")
		for _, c := range []net.Conn{near, far, hostNear, hostFar} {
			if _, err := io.WriteString(c, "late"); err != nil {
				t.Error(err)
			}
		}
		for _, c := range []net.Conn{near, far, hostNear, hostFar} {
			quiet(t, c)
		}
		plugged := time.Now()
		if err := a.Plug(); err != nil {
			t.Fatal(err)
		}
		hear(t, x, y, true, "plugged")
		hear(t, x, h, true, "plugged")
		if took := time.Since(plugged); took > time.Second {
			t.Errorf("it was heard %s after it was plugged in, want at once", took)
		}
		for _, c := range []net.Conn{near, far, hostNear, hostFar} {
			read(t, c, "late", 10*time.Second)
		}
	}
}

func TestPartedHostsAreHeardByTheOthers(t *testing.T) {
	n, a, b := network(t)
	x, y, h := listen(t, a, one), listen(t, b, two), listen(t, nil, home)
	near, far := talk(t, a, b)
	if err := n.Part(a, b); err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		hear(t, x, y, false, what)
		hear(t, x, h, true, what)
		hear(t, y, h, true, what)
	}
	check("parted")
	if _, err := io.WriteString(near, "late"); err != nil {
		t.Error(err)
	}
	quiet(t, far)
	if err := errors.Join(a.Unplug(), a.Plug()); err != nil {
		t.Fatal(err)
	}
	check("parted, and a cable out and in again")
	if err := errors.Join(n.Part(a, b), n.Join(a, b), n.Join(a, b)); err != nil { // twice is once
		t.Fatal(err)
	}
	hear(t, x, y, true, "joined")
	read(t, far, "late", 10*time.Second)
	said(t, far, near, "answer", 5*time.Second)
}

func TestNobodyHearsOfTheEndOfAHostThatIsSwitchedOff(t *testing.T) {
	n, a, b := network(t)
	near, far := talk(t, nil, a)
	if err := n.Part(a, b); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.PowerOff(), a.PowerOff()); err != nil {
		t.Fatal(err)
	}
	if err := a.Do(func() error { return nil }); err == nil {
		t.Error("something was done at a host that is off")
	}
	if err := a.Unplug(); err == nil {
		t.Error("a host that is off was unplugged")
	}
	far.Close()
	quiet(t, near)
	if err := a.PowerOn(); err != nil {
		t.Fatal(err)
	}
	if err := a.PowerOn(); err == nil {
		t.Error("a host that is on was switched on")
	}
	// A bridge without a link address of its own would have another now.
	if bridge, err := net.InterfaceByName("hosts"); err != nil || bridge.HardwareAddr.String() != linkAddr(home).String() {
		t.Errorf("the command's link address is %v, %v", bridge, err)
	}
	x, y, h := listen(t, a, one), listen(t, b, two), listen(t, nil, home)
	hear(t, x, h, true, "switched on")
	hear(t, x, y, false, "parted before it was switched off")
	// The new machine knows nothing of the connection, and says so when it is spoken to.
	_, _ = io.WriteString(near, "still there?")
	_ = near.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := near.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want a reset", err)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	n, _, _ := network(t)
	for name, addr := range map[string]string{"elsewhere": "10.78.0.1", "the same address": "10.77.0.11", "a": "10.77.0.13"} {
		if _, err := n.Host(name, netip.MustParseAddr(addr)); err == nil {
			t.Errorf("%s: %s was joined", name, addr)
		}
	}
	if err := n.AddAddr(netip.MustParseAddr("10.78.0.1")); err == nil {
		t.Error("an address of another network was added")
	}
	if _, err := New(netip.MustParsePrefix("fd00::1/64")); err == nil {
		t.Error("a network with IPv6 was made")
	}
}

func TestNothingIsLeftOfAClosedNetwork(t *testing.T) {
	for range 2 {
		n, a, b := network(t)
		if err := b.PowerOff(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
		links, err := net.Interfaces()
		if err != nil || len(links) != 1 {
			t.Errorf("left are %v, %v; want loopback only", links, err)
		}
		if err := a.Do(func() error { return nil }); err == nil {
			t.Error("something was done at a host of a closed network")
		}
		if _, err := n.Host("c", netip.MustParseAddr("10.77.0.13")); err == nil {
			t.Error("a host was joined to a closed network")
		}
		if err := errors.Join(b.PowerOn()); err == nil {
			t.Error("a host of a closed network was switched on")
		}
	}
}
