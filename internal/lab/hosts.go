package lab

import (
	"errors"
	"fmt"
	"net/netip"

	"hotline/internal/devstack"
	"hotline/internal/nethost"
)

// Hosts are the machines of a site whose parts do not live on one: a network in this
// process's own namespace ([nethost.Isolate]), in which each part has the ports that are usual.
//
//	10.77.0.1 the command   .2 the seats' phones   .3 the callers' phones
//	.10 Kamailio   .11, .12, … Asterisk   .20 Redis   .31, .32, … controllers
type Hosts struct {
	Network     *nethost.Network
	Redis       *nethost.Host
	Proxy       *nethost.Host   // nil with one node
	Nodes       []*nethost.Host // in the order of the configuration
	Controllers []*nethost.Host
	Seats       netip.Addr // of phones, which are the command's own
	Callers     netip.Addr
}

// Ports of those who have a host of their own.
const (
	redisPort = 6379
	sipPort   = 5060
	ariPort   = 8088
	apiPort   = 8080
)

// HostAddr is the address of this network that ends in last: from 40 on they are free.
func HostAddr(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, last}) }

// NewHosts lays the network. There are 1 to 9 nodes, with a proxy if more than one, and 1 to 9 controllers. The error
// is [nethost.ErrNotIsolated] where the process is not in a namespace of its own.
func NewHosts(nodes, controllers int) (h *Hosts, err error) {
	if nodes < 1 || nodes > 9 || controllers < 1 || controllers > 9 {
		return nil, fmt.Errorf("%d nodes and %d controllers: 1 to 9 of each", nodes, controllers)
	}
	h = &Hosts{Seats: HostAddr(2), Callers: HostAddr(3)}
	if h.Network, err = nethost.New(netip.PrefixFrom(HostAddr(1), 24)); err != nil {
		return nil, err
	}
	join := func(name string, last byte) (at *nethost.Host) {
		if err == nil {
			at, err = h.Network.Host(name, HostAddr(last))
		}
		return at
	}
	err = errors.Join(h.Network.AddAddr(h.Seats), h.Network.AddAddr(h.Callers))
	h.Redis = join("redis", 20)
	if nodes > 1 {
		h.Proxy = join("kamailio", 10)
	}
	for i := range nodes {
		h.Nodes = append(h.Nodes, join(fmt.Sprintf("a%d", i+1), byte(11+i)))
	}
	for i := range controllers {
		h.Controllers = append(h.Controllers, join(fmt.Sprintf("controller-%d", i+1), byte(31+i)))
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Close removes the network, after the lab was stopped.
func (h *Hosts) Close() error { return h.Network.Close() }

// at is the host as devstack wants it: no host is this machine.
func at(h *nethost.Host) devstack.Host {
	if h == nil {
		return nil
	}
	return h
}

func (h *Hosts) redis() *nethost.Host {
	if h == nil {
		return nil
	}
	return h.Redis
}

func (h *Hosts) proxy() *nethost.Host {
	if h == nil {
		return nil
	}
	return h.Proxy
}

// node is the host of a node of the configuration.
func (h *Hosts) node(i int) *nethost.Host {
	if h == nil || i >= len(h.Nodes) {
		return nil
	}
	return h.Nodes[i]
}
