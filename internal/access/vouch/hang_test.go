package vouch

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/access"
)

type hangs struct{}

func (hangs) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// However many log in, each is told after five seconds.
func TestIssuerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := New(Options{URL: "https://sso.example"})
		i.client.Transport = hangs{}
		began := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, _, err := i.Begin(t.Context())
				if r, ok := err.(*access.Refusal); !ok || r.Code != IsAway || time.Since(began) > awayAfter+time.Second {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took < awayAfter || took > awayAfter+time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// What the address bar shows tells nothing of what the browser keeps.
func TestFlow(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	f, other := newFlow(now), newFlow(now)
	seen := map[string]bool{string(f): true, string(other): true}
	for _, text := range []string{f.state(), f.nonce(), f.verifier(), other.state(), other.nonce(), other.verifier()} {
		if len(text) != 43 || seen[text] {
			t.Errorf("%q", text)
		}
		seen[text] = true
	}
	for at, want := range map[time.Duration]bool{0: true, Lasts - time.Second: true, Lasts: false, -time.Hour: false, -time.Second: true} {
		if got := f.good(now.Add(at)); got != want {
			t.Errorf("after %v: %v", at, got)
		}
	}
}
