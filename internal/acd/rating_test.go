package acd_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// Who has lost the agent is not on hold any more: who talked was, until the end, and
// who waits again was not.
func TestMendEndsHolds(t *testing.T) {
	at := start.Add(time.Minute)
	call := func(id acd.CallID, phase acd.CallPhase, outcome acd.OfferOutcome) acd.CallStatus {
		return acd.CallStatus{
			Call: id, Node: "a1", Entry: "12345", Queue: "general", Phase: phase, Arrived: start, Queued: start, Answered: start,
			Offers: []acd.OfferRecord{{Agent: "1", Seat: "801", Made: start, Outcome: outcome}}, OnHold: start.Add(20 * time.Second), Hold: 5 * time.Second,
		}
	}
	lifted, talking := call("a", acd.PhaseAnswered, acd.OfferWithdrawn), call("b", acd.PhaseTalking, acd.OfferWithdrawn)
	lifted.Hold, lifted.Answered = 0, time.Time{}
	mended, _ := acd.Mend(acd.State{At: at, Calls: []acd.CallStatus{lifted, talking}})
	if c := mended.Calls[0]; c.Phase != acd.PhaseWaiting || !c.OnHold.IsZero() || c.Hold != 0 {
		t.Errorf("%+v", c)
	}
	if c := mended.Calls[1]; c.Phase != acd.PhaseClosing || !c.OnHold.IsZero() || c.Hold != 45*time.Second {
		t.Errorf("%+v", c)
	}
}

// A snapshot stays as it is when a caller who is being asked gives a grade.
func TestSnapshotOfARatingStays(t *testing.T) {
	cfg := site()
	cfg.Queues[0].Rating = acd.Rating{Prompts: []string{"rating"}, Thanks: []string{"thanks"}, Attempts: 1, Timeout: 5 * time.Second}
	e, err := acd.NewEngine(cfg, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	leg := acd.NewLegID("a", 1, "1")
	for _, event := range []acd.Event{
		acd.Login{Agent: "1", Seat: "801"}, acd.SetReady{Agent: "1"}, acd.CallArrived{Call: "a", Node: "a1", Entry: "12345"}, acd.CallPlayed{Call: "a", Play: 1},
		acd.LegAnswered{Leg: leg}, acd.Connected{Call: "a", Leg: leg}, acd.LegGone{Leg: leg},
	} {
		e.Step(start, event)
	}
	before, saved := e.Snapshot(start), e.Save()
	e.Step(start, acd.CallDigit{Call: "a", Digit: "4"})
	if c := before.Calls[0]; c.Rating == nil || c.Rating.Grade != 0 || saved.Calls[0].Rating.Grade != 0 {
		t.Errorf("%+v", c.Rating)
	}
	if c := e.Snapshot(start).Calls[0]; c.Rating.Grade != 4 {
		t.Errorf("%+v", c.Rating)
	}
}
