package asteriskconf_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of these tests; what they wait for comes within
// milliseconds, or within the fallback's few seconds.
const patience = 20 * time.Second

// phone is as little of a SIP phone as these tests need: it sends and reads
// single messages by hand, so that a test sees what is on the wire.
type phone struct {
	t    *testing.T
	sip  *net.UDPConn
	rtp  *net.UDPConn
	peer netip.AddrPort // Asterisk
	user string
	seq  int
	call int
	tag  string // of this call, and its Call-ID

	remoteSDP string // of the last answer
}

// message is a request or response that was received.
type message struct {
	start  string // first line
	header map[string][]string
	body   string
}

func (m message) get(name string) string {
	if v := m.header[strings.ToLower(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func newPhone(t *testing.T, ip, user string, peer netip.AddrPort) *phone {
	t.Helper()
	listen := func() *net.UDPConn {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(ip)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	p := &phone{t: t, sip: listen(), rtp: listen(), peer: peer, user: user}
	p.newCall()
	return p
}

func (p *phone) addr() netip.AddrPort { return p.sip.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *phone) sdp() string {
	rtp := p.rtp.LocalAddr().(*net.UDPAddr)
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 8 101\r\n"+
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n", rtp.IP, rtp.Port)
}

func (p *phone) send(text string) {
	p.t.Helper()
	if _, err := p.sip.WriteToUDPAddrPort([]byte(text), p.peer); err != nil {
		p.t.Fatal(err)
	}
}

// request sends a request of a new transaction; to may carry the other side's tag.
func (p *phone) request(method, uri, to, extra, body string) {
	p.t.Helper()
	if method != "ACK" && method != "CANCEL" {
		p.seq++
	}
	branch := fmt.Sprintf("z9hG4bK-%s-%d", p.tag, p.seq)
	if method == "ACK" && strings.Contains(extra, "X-New") {
		branch += "-ack"
	}
	contentType := ""
	if body != "" {
		contentType = "Content-Type: application/sdp\r\n"
	}
	p.send(fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s@test\r\nCSeq: %d %s\r\nContact: <sip:%s@%s>\r\n%s%sContent-Length: %d\r\n\r\n%s",
		method, uri, p.addr(), branch, p.user, p.addr().Addr(), p.tag, to, p.tag, p.seq, method, p.user, p.addr(), extra, contentType, len(body), body))
}

func (p *phone) uri(number string) string { return fmt.Sprintf("sip:%s@%s", number, p.peer) }

func (p *phone) newCall() {
	p.call++
	p.tag = fmt.Sprintf("%d-%d", p.addr().Port(), p.call)
}

// invite calls; with the header of an authorization it goes on with the call
// that was challenged.
func (p *phone) invite(number, extra string) {
	p.t.Helper()
	if extra == "" {
		p.newCall()
	}
	p.request("INVITE", p.uri(number), "<"+p.uri(number)+">", extra, p.sdp())
}

// receive returns the next message for which want is true.
func (p *phone) receive(what string, want func(message) bool) message {
	p.t.Helper()
	var seen []string
	buffer := make([]byte, 65536)
	if err := p.sip.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for {
		n, err := p.sip.Read(buffer)
		if err != nil {
			p.t.Fatalf("waited for %s and saw only %q: %v", what, seen, err)
		}
		m := parse(string(buffer[:n]))
		if want(m) {
			return m
		}
		seen = append(seen, m.start)
	}
}

// final returns the final response to the last request.
func (p *phone) final() message {
	p.t.Helper()
	return p.receive("a final response", func(m message) bool {
		return strings.HasPrefix(m.start, "SIP/2.0 ") && !strings.HasPrefix(m.start, "SIP/2.0 1") &&
			strings.HasPrefix(m.get("CSeq"), fmt.Sprint(p.seq, " "))
	})
}

func (p *phone) expectStatus(status string) message {
	p.t.Helper()
	m := p.final()
	if !strings.HasPrefix(m.start, "SIP/2.0 "+status) {
		p.t.Fatalf("got %q, want status %s", m.start, status)
	}
	return m
}

// answered waits for 200 and acknowledges it.
func (p *phone) answered(number string) message {
	p.t.Helper()
	m := p.expectStatus("200")
	p.request("ACK", p.uri(number), m.get("To"), "X-New: 1\r\n", "")
	p.remoteSDP = m.body
	return m
}

// reply answers a request that came from Asterisk.
func (p *phone) reply(to message, status, body string) {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, via := range to.header["via"] {
		fmt.Fprintf(&b, "Via: %s\r\n", via)
	}
	contentType := ""
	if body != "" {
		contentType = "Content-Type: application/sdp\r\n"
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s;tag=%s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		to.get("From"), to.get("To"), p.tag, to.get("Call-ID"), to.get("CSeq"), p.addr(), contentType, len(body), body)
	p.send(b.String())
}

var digestPart = regexp.MustCompile(`(\w+)="?([^",]+)"?`)

// authorization answers the digest challenge of a 401.
func (p *phone) authorization(challenge message, method, uri, password string) string {
	part := map[string]string{}
	for _, m := range digestPart.FindAllStringSubmatch(challenge.get("WWW-Authenticate"), -1) {
		part[m[1]] = m[2]
	}
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	ha1, ha2 := sum(p.user+":"+part["realm"]+":"+password), sum(method+":"+uri)
	return fmt.Sprintf("Authorization: Digest username=%q,realm=%q,nonce=%q,uri=%q,qop=auth,nc=00000001,cnonce=\"c\",opaque=%q,algorithm=MD5,response=%q\r\n",
		p.user, part["realm"], part["nonce"], uri, part["opaque"], sum(ha1+":"+part["nonce"]+":00000001:c:auth:"+ha2))
}

// sound waits until n media packets with something else than silence have come.
func (p *phone) sound(n int) {
	p.t.Helper()
	p.media(n, loud)
}

// loud reports whether a packet of A-law holds something else than silence.
func loud(payload []byte) bool {
	for _, b := range payload {
		// Loudness of A-law without sign, its even bits inverted on the line.
		if (b^0x55)&0x7f > 0x20 {
			return true
		}
	}
	return false
}

func (p *phone) media(n int, want func(payload []byte) bool) {
	p.t.Helper()
	if err := p.rtp.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	buffer, all := make([]byte, 2048), 0
	for got := 0; got < n; all++ {
		size, err := p.rtp.Read(buffer)
		if err != nil {
			p.t.Fatalf("of %d media packets %d were as expected, want %d: %v", all, got, n, err)
		}
		if size > 12 && buffer[1]&0x7f == 8 && want(buffer[12:size]) {
			got++
		}
	}
}

var mediaLine = regexp.MustCompile(`(?m)^m=audio (\d+) `)

// speak sends the byte as A-law to the other side of the call, a packet each
// 20 ms, until the test ends.
func (p *phone) speak(b byte) {
	p.t.Helper()
	m := mediaLine.FindStringSubmatch(p.remoteSDP)
	if m == nil {
		p.t.Fatalf("no media in the answer %q", p.remoteSDP)
	}
	port, err := strconv.ParseUint(m[1], 10, 16)
	if err != nil {
		p.t.Fatal(err)
	}
	to := netip.AddrPortFrom(p.peer.Addr(), uint16(port))
	done, ended := make(chan struct{}), make(chan struct{})
	p.t.Cleanup(func() { close(done); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		packet := append([]byte{0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, bytes.Repeat([]byte{b}, 160)...)
		for n := uint32(1); ; n++ {
			binary.BigEndian.PutUint16(packet[2:], uint16(n))
			binary.BigEndian.PutUint32(packet[4:], n*160)
			if _, err := p.rtp.WriteToUDPAddrPort(packet, to); err != nil {
				return // the socket is closed: the test is over
			}
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
}

func parse(text string) message {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := message{start: lines[0], header: map[string][]string{}, body: body}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(name)
		m.header[name] = append(m.header[name], strings.TrimSpace(value))
	}
	return m
}
