package acd_test

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// talk is a conversation and what followed, kept as plainly as can be, to compare
// the engine's records with.
type talk struct {
	began, ended time.Time // ended: the agent has left, and the caller is asked
	held         time.Time // on hold since; zero: not
	hold         time.Duration
	rated        bool // the queue asked for ratings when the agent left
	attempts     int  // of the queue then
	grade        int
}

// converse brings about conversations, for which the other actions together
// hardly have the luck: everybody is at work, somebody calls, and whoever is rung
// lifts and is connected.
func (w *world) converse(t *rapid.T) {
	for _, at := range [][2]string{{"1", "801"}, {"2", "802"}, {"3", "803"}} {
		agent, seat := acd.AgentID(at[0]), acd.SeatID(at[1])
		if w.state(agent) == acd.LoggedOut {
			w.step(acd.Login{Agent: agent, Seat: seat})
		}
	}
	for _, agent := range []acd.AgentID{"1", "2", "3"} {
		if s := w.state(agent); s == acd.NotReady || s == acd.WrapUp {
			w.step(acd.SetReady{Agent: agent})
		}
	}
	w.arrive(t)
	for _, c := range w.e.Snapshot(w.now).Calls {
		if c.Phase == acd.PhaseGreeting {
			w.step(acd.CallPlayed{Call: c.Call})
		}
	}
	for _, c := range w.e.Snapshot(w.now).Calls {
		if c.Phase == acd.PhaseRinging && w.legs[c.Leg] {
			w.step(acd.LegAnswered{Leg: c.Leg})
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "held at once") == 0 {
		w.holds(t)
	}
	for _, b := range w.bridges {
		w.step(acd.Connected{Call: b.Call, Leg: b.Leg})
	}
	w.bridges = nil
}

func (w *world) state(id acd.AgentID) acd.AgentState {
	for _, a := range w.e.Snapshot(w.now).Agents {
		if a.Agent == id {
			return a.State
		}
	}
	return ""
}

// holds lets an agent hold the caller, or talk again, at a phone in any state.
func (w *world) holds(t *rapid.T) {
	leg, ok := pick(t, w.legs, func(a, b acd.LegID) bool { return a < b })
	switch {
	case !ok:
	case rapid.Bool().Draw(t, "hold"):
		w.step(acd.LegHeld{Leg: leg})
	default:
		w.step(acd.LegResumed{Leg: leg})
	}
}

func callIn(s acd.Snapshot, id acd.CallID) (acd.CallStatus, bool) {
	i := slices.IndexFunc(s.Calls, func(c acd.CallStatus) bool { return c.Call == id })
	if i < 0 {
		return acd.CallStatus{}, false
	}
	return s.Calls[i], true
}

// talked follows the conversations by what the world does, and holds the records
// against that.
func (w *world) talked(before acd.Snapshot, event acd.Event, after acd.Snapshot, records []acd.CallRecord) {
	switch ev := event.(type) {
	case acd.LegHeld:
		for _, c := range before.Calls {
			if c.Leg == ev.Leg && (c.Phase == acd.PhaseTalking || c.Phase == acd.PhaseAnswered) {
				if k := w.talk(c.Call); k.held.IsZero() {
					k.held = w.now
				}
			}
		}
	case acd.LegResumed:
		for _, c := range before.Calls {
			if k := w.talks[c.Call]; k != nil && c.Leg == ev.Leg {
				k.resume(w.now)
			}
		}
	case acd.CallDigit:
		c, _ := callIn(before, ev.Call)
		if k := w.talks[ev.Call]; c.Phase == acd.PhaseRating && k.grade == 0 && strings.HasPrefix(string(c.Flow), "rating:") && strings.Contains("12345", ev.Digit) {
			k.grade = int(ev.Digit[0] - '0')
		}
	}
	for _, c := range after.Calls {
		switch k := w.talks[c.Call]; {
		case c.Phase == acd.PhaseTalking && w.talk(c.Call).began.IsZero():
			k = w.talk(c.Call)
			k.began = w.now
			if !k.held.IsZero() {
				k.held = w.now
			}
		case c.Phase == acd.PhaseRating:
			w.rates(before, c, k, after)
		case k != nil && k.began.IsZero() && c.Phase != acd.PhaseAnswered:
			delete(w.talks, c.Call) // nothing came of it
		}
		if k := w.talks[c.Call]; (k != nil && !k.held.IsZero()) != !c.OnHold.IsZero() {
			w.t.Fatalf("call %s is on hold since %v, and plainly %+v", c.Call, c.OnHold, k)
		}
	}
	for _, r := range records {
		w.accounted(before, event, r)
	}
}

func (w *world) talk(id acd.CallID) *talk {
	k := w.talks[id]
	if k == nil {
		k = &talk{}
		w.talks[id] = k
	}
	return k
}

func (k *talk) resume(now time.Time) {
	if !k.held.IsZero() && !k.began.IsZero() {
		k.hold += now.Sub(k.held)
	}
	k.held = time.Time{}
}

// rates looks at a caller who is asked for a rating.
func (w *world) rates(before acd.Snapshot, c acd.CallStatus, k *talk, after acd.Snapshot) {
	if k.ended.IsZero() {
		k.resume(w.now)
		k.ended, k.rated = w.now, w.asks(before, c)
		if !k.rated {
			w.t.Fatalf("call %s is asked for a rating, and its queue does not ask", c.Call)
		}
		k.attempts = c.Rating.Rules.Attempts
	}
	if longest := time.Duration(k.attempts+1)*time.Minute + time.Duration(k.attempts)*5*time.Second; w.now.Sub(k.ended) > longest {
		w.t.Fatalf("call %s is asked for %v", c.Call, w.now.Sub(k.ended))
	}
	for _, a := range after.Agents {
		if a.Call == c.Call {
			w.t.Fatalf("agent %s is %s, bound by call %s that is being rated", a.Agent, a.State, c.Call)
		}
	}
}

// asks reports whether the queue in which a call was talking asks for ratings.
func (w *world) asks(before acd.Snapshot, c acd.CallStatus) bool {
	was, _ := callIn(before, c.Call)
	i := slices.IndexFunc(w.cfg.Queues, func(q acd.Queue) bool { return q.ID == was.Queue })
	return was.Phase == acd.PhaseTalking && i >= 0 && len(w.cfg.Queues[i].Rating.Prompts) > 0
}

// accounted compares the record of a call with what has happened to it.
func (w *world) accounted(before acd.Snapshot, event acd.Event, r acd.CallRecord) {
	k := w.talks[r.Call]
	delete(w.talks, r.Call)
	if r.Result != acd.Answered {
		if r.Hold != 0 || r.RatingAsked || r.Rating != 0 || !r.TalkEnded.IsZero() {
			w.t.Fatalf("a call without a conversation was held or rated: %+v", r)
		}
		return
	}
	c, _ := callIn(before, r.Call)
	if _, agentLeft := event.(acd.LegGone); agentLeft && c.Phase == acd.PhaseTalking && w.asks(before, c) {
		w.t.Fatalf("call %s ended with the agent, and its caller was not asked", r.Call)
	}
	until := r.Ended
	if k.ended.IsZero() {
		k.resume(w.now)
	} else {
		until = k.ended
	}
	if r.Talk() != until.Sub(k.began) || r.Hold != k.hold || r.Hold > r.Talk() || r.RatingAsked != k.rated || r.Rating != k.grade ||
		r.TalkEnded != k.ended || r.Agent == "" || r.Seat == "" || !r.Ended.Equal(w.now) || k.rated && r.Reason != acd.AgentHungUp {
		w.t.Fatalf("the record is %+v with a talk of %v, and plainly it was %+v", r, r.Talk(), *k)
	}
}
