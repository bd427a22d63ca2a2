package asterisk

import (
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// caught are callers whom the dialplan was holding when the connection was made, for
// want of a controller. Within seconds it hands them over, one by one, in no order;
// until all have come, nobody who came later is to be served.
type caught struct {
	since map[string]time.Time // by channel: when the caller came
	until time.Time            // when they are waited for no longer
	told  time.Time            // what the engine was told
}

// entryContext is where the dialplan holds callers.
const entryContext = "entry"

// isCaught reports whether the dialplan holds the caller. It rings seats for those in
// its queue, and hands them over when nobody lifts: that may take long.
func (c channel) isCaught() bool {
	return c.Dialplan.Context == entryContext && c.Dialplan.AppName != "Stasis" && c.Dialplan.AppName != "Queue"
}

// reconcileCaught finds, in the first listing of a connection, who is held, and later
// who has hung up there: no event tells that. It reports whether somebody is waited for.
func (n *node) reconcileCaught(at time.Time, l listing) bool {
	switch {
	case l.first:
		// What was told last may still hold, or was forgotten when the connection was lost.
		n.caught = caught{since: map[string]time.Time{}, until: at.Add(n.opt.CaughtFor), told: n.caught.told}
		n.mu.Lock()
		for id, ch := range l.channels {
			// Who is known has come since the listing was made.
			if created := ch.created(); ch.isCaught() && !created.IsZero() && !n.book.knows(id) {
				n.caught.since[id] = created
			}
		}
		n.mu.Unlock()
		if len(n.caught.since) > 0 {
			n.log.Info("the dialplan holds callers, who come in their turn", zap.Int("callers", len(n.caught.since)))
		}
	case !at.Before(n.caught.until):
		clear(n.caught.since)
	default:
		for id := range n.caught.since {
			if !l.channels[id].isCaught() {
				delete(n.caught.since, id)
			}
		}
	}
	n.tellCaught(at, l.first)
	return len(n.caught.since) > 0
}

// noLongerCaught is for a caller who has come.
func (n *node) noLongerCaught(at time.Time, channel string) {
	if _, was := n.caught.since[channel]; was {
		delete(n.caught.since, channel)
		n.tellCaught(at, false)
	}
}

// tellCaught tells what has changed; again also what the engine may have forgotten.
func (n *node) tellCaught(at time.Time, again bool) {
	var first time.Time
	for _, since := range n.caught.since {
		if first.IsZero() || since.Before(first) {
			first = since
		}
	}
	if !first.Equal(n.caught.told) || again && !first.IsZero() {
		n.caught.told = first
		n.emit(at, acd.CallersCaught{Node: n.cfg.ID, Since: first})
	}
}
