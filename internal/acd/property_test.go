package acd_test

import (
	"encoding/json"
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
	now      time.Time
	arrived  int
	alive    map[acd.CallID]bool
	legs     map[acd.LegID]bool // legs that the switch has made and not ended
	bridges  []acd.Connect      // bridges that were asked for and not yet reported
	leaving  map[acd.LegID]bool // legs that were hung up and of whose end nothing was said
	seats    map[acd.LegID]acd.SeatID
	released map[acd.LegID]time.Time
	records  map[acd.CallID]int
	talks    map[acd.CallID]*talk
	steps    int
	told     acd.Mirror // of all changes: what a store knows
	history  map[acd.Key][]told
}

// told is what the store was told of one thing in a step.
type told struct {
	step   int
	change acd.Change
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
			leaving: map[acd.LegID]bool{}, seats: map[acd.LegID]acd.SeatID{}, released: map[acd.LegID]time.Time{}, records: map[acd.CallID]int{},
			talks: map[acd.CallID]*talk{}, history: map[acd.Key][]told{},
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
			"torn": func(t *rapid.T) {
				if rapid.IntRange(0, 4).Draw(t, "one in five") == 0 {
					w.torn(t)
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
				switch rapid.IntRange(0, 20).Draw(t, "what of the node") {
				case 1, 2, 3:
					w.cutOff = true
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

// restart lets another engine go on from what a store was told, by way of the text
// that is stored; that must be all that this one knows.
func (w *world) restart() {
	state := w.e.Save()
	told := w.told.State(state.At)
	told.CutOff = state.CutOff
	if known, stored := asText(w.t, state), asText(w.t, told); known != stored {
		w.t.Fatalf("the engine knows\n%s\nthe store was told\n%s", known, stored)
	}
	data := asText(w.t, told)
	state = acd.State{}
	if err := json.Unmarshal([]byte(data), &state); err != nil {
		w.t.Fatal(err)
	}
	e, err := acd.Restore(w.cfg, callflow.Standard{}, state)
	if err != nil {
		w.t.Fatal(err)
	}
	if b, a := asText(w.t, w.e.Snapshot(w.now)), asText(w.t, e.Snapshot(w.now)); b != a {
		w.t.Fatalf("before the restart\n%s\nafter it\n%s", b, a)
	}
	w.e = e
	for _, broken := range w.e.Audit() {
		w.t.Fatalf("after a restart: %s", broken)
	}
	if mended, told := acd.Mend(state); len(told) > 0 || asText(w.t, mended) != asText(w.t, state) {
		w.t.Fatalf("a state that agrees with itself was mended: %q", told)
	}
	w.step(acd.Tick{})
}

// torn lets another engine go on from a state of which each thing is as it was some
// steps ago, or unknown: whatever was lost of it, the engine must be sound and come
// to rest when the switch has nothing any more.
func (w *world) torn(t *rapid.T) {
	var torn acd.Mirror
	for _, key := range slices.SortedFunc(maps.Keys(w.history), func(a, b acd.Key) int {
		return strings.Compare(string(a.Kind)+a.ID, string(b.Kind)+b.ID)
	}) {
		lost := w.steps
		if rapid.IntRange(0, 2).Draw(t, "lost") == 0 {
			lost = max(0, w.steps-rapid.IntRange(1, 6).Draw(t, "steps"))
		}
		for _, was := range w.history[key] {
			if was.step < lost {
				torn.Apply(was.change)
			}
		}
	}
	before := torn.State(w.now)
	state, told := acd.Mend(before)
	if again, more := acd.Mend(state); len(more) > 0 {
		t.Fatalf("mended twice: %q\n%s", more, asText(t, again))
	}
	e, err := acd.Restore(w.cfg, callflow.Standard{}, state)
	if err != nil && !strings.Contains(err.Error(), "unknown queue") { // that a later configuration has no more
		t.Fatalf("%v\nafter %q\n%s", err, told, asText(t, before))
	}
	if err != nil {
		return
	}
	sound := func(after any) {
		for _, broken := range e.Audit() {
			t.Fatalf("after %+v: %s\nmended: %q\n%s", after, broken, told, asText(t, before))
		}
	}
	sound("the start")
	records := map[acd.CallID]int{}
	step := func(at time.Time, event acd.Event) {
		for _, r := range e.Step(at, event).Records {
			if records[r.Call]++; records[r.Call] > 1 {
				t.Fatalf("call %s ends twice", r.Call)
			}
		}
		sound(event)
	}
	step(w.now, acd.Tick{})
	for _, c := range state.Calls {
		if c.Callback == "" {
			step(w.now, acd.CallGone{Call: c.Call, Vanished: true})
			if records[c.Call] != 1 {
				t.Fatalf("call %s has ended without a record", c.Call)
			}
		}
	}
	step(w.now.Add(time.Minute), acd.NodeDown{Node: "a1"})
	for due, ok := e.NextDue(); ok && due.Before(w.now.Add(24*time.Hour)); due, ok = e.NextDue() {
		step(due, acd.Tick{})
		for _, c := range e.Snapshot(due).Calls { // attempts to call back
			step(due, acd.CallGone{Call: c.Call})
		}
	}
}

// asText writes something such that an empty list reads like none.
func asText(t *rapid.T, s any) string {
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "null", "[]")
}

// stored is a change as a store gives it back.
func stored(t *rapid.T, c acd.Change) (back acd.Change) {
	if err := json.Unmarshal([]byte(asText(t, c)), &back); err != nil {
		t.Fatal(err)
	}
	return back
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
		for leg := range w.leaving { // who is not configured any more, and is again within moments, is somebody new
			_, _, agent, _ := leg.Parse()
			if !slices.ContainsFunc(w.cfg.Agents, func(a acd.Agent) bool { return a.ID == agent }) {
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

func (w *world) leave(leg acd.LegID) {
	if !w.leaving[leg] {
		w.leaving[leg], w.released[leg] = true, w.now
	}
}

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
			case r.Partner == "" && c.Phase == acd.PhaseWaiting && !w.cutOff && !c.Paused.After(w.now) && slices.Contains(r.Asked, p.ID):
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
	return false
}

// score and serves are written from the description of the configuration, as
// plainly as can be, to compare the engine with.
func (w *world) score(c acd.CallStatus) float64 {
	weight, priority := 1.0, 0
	for _, q := range w.cfg.Queues {
		if q.ID == c.Queue && q.Weight > 0 {
			weight = q.Weight
		}
	}
	for _, e := range w.cfg.Entries {
		if e.Number == c.Entry {
			priority = e.Priority
		}
	}
	return weight * float64(w.now.Sub(place(c))+time.Duration(priority)*acd.DefaultPriorityWorth)
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
	var a acd.Agent
	for _, x := range w.cfg.Agents {
		if x.ID == agent {
			a = x
		}
	}
	var q acd.Queue
	for _, x := range w.cfg.Queues {
		if x.ID == c.Queue {
			q = x
		}
	}
	if w.cutOff || w.pauses(c) || c.Callback != "" && q.Hours != nil && !q.Hours.Open(w.now) {
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
		if a.Skills[skill] < l {
			return false
		}
	}
	for _, serves := range a.Queues {
		own, given := a.Levels[serves]
		if !given {
			own = acd.MaxLevel
		}
		if helpers[serves] || serves == q.ID && own >= level {
			return true
		}
	}
	return false
}

// office is open in every second minute.
type office struct{}

func (office) Open(at time.Time) bool { return at.Minute()%2 == 0 }

// someOverflow adds rules for callers who shall not wait.
func someOverflow(t *rapid.T, cfg *acd.Config) {
	for i := range cfg.Queues {
		q := &cfg.Queues[i]
		q.Hours = office{}
		q.Announce = acd.Announce{
			After: time.Duration(rapid.IntRange(0, 10).Draw(t, "announce")) * time.Second,
			Every: rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "every"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			rule := acd.Overflow{Prompts: []string{"sorry"}}
			switch rapid.SampledFrom([]string{"closed", "no agents", "length", "wait", "wait", "expected"}).Draw(t, "when") {
			case "closed":
				rule.Closed = true
			case "no agents":
				rule.NoAgents = true
			case "length":
				rule.Length = rapid.IntRange(1, 3).Draw(t, "length")
			case "expected":
				rule.Expected = time.Duration(rapid.IntRange(1, 600).Draw(t, "expected")) * time.Second
			case "wait":
				rule.Wait = time.Duration(rapid.IntRange(1, 30).Draw(t, "wait")) * time.Second
			}
			switch rapid.SampledFrom([]string{"to", "refuse", "announce", "callback", "partner"}).Draw(t, "then") {
			case "partner":
				if len(cfg.Partners) > 0 {
					rule.Partner = rapid.SampledFrom(cfg.Partners).Draw(t, "partner").ID
				}
			case "callback":
				rule.Callback = true
				q.Callback = acd.Callback{
					Attempts: rapid.IntRange(1, 3).Draw(t, "attempts"), Spacing: 10 * time.Second, RingTimeout: 20 * time.Second,
					Within: time.Minute, Missed: rapid.Bool().Draw(t, "missed"),
				}
			case "to":
				rule.To = rapid.SampledFrom([]acd.QueueID{"general", "business"}).Draw(t, "to")
			case "refuse":
				rule.Refuse = true
			}
			q.Overflow = append(q.Overflow, rule)
		}
		if rapid.IntRange(0, 2).Draw(t, "not rated") > 0 {
			q.Rating = acd.Rating{Prompts: []string{"rate"}, Attempts: rapid.IntRange(1, 3).Draw(t, "attempts"), Timeout: 5 * time.Second}
			if rapid.Bool().Draw(t, "thanks") {
				q.Rating.Thanks = []string{"thank"}
			}
		}
		if rapid.Bool().Draw(t, "redial") {
			q.Redial = acd.Redial{Within: time.Minute, AtMost: 2, After: time.Second}
		}
	}
	if rapid.Bool().Draw(t, "paced") {
		cfg.Admission = acd.Admission{Pace: .2, Burst: 2, Prompts: []string{"busy"}}
	}
}

// anySite is the small site of the other tests, or one with everything.
func anySite(t *rapid.T) acd.Config {
	cfg := site()
	if rapid.IntRange(0, 2).Draw(t, "plain") == 0 {
		return cfg
	}
	for i := range cfg.Queues {
		q := &cfg.Queues[i]
		q.Strategy = rapid.SampledFrom(acd.Strategies).Draw(t, "strategy")
		q.RingAtOnce = rapid.IntRange(0, 3).Draw(t, "at once")
		q.Weight = rapid.SampledFrom([]float64{0, 1, 2, 3.5}).Draw(t, "weight")
		q.Level = acd.Level(rapid.IntRange(0, 6).Draw(t, "level"))
		q.NotAgain = time.Duration(rapid.IntRange(0, 20).Draw(t, "not again")) * time.Second
		after := time.Duration(0)
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			after += time.Duration(rapid.IntRange(1, 20).Draw(t, "after")) * time.Second
			step := acd.Relaxation{After: after, Level: acd.Level(rapid.IntRange(0, 4).Draw(t, "level"))}
			if rapid.Bool().Draw(t, "skill") {
				step.Skills = []acd.Requirement{{Skill: "english", Level: acd.Level(rapid.IntRange(0, 3).Draw(t, "level"))}}
			}
			if rapid.Bool().Draw(t, "helped") {
				step.Queues = []acd.QueueID{rapid.SampledFrom([]acd.QueueID{"general", "business"}).Draw(t, "by")}
			}
			q.Relax = append(q.Relax, step)
		}
	}
	for _, id := range []acd.PartnerID{"xuzhou", "suqian"}[:rapid.IntRange(0, 2).Draw(t, "partners")] {
		cfg.Partners = append(cfg.Partners, acd.Partner{
			ID: id, Number: "051612345", AtMost: rapid.IntRange(1, 2).Draw(t, "at most"), RingTimeout: 20 * time.Second, Rest: 30 * time.Second,
		})
	}
	someOverflow(t, &cfg)
	cfg.Entries[1].Priority = rapid.IntRange(-1, 2).Draw(t, "priority")
	cfg.Entries[2].Skills = []acd.Requirement{{Skill: "english", Level: acd.Level(rapid.IntRange(1, 8).Draw(t, "english"))}}
	for i := range cfg.Agents {
		a := &cfg.Agents[i]
		a.Skills = map[acd.SkillID]acd.Level{}
		if l := rapid.IntRange(0, 10).Draw(t, "english"); l > 0 {
			a.Skills["english"] = acd.Level(l)
		}
		a.Levels = map[acd.QueueID]acd.Level{a.Queues[0]: acd.Level(rapid.IntRange(1, 10).Draw(t, "level"))}
		a.Weight = rapid.SampledFrom([]float64{0, 1, 3}).Draw(t, "weight")
	}
	return cfg
}

// pauses reports whether a call waits because its node has just failed.
func (w *world) pauses(c acd.CallStatus) bool {
	if c.Referral != nil && c.Paused.After(w.now) {
		return true // failed to ring a partner
	}
	return slices.ContainsFunc(c.Offers, func(o acd.OfferRecord) bool { // of several phones, not always the last
		return o.Outcome == acd.OfferNodeFault && w.now.Sub(o.Ended) < 2*time.Second
	})
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
