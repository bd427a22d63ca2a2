package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/config"
	"hotline/internal/nethost"
)

func hostsOf(t *testing.T, nodes, controllers int) *Hosts {
	t.Helper()
	if errors.Is(noHosts, nethost.ErrNotPermitted) {
		t.Skip(noHosts)
	}
	if noHosts != nil {
		t.Fatal(noHosts)
	}
	h, err := NewHosts(nodes, controllers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestSiteOnHosts: each part has the address of its host, and the callers the carrier's.
func TestSiteOnHosts(t *testing.T) {
	for nodes, wantSIP := range map[int]string{1: "10.77.0.11:5060", 2: "10.77.0.10:5060"} {
		h := hostsOf(t, nodes, 2)
		file, err := Write(t.TempDir(), Site{Agents: 2, Nodes: nodes, Hosts: h})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		sip := cfg.Asterisk.Nodes[0].SIPListen.String()
		if nodes > 1 {
			sip = cfg.Asterisk.Proxy.Listen.String()
		}
		last := cfg.Asterisk.Nodes[nodes-1]
		if cfg.Redis.Address != "10.77.0.20:6379" || sip != wantSIP || len(cfg.Asterisk.Nodes) != nodes ||
			last.SIPListen.Addr() != h.Nodes[nodes-1].Addr() || !strings.Contains(last.URL, h.Nodes[nodes-1].Addr().String()) {
			t.Errorf("%d nodes: Redis at %s, SIP at %s, the last node %+v", nodes, cfg.Redis.Address, sip, last)
		}
		if match := cfg.Asterisk.Trunks[0].Match; len(match) != 1 || match[0] != h.Callers.String() {
			t.Errorf("the carrier is %v, want %s", match, h.Callers)
		}
		if _, err := Write(t.TempDir(), Site{Agents: 2, Nodes: nodes + 1, Hosts: h}); err == nil {
			t.Errorf("%d nodes were placed on %d hosts", nodes+1, nodes)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A controller of a site on hosts has its host's address, and runs there.
func TestInstanceRunsAtItsHost(t *testing.T) {
	h := hostsOf(t, 1, 2)
	dir := t.TempDir()
	file, err := Write(dir, Site{Agents: 1, Hosts: h})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{Dir: dir, ConfigFile: file, Config: cfg, binary: filepath.Join(dir, "hotline")}
	if err := os.WriteFile(l.binary, []byte("#!/bin/sh\nexec readlink /proc/self/ns/net\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	i, err := l.Instance(Variant{Name: "2", Host: h.Controllers[1]})
	if err != nil {
		t.Fatal(err)
	}
	if i.API != "http://10.77.0.32:8080" {
		t.Errorf("its API is at %s", i.API)
	}
	if err := i.Run(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-i.Ended():
	case <-time.After(10 * time.Second):
		t.Fatal("it runs on")
	}
	var there []byte
	if err := h.Controllers[1].Do(func() (err error) {
		there, err = exec.Command("readlink", "/proc/self/ns/net").Output()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := i.LastLines(1); got != strings.TrimSpace(string(there)) {
		t.Errorf("it ran in %s, want %s", got, there)
	}
}
