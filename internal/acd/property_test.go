package acd_test

import (
	"maps"
	"slices"
	"strings"
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
	cfg      acd.Config
	cutOff   bool
	caught   time.Time // since when the dialplan holds callers; zero: it does not
	now      time.Time
	arrived  int
	alive    map[acd.CallID]bool
	legs     map[acd.LegID]bool // legs that the switch has made and not ended
	bridges  []acd.Connect      // bridges that were asked for and not yet reported
	leaving  map[acd.LegID]bool // legs that were hung up and of whose end nothing was said
	seats    map[acd.LegID]acd.SeatID
	released map[acd.LegID]time.Time
	busy     map[acd.LegID]time.Time // when the phone said that it was
	records  map[acd.CallID]int
	talks    map[acd.CallID]*talk
	steps    int
	assigned map[acd.AgentID]acd.Assignment // by supervisors,
	points   map[acd.CallID]int             // and priorities that they gave
	told     acd.Mirror                     // of all changes: what a store knows
	history  map[acd.Key][]told
}

func TestInvariantsHoldForRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anySite(t)
		e, err := acd.NewEngine(cfg, callflow.Standard{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{
			t: t, e: e, cfg: cfg, now: start, alive: map[acd.CallID]bool{}, legs: map[acd.LegID]bool{},
			leaving: map[acd.LegID]bool{}, seats: map[acd.LegID]acd.SeatID{}, released: map[acd.LegID]time.Time{}, busy: map[acd.LegID]time.Time{}, records: map[acd.CallID]int{},
			talks: map[acd.CallID]*talk{}, history: map[acd.Key][]told{},
			assigned: map[acd.AgentID]acd.Assignment{}, points: map[acd.CallID]int{},
		}
		w.step(acd.Tick{})
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
			"assign":  w.assign,
			"direct":  w.direct,
			"hold":    w.holds,
			"talk":    w.converse,
			"key": func(t *rapid.T) {
				w.onCall(t, func(c acd.CallID) acd.Event {
					return acd.CallDigit{Call: c, Digit: rapid.SampledFrom([]string{"1", "1", "2", "5", "#", "7"}).Draw(t, "key")}
				})
			},
			"restart": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "one in five") == 0 {
					w.restart()
				}
			},
			"forgotten": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "one in five") == 0 {
					w.forget()
				}
			},
			"contradicted": func(t *rapid.T) {
				if rapid.IntRange(0, 2).Draw(t, "one in three") == 0 {
					w.contradicted(t)
				}
			},
			"torn": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "one in five") == 0 {
					w.torn(t)
					w.behind(t)
				}
			},
			"reconfigure": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "one in five") == 0 {
					w.reconfigure(t)
				}
			},
			"time": func(t *rapid.T) {
				w.pass(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
			"node": func(t *rapid.T) {
				switch rapid.IntRange(0, 24).Draw(t, "what of the node") {
				case 21, 22:
					w.caught = w.now.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "caught s")) * time.Second)
					w.step(acd.CallersCaught{Node: "a1", Since: w.caught})
				case 23, 24:
					w.caught = time.Time{}
					w.step(acd.CallersCaught{Node: "a1"})
				case 1, 2, 3:
					w.cutOff, w.caught = true, time.Time{}
					w.step(acd.NodeUnreachable{Node: "a1"})
				case 4, 5, 6, 7, 8, 9:
					w.cutOff = false
					w.step(acd.NodeReachable{Node: "a1"})
				case 0:
					w.step(acd.NodeDown{Node: "a1"})
					clear(w.alive)
					clear(w.legs)
					w.bridges = nil
				}
			},
		})
		w.finish()
	})
}

func (w *world) reconfigure(t *rapid.T) {
	cfg := anySite(t)
	if rapid.Bool().Draw(t, "an agent less") {
		cfg.Agents = cfg.Agents[:2]
	}
	w.step(acd.Reconfigure{Config: cfg})
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
	before := w.e.Snapshot(w.now)
	out := w.e.Step(w.now, event)
	for _, c := range out.Changes {
		c = stored(w.t, c)
		w.told.Apply(c)
		key, _ := c.Key()
		w.history[key] = append(w.history[key], told{w.steps, c})
	}
	w.steps++
	if ev, changes := event.(acd.Reconfigure); changes && out.Err == nil {
		w.cfg = ev.Config
		for leg := range w.leaving {
			if !w.configured(leg) {
				delete(w.leaving, leg)
			}
		}
	}
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
	w.talked(before, event, snapshot, out.Records)
	w.directed(before, event, out.Err, snapshot)
	for _, c := range out.Commands {
		switch c := c.(type) {
		case acd.Offer:
			w.legs[c.Leg], w.seats[c.Leg] = true, c.Seat
			if c.Number == "" {
				w.lineIsFree(c)
				w.inOrder(snapshot, c)
			}
		case acd.CancelLeg:
			w.leave(c.Leg)
			delete(w.legs, c.Leg)
		case acd.Connect:
			w.bridges = append(w.bridges, c)
		case acd.DialOut:
			w.arrived++ // it will have a record of its own
			w.alive[c.Call] = true
			w.bridges = append(w.bridges, acd.Connect{Call: c.Call, Leg: c.Leg, Node: c.Node})
		case acd.Release:
			delete(w.alive, c.Call)
			delete(w.legs, c.Leg)
			if c.Leg != "" && !c.LegGone {
				w.leave(c.Leg)
			}
		}
	}
	w.nobodyIdle(snapshot)
	w.partnersHelp(snapshot)
}

// configured reports whether the agent of a leg is: who is not any more, and is again
// within moments, is somebody new.
func (w *world) configured(leg acd.LegID) bool {
	_, _, agent, _ := leg.Parse()
	return strings.HasPrefix(string(agent), "to-") || slices.ContainsFunc(w.cfg.Agents, func(a acd.Agent) bool { return a.ID == agent })
}

func (w *world) leave(leg acd.LegID) {
	if !w.leaving[leg] && w.configured(leg) {
		w.leaving[leg], w.released[leg] = true, w.now
	}
}

// rings reports whether a leg is that of an offer in flight.
func (w *world) rings(leg acd.LegID) bool {
	for _, c := range w.e.Snapshot(w.now).Calls {
		for i, o := range c.Offers {
			if c.Phase == acd.PhaseRinging && o.Outcome == "" && acd.NewLegID(c.Call, i+1, o.Agent) == leg {
				return true
			}
		}
	}
	return false
}

func (w *world) arrive(t *rapid.T) {
	w.arrived++
	id := acd.CallID(rapid.StringMatching(`a1-[0-9]{3}`).Draw(t, "prefix")) + acd.CallID(time.Duration(w.arrived).String())
	caller := rapid.SampledFrom([]string{"", "13800000001", "13800000002", "13800000003"}).Draw(t, "caller")
	ev := acd.CallArrived{Call: id, Node: "a1", Caller: caller, Entry: rapid.SampledFrom([]string{"12345", "9", "8", "none"}).Draw(t, "entry")}
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
		if gone.Outcome == acd.OfferBusy {
			w.busy[leg] = w.now
		}
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
		acd.ExtendWrapUp{Agent: agent, By: 5 * time.Second},
		acd.BlockCaller{Number: "13800000003", Reason: "abuse", Until: w.now.Add(time.Minute)},
		acd.UnblockCaller{Number: "13800000003"},
		acd.SetEmergency{Prompts: []string{"flood"}}, acd.SetEmergency{}, acd.EndRatings{},
		acd.Login{Agent: agent, Seat: seat}, acd.SetReady{Agent: agent}, acd.SetReady{Agent: agent},
		acd.SetNotReady{Agent: agent, Reason: "meal"}, acd.Logout{Agent: agent},
		acd.SeatDialled{Channel: "x", Node: "a1", Seat: seat, Code: code},
	}).Draw(t, "request"))
}

// finish lets everybody leave and checks that each call was accounted for once.
func (w *world) finish() {
	for _, c := range slices.Sorted(maps.Keys(w.alive)) {
		delete(w.alive, c)
		w.step(acd.CallGone{Call: c})
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
		if q.Waiting != 0 || q.Talking != 0 || q.Counts.Offered != q.Counts.Answered+q.Counts.Abandoned+q.Counts.Overflowed {
			w.t.Fatalf("queue after everybody has left: %+v", q)
		}
	}
}
