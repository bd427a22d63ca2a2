package redisstore

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

func call(id acd.CallID, phase acd.CallPhase) acd.Change {
	return acd.Change{Call: &acd.CallStatus{Call: id, Phase: phase}}
}

func gone(id acd.CallID) acd.Change {
	key := callKey(id)
	return acd.Change{Gone: &key}
}

// order writes what a backlog holds, as one line.
func order(b *backlog) string {
	var parts []string
	for _, e := range b.take(1 << 20) {
		switch {
		case e.record != nil:
			parts = append(parts, "record "+string(e.record.Call))
		case e.change == nil:
			parts = append(parts, e.live.ID+" ended")
		case e.change.Call != nil:
			parts = append(parts, e.live.ID+" "+string(e.change.Call.Phase))
		case e.change.Agent != nil:
			parts = append(parts, e.live.ID+" "+string(e.change.Agent.State))
		}
	}
	return strings.Join(parts, ", ")
}

func TestBacklogKeepsOrderAndTheNewestState(t *testing.T) {
	var b backlog
	agent := acd.AgentStatus{Agent: "a", State: acd.Ringing}
	b.add(morning, []acd.Change{call("1", acd.PhaseWaiting), call("2", acd.PhaseWaiting), {Agent: &agent}}, nil, nil)
	agent.State = acd.Talking // the engine goes on
	b.add(morning, []acd.Change{call("1", acd.PhaseRinging)}, nil, nil)
	b.add(morning, []acd.Change{gone("2")}, []acd.CallRecord{{Call: "2"}}, nil)
	if got, want := order(&b), "a ringing, 1 ringing, record 2, 2 ended"; got != want {
		t.Errorf("the backlog holds %s; want %s", got, want)
	}
}

func TestBacklogCopiesWhatItKeeps(t *testing.T) {
	var b backlog
	offers := []acd.OfferRecord{{Agent: "a"}}
	b.add(morning, []acd.Change{{Call: &acd.CallStatus{Call: "1", Offers: offers}}}, []acd.CallRecord{{Call: "1", Offers: offers}}, nil)
	offers[0].Agent = "b"
	for _, e := range b.take(2) {
		if e.record != nil && e.record.Offers[0].Agent != "a" || e.change != nil && e.change.Call.Offers[0].Agent != "a" {
			t.Error("the backlog changed with the engine's own data")
		}
	}
}

// However long Redis is away, the backlog holds one state of each call and
// agent, every record in order, and no end of a call before its record.
func TestBacklogProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b backlog
		var records []acd.CallID
		newest := map[string]acd.CallPhase{}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			id := acd.CallID(rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "call"))
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				b.add(time.Time{}, []acd.Change{gone(id)}, []acd.CallRecord{{Call: id}}, nil)
				records, newest[string(id)] = append(records, id), ""
			default:
				phase := rapid.SampledFrom([]acd.CallPhase{acd.PhaseWaiting, acd.PhaseRinging, acd.PhaseTalking}).Draw(t, "phase")
				b.add(time.Time{}, []acd.Change{call(id, phase)}, nil, nil)
				newest[string(id)] = phase
			}
		}
		if want := len(records) + len(newest); b.entries.Len() != want || b.records != len(records) {
			t.Fatalf("%d entries, %d records; want %d and %d", b.entries.Len(), b.records, want, len(records))
		}
		ended := map[acd.CallID]bool{}
		for b.entries.Len() > 0 {
			for _, e := range b.take(rapid.IntRange(1, 5).Draw(t, "batch")) {
				if e.record != nil {
					if e.record.Call != records[0] || ended[e.record.Call] {
						t.Fatalf("record of %s out of order", e.record.Call)
					}
					records = records[1:]
					continue
				}
				var phase acd.CallPhase
				if e.change != nil {
					phase = e.change.Call.Phase
				}
				if phase != newest[e.live.ID] {
					t.Fatalf("call %s is %q, want %q", e.live.ID, phase, newest[e.live.ID])
				}
				ended[acd.CallID(e.live.ID)] = e.endsCall()
			}
		}
		if len(records) > 0 || len(b.live) > 0 {
			t.Fatalf("%v and %v are left", records, b.live)
		}
	})
}
