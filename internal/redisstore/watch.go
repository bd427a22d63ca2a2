package redisstore

import "time"

const (
	// watchFor is how long a controller watches before it takes a lease that was not given
	// back: after an outage of Redis whoever leads connects again and keeps it first, for
	// nobody else knows what has happened meanwhile. watchGap is within which time Redis
	// must have answered, again and again; else the watch begins anew.
	watchFor = 2 * time.Second
	watchGap = time.Second
)

// watch is what a controller without the lease has seen of it.
type watch struct {
	since, last time.Time // without a gap
	token       uint64    // of the last lease
}

// enough reports whether whoever has the lease would have kept it meanwhile.
func (w *watch) enough(now time.Time, length time.Duration) bool {
	return length == 0 || !w.since.IsZero() && now.Sub(w.last) <= watchGap && now.Sub(w.since) >= length
}

// saw takes in that Redis has told the token of the last lease; a smaller one than before
// shows that it has lost what it had.
func (w *watch) saw(now time.Time, token uint64) {
	if w.since.IsZero() || now.Sub(w.last) > watchGap || token < w.token {
		w.since = now
	}
	w.last, w.token = now, token
}
