package acd_test

import (
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// emptied lets another engine go on that knows of nothing, since the store was
// emptied.
func (d *desk) emptied() {
	d.t.Helper()
	e, err := acd.Restore(site(), callflow.Standard{}, acd.State{At: d.now, CutOff: []acd.NodeID{"a1"}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.e = e
}

// A conversation of which nothing is known goes on: the agent is with the caller and
// rung for nobody else, and it has one record, as far as the switch knows.
func TestConversationOfWhichNothingIsKnownGoesOn(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Hour)
	d.emptied()
	found := acd.TalkFound{
		Call: "a", Leg: acd.NewLegID("a", 3, "1"), Node: "a1", Entry: "9", Caller: "13812345678", Seat: "801",
		Arrived: d.now.Add(-10 * time.Minute), Rung: d.now.Add(-9 * time.Minute), Answered: d.now.Add(-8 * time.Minute),
	}
	wantCommands(t, d.do(found), "")
	wantCommands(t, d.do(found), "") // told twice
	if out := d.do(acd.CallArrived{Call: "b", Node: "a1", Entry: "9", Since: d.now.Add(-5 * time.Minute)}); names(out.Commands) == "" {
		t.Error("who waits hears nothing")
	}
	d.do(acd.NodeReachable{Node: "a1"})
	d.wantState("1", acd.Talking, "")
	if a := d.agent("1"); a.Seat != "801" || a.Call != "a" {
		t.Errorf("the agent is %+v", a)
	}
	if q := d.e.Snapshot(d.now).Queues[0]; q.Waiting != 1 || q.Talking != 1 || q.LongestWait != 5*time.Minute || q.Counts.Offered != 2 || q.Counts.Answered != 1 {
		t.Errorf("the queue is %+v", q)
	}
	wantCommands(t, d.after(time.Minute, acd.LegGone{Leg: found.Leg, Outcome: acd.OfferAnswered}), "Release")
	r := d.wantRecord(acd.Answered, acd.AgentHungUp, 2*time.Minute, 9*time.Minute)
	if len(d.records) != 1 || !r.Recovered || r.Agent != "1" || r.Seat != "801" || r.Queue != "general" || !r.Arrived.Equal(found.Arrived) {
		t.Errorf("%d records, the last %+v", len(d.records), r)
	}
	if len(r.Offers) != 1 || r.Offers[0].Number != 3 || !r.Offers[0].Made.Equal(found.Rung) || r.Offers[0].Outcome != acd.OfferAnswered {
		t.Errorf("the offers are %+v", r.Offers)
	}
	d.wantState("1", acd.WrapUp, "")
	wantCommands(t, d.after(10*time.Second, acd.Tick{}), "Offer") // and then the next
}

// The state may be older than what the switch has: then that counts.
func TestConversationThatTheStateIsBehind(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.ready("2", "802")
	d.arrive("a", "9") // rings at 1
	d.arrive("b", "9") // rings at 2
	d.arrive("c", "9") // waits
	d.after(time.Minute/6, acd.TalkFound{Call: "c", Leg: acd.NewLegID("c", 1, "1"), Node: "a1", Seat: "801", Answered: d.now})
	d.wantState("1", acd.Talking, "")
	d.wantState("2", acd.Ringing, "")
	phases := map[acd.CallID]acd.CallPhase{}
	for _, c := range d.e.Snapshot(d.now).Calls {
		phases[c.Call] = c.Phase
	}
	if phases["a"] != acd.PhaseWaiting || phases["b"] != acd.PhaseRinging || phases["c"] != acd.PhaseTalking {
		t.Errorf("the calls are %v", phases)
	}
	d.do(acd.CallGone{Call: "c"})
	if r := d.wantRecord(acd.Answered, acd.CallerHungUp, 0, 10*time.Second); !r.Recovered || r.Entry != "9" {
		t.Errorf("%+v", r)
	}
}

// Whoever came after callers whom the dialplan still holds is not served before them;
// whoever came before them is.
func TestCaughtCallersComeInTheirTurn(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Hour)
	ago := func(s time.Duration) time.Time { return d.now.Add(-s * time.Second) }
	d.do(acd.CallersCaught{Node: "a1", Since: ago(10)})
	d.arrive("new", "9")
	d.do(acd.CallArrived{Call: "old", Node: "a2", Entry: "9", Since: ago(20)})
	d.ready("1", "801")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "old" {
		t.Fatalf("offers: %+v", o)
	}
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("offers: %+v", o)
	}
	d.do(acd.CallArrived{Call: "second", Node: "a1", Entry: "9", Since: ago(8)})
	if o := offered(d.do(acd.CallArrived{Call: "first", Node: "a1", Entry: "9", Since: ago(9)})); len(o) != 0 {
		t.Fatalf("offers: %+v", o)
	}
	if o := offered(d.do(acd.CallersCaught{Node: "a1"})); len(o) != 1 || o[0].Call != "first" {
		t.Fatalf("offers: %+v", o)
	}
	d.do(acd.CallersCaught{Node: "a1", Since: ago(10)})
	d.talk("first", 1, "2")
	d.do(acd.CallGone{Call: "first"})
	d.do(acd.LegGone{Leg: acd.NewLegID("first", 1, "2")})
	if o := offered(d.after(10*time.Second, acd.Tick{})); len(o) != 0 {
		t.Fatalf("offers: %+v", o)
	}
	if o := offered(d.do(acd.NodeUnreachable{Node: "a1"})); len(o) != 0 { // they are all there
		t.Fatalf("offers: %+v", o)
	}
	if o := offered(d.do(acd.NodeReachable{Node: "a1"})); len(o) != 1 || o[0].Call != "second" {
		t.Fatalf("offers: %+v", o)
	}
}

// A caller with a partner is the partner's, and one who was called back is counted so.
func TestOtherConversationsThatAreFound(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Hour)
	ago := func(m time.Duration) time.Time { return d.now.Add(-m * time.Minute) }
	d.emptied()
	d.do(acd.TalkFound{
		Call: "a", Leg: acd.NewPartnerLegID("a", 1, "suqian"), Node: "a1", Entry: "9",
		Arrived: ago(10), Rung: ago(9), Answered: ago(8),
	})
	d.do(acd.CallGone{Call: "a"})
	if r := d.wantRecord(acd.Overflowed, acd.Referred, 2*time.Minute, 0); r.Partner != "suqian" || !r.Recovered {
		t.Errorf("%+v", r)
	}
	d.do(acd.TalkFound{
		Call: "callback-1-a1-7.1", Leg: acd.NewLegID("callback-1-a1-7.1", 1, "3"), Node: "a1", Called: true, Seat: "803",
		Arrived: ago(10), Rung: ago(9), Answered: ago(8),
	})
	d.wantState("3", acd.Talking, "")
	d.do(acd.CallGone{Call: "callback-1-a1-7.1"})
	if r := d.wantRecord(acd.Answered, acd.CallerHungUp, 0, 8*time.Minute); r.Direction != acd.Outbound || r.Callback != "a1-7.1" || r.Queue != "business" {
		t.Errorf("%+v", r)
	}
}

// A leg leaves one phone only, whatever the switch says of it in turn.
func TestALegLeavesWhoeverHadItLast(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.ready("2", "802")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	leg := acd.NewLegID("a", 1, "1")
	// Another sits at the first one's phone: the leg is still leaving there.
	d.do(acd.TalkFound{Call: "b", Leg: acd.NewLegID("b", 1, "2"), Node: "a1", Entry: "9", Seat: "801", Answered: d.now})
	if a := d.agent("2"); a.Leaving != leg {
		t.Fatalf("%q is still leaving at the phone of agent 2, want %q", a.Leaving, leg)
	}
	// It is at the other phone after all, and is left when one more call is found there.
	d.do(acd.TalkFound{Call: "a", Leg: leg, Node: "a1", Entry: "9", Seat: "802", Answered: d.now})
	d.do(acd.TalkFound{Call: "c", Leg: acd.NewLegID("c", 1, "1"), Node: "a1", Entry: "9", Seat: "802", Answered: d.now})
	if one, two := d.agent("1"), d.agent("2"); one.Leaving != leg || two.Leaving != "" {
		t.Errorf("agent 1 waits for %q to leave, agent 2 for %q", one.Leaving, two.Leaving)
	}
	for _, broken := range d.e.Audit() {
		t.Error(broken)
	}
}
