package runner

import "time"

const (
	// slewEvery is how often the engine's time is compared with the system's.
	slewEvery = 5 * time.Second
	// slewStep is by how much it is corrected then at the most: 500 ppm, the
	// rate at which NTP itself slews, so that no duration is off by more.
	slewStep = 2500 * time.Microsecond
	// stepped is a difference that no drift explains: somebody set the clock.
	stepped = time.Second
)

// clock tells the engine's time. It begins as the system's and is carried on by
// the monotonic clock, so that a system clock that is set in mid-call neither
// stretches a wait nor stalls a timer. Drift is followed slowly; a clock that
// was set is reported and not followed.
//
// Its times carry no monotonic reading: what the engine subtracts is then just
// what a reader of the records subtracts, to the nanosecond.
type clock struct {
	anchor time.Time // with its monotonic reading
	wall   time.Time // the engine's time at anchor
}

func newClock(now time.Time) *clock { return &clock{anchor: now, wall: now.Round(0)} }

// at turns a moment read by time.Now into the engine's time.
func (c *clock) at(t time.Time) time.Time { return c.wall.Add(t.Sub(c.anchor)) }

// until is how long it takes from the moment now to an engine's time.
func (c *clock) until(due, now time.Time) time.Duration { return due.Sub(c.at(now)) }

// slew follows the system's drift and returns by how much that clock is ahead.
func (c *clock) slew(now time.Time) (ahead time.Duration) {
	ahead = now.Round(0).Sub(c.at(now))
	c.wall, c.anchor = c.at(now).Add(min(max(ahead, -slewStep), slewStep)), now
	return ahead
}
