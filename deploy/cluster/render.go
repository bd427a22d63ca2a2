package cluster

import (
	"bytes"
	"crypto/md5"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hotline/internal/conffile"
)

//go:embed kamailio.cfg
var kamailioCfg []byte

// Realm is that of the phones' digest authentication.
const Realm = "hotline"

// Params is everything that differs from one proxy to another.
type Params struct {
	// Listen is the UDP address at which carriers, phones and nodes reach the proxy.
	Listen netip.AddrPort
	// Run is the folder of the control socket, State that of the registrations;
	// absolute. Kamailio writes to both.
	Run, State string
	// Pace is how many new calls it takes of the carriers in a second.
	Pace  int
	Nodes []Node
	// Carriers are the addresses that calls come from: address, address:port or CIDR.
	Carriers []string
	// Contacts are the SIP URIs, with addresses, at which carriers are called.
	Contacts []string
	Seats    []Seat
}

// Node is an Asterisk node and the UDP address of its SIP.
type Node struct {
	Name   string
	Listen netip.AddrPort
}

// URI is how the proxy's commands name the node.
func (n Node) URI() string { return "sip:" + n.Listen.String() }

// Seat is a place with a phone; the phone's SIP user is "seat-" and the name.
type Seat struct{ Name, Password string }

// Files that hold what proves a password are readable by their owner only.
var secretFiles = map[string]bool{"db/seats": true}

// LongestRunDir is what a Unix socket's path (108 bytes with its end) leaves
// before "/kamailio_ctl".
const LongestRunDir = 107 - len("/kamailio_ctl")

var (
	seatName = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`)
	sipURI   = regexp.MustCompile(`^sip:(?:[A-Za-z0-9_.+*-]+@)?([^@;?]+)`)
	// What a path may hold to stand in Kamailio's strings unchanged.
	plainPath = regexp.MustCompile(`^/[A-Za-z0-9/._+-]*$`)
)

// Validate returns every mistake of p, joined, or nil.
func (p Params) Validate() error {
	var bad []error
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	if !p.Listen.IsValid() || p.Listen.Port() == 0 || p.Listen.Addr().IsUnspecified() {
		no("listen address %s: want a certain address and port, for example 10.0.0.4:5060", p.Listen)
	}
	if !plainPath.MatchString(p.Run) || len(p.Run) > LongestRunDir {
		no("run directory %q: want an absolute path of letters, digits and /._+- with at most %d bytes", p.Run, LongestRunDir)
	}
	if !plainPath.MatchString(p.State) {
		no("state directory %q: want an absolute path of letters, digits and /._+-", p.State)
	}
	if p.Pace < 1 {
		no("pace %d: want one call a second or more", p.Pace)
	}
	if len(p.Nodes) == 0 {
		no("no node: name at least one")
	}
	seen := map[netip.AddrPort]bool{p.Listen: true}
	for _, n := range p.Nodes {
		if !n.Listen.IsValid() || n.Listen.Addr().IsUnspecified() || seen[n.Listen] {
			no("node %q: address %s: want a certain address and port of its own", n.Name, n.Listen)
		}
		seen[n.Listen] = true
	}
	for _, c := range p.Carriers {
		if _, err := addressLine(1, c); err != nil {
			bad = append(bad, err)
		}
	}
	for _, c := range p.Contacts {
		if _, err := contactLine(c); err != nil {
			bad = append(bad, err)
		}
	}
	for _, s := range p.Seats {
		if !seatName.MatchString(s.Name) {
			no("seat %q: want 1 to 32 letters, digits or hyphens", s.Name)
		}
		if len(s.Password) < 8 {
			no("seat %q: password: want 8 characters or more", s.Name)
		}
	}
	return errors.Join(bad...)
}

// Render writes the configuration into the folder dir, which it creates if need
// be; Kamailio is started with -f dir/kamailio.cfg. Each file is replaced whole.
// Nothing is written if p is not valid; the error then names every mistake.
func Render(dir string, p Params) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("kamailio configuration: %w", err)
	}
	if !plainPath.MatchString(dir) {
		return fmt.Errorf("kamailio configuration folder %q: want an absolute path of letters, digits and /._+-", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the kamailio configuration folder: %w", err)
	}
	db := filepath.Join(dir, "db")
	if err := os.MkdirAll(db, 0o755); err != nil {
		return fmt.Errorf("make the kamailio configuration folder: %w", err)
	}
	if err := conffile.GiveTo(db, dir); err != nil {
		return fmt.Errorf("make the kamailio configuration folder: %w", err)
	}
	for name, content := range files(dir, p) {
		if err := replace(dir, name, content); err != nil {
			return fmt.Errorf("write kamailio configuration: %w", err)
		}
	}
	if err := makeState(p.State, dir); err != nil {
		return fmt.Errorf("make the tables of registrations: %w", err)
	}
	return nil
}

// makeState makes the tables that Kamailio keeps itself, unless they are there.
// A folder that is missing is made for the owner of dir.
func makeState(state, dir string) error {
	if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
		if err := errors.Join(os.MkdirAll(state, 0o750), conffile.GiveTo(state, dir)); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{"version": versionTable, "location": locationTable} {
		if _, err := os.Stat(filepath.Join(state, name)); err == nil {
			continue
		}
		if err := replace(state, name, []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// The columns of Kamailio's table of registrations, as its version 9 has them.
const (
	versionTable  = "id(int,auto) table_name(string) table_version(int)\n1:location:9\n"
	locationTable = "id(int,auto) ruid(string) username(string) domain(string,null) contact(string) received(string,null) path(string,null) " +
		"expires(int) q(double) callid(string) cseq(int) last_modified(int) flags(int) cflags(int) user_agent(string) socket(string,null) " +
		"methods(int,null) instance(string,null) reg_id(int) server_id(int) connection_id(int) keepalive(int) partition(int)\n"
)

// files are the contents by name, for parameters that are valid.
func files(dir string, p Params) map[string][]byte {
	const made = "# Made by hotline kamailio-conf from hotline.yaml. Change it there.\n"
	var local, nodes, addresses, seats bytes.Buffer

	fmt.Fprintf(&local, made+`listen=udp:%[1]s
#!substdef "!PROXY_ADDR!%[1]s!g"
#!substdef "!CONF_DIR!%[2]s!g"
#!substdef "!RUN_DIR!%[3]s!g"
#!substdef "!STATE_DIR!%[4]s!g"
#!substdef "!CALLS_PER_SECOND!%[5]d!g"
`, p.Listen, dir, p.Run, p.State, p.Pace)

	nodes.WriteString(made + "# set, address, flags (0: takes calls, and is asked whether it is there), priority\n")
	for _, n := range p.Nodes {
		fmt.Fprintf(&nodes, "1 %s 0 0 duid=%s\n", n.URI(), n.Name)
	}

	addresses.WriteString(made + "# group, address, bits of the network, port (0: any)\n# 1: carriers call from here\n")
	for _, c := range p.Carriers {
		line, _ := addressLine(1, c)
		addresses.WriteString(line)
	}
	addresses.WriteString("# 2: carriers are called here\n")
	for _, c := range p.Contacts {
		line, _ := contactLine(c)
		addresses.WriteString(line)
	}

	// Columns of Kamailio's text tables, in a fixed order; type 0 is a string.
	seats.WriteString("id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)\n")
	for i, s := range p.Seats {
		user := "seat-" + s.Name
		fmt.Fprintf(&seats, "%d:%s:0:0:%s:0\n", i+1, user, proof(user, s.Password))
	}
	return map[string][]byte{
		"kamailio.cfg":   kamailioCfg,
		"hotline.cfg":    local.Bytes(),
		"nodes.list":     nodes.Bytes(),
		"addresses.list": addresses.Bytes(),
		"db/seats":       seats.Bytes(),
		"db/version":     []byte("id(int,auto) table_name(string) table_version(int)\n1:seats:2\n"),
	}
}

// proof is what digest authentication compares (RFC 2617, HA1). Whoever has it
// can register as the seat, but does not know the password.
func proof(user, password string) string {
	sum := md5.Sum([]byte(user + ":" + Realm + ":" + password))
	return hex.EncodeToString(sum[:])
}

// addressLine is a line of addresses.list for address, address:port or CIDR.
func addressLine(group int, source string) (string, error) {
	if a, err := netip.ParseAddr(source); err == nil {
		return fmt.Sprintf("%d %s %d 0\n", group, a, a.BitLen()), nil
	}
	if a, err := netip.ParseAddrPort(source); err == nil && a.Port() != 0 {
		return fmt.Sprintf("%d %s %d %d\n", group, a.Addr(), a.Addr().BitLen(), a.Port()), nil
	}
	if n, err := netip.ParsePrefix(source); err == nil {
		return fmt.Sprintf("%d %s %d 0\n", group, n.Masked().Addr(), n.Bits()), nil
	}
	return "", fmt.Errorf("carrier %q: want an address, address:port or CIDR", source)
}

// contactLine is a line of addresses.list for the address of a SIP URI.
func contactLine(uri string) (string, error) {
	if m := sipURI.FindStringSubmatch(uri); m != nil {
		if a, err := netip.ParseAddrPort(m[1]); err == nil && a.Port() != 0 {
			return addressLine(2, a.String())
		}
		if a, err := netip.ParseAddr(strings.Trim(m[1], "[]")); err == nil {
			return addressLine(2, netip.AddrPortFrom(a, 5060).String())
		}
	}
	return "", fmt.Errorf("contact %q: want sip:address or sip:address:port, with an address and not a name", uri)
}

// replace writes one of the files of a folder.
func replace(dir, name string, content []byte) error {
	mode := os.FileMode(0o644)
	if secretFiles[name] {
		mode = 0o600
	}
	return conffile.Replace(filepath.Join(dir, name), content, mode)
}
