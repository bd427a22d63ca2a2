package asterisk

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// callbackArgs is the argument with which a caller who is called back enters
// the application.
const callbackArgs = "callback"

// outbound is what is known of a caller's channel that we make: it belongs to
// a callback, and its call begins when the caller answers.
type outbound struct {
	command  acd.DialOut
	dialled  bool
	ringing  bool
	answered bool
}

// dialOut makes the caller's channel. It is dialled when Asterisk has reported
// it, with the agent in the bridge already: the agent hears what the network
// says, and both hear each other from the answer on.
func (n *node) dialOut(c acd.DialOut) {
	n.mu.Lock()
	n.book.calls[c.Call] = &callState{out: &outbound{command: c}}
	n.mu.Unlock()
	if n.opt.OutboundTrunk == "" {
		n.log.Error("a caller cannot be called back: no carrier is configured for it; set asterisk.outbound_trunk", zap.String("call", string(c.Call)))
		n.notReached(c.Call, acd.OfferFailed)
		return
	}
	n.makeCalled(c)
}

// makeCalled makes the caller's channel as soon as its name is free.
func (n *node) makeCalled(c acd.DialOut) {
	n.mu.Lock()
	call := n.book.calls[c.Call]
	wanted := call != nil && !call.released
	n.mu.Unlock()
	if !wanted {
		n.notReached(c.Call, acd.OfferWithdrawn)
		return
	}
	if n.behindStray(string(c.Call), c) {
		return
	}
	r := post("channels/create", "/channels/create", true)
	r.body = map[string]any{
		"endpoint": n.outside(c.Number), "app": n.opt.App, "appArgs": callbackArgs,
		"channelId": string(c.Call), "variables": shows(c.CallerID),
	}
	err := n.rest.do(n.jobs, r, nil)
	if isTaken(err) {
		n.giveWay(string(c.Call), c)
		return
	}
	if err == nil || statusOf(err) == http.StatusConflict {
		n.mu.Lock()
		if call := n.book.calls[c.Call]; call != nil && call.since.IsZero() {
			call.since = time.Now()
		}
		n.mu.Unlock()
		return
	}
	n.log.Warn("a caller could not be called back", zap.String("call", string(c.Call)), zap.String("caller", acd.Mask(c.Number)), zap.Error(err))
	n.giveUp(c.Call, err)
}

// outside is the endpoint of a number that is dialled over the carrier.
func (n *node) outside(number string) string { return "PJSIP/" + number + "@" + n.opt.OutboundTrunk }

// shows lets the phone of a channel that we make show a number: it shows the
// other party of the channel.
func shows(number string) map[string]string {
	return map[string]string{"CONNECTEDLINE(num)": number, "CONNECTEDLINE(name)": number}
}

// ringOut bridges the agent with the caller's channel and dials it.
func (n *node) ringOut(id acd.CallID) {
	n.mu.Lock()
	call := n.book.calls[id]
	wanted := call != nil && call.out != nil && !call.released && !call.out.dialled && n.book.strays[string(id)] == nil
	if wanted {
		call.out.dialled = true
	}
	n.mu.Unlock()
	if !wanted {
		return
	}
	c := call.out.command
	err := n.bridge(acd.Connect{Call: c.Call, Leg: c.Leg, Node: c.Node}, call)
	if err == nil {
		r := post("channels/{id}/dial", "/channels/"+esc(id)+"/dial", false)
		// Without naming the agent as caller: the seat's number is nobody's business.
		if c.Timeout > 0 {
			r.query = url.Values{}
			r.query.Set("timeout", strconv.Itoa(int((c.Timeout+time.Second-1)/time.Second)))
		}
		err = n.rest.do(n.jobs, r, nil)
	}
	if err == nil {
		return // what becomes of it is told by events
	}
	n.log.Warn("a caller could not be called back", zap.String("call", string(id)), zap.Error(err))
	n.giveUp(id, err)
}

// giveUp ends an attempt that Asterisk has not carried out.
func (n *node) giveUp(id acd.CallID, err error) {
	outcome := acd.OfferFailed
	switch {
	case isNodeFault(err):
		outcome = acd.OfferNodeFault
	case statusOf(err) == http.StatusInternalServerError:
		outcome = acd.OfferUnreachable
	}
	n.tell(string(id), deleteChannel(string(id)))
	n.notReached(id, outcome)
}

// notReached reports that a caller was not reached, unless that has been done.
func (n *node) notReached(id acd.CallID, outcome acd.OfferOutcome) {
	n.inbox.post(func(at time.Time) {
		n.mu.Lock()
		_, known := n.book.endCall(id, at)
		n.mu.Unlock()
		if known {
			n.emit(at, acd.CallGone{Call: id, Outcome: outcome})
		}
	})
}

// calledEntered dials a caller's channel that Asterisk has made.
func (n *node) calledEntered(at time.Time, id acd.CallID) bool {
	n.mu.Lock()
	call := n.book.calls[id]
	wanted := call != nil && call.out != nil && !call.released
	if wanted && call.since.IsZero() {
		call.since = at
	}
	n.mu.Unlock()
	if call == nil {
		n.removeStray(at, string(id))
		return false
	}
	if !wanted {
		n.clean(string(id), "released callback", deleteChannel(string(id)))
		return false
	}
	n.lanes.add(string(id), func() { n.ringOut(id) })
	return true
}

// calledChanged handles a new state of a caller's channel that we made.
func (n *node) calledChanged(at time.Time, id acd.CallID, state string) bool {
	n.mu.Lock()
	call := n.book.calls[id]
	var event acd.Event
	if call != nil && call.out != nil && !call.out.answered {
		switch state {
		case "Ringing":
			call.out.ringing = true
		case "Up":
			call.out.answered = true
			event = acd.Connected{Call: id, Leg: call.out.command.Leg}
		}
	}
	n.mu.Unlock()
	if event == nil {
		return false
	}
	n.emit(at, event)
	return true
}

// calling reports whether a channel is that of a caller who is being called
// and has not answered: why that ends is known when it is destroyed.
func (n *node) calling(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	call := n.book.calls[acd.CallID(channel)]
	return call != nil && call.out != nil && !call.out.answered
}

// calledGone ends an attempt whose caller has not answered.
func (n *node) calledGone(at time.Time, id acd.CallID, cause int) {
	n.mu.Lock()
	call, known := n.book.endCall(id, at)
	n.mu.Unlock()
	if known {
		n.emit(at, acd.CallGone{Call: id, Outcome: outcomeOf(cause, call.out.ringing, call.released)})
	}
}
