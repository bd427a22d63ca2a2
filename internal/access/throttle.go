package access

import (
	"net/netip"
	"sync"
	"time"
)

// throttle slows guesses at passwords. What strangers do slows strangers: they cannot
// lock out whoever logs in with a browser of an earlier login.
//
// Failures are counted by user and address together, by user, and by address. A browser
// that shows a cookie of an earlier login of this user is counted by itself instead, be
// it behind the same address as the stranger or not (OWASP: Slow Down Online Guessing
// Attacks with Device Cookies).
type throttle struct {
	mu     sync.Mutex
	counts map[string]*failures // guarded by mu
}

// failures of one kind.
type failures struct {
	n    int
	last time.Time
}

// limit says how many failures cost nothing, and how long the delay after a failure
// grows: 1 s, 2 s, 4 s, up to most.
type limit struct {
	free int
	most time.Duration
}

var (
	pairLimit    = limit{free: 5, most: 15 * time.Minute}
	userLimit    = limit{free: 10, most: 15 * time.Minute}
	addressLimit = limit{free: 30, most: 5 * time.Minute} // a whole office may have one address
)

const (
	failuresKept = 24 * time.Hour // since the last one
	mostCounts   = 30_000         // some 4 MiB
)

func (l limit) delay(n int) time.Duration {
	if n < l.free {
		return 0
	}
	return min(time.Second<<min(n-l.free, 20), l.most)
}

// attempt is what is counted for one try.
type attempt struct {
	name, address string
	device        string // a known one, instead of the address; empty: a stranger's
}

func (a attempt) counts() map[string]limit {
	if a.device != "" {
		return map[string]limit{"device " + a.name + " " + a.device: pairLimit}
	}
	return map[string]limit{"pair " + a.name + " " + a.address: pairLimit, "user " + a.name: userLimit, "address " + a.address: addressLimit}
}

// begin counts a try as failed before it is examined, so that many at once do not
// slip through; or says how long to wait. What is refused so is not counted.
func (t *throttle) begin(a attempt, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := a.counts()
	for key, l := range counts {
		if f := t.counts[key]; f != nil && now.Sub(f.last) < failuresKept {
			wait = max(wait, f.last.Add(l.delay(f.n)).Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for key := range counts {
		f := t.counts[key]
		if f == nil || now.Sub(f.last) >= failuresKept {
			f = &failures{}
			t.makeRoom(now)
			t.counts[key] = f
		}
		f.n++
		f.last = now
	}
	return 0
}

// undo takes back what begin has counted: the password was right, or was not examined.
// A right one also forgives the failures of this user from there.
func (t *throttle) undo(a attempt, right bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, l := range a.counts() {
		f := t.counts[key]
		if f == nil {
			continue
		}
		if f.n--; f.n <= 0 || right && l == pairLimit {
			delete(t.counts, key)
		}
	}
}

// makeRoom forgets what is over, and else the oldest. t.mu is held.
func (t *throttle) makeRoom(now time.Time) {
	if t.counts == nil {
		t.counts = make(map[string]*failures)
	}
	if len(t.counts) < mostCounts {
		return
	}
	oldest := ""
	for key, f := range t.counts {
		switch {
		case now.Sub(f.last) >= failuresKept:
			delete(t.counts, key)
		case oldest == "" || f.last.Before(t.counts[oldest].last):
			oldest = key
		}
	}
	if len(t.counts) >= mostCounts {
		delete(t.counts, oldest)
	}
}

// place is what stands for an address: of IPv6 the network, since one customer has a
// whole one.
func place(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
