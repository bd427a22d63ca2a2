package cluster_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience bounds every wait for a message; quiet is how long nothing may come.
const (
	patience = 5 * time.Second
	quiet    = 300 * time.Millisecond
)

// message is a request or response that was received.
type message struct {
	start  string
	header []string // lines, unfolded
	from   netip.AddrPort
}

// all returns the values of a header in order.
func (m message) all(name string) (values []string) {
	for _, line := range m.header {
		key, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

func (m message) get(name string) string {
	if values := m.all(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (m message) status() string {
	if rest, ok := strings.CutPrefix(m.start, "SIP/2.0 "); ok {
		return rest[:3]
	}
	return ""
}

func (m message) is(method string) bool { return strings.HasPrefix(m.start, method+" ") }

// peer is a socket that speaks SIP by hand, so that a test sees what is on the
// wire. It answers OPTIONS by itself unless it is dead.
type peer struct {
	t    *testing.T
	conn *net.UDPConn
	got  chan message
	dead atomic.Bool
	seq  int
}

func newPeer(t *testing.T, ip string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, got: make(chan message, 1000)}
	var reading sync.WaitGroup
	reading.Go(p.read)
	t.Cleanup(func() { conn.Close(); reading.Wait() })
	return p
}

func (p *peer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *peer) read() {
	buffer := make([]byte, 65536)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a port that nobody has
		}
		head, _, _ := strings.Cut(string(buffer[:n]), "\r\n\r\n")
		lines := strings.Split(strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head), "\r\n")
		m := message{start: lines[0], header: lines[1:], from: from}
		switch {
		case p.dead.Load():
		case m.is("OPTIONS"):
			p.reply(m, "200 OK", "")
		default:
			p.got <- m
		}
	}
}

func (p *peer) send(to netip.AddrPort, text string) {
	p.t.Helper()
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), to); err != nil {
		p.t.Fatal(err)
	}
}

// ask sends a request of a new transaction. extra holds whole header lines, which
// may replace Max-Forwards and To.
func (p *peer) ask(to netip.AddrPort, method, uri, user, extra string) (callID string) {
	p.t.Helper()
	p.seq++
	callID = fmt.Sprintf("%d-%d@test", p.addr().Port(), p.seq)
	if !strings.Contains(extra, "Max-Forwards:") {
		extra = "Max-Forwards: 70\r\n" + extra
	}
	if !strings.Contains(extra, "To:") {
		target := uri
		if method == "REGISTER" {
			target = "sip:" + user + "@" + to.String()
		}
		extra = "To: <" + target + ">\r\n" + extra
	}
	if !strings.Contains(extra, "Contact:") {
		extra = fmt.Sprintf("Contact: <sip:%s@%s>\r\n", user, p.addr()) + extra
	}
	p.send(to, fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%s;rport\r\n"+
		"From: <sip:%s@%s>;tag=%d\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: 0\r\n\r\n",
		method, uri, p.addr(), strings.TrimSuffix(callID, "@test"), user, p.addr().Addr(), p.seq, callID, p.seq, method, extra))
	return callID
}

// cancel cancels the last INVITE.
func (p *peer) cancel(to netip.AddrPort, uri, user string) {
	p.t.Helper()
	p.send(to, fmt.Sprintf("CANCEL %[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK-%[3]d-%[4]d;rport\r\nMax-Forwards: 70\r\n"+
		"To: <%[1]s>\r\nFrom: <sip:%[5]s@%[6]s>;tag=%[4]d\r\nCall-ID: %[3]d-%[4]d@test\r\nCSeq: %[4]d CANCEL\r\nContent-Length: 0\r\n\r\n",
		uri, p.addr(), p.addr().Port(), p.seq, user, p.addr().Addr()))
}

// reply answers a request.
func (p *peer) reply(to message, status, extra string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, name := range []string{"Via", "Record-Route"} {
		for _, v := range to.all(name) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	target := to.get("To")
	if !strings.Contains(target, "tag=") && status[:3] != "100" {
		target += fmt.Sprintf(";tag=%d", p.addr().Port())
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s>\r\n%sContent-Length: 0\r\n\r\n",
		to.get("From"), target, to.get("Call-ID"), to.get("CSeq"), p.addr(), extra)
	_, _ = p.conn.WriteToUDPAddrPort([]byte(b.String()), to.from)
}

// next is the next message that is wanted.
func (p *peer) next(what string, want func(message) bool) message {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	var seen []string
	for {
		select {
		case m := <-p.got:
			if want(m) {
				return m
			}
			seen = append(seen, m.start)
		case <-limit.C:
			p.t.Fatalf("waited for %s and saw only %q", what, seen)
		}
	}
}

// final is the final response to a request.
func (p *peer) final(callID string) message {
	p.t.Helper()
	return p.next("a final response", func(m message) bool {
		return m.status() >= "200" && m.get("Call-ID") == callID
	})
}

// expect is final with a certain status.
func (p *peer) expect(callID, status string) message {
	p.t.Helper()
	m := p.final(callID)
	if m.status() != status {
		p.t.Errorf("got %q, want status %s", m.start, status)
	}
	return m
}

// request is the next request of a method.
func (p *peer) request(method string) message {
	p.t.Helper()
	return p.next(method, func(m message) bool { return m.is(method) })
}

// nothing: no request comes for a while.
func (p *peer) nothing() {
	p.t.Helper()
	limit := time.NewTimer(quiet)
	defer limit.Stop()
	for {
		select {
		case m := <-p.got:
			if m.status() == "" && !m.is("ACK") {
				p.t.Errorf("got %q", m.start)
			}
		case <-limit.C:
			return
		}
	}
}

var digestPart = regexp.MustCompile(`(\w+)="?([^",]+)"?`)

// proof answers the digest challenge of a 401 or 407.
func proof(challenge message, method, uri, user, password string) string {
	name, text := "Authorization", challenge.get("WWW-Authenticate")
	if challenge.status() == "407" {
		name, text = "Proxy-Authorization", challenge.get("Proxy-Authenticate")
	}
	part := map[string]string{}
	for _, m := range digestPart.FindAllStringSubmatch(text, -1) {
		part[m[1]] = m[2]
	}
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	ha1, ha2 := sum(user+":"+part["realm"]+":"+password), sum(method+":"+uri)
	return fmt.Sprintf("%s: Digest username=%q,realm=%q,nonce=%q,uri=%q,qop=auth,nc=00000001,cnonce=\"c\",algorithm=MD5,response=%q\r\n",
		name, user, part["realm"], part["nonce"], uri, sum(ha1+":"+part["nonce"]+":00000001:c:auth:"+ha2))
}
