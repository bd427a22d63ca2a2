package bulletin

import (
	"time"

	"hotline/internal/calendar"
)

// RollingQuarters are the quarter-hours that Rolling looks at: those of the windows that
// end within 24 hours.
const RollingQuarters = 2 * windowIntervals

// Quarter is what was offered and answered in a quarter-hour.
type Quarter struct {
	Start             time.Time
	Offered, Answered int64
}

// Rolling gives the window of the last 24 hours of RollingQuarters quarter-hours without
// a break, and of all that end within them the one with the lowest connect rate, the
// earliest of equal ones; nil when none has calls.
func Rolling(quarters []Quarter) (last Window, worst *Window) {
	var windows slider
	for _, q := range quarters {
		windows.add(quarter{start: q.Start, offered: q.Offered, answered: q.Answered}, true)
	}
	n := len(windows.last)
	if n == 0 {
		return Window{}, nil
	}
	return Window{windows.last[0].start, windows.last[n-1].start.Add(calendar.IntervalLength), windows.offered, windows.answered}, windows.worst
}
