package asterisk

import (
	"context"
	"strconv"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// Adopt takes over the calls of a former controller, as the engine that goes on with
// them expects to find them; to be called before Run. What differs in truth is found
// out when a node is reached, and told as events. Calls of nodes that are not
// configured are left out.
func (s *Switch) Adopt(calls []acd.Expected) {
	for _, x := range calls {
		if n := s.nodes[x.Node]; n != nil {
			n.adopt(x)
		}
	}
}

// adopt enters a call into the book. No goroutine of the node runs yet.
func (n *node) adopt(x acd.Expected) {
	now := time.Now()
	for _, leg := range x.Legs {
		n.book.legs[leg.Offer.Leg] = &legState{
			offer: leg.Offer, since: now, ringing: leg.Rings, answered: leg.Lifted, held: leg.Held,
			dialled: leg.Rings || now.Sub(leg.Made) > n.opt.ConfirmAfter,
		}
	}
	if x.Alone {
		return
	}
	call := &callState{since: now, music: x.Class, moh: x.Music, up: x.Up, joined: x.Joined != ""}
	if x.Play > 0 {
		call.play, call.playOf, call.playing = playID(x.Call, int64(x.Play)), x.Play, now
		call.prompts = []string{call.play}
	}
	if x.Tone > 0 {
		call.ringback = toneID(x.Call, x.Tone)
	}
	if x.Called != nil {
		call.out = &outbound{command: *x.Called, dialled: call.joined, answered: call.joined}
	}
	n.book.calls[x.Call] = call
	if x.Joined != "" || x.Joins != "" || x.Rating {
		n.book.bridges[x.Call] = true
	}
	n.adopted = append(n.adopted, x)
}

// resumeTones is for the first listing, before legs are looked at: a phone that began to
// ring, and perhaps was lifted, when the former controller could not write it any more. The
// ringing tone that the caller hears since has no end of its own and keeps the bridge waiting.
func (n *node) resumeTones(l listing) {
	for _, x := range n.adopted {
		if x.MayTone == 0 {
			continue
		}
		tone, rings := toneID(x.Call, x.MayTone), false
		for _, leg := range x.Legs {
			rings = rings || l.channels[string(leg.Offer.Leg)].State == "Ringing"
		}
		if rings { // as the engine will ask for
			n.mu.Lock()
			if call := n.book.calls[x.Call]; call != nil {
				call.ringback = tone
			}
			n.mu.Unlock()
			continue
		}
		n.lanes.add(string(x.Call), func() { n.endPlayback(x.Call, tone) })
	}
}

// resume brings the calls that were taken over together with the bridges in which
// they are, and does again what may not have been done. It is for the first listing,
// after what has gone was told.
func (n *node) resume(at time.Time, l listing) {
	adopted := n.adopted
	n.adopted = nil
	members := map[string]acd.CallID{} // of our bridges
	for _, bridge := range l.bridges {
		if call, ours := acd.ParseBridgeID(bridge.ID); ours {
			for _, id := range bridge.ChannelIDs {
				members[id] = call
			}
		}
	}
	for _, x := range adopted {
		leg := x.Joined + x.Joins
		n.mu.Lock()
		call, callHere := n.book.calls[x.Call]
		_, legHere := n.book.legs[leg]
		inside := members[string(x.Call)] == x.Call
		together := inside && members[string(leg)] == x.Call
		if callHere && inside {
			call.joined = true
		}
		// Somebody has lifted meanwhile: caller and agent are connected, or are going to be.
		lifted := callHere && call.found
		for _, ring := range x.Legs {
			found, here := n.book.legs[ring.Offer.Leg]
			lifted = lifted || here && found.answered
		}
		n.mu.Unlock()
		switch {
		case callHere && x.Rating && (inside || !l.channels[string(x.Call)].served()):
			// Else not: a variable cannot be set while a prompt is heard.
			n.do(acd.Unbridge{Call: x.Call, Node: x.Node})
		case !callHere || call.found || x.Rating || x.Called != nil && x.Joins != "":
		case leg != "" && legHere && together && x.Joins != "":
			n.found("Connected", string(x.Call))
			n.emit(at, acd.Connected{Call: x.Call, Leg: leg})
		case leg != "" && legHere && !together && x.Joins != "":
			n.do(acd.Connect{Call: x.Call, Leg: leg, Node: x.Node})
		case leg != "" && legHere && !together:
			n.log.Warn("caller and agent of a conversation were not in one bridge", zap.String("call", string(x.Call)))
			n.lanes.add(string(x.Call), func() {
				if err := n.bridge(acd.Connect{Call: x.Call, Leg: leg, Node: x.Node}, call); err != nil {
					n.log.Error("they could not be connected again", zap.String("call", string(x.Call)), zap.Error(err))
				}
			})
		case leg == "" && x.Music && (inside || x.Fresh) && !lifted:
			n.do(acd.StartMusic{Call: x.Call, Node: x.Node, Class: x.Class})
		}
	}
}

// Over says of calls that no engine knows whether they have ended already, so that
// whoever is still on the line is hung up and not served anew. It may ask the store.
type Over func(ctx context.Context, call acd.CallID) bool

// isOver lets ask whether the records of calls were written already, until done is
// called. All questions together may take as long as one request: what is not
// answered by then counts as not over.
func (n *node) isOver(ctx context.Context) (over func(acd.CallID) bool, done func()) {
	if n.opt.Over == nil {
		return func(acd.CallID) bool { return false }, func() {}
	}
	ctx, done = context.WithTimeout(ctx, n.opt.RequestTimeout)
	return func(call acd.CallID) bool { return ctx.Err() == nil && n.opt.Over(ctx, call) }, done
}

// playID and toneID name playbacks such that another controller knows them.
func playID(call acd.CallID, number int64) string {
	return playPrompts + "_" + strconv.FormatInt(number, 36) + "_" + string(call)
}

func toneID(call acd.CallID, number int) string {
	return playRingback + "_" + strconv.Itoa(number) + "_" + string(call)
}
