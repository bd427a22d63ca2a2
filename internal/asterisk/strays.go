package asterisk

import (
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// strayState is a channel under a name of ours that this controller did not
// make, or has given up: mostly a leg that a former controller left ringing,
// for offers are counted from the beginning again. It is hung up. Until it has
// gone, everything that is told of its name is told of it, and no channel is
// made under that name: its end would be taken for the new one's.
type strayState struct {
	since   time.Time // when it was found
	suspect bool      // missing in the last listing
	// next is the Offer or DialOut that waits for the name since waits; nil:
	// nobody asks for it.
	next  acd.Command
	waits time.Time
}

// removeStray hangs up a channel that nobody asked for.
func (n *node) removeStray(at time.Time, id string) {
	n.mu.Lock()
	_, known := n.book.strays[id]
	if !known {
		n.book.strays[id] = &strayState{since: at}
	}
	n.mu.Unlock()
	if !known {
		n.clean(strayKey(id), "stray channel", deleteChannel(id))
	}
}

// strayKey is the lane of the call that a stray was made for.
func strayKey(id string) string {
	if call, _, _, ok := acd.LegID(id).Parse(); ok {
		return string(call)
	}
	return id
}

// behindStray puts a command off while a stray has the name of its channel.
func (n *node) behindStray(id string, c acd.Command) bool {
	n.mu.Lock()
	stray := n.book.strays[id]
	if stray != nil {
		stray.next, stray.waits = c, time.Now()
	}
	n.mu.Unlock()
	if stray == nil {
		return false
	}
	n.askResync(false) // its end may have been told before it was found
	return true
}

// giveWay removes the channel that has the name which a command asks for, and
// puts the command off. What was told of that name was told of the stray.
func (n *node) giveWay(id string, c acd.Command) {
	now := time.Now()
	n.mu.Lock()
	n.book.strays[id] = &strayState{since: now, next: c, waits: now}
	if leg := n.book.legs[acd.LegID(id)]; leg != nil {
		leg.since, leg.dialled, leg.ringing, leg.answered = time.Time{}, false, false, false
	}
	if call := n.book.calls[acd.CallID(id)]; call != nil && call.out != nil {
		call.since, call.out = time.Time{}, &outbound{command: call.out.command}
	}
	n.mu.Unlock()
	n.clean(strayKey(id), "channel of the same name", deleteChannel(id))
	n.askResync(false)
}

// ofStray takes in what is told of a stray.
func (n *node) ofStray(at time.Time, ev wireEvent) bool {
	n.mu.Lock()
	_, stray := n.book.strays[ev.Channel.ID]
	n.mu.Unlock()
	if stray && ev.Type == "ChannelDestroyed" {
		n.strayGone(at, ev.Channel.ID)
	}
	return stray
}

// strayGone frees a name for the command that waits for it.
func (n *node) strayGone(at time.Time, id string) {
	n.mu.Lock()
	stray := n.book.strays[id]
	delete(n.book.strays, id)
	n.book.ended[id] = endedState{at: at, hungUp: true}
	n.mu.Unlock()
	if stray != nil && stray.next != nil {
		n.lanes.add(commandKey(stray.next), func() { n.makeAfter(stray.next) })
	}
}

// makeAfter makes the channel that a command asks for, unless it is not wanted
// any more.
func (n *node) makeAfter(c acd.Command) {
	switch c := c.(type) {
	case acd.Offer:
		n.offer(c)
	case acd.DialOut:
		n.makeCalled(c)
	}
}

// reconcileStrays hangs up again what is still there, and gives up what has
// waited for its end for too long. It reports whether something waits.
func (n *node) reconcileStrays(at time.Time, l listing) (waits bool) {
	var gone, here []string
	var late []acd.Command
	n.mu.Lock()
	for id, stray := range n.book.strays {
		if _, listed := l.channels[id]; listed {
			stray.suspect = false
			here = append(here, id)
		} else if l.missing(stray.since, &stray.suspect) {
			gone = append(gone, id)
			continue
		}
		if stray.next != nil && at.Sub(stray.waits) > n.opt.SettleTime {
			late = append(late, stray.next)
			stray.next = nil
		}
		waits = waits || stray.next != nil
	}
	n.mu.Unlock()
	for _, id := range gone {
		n.strayGone(at, id)
	}
	for _, id := range here {
		n.clean(strayKey(id), "", deleteChannel(id))
	}
	for _, c := range late {
		n.nameNotFree(c)
	}
	return waits
}

// nameNotFree reports that a channel was not made, because a stray that has
// its name does not go.
func (n *node) nameNotFree(c acd.Command) {
	n.log.Error("a phone could not be rung: an old channel of the same name does not end",
		zap.String("command", commandName(c)), zap.String("call", commandKey(c)))
	switch c := c.(type) {
	case acd.Offer:
		n.dropLeg(c.Call, c.Leg, acd.OfferFailed, false)
	case acd.DialOut:
		n.notReached(c.Call, acd.OfferFailed)
	}
}
