package access_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
)

func TestWrongLoginsHaveOneAnswer(t *testing.T) {
	h := build(t)
	disabled := true
	if _, err := h.CreateAdmin(t.Context(), "other", bossPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), "other", access.Change{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for name, password := range map[string]string{
		boss: "wrong", "nobody": bossPassword, "other": bossPassword, "../../etc": "x", "": bossPassword, strings.Repeat("a", 1000): "x",
		"hotline:{lyg}": "x", "bo ss": bossPassword, "boss\x00": bossPassword, "ｂｏｓｓ2": strings.Repeat("x", 100_000),
	} {
		_, _, err := h.Login(t.Context(), name, password, here)
		texts[want(t, err, access.NotLoggedIn, "wrong_login").Text] = true
	}
	if len(texts) != 1 {
		t.Errorf("several answers: %v", texts)
	}
	noted := 0
	entries, _ := h.Audit(t.Context(), "", 100)
	for _, e := range entries {
		if e.Who == "other" && e.Result == "wrong_login" {
			noted++
		}
	}
	if noted != 1 {
		t.Errorf("the login of a user who is disabled is noted %d times", noted)
	}
}

// Whoever measures how long the answer takes must not learn which users there are: each
// takes one hash of the same cost, which is told by the memory that it needs.
func TestUnknownUsersTakeAsMuch(t *testing.T) {
	h := build(t)
	yes := true
	if _, err := h.CreateAdmin(t.Context(), "other", bossPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), "other", access.Change{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]string{boss: "wrong", "nobody": "wrong", "other": bossPassword, "li": strings.Repeat("x", 50_000), "no/name": "x"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := h.Login(t.Context(), name, password, here)
		runtime.ReadMemStats(&after)
		want(t, err, access.NotLoggedIn, "wrong_login")
		if mib := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20); mib < 19 || mib > 20 {
			t.Errorf("a login as %s takes %.1f MiB", name, mib)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	g := access.New(access.Options{Store: &accesstest.Memory{}})
	if _, err := g.CreateAdmin(b.Context(), boss, bossPassword); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, _, err := g.Login(b.Context(), boss, bossPassword, here)
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Logout(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoginIsSlowedAndNobodyLockedOut(t *testing.T) {
	access.Cheap(t)
	h := build(t)
	ctx := t.Context()
	p, _ := h.login(boss, bossPassword)
	known := access.Origin{Address: here.Address, Device: p.Device}
	guess := func(from access.Origin) (guesses int, wait time.Duration) {
		for range 1000 {
			_, _, err := h.Login(ctx, boss, "wrong", from)
			var r *access.Refusal
			if errors.As(err, &r) && r.Kind == access.TooMany {
				if r.Code != "too_many_attempts" || r.Wait <= 0 {
					t.Errorf("%+v", r)
				}
				return guesses, r.Wait
			}
			guesses++
		}
		t.Fatal("nothing slows guesses")
		return
	}
	stranger := access.Origin{Address: "192.0.2.1"}
	if n, _ := guess(stranger); n > 10 {
		t.Errorf("%d guesses from one address at once", n)
	}
	total := 0
	for i := range 10 {
		n, _ := guess(access.Origin{Address: fmt.Sprint("192.0.2.", 10+i)})
		total += n
	}
	if total > 12 {
		t.Errorf("%d guesses at one user from many addresses", total)
	}
	// The delay grows.
	began, most := h.now, time.Duration(0)
	for range 20 {
		_, wait := guess(stranger)
		most = max(most, wait)
		h.now = h.now.Add(wait)
	}
	if most < 14*time.Minute || h.now.Sub(began) < 2*time.Hour {
		t.Errorf("20 more guesses took %v, with a delay of %v at most", h.now.Sub(began), most)
	}
	// A known browser is not kept out by strangers, be they behind the same address.
	guess(here)
	guess(access.Origin{Address: here.Address, Device: strings.Repeat("A", 26)})
	enter := func(from access.Origin) error {
		p, _, err := h.Login(ctx, boss, bossPassword, from)
		if err == nil && p.Device != from.Device {
			t.Error("the device is another after a login")
		}
		return err
	}
	if err := enter(known); err != nil {
		t.Error("strangers keep a user out: ", err)
	}
	want(t, enter(here), access.TooMany, "too_many_attempts")
	// But by guesses with it, and not for ever.
	_, wait := guess(known)
	want(t, enter(known), access.TooMany, "too_many_attempts")
	h.now = h.now.Add(wait)
	if err := enter(known); err != nil {
		t.Error(err)
	}
	if n, _ := guess(known); n < 5 {
		t.Errorf("a right password has not forgiven what was wrong: %d", n)
	}
	// It is known for this user only, and not for ever.
	if n, _ := guess(access.Origin{Address: "198.51.100.9", Device: "A"}); n > 0 {
		t.Errorf("%d guesses with a made-up device", n)
	}
	// An address that tries many users is slowed, too; unknown ones like known ones.
	n := 0
	for i := range 200 {
		_, _, err := h.Login(ctx, fmt.Sprint("user", i), "wrong", access.Origin{Address: "2001:db8::" + fmt.Sprint(i)})
		var r *access.Refusal
		if errors.As(err, &r) && r.Kind == access.TooMany {
			break
		}
		n++
	}
	if n > 31 {
		t.Errorf("%d users were tried from one network", n)
	}
}
