package acd_test

import (
	"slices"
	"time"

	"hotline/internal/acd"
)

// lineIsFree checks that no other leg is at the phone that is rung, unless its
// end has been awaited long enough.
func (w *world) lineIsFree(o acd.Offer) {
	for leg := range w.leaving {
		if w.seats[leg] == o.Seat && w.now.Sub(w.released[leg]) < 3*time.Second {
			w.t.Fatalf("%s is rung while %s is still at the phone", o.Leg, leg)
		}
	}
}

// inOrder checks that nobody whom the agent could serve, and who is more due,
// waits on.
func (w *world) inOrder(s acd.Snapshot, offer acd.Offer) {
	_, _, agent, _ := offer.Leg.Parse()
	var o acd.CallStatus
	for _, c := range s.Calls {
		if c.Call == offer.Call {
			o = c
		}
	}
	if o.Phase != acd.PhaseRinging || o.Leg != offer.Leg {
		return // no longer so at the end of the step, or not the first who was rung
	}
	for _, c := range s.Calls {
		if c.Phase == acd.PhaseWaiting && w.serves(agent, c) && (w.score(c) > w.score(o) || w.score(c) == w.score(o) && c.Seq < o.Seq) {
			w.t.Fatalf("%s was rung for call %s, and %s was more due", agent, o.Call, c.Call)
		}
	}
}

// nobodyIdle checks that no agent is ready who could serve a waiting caller.
func (w *world) nobodyIdle(s acd.Snapshot) {
	for _, a := range s.Agents {
		if a.State != acd.Ready || w.busyLine(a) {
			continue
		}
		for _, c := range s.Calls {
			if c.Phase == acd.PhaseWaiting && w.serves(a.Agent, c) {
				w.t.Fatalf("agent %s is ready and could serve call %s", a.Agent, c.Call)
			}
		}
	}
}

// partnersHelp checks that a partner has as many calls as its lines allow, while
// somebody asks for it, and never more than were allowed when they were made.
func (w *world) partnersHelp(s acd.Snapshot) {
	for _, p := range w.cfg.Partners {
		calls, asks := 0, acd.CallID("")
		for _, c := range s.Calls {
			switch r := c.Referral; {
			case r == nil:
			case r.Partner == p.ID:
				calls++
			case r.Partner == "" && c.Phase == acd.PhaseWaiting && !w.cutOff && !w.heldBack(c) && !c.Paused.After(w.now) && slices.Contains(r.Asked, p.ID):
				asks = c.Call
			}
		}
		most := 2 // of all that anySite makes
		if calls > most {
			w.t.Fatalf("partner %s has %d calls at once", p.ID, calls)
		}
		for _, status := range s.Partners {
			if status.Partner == p.ID && asks != "" && calls < p.AtMost && status.Rests.IsZero() {
				w.t.Fatalf("partner %s has %d of %d calls, and %s asks for it", p.ID, calls, p.AtMost, asks)
			}
			if rests := status.Rests.Sub(w.now); rests > p.Rest {
				w.t.Fatalf("partner %s rests for %v", p.ID, rests)
			}
		}
	}
}

// busyLine reports whether a leg may still be at the agent's phone, or at the one
// that the agent has just left.
func (w *world) busyLine(a acd.AgentStatus) bool {
	for leg := range w.leaving {
		if _, _, other, _ := leg.Parse(); (other == a.Agent || w.seats[leg] == a.Seat) && w.now.Sub(w.released[leg]) < 3*time.Second {
			return true
		}
	}
	for leg, said := range w.busy { // and is ready all the same: the former call has just ended
		if _, _, other, _ := leg.Parse(); (other == a.Agent || w.seats[leg] == a.Seat) && w.now.Sub(said) < 500*time.Millisecond {
			return true
		}
	}
	return false
}

// score and serves are written from the description of the configuration, as
// plainly as can be, to compare the engine with.
func (w *world) score(c acd.CallStatus) float64 {
	weight := 1.0
	for _, q := range w.cfg.Queues {
		if q.ID == c.Queue && q.Weight > 0 {
			weight = q.Weight
		}
	}
	return weight * float64(w.now.Sub(place(c))+time.Duration(w.priority(c))*acd.DefaultPriorityWorth)
}

// place is the moment that orders a call.
func place(c acd.CallStatus) time.Time {
	if c.Callback != "" {
		return c.Place // of the call that asked for it
	}
	if !c.Resumed.IsZero() {
		return c.Resumed
	}
	return c.Queued
}

// entered is when the call came to its present queue.
func entered(c acd.CallStatus) time.Time {
	if n := len(c.Visits); n > 0 {
		return c.Visits[n-1].Left
	}
	return c.Queued
}

func (w *world) serves(agent acd.AgentID, c acd.CallStatus) bool {
	var q acd.Queue
	for _, x := range w.cfg.Queues {
		if x.ID == c.Queue {
			q = x
		}
	}
	if w.cutOff || w.heldBack(c) || w.pauses(c) || c.Callback != "" && q.Hours != nil && !q.Hours.Open(w.now) {
		return false
	}
	for _, o := range c.Offers {
		switch o.Outcome {
		case acd.OfferNoAnswer, acd.OfferRefused, acd.OfferBusy, acd.OfferUnreachable, acd.OfferFailed:
			if o.Agent == agent && o.Ended.Add(q.NotAgain).After(w.now) {
				return false
			}
		}
	}
	level, asked, helpers := q.Level, map[acd.SkillID]acd.Level{}, map[acd.QueueID]bool{}
	for _, e := range w.cfg.Entries {
		if e.Number == c.Entry {
			for _, s := range e.Skills {
				asked[s.Skill] = s.Level
			}
		}
	}
	for _, step := range q.Relax {
		if w.now.Sub(entered(c)) < step.After {
			break
		}
		level = step.Level
		for _, s := range step.Skills {
			if _, wanted := asked[s.Skill]; wanted {
				asked[s.Skill] = s.Level
			}
		}
		for _, h := range step.Queues {
			helpers[h] = true
		}
	}
	for skill, l := range asked {
		if w.skills(agent)[skill] < l {
			return false
		}
	}
	for serves, own := range w.levels(agent) {
		if helpers[serves] || serves == q.ID && own >= level {
			return true
		}
	}
	return false
}

// heldBack reports whether a call came after callers whom the dialplan holds.
func (w *world) heldBack(c acd.CallStatus) bool { return !w.caught.IsZero() && c.Place.After(w.caught) }

// pauses reports whether a call waits because its node has just failed.
func (w *world) pauses(c acd.CallStatus) bool {
	if c.Referral != nil && c.Paused.After(w.now) {
		return true // failed to ring a partner
	}
	return slices.ContainsFunc(c.Offers, func(o acd.OfferRecord) bool { // of several phones, not always the last
		return o.Outcome == acd.OfferNodeFault && w.now.Sub(o.Ended) < 2*time.Second
	})
}
