package acd_test

import (
	"slices"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// withRules makes a desk whose general queue has rules of overflow.
func withRules(t *testing.T, rules ...acd.Overflow) *desk {
	t.Helper()
	return newSite(t, func(c *acd.Config) { setRules(c, rules...) })
}

func setRules(c *acd.Config, rules ...acd.Overflow) {
	c.Queues[0].Overflow = rules
	c.Queues[0].Callback = acd.Callback{
		Attempts: 2, Spacing: 5 * time.Minute, RingTimeout: 30 * time.Second, Within: time.Hour, BookedPrompts: []string{"booked"},
	}
}

func (d *desk) counts(i int) acd.QueueCounts { return d.e.Snapshot(d.now).Queues[i].Counts }

func TestOverflowToAnotherQueueKeepsTheWait(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 20 * time.Second, To: "business", Prompts: []string{"moved"}})
	d.arrive("a", "9")
	d.after(15*time.Second, acd.CallArrived{Call: "b", Node: "a1", Entry: "8"})
	wantCommands(t, d.after(5*time.Second, acd.Tick{}), "Play")
	if s := d.e.Snapshot(d.now); s.Queues[0].Waiting != 0 || s.Queues[1].Waiting != 2 || s.Queues[0].Counts.Overflowed != 1 {
		t.Fatalf("queues: %+v", s.Queues)
	}
	wantCommands(t, d.do(acd.CallPlayed{Call: "a"}), "StartMusic")
	// Who came from elsewhere has waited longer.
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "a" {
		t.Fatalf("offers: %+v", o)
	}
	d.talk("a", 1, "2")
	d.after(time.Minute, acd.CallGone{Call: "a"})
	r := d.wantRecord(acd.Answered, acd.CallerHungUp, 20*time.Second, time.Minute)
	if r.Queue != "business" || len(r.Visits) != 1 || r.Visits[0].Queue != "general" || r.Visits[0].Left.Sub(r.Visits[0].Entered) != 20*time.Second {
		t.Errorf("record: %+v", r)
	}
}

func TestOverflowDoesNotGoRoundInACircle(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Overflow = []acd.Overflow{{NoAgents: true, To: "business"}}
		c.Queues[1].Overflow = []acd.Overflow{{NoAgents: true, To: "general"}}
	})
	d.arrive("a", "9")
	if s := d.e.Snapshot(d.now); s.Queues[0].Counts.Overflowed != 1 || s.Queues[1].Waiting != 1 || s.Queues[1].Counts.Overflowed != 0 {
		t.Errorf("queues: %+v", s.Queues)
	}
}

func TestFullQueueRefusesAndCounts(t *testing.T) {
	d := withRules(t, acd.Overflow{Length: 1, Refuse: true, Prompts: []string{"busy"}})
	d.arrive("a", "9")
	wantCommands(t, d.arrive("b", "9"), "Answer Play")
	wantCommands(t, d.after(4*time.Second, acd.CallPlayed{Call: "b"}), "Release")
	d.wantRecord(acd.Overflowed, acd.Refused, 0, 0)
	if c := d.counts(0); c.Offered != 2 || c.Overflowed != 1 {
		t.Errorf("counts: %+v", c)
	}
	// Who hangs up while hearing it has the same end.
	d.arrive("c", "9")
	d.do(acd.CallGone{Call: "c"})
	d.wantRecord(acd.Overflowed, acd.Refused, 0, 0)
}

// shut is never open.
type shut struct{}

func (shut) Open(time.Time) bool { return false }

func TestClosedQueue(t *testing.T) {
	closed := func(rule acd.Overflow) *desk {
		rule.Closed = true
		return newSite(t, func(c *acd.Config) { c.Queues[0].Hours, c.Queues[0].Overflow = shut{}, []acd.Overflow{rule} })
	}
	d := closed(acd.Overflow{Refuse: true, Prompts: []string{"closed"}})
	d.arrive("a", "9")
	d.do(acd.CallPlayed{Call: "a"})
	if r := d.wantRecord(acd.NotOffered, acd.ClosedHours, 0, 0); r.Offered() {
		t.Error("counted as offered")
	}
	d = closed(acd.Overflow{To: "business"})
	d.arrive("a", "9")
	if s := d.e.Snapshot(d.now); s.Queues[0].Counts.Offered != 0 || s.Queues[1].Counts.Offered != 1 {
		t.Errorf("queues: %+v", s.Queues)
	}
}

func TestCallersAreMovedWhenTheLastAgentGoes(t *testing.T) {
	d := withRules(t, acd.Overflow{NoAgents: true, To: "business"})
	d.ready("1", "801")
	d.do(acd.SetNotReady{Agent: "1", Reason: "break"})
	d.arrive("a", "9")
	if s := d.e.Snapshot(d.now); s.Queues[0].Waiting != 1 {
		t.Fatalf("queues: %+v", s.Queues)
	}
	d.do(acd.Logout{Agent: "1"})
	if s := d.e.Snapshot(d.now); s.Queues[1].Waiting != 1 {
		t.Errorf("queues: %+v", s.Queues)
	}
}

func TestRedialHasTheFormerPlace(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Redial = acd.Redial{Within: 2 * time.Minute, AtMost: 1, After: 10 * time.Second}
	})
	come := func(call acd.CallID, caller string) {
		d.do(acd.CallArrived{Call: call, Node: "a1", Entry: "9", Caller: caller})
	}
	come("a", "111")
	d.after(5*time.Second, acd.CallArrived{Call: "b", Node: "a1", Entry: "9", Caller: "222"})
	d.after(20*time.Second, acd.CallGone{Call: "a"})
	d.now = d.now.Add(30 * time.Second)
	come("a2", "111")
	d.ready("1", "801")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "a2" {
		t.Fatalf("offers: %+v", o)
	}
	// The wait that counts is that of the call, not of the place.
	d.do(acd.CallGone{Call: "a2"})
	if r := d.wantRecord(acd.Abandoned, acd.CallerHungUpRinging, 0, 0); !r.Resumed.Equal(start) {
		t.Errorf("record: %+v", r)
	}
	// Once only.
	d.do(acd.Logout{Agent: "1"})
	come("a3", "111")
	d.ready("2", "802")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "b" {
		t.Errorf("offers: %+v", o)
	}
}

func TestStormIsShedHonestlyAndPlacesAreKept(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Admission = acd.Admission{Pace: 1, Burst: 2, Prompts: []string{"busy"}}
		c.Queues[0].Redial = acd.Redial{Within: time.Minute, AtMost: 3}
	})
	for _, call := range []acd.CallID{"a", "b", "c"} {
		d.do(acd.CallArrived{Call: call, Node: "a1", Entry: "9", Caller: "13" + string(call)})
	}
	d.do(acd.CallPlayed{Call: "c"})
	d.wantRecord(acd.Overflowed, acd.Shed, 0, 0)
	// Who waited and redials is taken on all the same.
	d.do(acd.CallGone{Call: "a"})
	d.do(acd.CallArrived{Call: "a2", Node: "a1", Entry: "9", Caller: "13a"})
	d.after(time.Second, acd.CallArrived{Call: "d", Node: "a1", Entry: "9", Caller: "13d"})
	if s := d.e.Snapshot(d.now); s.Queues[0].Waiting != 3 || s.Queues[0].Counts.Offered != 5 || s.Queues[0].Counts.Overflowed != 1 {
		t.Errorf("queues: %+v", s.Queues)
	}
}

func TestBlockedCallersAreKeptOutUntilItEnds(t *testing.T) {
	d := newDesk(t)
	for _, wrong := range []acd.BlockCaller{{Reason: "abuse"}, {Number: "13812345678"}, {Number: "13812345678", Reason: "abuse", Until: start}} {
		if d.do(wrong).Err == nil {
			t.Errorf("accepted: %+v", wrong)
		}
	}
	d.do(acd.BlockCaller{Number: "13812345678", Reason: "abuse", Until: d.now.Add(time.Hour)})
	wantCommands(t, d.arrive("a", "9"), "Release")
	d.wantRecord(acd.NotOffered, acd.Blocked, 0, 0)
	if len(d.e.Blocks(d.now)) != 1 {
		t.Error("not listed")
	}
	d.after(time.Hour, acd.Tick{})
	d.arrive("b", "9")
	if s := d.e.Snapshot(d.now); s.Queues[0].Waiting != 1 {
		t.Error("still kept out")
	}
	if d.do(acd.UnblockCaller{Number: "13812345678"}).Err == nil {
		t.Error("a block that has ended was lifted")
	}
}

func TestEmergencyAnnouncementComesFirst(t *testing.T) {
	d := newDesk(t)
	d.do(acd.SetEmergency{Prompts: []string{"flood"}})
	d.arrive("a", "12345")
	if play := d.last.Commands[1].(acd.Play); !slices.Equal(play.Prompts, []string{"flood", "greeting"}) {
		t.Errorf("prompts: %v", play.Prompts)
	}
	d.do(acd.SetEmergency{})
	wantCommands(t, d.arrive("b", "9"), "Answer StartMusic")
}

func TestAnnouncementsNeverHoldUpTheDispatch(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Announce = acd.Announce{After: 20 * time.Second, Every: 30 * time.Second}
	})
	d.arrive("a", "9")
	d.arrive("b", "9")
	d.after(19*time.Second, acd.Tick{})
	out := d.after(time.Second, acd.Tick{})
	wantCommands(t, out, "Play Play")
	if play := out.Commands[1].(acd.Play); !slices.Equal(play.Prompts, []string{"queue-ahead", "n-1", "queue-callers", "queue-thanks"}) {
		t.Errorf("prompts: %v", play.Prompts)
	}
	// The prompt still plays, and an agent comes: rung at once.
	d.ready("1", "801")
	if got := rung(d.last); got != "1" {
		t.Fatalf("rung: %q", got)
	}
	d.do(acd.CallGone{Call: "a"})
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1")})
	// Now somebody works, so that the wait can be told.
	d.talk("b", 1, "1")
	d.arrive("c", "9")
	out = d.after(20*time.Second, acd.Tick{})
	if play := out.Commands[0].(acd.Play); !slices.Equal(play.Prompts, []string{"queue-next", "queue-expected", "n-4", "minutes", "queue-thanks"}) {
		t.Errorf("prompts: %v", play.Prompts)
	}
}

// asks lets a caller who waits book a callback.
func (d *desk) asks(call acd.CallID) {
	d.t.Helper()
	d.do(acd.CallPlayed{Call: call})
	out := d.do(acd.CallDigit{Call: call, Digit: "1"})
	wantCommands(d.t, out, "Play")
	d.do(acd.CallPlayed{Call: call})
}

func TestCallbackKeepsThePlaceAndConnects(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
	d.arrive("a", "9")
	d.after(time.Second, acd.CallArrived{Call: "b", Node: "a1", Entry: "9", Caller: "13900000000"})
	d.after(29*time.Second, acd.Tick{})
	d.asks("a")
	d.wantRecord(acd.Overflowed, acd.CallbackRequested, 30*time.Second, 0)
	if s := d.e.Snapshot(d.now); s.Queues[0].Waiting != 1 || s.Queues[0].Counts.Overflowed != 1 {
		t.Fatalf("queue: %+v", s.Queues[0])
	}
	// The agent is rung for the callback first: it was first in line.
	d.after(time.Minute, acd.Tick{})
	d.ready("1", "801")
	o := offered(d.last)
	if len(o) != 1 || o[0].Call == "b" {
		t.Fatalf("offers: %+v", o)
	}
	call, leg := o[0].Call, o[0].Leg
	d.do(acd.LegRinging{Leg: leg})
	out := d.do(acd.LegAnswered{Leg: leg})
	wantCommands(t, out, "DialOut")
	if dial := out.Commands[0].(acd.DialOut); dial.Number != "13812345678" || dial.CallerID != "9" || dial.Leg != leg {
		t.Errorf("%+v", dial)
	}
	d.after(10*time.Second, acd.Connected{Call: call, Leg: leg})
	d.wantState("1", acd.Talking, "")
	d.after(time.Minute, acd.CallGone{Call: call})
	if r := d.wantRecord(acd.Answered, acd.CallerHungUp, 0, time.Minute); r.Callback != "a" || r.Offered() {
		t.Errorf("record: %+v", r)
	}
	d.wantState("1", acd.WrapUp, "")
	if len(d.e.Callbacks()) != 0 {
		t.Errorf("left: %+v", d.e.Callbacks())
	}
}

// A callback is dialled from another node when that of the call is out of reach: as
// late as at the moment at which somebody can be rung.
func TestCallbackFromAnotherNode(t *testing.T) {
	rule := acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}}
	begin := func(t *testing.T) *desk {
		d := withRules(t, rule)
		for _, n := range []acd.NodeID{"a1", "a2", "a3"} {
			d.do(acd.NodeReachable{Node: n})
		}
		d.arrive("a", "9")
		d.after(30*time.Second, acd.Tick{})
		d.asks("a")
		d.do(acd.CallArrived{Call: "x", Node: "a2", Entry: "8"}) // a2 has more to do than a3
		return d
	}
	dialled := func(d *desk, node acd.NodeID) {
		d.t.Helper()
		o := offered(d.last)
		if len(o) != 1 || o[0].Node != node {
			d.t.Fatalf("offers: %+v, want one at %s", o, node)
		}
		out := d.do(acd.LegAnswered{Leg: o[0].Leg})
		if dial, ok := out.Commands[0].(acd.DialOut); !ok || dial.Node != node {
			d.t.Errorf("%+v, want a call from %s", out.Commands, node)
		}
		d.do(acd.Connected{Call: o[0].Call, Leg: o[0].Leg})
		d.after(time.Minute, acd.CallGone{Call: o[0].Call})
		if r := d.wantRecord(acd.Answered, acd.CallerHungUp, 0, time.Minute); r.Node != node || r.Callback != "a" {
			d.t.Errorf("record: %+v", r)
		}
	}
	t.Run("while it waits", func(t *testing.T) {
		d := begin(t)
		d.do(acd.NodeUnreachable{Node: "a1"})
		d.do(acd.NodeDown{Node: "a1"})
		d.ready("1", "801")
		dialled(d, "a3")
	})
	t.Run("its own is back in time", func(t *testing.T) {
		d := begin(t)
		d.do(acd.NodeUnreachable{Node: "a1"})
		d.after(time.Minute, acd.NodeReachable{Node: "a1"})
		d.ready("1", "801")
		dialled(d, "a1")
	})
	t.Run("none is there for a while", func(t *testing.T) {
		d := begin(t)
		for _, n := range []acd.NodeID{"a1", "a2", "a3"} {
			d.do(acd.NodeUnreachable{Node: n})
		}
		d.ready("1", "801")
		if o := offered(d.last); len(o) != 0 {
			t.Errorf("offers: %+v", o)
		}
		d.after(time.Minute, acd.NodeReachable{Node: "a2"})
		dialled(d, "a2")
	})
	t.Run("the agent's phone rings", func(t *testing.T) {
		d := begin(t)
		d.ready("1", "801")
		o := offered(d.last)
		d.do(acd.NodeUnreachable{Node: "a1"})
		d.do(acd.LegGone{Leg: o[0].Leg, Outcome: acd.OfferNodeFault})
		d.after(2*time.Second, acd.Tick{})
		dialled(d, "a3")
	})
	t.Run("the agent has lifted", func(t *testing.T) {
		d := begin(t)
		d.ready("1", "801")
		o := offered(d.last)
		d.do(acd.LegAnswered{Leg: o[0].Leg})
		d.do(acd.NodeUnreachable{Node: "a1"})
		d.do(acd.NodeDown{Node: "a1"})
		d.after(2*time.Second, acd.Tick{})
		dialled(d, "a3")
	})
	t.Run("of a node that is no longer there, after a restart", func(t *testing.T) {
		d := begin(t)
		state := d.e.Save()
		state.CutOff = []acd.NodeID{"a2", "a3"} // as configured now
		cfg := site()
		setRules(&cfg, rule)
		e, err := acd.Restore(cfg, callflow.Standard{}, state)
		if err != nil {
			t.Fatal(err)
		}
		d.e = e
		d.ready("1", "801")
		if o := offered(d.last); len(o) != 0 {
			t.Errorf("offers: %+v", o)
		}
		d.do(acd.NodeReachable{Node: "a2"})
		dialled(d, "a2")
	})
}

func TestCallbackIsTriedAgainAndGivenUp(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
	d.ready("1", "801")
	d.do(acd.SetNotReady{Agent: "1", Reason: "break"})
	d.arrive("a", "9")
	d.after(30*time.Second, acd.Tick{})
	d.asks("a")
	attempt := func() {
		t.Helper()
		o := offered(d.last)
		if len(o) != 1 {
			t.Fatalf("offers: %+v", o)
		}
		d.do(acd.LegAnswered{Leg: o[0].Leg})
		d.after(20*time.Second, acd.CallGone{Call: o[0].Call, Outcome: acd.OfferNoAnswer})
		d.do(acd.LegGone{Leg: o[0].Leg})
		if r := d.wantRecord(acd.NotReached, acd.CallerNotReached, 0, 0); r.Outcome != acd.OfferNoAnswer || r.Callback != "a" {
			t.Errorf("record: %+v", r)
		}
		d.wantState("1", acd.Ready, "")
	}
	d.do(acd.SetReady{Agent: "1"})
	attempt()
	list := d.e.Callbacks()
	if len(list) != 1 || list[0].State != acd.CallbackSpaced || list[0].Attempts != 1 || list[0].Last != acd.OfferNoAnswer {
		t.Fatalf("callbacks: %+v", list)
	}
	d.after(5*time.Minute, acd.Tick{})
	attempt()
	if list := d.e.Callbacks(); len(list) != 0 {
		t.Errorf("callbacks: %+v", list)
	}
}

func TestCallbackEndsWhenTheCallerIsAnsweredOrAPersonSaysSo(t *testing.T) {
	book := func() *desk {
		d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
		d.arrive("a", "9")
		d.after(30*time.Second, acd.Tick{})
		d.asks("a")
		return d
	}
	d := book()
	if d.do(acd.CancelCallback{Callback: "a"}).Err != nil || len(d.e.Callbacks()) != 0 {
		t.Error("not cancelled")
	}
	if d.do(acd.CancelCallback{Callback: "a"}).Err == nil {
		t.Error("cancelled twice")
	}
	d = book()
	d.after(time.Hour, acd.Tick{})
	if len(d.e.Callbacks()) != 0 {
		t.Error("not expired")
	}
}

func TestWhoGaveUpIsCalledBack(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Callback = acd.Callback{Attempts: 1, RingTimeout: 30 * time.Second, Within: time.Hour, Missed: true, MissedAfter: 10 * time.Second}
	})
	d.arrive("short", "9")
	d.after(9*time.Second, acd.CallGone{Call: "short"})
	if len(d.e.Callbacks()) != 0 {
		t.Fatal("listed after a short wait")
	}
	d.arrive("a", "9")
	d.after(10*time.Second, acd.CallGone{Call: "a"})
	if list := d.e.Callbacks(); len(list) != 1 || !list[0].Missed {
		t.Fatalf("callbacks: %+v", list)
	}
	// The caller calls again and is answered: nobody need call back. The
	// callback stands before the caller in line, and a phone rings for it.
	d.arrive("b", "9")
	d.ready("1", "801")
	if o := offered(d.last); len(o) != 1 || o[0].Call == "b" {
		t.Fatalf("offers: %+v", o)
	}
	d.ready("2", "802")
	d.talk("b", 1, "2")
	if list := d.e.Callbacks(); len(list) != 0 {
		t.Errorf("callbacks: %+v", list)
	}
	d.wantState("1", acd.Ready, "")
}

func TestTheStoreIsToldWhenTheNextAttemptIsDue(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
	d.arrive("a", "9")
	d.after(30*time.Second, acd.Tick{})
	d.asks("a")
	d.ready("1", "801")
	leg := offered(d.last)[0].Leg
	d.do(acd.LegAnswered{Leg: leg})
	out := d.do(acd.CallGone{Call: "callback-1-a", Outcome: acd.OfferBusy})
	for _, c := range out.Changes {
		if c.Callback != nil && !c.Callback.Next.Equal(d.now.Add(5*time.Minute)) {
			t.Errorf("the change is %+v", c.Callback)
		}
	}
}

func TestWhoIsToBeCalledBackIsNotTheLongestWaiting(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
	d.arrive("a", "9")
	d.after(30*time.Second, acd.Tick{})
	d.asks("a")
	d.now = d.now.Add(10 * time.Minute)
	if q := d.e.Snapshot(d.now).Queues[0]; q.Waiting != 0 || q.LongestWait != 0 {
		t.Errorf("%d wait, the longest for %v", q.Waiting, q.LongestWait)
	}
}

func TestCallersWithoutANumberAreNobodyInParticular(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		q := &c.Queues[0]
		q.Redial = acd.Redial{Within: time.Minute, AtMost: 1}
		q.LastAgent = acd.LastAgent{Within: time.Hour, Wait: time.Minute}
		q.Overflow = []acd.Overflow{{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}}}
		q.Callback = acd.Callback{Attempts: 1, RingTimeout: time.Second, Within: time.Hour, Missed: true}
	})
	come := func(call acd.CallID) acd.CallStatus {
		out := d.do(acd.CallArrived{Call: call, Node: "a1", Entry: "9", Caller: "anonymous"})
		return *out.Changes[0].Call
	}
	come("a")
	d.after(time.Second, acd.CallGone{Call: "a"})
	if list := d.e.Callbacks(); len(list) != 0 {
		t.Errorf("to be called back: %+v", list)
	}
	if c := come("b"); !c.Resumed.IsZero() {
		t.Error("has the place of another")
	}
	// To be called back, such a caller enters a number.
	d.after(30*time.Second, acd.Tick{})
	out := d.do(acd.CallDigit{Call: "b", Digit: "1"})
	if len(out.Commands) != 1 || !slices.Equal(out.Commands[0].(acd.Play).Prompts, []string{"callback-enter"}) {
		t.Errorf("after 1: %+v", out.Commands)
	}
	d.ready("1", "801")
	d.talk("b", 1, "1")
	d.do(acd.CallGone{Call: "b"})
	if c := come("c"); c.Prefers != "" {
		t.Error("waits for the agent of another")
	}
}

func TestPromisedCallbacksAreNotForgottenByAConfiguration(t *testing.T) {
	d := withRules(t, acd.Overflow{Wait: 30 * time.Second, Callback: true, Prompts: []string{"offer"}})
	d.arrive("a", "9")
	d.after(30*time.Second, acd.Tick{})
	d.asks("a")
	if d.do(acd.Reconfigure{Config: site()}).Err == nil { // its queues call nobody back
		t.Error("accepted")
	}
	d.do(acd.CancelCallback{Callback: "a"})
	if err := d.do(acd.Reconfigure{Config: site()}).Err; err != nil {
		t.Error(err)
	}
}

func TestWhoCallsInAndIsAnsweredIsNotCalledBack(t *testing.T) {
	book := func() *desk {
		d := newSite(t, func(c *acd.Config) {
			c.Queues[0].Overflow = []acd.Overflow{
				{Wait: 10 * time.Second, Callback: true, Prompts: []string{"offer"}}, {Wait: 20 * time.Second, To: "business"},
			}
			c.Queues[0].Callback = acd.Callback{Attempts: 2, Spacing: time.Minute, RingTimeout: 30 * time.Second, Within: time.Hour}
		})
		d.arrive("a", "9")
		d.after(10*time.Second, acd.Tick{})
		d.do(acd.CallDigit{Call: "a", Digit: "1"})
		return d
	}
	// Answered in the queue to which the second call overflowed.
	d := book()
	d.arrive("b", "9")
	d.after(20*time.Second, acd.Tick{})
	d.ready("3", "803")
	d.talk("b", 1, "3")
	if list := d.e.Callbacks(); len(list) != 0 {
		t.Errorf("answered in another queue, to be called back: %+v", list)
	}
	// Answered while being called: that attempt ends, and there is no other.
	d = book()
	d.ready("1", "801")
	leg := offered(d.last)[0].Leg
	wantCommands(t, d.do(acd.LegAnswered{Leg: leg}), "DialOut")
	d.arrive("b", "9")
	d.ready("2", "802")
	d.talk("b", 1, "2")
	wantCommands(t, d.last, "Release")
	d.wantRecord(acd.NotReached, acd.CallerNotReached, 0, 0)
	d.wantState("1", acd.Ready, "")
	if list := d.e.Callbacks(); len(list) != 0 {
		t.Errorf("answered while being called, to be called back: %+v", list)
	}
}
