package acd

import "time"

// maxHeld bounds how far in the past the dialplan may place a caller's true
// arrival; anything older is a wrong clock and is ignored.
const maxHeld = 24 * time.Hour

func (e *Engine) callArrived(ev CallArrived) {
	if _, twice := e.calls[ev.Call]; twice {
		return
	}
	arrived, event := e.now, FlowStart
	held := !ev.Since.IsZero() && !ev.Since.After(e.now) && e.now.Sub(ev.Since) < maxHeld
	if held {
		arrived, event = ev.Since, FlowResume
	}
	c := newCall(CallStatus{
		Call: ev.Call, Node: ev.Node, Entry: ev.Entry, Caller: ev.Caller,
		Phase: PhaseGreeting, Arrived: arrived, Held: held,
	})
	e.calls[ev.Call] = c
	e.touchCall(c)

	entry, known := e.entries[ev.Entry]
	if !known {
		e.endCall(c, NotOffered, UnknownEntry, Release{})
		return
	}
	c.entry = entry
	if e.admit(c) {
		e.runFlow(c, event)
	}
}

// number is the caller's; empty when it was withheld, for then there stands a
// word, for example anonymous, or nothing: that names nobody in particular.
func (c *call) number() string {
	if c.Caller == "" {
		return ""
	}
	if first := c.Caller[0]; first != '+' && (first < '0' || first > '9') {
		return ""
	}
	return c.Caller
}

func newCall(status CallStatus) *call {
	c := &call{
		CallStatus: status, pos: -1,
		ring: timer{kind: ringTimer, pos: -1}, review: timer{kind: reviewTimer, pos: -1},
	}
	c.ring.call, c.review.call = c, c
	return c
}

func (e *Engine) callPlayed(ev CallPlayed) {
	c := e.calls[ev.Call]
	switch {
	case c == nil || c.Phase == PhaseJoining || c.Phase == PhaseAway:
	case ev.Play != 0 && ev.Play != c.Plays: // of prompts whose place others have taken
	case c.Phase == PhaseClosing && len(c.Next) > 0:
		next := c.Next
		c.Next = nil
		e.play(c, next)
		e.touchCall(c)
	case c.Phase == PhaseClosing:
		e.endCall(c, c.FateResult, c.FateReason, Release{})
	case c.Announcing:
		c.Announcing = false
		e.hearsNext(c)
	default:
		e.runFlow(c, FlowPlayed)
	}
}

// runFlow asks the call flow what the caller hears next, and does it.
func (e *Engine) runFlow(c *call, event FlowEvent) {
	if c.callback != nil {
		return // nobody is on the line to hear it
	}
	var actions []FlowAction
	q := c.queue
	if q == nil {
		q = e.queues[c.entry.Queue]
	}
	info := &e.info
	*info = FlowInfo{Entry: &c.entry.Entry, Emergency: e.emergency, Caller: c.number(), Digit: e.digit}
	if q != nil {
		info.Queue = &q.Queue
	}
	if c.rating != nil {
		info.Rating = &c.rating.Rules
	}
	if c.queue != nil {
		if event == FlowAnnounce {
			info.Ahead = e.ahead(c)
			info.Expected, info.Known = e.expectedWait(c.queue, c)
		}
	}
	c.Flow, actions = e.flow.Next(c.Flow, event, info)
	for _, action := range actions {
		switch a := action.(type) {
		case FlowAnswer:
			e.answer(c)
		case FlowPlay:
			c.Announcing, c.Next = c.queue != nil, nil
			e.play(c, a.Prompts)
			e.boundPrompts(c)
		case FlowMusic:
			e.startMusic(c, q)
		case FlowRingback:
			c.Tone = c.nextTone()
			e.command(StartRingback{Call: c.Call, Node: c.Node, Tone: c.Tone})
		case FlowStopRingback:
			c.Tone = 0
			e.command(StopRingback{Call: c.Call, Node: c.Node})
		case FlowEnqueue:
			e.enqueue(c)
		case FlowCallback:
			e.bookFor(c, a.Number)
		case FlowListen:
			e.listen(c, a.For)
		case FlowRated:
			e.rated(c, a.Grade)
		case FlowEnd:
			e.ratingOver(c)
		}
	}
}

// startMusic lets the caller hear the music of a queue from now on.
func (e *Engine) startMusic(c *call, q *queue) {
	c.Music = true
	e.command(StartMusic{Call: c.Call, Node: c.Node, Class: q.Music})
}

// play lets the caller hear prompts, in the place of those that are heard.
func (e *Engine) play(c *call, prompts []string) {
	c.Plays++
	e.command(Play{Call: c.Call, Node: c.Node, Play: c.Plays, Prompts: prompts})
}

// answer answers the caller's channel, once.
func (e *Engine) answer(c *call) {
	if !c.Up {
		c.Up = true
		e.command(Answer{Call: c.Call, Node: c.Node})
	}
}

// enqueue brings the call to its entry's queue.
func (e *Engine) enqueue(c *call) {
	if c.queue == nil && c.Phase == PhaseGreeting {
		e.come(c, e.queues[c.entry.Queue])
	}
}

// come brings a call to a queue: it enters and waits there, unless a rule of
// the queue says otherwise.
func (e *Engine) come(c *call, q *queue) {
	c.Tried, c.Told = append(c.Tried, q.ID), 0
	rule := Overflow{}
	if i := e.atTheDoor(c, q); i >= 0 {
		rule = q.Overflow[i]
		c.Told |= 1 << i
		switch {
		case rule.Closed && rule.To != "":
			e.announce(c, rule.Prompts)
			e.come(c, e.queues[rule.To])
			return
		case rule.Closed && rule.Refuse && len(c.Visits) == 0:
			e.dismiss(c, NotOffered, ClosedHours, rule.Prompts)
			return
		}
	}
	e.arrive(c, q, rule)
}

// arrive lets a call enter a queue and follow a rule of it, or wait there.
func (e *Engine) arrive(c *call, q *queue, rule Overflow) {
	e.count(c, q)
	if len(c.Visits) > 0 {
		e.runFlow(c, FlowMoved)
	}
	e.resumePlace(c, q)
	c.rank = e.rankOf(c)
	if e.apply(c, rule) {
		return
	}
	e.prefer(c)
	if e.wait(c); c.Phase == PhaseWaiting && c.queue == q && !c.Announcing {
		e.runFlow(c, FlowQueued)
	}
}

// entryOf finds the number that a call was made to. One that has left the
// configuration leads to where the call is.
func (e *Engine) entryOf(c *call) *entry {
	if n := e.entries[c.Entry]; n != nil {
		return n
	}
	return &entry{Entry: Entry{Number: c.Entry, Queue: c.Queue}}
}

// rankOf is when a call would have come to its place without its priority.
func (e *Engine) rankOf(c *call) int64 {
	return c.Place.Add(-time.Duration(c.priority()) * e.worth).UnixNano()
}

// priority is the call's, in points: that which it was given, else its entry's.
func (c *call) priority() int {
	switch {
	case c.Points != nil:
		return *c.Points
	case c.entry == nil:
		return 0
	}
	return c.entry.Priority
}

// count offers the call to a queue. The moment of the first counts as the
// beginning of the wait, but for a caller whom the dialplan held it is the true
// arrival.
func (e *Engine) count(c *call, q *queue) {
	if c.Queued.IsZero() {
		e.seq++
		c.Seq, c.Queued = e.seq, e.now
		if c.Held {
			c.Queued = c.Arrived
		}
		c.Place = c.Queued
	}
	c.queue, c.Queue, c.Entered = q, q.ID, e.now
	c.Announce = time.Time{}
	if q.Announce.After > 0 {
		c.Announce = e.now.Add(q.Announce.After)
	}
	if len(c.Visits) == 0 {
		c.Entered = c.Queued
	}
	e.moves(q, 1)
	e.remembers(q).Counts.Offered++
}

func (e *Engine) callGone(ev CallGone) {
	c := e.calls[ev.Call]
	if c == nil {
		return
	}
	c.Outcome = ev.Outcome
	e.callLeft(c, ev.Vanished, "")
}

// callLeft ends a call whose caller is no longer there. lost, when set, is
// the reason for which the agent's leg has gone as well.
func (e *Engine) callLeft(c *call, vanished bool, lost Reason) {
	var result Result
	var reason Reason
	release := Release{CallerGone: true}
	switch c.Phase {
	case PhaseGreeting:
		result, reason = NotOffered, CallerHungUp
	case PhaseWaiting:
		result, reason = Abandoned, CallerHungUp
	case PhaseRinging:
		result, reason = Abandoned, CallerHungUpRinging
	case PhaseAnswered, PhaseJoining:
		result, reason = Abandoned, CallerHungUpAtAnswer
	case PhaseTalking:
		result, reason = Answered, CallerHungUp
	case PhaseAway:
		result, reason = Overflowed, Referred
	case PhaseClosing, PhaseRating:
		e.endCall(c, c.FateResult, c.FateReason, release)
		return
	}
	if vanished {
		reason = Recovered
	}
	if lost != "" {
		reason = lost
		release.LegGone = true
	}
	if c.callback != nil && result != Answered {
		result = NotReached
		if reason != NodeLost && reason != Recovered {
			reason = CallerNotReached
		}
	}
	if result == Abandoned {
		e.keepPlace(c)
		e.missed(c)
	}
	e.endCall(c, result, reason, release)
}

// endCall closes the call: it is released at the switch, taken off its queue,
// recorded once, and its agent is free for what follows.
func (e *Engine) endCall(c *call, result Result, reason Reason, release Release) {
	phase, rings := c.Phase, c.rings
	for _, other := range rings[min(1, len(rings)):] {
		e.cancel(c, other)
	}
	release.Call, release.Node, release.Leg = c.Call, c.Node, c.Leg
	e.stopAsking(c)
	e.withdrawPartner(c)
	if away := c.away(); away != "" {
		release.Leg = away
	}
	e.command(release)
	if len(rings) > 0 && !release.LegGone {
		e.legLeaves(rings[0].agent, rings[0].leg)
	}
	if phase == PhaseTalking {
		e.conversed(c)
	}
	e.leaveQueue(c)
	for _, r := range rings {
		if phase != PhaseTalking {
			e.noteOutcome(c, r, OfferWithdrawn)
		}
		r.agent.call, r.agent.Call = nil, ""
	}
	if c.callback == nil || phase == PhaseAnswered || phase == PhaseTalking {
		e.record(c, result, reason) // a caller who was not called yet has no call
	}
	e.partnerOver(c)
	c.rings = nil
	e.showOffer(c)
	c.ended = true
	if e.entries[c.Entry] == nil {
		e.siteTouched = true
	}
	delete(e.calls, c.Call)
	e.touchCall(c)
	for _, r := range rings {
		if phase == PhaseTalking {
			e.startWrapUp(r.agent, c.queue)
		} else {
			e.offerWithdrawn(r.agent)
		}
	}
	if c.callback != nil {
		e.attemptEnded(c.callback, result == Answered, c.Outcome, c.Outcome == OfferNodeFault || reason == AgentHungUp || reason == NodeLost || reason == Recovered)
	}
}

// leaveQueue ends the call's waiting or talking for its queue's counts.
func (e *Engine) leaveQueue(c *call) {
	e.timers.remove(&c.review)
	e.timers.remove(&c.ring)
	if c.rating != nil {
		e.timers.remove(&c.rating.due)
	}
	e.leaveLine(c)
	switch {
	case c.queue == nil:
	case c.Phase == PhaseTalking:
		c.queue.talking--
	case c.callback == nil:
		e.moves(c.queue, -1)
		memory := e.remembers(c.queue)
		memory.Counts.Abandoned++
		memory.Pulse.Left++
	}
}

// record writes down a call that has ended.
func (e *Engine) record(c *call, result Result, reason Reason) {
	record := CallRecord{
		Version: RecordVersion, Call: c.Call, Node: c.Node, Entry: c.Entry, Caller: c.Caller,
		Queue: c.Queue, Arrived: c.Arrived, Queued: c.Queued, Ended: e.endOf(c, reason),
		Result: result, Reason: reason, Offers: c.Offers, Visits: c.Visits, Resumed: c.Resumed, Callback: c.Callback, Outcome: c.Outcome, Recovered: c.Recovered,
	}
	if c.Callback != "" {
		record.Direction = Outbound
	}
	if c.entry != nil {
		for _, s := range c.entry.Skills {
			record.Skills = append(record.Skills, s.Skill)
		}
	}
	if result == Answered {
		record.Answered, record.Agent, record.Seat, record.Hold = c.Answered, c.CallStatus.Agent, c.Seat, c.Hold
	}
	switch r := c.rating; {
	case r != nil:
		record.Agent, record.Seat, record.TalkEnded, record.RatingAsked, record.Rating = r.Agent, r.Seat, r.Since, true, r.Grade
	case result == Answered && c.queue == nil: // of which all but the end is known
		record.Agent, record.Seat = lastOffered(c.Offers)
		e.rememberTalk(c.number(), record.Agent)
	}
	if c.Phase == PhaseAway {
		record.Partner = c.referral.Partner
	}
	e.out.Records = append(e.out.Records, record)
}

// endOf is when a call has ended that ends now: of one that vanished while no
// controller was there, the last moment at which one was.
func (e *Engine) endOf(c *call, reason Reason) time.Time {
	if !c.unseen || reason != Recovered && reason != NodeLost {
		return e.now
	}
	end := e.alive
	for _, t := range []time.Time{c.Arrived, c.Queued, c.Answered} {
		if t.After(end) {
			end = t
		}
	}
	if n := len(c.Visits); n > 0 && c.Visits[n-1].Left.After(end) {
		end = c.Visits[n-1].Left
	}
	return end
}

// lastOffered is to whom a call was offered last.
func lastOffered(offers []OfferRecord) (AgentID, SeatID) {
	if len(offers) == 0 {
		return "", ""
	}
	o := offers[len(offers)-1]
	return o.Agent, o.Seat
}

// nextTone numbers the ringing tone of the present offers: those that follow each other
// have other tones.
func (c *call) nextTone() int { return len(c.Offers) + 1 }
