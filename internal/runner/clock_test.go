package runner

import (
	"encoding/json"
	"testing"
	"time"
)

// A duration in memory must be that of the written record: the counters are
// made of the one, a recount of the other.
func TestClockAgreesWithWhatIsWritten(t *testing.T) {
	c := newClock(time.Now())
	from, to := c.at(time.Now()), c.at(time.Now().Add(1234567891*time.Nanosecond))
	var readFrom, readTo time.Time
	for _, p := range []struct {
		written time.Time
		read    *time.Time
	}{{from, &readFrom}, {to, &readTo}} {
		data, err := json.Marshal(p.written)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, p.read); err != nil {
			t.Fatal(err)
		}
	}
	if readTo.Sub(readFrom) != to.Sub(from) {
		t.Errorf("written %v apart, read %v apart", to.Sub(from), readTo.Sub(readFrom))
	}
	if from != from.Round(0) {
		t.Error("the engine's time carries a monotonic reading")
	}
}

func TestClockFollowsDriftSlowlyAndReportsAStep(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Millisecond, -time.Millisecond, time.Hour, -time.Hour} {
		now := time.Now()
		c := newClock(now)
		c.wall = c.wall.Add(-ahead) // the system's clock is ahead by that much
		later := now.Add(time.Minute)
		before := c.at(later)
		if got := c.slew(later); got != ahead {
			t.Errorf("slew says the clock is ahead by %v, not %v", got, ahead)
		}
		want := min(max(ahead, -slewStep), slewStep)
		if got := c.at(later).Sub(before); got != want {
			t.Errorf("ahead by %v: corrected by %v, not %v", ahead, got, want)
		}
		if got := c.until(c.at(later).Add(time.Second), later); got != time.Second {
			t.Errorf("a second from now is due in %v", got)
		}
	}
}
