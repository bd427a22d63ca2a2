package acd_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// A conversation that the former controller has connected and could not tell goes on,
// whatever the engine believes of the call.
func TestAConversationThatNobodyToldGoesOn(t *testing.T) {
	cfg := acd.Config{
		Entries: []acd.Entry{{Number: "12345", Queue: "q"}},
		Queues:  []acd.Queue{{ID: "q", RingTimeout: 8 * time.Second}},
		Agents:  []acd.Agent{{ID: "801", Queues: []acd.QueueID{"q"}}, {ID: "802", Queues: []acd.QueueID{"q"}}},
		Seats:   []acd.SeatID{"801", "802"},
	}
	e, err := acd.NewEngine(cfg, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	step := func(event acd.Event) acd.Output {
		now = now.Add(time.Second)
		return e.Step(now, event)
	}
	for _, id := range []string{"801", "802"} {
		step(acd.Login{Agent: acd.AgentID(id), Seat: acd.SeatID(id)})
		step(acd.SetReady{Agent: acd.AgentID(id)})
	}
	step(acd.CallArrived{Call: "c", Node: "n", Entry: "12345", Caller: "13800000000"})
	leg := acd.NewLegID("c", 3, "802") // 801 rings, by the first offer
	for _, command := range step(acd.TalkFound{Call: "c", Leg: leg}).Commands {
		if cancel, ok := command.(acd.CancelLeg); !ok || cancel.Leg == leg {
			t.Errorf("commanded %#v", command)
		}
	}
	s := e.Snapshot(now)
	if len(s.Calls) != 1 || s.Calls[0].Phase != acd.PhaseTalking || s.Calls[0].Leg != leg || s.Calls[0].Agent != "802" {
		t.Errorf("the call is %+v", s.Calls)
	}
	if s.Agents[0].State != acd.Ready || s.Agents[1].State != acd.Talking {
		t.Errorf("the agents are %s and %s", s.Agents[0].State, s.Agents[1].State)
	}
	out := step(acd.LegGone{Leg: leg, Outcome: acd.OfferAnswered})
	if len(out.Records) != 1 || out.Records[0].Result != acd.Answered || out.Records[0].Agent != "802" {
		t.Errorf("the records are %+v", out.Records)
	}
	if broken := e.Audit(); len(broken) > 0 {
		t.Error(broken)
	}
}
