package asterisk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestWhenTheCallsOfANodeCountAsLost(t *testing.T) {
	opt := Options{DeadAfter: 3 * time.Second, SilentAfter: 60 * time.Second}
	refused := fmt.Errorf("GET events: %w", syscall.ECONNREFUSED)
	silent := fmt.Errorf("GET events: %w", os.ErrDeadlineExceeded)
	answers := fmt.Errorf("GET events: %w", &statusError{code: 503})
	type attempt struct {
		at  float64 // seconds
		err error
	}
	for name, c := range map[string]struct {
		attempts []attempt
		lost     float64 // when; 0: never
		why      string
	}{
		"Asterisk has died":          {[]attempt{{0, errors.New("EOF")}, {0.1, refused}, {1, refused}, {3, refused}, {3.1, refused}, {9, refused}}, 3.1, "has refused connections"},
		"Asterisk is started again":  {[]attempt{{0, refused}, {2, refused}, {2.5, answers}, {3.5, refused}}, 0, ""},
		"the machine is off":         {[]attempt{{0, silent}, {30, silent}, {59, silent}, {60, silent}, {90, silent}}, 60, "has not answered"},
		"off, and on without it":     {[]attempt{{0, silent}, {30, silent}, {40, refused}, {42, refused}, {43, refused}}, 43, "has refused connections"},
		"now and then refused":       {[]attempt{{0, refused}, {2, silent}, {4, refused}, {6, silent}, {8, refused}}, 0, ""},
		"the password is wrong":      {[]attempt{{0, &statusError{code: 401}}, {100, &statusError{code: 401}}, {200, &statusError{code: 401}}}, 0, ""},
		"told once, however long on": {[]attempt{{0, refused}, {3, refused}, {100, silent}}, 3, "has refused connections"},
	} {
		t.Run(name, func(t *testing.T) {
			began, lost := time.Now(), 0.0
			var o outage
			for _, a := range c.attempts {
				now := began.Add(time.Duration(a.at * float64(time.Second)))
				if why := o.failed(now, a.err, opt); why != "" {
					if lost != 0 || why != c.why {
						t.Errorf("after %v s: %q; before after %v s", a.at, why, lost)
					}
					lost = a.at
				}
			}
			if lost != c.lost {
				t.Errorf("lost after %v s, want %v", lost, c.lost)
			}
		})
	}
}

// The next attempt comes when the time is up, not when a longer pause ends.
func TestNoPauseOutlastsTheTimeThatIsLeft(t *testing.T) {
	opt, now := Options{DeadAfter: 3 * time.Second, SilentAfter: 60 * time.Second}, time.Now()
	var o outage
	if left := o.left(now, opt); left < time.Hour {
		t.Errorf("%v left of nothing", left)
	}
	o.failed(now, os.ErrDeadlineExceeded, opt)
	if left := o.left(now.Add(10*time.Second), opt); left != 50*time.Second {
		t.Errorf("%v left while nothing answers", left)
	}
	o.failed(now.Add(20*time.Second), syscall.ECONNREFUSED, opt)
	if left := o.left(now.Add(21*time.Second), opt); left != 2*time.Second {
		t.Errorf("%v left while connections are refused", left)
	}
	o.failed(now.Add(23*time.Second), syscall.ECONNREFUSED, opt)
	if left := o.left(now.Add(24*time.Second), opt); left < time.Hour {
		t.Errorf("%v left although it is over", left)
	}
}
