package acd_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// told is what the store was told of one thing in a step.
type told struct {
	step   int
	change acd.Change
}

// restart lets another engine go on from what a store was told, by way of the text
// that is stored; that must be all that this one knows.
func (w *world) restart() {
	if !w.caught.IsZero() { // is no part of the state: the switch tells it again
		w.caught = time.Time{}
		w.step(acd.CallersCaught{Node: "a1"})
	}
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
	before := w.older(t)
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

// older is a state of which each thing is as it was some steps ago, or unknown.
func (w *world) older(t *rapid.T) acd.State {
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
	return torn.State(w.now)
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
