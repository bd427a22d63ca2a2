package acd_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// world is a random switch and random people round an engine: legs ring,
// answer and fail in any order, replies come late, callers leave at any time.
type world struct {
	t        *rapid.T
	e        *acd.Engine
	now      time.Time
	arrived  int
	alive    map[acd.CallID]bool
	legs     map[acd.LegID]bool // legs that the switch has made and not ended
	bridges  []acd.Connect      // bridges that were asked for and not yet reported
	leaving  map[acd.LegID]bool // legs that were hung up and of whose end nothing was said
	released map[acd.LegID]time.Time
	records  map[acd.CallID]int
}

func TestInvariantsHoldForRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := acd.NewEngine(site(), callflow.Standard{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{
			t: t, e: e, now: start, alive: map[acd.CallID]bool{}, legs: map[acd.LegID]bool{},
			leaving: map[acd.LegID]bool{}, released: map[acd.LegID]time.Time{}, records: map[acd.CallID]int{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": w.arrive,
			"leave":  w.callerLeaves,
			"leg":    w.leg,
			"bridge": w.bridge,
			"left": func(t *rapid.T) {
				if leg, ok := pick(t, w.leaving, func(a, b acd.LegID) bool { return a < b }); ok {
					delete(w.leaving, leg)
					w.step(acd.LegGone{Leg: leg, Outcome: acd.OfferWithdrawn})
				}
			},
			"played":  func(t *rapid.T) { w.onCall(t, func(c acd.CallID) acd.Event { return acd.CallPlayed{Call: c} }) },
			"request": w.request,
			"time": func(t *rapid.T) {
				w.pass(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
			"node": func(t *rapid.T) {
				switch rapid.IntRange(0, 20).Draw(t, "what of the node") {
				case 1, 2, 3:
					w.step(acd.NodeUnreachable{Node: "a1"})
				case 4, 5, 6, 7, 8, 9:
					w.step(acd.NodeReachable{Node: "a1"})
				case 0:
					w.step(acd.NodeDown{Node: "a1"})
					clear(w.alive)
					clear(w.legs)
					clear(w.leaving)
					w.bridges = nil
				}
			},
		})
		w.finish()
	})
}

// pass lets time go by, with a step at each moment that is due: what is checked
// after a step is the state at one moment.
func (w *world) pass(d time.Duration) {
	until := w.now.Add(d)
	for due, ok := w.e.NextDue(); ok && due.Before(until); due, ok = w.e.NextDue() {
		w.now = due
		w.step(acd.Tick{})
	}
	w.now = until
	w.step(acd.Tick{})
}

func (w *world) step(event acd.Event) {
	out := w.e.Step(w.now, event)
	for _, broken := range w.e.Audit() {
		w.t.Fatalf("after %#v: %s", event, broken)
	}
	for _, r := range out.Records {
		w.records[r.Call]++
		if r.Result == "" || r.Reason == "" || r.Wait() < 0 || r.Talk() < 0 {
			w.t.Fatalf("record %+v", r)
		}
	}
	snapshot := w.e.Snapshot(w.now)
	for _, c := range out.Commands {
		switch c := c.(type) {
		case acd.Offer:
			w.legs[c.Leg] = true
			w.lineIsFree(c)
			w.inOrder(snapshot, c.Call)
		case acd.CancelLeg:
			w.leave(c.Leg)
			delete(w.legs, c.Leg)
		case acd.Connect:
			w.bridges = append(w.bridges, c)
		case acd.Release:
			delete(w.alive, c.Call)
			delete(w.legs, c.Leg)
			if c.Leg != "" && !c.LegGone {
				w.leave(c.Leg)
			}
		}
	}
}

func (w *world) leave(leg acd.LegID) {
	if !w.leaving[leg] {
		w.leaving[leg], w.released[leg] = true, w.now
	}
}

// lineIsFree checks that no other leg is at the phone that is rung, unless its
// end has been awaited long enough.
func (w *world) lineIsFree(o acd.Offer) {
	_, _, agent, _ := o.Leg.Parse()
	for leg := range w.leaving {
		if _, _, other, _ := leg.Parse(); other == agent && w.now.Sub(w.released[leg]) < 3*time.Second {
			w.t.Fatalf("%s is rung while %s is still at the phone", o.Leg, leg)
		}
	}
}

// inOrder checks that nobody in the same queue who came earlier waits on.
func (w *world) inOrder(s acd.Snapshot, offered acd.CallID) {
	var o acd.CallStatus
	for _, c := range s.Calls {
		if c.Call == offered {
			o = c
		}
	}
	for _, c := range s.Calls {
		if c.Queue == o.Queue && c.Phase == acd.PhaseWaiting && !w.pauses(c) && (c.Queued.Before(o.Queued) || c.Queued.Equal(o.Queued) && c.Seq < o.Seq) {
			w.t.Fatalf("call %s was offered before %s, who came earlier", o.Call, c.Call)
		}
	}
}

// pauses reports whether a call waits because its node has just failed.
func (w *world) pauses(c acd.CallStatus) bool {
	if len(c.Offers) == 0 {
		return false
	}
	last := c.Offers[len(c.Offers)-1]
	return last.Outcome == acd.OfferNodeFault && w.now.Sub(last.Ended) < 2*time.Second
}

// rings reports whether a leg is that of an offer in flight.
func (w *world) rings(leg acd.LegID) bool {
	for _, c := range w.e.Snapshot(w.now).Calls {
		if c.Leg == leg {
			return c.Phase == acd.PhaseRinging
		}
	}
	return false
}

func (w *world) arrive(t *rapid.T) {
	w.arrived++
	id := acd.CallID(rapid.StringMatching(`a1-[0-9]{3}`).Draw(t, "prefix")) + acd.CallID(time.Duration(w.arrived).String())
	ev := acd.CallArrived{Call: id, Node: "a1", Entry: rapid.SampledFrom([]string{"12345", "9", "8", "none"}).Draw(t, "entry")}
	if rapid.Bool().Draw(t, "held") {
		ev.Since = w.now.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "held s")) * time.Second)
	}
	w.alive[id] = true
	w.step(ev)
	if rapid.Bool().Draw(t, "twice") {
		if w.records[id] == 0 { // a repeated event about a call in progress
			w.step(ev)
		}
	}
}

func pick[K comparable](t *rapid.T, m map[K]bool, less func(a, b K) bool) (K, bool) {
	var zero K
	if len(m) == 0 {
		return zero, false
	}
	var keys []K
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys { // sorted, so that a seed replays
		for j := i; j > 0 && less(keys[j], keys[j-1]); j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return rapid.SampledFrom(keys).Draw(t, "which"), true
}

func (w *world) onCall(t *rapid.T, event func(acd.CallID) acd.Event) {
	if c, ok := pick(t, w.alive, func(a, b acd.CallID) bool { return a < b }); ok {
		w.step(event(c))
	}
}

func (w *world) callerLeaves(t *rapid.T) {
	w.onCall(t, func(c acd.CallID) acd.Event {
		delete(w.alive, c)
		return acd.CallGone{Call: c, Vanished: rapid.Bool().Draw(t, "vanished")}
	})
}

func (w *world) leg(t *rapid.T) {
	leg, ok := pick(t, w.legs, func(a, b acd.LegID) bool { return a < b })
	if !ok {
		return
	}
	switch rapid.SampledFrom([]string{"rings", "answers", "answers", "ends"}).Draw(t, "leg") {
	case "rings":
		w.step(acd.LegRinging{Leg: leg})
	case "answers":
		w.step(acd.LegAnswered{Leg: leg})
	case "ends":
		delete(w.legs, leg)
		outcomes := []acd.OfferOutcome{acd.OfferNoAnswer, acd.OfferRefused, acd.OfferBusy, acd.OfferUnreachable, acd.OfferFailed, acd.OfferNodeFault, ""}
		gone := acd.LegGone{Leg: leg, Outcome: rapid.SampledFrom(outcomes).Draw(t, "outcome"), MayRing: rapid.Bool().Draw(t, "may ring")}
		if gone.MayRing && w.rings(leg) {
			w.leave(leg)
		}
		w.step(gone)
	}
}

func (w *world) bridge(t *rapid.T) {
	if len(w.bridges) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.bridges)-1).Draw(t, "bridge")
	b := w.bridges[i]
	w.bridges = append(w.bridges[:i:i], w.bridges[i+1:]...)
	if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
		w.step(acd.ConnectFailed{Call: b.Call, Leg: b.Leg, NodeFault: rapid.Bool().Draw(t, "node fault")})
		return
	}
	w.step(acd.Connected{Call: b.Call, Leg: b.Leg})
}

func (w *world) request(t *rapid.T) {
	agent := rapid.SampledFrom([]acd.AgentID{"1", "2", "3"}).Draw(t, "agent")
	seat := rapid.SampledFrom([]acd.SeatID{"801", "802", "803"}).Draw(t, "seat")
	code := rapid.SampledFrom([]string{"*111", "*112", "*113*4711", "*11", "*12", "*13", "*132"}).Draw(t, "code")
	w.step(rapid.SampledFrom([]acd.Event{
		acd.Login{Agent: agent, Seat: seat}, acd.SetReady{Agent: agent}, acd.SetReady{Agent: agent},
		acd.SetNotReady{Agent: agent, Reason: "meal"}, acd.Logout{Agent: agent},
		acd.SeatDialled{Channel: "x", Node: "a1", Seat: seat, Code: code},
	}).Draw(t, "request"))
}

// finish lets everybody leave and checks that each call was accounted for once.
func (w *world) finish() {
	for len(w.alive) > 0 {
		for c := range w.alive {
			delete(w.alive, c)
			w.step(acd.CallGone{Call: c})
		}
	}
	if len(w.records) != w.arrived {
		w.t.Fatalf("%d calls arrived, %d were recorded", w.arrived, len(w.records))
	}
	for call, n := range w.records {
		if n != 1 {
			w.t.Fatalf("call %s was recorded %d times", call, n)
		}
	}
	for _, q := range w.e.Snapshot(w.now).Queues {
		if q.Waiting != 0 || q.Talking != 0 || q.Counts.Offered != q.Counts.Answered+q.Counts.Abandoned {
			w.t.Fatalf("queue after everybody has left: %+v", q)
		}
	}
}
