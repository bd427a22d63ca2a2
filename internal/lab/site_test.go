package lab

import (
	"strings"
	"testing"

	"hotline/internal/app"
	"hotline/internal/config"
)

// TestSiteWithSeveralNodes: what Write makes of several nodes can be rendered,
// for each of them and for the proxy, and only the proxy knows the phones.
func TestSiteWithSeveralNodes(t *testing.T) {
	file, err := Write(t.TempDir(), Site{Agents: 2, Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range cfg.Asterisk.Nodes {
		p, err := app.AsteriskParams(cfg, n.ID)
		if err != nil {
			t.Fatal(err)
		}
		if p.SIPListen != n.SIPListen || p.Proxy != cfg.Asterisk.Proxy.Listen {
			t.Errorf("node %s: SIP at %s behind %s", n.ID, p.SIPListen, p.Proxy)
		}
		for _, s := range p.Seats {
			if s.Password != "" {
				t.Errorf("node %s knows the password of seat %s", n.ID, s.Name)
			}
		}
	}
	p, err := app.KamailioParams(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if p.Run, p.State = "/run/kamailio", "/var/lib/kamailio"; p.Validate() != nil {
		t.Error(p.Validate())
	}
	if len(p.Nodes) != 2 || len(p.Seats) != 2 || p.Nodes[1].Listen != cfg.Asterisk.Nodes[1].SIPListen || p.Pace != 100 || len(p.Carriers) != 1 {
		t.Errorf("the proxy: %+v", p)
	}

	alone, err := Write(t.TempDir(), Site{Agents: 1})
	if err != nil {
		t.Fatal(err)
	}
	if cfg, err = config.Load(alone); err != nil {
		t.Fatal(err)
	}
	if _, err := app.KamailioParams(cfg); err == nil || !strings.Contains(err.Error(), "there is no proxy") {
		t.Errorf("without a proxy: %v", err)
	}
}
