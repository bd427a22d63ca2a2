package asteriskconf

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	nodeName  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	plainName = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`)
	appName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	entryName = regexp.MustCompile(`^[0-9+*#]{1,32}$`)
	// What a .conf file carries unchanged: no blank, no comment sign, no quote.
	secret = regexp.MustCompile(`^[A-Za-z0-9!#$%&()*+./:=?@^_{|}~-]+$`)
	sipURI = regexp.MustCompile(`^sip:(?:[A-Za-z0-9_.+*-]+@)?([^@;?]+)((?:;[A-Za-z0-9=_.-]+)*)$`)
)

// LongestRunDir is what a Unix socket's path (108 bytes with its end) leaves
// before "/asterisk.ctl".
const LongestRunDir = 107 - len("/asterisk.ctl")

// Validate returns every mistake of p, joined, or nil.
func (p Params) Validate() error {
	var bad []error
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }

	if !nodeName.MatchString(p.Node) {
		no("node %q: want 1 to 32 lower-case letters, digits or hyphens", p.Node)
	}
	if !appName.MatchString(p.App) {
		no("app %q: want 1 to 32 letters, digits, hyphens or underscores", p.App)
	}
	if !p.HTTPListen.IsValid() || p.HTTPListen.Port() == 0 {
		no("http listen address %q: want address:port, for example 127.0.0.1:8088", p.HTTPListen)
	}
	if !p.SIPListen.IsValid() || p.SIPListen.Port() == 0 {
		no("sip listen address %q: want address:port, for example 10.0.0.5:5060", p.SIPListen)
	}
	bad = append(bad, p.validateProxy()...)
	if !plainName.MatchString(p.ARIUser) || p.ARIUser == "general" {
		no("ari user %q: want letters, digits or hyphens, and not \"general\"", p.ARIUser)
	}
	if len(p.ARIPassword) < 16 || !secret.MatchString(p.ARIPassword) {
		no("ari password: want 16 characters or more, without blanks, quotes, commas, semicolons, brackets or backslashes")
	}
	if p.RTPStart < 1024 || p.RTPStart%2 != 0 || p.RTPEnd < p.RTPStart+3 {
		no("rtp ports %d to %d: want an even start from 1024 on, and an end at least 3 higher", p.RTPStart, p.RTPEnd)
	}
	if p.FallbackAfter < time.Second || p.FallbackAfter%time.Second != 0 {
		no("fallback after %v: want whole seconds, at least 1s", p.FallbackAfter)
	}
	if p.QualifyEvery < 0 || p.QualifyEvery%time.Second != 0 {
		no("qualify every %v: want whole seconds, or 0 for never", p.QualifyEvery)
	}
	if len(p.Entries) == 0 {
		no("no entry: name at least one number that callers dial, for example 12345")
	}
	for i, e := range p.Entries {
		if !entryName.MatchString(e) {
			no("entry %q: want digits, +, * or #", e)
		}
		if slices.Contains(p.Entries[:i], e) {
			no("entry %q is named twice", e)
		}
	}
	bad = append(bad, validateTrunks(p.Trunks)...)
	bad = append(bad, validateSeats(p.Seats, p.Trunks, p.Proxied())...)
	bad = append(bad, p.Dirs.validate()...)
	return errors.Join(bad...)
}

// Proxied reports whether carriers and phones reach the node through a proxy.
func (p Params) Proxied() bool { return p.Proxy.IsValid() }

func (p Params) validateProxy() (bad []error) {
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	switch {
	case !p.Proxied():
		return nil
	case p.Proxy.Addr().IsUnspecified() || p.Proxy.Port() == 0:
		no("proxy %s: want the address and port that the proxy sends from", p.Proxy)
	case p.Proxy == p.SIPListen:
		no("proxy %s: it is the node's own address", p.Proxy)
	}
	if p.SIPListen.Addr().IsUnspecified() {
		no("sip listen address %s: behind a proxy want a certain address, by which the proxy knows the node", p.SIPListen)
	}
	for _, t := range p.Trunks {
		if t.Name == "proxy" {
			no("trunk %q: this name is the proxy's", t.Name)
		}
	}
	return bad
}

func validateTrunks(trunks []Trunk) (bad []error) {
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	names, sources := map[string]bool{}, map[string]string{}
	for _, t := range trunks {
		switch {
		case !plainName.MatchString(t.Name):
			no("trunk %q: want 1 to 32 letters, digits or hyphens", t.Name)
		case strings.HasPrefix(t.Name, "seat-"):
			no("trunk %q: names that begin with seat- are the seats'", t.Name)
		case t.Name == "system" || t.Name == "global" || t.Name == "udp":
			no("trunk %q: this name is taken by pjsip.conf itself", t.Name)
		case names[t.Name]:
			no("trunk %q is named twice", t.Name)
		}
		names[t.Name] = true
		if len(t.Match) == 0 {
			no("trunk %q: name the carrier's source addresses; without them no call is accepted", t.Name)
		}
		for _, m := range t.Match {
			if !isSource(m) {
				no("trunk %q: source %q: want an address, address:port or CIDR, not a name", t.Name, m)
			}
			if other, twice := sources[m]; twice {
				no("trunk %q: source %s belongs to trunk %q already", t.Name, m, other)
			}
			sources[m] = t.Name
		}
		if t.Contact != "" {
			if _, err := contactSource(t.Contact); err != nil {
				no("trunk %q: %w", t.Name, err)
			}
		}
	}
	return bad
}

func validateSeats(seats []Seat, trunks []Trunk, proxied bool) (bad []error) {
	no := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	names, sources := map[string]bool{}, map[string]string{}
	for _, t := range trunks {
		for _, m := range t.Match {
			sources[m] = "trunk " + t.Name
		}
	}
	for _, s := range seats {
		if !plainName.MatchString(s.Name) {
			no("seat %q: want 1 to 32 letters, digits or hyphens", s.Name)
		}
		if names[s.Name] {
			no("seat %q is named twice", s.Name)
		}
		names[s.Name] = true
		if s.Password != "" && (len(s.Password) < 8 || !secret.MatchString(s.Password)) {
			no("seat %q: password: want 8 characters or more, without blanks, quotes, commas, semicolons, brackets or backslashes", s.Name)
		}
		if proxied {
			if s.Contact != "" {
				no("seat %q: behind a proxy phones register there; want no contact", s.Name)
			}
			continue
		}
		if s.Contact == "" {
			if s.Password == "" {
				no("seat %q: give it a password (the phone registers) or a contact (the phone has a fixed address)", s.Name)
			}
			continue
		}
		source, err := contactSource(s.Contact)
		if err != nil {
			no("seat %q: %w", s.Name, err)
			continue
		}
		if s.Password == "" {
			// Two phones behind one address and port could not be told apart.
			if other, twice := sources[source]; twice {
				no("seat %q: %s belongs to %s already; give the phone a password", s.Name, source, other)
			}
			sources[source] = "seat " + s.Name
		}
	}
	return bad
}

func (d Dirs) validate() (bad []error) {
	for _, dir := range []struct{ name, path string }{
		{"modules", d.Modules}, {"data", d.Data}, {"run", d.Run},
		{"log", d.Log}, {"db", d.DB}, {"spool", d.Spool},
	} {
		if !plainPath(dir.path) {
			bad = append(bad, fmt.Errorf("%s directory %q: want an absolute path without semicolons, brackets or line breaks", dir.name, dir.path))
		}
	}
	if len(d.Run) > LongestRunDir {
		bad = append(bad, fmt.Errorf("run directory %q has %d bytes; a socket's path allows %d: choose a shorter one", d.Run, len(d.Run), LongestRunDir))
	}
	return bad
}

func plainPath(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsAny(path, ";[]\r\n\"\\")
}

func isSource(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Port() != 0
	}
	_, err := netip.ParsePrefix(s)
	return err == nil
}

// contactSource returns the address:port that a phone with this contact sends from.
func contactSource(contact string) (string, error) {
	m := sipURI.FindStringSubmatch(contact)
	if m != nil {
		if a, err := netip.ParseAddrPort(m[1]); err == nil && a.Port() != 0 {
			return a.String(), nil
		}
		if a, err := netip.ParseAddr(strings.Trim(m[1], "[]")); err == nil {
			return netip.AddrPortFrom(a, 5060).String(), nil
		}
	}
	return "", fmt.Errorf("contact %q: want sip:[user@]address[:port], with an address and not a name", contact)
}
