package asterisk

import (
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// stasisStart: a channel has entered the application.
func (n *node) stasisStart(at time.Time, ev wireEvent) {
	ch := ev.Channel
	if _, _, _, ours := acd.LegID(ch.ID).Parse(); ours {
		n.legStarted(acd.LegID(ch.ID))
		return
	}
	switch {
	case len(ev.Args) >= 2 && ev.Args[0] == argEntry:
		n.callStarted(at, acd.CallID(ch.ID), ev.Args, ch.Caller.Number)
	case len(ev.Args) >= 3 && ev.Args[0] == argSeat:
		n.sw.emit(at, acd.SeatDialled{Channel: ch.ID, Node: n.ID, Seat: acd.SeatID(ev.Args[1]), Code: ev.Args[2]})
	default:
		n.log.Warn("a channel entered the application in a way that the dialplan should not; hanging it up",
			zap.String("channel", ch.ID), zap.Strings("args", ev.Args))
		n.sw.lanes.do(ch.ID, func() { n.hangUp(ch.ID) })
	}
}

func (n *node) callStarted(at time.Time, id acd.CallID, args []string, caller string) {
	n.mu.Lock()
	_, known := n.calls[id]
	if !known {
		n.calls[id] = &call{id: id, since: at, legs: make(map[acd.LegID]*leg)}
	}
	n.mu.Unlock()
	if known {
		return
	}
	n.log.Debug("call arrived", zap.String("call", string(id)), zap.String("caller", acd.Mask(caller)))
	n.sw.emit(at, acd.CallArrived{Call: id, Node: n.ID, Entry: args[1], Caller: caller, Since: arrival(args, at)})
}

// legStarted: the leg is in the application and may be dialled.
func (n *node) legStarted(id acd.LegID) {
	n.mu.Lock()
	l := n.findLeg(id)
	stray := l == nil || l.gone
	first := !stray && !l.started
	if first {
		l.started, l.created = true, true
	}
	n.mu.Unlock()
	switch {
	case first:
		n.sw.lanes.do(string(l.call), func() { n.dialLeg(l) })
	case stray:
		// It was cancelled, or belongs to nobody: it must not stay.
		n.sw.lanes.do(string(id), func() { n.hangUp(string(id)) })
	}
}

// channelState: a leg rings or was answered; a caller's state is our own doing.
func (n *node) channelState(at time.Time, id, state string) {
	n.mu.Lock()
	l := n.findLeg(acd.LegID(id))
	var event acd.Event
	switch {
	case l == nil || l.gone:
	case state == stateRinging && !l.rang && !l.answered:
		l.rang = true
		event = acd.LegRinging{Leg: l.id}
	case state == stateUp && !l.answered:
		l.answered = true
		event = acd.LegAnswered{Leg: l.id}
	}
	n.mu.Unlock()
	if event != nil {
		n.sw.emit(at, event)
	}
}

// channelEnded: a channel has left the application or has ended. For a leg
// that was not answered only its destruction tells the cause.
func (n *node) channelEnded(at time.Time, ev wireEvent) {
	id := ev.Channel.ID
	n.mu.Lock()
	var event acd.Event
	if c := n.calls[acd.CallID(id)]; c != nil {
		if !c.gone {
			c.gone = true
			event = acd.CallGone{Call: c.id}
		}
	} else if l := n.findLeg(acd.LegID(id)); l != nil && !l.gone && (l.answered || ev.Type == evChannelDestroyed) {
		l.gone = true
		event = acd.LegGone{Leg: l.id, Outcome: outcome(ev.Cause, l.rang)}
	}
	n.mu.Unlock()
	if event != nil {
		n.sw.emit(at, event)
	}
}

// playbackFinished: the prompts of a call have ended, or those of a phone that
// dialled a feature code.
func (n *node) playbackFinished(at time.Time, id string) {
	n.mu.Lock()
	channel, isSeat := n.seats[id]
	delete(n.seats, id)
	var played *call
	if callID, ok := playbackCall(id); ok {
		if c := n.calls[callID]; c != nil && c.prompt == id {
			c.prompt = ""
			played = c
		}
	}
	n.mu.Unlock()
	switch {
	case isSeat:
		n.sw.lanes.do(channel, func() { n.hangUp(channel) })
	case played != nil:
		n.sw.emit(at, acd.CallPlayed{Call: played.id})
	}
}
