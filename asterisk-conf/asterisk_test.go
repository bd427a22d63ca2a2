package asteriskconf_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/devstack"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	complaint = regexp.MustCompile(`(?m)^.* (WARNING|ERROR)\[.*$`)
	// What Asterisk says, and should, of a controller that goes or is not there,
	// and of a phone that wants to transfer a call.
	expected = regexp.MustCompile(`Web socket closed abruptly|WebSocket read error|Failed to find outbound websocket per-call config for app 'hotline'|Stasis app 'hotline' doesn't exist|transfer attempt blocked due to configuration`)
)

func startAsterisk(t *testing.T, p asteriskconf.Params) *devstack.Asterisk {
	t.Helper()
	a, err := devstack.StartAsterisk(t.Context(), t.TempDir(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
		for _, line := range complaint.FindAllString(a.Log(), -1) {
			if !expected.MatchString(line) {
				t.Errorf("asterisk complained: %s", line)
			}
		}
	})
	return a
}

// start is the part of StasisStart that these tests look at.
type start struct {
	Type    string
	Args    []string
	Channel struct{ ID, State, Name string }
}

// controller connects as the application and returns what enters it.
func controller(t *testing.T, a *devstack.Asterisk) (next func() start, disconnect func()) {
	t.Helper()
	u := "ws" + strings.TrimPrefix(a.URL, "http") + "/events?" + url.Values{
		"app": {a.Params.App}, "api_key": {a.Params.ARIUser + ":" + a.Params.ARIPassword},
	}.Encode()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	transport := &http.Transport{}
	conn, _, err := websocket.Dial(ctx, u, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	disconnect = func() {
		conn.CloseNow()
		transport.CloseIdleConnections()
		cancel()
	}
	t.Cleanup(disconnect)
	conn.SetReadLimit(1 << 20)
	next = func() start {
		t.Helper()
		for {
			_, b, err := conn.Read(ctx)
			if err != nil {
				t.Fatalf("waited for StasisStart: %v", err)
			}
			var s start
			if err := json.Unmarshal(b, &s); err != nil {
				t.Fatal(err)
			}
			if s.Type == "StasisStart" {
				return s
			}
		}
	}
	return next, disconnect
}

func TestSetLoadsWithoutAComplaintAndWithEveryModule(t *testing.T) {
	a := startAsterisk(t, asteriskconf.Params{Seats: []asteriskconf.Seat{
		{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Contact: "sip:127.0.0.1:5099"},
	}})
	conf, err := os.ReadFile(a.ConfDir + "/modules.conf")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^(?:load|require) = (\S+\.so)`).FindAllStringSubmatch(string(conf), -1)
	loaded, err := a.CLI(t.Context(), "module show")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range named {
		if !regexp.MustCompile(regexp.QuoteMeta(m[1]) + `.* Running `).MatchString(loaded) {
			t.Errorf("module %s is named and does not run", m[1])
		}
	}
	if n := strings.Count(loaded, ".so "); n != len(named) {
		t.Errorf("%d modules are loaded, %d are named:\n%s", n, len(named), loaded)
	}
	if bad := complaint.FindString(a.Log()); bad != "" {
		t.Errorf("asterisk complained: %s", bad)
	}
	music, err := a.CLI(t.Context(), "moh show files")
	if err != nil || !strings.Contains(music, "calm") {
		t.Errorf("hold music: %v, %s", err, music)
	}
	prompts, err := os.ReadFile("prompts/prompts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+)\t`).FindAllStringSubmatch(string(prompts), -1) {
		if !strings.Contains(getSound(t, a, "hotline/"+m[1]), `"alaw"`) {
			t.Errorf("asterisk does not find the prompt %s", m[1])
		}
	}
}

func getSound(t *testing.T, a *devstack.Asterisk, id string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/sounds/"+url.PathEscape(id), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(a.Params.ARIUser, a.Params.ARIPassword)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCarriersCallReachesTheControllerUnanswered(t *testing.T) {
	a := startAsterisk(t, asteriskconf.Params{})
	next, _ := controller(t, a)
	caller := newPhone(t, "127.0.0.2", "13800000000", a.Params.SIPListen)
	caller.invite("12345", "")
	s := next()
	if strings.Join(s.Args, " ") != "entry 12345" {
		t.Fatalf("application arguments %q, want entry, 12345 and no arrival: nobody was held", s.Args)
	}
	if s.Channel.State != "Ring" {
		t.Errorf("the channel is %s, want Ring: only the controller answers", s.Channel.State)
	}
	if !strings.HasPrefix(s.Channel.ID, a.Params.Node+"-") {
		t.Errorf("channel id %s does not begin with the node's name", s.Channel.ID)
	}
}

func arrival(t *testing.T, arg string) time.Time {
	t.Helper()
	if !regexp.MustCompile(`^\d+\.\d{3}$`).MatchString(arg) {
		t.Fatalf("arrival %q, want seconds with three decimals", arg)
	}
	seconds, err := strconv.ParseFloat(arg, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(int64(seconds * 1000))
}

func TestWhoMayCall(t *testing.T) {
	fixed := newPhone(t, "127.0.0.1", "whoever", netip.AddrPort{})
	a := startAsterisk(t, asteriskconf.Params{Seats: []asteriskconf.Seat{
		{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Contact: "sip:" + fixed.addr().String()},
	}})
	next, _ := controller(t, a)
	sip := a.Params.SIPListen
	fixed.peer = sip

	t.Run("unknown number of the carrier", func(t *testing.T) {
		p := newPhone(t, "127.0.0.2", "13800000000", sip)
		p.invite("99999", "")
		p.expectStatus("404")
	})
	t.Run("stranger", func(t *testing.T) {
		p := newPhone(t, "127.0.0.3", "13800000000", sip)
		p.invite("12345", "")
		p.expectStatus("401")
	})
	t.Run("seat without password", func(t *testing.T) {
		p := newPhone(t, "127.0.0.1", "seat-1001", sip)
		p.invite("*11", "")
		p.expectStatus("401")
	})
	t.Run("seat with a wrong password", func(t *testing.T) {
		p := newPhone(t, "127.0.0.1", "seat-1001", sip)
		p.invite("*11", "")
		challenge := p.expectStatus("401")
		p.invite("*11", p.authorization(challenge, "INVITE", p.uri("*11"), "not-the-password"))
		p.expectStatus("401")
	})
	t.Run("fixed seat from another port", func(t *testing.T) {
		p := newPhone(t, "127.0.0.1", "seat-1002", sip)
		p.invite("*11", "")
		p.expectStatus("401")
	})
	t.Run("seat with its password", func(t *testing.T) {
		p := newPhone(t, "127.0.0.1", "seat-1001", sip)
		p.invite("*118001", "")
		challenge := p.expectStatus("401")
		p.invite("*118001", p.authorization(challenge, "INVITE", p.uri("*118001"), "a-seat-password"))
		if s := next(); strings.Join(s.Args, " ") != "seat 1001 *118001" {
			t.Errorf("application arguments %q, want seat 1001 *118001", s.Args)
		}
	})
	t.Run("fixed seat", func(t *testing.T) {
		fixed.t = t
		fixed.invite("*12", "")
		if s := next(); strings.Join(s.Args, " ") != "seat 1002 *12" {
			t.Errorf("application arguments %q, want seat 1002 *12", s.Args)
		}
	})
	t.Run("seat registers", func(t *testing.T) {
		p := newPhone(t, "127.0.0.1", "seat-1001", sip)
		server := "sip:" + sip.String()
		self := "<sip:seat-1001@" + sip.String() + ">"
		p.request("REGISTER", server, self, "Expires: 120\r\n", "")
		challenge := p.expectStatus("401")
		p.request("REGISTER", server, self, "Expires: 120\r\n"+p.authorization(challenge, "REGISTER", server, "a-seat-password"), "")
		p.expectStatus("200")
	})
	t.Run("seat dials something else", func(t *testing.T) {
		fixed.t = t
		fixed.invite("13800000000", "")
		fixed.expectStatus("503")
	})
}

func TestSeatIsToldWhenNoControllerIsThere(t *testing.T) {
	fixed := newPhone(t, "127.0.0.1", "whoever", netip.AddrPort{})
	a := startAsterisk(t, asteriskconf.Params{Seats: []asteriskconf.Seat{{Name: "1002", Contact: "sip:" + fixed.addr().String()}}})
	fixed.peer = a.Params.SIPListen
	fixed.invite("*12", "")
	to := fixed.answered("*12").get("To")
	fixed.sound(20)
	t.Run("and may not transfer the call", func(t *testing.T) {
		fixed.t = t
		fixed.request("REFER", fixed.uri("*12"), to, "Refer-To: <"+fixed.uri("*13")+">\r\n", "")
		fixed.expectStatus("603")
	})
	fixed.t = t
	bye := fixed.receive("BYE", func(m message) bool { return strings.HasPrefix(m.start, "BYE ") })
	fixed.reply(bye, "200 OK", "")
}

func TestCallerWaitsForTheControllerAndKeepsTheArrival(t *testing.T) {
	a := startAsterisk(t, asteriskconf.Params{FallbackAfter: time.Minute})
	caller := newPhone(t, "127.0.0.2", "13800000000", a.Params.SIPListen)
	before := time.Now()
	caller.invite("12345", "")
	caller.answered("12345")
	caller.sound(100) // the prompt
	next, _ := controller(t, a)
	s := next()
	if s.Channel.State != "Up" || len(s.Args) != 3 || s.Args[0] != "entry" || s.Args[1] != "12345" {
		t.Fatalf("got %+v, want an answered call to the entry 12345", s)
	}
	if off := arrival(t, s.Args[2]).Sub(before); off < -time.Second || off > time.Second {
		t.Errorf("arrival %s is %v off: it must be the first, not that of the last try", s.Args[2], off)
	}
}

// Whoever could transfer or subscribe would move calls past the controller.
func TestNoEndpointMayTransferOrSubscribe(t *testing.T) {
	a := startAsterisk(t, asteriskconf.Params{Seats: []asteriskconf.Seat{
		{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Contact: "sip:127.0.0.1:5099"},
	}})
	endpoints := []string{"seat-1001", "seat-1002"}
	for _, trunk := range a.Params.Trunks {
		endpoints = append(endpoints, trunk.Name)
	}
	if len(endpoints) < 3 {
		t.Fatal("no trunk to look at")
	}
	for _, endpoint := range endpoints {
		shown, err := a.CLI(t.Context(), "pjsip show endpoint "+endpoint)
		if err != nil {
			t.Fatal(err)
		}
		for _, option := range []string{"allow_transfer", "allow_subscribe"} {
			if !regexp.MustCompile(`(?m)^\s*` + option + `\s*: false\s*$`).MatchString(shown) {
				t.Errorf("%s of %s is not off", option, endpoint)
			}
		}
	}
}

func TestSeatsAreRungWhenNoControllerComes(t *testing.T) {
	seat := newPhone(t, "127.0.0.1", "whoever", netip.AddrPort{})
	a := startAsterisk(t, asteriskconf.Params{
		FallbackAfter: time.Second,
		Seats:         []asteriskconf.Seat{{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Contact: "sip:" + seat.addr().String()}},
	})
	seat.peer = a.Params.SIPListen
	caller := newPhone(t, "127.0.0.2", "13800000000", a.Params.SIPListen)
	caller.invite("12345", "")
	caller.answered("12345")
	caller.sound(50)

	invite := seat.receive("INVITE", func(m message) bool { return strings.HasPrefix(m.start, "INVITE ") })
	if from := invite.get("From"); !strings.Contains(from, "13800000000") {
		t.Errorf("the seat sees %q, want the caller's number", from)
	}
	seat.reply(invite, "200 OK", seat.sdp())
	seat.receive("ACK", func(m message) bool { return strings.HasPrefix(m.start, "ACK ") })

	// What the caller says, a byte that neither prompt nor music holds for a
	// whole packet, arrives at the seat.
	caller.speak(0x2a)
	seat.media(10, func(payload []byte) bool {
		return len(payload) == 160 && strings.Count(string(payload), "\x2a") == 160
	})
}
