package phonescript

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/devstack"
	"hotline/internal/phone"
)

// exchange starts an Asterisk whose seats are the script's agents. With no
// controller connected, its dialplan greets callers, plays music, and after a
// second rings the seats.
func exchange(t *testing.T, script *Script, password func(seat string) string) *devstack.Asterisk {
	t.Helper()
	if _, err := devstack.Lookup(); err != nil {
		t.Fatal(err)
	}
	var seats []asteriskconf.Seat
	for seat, contact := range script.Contacts() {
		s := asteriskconf.Seat{Name: seat, Password: password(seat)}
		if s.Password == "" {
			s.Contact = contact
		}
		seats = append(seats, s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := devstack.StartAsterisk(ctx, filepath.Join(t.TempDir(), "asterisk"), asteriskconf.Params{
		Seats: seats, FallbackAfter: time.Second,
		Trunks: []asteriskconf.Trunk{{Name: "carrier", Match: []string{script.CallersAddr().Addr().String()}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := script.SetServer(a.Params.SIPListen.String()); err != nil {
		t.Fatal(err)
	}
	return a
}

func secret(seat string) string { return "secret-of-" + seat }

// TestThroughAsterisk plays agents and callers through a real Asterisk: seats
// that register with a password, and seats known by their address.
func TestThroughAsterisk(t *testing.T) {
	for name, registers := range map[string]bool{"registered": true, "static": false} {
		t.Run(name, func(t *testing.T) {
			s := direct()
			s.Duration, s.WindDown = 2*time.Second, 40*time.Second
			s.Agents.Seats, s.Agents.Account, s.Agents.Start = "8001-8005", "seat-{seat}", []string{"*12"}
			s.Agents.Register, s.Agents.OwnSockets = registers, !registers
			s.Agents.Answer = Spread{Min: 100 * time.Millisecond, Max: 400 * time.Millisecond}
			s.Callers.Dial, s.Callers.Total, s.Callers.AtOnce = "12345", 12, 12
			password := func(string) string { return "" }
			if registers {
				password = secret
				s.Agents.Passwords = map[string]string{}
				for n := 8001; n <= 8005; n++ {
					seat := fmt.Sprint(n)
					s.Agents.Passwords[seat] = secret(seat)
				}
			}
			script, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			defer script.Close()
			a := exchange(t, script, password)
			sum, err := script.Run(t.Context())
			if err != nil || !sum.OK() || sum.Verified != 12 || sum.Seated != 5 {
				t.Errorf("%v\n%+v\n%s", err, sum, a.Log())
			}
			t.Logf("%+v", sum)
		})
	}
}

// TestOnePhoneAtAsterisk looks at what single phones see of a real Asterisk.
func TestOnePhoneAtAsterisk(t *testing.T) {
	s := direct()
	s.Agents.Seats = "8001"
	script, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	a := exchange(t, script, secret)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server := a.Params.SIPListen.String()
	open := func(addr string, cfg phone.Config) *phone.Phone {
		cfg.Server = server
		p, err := phone.New(addr, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p
	}
	if err := open("127.0.0.1:0", phone.Config{User: "x", Account: "seat-8001", Password: "wrong"}).Register(ctx); err == nil {
		t.Error("a wrong password registers")
	}
	if err := open("127.0.0.1:0", phone.Config{User: "x", Account: "seat-8001"}).Register(ctx); err == nil {
		t.Error("no password registers")
	}
	seat := open("127.0.0.1:0", phone.Config{User: "8001", Account: "seat-8001", Password: secret("8001")})
	if err := seat.Register(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := open("127.0.0.3:0", phone.Config{User: "1"}).Call(ctx, "12345", phone.CallOptions{}); err == nil {
		t.Error("a call from an unknown address is taken")
	}
	tone, err := phone.ToneAt(9)
	if err != nil {
		t.Fatal(err)
	}
	// The dialplan refuses numbers that are no entry.
	caller := open("127.0.0.2:0", phone.Config{User: "13900000001", Tone: tone})
	if _, err := caller.Call(ctx, "110", phone.CallOptions{}); err == nil {
		t.Error("110 is answered")
	}
	c, err := caller.Call(ctx, "12345", phone.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Hold(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Resume(ctx); err != nil {
		t.Error(err)
	}
	if err := c.SendDTMF("12#"); err != nil {
		t.Error(err)
	}
	if err := seat.Unregister(ctx); err != nil {
		t.Error(err)
	}
	// A code dialled by a seat that is challenged for its password.
	code, err := seat.Call(ctx, "*12", phone.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if end, err := code.WaitEnded(ctx); err != nil || end.By != phone.Far {
		t.Errorf("%v %+v", err, end)
	}
	// Prompts and music were heard all the while, and no tone in them.
	if st := c.Stats(); st.FirstSound.IsZero() || st.Lost > 0 || len(c.Hearings()) > 0 {
		t.Errorf("%+v %v", st, c.Hearings())
	}
	c.Hangup()
}
