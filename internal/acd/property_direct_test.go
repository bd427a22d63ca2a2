package acd_test

import (
	"errors"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// assign gives an agent queues, levels and skills by chance, or takes that back.
func (w *world) assign(t *rapid.T) {
	agent := rapid.SampledFrom([]acd.AgentID{"1", "2", "3", "1", "2", "3", "99"}).Draw(t, "agent")
	if rapid.IntRange(0, 2).Draw(t, "reset") == 0 {
		w.step(acd.ResetSkills{Agent: agent})
		return
	}
	ev := acd.AssignSkills{Agent: agent}
	level := func() acd.Level {
		return acd.Level(rapid.SampledFrom([]int{1, 2, 3, 4, 5, 6, 8, 10, 0, 11}).Draw(t, "level"))
	}
	for _, q := range []acd.QueueID{"general", "business", "none"} {
		if n := rapid.IntRange(0, 9).Draw(t, "serves"); n > 8 || q != "none" && n > 3 {
			if ev.Queues == nil {
				ev.Queues = map[acd.QueueID]acd.Level{}
			}
			ev.Queues[q] = level()
		}
	}
	if rapid.Bool().Draw(t, "english") {
		ev.Skills = map[acd.SkillID]acd.Level{"english": level()}
	}
	w.step(ev)
}

// direct puts a call forward or back, or moves it.
func (w *world) direct(t *rapid.T) {
	points := rapid.SampledFrom([]int{-100, -1, 0, 1, 2, 3, 100, 101}).Draw(t, "points")
	to := rapid.SampledFrom([]acd.QueueID{"general", "business", "general", "business", "none"}).Draw(t, "to")
	move := rapid.Bool().Draw(t, "move")
	w.onCall(t, func(c acd.CallID) acd.Event {
		if move {
			return acd.MoveCall{Call: c, Queue: to}
		}
		return acd.Prioritise{Call: c, Priority: points}
	})
}

// directed follows what people have directed, as plainly as can be, and holds the engine
// against it: which requests are granted, and what has become of them.
func (w *world) directed(before acd.Snapshot, event acd.Event, err error, after acd.Snapshot) {
	switch ev := event.(type) {
	case acd.AssignSkills:
		reset := ev.Queues == nil && ev.Skills == nil
		want := ""
		switch {
		case !w.employs(ev.Agent):
			want = "unknown_agent"
		case reset:
		case len(ev.Queues) == 0:
			want = "no_queues"
		case ev.Queues["none"] != 0 || hasKey(ev.Queues, "none"):
			want = "unknown_queue bad_level"
		case !allLevels(ev.Queues):
			want = "bad_level"
		case len(ev.Skills) > 0 && !w.knows("english"):
			want = "unknown_skill"
		case !allLevels(ev.Skills):
			want = "bad_level"
		}
		w.answered(event, err, want)
		if want == "" {
			delete(w.assigned, ev.Agent)
			if !reset {
				w.assigned[ev.Agent] = acd.Assignment{Queues: ev.Queues, Skills: ev.Skills}
			}
		}
	case acd.ResetSkills:
		want := ""
		if !w.employs(ev.Agent) {
			want = "unknown_agent"
		}
		w.answered(event, err, want)
		delete(w.assigned, ev.Agent)
	case acd.Reconfigure:
		w.fit()
	case acd.Prioritise:
		c, here := callIn(before, ev.Call)
		want := w.directs(c, here)
		if want == "" && (ev.Priority < -100 || ev.Priority > 100) {
			want = "bad_priority"
		}
		w.answered(event, err, want)
		if want == "" {
			w.points[ev.Call] = ev.Priority
		}
	case acd.MoveCall:
		c, here := callIn(before, ev.Call)
		want := w.directs(c, here)
		switch {
		case want != "":
		case ev.Queue == "none":
			want = "unknown_queue"
		case ev.Queue == c.Queue:
			want = "same_queue"
		}
		w.answered(event, err, want)
		if want == "" {
			w.moved(c, ev, after)
		}
	}
	for _, a := range after.Agents {
		if w.employs(a.Agent) && (!maps.Equal(a.Levels, w.levels(a.Agent)) || !maps.Equal(a.Skills, w.skills(a.Agent)) || len(a.Queues) != len(a.Levels)) {
			w.t.Fatalf("agent %s serves %v with %v, and plainly %v with %v", a.Agent, a.Levels, a.Skills, w.levels(a.Agent), w.skills(a.Agent))
		}
	}
	for _, q := range after.Queues {
		count := map[acd.AgentState]int{}
		for _, a := range after.Agents {
			if a.Levels[q.Queue] > 0 {
				count[a.State]++
			}
		}
		if !maps.Equal(count, q.Agents) {
			w.t.Fatalf("queue %s has the agents %v, and plainly %v", q.Queue, q.Agents, count)
		}
	}
	for _, c := range after.Calls {
		if c.Priority != w.priority(c) {
			w.t.Fatalf("call %s has %d points, and plainly %d", c.Call, c.Priority, w.priority(c))
		}
	}
}

// directs is why a call cannot be directed; nothing when it can.
func (w *world) directs(c acd.CallStatus, here bool) string {
	switch {
	case !here:
		return "unknown_call"
	case c.Callback != "" || c.Phase != acd.PhaseWaiting && c.Phase != acd.PhaseRinging:
		return "not_waiting"
	}
	return ""
}

// moved looks at a call that was moved: it has left its queue in this very moment, its
// phones are called off and its agents as they were, or have what they wished.
func (w *world) moved(before acd.CallStatus, ev acd.MoveCall, after acd.Snapshot) {
	c, here := callIn(after, ev.Call)
	if !here {
		return // a rule of that queue for those who wait has ended it
	}
	n := len(before.Visits)
	stay := acd.Visit{Queue: before.Queue, Entered: entered(before), Left: w.now, Reason: acd.VisitMoved}
	if len(c.Visits) <= n || c.Visits[n] != stay || !c.Queued.Equal(before.Queued) || c.Priority != before.Priority {
		w.t.Fatalf("call %s was moved and is %+v", ev.Call, c)
	}
	for i := range before.Offers {
		if before.Offers[i].Outcome != "" {
			continue
		}
		if c.Offers[i].Outcome != acd.OfferWithdrawn {
			w.t.Fatalf("call %s was moved, and the offer is %+v", ev.Call, c.Offers[i])
		}
		for _, a := range after.Agents {
			if a.Agent == before.Offers[i].Agent && (a.State == acd.Talking || a.State == acd.NotReady && !slices.Contains([]string{"meal", "break"}, a.Reason)) {
				w.t.Fatalf("agent %s was rung for a call that was moved, and is %+v", a.Agent, a)
			}
		}
	}
}

func (w *world) answered(event acd.Event, err error, want string) {
	var refused *acd.RequestError
	got := ""
	if errors.As(err, &refused) {
		got = refused.Code
	}
	if got != want && (got == "" || want != "unknown_queue bad_level") {
		w.t.Fatalf("%#v was answered by %q, and plainly %q", event, got, want)
	}
}

func hasKey[K comparable](m map[K]acd.Level, key K) bool { _, has := m[key]; return has }

func allLevels[K comparable](m map[K]acd.Level) bool {
	for _, l := range m {
		if l < 1 || l > 10 {
			return false
		}
	}
	return true
}

// fit lets fall out of the assignments what a new configuration has no more.
func (w *world) fit() {
	for id, given := range w.assigned {
		if !w.employs(id) {
			delete(w.assigned, id)
			continue
		}
		if !w.knows("english") {
			w.assigned[id] = acd.Assignment{Queues: given.Queues}
		}
	}
}

func (w *world) employs(id acd.AgentID) bool {
	return slices.ContainsFunc(w.cfg.Agents, func(a acd.Agent) bool { return a.ID == id })
}

func (w *world) knows(skill acd.SkillID) bool {
	return slices.ContainsFunc(w.cfg.Entries, func(e acd.Entry) bool {
		return slices.ContainsFunc(e.Skills, func(r acd.Requirement) bool { return r.Skill == skill })
	})
}

// levels are an agent's, in all queues, and skills what the agent knows: by a
// supervisor's word, or by the configuration.
func (w *world) levels(id acd.AgentID) map[acd.QueueID]acd.Level {
	if given, is := w.assigned[id]; is {
		return given.Queues
	}
	levels := map[acd.QueueID]acd.Level{}
	for _, a := range w.cfg.Agents {
		for _, q := range a.Queues {
			if a.ID == id {
				levels[q] = acd.MaxLevel
				if level, given := a.Levels[q]; given {
					levels[q] = level
				}
			}
		}
	}
	return levels
}

func (w *world) skills(id acd.AgentID) map[acd.SkillID]acd.Level {
	if given, is := w.assigned[id]; is {
		return given.Skills
	}
	for _, a := range w.cfg.Agents {
		if a.ID == id {
			return a.Skills
		}
	}
	return nil
}

// priority is a call's, in points.
func (w *world) priority(c acd.CallStatus) int {
	if points, given := w.points[c.Call]; given {
		return points
	}
	for _, e := range w.cfg.Entries {
		if e.Number == c.Entry {
			return e.Priority
		}
	}
	return 0
}
