package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
)

// checker turns what was written into a Config, and reports what is wrong.
// Empty values that were reported as missing are passed over in silence.
type checker struct {
	*collector
	dir string // relative paths begin here

	only   map[string]bool // when not nil, no other files are opened than these
	opened map[string]bool // nil: nobody asks
	ids    int             // identifiers that ranges stand for, so far
	days   int             // and days
}

// mayOpen is asked before a file is opened that the configuration names.
func (c *checker) mayOpen(at place, key, path string) bool {
	if c.only != nil && !c.only[path] {
		c.at(at, "%s: a text that comes over the API may name the files that are in use and no others; write the configuration file on the machine itself, and apply it with hotline reload", key)
		return false
	}
	if c.opened != nil {
		c.opened[path] = true
	}
	return true
}

// program is one that is run. Who may send a text over the network must not choose which.
func (c *checker) program(t text, key string) string {
	if t.v == "" || !c.mayOpen(t.place, key, t.v) {
		return ""
	}
	return t.v
}

// pattern is what a name must look like, and how to say so.
type pattern struct {
	*regexp.Regexp
	allowed string
}

var (
	siteName   = pattern{regexp.MustCompile(`^[a-z0-9-]{1,32}$`), "1 to 32 lower-case letters, digits or hyphens"}
	nodeName   = siteName // it becomes Asterisk's systemname
	queueName  = siteName
	reasonName = pattern{regexp.MustCompile(`^[a-z0-9_-]{1,32}$`), "1 to 32 lower-case letters, digits, hyphens or underscores"}
	personName = pattern{regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`), "1 to 32 letters, digits or hyphens"}
	appName    = pattern{regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`), "1 to 32 letters, digits, hyphens or underscores"}
	masterName = pattern{regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`), "1 to 64 letters, digits, dots, hyphens or underscores"}
	soundName  = pattern{regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`), "1 to 64 letters, digits, hyphens or underscores"}
	entryName  = pattern{regexp.MustCompile(`^[0-9+*#]{1,32}$`), "1 to 32 digits, +, * or #"}
)

// name checks a required name against its pattern.
func (c *checker) name(t text, key string, p pattern) string {
	if t.set && !p.MatchString(t.v) {
		c.at(t.place, "%s: %s is not allowed; write %s", key, quoted(t.v), p.allowed)
		return ""
	}
	return t.v
}

// title checks a name for people, which may hold any script.
func (c *checker) title(t text, key, otherwise string) string {
	if strings.ContainsFunc(t.v, func(r rune) bool { return r < ' ' || r == 0x7f }) || len([]rune(t.v)) > 64 {
		c.at(t.place, "%s: too long or with control characters; write at most 64 characters on one line", key)
	}
	if t.v == "" {
		return otherwise
	}
	return t.v
}

func quoted(s string) string { return strconv.Quote(s) }

func (c *checker) config(raw *file) *Config {
	cfg := &Config{
		Site:     c.name(raw.Site, "site", siteName),
		Location: c.location(raw.Timezone),
		Redis:    c.redis(raw.Redis),
		Spool:    c.spool(raw.Spool),
		HTTP:     c.http(raw.HTTP),

		Operations: c.operations(raw),
		Log: Log{
			Level:  c.oneOf(raw.Log.Level, "log.level", "debug", "info", "warn", "error"),
			Format: c.oneOf(raw.Log.Format, "log.format", "json", "console"),
		},
		Tracing:  c.tracing(raw),
		Asterisk: c.asterisk(raw.Asterisk),
		Traffic:  c.traffic(raw.Traffic),
		Reports:  Reports{Office: c.title(raw.Reports.Office, "reports.office", ""), Chromium: c.program(raw.Reports.Chromium, "reports.chromium")},
		Shutdown: Shutdown{
			Drain:   between(c, raw.Shutdown.Drain, "shutdown.drain", 0, 4*time.Hour),
			Prompts: c.sounds(raw.Shutdown.Prompts.list, "shutdown.prompts"),
		},
	}
	c.routing(raw, cfg)
	c.outboundTrunk(raw, cfg)
	c.pins(raw.PINFile, cfg.Agents)
	return cfg
}

// routing checks the part that says who talks to whom.
func (c *checker) routing(raw *file, cfg *Config) {
	cfg.PriorityWorth = between(c, raw.PriorityWorth, "priority_worth", time.Second, time.Hour)
	cfg.Admission = c.admission(raw.Admission, raw.place)
	cfg.BlockedPrompts = c.sounds(raw.BlockedPrompts.list, "blocked_prompts")
	served := c.site(raw, cfg, c.calendars(raw, cfg))
	for _, q := range raw.Queues.items {
		if q.ID.v != "" && len(raw.Agents.items) > 0 && !served[q.ID.v] {
			c.at(q.ID.place, "queue %s has no agents, so its callers would wait for ever; add it to the queues of an agent, or remove it", q.ID.v)
		}
	}
	if len(c.problems) == 0 {
		c.reach(raw, cfg) // it would blame what follows from other mistakes
	}
}

func (c *checker) location(t text) *time.Location {
	location, err := time.LoadLocation(t.v)
	if err != nil || t.v == "" || t.v == "Local" {
		c.at(t.place, "timezone: %s is not a known time zone; write an IANA name such as Asia/Shanghai", quoted(t.v))
		return nil
	}
	return location
}

func (c *checker) oneOf(t text, key string, allowed ...string) string {
	if !slices.Contains(allowed, t.v) {
		c.at(t.place, "%s: %s is not allowed; write %s", key, quoted(t.v), strings.Join(allowed, ", "))
	}
	return t.v
}

// The least and greatest size of the spool, in bytes.
const (
	leastSpool    = 1 << 20
	greatestSpool = 1 << 40
)

func (c *checker) spool(raw spoolSection) Spool {
	size, ok := bytesOf(raw.MaxSize.v)
	if !ok || size < leastSpool || size > greatestSpool {
		c.at(raw.MaxSize.place, "spool.max_size: %s is not allowed; write a whole number of MiB or GiB, 1MiB to 1024GiB, for example 1GiB", quoted(raw.MaxSize.v))
	}
	if raw.MaxSize.set && raw.Dir.v == "" {
		c.at(raw.MaxSize.place, "spool.max_size: there is no spool without a folder; add dir, for example /var/lib/hotline/spool")
	}
	return Spool{Dir: c.path(raw.Dir), MaxSize: size}
}

// bytesOf reads a size such as 512MiB.
func bytesOf(text string) (int64, bool) {
	for unit, factor := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(digits, 10, 31)
			return int64(n) * factor, err == nil
		}
	}
	return 0, false
}

// shortestToken in characters: a random token of 64 bits written in hex.
const shortestToken = 16

func (c *checker) token(t text) Secret {
	token := c.secret(t, "http.token_file")
	switch n := len(token.Reveal()); {
	case n == 0:
	case n < shortestToken:
		c.at(t.place, "http.token_file: the token has %d characters; write at least %d random ones, for example: openssl rand -hex 32 > %s", n, shortestToken, t.v)
	case strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		c.at(t.place, "http.token_file: the token has blanks or other than ASCII characters; make one with: openssl rand -hex 32 > %s", t.v)
	}
	return token
}

// listen is an address of this machine to listen on.
func (c *checker) listen(t text, key, example string) netip.AddrPort {
	a, err := netip.ParseAddrPort(t.v)
	if err != nil || a.Port() == 0 {
		c.at(t.place, "%s: %s is not an address to listen on; write address:port, for example %s", key, quoted(t.v), example)
	}
	return a
}

// path makes a path absolute or relative to the working directory.
func (c *checker) path(t text) string {
	if t.v == "" || filepath.IsAbs(t.v) {
		return t.v
	}
	return filepath.Join(c.dir, t.v)
}

func (c *checker) secret(t text, key string) Secret {
	if !t.set {
		return Secret{}
	}
	if t.v == "" {
		c.at(t.place, "%s is empty; name a file or remove the key", key)
		return Secret{}
	}
	if !c.mayOpen(t.place, key, c.path(t)) {
		return Secret{}
	}
	secret, err := readSecret(c.path(t))
	if err != nil {
		c.at(t.place, "%s: %v", key, err)
	}
	return secret
}

func (c *checker) asterisk(raw asteriskSection) Asterisk {
	out := Asterisk{
		App:             c.name(raw.App, "asterisk.app", appName),
		SIPListen:       c.listen(raw.SIP.Listen, "asterisk.sip.listen", "10.0.0.5:5060"),
		SeatPasswordDir: c.path(raw.SeatPasswordDir),
		FallbackAfter:   raw.FallbackAfter.v,
	}
	out.RTPStart, out.RTPEnd = c.ports(raw.SIP.RTPPorts)
	if d := out.FallbackAfter; d < time.Second || d > time.Hour || d%time.Second != 0 {
		c.at(raw.FallbackAfter.place, "asterisk.fallback_after: %v is not possible; write whole seconds from 1s to 1h", d)
	}
	c.empty(raw.Nodes.place, raw.Nodes.blank, "asterisk.nodes", "a node")
	ids, urls := c.unique("node"), c.unique("the ARI address")
	for _, n := range raw.Nodes.items {
		ids.add(n.ID.place, c.name(n.ID, "asterisk.nodes.id", nodeName))
		node := Node{
			ID: acd.NodeID(n.ID.v), URL: c.url(n.URL), Username: c.name(n.Username, "asterisk.nodes.username", personName),
			Password: c.secret(n.PasswordFile, "asterisk.nodes.password_file"), SIPListen: out.SIPListen,
		}
		if n.SIPListen.written(n.place) {
			node.SIPListen = c.listen(n.SIPListen, "asterisk.nodes.sip_listen", "10.0.0.11:5060")
		}
		urls.add(n.URL.place, node.URL)
		out.Nodes = append(out.Nodes, node)
	}
	out.Proxy = c.proxy(raw, out.Nodes)
	names, sources := c.unique("trunk"), c.unique("the source")
	for _, t := range raw.Trunks.items {
		names.add(t.Name.place, c.trunkName(t.Name))
		trunk := Trunk{Name: t.Name.v}
		c.empty(t.Match.place, t.Match.blank, "asterisk.trunks.match", "an address of the carrier")
		for _, m := range t.Match.items {
			if !isSource(m.v) {
				c.at(m.place, "asterisk.trunks.match: %s is not a source; write an address, address:port or CIDR, for example 203.0.113.0/28", quoted(m.v))
				continue
			}
			sources.add(m.place, m.v)
			trunk.Match = append(trunk.Match, m.v)
		}
		if trunk.Contact = t.Contact.v; trunk.Contact != "" && !isContact(trunk.Contact) {
			c.at(t.Contact.place, "asterisk.trunks.contact: %s is not a carrier's address; write sip:address or sip:address:port with an address and not a name, for example sip:203.0.113.10", quoted(trunk.Contact))
		}
		out.Trunks = append(out.Trunks, trunk)
	}
	return out
}

// proxy checks the SIP proxy, and that it can tell the nodes by their addresses.
func (c *checker) proxy(raw asteriskSection, nodes []Node) Proxy {
	const example = "10.0.0.4:5060"
	if raw.Proxy.same(raw.place) {
		return Proxy{}
	}
	if !raw.Proxy.Listen.written(raw.Proxy.place) {
		c.at(raw.Proxy.place, "asterisk.proxy.listen is missing; write the address at which carriers, phones and nodes reach the proxy, for example: listen: %s", example)
		return Proxy{}
	}
	out := Proxy{
		Listen: c.listen(raw.Proxy.Listen, "asterisk.proxy.listen", example),
		Pace:   between(c, raw.Proxy.Pace, "asterisk.proxy.pace", 1, 10_000),
	}
	if out.Listen.Addr().IsUnspecified() {
		c.at(raw.Proxy.Listen.place, "asterisk.proxy.listen: nodes know the proxy by its address; write a certain one, for example %s", example)
	}
	seen := map[netip.AddrPort]string{out.Listen: "the proxy"}
	for i, n := range nodes {
		at := raw.Nodes.items[i].SIPListen
		switch other, twice := seen[n.SIPListen]; {
		case !n.SIPListen.IsValid():
		case n.SIPListen.Addr().IsUnspecified():
			c.at(at.place, "node %s listens for SIP at every address, and the proxy knows it by one; write for example: sip_listen: 10.0.0.11:5060", n.ID)
		case twice:
			c.at(at.place, "node %s has the SIP address %s, which is that of %s; write its own, for example: sip_listen: 10.0.0.11:5060", n.ID, n.SIPListen, other)
		}
		seen[n.SIPListen] = "node " + string(n.ID)
	}
	return out
}

// outboundTrunk checks the trunk over which callers are called back and partners called.
func (c *checker) outboundTrunk(raw *file, cfg *Config) {
	t, names := raw.Asterisk.OutboundTrunk, c.unique("trunk")
	cfg.Asterisk.OutboundTrunk = t.v
	for _, trunk := range raw.Asterisk.Trunks.items {
		if names.seen[trunk.Name.v] = trunk.Name.place; trunk.Name.v == t.v && !trunk.Contact.written(trunk.place) {
			c.at(t.place, "asterisk.outbound_trunk: trunk %s has no contact, so no call can be sent to it; add it to the trunk, for example: contact: sip:203.0.113.10", t.v)
		}
	}
	c.known(t, "asterisk.outbound_trunk is", names)
	if t.written(raw.Asterisk.place) {
		return
	}
	for _, q := range raw.Queues.items {
		if q.Callback.place != q.place {
			c.at(q.Callback.place, "queue %s calls back, and it is not said over which trunk; add for example: asterisk: {outbound_trunk: carrier}", q.ID.v)
		}
	}
	if len(raw.Partners.items) > 0 {
		c.at(raw.Partners.place, "partners are called, and it is not said over which trunk; add for example: asterisk: {outbound_trunk: carrier}")
	}
}

// trunkName keeps clear of the endpoints and sections that Asterisk's
// configuration uses for other things.
func (c *checker) trunkName(t text) string {
	name := c.name(t, "asterisk.trunks.name", personName)
	if strings.HasPrefix(name, "seat-") || slices.Contains([]string{"system", "global", "udp", "proxy"}, name) {
		c.at(t.place, "asterisk.trunks.name: %s is reserved; choose another name, for example carrier", quoted(name))
	}
	return name
}

func (c *checker) url(t text) string {
	if !t.set {
		return ""
	}
	u, err := url.Parse(t.v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		c.at(t.place, "asterisk.nodes.url: this is not the address of an ARI server; write scheme, host and port only, for example http://127.0.0.1:8088")
		return ""
	}
	return strings.TrimRight(t.v, "/")
}

func (c *checker) ports(t text) (start, end uint16) {
	from, to, _ := strings.Cut(t.v, "-")
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || first < 1024 || first%2 != 0 || last < first+3 {
		c.at(t.place, "asterisk.sip.rtp_ports: %s is not a range of ports; write an even first port from 1024 on and a last one, for example 10000-19999", quoted(t.v))
		return 0, 0
	}
	return uint16(first), uint16(last)
}

// empty reports a list that is there and blank; one that is missing has been
// reported already.
func (c *checker) empty(at place, blank bool, key, what string) {
	if blank {
		c.at(at, "%s is empty; name %s", key, what)
	}
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

// unique remembers where names were used first.
type unique struct {
	*checker
	what string
	seen map[string]place
}

func (c *checker) unique(what string) unique {
	return unique{checker: c, what: what, seen: make(map[string]place)}
}

// add reports a name that was there before; an empty one is passed over. The
// answer is whether the name is new.
func (u unique) add(at place, name string) bool {
	if name == "" {
		return false
	}
	first, twice := u.seen[name]
	if twice {
		u.at(at, "%s %s is given twice (first in line %d); remove one of them", u.what, name, first.line)
		return false
	}
	u.seen[name] = at
	return true
}
