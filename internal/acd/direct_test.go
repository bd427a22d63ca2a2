package acd_test

import (
	"encoding/json"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// TestExpectedWaitOfAQueue is what somebody who came now would wait; it does not change by
// itself.
func TestExpectedWaitOfAQueue(t *testing.T) {
	d := newDesk(t)
	expect := func(want time.Duration, known bool) {
		t.Helper()
		for _, at := range []time.Time{d.now, d.now.Add(time.Hour)} {
			got := d.e.Snapshot(at).Queues[0].ExpectedWait
			if (got != nil) != known || known && *got != want {
				t.Errorf("general is expected to wait %v, want %v, %t", got, want, known)
			}
		}
	}
	expect(0, false)
	d.ready("1", "801")
	expect(0, true)
	d.arrive("a", "9") // rings: one is ahead of whoever comes now, and handled in 200 s
	expect(400*time.Second, true)
	d.do(acd.Logout{Agent: "1"})
	d.do(acd.CallGone{Call: "a"})
	expect(0, false)
}

func TestAQueueIsOpenByItsHours(t *testing.T) {
	d := newSite(t, func(c *acd.Config) { c.Queues[0].Hours = hours{0, 12 * time.Hour} })
	day := start.Truncate(24 * time.Hour)
	for at, want := range map[time.Duration]bool{11 * time.Hour: true, 12 * time.Hour: false} {
		if s := d.e.Snapshot(day.Add(at)); s.Queues[0].Open != want || !s.Queues[1].Open {
			t.Errorf("at %v: %+v", at, s.Queues)
		}
	}
}

// TestAssignmentsAreTheEnginesOwn: neither what was given nor what was handed out is shared.
func TestAssignmentsAreTheEnginesOwn(t *testing.T) {
	d := newDesk(t)
	given := map[acd.QueueID]acd.Level{"business": 3}
	d.do(acd.AssignSkills{Agent: "1", Queues: given})
	given["general"] = 1
	s, state := d.e.Snapshot(d.now), d.e.Save()
	s.Agents[0].Assigned.Queues["business"], state.Agents[0].Assigned.Queues["business"] = 9, 9
	d.do(acd.AssignSkills{Agent: "2", Queues: map[acd.QueueID]acd.Level{"business": 3}})
	was := s.Agents[1].Levels
	if a := d.e.Snapshot(d.now).Agents[0]; len(was) != 2 || len(a.Levels) != 1 || a.Levels["business"] != 3 || a.Assigned.Queues["business"] != 3 {
		t.Errorf("%+v", a)
	}
}

// TestStateOfAnOlderVersion: without the fields of assignments and points, all is as the
// configuration says; and nobody has them to whom nothing was given.
func TestStateOfAnOlderVersion(t *testing.T) {
	d := newSite(t, func(c *acd.Config) { c.Entries[1].Priority = 2 })
	d.ready("1", "801")
	d.do(acd.SetNotReady{Agent: "1", Reason: "break"})
	d.arrive("a", "9")
	data, err := json.Marshal(d.e.Save())
	if err != nil {
		t.Fatal(err)
	}
	var fields struct {
		Agents, Calls []map[string]any
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"assigned", "levels", "skills", "points", "priority"} {
		if _, is := fields.Agents[0][name]; is {
			t.Errorf("an agent is stored with %s", name)
		}
		if _, is := fields.Calls[0][name]; is {
			t.Errorf("a call is stored with %s", name)
		}
	}
	var state acd.State
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	cfg := site()
	cfg.Entries[1].Priority = 2
	e, err := acd.Restore(cfg, callflow.Standard{}, state)
	if err != nil {
		t.Fatal(err)
	}
	s := e.Snapshot(d.now)
	if a := s.Agents[0]; a.Assigned != nil || a.Levels["general"] != acd.MaxLevel || s.Calls[0].Priority != 2 {
		t.Errorf("%+v, %+v", a, s.Calls[0])
	}
}

// TestMendKeepsAssignments, also of an agent who has to be logged out.
func TestMendKeepsAssignments(t *testing.T) {
	given := &acd.Assignment{Queues: map[acd.QueueID]acd.Level{"business": 3}}
	state, told := acd.Mend(acd.State{At: start, Agents: []acd.AgentStatus{
		{Agent: "1", State: acd.NotReady, Seat: "801", Since: start, Assigned: given},
		{Agent: "2", State: acd.NotReady, Seat: "801", Since: start.Add(time.Second), Assigned: given},
	}})
	if len(told) != 1 || state.Agents[0].State != acd.LoggedOut || state.Agents[0].Assigned == nil || state.Agents[1].Assigned == nil {
		t.Errorf("%q: %+v", told, state.Agents)
	}
}
