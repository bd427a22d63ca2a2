package acd_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// A controller starts although queues, entries and agents that are in use have left the
// configuration: everybody is served by what is there.
func TestStateOfAFormerConfigurationFits(t *testing.T) {
	before := acd.Config{
		Entries: []acd.Entry{{Number: "9", Queue: "old"}, {Number: "8", Queue: "old", Greeting: []string{"hello"}}},
		Queues:  []acd.Queue{{ID: "old", RingTimeout: 10 * time.Second}},
		Seats:   []acd.SeatID{"801", "802"},
		Agents:  []acd.Agent{{ID: "1", Queues: []acd.QueueID{"old"}}, {ID: "2", Queues: []acd.QueueID{"old"}}},
	}
	after := acd.Config{
		Entries: []acd.Entry{{Number: "9", Queue: "new"}},
		Queues:  []acd.Queue{{ID: "first", RingTimeout: 10 * time.Second}, {ID: "new", RingTimeout: 10 * time.Second}},
		Seats:   before.Seats,
		Agents:  []acd.Agent{{ID: "2", Queues: []acd.QueueID{"new", "first"}}},
	}
	d := newDesk(t)
	e, err := acd.NewEngine(before, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	d.e = e
	d.ready("1", "801")
	d.arrive("talks", "9")
	d.talk("talks", 1, "1")
	d.arrive("waits", "9")
	d.do(acd.CallArrived{Call: "hears", Node: "a1", Entry: "8"})

	state := d.e.Save()
	if _, err := acd.Restore(after, callflow.Standard{}, state); err == nil {
		t.Fatal("the state fits as it is")
	}
	fitted, told := acd.Fit(state, after)
	if len(told) != 2 {
		t.Errorf("told: %q", told)
	}
	fitted, _ = acd.Mend(fitted)
	d.e, err = acd.Restore(after, callflow.Standard{}, fitted)
	if err != nil {
		t.Fatal(err)
	}
	queues := map[acd.CallID]acd.QueueID{}
	for _, c := range d.e.Snapshot(d.now).Calls {
		queues[c.Call] = c.Queue
	}
	if queues["talks"] != "new" || queues["waits"] != "new" {
		t.Errorf("the calls are in %v", queues)
	}
	d.ready("2", "802")
	d.talk("waits", 1, "2")
	d.do(acd.CallGone{Call: "talks"})
	if broken := d.e.Audit(); len(broken) > 0 {
		t.Error(broken)
	}
	if again, told := acd.Fit(d.e.Save(), after); len(told) > 0 || len(again.Calls) != 2 {
		t.Errorf("what fits was changed: %q", told)
	}
}
