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

// SIP timers (RFC 3261, 17). Variables only so that tests may shorten them.
var (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	// timerGiveUp ends a transaction that nobody answers (64 T1).
	timerGiveUp = 32 * time.Second
	// timerGlare is the unit of the pause after two re-INVITEs met (RFC 3261, 14.1).
	timerGlare = 2 * time.Second
	// timerLinger is how long the end of a call is remembered to answer retransmissions.
	timerLinger = 10 * time.Second
	// timerClose bounds how long Close waits for the answers to its BYEs.
	timerClose = 2 * time.Second
)

// A Site is one UDP socket for SIP with any number of phones behind it, told
// apart by the user part of their contact. All methods are safe for concurrent use.
type Site struct {
	conn   packetConn
	local  netip.AddrPort
	parser *sip.Parser
	ended  chan struct{}

	mu      sync.Mutex
	closing bool // no new phones, calls or requests
	closed  bool
	phones  map[string]*Phone
	dialogs map[string]*Call     // by Call-ID and our tag
	invites map[string]*Call     // incoming, by branch, for retransmissions and CANCEL
	sent    map[string]*clientTx // by branch and method
	owed    int                  // BYEs that wait for an ACK before they may be sent
	drained chan struct{}        // closed by checkDrained when nothing is outstanding
}

// NewSite opens a UDP socket at the address, as in "127.0.0.2:0"; port 0 takes a free one.
func NewSite(addr string) (*Site, error) {
	local, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("open a SIP socket: %q is not an address and port: %w", addr, err)
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		return nil, fmt.Errorf("open a SIP socket at %s: %w", addr, err)
	}
	// Hundreds of calls may end at the same moment; the default buffer would lose some.
	if err := conn.SetReadBuffer(4 << 20); err != nil {
		conn.Close()
		return nil, fmt.Errorf("enlarge the receive buffer of the SIP socket at %s: %w", addr, err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	return newSite(conn, netip.AddrPortFrom(local.Addr(), uint16(port))), nil
}

// packetConn is what a site needs of a *net.UDPConn.
type packetConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

func newSite(conn packetConn, local netip.AddrPort) *Site {
	s := &Site{
		conn: conn, local: local, parser: sip.NewParser(),
		ended: make(chan struct{}), phones: map[string]*Phone{}, dialogs: map[string]*Call{},
		invites: map[string]*Call{}, sent: map[string]*clientTx{},
	}
	go s.read()
	return s
}

// Addr returns the address and port that the site listens at.
func (s *Site) Addr() netip.AddrPort { return s.local }

// Close hangs up all calls, unregisters, waits a short time for the answers,
// and closes the socket. It may be called more than once.
func (s *Site) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		<-s.ended
		return nil
	}
	phones := make([]*Phone, 0, len(s.phones))
	for _, p := range s.phones {
		phones = append(phones, p)
	}
	s.mu.Unlock()

	var group sync.WaitGroup
	for _, p := range phones {
		group.Go(p.leave)
	}
	group.Wait()

	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		<-s.ended
		return nil
	}
	s.closing = true
	drained := make(chan struct{})
	s.drained = drained
	s.checkDrained()
	s.mu.Unlock()

	patience := time.NewTimer(timerClose)
	defer patience.Stop()
	select {
	case <-drained:
	case <-patience.C:
	}
	return s.shut()
}

// shut drops everything that is left.
func (s *Site) shut() error {
	s.mu.Lock()
	s.closed = true
	calls := make([]*Call, 0, len(s.dialogs))
	for _, c := range s.dialogs {
		calls = append(calls, c)
	}
	for _, tx := range s.sent {
		tx.stop()
	}
	clear(s.sent)
	s.mu.Unlock()
	for _, c := range calls {
		c.drop()
	}
	err := s.conn.Close()
	<-s.ended
	return err
}

// checkDrained tells Close when the last transaction is over. s.mu is held.
func (s *Site) checkDrained() {
	if s.drained == nil || s.owed > 0 {
		return
	}
	for _, tx := range s.sent {
		if !tx.settled {
			return
		}
	}
	close(s.drained)
	s.drained = nil
}

// owe counts the BYEs that cannot be sent yet.
func (s *Site) owe(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed += n
	s.checkDrained()
}

// write sends a message.
func (s *Site) write(message []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(message, to)
	return err
}

// read handles the messages that arrive, one at a time, until the socket is closed.
func (s *Site) read() {
	defer close(s.ended)
	buf := make([]byte, 65536)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n <= 4 { // an ICMP error of an earlier send, or a keep-alive
			continue
		}
		// The parser keeps no reference to its input except the body.
		msg, err := s.parser.ParseSIP(append([]byte(nil), buf[:n]...))
		if err != nil {
			continue // not SIP; there is nobody to tell
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		switch m := msg.(type) {
		case *sip.Response:
			s.response(m)
		case *sip.Request:
			s.request(m, from)
		}
	}
}

// response gives a response to the transaction that waits for it.
func (s *Site) response(res *sip.Response) {
	via, cseq := res.Via(), res.CSeq()
	if via == nil || cseq == nil {
		return
	}
	branch, _ := via.Params.Get("branch")
	s.mu.Lock()
	tx := s.sent[branch+" "+string(cseq.MethodName)]
	s.mu.Unlock()
	if tx != nil {
		tx.receive(res)
	}
}

// request gives a request to the call it belongs to, or to the phone it is for.
func (s *Site) request(req *sip.Request, from netip.AddrPort) {
	if req.Via() == nil || req.CSeq() == nil || req.CallID() == nil || req.From() == nil || req.To() == nil {
		return
	}
	branch, _ := req.Via().Params.Get("branch")
	tag, _ := req.To().Params.Get("tag")

	s.mu.Lock()
	var call *Call
	if tag != "" {
		call = s.dialogs[req.CallID().Value()+" "+tag]
	} else {
		call = s.invites[branch]
	}
	phone := s.phones[req.Recipient.User]
	s.mu.Unlock()

	switch {
	case call != nil:
		call.request(req, from)
	case req.Method == sip.ACK:
		// for a call that is long over
	case tag != "":
		s.reply(req, from, 481, "")
	case req.Method == sip.INVITE && phone != nil:
		phone.invited(req, from, branch)
	case req.Method == sip.INVITE:
		s.reply(req, from, 404, "nobody")
	case req.Method == sip.OPTIONS && (phone != nil || req.Recipient.User == ""):
		s.reply(req, from, 200, sip.GenerateTagN(8))
	case req.Method == sip.NOTIFY || req.Method == sip.MESSAGE:
		s.reply(req, from, 200, sip.GenerateTagN(8))
	case req.Method == sip.CANCEL:
		s.reply(req, from, 481, sip.GenerateTagN(8))
	case req.Method == sip.OPTIONS:
		s.reply(req, from, 404, "nobody")
	default:
		s.reply(req, from, 405, sip.GenerateTagN(8))
	}
}

// reply answers a request outside of any INVITE transaction.
func (s *Site) reply(req *sip.Request, from netip.AddrPort, status int, tag string) {
	// A reply that is lost is asked for again by the retransmission.
	_ = s.write(respond(req, status, tag, "", nil), from)
}

// allow is what our phones understand.
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, MESSAGE"

// respond writes the response to a request. tag is added to To if it has none.
// extra holds whole header lines.
func respond(req *sip.Request, status int, tag, extra string, body []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reasonOf(status))
	for _, name := range []string{"Via", "Record-Route"} {
		for _, h := range req.GetHeaders(name) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, h.Value())
		}
	}
	to := req.To().Value()
	if _, has := req.To().Params.Get("tag"); !has && tag != "" && status > 100 {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n",
		req.From().Value(), to, req.CallID().Value(), req.CSeq().Value())
	if req.Method == sip.OPTIONS || status == 405 || (req.Method == sip.INVITE && status == 200) {
		b.WriteString("Allow: " + allow + "\r\n")
	}
	b.WriteString(extra)
	writeBody(&b, body)
	return []byte(b.String())
}

func writeBody(b *strings.Builder, body []byte) {
	if len(body) > 0 {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
}

var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
	486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
	500: "Server Internal Error", 503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}

func reasonOf(status int) string {
	if r, ok := reasons[status]; ok {
		return r
	}
	return "Response"
}
