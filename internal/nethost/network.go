package nethost

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Network is a bridge to which hosts are joined. Its methods and those of its hosts may be called from
// several goroutines.
type Network struct {
	prefix netip.Prefix // the command's address on the bridge, and its length
	home   *os.File     // the command's namespace

	mu     sync.Mutex
	outer  *netlink.Handle // guarded by mu; of the command's namespace; nil: closed
	bridge *netlink.Bridge // guarded by mu
	hosts  []*Host         // guarded by mu
}

// New lays a bridge on which the command has the given address, as in 10.77.0.1/24. The
// error is [ErrNotIsolated] where that would change the network of the machine.
func New(prefix netip.Prefix) (n *Network, err error) {
	if !isolated {
		return nil, fmt.Errorf("make a network: %w", ErrNotIsolated)
	}
	if !prefix.Addr().Is4() || prefix.Bits() > 30 {
		return nil, fmt.Errorf("make a network: %s: want an IPv4 address and a length, as in 10.77.0.1/24", prefix)
	}
	n = &Network{prefix: prefix}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make a network: %w", notPermitted(err)), n.Close())
			n = nil
		}
	}()
	if n.home, err = os.Open(own); err != nil {
		return n, err
	}
	if n.outer, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return n, err
	}
	// With an address of its own: else it would have that of a port, and change it with the ports.
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "hosts", HardwareAddr: linkAddr(prefix.Addr())}}
	if err = n.outer.LinkAdd(bridge); err != nil {
		return n, fmt.Errorf("add the bridge: %w", err)
	}
	n.bridge = bridge
	if err = n.addAddr(prefix.Addr()); err != nil {
		return n, err
	}
	// No spanning tree (it is off in a new bridge): a cable that is plugged in works at once.
	return n, n.outer.LinkSetUp(bridge)
}

// linkAddr is the link address of whoever has addr: always the same, as that of a
// machine that was off meanwhile.
func linkAddr(addr netip.Addr) net.HardwareAddr {
	b := addr.As4()
	return net.HardwareAddr{0x02, 0, b[0], b[1], b[2], b[3]}
}

// nobody's link address: what is sent there is heard by no host.
var nobody = net.HardwareAddr{0x02, 0xff, 0, 0, 0, 0}

// AddAddr gives the command a further address on the bridge.
func (n *Network) AddAddr(addr netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outer == nil {
		return errClosed
	}
	if err := n.fits(addr); err != nil {
		return err
	}
	return n.addAddr(addr)
}

var errClosed = errors.New("the network is closed")

func (n *Network) fits(addr netip.Addr) error {
	if !n.prefix.Contains(addr) {
		return fmt.Errorf("%s is not in %s", addr, n.prefix.Masked())
	}
	return nil
}

func (n *Network) addAddr(addr netip.Addr) error {
	if err := n.outer.AddrAdd(n.bridge, n.ipNet(addr)); err != nil {
		return fmt.Errorf("add the address %s: %w", addr, err)
	}
	return nil
}

func (n *Network) ipNet(addr netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(n.prefix.Bits(), addr.BitLen())}}
}

// Host joins a host with an address. name is for messages.
func (n *Network) Host(name string, addr netip.Addr) (*Host, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outer == nil {
		return nil, errClosed
	}
	if err := n.fits(addr); err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	for _, h := range n.hosts {
		if h.addr == addr || h.name == name {
			return nil, fmt.Errorf("host %s at %s: there is %s at %s", name, addr, h.name, h.addr)
		}
	}
	h := &Host{network: n, name: name, addr: addr, number: len(n.hosts) + 1, deafTo: map[netip.Addr]bool{}}
	if err := h.powerOn(); err != nil {
		return nil, err
	}
	n.hosts = append(n.hosts, h)
	return h, nil
}

// Part lets two hosts not hear each other any more, while everybody else hears both:
// what one sends to the other goes to a link address that nobody has. Join lets them hear each other again.
func (n *Network) Part(a, b *Host) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(a.setDeaf(b, true), b.setDeaf(a, true))
}

// Join undoes [Network.Part].
func (n *Network) Join(a, b *Host) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(a.setDeaf(b, false), b.setDeaf(a, false))
}

// forget drops what a host has learnt of its neighbours, and they of it. Who has asked for a link
// address in vain for three seconds drops what waits for it then, also if the cable is in again.
// The network's mu is held.
func (n *Network) forget(h *Host) error {
	if h.namespace == nil {
		return nil
	}
	errs := []error{forgetIn(h.inner, h.card.Attrs().Index, netip.Addr{}), forgetIn(n.outer, n.bridge.Index, h.addr)}
	for _, other := range n.hosts {
		if other != h && other.namespace != nil {
			errs = append(errs, forgetIn(other.inner, other.card.Attrs().Index, h.addr))
		}
	}
	return errors.Join(errs...)
}

// forgetIn drops the entries of a link, only those of one address where that is valid.
func forgetIn(at *netlink.Handle, link int, only netip.Addr) error {
	known, err := at.NeighList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list neighbours: %w", err)
	}
	for _, entry := range known {
		addr, _ := netip.AddrFromSlice(entry.IP)
		if entry.State&(netlink.NUD_PERMANENT|netlink.NUD_NOARP) != 0 || only.IsValid() && addr.Unmap() != only {
			continue
		}
		if err := at.NeighDel(&entry); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("forget neighbour %s: %w", addr, err)
		}
	}
	return nil
}

// Close removes hosts and bridge. Processes that still run at a host are cut off; their
// namespaces end with them. It may be called again.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, h := range n.hosts {
		errs = append(errs, h.powerOff())
	}
	n.hosts = nil
	if n.bridge != nil {
		errs = append(errs, n.outer.LinkDel(n.bridge))
		n.bridge = nil
	}
	if n.outer != nil {
		n.outer.Close()
		n.outer = nil
	}
	if n.home != nil {
		errs = append(errs, n.home.Close())
		n.home = nil
	}
	return errors.Join(errs...)
}
