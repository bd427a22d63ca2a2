package devstack

import "net/netip"

// Host is a machine on which servers are started, with an address and connections of its
// own. Where one may be given, nil is this machine, on loopback.
type Host interface {
	Addr() netip.Addr
	// Do runs f there, on the calling goroutine: sockets that f opens are the host's, and
	// processes that it starts run there.
	Do(f func() error) error
}

// loopback is this machine.
type loopback struct{}

func (loopback) Addr() netip.Addr        { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
func (loopback) Do(f func() error) error { return f() }

func orLoopback(h Host) Host {
	if h == nil {
		return loopback{}
	}
	return h
}

// freePortAt finds a port of the host that is free for TCP and UDP.
func freePortAt(h Host, addr netip.Addr) (port uint16, err error) {
	err = h.Do(func() (err error) {
		port, err = freePort(addr)
		return err
	})
	return port, err
}
