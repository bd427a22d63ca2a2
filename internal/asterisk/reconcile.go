package asterisk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
)

// listing is what Asterisk had at some moment between asked and its arrival.
type listing struct {
	asked time.Time
	// lost: events may have been lost before. Otherwise the connection is
	// up, and what seems to be missing may just be under way.
	lost     bool
	first    bool // of a connection
	channels map[string]channel
	bridges  []bridge
}

// serveListings makes a listing now and then, and when asked, until the
// connection ends. It proves the connection soon after it was opened and before each
// regular listing: should a former one, or one that was opened at the same time, take
// the application along late, nothing else would tell.
func (n *node) serveListings(ctx context.Context, heard <-chan struct{}) error {
	again := time.NewTimer(n.opt.ConfirmAfter * 3 / 2) // not together with a listing
	defer again.Stop()
	regular := time.NewTicker(n.opt.ReconcileEvery)
	defer regular.Stop()
	// soon spaces listings that are asked for, so that a flood of bad
	// messages does not become a flood of listings.
	soon := time.NewTimer(0)
	soon.Stop()
	defer soon.Stop()
	waiting, lost := false, false
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case l := <-n.resync:
			lost = lost || l
			if !waiting {
				waiting = true
				soon.Reset(n.opt.ConfirmAfter)
			}
			continue
		case <-again.C:
			if err := n.prove(ctx, heard, n.opt.PingTimeout); errors.Is(err, errDeaf) {
				return err
			}
			continue
		case <-soon.C:
		case <-regular.C:
			if err := n.prove(ctx, heard, n.opt.PingTimeout); errors.Is(err, errDeaf) {
				return err
			}
		}
		soon.Stop()
		if err := n.list(ctx, lost, false); err != nil && ctx.Err() == nil {
			// The events still come: a slow answer is no reason to lose them.
			n.log.Warn("channels could not be listed; trying again", zap.Error(err))
			waiting = true
			soon.Reset(n.opt.ConfirmAfter)
			continue
		}
		waiting, lost = false, false
	}
}

// list asks the node for its channels and bridges, and lets the owner compare
// them with the book.
func (n *node) list(ctx context.Context, lost, first bool) error {
	l := listing{asked: time.Now(), lost: lost, first: first}
	var channels []channel
	// Bridges first: a call that ends in between then leaves a bridge
	// without channels, never channels without their bridge.
	if err := n.rest.do(ctx, get("bridges", "/bridges"), &l.bridges); err != nil {
		return err
	}
	if err := n.rest.do(ctx, get("channels", "/channels"), &channels); err != nil {
		return err
	}
	l.channels = make(map[string]channel, len(channels))
	for _, ch := range channels {
		l.channels[ch.ID] = ch
	}
	n.inbox.post(func(at time.Time) { n.reconcile(ctx, at, l) })
	return nil
}

// reconcile compares a listing with the book, emits what was missed, and
// removes what is left over. The owner calls it.
func (n *node) reconcile(ctx context.Context, at time.Time, l listing) {
	suspects := n.reconcileCalls(at, l)
	suspects = n.reconcileCalled(at, l) || suspects
	n.resumeTones(l)
	suspects = n.reconcileLegs(at, l) || suspects
	suspects = n.reconcileSeats(at, l) || suspects
	suspects = n.reconcileStrays(at, l) || suspects
	if !n.synced { // under no lock: only here it is set
		n.findConversations(ctx, at, l)
	}
	n.reconcileStrangers(ctx, at, l)
	suspects = n.reconcileCaught(at, l) || suspects
	n.resume(at, l)
	n.reconcileBridges(l)

	n.mu.Lock()
	n.book.forgetEnded(at)
	n.synced = true
	n.mu.Unlock()
	if suspects {
		n.askResync(false)
	}
	if ctx.Err() == nil && !n.replaced() {
		n.setProblem(nil)
	}
}

// missing says whether a channel that is in the book and not in the listing
// is gone; suspect becomes true where another listing must confirm it.
func (l *listing) missing(since time.Time, suspect *bool) (gone bool) {
	if since.IsZero() || since.After(l.asked) {
		return false
	}
	if l.lost || *suspect {
		return true
	}
	*suspect = true
	return false
}

// before reports whether something had happened when the listing was asked for.
func (l *listing) before(moment time.Time) bool {
	return !moment.IsZero() && moment.Before(l.asked)
}

// inApp returns a channel of the listing with its arguments if it is in the application.
func (n *node) inApp(l listing, id string) (ch channel, args []string, ok bool) {
	ch, ok = l.channels[id]
	if !ok {
		return ch, nil, false
	}
	args, ok = ch.stasisArgs(n.opt.App)
	return ch, args, ok
}

func (n *node) reconcileCalls(at time.Time, l listing) (suspects bool) {
	type goneCall struct {
		id   acd.CallID
		call *callState
	}
	var gone []goneCall
	var plays, left []string
	var ringing []acd.CallID
	n.mu.Lock()
	for id, call := range n.book.calls {
		ch, _, here := n.inApp(l, string(id))
		if call.out != nil {
			// It is not in the application before it was dialled.
			_, here = l.channels[string(id)]
		}
		if here {
			call.suspect = false
			if call.up && call.out == nil && !call.released && ch.State == "Ring" {
				ringing = append(ringing, id)
			}
			if call.released {
				left = append(left, string(id))
			} else if l.lost && call.play != "" && l.before(call.playing) {
				plays = append(plays, call.play)
			}
			continue
		}
		if l.missing(call.since, &call.suspect) {
			gone = append(gone, goneCall{id, call})
		}
		suspects = suspects || call.suspect
	}
	for _, g := range gone {
		n.book.endCall(g.id, at)
	}
	n.mu.Unlock()
	slices.SortFunc(gone, func(a, b goneCall) int { return cmp.Or(a.call.since.Compare(b.call.since), cmp.Compare(a.id, b.id)) })
	slices.Sort(ringing)
	slices.Sort(plays)
	slices.Sort(left)
	for _, g := range gone {
		n.found("CallGone", string(g.id))
		n.callGone(at, g.id, g.call, true)
	}
	for _, id := range plays {
		n.checkPlayback(id)
	}
	for _, id := range ringing {
		n.lanes.add(string(id), func() { n.answer(id) })
	}
	for _, id := range left {
		n.clean(id, "released call", deleteChannel(id))
	}
	return suspects
}

// reconcileCalled tells in what state the channels are that we have made for
// callers who are called back.
func (n *node) reconcileCalled(at time.Time, l listing) (suspects bool) {
	var changed, silent []acd.CallID
	n.mu.Lock()
	for id, call := range n.book.calls {
		ch, here := l.channels[string(id)]
		switch {
		case call.out == nil || !here || call.released || !l.before(call.since):
		case ch.State != "Down" || call.out.dialled:
			changed = append(changed, id)
		case l.asked.Sub(call.since) > n.opt.ConfirmAfter:
			silent = append(silent, id)
		default:
			suspects = true // its StasisStart may just be under way
		}
	}
	n.mu.Unlock()
	slices.Sort(changed)
	slices.Sort(silent)
	for _, id := range changed {
		if n.calledChanged(at, id, l.channels[string(id)].State) {
			n.found("ChannelStateChange", string(id))
		}
	}
	for _, id := range silent {
		n.found("StasisStart", string(id))
		n.calledEntered(at, id)
	}
	return suspects
}

// found logs and counts an event that was missed.
func (n *node) found(event, channel string) {
	n.log.Info("a listing shows what no event told", zap.String("event", event), zap.String("channel", channel))
}

// checkPlayback asks whether a prompt still plays; if not, its end was missed.
func (n *node) checkPlayback(id string) {
	n.lanes.add(id, func() {
		err := n.rest.do(n.jobs, get("playbacks/{id}", "/playbacks/"+esc(id)), nil)
		switch {
		case err != nil && statusOf(err) != http.StatusNotFound && n.jobs.Err() == nil:
			n.askResync(true) // or nobody would ask again, and a caller hear silence for ever
			return
		case statusOf(err) != http.StatusNotFound:
			return
		}
		n.inbox.post(func(at time.Time) {
			if n.playbackFinished(at, id) {
				n.found("CallPlayed", id)
			}
		})
	})
}

// checkHold asks whether an agent holds the caller; what was told of it may have
// been lost. No answer, no news: at the latest the conversation ends a hold.
func (n *node) checkHold(id acd.LegID) {
	call, _, _, _ := id.Parse()
	n.lanes.add(string(call), func() {
		var hold struct {
			Value string `json:"value"`
		}
		r := get("channels/{id}/variable", "/channels/"+esc(id)+"/variable")
		r.query = url.Values{"variable": {"CHANNEL(rtp,hold)"}}
		if err := n.rest.do(n.jobs, r, &hold); err != nil || hold.Value != "0" && hold.Value != "1" {
			return
		}
		n.inbox.post(func(at time.Time) {
			if n.held(at, id, hold.Value == "1") {
				n.found("ChannelHold or ChannelUnhold", string(id))
			}
		})
	})
}

func (n *node) reconcileLegs(at time.Time, l listing) (suspects bool) {
	type goneLeg struct {
		id  acd.LegID
		leg *legState
	}
	var gone []goneLeg
	var changed, cancelled, silent, talking []acd.LegID
	n.mu.Lock()
	for id, leg := range n.book.legs {
		ch, here := l.channels[string(id)]
		switch {
		case !here:
			if l.missing(leg.since, &leg.suspect) {
				gone = append(gone, goneLeg{id, leg})
			}
			suspects = suspects || leg.suspect
			continue
		case leg.cancelled:
			cancelled = append(cancelled, id)
		case !l.before(leg.since):
			suspects = true // it may be another of the same name that is listed
		case ch.State == "Down" && !leg.dialled && l.asked.Sub(leg.since) > n.opt.ConfirmAfter:
			silent = append(silent, id)
		case ch.State == "Down" && !leg.dialled:
			suspects = true
		default:
			changed = append(changed, id)
			if l.lost && leg.answered && !leg.adopted && leg.offer.Number == "" {
				talking = append(talking, id)
			}
		}
		leg.suspect = false
	}
	for _, g := range gone {
		n.book.endLeg(g.id, at)
	}
	n.mu.Unlock()
	slices.SortFunc(gone, func(a, b goneLeg) int { return cmp.Or(a.leg.since.Compare(b.leg.since), cmp.Compare(a.id, b.id)) })
	for _, ids := range [][]acd.LegID{changed, cancelled, silent, talking} {
		slices.Sort(ids)
	}
	for _, g := range gone {
		n.found("LegGone", string(g.id))
		outcome := acd.OfferFailed
		if g.leg.answered {
			outcome = acd.OfferAnswered
		}
		n.legGone(at, g.id, g.leg, outcome)
	}
	for _, id := range changed {
		if n.stateChanged(at, string(id), l.channels[string(id)].State) {
			n.found("ChannelStateChange", string(id))
		}
	}
	for _, id := range silent {
		n.found("StasisStart", string(id))
		n.legEntered(at, id)
	}
	for _, id := range talking {
		n.checkHold(id)
	}
	for _, id := range cancelled {
		call, _, _, _ := id.Parse()
		n.clean(string(call), "cancelled leg", deleteChannel(string(id)))
	}
	return suspects
}

func (n *node) reconcileSeats(at time.Time, l listing) (suspects bool) {
	n.mu.Lock()
	var finished []string
	for id, seat := range n.book.seats {
		_, _, here := n.inApp(l, id)
		switch {
		case !here:
			if l.missing(seat.since, &seat.suspect) {
				n.book.endSeat(id, at)
			}
			suspects = suspects || seat.suspect
		case (l.lost && l.before(seat.replied)) || l.asked.Sub(seat.since) > n.opt.ReconcileEvery:
			finished = append(finished, id) // the end of its prompt was missed
		}
	}
	n.mu.Unlock()
	for _, id := range finished {
		n.clean(id, "feature code", deleteChannel(id))
	}
	return suspects
}

// reconcileStrangers handles channels that the book does not know: callers
// who came unseen, and legs that nobody asked for.
func (n *node) reconcileStrangers(ctx context.Context, at time.Time, l listing) {
	var strangers []channel
	var legs []string
	n.mu.Lock()
	for id, ch := range l.channels {
		if n.book.knows(id) {
			continue
		}
		if n.book.leaving(id, l.asked.Add(-n.opt.SettleTime), at) {
			continue // no new caller
		}
		if isLeg(acd.LegID(id)) {
			legs = append(legs, id)
			continue
		}
		strangers = append(strangers, ch)
	}
	n.mu.Unlock()
	// Before the engine hears of callers, and asks for legs of the same names.
	for _, id := range legs {
		n.removeStray(at, id)
	}
	slices.SortFunc(strangers, func(a, b channel) int { return cmp.Compare(a.Creationtime, b.Creationtime) })
	over, asked := n.isOver(ctx)
	defer asked()
	for _, ch := range strangers {
		args, ok := ch.stasisArgs(n.opt.App)
		if ok && !n.synced && over(acd.CallID(ch.ID)) {
			n.clean(ch.ID, "caller whose call has ended", deleteChannel(ch.ID))
			continue
		}
		if ok && ch.served() {
			// A former controller, of which nothing is known, was asking for a rating.
			// Whoever has talked with an agent is not to wait for one again.
			n.clean(ch.ID, "caller who was asked for a rating", deleteChannel(ch.ID))
			n.clean(ch.ID, "", deleteBridge(acd.BridgeID(acd.CallID(ch.ID))))
			continue
		}
		if ok && n.entered(at, ch, args, true) {
			n.found("StasisStart", ch.ID)
		}
	}
}

func (b *book) knows(id string) bool {
	if _, ok := b.calls[acd.CallID(id)]; ok {
		return true
	}
	if _, ok := b.legs[acd.LegID(id)]; ok {
		return true
	}
	if _, ok := b.strays[id]; ok {
		return true
	}
	_, ok := b.seats[id]
	return ok
}

// reconcileBridges deletes the bridges of calls that are over.
func (n *node) reconcileBridges(l listing) {
	for _, bridge := range l.bridges {
		call, ours := acd.ParseBridgeID(bridge.ID)
		if !ours {
			continue
		}
		n.mu.Lock()
		_, known := n.book.calls[call]
		releasing := n.book.endedSince(string(call), l.asked.Add(-n.opt.SettleTime))
		n.mu.Unlock()
		if _, listed := l.channels[string(call)]; known || listed || releasing {
			continue
		}
		n.clean(string(call), "bridge", deleteBridge(bridge.ID))
	}
}
