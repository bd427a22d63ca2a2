package asterisk

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// do puts a command into the lane of its call.
func (n *node) do(c acd.Command) {
	if n.replaced() {
		n.log.Warn("a command was not carried out: another controller is in charge", zap.String("command", commandName(c)))
		return
	}
	if offer, ok := c.(acd.Offer); ok {
		// Before the request: Asterisk may report the leg before it replies.
		n.mu.Lock()
		n.book.legs[offer.Leg] = &legState{offer: offer}
		n.mu.Unlock()
	}
	switch c := c.(type) {
	case acd.CancelLeg:
		n.markCancelled(c.Leg)
	case acd.Release:
		n.markReleased(c)
	}
	n.lanes.add(commandKey(c), func() { n.carryOut(c) })
}

func (n *node) markCancelled(id acd.LegID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if leg := n.book.legs[id]; leg != nil {
		leg.cancelled = true
	}
}

// markReleased notes that the engine has done with a call: whatever of it is
// still there at the next listing is removed. What the engine knows to be gone
// is not: under the same id, a lost node may have it again by now.
func (n *node) markReleased(c acd.Release) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if call := n.book.calls[c.Call]; call != nil && !c.CallerGone {
		call.released = true
	}
	if leg := n.book.legs[c.Leg]; leg != nil && !c.LegGone {
		leg.cancelled = true
	}
}

// carryOut is run by a worker, one at a time for each call.
func (n *node) carryOut(c acd.Command) {
	switch c := c.(type) {
	case acd.Answer:
		n.answer(c.Call)
	case acd.Play:
		n.play(c)
	case acd.StartMusic:
		n.startMusic(c)
	case acd.StartRingback:
		n.startRingback(c)
	case acd.StopRingback:
		n.stopRingback(c.Call, true)
	case acd.Offer:
		n.offer(c)
	case acd.CancelLeg:
		n.hangUpLeg(c.Leg)
	case acd.Connect:
		n.connect(c)
	case acd.Unbridge:
		n.unbridge(c.Call)
	case acd.DialOut:
		n.dialOut(c)
	case acd.Release:
		n.release(c)
	case acd.ReplySeat:
		n.replySeat(c)
	}
}

// answer answers a caller; a listing shows where that has failed, and it is done again.
func (n *node) answer(id acd.CallID) {
	n.mu.Lock()
	if call := n.book.calls[id]; call != nil {
		call.up = true
	}
	n.mu.Unlock()
	n.tell(string(id), post("channels/{id}/answer", "/channels/"+esc(id)+"/answer", true))
}

// tell carries out a request that has no event for its failure, and sees to it
// that a listing shows what has become of one that failed.
func (n *node) tell(call string, r request) error {
	return n.told(call, n.rest.do(n.jobs, r, nil))
}

func (n *node) told(call string, err error) error {
	switch {
	case err == nil:
	case isGone(err):
		n.log.Debug("a request came too late", zap.String("call", call), zap.Error(err))
	default:
		n.log.Error("a request to Asterisk failed; a listing will show where the call stands",
			zap.String("call", call), zap.Error(err))
		n.askResync(false)
	}
	return err
}

// endPlayback ends what is played, or waits to be. For a moment in which a playback
// has begun Asterisk cannot end it yet and answers 500 (play_on_channel in
// res/res_stasis_playback.c tells of the start first). Asking once would leave the
// caller in a ringing tone that has no end of its own and keeps the bridge waiting.
func (n *node) endPlayback(id acd.CallID, playback string) {
	for try := 1; ; try++ {
		err := n.rest.do(n.jobs, deletePlayback(playback), nil)
		if statusOf(err) != http.StatusInternalServerError || try == 10 {
			_ = n.told(string(id), err)
			return
		}
		pause := time.NewTimer(n.opt.RepeatAfter)
		select {
		case <-pause.C:
		case <-n.jobs.Done():
		}
		pause.Stop()
	}
}

// play takes the place of what is played already: whoever presses a key in the
// middle of a prompt has heard enough.
func (n *node) play(c acd.Play) {
	n.stopPrompts(c.Call)
	n.mu.Lock()
	call, id := n.book.calls[c.Call], ""
	if call != nil {
		id = playID(c.Call, call.playsFrom+int64(c.Play))
		call.play, call.playOf, call.playing = id, c.Play, time.Time{}
		call.prompts = append(call.prompts, id)
	}
	n.mu.Unlock()
	if call == nil {
		return // the caller has left; CallGone is on its way
	}
	media := make([]string, len(c.Prompts))
	for i, p := range c.Prompts {
		media[i] = "sound:" + n.opt.SoundPrefix + p
	}
	var err error
	if len(media) > 0 {
		err = n.rest.do(n.jobs, n.playRequest(string(c.Call), id, media), nil)
	}
	if err != nil {
		n.log.Error("a prompt was not played", zap.String("call", string(c.Call)), zap.Strings("prompts", c.Prompts), zap.Error(err))
	}
	if err == nil && len(media) > 0 {
		n.mu.Lock()
		if call.play == id {
			call.playing = time.Now()
		}
		n.mu.Unlock()
		return
	}
	n.inbox.post(func(at time.Time) { n.played(at, id, len(media) == 0 || neverStarted(err)) })
}

// stopPrompts ends the prompts that the caller hears or would hear next. Their
// end is not CallPlayed: nobody waits for it any more.
func (n *node) stopPrompts(id acd.CallID) {
	n.mu.Lock()
	var prompts []string
	if call := n.book.calls[id]; call != nil {
		prompts, call.prompts, call.play = call.prompts, nil, ""
	}
	n.mu.Unlock()
	// The last one first, or the next would begin in between.
	for _, playback := range slices.Backward(prompts) {
		n.endPlayback(id, playback)
	}
}

func (n *node) playRequest(channel, id string, media []string) request {
	r := post("channels/{id}/play/{playback}", "/channels/"+esc(channel)+"/play/"+esc(id), false)
	r.body = map[string]any{"media": media}
	return r
}

func (n *node) startMusic(c acd.StartMusic) {
	n.mu.Lock()
	call := n.book.calls[c.Call]
	if call == nil {
		n.mu.Unlock()
		return
	}
	call.music, call.moh = c.Class, true
	ringback := call.ringback
	n.mu.Unlock()
	n.leaveBridge(c.Call)
	if ringback != "" {
		return // StopRingback will start it
	}
	n.music(c.Call, c.Class)
}

// leaveBridge takes a caller whose agent has gone out of the bridge: neither music
// nor prompts would be heard there.
func (n *node) leaveBridge(id acd.CallID) {
	n.mu.Lock()
	call := n.book.calls[id]
	joined := call != nil && call.joined
	if joined {
		call.joined = false
	}
	n.mu.Unlock()
	if joined {
		r := post("bridges/{id}/removeChannel", "/bridges/"+esc(acd.BridgeID(id))+"/removeChannel", true)
		r.query = url.Values{"channel": {string(id)}}
		n.tell(string(id), r)
		n.mu.Lock()
		call.left = time.Now()
		n.mu.Unlock()
	}
}

// servedVariable is set on the channel of a caller whose conversation is over, so
// that a controller that starts does not take the caller for one who waits.
const servedVariable = "HOTLINE_SERVED"

// unbridge readies a caller whose agent has hung up to hear prompts.
func (n *node) unbridge(id acd.CallID) {
	n.mu.Lock()
	_, here := n.book.calls[id]
	n.mu.Unlock()
	if !here {
		return // has left; CallGone is on its way
	}
	r := post("channels/{id}/variable", "/channels/"+esc(id)+"/variable", true)
	r.query = url.Values{"variable": {servedVariable}, "value": {"1"}, "report_events": {"true"}}
	n.tell(string(id), r)
	n.leaveBridge(id)
}

// stopMusic ends hold music: it would go on in the bridge, over the agent's voice.
func (n *node) stopMusic(id acd.CallID) {
	n.mu.Lock()
	call := n.book.calls[id]
	playing := call != nil && call.moh
	if playing {
		call.moh = false
	}
	n.mu.Unlock()
	if playing {
		n.tell(string(id), request{
			method: http.MethodDelete, route: "channels/{id}/moh", path: "/channels/" + esc(id) + "/moh", repeatable: true,
		})
	}
}

func (n *node) music(call acd.CallID, class string) {
	r := post("channels/{id}/moh", "/channels/"+esc(call)+"/moh", true)
	if class != "" {
		r.query = url.Values{"mohClass": {class}}
	}
	n.tell(string(call), r)
}

func (n *node) startRingback(c acd.StartRingback) {
	id := toneID(c.Call, c.Tone)
	n.mu.Lock()
	call := n.book.calls[c.Call]
	if call == nil || call.ringback != "" {
		n.mu.Unlock()
		return
	}
	call.ringback = id
	n.mu.Unlock()
	media := []string{"tone:ring;tonezone=" + n.opt.ToneZone}
	if neverStarted(n.tell(string(c.Call), n.playRequest(string(c.Call), id, media))) {
		n.mu.Lock()
		call.ringback = ""
		n.mu.Unlock()
	}
}

// neverStarted reports whether a request that starts something has certainly
// not done so. Without a reply it may have: then it must be ended like one that
// was confirmed.
func neverStarted(err error) bool { return statusOf(err) != 0 || neverSent(err) }

// stopRingback ends the ringing tone, if there is one, and lets the music be
// heard again when that is wanted.
func (n *node) stopRingback(id acd.CallID, resume bool) {
	n.mu.Lock()
	call := n.book.calls[id]
	if call == nil || call.ringback == "" {
		n.mu.Unlock()
		return
	}
	playback, class := call.ringback, call.music
	call.ringback = ""
	n.mu.Unlock()
	n.endPlayback(id, playback)
	if resume && class != "" {
		n.music(id, class)
	}
}

// seatEndpoint begins the name of a seat's endpoint, and of its channels.
const seatEndpoint = "PJSIP/seat-"

// offer makes the agent's leg. It rings when Asterisk has reported it.
func (n *node) offer(c acd.Offer) {
	n.mu.Lock()
	leg := n.book.legs[c.Leg]
	cancelled := leg == nil || leg.cancelled
	if cancelled {
		n.book.endLeg(c.Leg, time.Now())
	}
	n.mu.Unlock()
	if cancelled {
		n.post(acd.LegGone{Leg: c.Leg, Outcome: acd.OfferWithdrawn})
		return
	}
	if c.Number != "" && n.opt.OutboundTrunk == "" {
		n.log.Error("a partner cannot be called: no carrier is configured for it; set asterisk.outbound_trunk", zap.String("call", string(c.Call)))
		n.dropLeg(c.Call, c.Leg, acd.OfferFailed, false)
		return
	}
	if n.behindStray(string(c.Leg), c) {
		return
	}
	r := post("channels/create", "/channels/create", true)
	body := map[string]any{
		"endpoint": seatEndpoint + string(c.Seat), "app": n.opt.App, "appArgs": "leg",
		"channelId": string(c.Leg), "originator": string(c.Call),
	}
	if c.Number != "" {
		body["endpoint"], body["variables"] = n.outside(c.Number), shows(c.CallerID)
	}
	r.body = body
	err := n.rest.do(n.jobs, r, nil)
	if isTaken(err) {
		n.giveWay(string(c.Leg), c)
		return
	}
	if err == nil || statusOf(err) == http.StatusConflict {
		n.mu.Lock()
		if leg.since.IsZero() {
			leg.since = time.Now()
		}
		n.mu.Unlock()
		return
	}
	outcome := acd.OfferFailed
	switch {
	case isNodeFault(err):
		outcome = acd.OfferNodeFault
	case statusOf(err) == http.StatusInternalServerError:
		// "Allocation failed": the seat has no registered phone, or no endpoint.
		outcome = acd.OfferUnreachable
	}
	n.log.Warn("a phone could not be rung", zap.String("call", string(c.Call)),
		zap.String("leg", string(c.Leg)), zap.String("outcome", string(outcome)), zap.Error(err))
	n.dropLeg(c.Call, c.Leg, outcome, statusOf(err) == 0 && !neverSent(err))
}

// dropLeg reports a leg as gone unless that has been done. One that may have
// been made after all is removed, and its end told once more.
func (n *node) dropLeg(call acd.CallID, id acd.LegID, outcome acd.OfferOutcome, mayRing bool) {
	n.inbox.post(func(at time.Time) {
		n.mu.Lock()
		_, known := n.book.endLeg(id, at)
		n.mu.Unlock()
		if known {
			n.emit(at, acd.LegGone{Leg: id, Outcome: outcome, MayRing: mayRing})
		}
	})
	if !mayRing {
		return
	}
	if err := n.tell(string(call), deleteChannel(string(id))); err == nil || isGone(err) {
		n.post(acd.LegGone{Leg: id, Outcome: outcome})
	}
}

// dial lets a leg ring that is in the application.
func (n *node) dial(id acd.LegID) {
	n.mu.Lock()
	leg := n.book.legs[id]
	wanted := leg != nil && !leg.cancelled && !leg.dialled && n.book.strays[string(id)] == nil
	if wanted {
		leg.dialled = true
	}
	n.mu.Unlock()
	if !wanted {
		return
	}
	r := post("channels/{id}/dial", "/channels/"+esc(id)+"/dial", false)
	r.query = url.Values{}
	if leg.offer.Number == "" {
		r.query.Set("caller", string(leg.offer.Call)) // or the phone would not show who calls
	}
	if leg.offer.Timeout > 0 {
		seconds := int((leg.offer.Timeout + time.Second - 1) / time.Second)
		r.query.Set("timeout", strconv.Itoa(seconds))
	}
	err := n.rest.do(n.jobs, r, nil)
	if err == nil || statusOf(err) == http.StatusNotFound {
		return // what becomes of it is told by events
	}
	n.log.Error("a phone could not be rung", zap.String("call", string(leg.offer.Call)),
		zap.String("leg", string(id)), zap.Error(err))
	outcome := acd.OfferFailed
	if isNodeFault(err) {
		outcome = acd.OfferNodeFault
	}
	n.dropLeg(leg.offer.Call, id, outcome, true)
}

// hangUpLeg ends a leg. One that is still being made is ended when it is reported.
func (n *node) hangUpLeg(id acd.LegID) {
	n.mu.Lock()
	leg := n.book.legs[id]
	n.mu.Unlock()
	if leg == nil {
		return
	}
	n.markCancelled(id)
	n.tell(string(leg.offer.Call), deleteChannel(string(id)))
}

func (n *node) connect(c acd.Connect) {
	n.stopRingback(c.Call, false)
	n.stopPrompts(c.Call)
	n.stopMusic(c.Call)
	n.mu.Lock()
	call, leg := n.book.calls[c.Call], n.book.legs[c.Leg]
	n.mu.Unlock()
	if call == nil || leg == nil || leg.cancelled {
		n.post(acd.ConnectFailed{Call: c.Call, Leg: c.Leg})
		return
	}
	if err := n.bridge(c, call); err != nil && !(isNodeFault(err) && n.together(c, call)) {
		n.log.Warn("caller and agent could not be connected", zap.String("call", string(c.Call)), zap.Error(err))
		if statusOf(err)/100 == 4 {
			n.reportLeft(c)
		}
		n.post(acd.ConnectFailed{Call: c.Call, Leg: c.Leg, NodeFault: isNodeFault(err)})
		return
	}
	n.post(acd.Connected{Call: c.Call, Leg: c.Leg})
}

// reportLeft finds out which side of a connection that Asterisk refuses has
// gone, and reports it as its own event would, which may still be under way:
// whoever hung up at the moment of the answer is not to be offered again. The
// channel of one who has just hung up may be there for another moment.
func (n *node) reportLeft(c acd.Connect) {
	for try := range 2 {
		if try > 0 && !n.pause(n.opt.RepeatAfter) {
			return
		}
		var caller channel
		callerErr := n.rest.do(n.jobs, get("channels/{id}", "/channels/"+esc(c.Call)), &caller)
		_, inApp := caller.stasisArgs(n.opt.App)
		callerGone := statusOf(callerErr) == http.StatusNotFound || (callerErr == nil && !inApp)
		legErr := n.rest.do(n.jobs, get("channels/{id}", "/channels/"+esc(c.Leg)), nil)
		legGone := statusOf(legErr) == http.StatusNotFound
		if callerGone {
			n.inbox.post(func(at time.Time) { n.left(at, string(c.Call), callerErr != nil) })
		}
		if legGone {
			n.inbox.post(func(at time.Time) { n.legLost(at, c.Leg) })
		}
		if callerGone || legGone {
			return
		}
	}
}

// pause waits unless the requests are to end; then it reports false.
func (n *node) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-n.jobs.Done():
		return false
	}
}

// bridge puts caller and agent into the call's bridge. One that was expected after a
// takeover may never have been made: then it is made now.
func (n *node) bridge(c acd.Connect, call *callState) error {
	err := n.bridgeOnce(c, call)
	if statusOf(err) != http.StatusNotFound { // which says that there is no bridge, not no channel
		return err
	}
	n.mu.Lock()
	delete(n.book.bridges, c.Call)
	n.mu.Unlock()
	return n.bridgeOnce(c, call)
}

func (n *node) bridgeOnce(c acd.Connect, call *callState) error {
	id := acd.BridgeID(c.Call)
	n.mu.Lock()
	_, made := n.book.bridges[c.Call]
	n.mu.Unlock()
	if !made {
		r := post("bridges/{id}", "/bridges/"+esc(id), true)
		r.query = url.Values{"type": {"mixing"}}
		if err := n.rest.do(n.jobs, r, nil); err != nil && statusOf(err) != http.StatusConflict {
			return err
		}
		n.mu.Lock()
		n.book.bridges[c.Call] = true
		n.mu.Unlock()
	}
	r := post("bridges/{id}/addChannel", "/bridges/"+esc(id)+"/addChannel", true)
	r.query = url.Values{"channel": {string(c.Call) + "," + string(c.Leg)}}
	if leg := n.legOf(c.Leg); call.out != nil || leg != nil && leg.offer.Number != "" {
		// Or the phone outside would show the seat, or a caller who shall not be shown.
		r.query.Set("inhibitConnectedLineUpdates", "true")
	}
	if err := n.rest.do(n.jobs, r, nil); err != nil {
		return err
	}
	n.mu.Lock()
	call.joined = true
	n.mu.Unlock()
	return nil
}

// together looks whether caller and agent were connected after all: the reply that tells
// it may be lost, and whoever talks is not to be hung up.
func (n *node) together(c acd.Connect, call *callState) bool {
	var b bridge
	if n.rest.do(n.jobs, get("bridges/{id}", "/bridges/"+esc(acd.BridgeID(c.Call))), &b) != nil ||
		!slices.Contains(b.ChannelIDs, string(c.Call)) || !slices.Contains(b.ChannelIDs, string(c.Leg)) {
		return false
	}
	n.log.Info("caller and agent are connected, though the node did not say so", zap.String("call", string(c.Call)))
	n.mu.Lock()
	call.joined = true
	n.mu.Unlock()
	return true
}

func (n *node) legOf(id acd.LegID) *legState {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.book.legs[id]
}

func (n *node) release(c acd.Release) {
	n.markReleased(c) // also a callback that was not in the book before
	n.mu.Lock()
	call, leg := n.book.calls[c.Call], n.book.legs[c.Leg]
	bridged := n.book.bridges[c.Call]
	delete(n.book.bridges, c.Call)
	n.mu.Unlock()
	if call != nil && !c.CallerGone {
		n.tell(string(c.Call), deleteChannel(string(c.Call)))
	}
	if leg != nil && !c.LegGone {
		n.hangUpLeg(c.Leg)
	}
	if bridged {
		n.tell(string(c.Call), deleteBridge(acd.BridgeID(c.Call)))
	}
}

// replySeat answers, plays, and hangs up when the prompt has ended.
func (n *node) replySeat(c acd.ReplySeat) {
	n.mu.Lock()
	seat := n.book.seats[c.Channel]
	n.mu.Unlock()
	if seat == nil {
		return
	}
	id := n.playbackID(playReply, c.Channel)
	media := []string{"sound:" + n.opt.SoundPrefix + c.Prompt}
	if n.tell(c.Channel, post("channels/{id}/answer", "/channels/"+esc(c.Channel)+"/answer", true)) == nil &&
		n.tell(c.Channel, n.playRequest(c.Channel, id, media)) == nil {
		n.mu.Lock()
		seat.replied = time.Now()
		n.mu.Unlock()
		return
	}
	n.tell(c.Channel, deleteChannel(c.Channel))
}

// clean carries out a request that removes what is left over, in the lane of
// key. A found that is not empty is logged.
func (n *node) clean(key, found string, r request) {
	if found != "" {
		n.log.Info("something left over is removed", zap.String("call", key), zap.String("found", found))
	}
	n.lanes.add(key, func() { n.tell(key, r) })
}

func post(route, path string, repeatable bool) request {
	return request{method: http.MethodPost, route: route, path: path, repeatable: repeatable}
}

func deleteChannel(id string) request {
	return request{method: http.MethodDelete, route: "channels/{id}", path: "/channels/" + esc(id), repeatable: true}
}

func deletePlayback(id string) request {
	return request{method: http.MethodDelete, route: "playbacks/{id}", path: "/playbacks/" + esc(id), repeatable: true}
}

func deleteBridge(id string) request {
	return request{method: http.MethodDelete, route: "bridges/{id}", path: "/bridges/" + esc(id), repeatable: true}
}

// esc makes an id fit for a path.
func esc[T ~string](id T) string { return url.PathEscape(string(id)) }

// commandKey names the lane of a command: its call, or the dialling channel.
func commandKey(c acd.Command) string {
	call, _, channel, _ := commandTarget(c)
	if call == "" {
		return channel
	}
	return string(call)
}

func commandNode(c acd.Command) acd.NodeID {
	_, id, _, _ := commandTarget(c)
	return id
}

func commandName(c acd.Command) string {
	_, _, _, name := commandTarget(c)
	return name
}

func commandTarget(c acd.Command) (call acd.CallID, id acd.NodeID, channel, name string) {
	switch c := c.(type) {
	case acd.Answer:
		return c.Call, c.Node, "", "answer"
	case acd.Play:
		return c.Call, c.Node, "", "play"
	case acd.StartMusic:
		return c.Call, c.Node, "", "start music"
	case acd.StartRingback:
		return c.Call, c.Node, "", "start ringback"
	case acd.StopRingback:
		return c.Call, c.Node, "", "stop ringback"
	case acd.Offer:
		return c.Call, c.Node, "", "offer"
	case acd.CancelLeg:
		return c.Call, c.Node, "", "cancel leg"
	case acd.Connect:
		return c.Call, c.Node, "", "connect"
	case acd.Unbridge:
		return c.Call, c.Node, "", "unbridge"
	case acd.DialOut:
		return c.Call, c.Node, "", "dial out"
	case acd.Release:
		return c.Call, c.Node, "", "release"
	case acd.ReplySeat:
		return "", c.Node, c.Channel, "reply seat"
	}
	return "", "", "", "unknown"
}
