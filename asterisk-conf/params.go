package asteriskconf

import (
	"net/netip"
	"path/filepath"
	"time"
)

// Params is everything that differs from one Asterisk node to another.
type Params struct {
	// Node names the node in a cluster, and stands before every channel id:
	// lower-case letters, digits and hyphens, at most 32.
	Node string
	// App is the Stasis application that the controller serves, for example "hotline".
	App string

	// HTTPListen is where ARI listens. Only controllers should reach it.
	HTTPListen netip.AddrPort
	// ARIUser and ARIPassword (16 characters or more) are the controller's.
	ARIUser, ARIPassword string

	// SIPListen is the UDP address for carriers and phones. When the address is
	// a certain one (not 0.0.0.0), media uses it too.
	SIPListen netip.AddrPort
	// Proxy is the UDP address of the SIP proxy in front of the nodes of a
	// cluster. Calls come from it alone, and go to seats and carriers through it:
	// it knows who they are. The zero value is a node that they reach themselves.
	Proxy netip.AddrPort
	// RTPStart and RTPEnd bound the media ports, both included; a call leg takes two.
	RTPStart, RTPEnd uint16

	Trunks []Trunk
	Seats  []Seat
	// Entries are the numbers that callers dial and the controller answers, for
	// example "12345", exactly as the carrier sends them.
	Entries []string
	// FallbackAfter is how long a caller waits for a controller to come back
	// before the phones of all seats are rung; whole seconds, at least 1 s.
	FallbackAfter time.Duration

	// QualifyEvery is the interval at which phones are asked whether they are
	// still there (SIP OPTIONS); whole seconds, 0 for never. A phone that does
	// not answer is not rung.
	QualifyEvery time.Duration
	// MaxFiles is the limit of open files that Asterisk sets for itself; 0
	// leaves the limit it is started with.
	MaxFiles uint64
	// LogToConsole also writes warnings and errors to standard output.
	LogToConsole bool
	// NoLogFile leaves out messages.log, where standard output is kept anyway.
	NoLogFile bool

	Dirs Dirs
}

// Trunk is a carrier's connection.
type Trunk struct {
	// Name of the endpoint: letters, digits, hyphens; not beginning with "seat-".
	Name string
	// Match lists the carrier's source addresses: address, address:port or
	// CIDR. What comes from elsewhere is not this trunk.
	Match []string
	// Contact is the SIP URI for calls to the carrier; may be empty. Its host
	// is an address.
	Contact string
}

// Seat is a place with a SIP phone. Its endpoint, and the SIP user with which
// the phone registers, is "seat-" and the name.
type Seat struct {
	// Name: letters, digits, hyphens, at most 32; also the caller id that other
	// phones see.
	Name string
	// Password (8 characters or more) of the phone. It may be empty only with a
	// Contact, when the phone is known by the address and port of its contact, or
	// behind a proxy, which asks for the password in the node's stead.
	Password string
	// Contact is the phone's fixed SIP URI, host as address; empty when the
	// phone registers, as all do behind a proxy.
	Contact string
}

// Dirs are absolute paths.
type Dirs struct {
	// Modules and Data are part of the installation and only read: the .so
	// files, and the folder with documentation, sounds and moh.
	Modules, Data string
	// Run holds the control socket, Log the log, DB the registrations, Spool
	// the recordings. They must exist when Asterisk starts.
	Run, Log, DB, Spool string
}

// InstanceDirs fills Dirs with folders of one instance under base, and with the
// given installation.
func InstanceDirs(base, modules, data string) Dirs {
	return Dirs{
		Modules: modules,
		Data:    data,
		Run:     filepath.Join(base, "run"),
		Log:     filepath.Join(base, "log"),
		DB:      filepath.Join(base, "db"),
		Spool:   filepath.Join(base, "spool"),
	}
}

// Endpoint is the name of the seat's SIP endpoint; ARI rings it as "PJSIP/" and
// this.
func (s Seat) Endpoint() string { return "seat-" + s.Name }
