package phone

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// badLine is a SIP socket that loses the first copy of every message, or
// delivers every message twice.
type badLine struct {
	*net.UDPConn
	twice bool

	mu   sync.Mutex
	seen map[string]bool
	lost int
}

func (b *badLine) WriteToUDPAddrPort(message []byte, to netip.AddrPort) (int, error) {
	if b.twice {
		if _, err := b.UDPConn.WriteToUDPAddrPort(message, to); err != nil {
			return 0, err
		}
		return b.UDPConn.WriteToUDPAddrPort(message, to)
	}
	b.mu.Lock()
	first := !b.seen[string(message)]
	b.seen[string(message)] = true
	if first {
		b.lost++
	}
	b.mu.Unlock()
	if first {
		return len(message), nil
	}
	return b.UDPConn.WriteToUDPAddrPort(message, to)
}

// openBad opens a phone on a bad line.
func openBad(t *testing.T, ip string, twice bool, cfg Config) *Phone {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
	must(t, err)
	local := netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(conn.LocalAddr().(*net.UDPAddr).Port))
	p, err := newSite(&badLine{UDPConn: conn, twice: twice, seen: map[string]bool{}}, local).NewPhone(cfg)
	must(t, err)
	p.ownSite = true
	return closing(t, p)
}

func TestBadLines(t *testing.T) {
	for name, twice := range map[string]bool{"first copies lost": false, "everything twice": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			p := &pair{ctx: ctx, came: make(chan *Call, 8)}
			plan := AnswerAfter(0)
			p.a = openBad(t, "127.0.0.2", twice, Config{User: "139"})
			p.b = openBad(t, "127.0.0.1", twice, Config{User: "8001", OnInvite: func(c *Call) Plan { p.came <- c; return plan }})

			a, b := p.connect(t)
			must(t, a.Hold(ctx))
			must(t, a.Resume(ctx))
			a.Hangup()
			if end := p.ended(t, b); end.By != Far {
				t.Errorf("the callee's end: %+v", end)
			}
			p.acknowledged(t, b)

			a, b = p.connect(t)
			b.Hangup() // before the ACK, when that is lost
			if end := p.ended(t, a); end.By != Far {
				t.Errorf("the caller's end: %+v", end)
			}

			p.b.SetPlan(func(c *Call) Plan { p.came <- c; return RefuseAfter(0, 486) })
			if _, err := p.a.Call(ctx, p.b.Contact(), CallOptions{}); err == nil {
				t.Error("a refused call is answered")
			}
			p.acknowledged(t, <-p.came)

			p.b.SetPlan(func(c *Call) Plan { p.came <- c; return RingOn() })
			a, err := p.a.Dial(p.b.Contact(), CallOptions{})
			must(t, err)
			b = <-p.came
			a.Hangup()
			if end := p.ended(t, b); end.By != Far || end.Status != 487 {
				t.Errorf("the callee's end: %+v", end)
			}
			p.acknowledged(t, b)
			select {
			case c := <-p.came:
				t.Errorf("a repeated INVITE became a second call: %+v", c.Times())
			default:
			}
		})
	}
}

// acknowledged waits until the callee's final response has been acknowledged.
func (p *pair) acknowledged(t *testing.T, b *Call) {
	t.Helper()
	waitFor(t, p.ctx, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return !b.awaitsAck
	})
}
