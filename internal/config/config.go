package config

import (
	"net/netip"
	"reflect"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Config is a complete and checked configuration.
type Config struct {
	// File is the path as it was given to Load, and Text what stands there.
	File, Text string
	// Site names the data in Redis: lower-case letters, digits and hyphens.
	Site string
	// Location is the time zone that days and intervals belong to.
	Location *time.Location

	Redis Redis
	Spool Spool
	HTTP  HTTP
	// Operations is where metrics and profiles are served.
	Operations Operations
	Log        Log
	Tracing    Tracing
	Asterisk   Asterisk
	// Traffic is what the figures of service levels go by.
	Traffic traffic.Options
	// Reports is what they take that nobody has chosen otherwise.
	Reports  Reports
	Shutdown Shutdown

	Entries         []acd.Entry
	Queues          []acd.Queue
	Seats           []Seat
	Agents          []Agent
	NotReadyReasons []acd.NotReadyReason
	Partners        []acd.Partner
	Admission       acd.Admission
	BlockedPrompts  []string
	PriorityWorth   time.Duration

	// Holidays are the lists of holidays by name.
	Holidays map[string]*calendar.Holidays

	raw    *file           // as it is written, defaults included
	opened map[string]bool // the other files that were read
}

// Reports are those of a day, a month or a year.
type Reports struct {
	Office   string // that publishes them, for their heads; may be empty
	Chromium string // that prints a PDF; empty: one on the PATH
}

// Shutdown is how the program ends when no other controller stands by.
type Shutdown struct {
	// Drain is how long those who are on the line are still served while nobody else
	// is let in; 0: it ends at once, and calls at the switch go on.
	Drain   time.Duration
	Prompts []string // what those hear who are not let in
}

// Redis is where live state, records and counters are kept. One of Address, Sentinel
// and Cluster is set.
type Redis struct {
	Address  string // host:port
	Sentinel *Sentinel
	Cluster  []string // host:port of some nodes of a Redis Cluster

	TLS      *TLS   // nil: without
	Username string // empty: Redis's default user
	Password Secret // not set: Redis asks for none
	Database int    // 0 to 15; 0 with Cluster
}

// Sentinel tells which Redis is the master.
type Sentinel struct {
	Master    string   // the name under which it knows the master
	Addresses []string // host:port
	Username  string   // these two are for Sentinel itself
	Password  Secret
}

// TLS is how Redis and Sentinel prove who they are, and hotline to them.
type TLS struct {
	CA         []byte // PEM
	Cert       []byte // PEM; empty: hotline shows none
	Key        Secret // PEM
	ServerName string // in the certificates of all servers; empty: the host of each address
}

// Spool is where records and live state wait on disk that Redis does not take.
type Spool struct {
	Dir     string // empty: they wait in memory only
	MaxSize int64  // bytes
}

// HTTP is the program's own API.
type HTTP struct {
	Listen netip.AddrPort
	Token  Secret // the bearer token of /api/v1
	// TokenFile is where the token stands.
	TokenFile string
	// TLSCert and TLSKey are the files of the certificate; empty: HTTP is plain.
	TLSCert, TLSKey string
	OIDC            *OIDC // nil: people log in with passwords only
	// FullNumbers lets roles that may see the full numbers of calls and callbacks.
	FullNumbers bool
	// SessionIdle and SessionLasts bound a login: after the last request, and at all.
	SessionIdle, SessionLasts time.Duration
}

// OIDC is the issuer by which people may log in.
type OIDC struct {
	Issuer       string // as in its tokens, to the letter
	ClientID     string
	ClientSecret Secret
	RedirectURL  string // of GET /api/v1/login/oidc/callback, as browsers reach it
	NameClaim    string // whose value is the user's name
	Title        string // of the button
	TLS          *TLS   // with the authority alone; nil: those of the machine
}

// Operations is an address for those who run the program, apart from the API.
type Operations struct {
	Listen netip.AddrPort // not valid: metrics are on HTTP.Listen, and profiles nowhere
}

// Log is what the program writes about itself.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // json or console
}

// Tracing is where traces of calls are sent.
type Tracing struct {
	Endpoint string            // without a slash at the end; empty: calls are not traced
	Headers  map[string]Secret // of each request
	TLS      *TLS              // nil: by the authorities that the system trusts
	Sample   float64           // share of the calls, 0 to 1
}

// Asterisk are the nodes, and what is rendered for them.
type Asterisk struct {
	App   string // the Stasis application
	Nodes []Node

	// What follows is for rendering a node's configuration.
	SIPListen        netip.AddrPort
	RTPStart, RTPEnd uint16 // both included; RTPStart is even
	Proxy            Proxy
	Trunks           []Trunk
	// OutboundTrunk names the trunk over which callers are called back and partners called. It has
	// a contact; it is set when a queue calls back.
	OutboundTrunk string
	// SeatPasswordDir holds a file with the SIP password for each seat;
	// empty when all phones have a fixed contact.
	SeatPasswordDir string
	// FallbackAfter is how long the dialplan keeps callers while no
	// controller is there; whole seconds, at least 1 s.
	FallbackAfter time.Duration
}

// Node is one Asterisk and its ARI user.
type Node struct {
	ID       acd.NodeID
	URL      string // without a slash at the end
	Username string
	Password Secret
	// SIPListen is the UDP address of this node's SIP: its own, or that of all.
	SIPListen netip.AddrPort
}

// Proxy is the SIP proxy in front of several nodes; Listen is not valid when
// there is none.
type Proxy struct {
	// Listen is the UDP address at which carriers, phones and nodes reach it, and
	// from which it sends.
	Listen netip.AddrPort
	// Pace is how many new calls it takes of the carriers in a second.
	Pace int
}

// Trunk is a carrier's connection.
type Trunk struct {
	Name  string
	Match []string // source addresses: address, address:port or CIDR
	// Contact is the SIP URI for calls to the carrier, with an address; empty
	// when none are made.
	Contact string
}

// Seat is a place with a SIP phone.
type Seat struct {
	ID acd.SeatID
	// Contact is the SIP URI of a phone with a fixed address; empty when
	// the phone registers.
	Contact string
}

// Agent is a person who answers calls.
type Agent struct {
	ID     acd.AgentID
	Name   string
	Queues []acd.QueueID
	Levels map[acd.QueueID]acd.Level // a queue that is missing has acd.MaxLevel
	Skills map[acd.SkillID]acd.Level
	Weight float64
	WrapUp time.Duration // 0: that of the queues
	PIN    Secret        // not set: the work number alone logs in at a phone
}

// ACD is what the engine needs to know of the site, PINs included.
func (c *Config) ACD() acd.Config {
	out := acd.Config{
		Entries:         c.Entries,
		Queues:          c.Queues,
		NotReadyReasons: c.NotReadyReasons,
		Partners:        c.Partners,
		Admission:       c.Admission,
		BlockedPrompts:  c.BlockedPrompts,
		PriorityWorth:   c.PriorityWorth,
	}
	for _, s := range c.Seats {
		out.Seats = append(out.Seats, s.ID)
	}
	for _, a := range c.Agents {
		out.Agents = append(out.Agents, acd.Agent{
			ID: a.ID, Name: a.Name, Queues: a.Queues, Levels: a.Levels, Skills: a.Skills,
			Weight: a.Weight, WrapUp: a.WrapUp, PIN: a.PIN.Reveal(),
		})
	}
	return out
}

// NeedsRestart lists the parts of the file in which other differs such that a
// running program cannot take it over.
func (c *Config) NeedsRestart(other *Config) []string {
	var parts []string
	note := func(name string, same bool) {
		if !same {
			parts = append(parts, name)
		}
	}
	note("site", c.Site == other.Site)
	note("timezone", c.Location.String() == other.Location.String())
	note("redis", reflect.DeepEqual(c.Redis, other.Redis))
	note("spool", c.Spool == other.Spool)
	note("http", reflect.DeepEqual(c.HTTP, other.HTTP))
	note("operations", c.Operations == other.Operations)
	note("log", c.Log == other.Log)
	note("tracing", reflect.DeepEqual(c.Tracing, other.Tracing))
	note("asterisk", reflect.DeepEqual(c.Asterisk, other.Asterisk))
	return parts
}
