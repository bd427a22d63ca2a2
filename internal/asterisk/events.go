package asterisk

import (
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// unseenFor is how old a caller's channel must be that a listing shows and no
// event told, for the caller to count as one who has waited unseen, rather than
// as one who is just coming in. The node's clock is compared with ours.
const unseenFor = time.Second

// Kinds of playback, the beginning of their ids.
const (
	playPrompts  = "play"
	playRingback = "ring"
	playReply    = "reply"
)

// wireEvent takes in one event of Asterisk. Only the owner goroutine calls it.
func (n *node) wireEvent(at time.Time, ev wireEvent) {
	if n.ofStray(at, ev) {
		return
	}
	switch ev.Type {
	case "StasisStart":
		n.entered(at, ev.Channel, ev.Args, false)
	case "ChannelHangupRequest":
		// A hang-up ends what is being played, and the end of that is told
		// before the channel leaves: the request alone comes first.
		n.left(at, ev.Channel.ID, true)
	case "StasisEnd":
		n.left(at, ev.Channel.ID, false)
	case "ChannelDestroyed":
		n.destroyed(at, ev.Channel.ID, ev.Cause)
	case "ChannelStateChange":
		n.stateChanged(at, ev.Channel.ID, ev.Channel.State)
	case "ChannelDtmfReceived":
		n.pressed(at, at.Add(-time.Duration(ev.Duration)*time.Millisecond), ev.Channel.ID, ev.Digit)
	case "ChannelHold":
		n.held(at, acd.LegID(ev.Channel.ID), true)
	case "ChannelUnhold":
		n.held(at, acd.LegID(ev.Channel.ID), false)
	case "PlaybackFinished":
		n.playbackFinished(at, ev.Playback.ID)
	}
}

// entered handles a channel that is in the application: told by an event, or
// found by a listing. It reports whether that was news.
func (n *node) entered(at time.Time, ch channel, args []string, found bool) bool {
	if leg := acd.LegID(ch.ID); isLeg(leg) {
		return n.legEntered(at, leg)
	}
	switch {
	case len(args) == 1 && args[0] == callbackArgs:
		return n.calledEntered(at, acd.CallID(ch.ID))
	case len(args) >= 2 && args[0] == "entry":
		return n.callEntered(at, ch, args, found)
	case len(args) >= 3 && args[0] == "seat":
		return n.seatEntered(at, ch.ID, args)
	}
	n.log.Error("a channel came with arguments that nobody knows and is hung up; the dialplan must say entry,<number> or seat,<seat>,<code>",
		zap.String("channel", ch.ID))
	n.clean(ch.ID, "stray channel", deleteChannel(ch.ID))
	return true
}

func isLeg(leg acd.LegID) bool {
	_, _, _, ok := leg.Parse()
	return ok
}

func (n *node) callEntered(at time.Time, ch channel, args []string, found bool) bool {
	id := acd.CallID(ch.ID)
	n.mu.Lock()
	_, known := n.book.calls[id]
	if !known {
		n.book.calls[id] = &callState{since: at}
		if found {
			n.book.calls[id].playsFrom = at.UnixMilli()
		}
		delete(n.book.ended, ch.ID) // an event says that it is here, whatever was before
	}
	n.mu.Unlock()
	if known {
		return false
	}
	arrived := acd.CallArrived{Call: id, Node: n.cfg.ID, Entry: args[1], Caller: ch.Caller.Number}
	arrived.Since = arrivedBefore(at, ch, args, found)
	n.log.Debug("a caller arrived", zap.String("call", ch.ID),
		zap.String("caller", acd.Mask(arrived.Caller)), zap.String("entry", arrived.Entry))
	n.emit(at, arrived)
	n.noLongerCaught(at, ch.ID)
	return true
}

// arrivedBefore is the true time of arrival of a caller who was held by the
// dialplan, which says so by an argument of its own, or who came unseen; zero
// for everybody else, however late the event comes and whatever the node's
// clock shows.
func arrivedBefore(at time.Time, ch channel, args []string, found bool) time.Time {
	if len(args) >= 3 {
		if since, ok := parseEpoch(args[2]); ok && since.Before(at) {
			return since
		}
		return at // held, by a clock that is ahead of ours or not legible
	}
	if created := ch.created(); found && !created.IsZero() && at.Sub(created) > unseenFor {
		return created
	}
	return time.Time{}
}

// legEntered lets a leg that Asterisk has made ring, unless it is no longer
// wanted.
func (n *node) legEntered(at time.Time, id acd.LegID) bool {
	n.mu.Lock()
	leg := n.book.legs[id]
	if leg != nil && leg.since.IsZero() {
		leg.since = at
	}
	n.mu.Unlock()
	call, _, _, _ := id.Parse()
	switch {
	case leg == nil:
		n.removeStray(at, string(id))
		return false
	case leg.cancelled:
		n.clean(string(call), "cancelled leg", deleteChannel(string(id)))
		return false
	}
	n.lanes.add(string(call), func() { n.dial(id) })
	return true
}

func (n *node) seatEntered(at time.Time, channel string, args []string) bool {
	n.mu.Lock()
	_, known := n.book.seats[channel]
	if !known {
		n.book.seats[channel] = &seatState{since: at}
	}
	n.mu.Unlock()
	if known {
		return false
	}
	n.emit(at, acd.SeatDialled{Channel: channel, Node: n.cfg.ID, Seat: acd.SeatID(args[1]), Code: args[2]})
	return true
}

// left handles a channel that has left the application; hungUp tells that it
// cannot come back. An agent's leg, and a caller who has not answered a callback,
// end when they are destroyed, because only then the cause is known.
func (n *node) left(at time.Time, channel string, hungUp bool) {
	if n.calling(channel) {
		return
	}
	n.mu.Lock()
	call, known := n.book.endCall(acd.CallID(channel), at)
	n.book.endSeat(channel, at)
	if hungUp || (known && call.released) {
		n.book.noteHangUp(channel)
	}
	n.mu.Unlock()
	if known {
		n.callGone(at, acd.CallID(channel), call, false)
	}
}

func (n *node) callGone(at time.Time, id acd.CallID, call *callState, vanished bool) {
	if call.adopted != "" {
		n.endAdopted(id, call.adopted)
		return
	}
	n.emit(at, acd.CallGone{Call: id, Vanished: vanished})
}

func (n *node) destroyed(at time.Time, channel string, cause int) {
	if n.calling(channel) {
		n.calledGone(at, acd.CallID(channel), cause)
		return
	}
	if !isLeg(acd.LegID(channel)) {
		n.left(at, channel, true)
		return
	}
	n.mu.Lock()
	leg, known := n.book.endLeg(acd.LegID(channel), at)
	if !known {
		// A listing that was asked for before would take it for a stray.
		n.book.ended[channel] = endedState{at: at, hungUp: true}
	}
	n.mu.Unlock()
	if !known {
		return
	}
	outcome := outcomeOf(cause, leg.ringing, leg.cancelled)
	if leg.answered {
		outcome = acd.OfferAnswered
	}
	n.legGone(at, acd.LegID(channel), leg, outcome)
}

func (n *node) legGone(at time.Time, id acd.LegID, leg *legState, outcome acd.OfferOutcome) {
	if leg.adopted {
		n.endAdopted(leg.offer.Call, id)
		return
	}
	n.emit(at, acd.LegGone{Leg: id, Outcome: outcome})
}

// legLost reports the end of a leg whose cause nobody has told, unless that has
// been done.
func (n *node) legLost(at time.Time, id acd.LegID) {
	n.mu.Lock()
	leg, known := n.book.endLeg(id, at)
	n.mu.Unlock()
	if !known {
		return
	}
	outcome := acd.OfferFailed
	if leg.answered {
		outcome = acd.OfferAnswered
	}
	n.legGone(at, id, leg, outcome)
}

// pressed hands on a key that a caller has pressed, since when. One that was meant
// for an agent who has hung up meanwhile is nothing to us.
func (n *node) pressed(at, since time.Time, channel, digit string) {
	n.mu.Lock()
	call := n.book.calls[acd.CallID(channel)]
	waits := call != nil && !call.joined && since.After(call.left) && !call.released && (call.out == nil || call.out.answered)
	n.mu.Unlock()
	if waits && digit != "" {
		n.emit(at, acd.CallDigit{Call: acd.CallID(channel), Digit: digit})
	}
}

// held tells that an agent holds the caller at the phone, or no longer does. It
// reports whether that was news. What callers and partners do at their phones
// is no hold of ours.
func (n *node) held(at time.Time, id acd.LegID, hold bool) bool {
	n.mu.Lock()
	leg := n.book.legs[id]
	news := leg != nil && leg.answered && !leg.adopted && leg.offer.Number == "" && leg.held != hold
	if news {
		leg.held = hold
	}
	n.mu.Unlock()
	switch {
	case !news:
	case hold:
		n.emit(at, acd.LegHeld{Leg: id})
	default:
		n.emit(at, acd.LegResumed{Leg: id})
	}
	return news
}

func (n *node) stateChanged(at time.Time, channel, state string) bool {
	if !isLeg(acd.LegID(channel)) {
		return n.calledChanged(at, acd.CallID(channel), state)
	}
	id := acd.LegID(channel)
	n.mu.Lock()
	leg := n.book.legs[id]
	var event acd.Event
	switch {
	case leg == nil || leg.cancelled || leg.adopted || leg.answered:
	case state == "Ringing" && !leg.ringing:
		leg.ringing = true
		event = acd.LegRinging{Leg: id}
	case state == "Up":
		leg.answered = true
		event = acd.LegAnswered{Leg: id}
	}
	n.mu.Unlock()
	if event == nil {
		return false
	}
	n.emit(at, event)
	return true
}

// playbackFinished handles the end of a playback, told or found out.
func (n *node) playbackFinished(at time.Time, id string) bool {
	parts := strings.SplitN(id, "_", 3)
	if len(parts) != 3 {
		return false
	}
	switch parts[0] {
	case playPrompts:
		return n.played(at, id, true)
	case playReply:
		n.clean(parts[2], "", deleteChannel(parts[2]))
	}
	return false
}

// played reports the end of the prompts that were asked for last. silent tells
// that they are certainly not heard any more; otherwise the node did not say
// whether it plays them.
func (n *node) played(at time.Time, id string, silent bool) (current bool) {
	call, of := acd.CallID(strings.SplitN(id, "_", 3)[2]), 0
	n.mu.Lock()
	if c := n.book.calls[call]; c != nil {
		if silent {
			c.prompts = slices.DeleteFunc(c.prompts, func(p string) bool { return p == id })
		}
		if current = c.play == id; current {
			c.play, of = "", c.playOf
		}
	}
	n.mu.Unlock()
	if current {
		n.emit(at, acd.CallPlayed{Call: call, Play: of})
	}
	return current
}
