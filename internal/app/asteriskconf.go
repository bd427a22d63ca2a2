package app

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"

	asteriskconf "hotline/asterisk-conf"
	"hotline/deploy/cluster"
	"hotline/internal/acd"
	"hotline/internal/config"
)

// AsteriskParams turns the configuration into what asteriskconf renders for
// one of its nodes. The directories are the caller's to fill in.
func AsteriskParams(cfg *config.Config, id acd.NodeID) (asteriskconf.Params, error) {
	for _, n := range cfg.Asterisk.Nodes {
		if n.ID == id || id == "" && len(cfg.Asterisk.Nodes) == 1 {
			return paramsOf(cfg, n)
		}
	}
	return asteriskconf.Params{}, fmt.Errorf("%s: %q is not one of asterisk.nodes; name one of them", cfg.File, id)
}

func paramsOf(cfg *config.Config, n config.Node) (asteriskconf.Params, error) {
	listen, err := listenOf(n.URL)
	if err != nil {
		return asteriskconf.Params{}, fmt.Errorf("%s: node %s: %w", cfg.File, n.ID, err)
	}
	// Behind a proxy the nodes have no use for the phones' passwords.
	var passwords map[acd.SeatID]config.Secret
	if !cfg.Asterisk.Proxy.Listen.IsValid() {
		if passwords, err = cfg.SeatPasswords(); err != nil {
			return asteriskconf.Params{}, err
		}
	}
	p := asteriskconf.Params{
		Node: string(n.ID), App: cfg.Asterisk.App, HTTPListen: listen,
		ARIUser: n.Username, ARIPassword: n.Password.Reveal(),
		SIPListen: n.SIPListen, Proxy: cfg.Asterisk.Proxy.Listen, RTPStart: cfg.Asterisk.RTPStart, RTPEnd: cfg.Asterisk.RTPEnd,
		FallbackAfter: cfg.Asterisk.FallbackAfter,
	}
	for _, t := range cfg.Asterisk.Trunks {
		p.Trunks = append(p.Trunks, asteriskconf.Trunk{Name: t.Name, Match: t.Match, Contact: t.Contact})
	}
	for _, s := range cfg.Seats {
		p.Seats = append(p.Seats, asteriskconf.Seat{Name: string(s.ID), Password: passwords[s.ID].Reveal(), Contact: s.Contact})
	}
	for _, e := range cfg.Entries {
		p.Entries = append(p.Entries, e.Number)
	}
	return p, nil
}

// KamailioParams turns the configuration into what cluster renders for the proxy.
// Run and State are the caller's to fill in.
func KamailioParams(cfg *config.Config) (cluster.Params, error) {
	proxy := cfg.Asterisk.Proxy
	if !proxy.Listen.IsValid() {
		return cluster.Params{}, fmt.Errorf("%s: there is no proxy in front of the nodes; add for example: asterisk: {proxy: {listen: 10.0.0.4:5060}}", cfg.File)
	}
	passwords, err := cfg.SeatPasswords()
	if err != nil {
		return cluster.Params{}, err
	}
	p := cluster.Params{Listen: proxy.Listen, Pace: proxy.Pace}
	for _, n := range cfg.Asterisk.Nodes {
		p.Nodes = append(p.Nodes, cluster.Node{Name: string(n.ID), Listen: n.SIPListen})
	}
	for _, t := range cfg.Asterisk.Trunks {
		p.Carriers = append(p.Carriers, t.Match...)
		if t.Contact != "" {
			p.Contacts = append(p.Contacts, t.Contact)
		}
	}
	for _, s := range cfg.Seats {
		p.Seats = append(p.Seats, cluster.Seat{Name: string(s.ID), Password: passwords[s.ID].Reveal()})
	}
	return p, nil
}

// listenOf is the address that ARI's URL names.
func listenOf(ari string) (netip.AddrPort, error) {
	u, err := url.Parse(ari)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port := u.Port()
	if port == "" {
		port = strconv.Itoa(80)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the configuration is rendered for an address, and %q is a name; write the address that ARI shall listen on", u.Hostname())
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(addr, uint16(n)), err
}
