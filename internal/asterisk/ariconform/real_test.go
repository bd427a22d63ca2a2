package ariconform_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/asterisk/ariconform"
	"hotline/internal/devstack"
	"hotline/internal/phone"
)

const seatSecret = "secretsecret"

// realSite is a real Asterisk with real phones. It serves one scenario at a time.
type realSite struct {
	dir    string
	a      *devstack.Asterisk
	http   *http.Transport
	phones map[string]*phone.Phone
	mu     sync.Mutex
	plans  map[string]phone.Plan       // guarded by mu
	rang   map[string]chan *phone.Call // what has come in at each phone
	socket *net.TCPConn                // guarded by mu; of the event connection
}

func newRealSite(t *testing.T) *realSite {
	t.Helper()
	if _, err := devstack.Lookup(); err != nil {
		t.Fatalf("these tests run on a real Asterisk: %v", err)
	}
	s := &realSite{
		dir: t.TempDir(), phones: map[string]*phone.Phone{}, plans: map[string]phone.Plan{}, rang: map[string]chan *phone.Call{},
		http: &http.Transport{DisableCompression: true, IdleConnTimeout: 10 * time.Second},
	}
	s.http.DialContext = s.dialTCP
	t.Cleanup(s.http.CloseIdleConnections)
	outside := freePort(t, "127.0.0.2")
	noErr(t, s.start(asteriskconf.Params{
		Node: "a1", Trunks: []asteriskconf.Trunk{{Name: "carrier", Match: []string{"127.0.0.2"}, Contact: "sip:" + outside}},
		Seats: []asteriskconf.Seat{{Name: "8001", Password: seatSecret}, {Name: "8002", Password: seatSecret}},
	}))
	// Not Stop: a scenario leaves a channel in its memory, for whose end it would wait.
	t.Cleanup(func() { s.a.Kill() })
	server := s.a.Params.SIPListen.String()
	s.add(t, ariconform.Carrier, "127.0.0.2:0", 2, phone.Config{User: ariconform.Carrier, Server: server, Lines: 9})
	s.add(t, ariconform.Outside, outside, 3, phone.Config{User: ariconform.Outside, Server: server})
	s.add(t, "8001", "127.0.0.1:0", 1, phone.Config{User: "seat-8001", Password: seatSecret, Server: server})
	noErr(t, s.phones["8001"].Register(t.Context()))
	return s
}

func (s *realSite) start(p asteriskconf.Params) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.a, err = devstack.StartAsterisk(ctx, s.dir, p)
	return err
}

func (s *realSite) add(t *testing.T, name, addr string, tone int, cfg phone.Config) {
	t.Helper()
	var err error
	cfg.Tone, err = phone.ToneAt(tone)
	noErr(t, err)
	rang := make(chan *phone.Call, 100)
	cfg.OnInvite = func(c *phone.Call) phone.Plan {
		s.mu.Lock()
		defer s.mu.Unlock()
		rang <- c
		return s.plans[name]
	}
	p, err := phone.New(addr, cfg)
	noErr(t, err)
	t.Cleanup(func() { noErr(t, p.Close()) })
	s.phones[name], s.rang[name] = p, rang
}

func (s *realSite) URL() string                  { return "http://" + s.a.Params.HTTPListen.String() }
func (s *realSite) Transport() http.RoundTripper { return s.http }
func (s *realSite) User() string                 { return s.a.Params.ARIUser }
func (s *realSite) Password() string             { return s.a.Params.ARIPassword }
func (s *realSite) Freeze()                      { _ = s.a.Pause() }
func (s *realSite) Thaw()                        { _ = s.a.Resume() }
func (s *realSite) Kill()                        { s.a.Kill() }

// Start lets the phone register too: an Asterisk that is killed may not have written
// down yet where the phone is.
func (s *realSite) Start() error {
	time.Sleep(time.Second) // which is how exact the ids of channels are: none is to return
	if err := s.start(s.a.Params); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.phones["8001"].Register(ctx)
}

func (s *realSite) Dial(from, number string) (ariconform.Call, error) {
	c, err := s.phones[from].Dial(number, phone.CallOptions{})
	if err != nil {
		return nil, err
	}
	return realCall{c, s}, nil
}

func (s *realSite) SetPlan(at string, p ariconform.Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[at] = phone.Plan{After: p.After, Status: p.Status}
	for len(s.rang[at]) > 0 {
		<-s.rang[at]
	}
}

func (s *realSite) Rung(ctx context.Context, at string) (ariconform.Call, error) {
	select {
	case c := <-s.rang[at]:
		return realCall{c, s}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the phone of %s does not ring: %w", at, ctx.Err())
	}
}

// watched is a connection that tells when it becomes the event connection.
type watched struct {
	*net.TCPConn
	site *realSite
}

func (s *realSite) dialTCP(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return watched{c.(*net.TCPConn), s}, nil
}

func (w watched) Write(data []byte) (int, error) {
	if bytes.HasPrefix(data, []byte("GET /ari/events")) {
		w.site.mu.Lock()
		w.site.socket = w.TCPConn
		w.site.mu.Unlock()
	}
	return w.TCPConn.Write(data)
}

func (s *realSite) LoseSocket() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.socket.CloseWrite()
}

type realCall struct {
	*phone.Call
	site *realSite
}

func (c realCall) WaitKeys(ctx context.Context, digits string) error { return c.WaitDTMF(ctx, digits) }

func (c realCall) HearsAnything(ctx context.Context) bool {
	const piece = 250 * time.Millisecond
	var before int
	for range 2 { // the first piece may have been on its way
		before = c.packets()
		select {
		case <-time.After(piece):
		case <-ctx.Done():
		}
	}
	return c.packets() > before+2
}

func (c realCall) packets() int { return int(c.Stats().Received) }

func (c realCall) Press(digits string) error { return c.SendDTMF(digits) }

func (c realCall) WaitEnded(ctx context.Context) (int, error) {
	end, err := c.Call.WaitEnded(ctx)
	return end.Status, err
}

func (c realCall) WaitHears(ctx context.Context, other string) error {
	_, err := c.WaitTone(ctx, c.site.phones[other].Tone())
	return err
}

// freePort is a UDP address that nobody has.
func freePort(t *testing.T, host string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", host+":0")
	noErr(t, err)
	defer c.Close()
	return c.LocalAddr().String()
}

func noErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRealAsterisk carries all scenarios out at two real Asterisks, which mostly wait.
func TestRealAsterisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	const nodes = 2
	sites := make(chan *realSite, nodes)
	for range nodes {
		sites <- newRealSite(t)
	}
	// The last ones take longest.
	for _, s := range slices.Backward(ariconform.Scenarios()) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			site := <-sites
			defer func() { sites <- site }()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			compare(t, s.Name, ariconform.Run(ctx, t, site, s))
			if t.Failed() && os.Getenv("ASTERISK_LOG") != "" {
				t.Log(site.a.Log())
			}
		})
	}
}
