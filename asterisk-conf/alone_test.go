package asteriskconf_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	asteriskconf "hotline/asterisk-conf"
	softphone "hotline/internal/phone"
)

// listen reads what the caller hears for a while: the longest time without a packet,
// and the longest with nothing but silence.
func (p *phone) listen(d time.Duration) (gap, silence time.Duration) {
	p.t.Helper()
	end := time.Now().Add(d)
	last, sounded := time.Now(), time.Now()
	buffer := make([]byte, 2048)
	for time.Now().Before(end) {
		if err := p.rtp.SetReadDeadline(time.Now().Add(patience)); err != nil {
			p.t.Fatal(err)
		}
		size, err := p.rtp.Read(buffer)
		if err != nil {
			p.t.Fatalf("nothing is heard any more: %v", err)
		}
		now := time.Now()
		gap, last = max(gap, now.Sub(last)), now
		if size > 12 && loud(buffer[12:size]) {
			sounded = now
		}
		silence = max(silence, now.Sub(sounded))
	}
	return gap, silence
}

// Nobody hears a dead line while no controller is there: not at the prompt, not
// between the tries, and not while the seats are rung in vain.
func TestCallerHearsSomethingAllTheTimeWithoutAController(t *testing.T) {
	seat := newPhone(t, "127.0.0.1", "whoever", netip.AddrPort{})
	a := startAsterisk(t, asteriskconf.Params{
		FallbackAfter: 8 * time.Second,
		Seats:         []asteriskconf.Seat{{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Contact: "sip:" + seat.addr().String()}},
	})
	seat.peer = a.Params.SIPListen
	caller := newPhone(t, "127.0.0.2", "13800000000", a.Params.SIPListen)
	began := time.Now()
	caller.invite("12345", "")
	caller.answered("12345")
	t.Logf("answered after %v", time.Since(began))
	gap, silence := caller.listen(14 * time.Second)
	t.Logf("longest gap %v, longest silence %v", gap, silence)
	if gap > time.Second || silence > 1500*time.Millisecond {
		t.Errorf("%v without a packet, %v of silence", gap, silence)
	}
	seat.receive("INVITE", func(m message) bool { return strings.HasPrefix(m.start, "INVITE ") }) // it was rung meanwhile
}

// When no controller comes, a phone at which nobody sits does not keep callers from
// those at which somebody does, and who lifts and the caller hear each other.
func TestSeatThatDoesNotAnswerIsPassedOver(t *testing.T) {
	a := startAsterisk(t, asteriskconf.Params{
		FallbackAfter: time.Second,
		Seats:         []asteriskconf.Seat{{Name: "1001", Password: "a-seat-password"}, {Name: "1002", Password: "a-seat-password"}},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
	defer cancel()
	made := func(addr, user, password string, tone int) *softphone.Phone {
		tn, err := softphone.ToneAt(tone)
		if err != nil {
			t.Fatal(err)
		}
		p, err := softphone.New(addr, softphone.Config{User: user, Password: password, Server: a.Params.SIPListen.String(), Tone: tn})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return p
	}
	rang := make(chan *softphone.Call, 8)
	var mu sync.Mutex
	began, empty := time.Now(), "" // guarded by mu
	for i, name := range []string{"1001", "1002"} {
		p := made("127.0.0.1:0", "seat-"+name, "a-seat-password", 1+i)
		if err := p.Register(ctx); err != nil {
			t.Fatal(err)
		}
		p.SetPlan(func(c *softphone.Call) softphone.Plan {
			mu.Lock()
			defer mu.Unlock()
			t.Logf("seat %s is rung after %v", name, time.Since(began).Round(time.Second))
			if empty == "" || empty == name { // nobody sits at the first that is rung
				empty = name
				return softphone.RingOn()
			}
			rang <- c
			return softphone.AnswerAfter(100 * time.Millisecond)
		})
	}
	caller := made("127.0.0.2:0", "13800000000", "", 3)
	mu.Lock()
	began = time.Now()
	mu.Unlock()
	c, err := caller.Dial("12345", softphone.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var seat *softphone.Call
	select {
	case seat = <-rang:
	case <-ctx.Done():
		t.Fatal("only the phone is rung at which nobody sits")
	}
	if _, err := c.WaitTone(ctx, seat.Phone().Tone()); err != nil {
		t.Error(err)
	}
	if _, err := seat.WaitTone(ctx, caller.Tone()); err != nil {
		t.Error(err)
	}
	c.Hangup()
	if _, err := seat.WaitEnded(ctx); err != nil {
		t.Error(err)
	}
}
