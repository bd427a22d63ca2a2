package acd_test

import (
	"slices"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

func TestSnapshotHasAgentsInOrderWhateverTheConfigurationsOrder(t *testing.T) {
	cfg := acd.Config{
		Queues:  []acd.Queue{{ID: "q", RingTimeout: time.Second, Weight: 1}},
		Entries: []acd.Entry{{Number: "1", Queue: "q"}},
		Seats:   []acd.SeatID{"8001"},
	}
	for _, id := range []acd.AgentID{"1003", "1001", "1002"} {
		cfg.Agents = append(cfg.Agents, acd.Agent{ID: id, Queues: []acd.QueueID{"q"}})
	}
	e, err := acd.NewEngine(cfg, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, too: a look changes nothing
		var got []acd.AgentID
		for _, a := range e.Snapshot(start).Agents {
			got = append(got, a.Agent)
		}
		if !slices.Equal(got, []acd.AgentID{"1001", "1002", "1003"}) {
			t.Errorf("agents %v", got)
		}
	}
}
