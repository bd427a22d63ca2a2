package cluster_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotline/deploy/cluster"
	"hotline/internal/devstack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "the-password-of-8001"

// site is a real Kamailio with nodes, a carrier and whoever else, all of them
// sockets of the test. Everybody has a loopback address of their own.
type site struct {
	t        *testing.T
	proxy    netip.AddrPort
	kamailio *devstack.Kamailio
	nodes    []*peer
	carrier  *peer
	called   *peer // where the carrier is called
	stranger *peer
	phone    *peer
	victim   *peer // whom somebody would like to reach through us
}

func newSite(t *testing.T, nodes, pace int) *site {
	t.Helper()
	addr := netip.MustParseAddr("127.0.13.1")
	port, err := devstack.FreePortAt(addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		t: t, proxy: netip.AddrPortFrom(addr, port), carrier: newPeer(t, "127.0.13.2"), called: newPeer(t, "127.0.13.3"),
		stranger: newPeer(t, "127.0.13.4"), phone: newPeer(t, "127.0.13.5"), victim: newPeer(t, "127.0.13.6"),
	}
	p := cluster.Params{
		Listen: s.proxy, Pace: pace, Carriers: []string{"127.0.13.2"}, Contacts: []string{"sip:" + s.called.addr().String()},
		Seats: []cluster.Seat{{Name: "8001", Password: password}, {Name: "8002", Password: "the-password-of-8002"}},
	}
	for i := range nodes {
		node := newPeer(t, fmt.Sprintf("127.0.13.%d", 11+i))
		s.nodes = append(s.nodes, node)
		p.Nodes = append(p.Nodes, cluster.Node{Name: fmt.Sprintf("a%d", i+1), Listen: node.addr()})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if s.kamailio, err = devstack.StartKamailio(ctx, t.TempDir(), p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Kamailio said:\n%s", s.kamailio.Log())
		}
		if err := s.kamailio.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.active(nodes)
	return s
}

// active waits until the proxy counts on so many nodes.
func (s *site) active(n int) {
	s.t.Helper()
	s.until(fmt.Sprintf("%d nodes are active", n), func() bool {
		return strings.Count(s.command("dispatcher.list"), "FLAGS: AP") == n
	})
}

// until asks again and again.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	limit := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(limit) {
			s.t.Fatalf("not in time: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *site) command(args ...string) string {
	s.t.Helper()
	out, err := s.kamailio.Command(s.t.Context(), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// as lets a subtest use the site.
func (s *site) as(t *testing.T) {
	s.t = t
	for _, p := range append(slices.Clone(s.nodes), s.carrier, s.called, s.stranger, s.phone, s.victim) {
		p.t = t
	}
}

func (s *site) at(number string) string { return "sip:" + number + "@" + s.proxy.String() }

// atANode waits for a call at any of the nodes.
func (s *site) atANode() (*peer, message) {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		for _, node := range s.nodes {
			select {
			case m := <-node.got:
				if m.is("INVITE") {
					return node, m
				}
			default:
			}
		}
		select {
		case <-limit.C:
			s.t.Fatal("no node has got the call")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *site) nobody() {
	s.t.Helper()
	for _, node := range s.nodes {
		node.nothing()
	}
}

// prove sends a request, answers the challenge and returns what comes of it.
func (s *site) prove(p *peer, method, uri, user, password, extra string) (callID string) {
	s.t.Helper()
	challenge := p.final(p.ask(s.proxy, method, uri, user, extra))
	if status := challenge.status(); status != "401" && status != "407" {
		s.t.Fatalf("got %q, want a challenge", challenge.start)
	}
	return p.ask(s.proxy, method, uri, user, extra+proof(challenge, method, uri, user, password))
}

// lies are ways to say to be seat 8002.
const lies = "X-Hotline-Seat: 8002\r\nx-hotline-seat : 8002\r\nX-HOTLINE-SEAT:\r\n 8002\r\nRemote-Party-ID: <sip:seat-8002@x>\r\n" +
	"P-Preferred-Identity: <sip:seat-8002@x>\r\nDiversion: <sip:1@x>\r\n"

func TestWhoMayDoWhat(t *testing.T) {
	s := newSite(t, 2, 100)
	for name, test := range map[string]func(){
		"carrier":                 s.carrierCalls,
		"stranger":                s.strangerIsAsked,
		"seat dials":              s.seatDials,
		"seat registers":          s.seatRegisters,
		"seat in another's name":  s.anothersName,
		"proof used twice":        s.proofTwice,
		"relay":                   s.noRelay,
		"node":                    s.nodeCalls,
		"hops":                    s.hops,
		"wrong passwords":         s.wrongPasswords,
		"methods that nobody has": s.methods,
	} {
		t.Run(name, func(t *testing.T) { s.as(t); test() })
	}
}

func (s *site) carrierCalls() {
	id := s.carrier.ask(s.proxy, "INVITE", s.at("12345"), "13800000000", lies+"P-Asserted-Identity: <sip:13800000000@x>\r\n"+
		"Route: <sip:"+s.victim.addr().String()+";lr>\r\n")
	node, call := s.atANode()
	if got := call.all("X-Hotline-Seat"); len(got) != 0 {
		s.t.Errorf("a seat's header of the carrier came through: %q", got)
	}
	if got := call.all("Route"); len(got) != 0 {
		s.t.Errorf("the carrier's route came through: %q", got)
	}
	if got := call.get("P-Asserted-Identity"); got != "<sip:13800000000@x>" {
		s.t.Errorf("the carrier's word for the caller reads %q", got)
	}
	if got := call.get("Record-Route"); !strings.Contains(got, s.proxy.String()) {
		s.t.Errorf("Record-Route: %q", got)
	}
	if !strings.HasPrefix(call.start, "INVITE "+s.at("12345")+" ") {
		s.t.Error(call.start)
	}
	node.reply(call, "404 Not Found", "")
	s.carrier.expect(id, "404") // no other node is tried
	s.nobody()
	s.victim.nothing()
	s.carrier.expect(s.carrier.ask(s.proxy, "OPTIONS", s.at("x"), "x", ""), "200")
	s.carrier.expect(s.carrier.ask(s.proxy, "INVITE", s.at("alice"), "x", ""), "404")
	s.carrier.expect(s.carrier.ask(s.proxy, "REGISTER", "sip:"+s.proxy.String(), "seat-8001", ""), "405")
}

func (s *site) strangerIsAsked() {
	s.stranger.expect(s.stranger.ask(s.proxy, "INVITE", s.at("12345"), "13800000000", lies), "407")
	s.stranger.expect(s.stranger.ask(s.proxy, "REGISTER", "sip:"+s.proxy.String(), "seat-8001", ""), "401")
	s.stranger.expect(s.prove(s.stranger, "INVITE", s.at("12345"), "nobody", "whatever-it-is", ""), "407")
	s.nobody()
}

func (s *site) seatDials() {
	id := s.prove(s.phone, "INVITE", s.at("*12"), "seat-8001", password, lies+"P-Asserted-Identity: <sip:seat-8002@x>\r\n")
	node, call := s.atANode()
	if got := call.all("X-Hotline-Seat"); len(got) != 1 || got[0] != "8001" {
		s.t.Errorf("the seat's header reads %q, want 8001 alone", got)
	}
	if got := call.all("P-Asserted-Identity"); len(got) != 1 || got[0] != "<sip:seat-8001@"+s.proxy.String()+">" {
		s.t.Errorf("P-Asserted-Identity: %q", got)
	}
	for _, name := range []string{"Proxy-Authorization", "Remote-Party-ID", "P-Preferred-Identity", "Diversion"} {
		if got := call.all(name); len(got) != 0 {
			s.t.Errorf("%s came through: %q", name, got)
		}
	}
	node.reply(call, "486 Busy Here", "")
	s.phone.expect(id, "486")
}

func (s *site) register(p *peer, contact string) {
	s.t.Helper()
	p.expect(s.prove(p, "REGISTER", "sip:"+s.proxy.String(), "seat-8001", password, "Contact: <"+contact+">\r\nExpires: 60\r\n"), "200")
}

func (s *site) seatRegisters() {
	// Nobody has calls sent to somebody else.
	s.register(s.phone, "sip:x@"+s.victim.addr().String())
	node := s.nodes[0]
	id := node.ask(s.proxy, "INVITE", s.at("seat-8001"), "12345", "Route: <sip:"+s.proxy.String()+";lr>\r\n")
	ring := s.phone.request("INVITE")
	s.victim.nothing()
	s.phone.reply(ring, "180 Ringing", "")
	node.next("180", func(m message) bool { return m.status() == "180" })
	s.phone.reply(ring, "486 Busy Here", "")
	node.expect(id, "486")
	// The phone that registers last is the one that rings.
	other := newPeer(s.t, "127.0.13.7")
	s.register(other, "sip:seat-8001@"+other.addr().String())
	id = node.ask(s.proxy, "INVITE", s.at("seat-8001"), "12345", "")
	other.reply(other.request("INVITE"), "486 Busy Here", "")
	node.expect(id, "486")
	s.phone.nothing()
	node.expect(node.ask(s.proxy, "INVITE", s.at("seat-8009"), "12345", ""), "480")
}

func (s *site) anothersName() {
	challenge := s.phone.final(s.phone.ask(s.proxy, "INVITE", s.at("*12"), "seat-8002", ""))
	s.phone.expect(s.phone.ask(s.proxy, "INVITE", s.at("*12"), "seat-8002", proof(challenge, "INVITE", s.at("*12"), "seat-8001", password)), "407")
	to := "To: <" + s.at("seat-8002") + ">\r\n"
	uri := "sip:" + s.proxy.String()
	challenge = s.phone.final(s.phone.ask(s.proxy, "REGISTER", uri, "seat-8002", to))
	s.phone.expect(s.phone.ask(s.proxy, "REGISTER", uri, "seat-8002", to+proof(challenge, "REGISTER", uri, "seat-8001", password)), "401")
	s.nobody()
}

func (s *site) proofTwice() {
	challenge := s.phone.final(s.phone.ask(s.proxy, "INVITE", s.at("*12"), "seat-8001", ""))
	heard := proof(challenge, "INVITE", s.at("*12"), "seat-8001", password)
	id := s.phone.ask(s.proxy, "INVITE", s.at("*12"), "seat-8001", heard)
	node, call := s.atANode()
	node.reply(call, "486 Busy Here", "")
	s.phone.expect(id, "486")
	s.stranger.expect(s.stranger.ask(s.proxy, "INVITE", s.at("*12"), "seat-8001", heard), "407")
	s.nobody()
}

func (s *site) noRelay() {
	victim := s.victim.addr().String()
	routes := "Route: <sip:" + s.proxy.String() + ";lr>\r\n"
	for _, p := range []*peer{s.stranger, s.phone, s.carrier} {
		for _, c := range []struct{ uri, extra string }{
			{"sip:x@" + victim, "To: <sip:x@x>;tag=1\r\n" + routes},
			{s.at("x"), "To: <sip:x@x>;tag=1\r\n" + routes + "Route: <sip:" + victim + ";lr>\r\n"},
			{"sip:x@" + s.nodes[0].addr().String() + ";alias=127.0.13.6~" + fmt.Sprint(s.victim.addr().Port()) + "~1", "To: <sip:x@x>;tag=1\r\n" + routes + "Route: <sip:" + victim + ";lr>\r\n"},
			{"sip:x@" + victim, "To: <sip:x@x>;tag=1\r\n"},
		} {
			if status := p.final(p.ask(s.proxy, "BYE", c.uri, "x", c.extra)).status(); status != "403" && status != "404" {
				s.t.Errorf("%s with %q: %s", c.uri, c.extra, status)
			}
			p.ask(s.proxy, "ACK", c.uri, "x", c.extra)
		}
	}
	s.victim.nothing()
	s.nobody()
}

func (s *site) nodeCalls() {
	node := s.nodes[1]
	id := node.ask(s.proxy, "INVITE", "sip:13800000000@"+s.called.addr().String(), "12345", "Route: <sip:"+s.proxy.String()+";lr>\r\n")
	s.called.reply(s.called.request("INVITE"), "603 Decline", "")
	node.expect(id, "603")
	node.expect(node.ask(s.proxy, "INVITE", "sip:13800000000@"+s.victim.addr().String(), "12345", ""), "403")
	s.victim.nothing()
	node.expect(node.ask(s.proxy, "REGISTER", "sip:"+s.proxy.String(), "seat-8001", ""), "405")
}

func (s *site) hops() {
	s.carrier.expect(s.carrier.ask(s.proxy, "INVITE", s.at("12345"), "1", "Max-Forwards: 0\r\n"), "483")
	// A call that is sent to ourselves comes back once, and no more.
	s.command("dispatcher.add", "1", "sip:"+s.proxy.String())
	s.until("a call has come back", func() bool {
		s.carrier.ask(s.proxy, "INVITE", s.at("12345"), "1", "")
		limit := time.After(50 * time.Millisecond)
		for {
			select {
			case m := <-s.carrier.got:
				if m.status() == "482" {
					return true
				}
			case <-limit:
				return false // a node has it
			}
		}
	})
	s.until("the list may be changed again", func() bool {
		_, err := s.kamailio.Command(s.t.Context(), "dispatcher.remove", "1", "sip:"+s.proxy.String())
		return err == nil
	})
	for _, node := range s.nodes {
		for len(node.got) > 0 {
			if m := <-node.got; m.is("INVITE") {
				node.reply(m, "486 Busy Here", "")
			}
		}
	}
}

func (s *site) wrongPasswords() {
	uri := "sip:" + s.proxy.String()
	attacker := newPeer(s.t, "127.0.13.8")
	for range 10 {
		attacker.expect(s.prove(attacker, "REGISTER", uri, "seat-8001", "not-the-password", ""), "401")
	}
	// Now not even the right one.
	attacker.expect(s.prove(attacker, "REGISTER", uri, "seat-8001", password, ""), "403")
	// The seat's own phone has nothing to do with it, nor has another seat.
	s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())
	attacker.expect(s.prove(attacker, "REGISTER", uri, "seat-8002", "the-password-of-8002", ""), "200")
}

func (s *site) methods() {
	for _, p := range []*peer{s.stranger, s.carrier, s.nodes[0]} {
		for _, method := range []string{"SUBSCRIBE", "MESSAGE", "REFER", "PUBLISH"} {
			p.expect(p.ask(s.proxy, method, s.at("12345"), "x", ""), "405")
		}
	}
}

// call lets somebody call by the carrier.
func (s *site) call() (id string, began time.Time) {
	return s.carrier.ask(s.proxy, "INVITE", s.at("12345"), "13800000000", ""), time.Now()
}

func TestCallsGoToANodeThatTakesThem(t *testing.T) {
	s := newSite(t, 3, 1000)
	index := func(p *peer) int { return slices.Index(s.nodes, p) }
	take := func(answer string) (id string, node *peer) {
		id, _ = s.call()
		node, call := s.atANode()
		node.reply(call, answer, "")
		return id, node
	}
	count := map[int]int{}
	for range 9 {
		id, node := take("486 Busy Here")
		s.carrier.expect(id, "486")
		count[index(node)]++
	}
	if count[0] != 3 || count[1] != 3 || count[2] != 3 {
		t.Errorf("nine calls were spread as %v", count)
	}

	t.Run("refused by all but one", func(t *testing.T) {
		s.as(t)
		id, _ := s.call()
		for _, answer := range []string{"503 Service Unavailable", "500 Server Internal Error", "486 Busy Here"} {
			node, call := s.atANode()
			node.reply(call, answer, "")
		}
		s.carrier.expect(id, "486")
	})
	t.Run("refused by all", func(t *testing.T) {
		s.as(t)
		id, _ := s.call()
		for range 3 {
			node, call := s.atANode()
			node.reply(call, "503 Service Unavailable", "")
		}
		if m := s.carrier.expect(id, "503"); m.get("Retry-After") == "" {
			t.Error("the carrier is not told when to try again")
		}
	})
	t.Run("given up", func(t *testing.T) {
		s.as(t)
		id, _ := s.call()
		node, call := s.atANode()
		node.reply(call, "100 Trying", "")
		s.carrier.cancel(s.proxy, s.at("12345"), "13800000000")
		node.reply(node.request("CANCEL"), "200 OK", "")
		node.reply(call, "487 Request Terminated", "")
		s.carrier.next("487", func(m message) bool { return m.status() == "487" && m.get("Call-ID") == id })
		s.nobody()
	})
	t.Run("not passed on once it has begun", func(t *testing.T) {
		s.as(t)
		id, _ := s.call()
		node, call := s.atANode()
		node.reply(call, "183 Session Progress", "")
		s.carrier.next("183", func(m message) bool { return m.status() == "183" })
		node.reply(call, "503 Service Unavailable", "")
		s.carrier.expect(id, "500") // RFC 3261, 16.7: 503 is for the next hop only
		s.nobody()
	})
	t.Run("drained", func(t *testing.T) {
		s.as(t)
		s.command("dispatcher.set_state", "d", "1", "sip:"+s.nodes[0].addr().String())
		if list := s.command("dispatcher.list"); strings.Count(list, "FLAGS: DX") != 1 {
			t.Errorf("the list does not show it: %s", list)
		}
		for range 6 {
			id, node := take("486 Busy Here")
			s.carrier.expect(id, "486")
			if node == s.nodes[0] {
				t.Error("the drained node got a call")
			}
		}
		// Its requests within calls still pass, and it still rings seats.
		s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())
		id := s.nodes[0].ask(s.proxy, "INVITE", s.at("seat-8001"), "12345", "")
		s.phone.reply(s.phone.request("INVITE"), "486 Busy Here", "")
		s.nodes[0].expect(id, "486")
		s.command("dispatcher.set_state", "ap", "1", "sip:"+s.nodes[0].addr().String())
		s.active(3)
	})
	t.Run("silent", func(t *testing.T) {
		s.as(t)
		s.nodes[1].dead.Store(true)
		for range 3 { // one of them meets the silent node, before or after it is noticed
			id, began := s.call()
			node, call := s.atANode()
			node.reply(call, "486 Busy Here", "")
			s.carrier.expect(id, "486")
			if took := time.Since(began); took > 3500*time.Millisecond {
				t.Errorf("the caller waited for %v", took)
			}
		}
		s.active(2)
		s.nodes[1].dead.Store(false)
		s.active(3)
	})
	t.Run("none", func(t *testing.T) {
		s.as(t)
		s.command("dispatcher.set_state", "d", "1", "all")
		id, _ := s.call()
		if m := s.carrier.expect(id, "503"); m.get("Retry-After") == "" {
			t.Error("the carrier is not told when to try again")
		}
	})
}

func TestFloodsAreHeldBack(t *testing.T) {
	const pace, burst = 10, 100
	s := newSite(t, 1, pace)
	s.carrier.expect(s.carrier.ask(s.proxy, "OPTIONS", s.at("x"), "x", ""), "200")
	for range burst {
		s.call()
	}
	refused := 0
	s.until("calls are refused", func() bool {
		for len(s.carrier.got) > 0 {
			if m := <-s.carrier.got; m.status() == "503" {
				refused++
			}
		}
		return refused >= burst-3*pace
	})
	if refused > burst-pace {
		t.Errorf("%d of %d calls were refused at a pace of %d", refused, burst, pace)
	}

	// A stranger who floods is not answered any more; others are.
	for range 1000 {
		s.stranger.ask(s.proxy, "REGISTER", "sip:"+s.proxy.String(), "seat-8001", "")
	}
	s.until("another phone is answered", func() bool {
		s.phone.ask(s.proxy, "OPTIONS", s.at("x"), "x", "") // which may be lost in the flood
		select {
		case m := <-s.phone.got:
			return m.status() == "200"
		case <-time.After(100 * time.Millisecond):
			return false
		}
	})
	s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())
	if answered := len(s.stranger.got); answered > 500 {
		t.Errorf("%d of 1000 requests in a burst were answered", answered)
	}
}

func TestSeatsAreTakenOverWithoutARestart(t *testing.T) {
	s := newSite(t, 1, 100)
	uri := "sip:" + s.proxy.String()
	s.phone.expect(s.prove(s.phone, "REGISTER", uri, "seat-8003", "the-password-of-8003", ""), "401")
	p := s.kamailio.Params
	p.Seats = append(p.Seats, cluster.Seat{Name: "8003", Password: "the-password-of-8003"})
	if err := cluster.Render(filepath.Join(s.kamailio.Dir, "etc"), p); err != nil {
		t.Fatal(err)
	}
	s.command("htable.reload", "seats")
	s.phone.expect(s.prove(s.phone, "REGISTER", uri, "seat-8003", "the-password-of-8003", ""), "200")
	s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())
}

// An upgrade of the proxy does not leave the seats unreachable until their phones
// come back, and conversations can be ended afterwards.
func TestRestart(t *testing.T) {
	s := newSite(t, 1, 100)
	node := s.nodes[0]
	s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())
	id, _ := s.call()
	_, call := s.atANode()
	node.reply(call, "200 OK", "")
	answer := s.carrier.expect(id, "200")
	if err := s.kamailio.Stop(); err != nil {
		t.Fatal(err)
	}
	again, err := devstack.StartKamailio(t.Context(), s.kamailio.Dir, s.kamailio.Params)
	if err != nil {
		t.Fatal(err)
	}
	s.kamailio = again

	id = s.carrier.ask(s.proxy, "BYE", "sip:"+node.addr().String(), "13800000000", "Route: "+answer.get("Record-Route")+"\r\nTo: "+answer.get("To")+"\r\n")
	node.reply(node.request("BYE"), "200 OK", "")
	s.carrier.expect(id, "200")
	id = node.ask(s.proxy, "INVITE", s.at("seat-8001"), "12345", "")
	s.phone.reply(s.phone.request("INVITE"), "486 Busy Here", "")
	node.expect(id, "486")
}

// Who hangs up while the node's cable is out is heard when it is in again: else the
// call would go on at the node, with nobody on the line.
func TestAHangUpReachesANodeThatIsAwayForAWhile(t *testing.T) {
	s := newSite(t, 1, 100)
	node := s.nodes[0]
	node.dead.Store(true)
	id := s.carrier.ask(s.proxy, "BYE", "sip:"+node.addr().String(), "x", "Route: <sip:"+s.proxy.String()+";lr>\r\nTo: <"+s.at("12345")+">;tag=1\r\n")
	away := time.NewTimer(3 * time.Second) // longer than the proxy waits for other answers
	defer away.Stop()
	for waiting := true; waiting; {
		select {
		case m := <-s.carrier.got:
			if m.get("Call-ID") == id && m.status() >= "200" {
				t.Fatalf("got %q while the node is away", m.start)
			}
		case <-away.C:
			waiting = false
		}
	}
	node.dead.Store(false)
	node.reply(node.request("BYE"), "200 OK", "")
	s.carrier.expect(id, "200")
}

// A node that dies hangs up on nobody: the proxy does, after a good minute. The
// test takes as long, so it runs only when HOTLINE_SLOW is set.
func TestWhoTalksWithADeadNodeIsHungUpOn(t *testing.T) {
	if os.Getenv("HOTLINE_SLOW") == "" {
		t.Skip("takes two minutes; set HOTLINE_SLOW=1 to run it")
	}
	s := newSite(t, 1, 100)
	node := s.nodes[0]
	s.register(s.phone, "sip:seat-8001@"+s.phone.addr().String())

	// A caller at the node, and the agent whom the node has rung.
	id, _ := s.call()
	_, call := s.atANode()
	node.reply(call, "200 OK", "")
	answer := s.carrier.expect(id, "200")
	ack := func(p *peer, target *peer, answer message) {
		p.ask(s.proxy, "ACK", "sip:"+target.addr().String(), "x", "Route: <sip:"+s.proxy.String()+";lr>\r\nTo: "+answer.get("To")+"\r\n")
	}
	ack(s.carrier, node, answer)
	legID := node.ask(s.proxy, "INVITE", s.at("seat-8001"), "12345", "")
	ring := s.phone.request("INVITE")
	s.phone.reply(ring, "200 OK", "")
	node.expect(legID, "200")

	began := time.Now()
	node.dead.Store(true)
	hungUp := func(p *peer) {
		t.Helper()
		select {
		case m := <-p.got:
			for !m.is("BYE") {
				m = <-p.got
			}
			t.Logf("hung up on %s after %v", p.addr(), time.Since(began).Round(time.Second))
		case <-time.After(2 * time.Minute):
			t.Errorf("nobody hangs up on %s", p.addr())
		}
	}
	hungUp(s.carrier)
	hungUp(s.phone)
}

func TestRenderedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	p := cluster.Params{
		Listen: netip.MustParseAddrPort("10.0.0.4:5060"), Run: "/run/kamailio", State: filepath.Join(dir, "..", "state"), Pace: 150,
		Nodes:    []cluster.Node{{Name: "a1", Listen: netip.MustParseAddrPort("10.0.0.11:5060")}},
		Carriers: []string{"203.0.113.10", "203.0.113.32/28", "203.0.113.11:5062", "2001:db8::1"}, Contacts: []string{"sip:203.0.113.10", "sip:x@203.0.113.11:5062;transport=udp"},
		Seats: []cluster.Seat{{Name: "8001", Password: password}},
	}
	if err := cluster.Render(dir, p); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"hotline.cfg":    "listen=udp:10.0.0.4:5060\n",
		"nodes.list":     "1 sip:10.0.0.11:5060 0 0 duid=a1\n",
		"addresses.list": "1 203.0.113.10 32 0\n1 203.0.113.32 28 0\n1 203.0.113.11 32 5062\n1 2001:db8::1 128 0\n# 2: carriers are called here\n2 203.0.113.10 32 5060\n2 203.0.113.11 32 5062\n",
		"db/seats":       "1:seat-8001:0:0:",
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %v: %s", name, err, content)
		}
		if strings.Contains(string(content), password) {
			t.Errorf("%s holds a password", name)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "db/seats")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("db/seats: %v, %v", info.Mode(), err)
	}

	for want, change := range map[string]func(*cluster.Params){
		"a certain address and port, for": func(p *cluster.Params) { p.Listen = netip.MustParseAddrPort("0.0.0.0:5060") },
		"of its own":                      func(p *cluster.Params) { p.Nodes = append(p.Nodes, p.Nodes[0]) },
		"no node":                         func(p *cluster.Params) { p.Nodes = nil },
		"8 characters":                    func(p *cluster.Params) { p.Seats = []cluster.Seat{{Name: "8001"}} },
		"letters, digits or hyphens":      func(p *cluster.Params) { p.Seats = []cluster.Seat{{Name: "8001:1", Password: password}} },
		"carrier \"sip.example\"":         func(p *cluster.Params) { p.Carriers = []string{"sip.example"} },
		"contact \"sip:carrier.example\"": func(p *cluster.Params) { p.Contacts = []string{"sip:carrier.example"} },
		"run directory":                   func(p *cluster.Params) { p.Run = "run" },
		"state directory":                 func(p *cluster.Params) { p.State = "/with blank" },
		"one call a second":               func(p *cluster.Params) { p.Pace = 0 },
	} {
		bad := p
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if regexp.MustCompile(`(?i)password\s*=`).Match(mustRead(t, "kamailio.cfg")) {
		t.Error("kamailio.cfg holds a password")
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
