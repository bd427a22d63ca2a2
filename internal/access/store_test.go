package access_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/access"
	"hotline/internal/access/accesstest"
)

func TestMemoryConforms(t *testing.T) { accesstest.Conform(t, &accesstest.Memory{}) }

// Who is logged in goes on while the store is away, for an hour; nobody else comes in.
func TestTheStoreIsAway(t *testing.T) {
	h := build(t)
	ctx := t.Context()
	maker, secret := h.login(boss, bossPassword)
	_, token, err := h.CreateToken(ctx, maker, "board", []access.Permission{access.ReadQueues}, h.now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	_, unseen := h.login(boss, bossPassword)
	if err := h.in(secret); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Token(ctx, token); err != nil {
		t.Fatal(err)
	}
	h.store.GoAway(true)
	asked := h.store.Asked()
	for range int(access.CacheBound/time.Minute) - 1 {
		h.now = h.now.Add(time.Minute)
		for range 10 {
			if err := h.in(secret); err != nil {
				t.Fatalf("after %v: %v", h.now, err)
			}
			if _, err := h.Token(ctx, token); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := h.store.Asked() - asked; n > 3*int(access.CacheBound/time.Minute) {
		t.Errorf("the store that is away was asked %d times", n)
	}
	want(t, h.in(unseen), access.Away, "redis_away")
	_, _, err = h.Login(ctx, boss, bossPassword, here)
	if r := want(t, err, access.Away, "redis_away"); !strings.Contains(r.Text, "nobody can log in while Redis is away") {
		t.Error(r.Text)
	}
	if !errors.Is(err, accesstest.ErrAway) {
		t.Error("the cause is lost")
	}
	h.now = h.now.Add(time.Minute)
	want(t, h.in(secret), access.Away, "redis_away")
	if _, err := h.Token(ctx, fileToken); err != nil {
		t.Error("the token of the file: ", err)
	}
	h.store.GoAway(false)
	h.now = h.now.Add(3 * time.Second)
	if err := h.in(secret); err != nil {
		t.Error("it is back, and the session was used all the time: ", err)
	}
}

// A store that hangs holds up whoever finds that out, for half a second, and nobody else.
func TestTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &accesstest.Memory{}
		g := access.New(access.Options{Store: store})
		if _, err := g.CreateAdmin(t.Context(), boss, bossPassword); err != nil {
			t.Fatal(err)
		}
		_, secret, err := g.Login(t.Context(), boss, bossPassword, here)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Session(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		store.Hang(true)
		for round := range 4 {
			time.Sleep(3 * time.Second)
			var work sync.WaitGroup
			var held atomic.Int32
			for range 50 {
				work.Go(func() {
					began := time.Now()
					if _, err := g.Session(t.Context(), secret); err != nil {
						t.Error(err)
					}
					switch took := time.Since(began); {
					case took > 500*time.Millisecond:
						t.Errorf("a request took %v", took)
					case took > 0:
						held.Add(1)
					}
				})
			}
			if work.Wait(); round > 0 && held.Load() != 1 {
				t.Errorf("%d of 50 requests were held up", held.Load())
			}
		}
		store.Hang(false)
		time.Sleep(3 * time.Second)
		if _, err := g.Session(t.Context(), secret); err != nil {
			t.Error(err)
		}
	})
}
