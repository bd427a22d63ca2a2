package acd_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// desk drives an engine through a scripted day and keeps what came out.
type desk struct {
	t       *testing.T
	e       *acd.Engine
	now     time.Time
	records []acd.CallRecord
	last    acd.Output
}

func site() acd.Config {
	return acd.Config{
		Entries: []acd.Entry{
			{Number: "12345", Queue: "general", Greeting: []string{"greeting"}},
			{Number: "9", Queue: "general"},
			{Number: "8", Queue: "business"},
		},
		Queues: []acd.Queue{
			{ID: "general", Music: "default", RingTimeout: 15 * time.Second, WrapUp: 10 * time.Second},
			{ID: "business", Music: "default", RingTimeout: 15 * time.Second, Ringback: true},
		},
		Seats: []acd.SeatID{"801", "802", "803"},
		Agents: []acd.Agent{
			{ID: "1", Queues: []acd.QueueID{"general"}},
			{ID: "2", Queues: []acd.QueueID{"general", "business"}},
			{ID: "3", Queues: []acd.QueueID{"business"}, PIN: "4711"},
		},
		NotReadyReasons: []acd.NotReadyReason{{Name: "break", Digit: "1"}, {Name: "meal", Digit: "2"}},
	}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	e, err := acd.NewEngine(site(), callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, e: e, now: start}
}

func (d *desk) do(event acd.Event) acd.Output {
	d.t.Helper()
	out := d.e.Step(d.now, event)
	d.records = append(d.records, out.Records...)
	for _, broken := range d.e.Audit() {
		d.t.Errorf("after %T: %s", event, broken)
	}
	d.last = out
	return out
}

func (d *desk) after(wait time.Duration, event acd.Event) acd.Output {
	d.t.Helper()
	d.now = d.now.Add(wait)
	return d.do(event)
}

func (d *desk) ready(agent acd.AgentID, seat acd.SeatID) {
	d.t.Helper()
	for _, request := range []acd.Event{acd.Login{Agent: agent, Seat: seat}, acd.SetReady{Agent: agent}} {
		if out := d.do(request); out.Err != nil {
			d.t.Fatal(out.Err)
		}
	}
}

func (d *desk) arrive(call acd.CallID, entry string) acd.Output {
	d.t.Helper()
	return d.do(acd.CallArrived{Call: call, Node: "a1", Entry: entry, Caller: "13812345678"})
}

// talk takes an offered call to the conversation.
func (d *desk) talk(call acd.CallID, offer int, agent acd.AgentID) {
	d.t.Helper()
	leg := acd.NewLegID(call, offer, agent)
	d.do(acd.LegRinging{Leg: leg})
	d.do(acd.LegAnswered{Leg: leg})
	d.do(acd.Connected{Call: call, Leg: leg})
}

func (d *desk) agent(id acd.AgentID) acd.AgentStatus {
	for _, a := range d.e.Snapshot(d.now).Agents {
		if a.Agent == id {
			return a
		}
	}
	d.t.Fatalf("no agent %s", id)
	return acd.AgentStatus{}
}

func (d *desk) wantState(id acd.AgentID, state acd.AgentState, reason string) {
	d.t.Helper()
	if a := d.agent(id); a.State != state || a.Reason != reason {
		d.t.Errorf("agent %s is %s %q, want %s %q", id, a.State, a.Reason, state, reason)
	}
}

func (d *desk) wantRecord(result acd.Result, reason acd.Reason, wait, talk time.Duration) acd.CallRecord {
	d.t.Helper()
	if len(d.records) == 0 {
		d.t.Fatal("no record")
	}
	r := d.records[len(d.records)-1]
	if r.Result != result || r.Reason != reason || r.Wait() != wait || r.Talk() != talk {
		d.t.Errorf("record: %s/%s wait %v talk %v, want %s/%s wait %v talk %v",
			r.Result, r.Reason, r.Wait(), r.Talk(), result, reason, wait, talk)
	}
	return r
}

func names(commands []acd.Command) string {
	var s []string
	for _, c := range commands {
		s = append(s, strings.TrimPrefix(reflect.TypeOf(c).String(), "acd."))
	}
	return strings.Join(s, " ")
}

func wantCommands(t *testing.T, out acd.Output, want string) {
	t.Helper()
	if got := names(out.Commands); got != want {
		t.Errorf("commands: %s, want %s", got, want)
	}
}

func offered(out acd.Output) []acd.Offer {
	var offers []acd.Offer
	for _, c := range out.Commands {
		if o, ok := c.(acd.Offer); ok {
			offers = append(offers, o)
		}
	}
	return offers
}

func TestWholeCall(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	wantCommands(t, d.arrive("c", "12345"), "Answer Play")
	wantCommands(t, d.after(4*time.Second, acd.CallPlayed{Call: "c"}), "StartMusic Offer")
	leg := acd.NewLegID("c", 1, "1")
	d.after(10*time.Millisecond, acd.LegRinging{Leg: leg})
	if m := d.last.Measures; len(m) != 1 || m[0].Kind != acd.RingDelay || m[0].Value != 10*time.Millisecond {
		t.Errorf("measures at ringing: %+v", m)
	}
	wantCommands(t, d.after(3*time.Second, acd.LegAnswered{Leg: leg}), "Connect")
	d.after(5*time.Millisecond, acd.Connected{Call: "c", Leg: leg})
	d.wantState("1", acd.Talking, "")
	wantCommands(t, d.after(time.Minute, acd.CallGone{Call: "c"}), "Release")
	r := d.wantRecord(acd.Answered, acd.CallerHungUp, 3015*time.Millisecond, time.Minute)
	if r.Agent != "1" || r.Seat != "801" || r.Queued.Sub(r.Arrived) != 4*time.Second || len(r.Offers) != 1 {
		t.Errorf("record: %+v", r)
	}
	d.wantState("1", acd.WrapUp, "")
	d.after(9999*time.Millisecond, acd.Tick{})
	d.wantState("1", acd.WrapUp, "")
	d.after(time.Millisecond, acd.Tick{})
	d.wantState("1", acd.Ready, "")
}

func TestEveryEndingHasOneResultAndReason(t *testing.T) {
	leg := acd.NewLegID("c", 1, "1")
	cases := []struct {
		name   string
		steps  []acd.Event
		result acd.Result
		reason acd.Reason
		agent  acd.AgentState
	}{
		{"greeting", []acd.Event{acd.CallGone{Call: "c"}}, acd.NotOffered, acd.CallerHungUp, acd.Ready},
		{"ringing", []acd.Event{acd.CallPlayed{Call: "c"}, acd.CallGone{Call: "c"}}, acd.Abandoned, acd.CallerHungUpRinging, acd.Ready},
		{"at answer", []acd.Event{acd.CallPlayed{Call: "c"}, acd.LegAnswered{Leg: leg}, acd.CallGone{Call: "c"}, acd.Connected{Call: "c", Leg: leg}},
			acd.Abandoned, acd.CallerHungUpAtAnswer, acd.Ready},
		{"talking, caller", []acd.Event{acd.CallPlayed{Call: "c"}, acd.LegAnswered{Leg: leg}, acd.Connected{Call: "c", Leg: leg}, acd.CallGone{Call: "c"}, acd.LegGone{Leg: leg}},
			acd.Answered, acd.CallerHungUp, acd.WrapUp},
		{"talking, agent", []acd.Event{acd.CallPlayed{Call: "c"}, acd.LegAnswered{Leg: leg}, acd.Connected{Call: "c", Leg: leg}, acd.LegGone{Leg: leg}, acd.CallGone{Call: "c"}},
			acd.Answered, acd.AgentHungUp, acd.WrapUp},
		{"talking, node lost", []acd.Event{acd.CallPlayed{Call: "c"}, acd.LegAnswered{Leg: leg}, acd.Connected{Call: "c", Leg: leg}, acd.NodeDown{Node: "a1"}},
			acd.Answered, acd.NodeLost, acd.WrapUp},
		{"vanished while ringing", []acd.Event{acd.CallPlayed{Call: "c"}, acd.CallGone{Call: "c", Vanished: true}}, acd.Abandoned, acd.Recovered, acd.Ready},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := newDesk(t)
			d.ready("1", "801")
			d.arrive("c", "12345")
			releases := 0
			for _, step := range append(tc.steps, acd.CallGone{Call: "c"}, acd.LegGone{Leg: leg}) {
				releases += strings.Count(names(d.do(step).Commands), "Release")
			}
			if len(d.records) != 1 || releases != 1 {
				t.Fatalf("%d records and %d releases, want 1 and 1", len(d.records), releases)
			}
			d.wantRecord(tc.result, tc.reason, 0, 0)
			d.wantState("1", tc.agent, "")
			if calls := d.e.Snapshot(d.now).Calls; len(calls) != 0 {
				t.Errorf("calls left: %+v", calls)
			}
		})
	}
}

func TestUnknownEntryIsReleasedAndNotOffered(t *testing.T) {
	d := newDesk(t)
	wantCommands(t, d.arrive("c", "999"), "Release")
	d.wantRecord(acd.NotOffered, acd.UnknownEntry, 0, 0)
}

func TestCallersAreServedInOrderAlsoAfterRONA(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.now = d.now.Add(time.Second)
	d.arrive("b", "9")
	d.do(acd.LegRinging{Leg: acd.NewLegID("a", 1, "1")})
	// The first agent does not answer; the caller who was rung for stays first.
	out := d.after(14*time.Second, acd.Tick{})
	wantCommands(t, out, "CancelLeg")
	d.wantState("1", acd.NotReady, acd.ReasonRONA)
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "a" || o[0].Leg != acd.NewLegID("a", 2, "2") {
		t.Fatalf("offers: %+v", o)
	}
	// The late answer of the first leg is hung up and changes nothing.
	wantCommands(t, d.do(acd.LegAnswered{Leg: acd.NewLegID("a", 1, "1")}), "CancelLeg")
	d.talk("a", 2, "2")
	r := d.e.Snapshot(d.now)
	if r.Queues[0].Counts.RONA != 1 || r.Queues[0].Waiting != 1 || r.Queues[0].LongestWait != 14*time.Second {
		t.Errorf("queue: %+v", r.Queues[0])
	}
}

func TestFailedRingsSetTheAgentAsideAndKeepThePlace(t *testing.T) {
	for outcome, reason := range map[acd.OfferOutcome]string{
		acd.OfferRefused: acd.ReasonRefused, acd.OfferBusy: acd.ReasonBusy,
		acd.OfferUnreachable: acd.ReasonUnreachable, acd.OfferFailed: acd.ReasonFailed, "": acd.ReasonFailed,
	} {
		d := newDesk(t)
		d.ready("1", "801")
		d.ready("2", "802")
		d.arrive("a", "9")
		d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1"), Outcome: outcome})
		d.wantState("1", acd.NotReady, reason)
		if o := offered(d.last); len(o) != 1 || o[0].Seat != "802" {
			t.Errorf("%s: offers %+v", outcome, o)
		}
	}
}

func TestPhoneThatNeverRangIsUnreachableNotUnanswered(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	wantCommands(t, d.after(15*time.Second, acd.Tick{}), "CancelLeg")
	d.wantState("1", acd.NotReady, acd.ReasonUnreachable)
}

func TestNodeFaultLeavesTheAgentReadyAndDoesNotRingInACircle(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	out := d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1"), Outcome: acd.OfferNodeFault})
	d.wantState("1", acd.Ready, "")
	wantCommands(t, out, "")
	// A caller of another node is not made to wait for that.
	out = d.after(time.Second, acd.CallArrived{Call: "b", Node: "a2", Entry: "9"})
	if o := offered(out); len(o) != 1 || o[0].Call != "b" {
		t.Fatalf("offers: %+v", o)
	}
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("offered before the pause is over: %+v", o)
	}
	if o := offered(d.after(time.Second, acd.Tick{})); len(o) != 1 || o[0].Leg != acd.NewLegID("a", 2, "2") {
		t.Errorf("offers after the pause: %+v", o)
	}
}

func TestLegOfAnUnknownFateKeepsTheLineForAWhile(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	leg := acd.NewLegID("a", 1, "1")
	d.do(acd.LegGone{Leg: leg, Outcome: acd.OfferNodeFault, MayRing: true})
	d.do(acd.CallArrived{Call: "b", Node: "a2", Entry: "9"})
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("rung while the former leg may ring: %+v", o)
	}
	if o := offered(d.do(acd.LegGone{Leg: leg})); len(o) != 1 || o[0].Call != "b" {
		t.Errorf("offers when it is known to be gone: %+v", o)
	}
}

func TestCallsOfAnUnreachableNodeKeepTheirPlaces(t *testing.T) {
	d := newDesk(t)
	d.arrive("a", "9")
	d.after(time.Second, acd.CallArrived{Call: "b", Node: "a2", Entry: "9"})
	d.do(acd.NodeUnreachable{Node: "a1"})
	d.after(time.Second, acd.CallArrived{Call: "c", Node: "a1", Entry: "9"})
	d.ready("1", "801")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "b" {
		t.Fatalf("offers: %+v", o)
	}
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("offers of a node that cannot be reached: %+v", o)
	}
	if o := offered(d.do(acd.NodeReachable{Node: "a1"})); len(o) != 1 || o[0].Call != "a" {
		t.Errorf("offers when it is back: %+v", o)
	}
	// An offer in flight that runs out meanwhile is nobody's fault.
	d.do(acd.NodeUnreachable{Node: "a1"})
	d.after(15*time.Second, acd.Tick{})
	d.wantState("2", acd.Ready, "")
}

func TestNodeThatCannotConnectIsNotTheAgentsFault(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	leg := acd.NewLegID("a", 1, "1")
	d.do(acd.LegAnswered{Leg: leg})
	wantCommands(t, d.do(acd.ConnectFailed{Call: "a", Leg: leg, NodeFault: true}), "CancelLeg StartMusic")
	d.wantState("1", acd.Ready, "")
}

func TestAgentPutsDownBeforeTheBridgeIsMade(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	leg := acd.NewLegID("a", 1, "1")
	d.do(acd.LegAnswered{Leg: leg})
	wantCommands(t, d.do(acd.LegGone{Leg: leg}), "StartMusic")
	d.wantState("1", acd.NotReady, acd.ReasonRefused)
	// The bridge is made all the same: the caller is alone and gets music again.
	wantCommands(t, d.do(acd.Connected{Call: "a", Leg: leg}), "StartMusic")
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "a" {
		t.Errorf("offers: %+v", o)
	}
}

func TestConnectFailedRequeuesTheCaller(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	leg := acd.NewLegID("a", 1, "1")
	d.do(acd.LegAnswered{Leg: leg})
	// The music was stopped for the connection: it must be heard again.
	wantCommands(t, d.do(acd.ConnectFailed{Call: "a", Leg: leg}), "CancelLeg StartMusic")
	d.wantState("1", acd.NotReady, acd.ReasonFailed)
	if c := d.e.Snapshot(d.now).Calls[0]; c.Phase != acd.PhaseWaiting || c.Leg != "" {
		t.Errorf("call: %+v", c)
	}
}

func TestLongestIdleAgentFirst(t *testing.T) {
	d := newDesk(t)
	d.ready("2", "802")
	d.now = d.now.Add(time.Second)
	d.ready("1", "801")
	d.arrive("a", "9")
	if o := offered(d.last); len(o) != 1 || o[0].Seat != "802" {
		t.Fatalf("offers: %+v", o)
	}
	// The caller leaves while ringing: agent 2 keeps the place before agent 1.
	d.after(time.Second, acd.CallGone{Call: "a"})
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "2")})
	d.arrive("b", "9")
	if o := offered(d.last); len(o) != 1 || o[0].Seat != "802" {
		t.Fatalf("offers: %+v", o)
	}
}

func TestNoOfferWhileTheFormerLegIsStillAtThePhone(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.do(acd.CallGone{Call: "a"})
	d.wantState("1", acd.Ready, "")
	d.arrive("b", "9")
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("offered while the former leg rings: %+v", o)
	}
	d.after(20*time.Millisecond, acd.LegGone{Leg: acd.NewLegID("a", 1, "1"), Outcome: acd.OfferWithdrawn})
	if o := offered(d.last); len(o) != 1 || o[0].Call != "b" {
		t.Fatalf("not offered once the leg has gone: %+v", o)
	}
	// Without word of the leg the agent is free after three seconds all the same.
	d.do(acd.CallGone{Call: "b"})
	d.arrive("c", "9")
	d.after(2999*time.Millisecond, acd.Tick{})
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("offered too early: %+v", o)
	}
	d.after(time.Millisecond, acd.Tick{})
	if o := offered(d.last); len(o) != 1 || o[0].Call != "c" {
		t.Fatalf("not offered after the bound: %+v", o)
	}
}

func TestTheNextAgentAtTheSeatWaitsForTheFormerLeg(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.do(acd.Logout{Agent: "1"})
	d.do(acd.CallGone{Call: "a"})
	d.wantState("1", acd.LoggedOut, "")
	d.ready("2", "801")
	d.arrive("b", "9")
	if o := offered(d.last); len(o) != 0 {
		t.Fatalf("the seat's phone is rung while the former leg is there: %+v", o)
	}
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1")})
	if o := offered(d.last); len(o) != 1 || o[0].Call != "b" {
		t.Fatalf("not offered once the leg has gone: %+v", o)
	}
}

func TestAgentOfTwoQueuesTakesTheOldestCaller(t *testing.T) {
	for _, order := range [][2]string{{"9", "8"}, {"8", "9"}} {
		d := newDesk(t)
		d.arrive("first", order[0])
		d.now = d.now.Add(time.Second)
		d.arrive("second", order[1])
		d.ready("2", "802")
		if o := offered(d.last); len(o) != 1 || o[0].Call != "first" {
			t.Errorf("entries %v: offers %+v", order, o)
		}
	}
}

func TestIdleGapStartsWhenWrapUpWasDue(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	d.arrive("b", "9")
	d.do(acd.CallGone{Call: "a"})
	d.after(10*time.Second+3*time.Millisecond, acd.Tick{}) // the tick comes 3 ms late
	out := d.after(5*time.Millisecond, acd.LegRinging{Leg: acd.NewLegID("b", 1, "1")})
	if m := out.Measures; len(m) != 1 || m[0].Kind != acd.IdleGap || m[0].Value != 8*time.Millisecond {
		t.Errorf("measures: %+v", m)
	}
}

func TestRingbackIsHeardOnlyWhileAPhoneRings(t *testing.T) {
	d := newDesk(t)
	d.ready("2", "802")
	wantCommands(t, d.arrive("a", "8"), "Answer StartMusic StartRingback Offer")
	wantCommands(t, d.after(15*time.Second, acd.Tick{}), "CancelLeg StopRingback")
}

func TestHeldCallerKeepsTheTrueArrival(t *testing.T) {
	d := newDesk(t)
	d.now = d.now.Add(time.Minute)
	d.arrive("a", "9")
	out := d.do(acd.CallArrived{Call: "h", Node: "a1", Entry: "12345", Since: start})
	wantCommands(t, out, "Answer StartMusic")
	d.ready("1", "801")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "h" {
		t.Fatalf("the caller who came first is not served first: %+v", o)
	}
	d.talk("h", 1, "1")
	d.do(acd.CallGone{Call: "h"})
	d.wantRecord(acd.Answered, acd.CallerHungUp, time.Minute, 0)
	// A time in the future or before yesterday is a wrong clock.
	d.do(acd.CallArrived{Call: "f", Node: "a1", Entry: "12345", Since: d.now.Add(time.Hour)})
	wantCommands(t, d.last, "Answer Play")
}

func TestRequests(t *testing.T) {
	d := newDesk(t)
	want := func(event acd.Event, code string) {
		t.Helper()
		err := d.do(event).Err
		var refused *acd.RequestError
		switch {
		case code == "" && err != nil:
			t.Errorf("%+v: %v", event, err)
		case code != "" && (!errors.As(err, &refused) || refused.Code != code || refused.Text == ""):
			t.Errorf("%+v: %v, want code %s", event, err, code)
		}
	}
	want(acd.Login{Agent: "x", Seat: "801"}, "unknown_agent")
	want(acd.Login{Agent: "1", Seat: "x"}, "unknown_seat")
	want(acd.SetReady{Agent: "1"}, "not_logged_in")
	want(acd.Login{Agent: "1", Seat: "801"}, "")
	want(acd.Login{Agent: "1", Seat: "801"}, "")
	d.wantState("1", acd.NotReady, acd.ReasonLogin)
	want(acd.Login{Agent: "2", Seat: "801"}, "seat_taken")
	want(acd.Login{Agent: "1", Seat: "802"}, "already_logged_in")
	want(acd.SetNotReady{Agent: "1", Reason: "rona"}, "unknown_reason")
	want(acd.SetNotReady{Agent: "1", Reason: "meal"}, "")
	d.wantState("1", acd.NotReady, "meal")
	want(acd.SetReady{Agent: "1"}, "")
	since := d.agent("1").IdleSince
	d.now = d.now.Add(time.Second)
	want(acd.SetReady{Agent: "1"}, "")
	if d.agent("1").IdleSince != since {
		t.Error("asking for ready while ready moved the agent to the end of the idle")
	}
	want(acd.Logout{Agent: "1"}, "")
	want(acd.Login{Agent: "2", Seat: "801"}, "")
}

func TestPendingWhileTalkingWaitsForTheEndOfWrapUp(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	d.do(acd.SetNotReady{Agent: "1", Reason: "meal"})
	d.wantState("1", acd.Talking, "")
	d.do(acd.CallGone{Call: "a"})
	d.wantState("1", acd.WrapUp, "")
	d.after(10*time.Second, acd.Tick{})
	d.wantState("1", acd.NotReady, "meal")

	d.do(acd.SetReady{Agent: "1"})
	d.arrive("b", "9")
	d.do(acd.Logout{Agent: "1"})
	d.do(acd.LegGone{Leg: acd.NewLegID("b", 1, "1"), Outcome: acd.OfferNoAnswer})
	d.wantState("1", acd.LoggedOut, "")
}

func TestReadyEndsWrapUpAndTheOldTimerIsDead(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	d.do(acd.CallGone{Call: "a"})
	d.after(9*time.Second, acd.SetReady{Agent: "1"})
	d.arrive("b", "9")
	d.talk("b", 1, "1")
	d.do(acd.CallGone{Call: "b"})
	d.after(time.Second, acd.Tick{}) // the first wrap-up would have ended now
	d.wantState("1", acd.WrapUp, "")
}

func TestFeatureCodes(t *testing.T) {
	d := newDesk(t)
	dial := func(seat acd.SeatID, code, prompt string) {
		t.Helper()
		out := d.do(acd.SeatDialled{Channel: "ch", Node: "a1", Seat: seat, Code: code})
		if len(out.Commands) != 1 || out.Commands[0] != (acd.ReplySeat{Channel: "ch", Node: "a1", Prompt: prompt}) {
			t.Errorf("%s at %s: %+v, want %s", code, seat, out.Commands, prompt)
		}
	}
	dial("801", "*12", acd.PromptRefused)
	dial("801", "*11", acd.PromptRefused)
	dial("801", "*111", acd.PromptLoggedIn)
	dial("801", "*12", acd.PromptReady)
	d.wantState("1", acd.Ready, "")
	dial("801", "*132", acd.PromptNotReady)
	d.wantState("1", acd.NotReady, "meal")
	dial("801", "*13", acd.PromptNotReady)
	d.wantState("1", acd.NotReady, "break")
	dial("801", "*139", acd.PromptRefused)
	dial("801", "*14", acd.PromptRefused)
	dial("801", "*11", acd.PromptLoggedOut)
	d.wantState("1", acd.LoggedOut, "")
	dial("803", "*113", acd.PromptRefused)
	dial("803", "*113*4712", acd.PromptRefused)
	dial("803", "*113*4711", acd.PromptLoggedIn)
	dial("999", "*111", acd.PromptRefused)
}

func TestNewEngineRefusesInconsistentSites(t *testing.T) {
	for name, spoil := range map[string]func(*acd.Config){
		"queue twice":    func(c *acd.Config) { c.Queues = append(c.Queues, c.Queues[0]) },
		"agent twice":    func(c *acd.Config) { c.Agents = append(c.Agents, c.Agents[0]) },
		"seat twice":     func(c *acd.Config) { c.Seats = append(c.Seats, c.Seats[0]) },
		"entry twice":    func(c *acd.Config) { c.Entries = append(c.Entries, c.Entries[0]) },
		"unknown queue":  func(c *acd.Config) { c.Agents[0].Queues = []acd.QueueID{"x"} },
		"entry to none":  func(c *acd.Config) { c.Entries[0].Queue = "x" },
		"no ring time":   func(c *acd.Config) { c.Queues[0].RingTimeout = 0 },
		"reserved break": func(c *acd.Config) { c.NotReadyReasons[0].Name = acd.ReasonRONA },
	} {
		cfg := site()
		spoil(&cfg)
		if _, err := acd.NewEngine(cfg, callflow.Standard{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLegAndBridgeNames(t *testing.T) {
	leg := acd.NewLegID("a1-17324.5_x", 12, "1001")
	call, offer, agent, ok := leg.Parse()
	if !ok || call != "a1-17324.5_x" || offer != 12 || agent != "1001" {
		t.Errorf("%s parses to %s %d %s %v", leg, call, offer, agent, ok)
	}
	for _, bad := range []acd.LegID{"", "a1-1.2", "leg_", "leg_x_1_c", "leg_0_1_c", "leg_1__c", "leg_1_2_", "leg_1_2"} {
		if _, _, _, ok := bad.Parse(); ok {
			t.Errorf("%q parses", bad)
		}
	}
	if call, ok := acd.ParseBridgeID(acd.BridgeID("c")); !ok || call != "c" {
		t.Error("bridge name does not parse back")
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{"13812345678": "138******78", "12345": "*****", "": ""} {
		if got := acd.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func ExampleMask() {
	fmt.Println(acd.Mask("13812345678"))
	// Output: 138******78
}

// The end of a call may reach the phone after the next call: it is busy for a moment.
func TestPhoneThatIsJustPutDownIsRungAgain(t *testing.T) {
	d := newDesk(t)
	d.ready("3", "803")
	d.arrive("a", "8")
	d.talk("a", 1, "3")
	d.do(acd.CallGone{Call: "a"})
	d.arrive("b", "8")
	rung := offered(d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "3")}))
	for tries := 1; ; tries++ {
		if len(rung) != 1 || rung[0].Call != "b" || rung[0].Seat != "803" {
			t.Fatalf("offers at try %d: %+v", tries, rung)
		}
		out := d.after(10*time.Millisecond, acd.LegGone{Leg: rung[0].Leg, Outcome: acd.OfferBusy})
		if o := offered(out); len(o) != 0 {
			t.Fatalf("the phone is rung at once after try %d: %+v", tries, o)
		}
		// Whoever is busy for longer uses the phone for something else.
		if tries == 4 {
			break
		}
		d.wantState("3", acd.Ready, "")
		rung = offered(d.after(500*time.Millisecond, acd.Tick{}))
	}
	d.wantState("3", acd.Ready, "") // 1.57 s after the former call
	rung = offered(d.after(500*time.Millisecond, acd.Tick{}))
	if len(rung) != 1 {
		t.Fatalf("offers: %+v", rung)
	}
	d.do(acd.LegGone{Leg: rung[0].Leg, Outcome: acd.OfferBusy})
	d.wantState("3", acd.NotReady, acd.ReasonBusy)
}
