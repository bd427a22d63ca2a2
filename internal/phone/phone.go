package phone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Config describes one phone. Only User is required.
type Config struct {
	User    string // user part of the contact: a seat or a caller's number
	Display string // display name in From
	// Server, "127.0.0.1:5060", is where numbers that are no full SIP address
	// are dialled, and where the phone registers.
	Server string
	// Account is the name that the server knows the phone by: in From, in the
	// registration and in digest; User if empty.
	Account  string
	Password string // for digest; empty: a challenge is an error
	// Expires is the registration's lifetime; five minutes if zero.
	Expires time.Duration
	// Tone is what the phone says in every call; zero: silence.
	Tone Tone
	// Lines is how many calls the phone takes at a time; a further caller gets 486. One if zero.
	Lines int
	// OnInvite decides on a call that comes in. It must not block and must not
	// call methods of the Call other than those that read. Nil: answer at once.
	OnInvite func(*Call) Plan
}

// A Plan is what a phone does with a call that comes in.
type Plan struct {
	After  time.Duration // how long it rings first; 180 is sent if not zero
	Status int           // 200 to answer, 3xx to 6xx to refuse, 0 to ring until the caller gives up
}

// AnswerAfter rings for a time and answers.
func AnswerAfter(d time.Duration) Plan { return Plan{After: d, Status: 200} }

// RefuseAfter rings for a time and refuses with a status, as in 486 or 603.
func RefuseAfter(d time.Duration, status int) Plan { return Plan{After: d, Status: status} }

// RingOn never answers.
func RingOn() Plan { return Plan{} }

// A Phone is one SIP user agent. All methods are safe for concurrent use.
type Phone struct {
	site    *Site
	ownSite bool
	cfg     Config

	mu       sync.Mutex
	onInvite func(*Call) Plan
	calls    map[*Call]struct{} // those that have not ended
	left     bool
	server   string

	registration registration
}

// New opens a phone with a socket of its own at the address; port 0 takes a free one.
func New(addr string, cfg Config) (*Phone, error) {
	site, err := NewSite(addr)
	if err != nil {
		return nil, err
	}
	p, err := site.NewPhone(cfg)
	if err != nil {
		return nil, errors.Join(err, site.Close())
	}
	p.ownSite = true
	return p, nil
}

// NewPhone adds a phone to the site.
func (s *Site) NewPhone(cfg Config) (*Phone, error) {
	for _, name := range []string{cfg.User, cfg.Account} {
		if strings.ContainsAny(name, " <>@;:\"\r\n") || cfg.User == "" {
			return nil, fmt.Errorf("add a phone: %q cannot be the user part of a SIP address", name)
		}
	}
	if cfg.Tone != (Tone{}) && !cfg.Tone.Valid() {
		return nil, fmt.Errorf("add phone %s: %v is no tone of the grid; use ToneAt", cfg.User, cfg.Tone)
	}
	if cfg.OnInvite == nil {
		cfg.OnInvite = func(*Call) Plan { return AnswerAfter(0) }
	}
	cfg.Lines = max(cfg.Lines, 1)
	if cfg.Expires == 0 {
		cfg.Expires = 5 * time.Minute
	}
	if cfg.Account == "" {
		cfg.Account = cfg.User
	}
	p := &Phone{site: s, cfg: cfg, onInvite: cfg.OnInvite, calls: map[*Call]struct{}{}, server: cfg.Server}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, fmt.Errorf("add phone %s: %w", cfg.User, errClosed)
	}
	if s.phones[cfg.User] != nil {
		return nil, fmt.Errorf("add phone %s: there is already a phone of that name at %s", cfg.User, s.local)
	}
	s.phones[cfg.User] = p
	return p, nil
}

// User returns the user part of the phone's contact.
func (p *Phone) User() string { return p.cfg.User }

// Tone returns what the phone says.
func (p *Phone) Tone() Tone { return p.cfg.Tone }

// Contact returns the phone's static contact, as in "sip:8001@127.0.0.1:5070".
func (p *Phone) Contact() string {
	return fmt.Sprintf("sip:%s@%s", p.cfg.User, p.site.local)
}

// SetPlan replaces the configuration's OnInvite for the calls that come from now on.
func (p *Phone) SetPlan(f func(*Call) Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onInvite = f
}

// Close hangs up, unregisters and leaves the site; a socket of its own is
// closed. It may be called more than once.
func (p *Phone) Close() error {
	p.leave()
	if p.ownSite {
		return p.site.Close()
	}
	return nil
}

// leave ends the phone's calls and registration and takes it off the site.
func (p *Phone) leave() {
	p.mu.Lock()
	p.left = true
	calls := make([]*Call, 0, len(p.calls))
	for c := range p.calls {
		calls = append(calls, c)
	}
	p.mu.Unlock()
	for _, c := range calls {
		c.Hangup()
	}
	p.leaveRegistrar()
	s := p.site
	s.mu.Lock()
	if s.phones[p.cfg.User] == p {
		delete(s.phones, p.cfg.User)
	}
	s.mu.Unlock()
}

// take adds a call unless the phone is closed or its lines are busy; it
// returns the SIP status that says why not, or 0.
func (p *Phone) take(c *Call, incoming bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left {
		return 480
	}
	if incoming && len(p.calls) >= p.cfg.Lines {
		return 486
	}
	p.calls[c] = struct{}{}
	return 0
}

func (p *Phone) release(c *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, c)
}

// CallOptions vary one outgoing call.
type CallOptions struct {
	From    string   // number shown to the far end; the phone's account if empty
	Tone    Tone     // what is said in this call; the phone's tone if zero
	Headers []string // whole header lines to add to the INVITE, as in "X-Test: 1"
}

// resolve turns a number or SIP address into a request URI and where to send it.
func (p *Phone) resolve(target string) (uri string, hop netip.AddrPort, err error) {
	if !strings.HasPrefix(target, "sip:") {
		if p.serverAddr() == "" {
			return "", hop, fmt.Errorf("%q is no full SIP address and phone %s has no server", target, p.cfg.User)
		}
		if strings.Contains(target, "@") {
			target = "sip:" + target
		} else {
			target = "sip:" + target + "@" + p.serverAddr()
		}
	}
	if strings.ContainsAny(target, "\r\n<> ") {
		return "", hop, fmt.Errorf("%q is no SIP address", target)
	}
	target = strings.ReplaceAll(target, "#", "%23") // which a URI does not allow as it is
	hop, err = hopOf(target)
	return target, hop, err
}

// hopOf returns the address and port that a SIP URI leads to.
func hopOf(uri string) (netip.AddrPort, error) {
	var u sip.Uri
	if err := sip.ParseUri(uri, &u); err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the SIP address %q: %w", uri, err)
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	if addr, err := netip.ParseAddr(u.Host); err == nil {
		return netip.AddrPortFrom(addr, uint16(port)), nil
	}
	addr, err := net.ResolveUDPAddr("udp4", fmt.Sprintf("%s:%d", u.Host, port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find the host of the SIP address %q: %w", uri, err)
	}
	at := addr.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
}

// SetServer replaces the configuration's Server for what is dialled from now on.
func (p *Phone) SetServer(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = addr
}

func (p *Phone) serverAddr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}
