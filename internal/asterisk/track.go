package asterisk

import (
	"time"

	"hotline/internal/acd"
)

// call is what this package believes of a caller's channel. It lives from the
// call's StasisStart to its Release. node.mu guards it.
type call struct {
	id       acd.CallID
	since    time.Time // when it was first seen here
	gone     bool      // CallGone was reported
	bridge   bool      // the bridge was asked for
	bridged  bool      // the caller was put into the bridge
	plays    int       // playbacks so far, to name the next
	prompt   string    // the playback whose end is CallPlayed; empty when none
	ringback string    // the playback of the ringing tone; empty when none
	music    string    // class of the hold music; empty when none
	legs     map[acd.LegID]*leg
}

// leg is what this package believes of an agent's leg.
type leg struct {
	id        acd.LegID
	call      acd.CallID
	offer     acd.Offer
	made      time.Time // when the offer was commanded
	created   bool      // Asterisk has confirmed the channel
	started   bool      // its StasisStart was seen, so it may be dialled
	rang      bool
	answered  bool
	gone      bool // LegGone was reported, or it was cancelled
	cancelled bool
}

// findLeg finds the leg of a channel id; nil when it is not one that we track.
func (n *node) findLeg(id acd.LegID) *leg {
	callID, _, _, ok := id.Parse()
	if !ok {
		return nil
	}
	c := n.calls[callID]
	if c == nil {
		return nil
	}
	return c.legs[id]
}
