package nethost

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// cardName is the name of the network card in each host.
const cardName = "eth0"

// Host is a machine of a network.
type Host struct {
	network *Network
	name    string
	addr    netip.Addr
	number  int // of its port at the bridge, from 1

	// Guarded by the network's mu.
	namespace *os.File        // nil: it is off
	inner     *netlink.Handle // of the namespace
	port      netlink.Link    // the bridge's end of its cable
	card      netlink.Link    // its own end
	deafTo    map[netip.Addr]bool
}

// Name is what it was called.
func (h *Host) Name() string { return h.name }

// Addr is its address.
func (h *Host) Addr() netip.Addr { return h.addr }

func (h *Host) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("host %s: %s: %w", h.name, what, notPermitted(err))
}

// Do runs f at the host: sockets that f opens are the host's, processes that it starts
// run there. That holds for the calling goroutine only, so f starts no other for such
// work. If the way back to the command's network fails, the error says so and the
// goroutine remains at the host, tied to its thread: let it end.
func (h *Host) Do(f func() error) (err error) {
	at, home, err := h.descriptors()
	if err != nil {
		return err
	}
	defer at.Close()
	defer home.Close()
	return within(at, home, f)
}

// within runs f on a thread that is in one namespace meanwhile, and then in home again.
func within(at, home *os.File, f func() error) (err error) {
	runtime.LockOSThread()
	if err := unix.Setns(int(at.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter a network namespace: %w", err)
	}
	defer func() { // also when f panics
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, fmt.Errorf("go back from a network namespace: %w", back))
			return // the thread stays locked, and ends with the goroutine
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// descriptors are copies of those of the host's namespace and the command's, so that a network
// that is closed meanwhile does no harm.
func (h *Host) descriptors() (at, home *os.File, err error) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.namespace == nil {
		return nil, nil, fmt.Errorf("host %s is off", h.name)
	}
	if at, err = again(h.namespace); err != nil {
		return nil, nil, h.failed("find its namespace", err)
	}
	if home, err = again(h.network.home); err != nil {
		at.Close()
		return nil, nil, h.failed("find the command's namespace", err)
	}
	return at, home, nil
}

func again(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Unplug takes the host's cable out: what it sends and what is sent to it vanishes. Its
// connections stay open on both sides. As on a real segment, a new one fails with "no
// route to host" when nobody has answered for some three seconds.
func (h *Host) Unplug() error { return h.cable("unplug", (*netlink.Handle).LinkSetDown) }

// Plug puts the cable in again, and returns when it works: at once.
func (h *Host) Plug() error {
	if err := h.cable("plug", (*netlink.Handle).LinkSetUp); err != nil {
		return err
	}
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	err := h.awaitLink()
	return h.failed("plug", errors.Join(err, h.network.forget(h)))
}

// linkWithin bounds the kernel's finding that a cable is in, which takes microseconds
// and drops what the host sends until then.
const linkWithin = 2 * time.Second

// awaitLink waits until the host's end of its cable works. The network's mu is held.
func (h *Host) awaitLink() error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for began := time.Now(); h.namespace != nil; <-look.C {
		card, err := h.inner.LinkByName(cardName)
		if err != nil {
			return err
		}
		if card.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if time.Since(began) > linkWithin {
			return fmt.Errorf("the link is %s after %s", card.Attrs().OperState, linkWithin)
		}
	}
	return nil // switched off meanwhile
}

func (h *Host) cable(what string, set func(*netlink.Handle, netlink.Link) error) error {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.namespace == nil {
		return fmt.Errorf("%s host %s: it is off", what, h.name)
	}
	return h.failed(what, set(h.network.outer, h.port))
}

// PowerOff lets the host vanish with all its connections, so that nobody hears of their
// end. The caller has killed, or kills, the processes there. It may be called again.
func (h *Host) PowerOff() error {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return h.powerOff()
}

// powerOff also takes back what a start that failed has made.
func (h *Host) powerOff() error {
	var errs []error
	if h.port != nil {
		errs = append(errs, h.network.outer.LinkDel(h.port))
	}
	if h.inner != nil {
		h.inner.Close()
	}
	if h.namespace != nil {
		errs = append(errs, h.namespace.Close())
	}
	h.namespace, h.inner, h.port, h.card = nil, nil, nil, nil
	return h.failed("switch it off", errors.Join(errs...))
}

// PowerOn brings a host back that was off, with its address, its cable in, and no process.
func (h *Host) PowerOn() error {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	switch {
	case h.network.outer == nil:
		return errClosed
	case h.namespace != nil:
		return fmt.Errorf("host %s is on", h.name)
	}
	return h.powerOn()
}

func (h *Host) powerOn() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(h.failed("bring it up", err), h.powerOff())
		}
	}()
	if h.namespace, err = newNamespace(h.network.home); err != nil {
		return err
	}
	outer := h.network.outer
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("port%d", h.number), MasterIndex: h.network.bridge.Index},
		PeerName:  cardName, PeerNamespace: netlink.NsFd(h.namespace.Fd()), PeerHardwareAddr: linkAddr(h.addr),
	}
	if err = outer.LinkAdd(veth); err != nil {
		return fmt.Errorf("add its cable: %w", err)
	}
	h.port = veth
	if err = outer.LinkSetUp(veth); err != nil {
		return err
	}
	return h.configure()
}

// configure sets up what is inside.
func (h *Host) configure() error {
	err := within(h.namespace, h.network.home, func() (err error) {
		h.inner, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return err
	}
	if err := loopback(h.inner); err != nil {
		return err
	}
	if h.card, err = h.inner.LinkByName(cardName); err != nil {
		return err
	}
	if err := h.inner.AddrAdd(h.card, h.network.ipNet(h.addr)); err != nil {
		return err
	}
	if err := h.inner.LinkSetUp(h.card); err != nil {
		return err
	}
	for addr := range h.deafTo {
		if err := h.inner.NeighSet(h.misled(addr)); err != nil {
			return err
		}
	}
	return h.awaitLink()
}

// setDeaf lets what h sends to another go astray, or not any more. The network's mu is held.
func (h *Host) setDeaf(other *Host, deaf bool) error {
	was := h.deafTo[other.addr]
	if was == deaf {
		return nil
	}
	delete(h.deafTo, other.addr)
	if deaf {
		h.deafTo[other.addr] = true
	}
	if h.namespace == nil {
		return nil // see configure
	}
	if deaf {
		return h.failed("part it from "+other.name, h.inner.NeighSet(h.misled(other.addr)))
	}
	return h.failed("join it with "+other.name, h.inner.NeighDel(h.misled(other.addr)))
}

// misled is the entry of a neighbour who is to be heard of no more.
func (h *Host) misled(addr netip.Addr) *netlink.Neigh {
	return &netlink.Neigh{
		LinkIndex: h.card.Attrs().Index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT,
		IP: addr.AsSlice(), HardwareAddr: nobody,
	}
}

// newNamespace makes a network namespace, which lives as long as the file is open or a
// process is in it.
func newNamespace(home *os.File) (*os.File, error) {
	var made *os.File
	err := within(home, home, func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		made, err = os.Open(own)
		return err
	})
	if err != nil && made != nil {
		err = errors.Join(err, made.Close())
		made = nil
	}
	return made, err
}
