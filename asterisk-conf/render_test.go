package asteriskconf

import (
	"bytes"
	"flag"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func example() Params {
	return Params{
		Node:          "node-1",
		App:           "hotline",
		HTTPListen:    netip.MustParseAddrPort("127.0.0.1:8088"),
		ARIUser:       "hotline",
		ARIPassword:   "ari-password-of-the-example",
		SIPListen:     netip.MustParseAddrPort("10.0.0.5:5060"),
		RTPStart:      20000,
		RTPEnd:        29999,
		Trunks:        []Trunk{{Name: "carrier", Match: []string{"192.0.2.10", "198.51.100.0/28"}, Contact: "sip:192.0.2.10"}},
		Seats:         []Seat{{Name: "1001", Password: "seat-password-1"}, {Name: "1002", Contact: "sip:desk@10.0.1.2:5062"}},
		Entries:       []string{"12345", "051812345"},
		FallbackAfter: time.Minute,
		QualifyEvery:  30 * time.Second,
		MaxFiles:      65536,
		LogToConsole:  true,
		Dirs:          InstanceDirs("/var/lib/hotline/asterisk", "/opt/asterisk/modules", "/opt/asterisk/data"),
	}
}

// The rendered files are kept, so that a change of a template shows in review
// as what it changes for a node. Rewrite them with: go test -run Golden -update
func TestGolden(t *testing.T) {
	alone, err := execute("/etc/hotline/asterisk", example())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "golden"), alone)
	// Of a node behind a proxy, what differs.
	clustered, err := execute("/etc/hotline/asterisk", clusterExample())
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(clustered, func(name string, content []byte) bool { return bytes.Equal(content, alone[name]) })
	golden(t, filepath.Join("testdata", "golden-cluster"), clustered)
}

// clusterExample is a node behind a proxy, which alone knows the passwords of the phones.
func clusterExample() Params {
	p := example()
	p.Proxy = netip.MustParseAddrPort("10.0.0.4:5060")
	p.Seats = []Seat{{Name: "1001"}, {Name: "1002"}}
	return p
}

func golden(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	golden, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(golden) != len(files) {
		t.Errorf("%d golden files for %d templates; run the test with -update", len(golden), len(files))
	}
	for name, content := range files {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v; run the test with -update", err)
			continue
		}
		if string(want) != string(content) {
			t.Errorf("%s differs from its golden file; see whether that is meant, then run with -update", name)
		}
	}
}

func TestRenderWritesSecretsForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	p := example()
	// A file that was open to all before must not stay so.
	if err := os.WriteFile(filepath.Join(dir, "ari.conf"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Render(dir, p); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append([]string{p.ARIPassword}, p.Seats[0].Password)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if strings.Contains(string(content), s) && info.Mode().Perm() != 0o600 {
				t.Errorf("%s holds a password and has mode %v, want 0600", e.Name(), info.Mode().Perm())
			}
		}
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("a temporary file was left: %s", e.Name())
		}
	}
}

// Debian's Asterisk runs as a user of its own, who must be able to read what
// root writes for it.
func TestFilesBelongToTheOwnerOfTheFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := t.TempDir()
	const somebody = 4711
	if err := os.Chown(dir, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	if err := Render(dir, example()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "ari.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != somebody || owner.Gid != somebody || info.Mode().Perm() != 0o600 {
		t.Errorf("ari.conf belongs to %d:%d with mode %v", owner.Uid, owner.Gid, info.Mode())
	}
}

// Who breaks into a node shall not find the passwords of the phones there.
func TestNodeBehindAProxyHoldsNoPasswordOfAPhone(t *testing.T) {
	p := clusterExample()
	p.Seats[0].Password = "seat-password-1"
	files, err := execute("/etc/hotline/asterisk", p)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if bytes.Contains(content, []byte("seat-password-1")) {
			t.Errorf("%s holds the password of a phone", name)
		}
	}
}

func TestRenderRefusesMistakesBehindAProxy(t *testing.T) {
	for want, change := range map[string]func(*Params){
		"the address and port that the proxy sends from": func(p *Params) { p.Proxy = netip.MustParseAddrPort("0.0.0.0:5060") },
		"the node's own address":                         func(p *Params) { p.Proxy = p.SIPListen },
		"by which the proxy knows the node":              func(p *Params) { p.SIPListen = netip.MustParseAddrPort("0.0.0.0:5060") },
		"this name is the proxy's":                       func(p *Params) { p.Trunks[0].Name = "proxy" },
		"want no contact":                                func(p *Params) { p.Seats[1].Contact = "sip:10.0.1.2" },
	} {
		p := clusterExample()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestRenderRefusesMistakes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Params)
		want   string
	}{
		{"node", func(p *Params) { p.Node = "Node 1" }, `node "Node 1"`},
		{"no http port", func(p *Params) { p.HTTPListen = netip.AddrPort{} }, "http listen address"},
		{"no sip port", func(p *Params) { p.SIPListen = netip.MustParseAddrPort("127.0.0.1:0") }, "sip listen address"},
		{"short ari password", func(p *Params) { p.ARIPassword = "short" }, "ari password"},
		{"password that ends the line", func(p *Params) { p.ARIPassword = "0123456789abcdef;x" }, "ari password"},
		{"odd rtp start", func(p *Params) { p.RTPStart = 20001 }, "even start"},
		{"rtp ports the wrong way round", func(p *Params) { p.RTPEnd = 10000 }, "rtp ports"},
		{"no entry", func(p *Params) { p.Entries = nil }, "no entry"},
		{"pattern as entry", func(p *Params) { p.Entries = []string{"_X."} }, `entry "_X."`},
		{"entry twice", func(p *Params) { p.Entries = []string{"12345", "12345"} }, "named twice"},
		{"fallback at once", func(p *Params) { p.FallbackAfter = 0 }, "fallback after"},
		{"fallback in fractions", func(p *Params) { p.FallbackAfter = 1500 * time.Millisecond }, "whole seconds"},
		{"trunk without source", func(p *Params) { p.Trunks[0].Match = nil }, "no call is accepted"},
		{"trunk by name", func(p *Params) { p.Trunks[0].Match = []string{"sip.carrier.example"} }, "not a name"},
		{"trunk named like a seat", func(p *Params) { p.Trunks[0].Name = "seat-1" }, "seats'"},
		{"trunk named like a section", func(p *Params) { p.Trunks[0].Name = "global" }, "taken by pjsip.conf"},
		{"two trunks, one source", func(p *Params) {
			p.Trunks = append(p.Trunks, Trunk{Name: "second", Match: []string{"192.0.2.10"}})
		}, "belongs to trunk"},
		{"seat twice", func(p *Params) { p.Seats[1].Name = "1001" }, "named twice"},
		{"seat without password or contact", func(p *Params) { p.Seats[0].Password = "" }, "give it a password"},
		{"seat by name", func(p *Params) { p.Seats[1].Contact = "sip:desk@phone.example" }, "an address and not a name"},
		{"seat name with a line break", func(p *Params) { p.Seats[0].Name = "1\n[x]" }, "letters, digits or hyphens"},
		{"two phones behind one address", func(p *Params) {
			p.Seats = append(p.Seats, Seat{Name: "1003", Contact: "sip:10.0.1.2:5062"})
		}, "belongs to seat 1002 already"},
		{"relative folder", func(p *Params) { p.Dirs.Log = "log" }, "absolute path"},
		{"socket path too long", func(p *Params) { p.Dirs.Run = "/" + strings.Repeat("x", 100) }, "choose a shorter one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := example()
			c.change(&p)
			dir := filepath.Join(t.TempDir(), "etc")
			err := Render(dir, p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got error %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "0123456789abcdef") {
				t.Errorf("the error shows the password: %v", err)
			}
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("something was written although the parameters are wrong")
			}
		})
	}
}

func TestEntityIDIsStableLocalAndDiffersByNode(t *testing.T) {
	a, b := entityID("node-1"), entityID("node-2")
	if a == b {
		t.Errorf("two nodes have the entity id %s", a)
	}
	// Second-lowest bit set: locally administered; lowest clear: not a group.
	if c := a[1]; !strings.ContainsRune("26ae", rune(c)) {
		t.Errorf("entity id %s is not a locally administered single address", a)
	}
}
