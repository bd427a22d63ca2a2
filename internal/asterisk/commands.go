package asterisk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

const playbackPrefix = "play_"

// playbackID names the n-th playback of a call, so that its end is known.
func playbackID(c acd.CallID, n int) string {
	return playbackPrefix + strconv.Itoa(n) + "_" + string(c)
}

func playbackCall(id string) (acd.CallID, bool) {
	rest, ok := strings.CutPrefix(id, playbackPrefix)
	if !ok {
		return "", false
	}
	_, call, ok := strings.Cut(rest, "_")
	return acd.CallID(call), ok
}

// target tells a command's node and the lane in whose order it is carried out.
func target(c acd.Command) (acd.NodeID, string) {
	switch c := c.(type) {
	case acd.Answer:
		return c.Node, string(c.Call)
	case acd.Play:
		return c.Node, string(c.Call)
	case acd.StartMusic:
		return c.Node, string(c.Call)
	case acd.StartRingback:
		return c.Node, string(c.Call)
	case acd.StopRingback:
		return c.Node, string(c.Call)
	case acd.Offer:
		return c.Node, string(c.Call)
	case acd.CancelLeg:
		return c.Node, string(c.Call)
	case acd.Connect:
		return c.Node, string(c.Call)
	case acd.Release:
		return c.Node, string(c.Call)
	case acd.ReplySeat:
		return c.Node, c.Channel
	}
	return "", ""
}

// prepare notes at once what a command changes in our beliefs, before it waits
// in its lane: an event that comes meanwhile is then understood.
func (n *node) prepare(c acd.Command) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch c := c.(type) {
	case acd.Offer:
		if call := n.calls[c.Call]; call != nil {
			call.legs[c.Leg] = &leg{id: c.Leg, call: c.Call, offer: c, made: time.Now()}
		}
	case acd.CancelLeg:
		if l := n.findLeg(c.Leg); l != nil {
			l.gone, l.cancelled = true, true
		}
	case acd.Release:
		if l := n.findLeg(c.Leg); l != nil {
			l.gone, l.cancelled = true, true
		}
		if call := n.calls[c.Call]; call != nil {
			call.gone = true
		}
	}
}

func (n *node) execute(c acd.Command) {
	switch c := c.(type) {
	case acd.Answer:
		n.tolerate(c.Call, n.send(post("/channels/{id}/answer", path("channels", string(c.Call), "answer"), nil)))
	case acd.Play:
		n.play(c)
	case acd.StartMusic:
		n.startMusic(c)
	case acd.StartRingback:
		n.startRingback(c.Call)
	case acd.StopRingback:
		n.stopRingback(c.Call)
	case acd.Offer:
		n.offer(c)
	case acd.CancelLeg:
		n.hangUp(string(c.Leg))
	case acd.Connect:
		n.connect(c)
	case acd.Release:
		n.release(c)
	case acd.ReplySeat:
		n.replySeat(c)
	}
}

func (n *node) send(q request) error { return n.rest.do(context.Background(), q) }

// tolerate logs a failure that has no event of its own: whatever it was, the
// end of the channel is reported by itself.
func (n *node) tolerate(id acd.CallID, err error) {
	if err != nil && !gone(err) {
		n.log.Warn("a request about a call failed", zap.String("call", string(id)), zap.Error(err))
	}
}

func (n *node) hangUp(channel string) {
	err := n.send(remove("/channels/{id}", path("channels", channel)))
	if err != nil && !gone(err) {
		n.log.Warn("a channel could not be hung up; the next comparison tries again",
			zap.String("channel", channel), zap.Error(err))
	}
}

// with runs f on a call that is still tracked; it reports whether it was.
func (n *node) with(id acd.CallID, f func(*call)) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.calls[id]
	if c != nil {
		f(c)
	}
	return c != nil
}

func (n *node) play(c acd.Play) {
	var id string
	if !n.with(c.Call, func(call *call) {
		call.plays++
		id = playbackID(c.Call, call.plays)
		call.prompt = id
	}) {
		return
	}
	media := make([]string, len(c.Prompts))
	for i, p := range c.Prompts {
		media[i] = "sound:" + n.o.SoundPrefix + p
	}
	err := n.send(post("/channels/{id}/play/{playback}", path("channels", string(c.Call), "play", id),
		url.Values{"media": {strings.Join(media, ",")}}))
	if err != nil {
		n.tolerate(c.Call, err)
		n.playbackFinished(time.Now(), id) // the caller must not wait for a prompt that will never end
	}
}

func (n *node) startMusic(c acd.StartMusic) {
	var alone bool
	n.with(c.Call, func(call *call) {
		alone, call.bridged, call.music = call.bridged, false, c.Class
	})
	if alone {
		n.tolerate(c.Call, n.send(post("/bridges/{id}/removeChannel", path("bridges", acd.BridgeID(c.Call), "removeChannel"),
			url.Values{"channel": {string(c.Call)}})))
	}
	n.tolerate(c.Call, n.send(post("/channels/{id}/moh", path("channels", string(c.Call), "moh"),
		url.Values{"mohClass": {c.Class}})))
}

func (n *node) startRingback(id acd.CallID) {
	var playback string
	if !n.with(id, func(call *call) {
		call.plays++
		playback = playbackID(id, call.plays)
		call.ringback = playback
	}) {
		return
	}
	n.tolerate(id, n.send(post("/channels/{id}/play/{playback}", path("channels", string(id), "play", playback),
		url.Values{"media": {"tone:ring;tonezone=cn"}})))
}

func (n *node) stopRingback(id acd.CallID) {
	var playback string
	n.with(id, func(call *call) { playback, call.ringback = call.ringback, "" })
	if playback != "" {
		n.tolerate(id, n.send(remove("/playbacks/{id}", path("playbacks", playback))))
	}
}

// offer makes the agent's leg; its StasisStart lets it be dialled.
func (n *node) offer(c acd.Offer) {
	l := n.legOf(c.Leg)
	if l == nil {
		n.sw.emit(time.Now(), acd.LegGone{Leg: c.Leg, Outcome: acd.OfferFailed})
		return
	}
	if n.isCancelled(l) {
		return
	}
	err := n.send(request{
		method: http.MethodPost, route: "/channels/create", path: "/channels/create",
		query: url.Values{
			"endpoint": {"PJSIP/seat-" + string(c.Seat)}, "app": {n.o.App}, "appArgs": {argLeg},
			"channelId": {string(c.Leg)}, "originator": {string(c.Call)},
		},
		body: map[string]any{"variables": map[string]string{"CONNECTEDLINE(num,i)": c.CallerID, "CONNECTEDLINE(pres,i)": "allowed"}},
	})
	var status *StatusError
	switch {
	case err == nil || errors.As(err, &status) && status.Status == http.StatusConflict:
		n.mu.Lock()
		l.created = true
		n.mu.Unlock()
	case status != nil:
		// Asterisk makes no channel to a phone that is not registered.
		n.legFailed(l, acd.OfferUnreachable, err)
	default:
		n.legFailed(l, acd.OfferFailed, err)
		n.hangUp(string(c.Leg)) // the request may have been carried out unseen
	}
}

func (n *node) legOf(id acd.LegID) *leg {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.findLeg(id)
}

func (n *node) isCancelled(l *leg) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.cancelled
}

func (n *node) legFailed(l *leg, how acd.OfferOutcome, err error) {
	n.mu.Lock()
	first := !l.gone
	l.gone = true
	n.mu.Unlock()
	if !first {
		return
	}
	n.log.Warn("a phone could not be rung", zap.String("call", string(l.call)), zap.String("leg", string(l.id)), zap.Error(err))
	n.sw.emit(time.Now(), acd.LegGone{Leg: l.id, Outcome: how})
}

// dialLeg rings the phone, and meanwhile makes the bridge so that the answer
// needs one request only.
func (n *node) dialLeg(l *leg) {
	if n.isCancelled(l) {
		n.hangUp(string(l.id))
		return
	}
	timeout := max(1, int(l.offer.Timeout/time.Second))
	err := n.send(post("/channels/{id}/dial", path("channels", string(l.id), "dial"),
		url.Values{"caller": {string(l.call)}, "timeout": {strconv.Itoa(timeout)}}))
	if err != nil && !gone(err) {
		n.legFailed(l, acd.OfferFailed, err)
		n.hangUp(string(l.id))
		return
	}
	if err := n.makeBridge(l.call); err != nil {
		n.tolerate(l.call, err) // connect tries again
	}
}

// makeBridge makes the call's bridge once.
func (n *node) makeBridge(id acd.CallID) error {
	var made bool
	if !n.with(id, func(call *call) { made, call.bridge = call.bridge, true }) || made {
		return nil
	}
	err := n.send(post("/bridges/{id}", path("bridges", acd.BridgeID(id)), url.Values{"type": {"mixing"}}))
	if err != nil && !gone(err) {
		n.with(id, func(call *call) { call.bridge = false })
		return err
	}
	return nil
}

func (n *node) connect(c acd.Connect) {
	n.stopRingback(c.Call)
	err := n.makeBridge(c.Call)
	if err == nil {
		n.with(c.Call, func(call *call) { call.bridged = true })
		err = n.send(post("/bridges/{id}/addChannel", path("bridges", acd.BridgeID(c.Call), "addChannel"),
			url.Values{"channel": {string(c.Call) + "," + string(c.Leg)}}))
	}
	if err != nil {
		n.tolerate(c.Call, err)
		n.sw.emit(time.Now(), acd.ConnectFailed{Call: c.Call, Leg: c.Leg})
		return
	}
	n.sw.emit(time.Now(), acd.Connected{Call: c.Call, Leg: c.Leg})
}

// release ends what is left of a call and forgets it.
func (n *node) release(c acd.Release) {
	var bridge bool
	n.with(c.Call, func(call *call) { bridge = call.bridge })
	if c.Leg != "" && !c.LegGone {
		n.hangUp(string(c.Leg))
	}
	if !c.CallerGone {
		n.hangUp(string(c.Call))
	}
	if bridge {
		n.tolerate(c.Call, n.send(remove("/bridges/{id}", path("bridges", acd.BridgeID(c.Call)))))
	}
	n.mu.Lock()
	delete(n.calls, c.Call)
	n.mu.Unlock()
}

// replySeat lets the phone hear a prompt; the end of it hangs up.
func (n *node) replySeat(c acd.ReplySeat) {
	id := playbackPrefix + "seat_" + c.Channel
	n.mu.Lock()
	n.seats[id] = c.Channel
	n.mu.Unlock()
	err := n.send(post("/channels/{id}/answer", path("channels", c.Channel, "answer"), nil))
	if err == nil {
		err = n.send(post("/channels/{id}/play/{playback}", path("channels", c.Channel, "play", id),
			url.Values{"media": {"sound:" + n.o.SoundPrefix + c.Prompt}}))
	}
	if err == nil {
		return
	}
	n.mu.Lock()
	delete(n.seats, id)
	n.mu.Unlock()
	n.hangUp(c.Channel)
}
