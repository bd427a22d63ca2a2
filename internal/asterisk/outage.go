package asterisk

import (
	"errors"
	"math"
	"syscall"
	"time"
)

// outage is a stretch in which a node cannot be connected. Where nobody listens
// Asterisk does not run, and its calls are gone. Where nothing answers, the
// machine may be off or only the way to it cut, so there is more patience.
type outage struct {
	refused time.Time // since when connections are refused; zero while they are not
	silent  time.Time // since when nothing was heard of the node; zero after any word
	lost    bool      // its calls count as lost already
}

// failed notes a failed attempt to connect. The answer is what the node has done
// for so long that its calls count as lost from now on, or empty.
func (o *outage) failed(now time.Time, err error, opt Options) (why string) {
	if statusOf(err) != 0 {
		o.refused, o.silent = time.Time{}, time.Time{} // Asterisk says no, and so is there
		return ""
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		o.refused = time.Time{}
	} else if o.refused.IsZero() {
		o.refused = now
	}
	if o.silent.IsZero() {
		o.silent = now
	}
	switch {
	case o.lost:
		return ""
	case !o.refused.IsZero() && now.Sub(o.refused) >= opt.DeadAfter:
		why = "has refused connections"
	case now.Sub(o.silent) >= opt.SilentAfter:
		why = "has not answered"
	}
	o.lost = why != ""
	return why
}

// left is the time until the calls of the node count as lost, if it stays so.
func (o *outage) left(now time.Time, opt Options) time.Duration {
	if o.lost || o.silent.IsZero() {
		return math.MaxInt64
	}
	left := opt.SilentAfter - now.Sub(o.silent)
	if !o.refused.IsZero() {
		left = min(left, opt.DeadAfter-now.Sub(o.refused))
	}
	return left
}
