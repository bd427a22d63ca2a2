package acd_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// atSwitch is what Asterisk has of the calls: of each the leg with which the caller
// is in a bridge, or none.
func (w *world) atSwitch() map[acd.CallID]acd.TalkFound {
	found := map[acd.CallID]acd.TalkFound{}
	for _, c := range w.e.Snapshot(w.now).Calls {
		f := acd.TalkFound{
			Call: c.Call, Node: "a1", Entry: c.Entry, Caller: c.Caller, Called: c.Callback != "",
			Arrived: c.Arrived, Answered: c.Answered, Seat: c.Seat,
		}
		switch {
		case !w.alive[c.Call] || c.Phase == acd.PhaseRating:
			continue
		case c.Phase == acd.PhaseTalking:
			f.Leg = c.Leg
		case c.Phase == acd.PhaseAway:
			f.Leg, f.Answered, f.Seat = c.Referral.Leg, c.Visits[len(c.Visits)-1].Left, ""
		}
		if f.Leg != "" || c.Callback == "" { // nobody is on the line, or the switch hangs up
			found[c.Call] = f
		}
	}
	return found
}

// tell lets an engine hear of a switch, as the adapter tells it at the first listing.
func tell(e *acd.Engine, found map[acd.CallID]acd.TalkFound, step func(acd.Event)) {
	known := map[acd.CallID]bool{}
	legs := map[acd.LegID]bool{}
	var together []acd.Connected
	expected := e.Expect()
	for _, x := range expected {
		known[x.Call] = !x.Alone
		if _, here := found[x.Call]; !here && !x.Alone {
			step(acd.CallGone{Call: x.Call, Vanished: true})
		}
	}
	for _, x := range expected {
		f, here := found[x.Call]
		for _, leg := range x.Legs {
			id := leg.Offer.Leg
			switch legs[id] = true; {
			case !here || f.Leg != id:
				step(acd.LegGone{Leg: id})
			case x.Joined != id:
				step(acd.LegAnswered{Leg: id})
				together = append(together, acd.Connected{Call: x.Call, Leg: id})
			}
		}
	}
	ids := slices.Sorted(maps.Keys(found))
	for _, id := range ids {
		if f := found[id]; f.Leg != "" && !legs[f.Leg] {
			step(f)
			step(f) // told twice
		}
	}
	for _, id := range ids {
		if f := found[id]; f.Leg == "" && !known[id] {
			step(acd.CallArrived{Call: id, Node: f.Node, Entry: f.Entry, Caller: f.Caller, Since: f.Arrived})
		}
	}
	for _, c := range together {
		step(c)
	}
	step(acd.NodeReachable{Node: "a1"})
}

// forget lets an engine go on that knows nothing: who talks goes on talking, who
// waits waits since the arrival, and each call has one record.
func (w *world) forget() {
	found := w.atSwitch()
	for _, id := range slices.Sorted(maps.Keys(w.alive)) {
		if _, here := found[id]; !here { // is hung up by the switch
			delete(w.alive, id)
			delete(w.talks, id)
			w.arrived--
		}
	}
	for id, k := range w.talks {
		k.hold, k.held = 0, k.ended
		if found[id].Leg == "" {
			delete(w.talks, id)
		}
	}
	clear(w.assigned)
	clear(w.points)
	clear(w.legs)
	for _, f := range found {
		if f.Leg != "" {
			w.legs[f.Leg], w.seats[f.Leg] = true, f.Seat
		}
	}
	w.bridges, w.told, w.history = nil, acd.Mirror{}, map[acd.Key][]told{}
	clear(w.leaving)
	e, err := acd.Restore(w.cfg, callflow.Standard{}, acd.State{At: w.now, CutOff: []acd.NodeID{"a1"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.e, w.cutOff, w.caught = e, true, time.Time{}
	tell(e, found, func(ev acd.Event) {
		if _, reachable := ev.(acd.NodeReachable); reachable {
			w.cutOff = false
		}
		w.step(ev)
	})
	w.goOn(e, found, func(acd.CallID) bool { return true })
}

// goOn checks that everybody who talked talks on, with whom they talked, and that
// who waits has not come later than is true.
func (w *world) goOn(e *acd.Engine, found map[acd.CallID]acd.TalkFound, certain func(acd.CallID) bool) {
	s := e.Snapshot(w.now)
	for id, f := range found {
		c, here := callIn(s, id)
		_, _, who, _ := f.Leg.Parse()
		switch {
		case !certain(id):
		case f.Leg == "":
			if here && !c.Arrived.Equal(f.Arrived) {
				w.t.Fatalf("call %s came at %v, and counts as come at %v", id, f.Arrived, c.Arrived)
			}
		case strings.HasPrefix(string(who), "to-"):
			if c.Phase != acd.PhaseAway || c.Referral.Leg != f.Leg {
				w.t.Fatalf("a conversation with a partner was found, %+v, and the call is %+v", f, c)
			}
		case c.Phase != acd.PhaseTalking || c.Leg != f.Leg || c.Agent != who || !c.Answered.Equal(f.Answered):
			w.t.Fatalf("a conversation was found, %+v, and the call is %+v", f, c)
		}
	}
}

// behind lets another engine go on from a state that is older than what the switch
// has, or lacks parts of it.
func (w *world) behind(t *rapid.T) {
	found := w.atSwitch()
	before := w.older(t)
	before.CutOff = []acd.NodeID{"a1"}
	state, mended := acd.Mend(before)
	e, err := acd.Restore(w.cfg, callflow.Standard{}, state)
	if err != nil {
		return // see torn
	}
	thought := map[acd.CallID]acd.CallPhase{}
	for _, c := range state.Calls {
		thought[c.Call] = c.Phase
	}
	records := map[acd.CallID]int{}
	step := func(event acd.Event) {
		for _, r := range e.Step(w.now, event).Records {
			if records[r.Call]++; records[r.Call] > 1 {
				t.Fatalf("call %s ends twice", r.Call)
			}
		}
		for _, broken := range e.Audit() {
			t.Fatalf("after %+v: %s\nmended: %q\n%s", event, broken, mended, asText(t, before))
		}
	}
	tell(e, found, step)
	w.goOn(e, found, func(id acd.CallID) bool {
		return found[id].Leg != "" && (thought[id] == "" || thought[id] == acd.PhaseWaiting) && records[id] == 0
	})
	for id := range found {
		if _, here := callIn(e.Snapshot(w.now), id); here {
			step(acd.CallGone{Call: id})
		}
	}
	for id, f := range found {
		if records[id] != 1 && f.Leg != "" {
			t.Fatalf("the conversation %s has %d records", id, records[id])
		}
	}
}

// contradicted lets an engine hear of conversations that do not go with what it
// thinks: of agents who are elsewhere, at seats of others, of calls that wait.
func (w *world) contradicted(t *rapid.T) {
	e, err := acd.Restore(w.cfg, callflow.Standard{}, w.e.Save())
	if err != nil {
		t.Fatal(err)
	}
	records := map[acd.CallID]int{}
	step := func(event acd.Event) {
		for _, r := range e.Step(w.now, event).Records {
			if records[r.Call]++; records[r.Call] > 1 || r.Wait() < 0 || r.Talk() < 0 {
				t.Fatalf("%d records of call %s: %+v", records[r.Call], r.Call, r)
			}
		}
		for _, broken := range e.Audit() {
			t.Fatalf("after %+v: %s", event, broken)
		}
	}
	for range rapid.IntRange(1, 3).Draw(t, "found") {
		calls := e.Snapshot(w.now).Calls
		ids := []acd.CallID{"a1-9.1", "callback-2-a1-9.2"}
		for _, c := range calls {
			ids = append(ids, c.Call)
		}
		for _, b := range e.Callbacks() {
			ids = append(ids, "callback-"+acd.CallID(rapid.SampledFrom([]string{"1", "7"}).Draw(t, "attempt"))+"-"+b.ID)
		}
		id := rapid.SampledFrom(ids).Draw(t, "call")
		n := rapid.IntRange(1, 4).Draw(t, "offer")
		f := acd.TalkFound{
			Call: id, Node: "a1", Called: strings.HasPrefix(string(id), "callback-"),
			Entry:    rapid.SampledFrom([]string{"12345", "8", "none", ""}).Draw(t, "entry"),
			Seat:     rapid.SampledFrom([]acd.SeatID{"801", "802", "803", "899"}).Draw(t, "seat"),
			Arrived:  w.now.Add(-someTime(t, "arrived")),
			Rung:     w.now.Add(-someTime(t, "rung")),
			Answered: w.now.Add(-someTime(t, "answered")),
		}
		f.Leg = acd.NewLegID(id, n, rapid.SampledFrom([]acd.AgentID{"1", "2", "3", "99"}).Draw(t, "agent"))
		if rapid.IntRange(0, 4).Draw(t, "partner") == 0 {
			f.Leg, f.Seat = acd.NewPartnerLegID(id, n, "suqian"), ""
		}
		before, known := callIn(e.Snapshot(w.now), id)
		was, ended := before.Phase, records[id] > 0
		if ended || f.Called && f.Seat == "" {
			continue // nobody tells of that
		}
		step(f)
		c, _ := callIn(e.Snapshot(w.now), id)
		_, _, who, _ := f.Leg.Parse()
		switch was {
		case acd.PhaseTalking, acd.PhaseRating, acd.PhaseAway, acd.PhaseClosing:
			if before.Phase != c.Phase || before.Leg != c.Leg {
				t.Fatalf("after %+v call %s is %s, and was %s", f, id, c.Phase, was)
			}
			continue
		}
		if before.Leg == f.Leg || before.Referral != nil && before.Referral.Leg == f.Leg {
			continue // the leg is known
		}
		switch {
		case f.Seat == "" && (c.Phase != acd.PhaseAway || c.Referral.Leg != f.Leg):
			t.Fatalf("after %+v the call is %+v", f, c)
		case f.Seat != "" && (c.Phase != acd.PhaseTalking || c.Leg != f.Leg || c.Agent != who || c.Seat != f.Seat || known && !c.Arrived.Equal(before.Arrived)):
			t.Fatalf("after %+v the call is %+v", f, c)
		}
		for _, a := range e.Snapshot(w.now).Agents {
			if a.Agent == who && (a.State != acd.Talking || a.Call != id || a.Seat != f.Seat) {
				t.Fatalf("after %+v the agent is %+v", f, a)
			}
		}
	}
	saved := e.Save()
	if mended, told := acd.Mend(saved); len(told) > 0 || asText(t, mended) != asText(t, saved) {
		t.Fatalf("a state that agrees with itself was mended: %q", told)
	}
	again, err := acd.Restore(w.cfg, callflow.Standard{}, saved)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := asText(t, e.Snapshot(w.now)), asText(t, again.Snapshot(w.now)); a != b {
		t.Fatalf("before a restart\n%s\nafter it\n%s", a, b)
	}
	for _, c := range e.Snapshot(w.now).Calls {
		if step(acd.CallGone{Call: c.Call}); c.Recovered && c.Phase == acd.PhaseTalking && records[c.Call] != 1 {
			t.Fatalf("the conversation %s has no record", c.Call)
		}
	}
}

func someTime(t *rapid.T, label string) time.Duration {
	return time.Duration(rapid.IntRange(0, 100).Draw(t, label)) * time.Second
}
