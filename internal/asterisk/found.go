package asterisk

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// conversation is a caller and a leg that are in the call's bridge.
type conversation struct {
	call acd.CallID
	leg  acd.LegID
	made time.Time // the bridge; zero where that is not legible
}

// conversations are those of a listing of which the book does not know the leg, in
// the order in which they began.
func (n *node) conversations(at time.Time, l listing) (list []conversation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	here := func(id string) bool {
		_, listed := l.channels[id]
		return listed && !n.book.leaving(id, l.asked.Add(-n.opt.SettleTime), at)
	}
	for _, bridge := range l.bridges {
		call, ours := acd.ParseBridgeID(bridge.ID)
		if !ours || !slices.Contains(bridge.ChannelIDs, string(call)) || !here(string(call)) {
			continue
		}
		for _, id := range bridge.ChannelIDs {
			leg := acd.LegID(id)
			of, _, _, isLeg := leg.Parse()
			if isLeg && of == call && here(id) && l.channels[id].State == "Up" && n.book.legs[leg] == nil && n.book.strays[id] == nil {
				list = append(list, conversation{call, leg, parseDate(bridge.Creationtime)})
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b conversation) int { return a.made.Compare(b.made) })
	return list
}

// findConversations is for the first listing of a controller that starts, or after a
// node's calls have counted as lost: who talks with an agent goes on talking. What has
// gone was told before, and those who wait are told after it: nobody is to be rung
// who talks.
func (n *node) findConversations(ctx context.Context, at time.Time, l listing) {
	over, asked := n.isOver(ctx)
	defer asked()
	for _, c := range n.conversations(at, l) {
		caller, leg := l.channels[string(c.call)], l.channels[string(c.leg)]
		args, inApp := caller.stasisArgs(n.opt.App)
		n.mu.Lock()
		call := n.book.calls[c.call]
		n.mu.Unlock()
		_, partner := c.leg.Partner()
		seat, atSeat := leg.seat()
		recorded := call == nil && (n.lost[c.call] || over(c.call))
		if recorded || !inApp || !partner && !atSeat {
			n.log.Warn("a conversation of which no engine knows goes on; it has been recorded already, or cannot be",
				zap.String("call", string(c.call)), zap.String("leg", string(c.leg)), zap.Bool("recorded", recorded))
			n.leaveAlone(c, l)
			continue
		}
		found := acd.TalkFound{Call: c.call, Leg: c.leg, Node: n.cfg.ID, Caller: caller.Caller.Number}
		found.Called = args[0] == callbackArgs
		if !partner {
			found.Seat = seat
		}
		if len(args) > 1 && !found.Called {
			found.Entry = args[1]
		}
		if found.Arrived = arrivedBefore(at, caller, args, true); found.Arrived.IsZero() {
			found.Arrived = caller.created()
		}
		found.Rung, found.Answered = leg.created(), c.made
		if found.Answered.Before(found.Rung) {
			found.Answered = found.Rung // the bridge is older than this leg
		}
		n.enterFound(at, call, found)
		n.log.Warn("a conversation was found of which nothing was known; it goes on, and its record says recovered",
			zap.String("call", string(c.call)), zap.String("leg", string(c.leg)))
		n.emit(at, found)
		if !partner {
			n.checkHold(c.leg)
		}
	}
	n.lost = nil
}

// enterFound enters a conversation into the book; call is what is there of it.
func (n *node) enterFound(at time.Time, call *callState, f acd.TalkFound) {
	offer := acd.Offer{Call: f.Call, Leg: f.Leg, Node: n.cfg.ID, Seat: f.Seat}
	if id, partner := f.Leg.Partner(); partner {
		offer.Number = string(id) // the number itself is not known, only that it is one
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if call == nil {
		call = &callState{since: at, playsFrom: at.UnixMilli()}
		n.book.calls[f.Call] = call
	}
	call.joined, call.moh, call.play, call.prompts, call.ringback = true, false, "", nil, ""
	if f.Called {
		call.out = &outbound{command: acd.DialOut{Call: f.Call, Leg: f.Leg, Node: n.cfg.ID}, dialled: true, ringing: true, answered: true}
	}
	n.book.legs[f.Leg] = &legState{offer: offer, since: at, dialled: true, ringing: true, answered: true}
	n.book.bridges[f.Call] = true
	n.adopted = slices.DeleteFunc(n.adopted, func(x acd.Expected) bool { return x.Call == f.Call })
}

// leaveAlone lets a conversation go on of which the engine is not to know. When one
// side leaves, the other is hung up here.
func (n *node) leaveAlone(c conversation, l listing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.book.calls[c.call] = &callState{since: l.asked, joined: true, adopted: c.leg}
	n.book.legs[c.leg] = &legState{
		offer: acd.Offer{Call: c.call, Leg: c.leg, Node: n.cfg.ID},
		since: l.asked, dialled: true, ringing: true, answered: true, adopted: true,
	}
}

// endAdopted ends what remains of a conversation of a former controller.
func (n *node) endAdopted(call acd.CallID, leg acd.LegID) {
	n.lanes.add(string(call), func() {
		n.tell(string(call), deleteChannel(string(call)))
		n.tell(string(call), deleteChannel(string(leg)))
		n.tell(string(call), deleteBridge(acd.BridgeID(call)))
	})
}

// seat is the seat whose phone a channel leads to: Asterisk names the channel after
// the endpoint, PJSIP/seat-<seat>-<number>.
func (c channel) seat() (acd.SeatID, bool) {
	rest, seat := strings.CutPrefix(c.Name, seatEndpoint)
	i := strings.LastIndexByte(rest, '-')
	if !seat || i < 1 {
		return "", false
	}
	return acd.SeatID(rest[:i]), true
}
