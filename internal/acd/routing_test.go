package acd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// newSite makes a desk at a site that change has changed.
func newSite(t *testing.T, change func(*acd.Config)) *desk {
	t.Helper()
	cfg := site()
	change(&cfg)
	e, err := acd.NewEngine(cfg, callflow.Standard{})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, e: e, now: start}
}

// rung lists the agents of the offers in an output.
func rung(out acd.Output) string {
	var agents []string
	for _, o := range offered(out) {
		_, _, agent, _ := o.Leg.Parse()
		agents = append(agents, string(agent))
	}
	return strings.Join(agents, " ")
}

// three makes the general queue one of three agents, ready one second after
// the other in the order 3, 2, 1.
func three(t *testing.T, change func(q *acd.Queue, agents []acd.Agent)) *desk {
	t.Helper()
	d := newSite(t, func(c *acd.Config) {
		c.Agents = []acd.Agent{
			{ID: "1", Queues: []acd.QueueID{"general"}}, {ID: "2", Queues: []acd.QueueID{"general"}}, {ID: "3", Queues: []acd.QueueID{"general"}},
		}
		c.Queues[0].WrapUp = 0
		change(&c.Queues[0], c.Agents)
	})
	for i, agent := range []acd.AgentID{"3", "2", "1"} {
		d.ready(agent, acd.SeatID(fmt.Sprint(801+i)))
		d.now = d.now.Add(time.Second)
	}
	return d
}

// serve lets a caller come, talk with whoever is rung first, and leave.
func (d *desk) serve(call acd.CallID, talk time.Duration) (agent string) {
	d.t.Helper()
	d.arrive(call, "9")
	agent = rung(d.last)
	leg := acd.NewLegID(call, 1, acd.AgentID(agent))
	d.talk(call, 1, acd.AgentID(agent))
	d.after(talk, acd.CallGone{Call: call})
	d.do(acd.LegGone{Leg: leg})
	return agent
}

func TestStrategies(t *testing.T) {
	for _, test := range []struct {
		strategy acd.Strategy
		change   func(agents []acd.Agent)
		talks    []int // seconds of one conversation after the other
		want     string
	}{
		{acd.LongestIdle, nil, []int{1, 1, 1, 1, 1}, "3 2 1 3 2"},
		{acd.RoundRobin, nil, []int{9, 1, 1, 1, 1}, "3 2 1 3 2"},
		{acd.Ordered, nil, []int{1, 1, 1, 1}, "1 1 1 1"},
		{acd.FewestCalls, nil, []int{1, 1, 1, 1, 1}, "3 2 1 3 2"},
		{acd.MostSkilled, func(a []acd.Agent) {
			a[0].Levels = map[acd.QueueID]acd.Level{"general": 3}
			a[1].Levels = map[acd.QueueID]acd.Level{"general": 7}
			a[2].Levels = map[acd.QueueID]acd.Level{"general": 5}
		}, []int{1, 1, 1}, "2 2 2"},
		// Who has talked for long is spared, whoever has been idle longest.
		{acd.LeastOccupied, nil, []int{60, 50, 1, 1, 1}, "3 2 1 1 1"},
	} {
		t.Run(string(test.strategy), func(t *testing.T) {
			d := three(t, func(q *acd.Queue, agents []acd.Agent) {
				q.Strategy = test.strategy
				if test.change != nil {
					test.change(agents)
				}
			})
			var got []string
			for i, talk := range test.talks {
				got = append(got, d.serve(acd.CallID(fmt.Sprintf("c%d", i)), time.Duration(talk)*time.Second))
				d.now = d.now.Add(time.Second)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("served by %s, want %s", s, test.want)
			}
		})
	}
}

func TestRoundRobinCountsOffersThatWereNotTaken(t *testing.T) {
	d := three(t, func(q *acd.Queue, _ []acd.Agent) { q.Strategy = acd.RoundRobin })
	d.arrive("a", "9")
	d.do(acd.CallGone{Call: "a"})
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "3")})
	if got := d.serve("b", time.Second) + d.serve("c", time.Second) + d.serve("d", time.Second); got != "213" {
		t.Errorf("served by %s", got)
	}
}

func TestWeightedRandomFollowsTheWeights(t *testing.T) {
	d := three(t, func(q *acd.Queue, agents []acd.Agent) {
		q.Strategy = acd.WeightedRandom
		agents[0].Weight, agents[1].Weight, agents[2].Weight = 1, 2, 5
	})
	const calls = 8000
	got := map[string]int{}
	for i := range calls {
		got[d.serve(acd.CallID(fmt.Sprintf("c%d", i)), time.Second)]++
	}
	// Five standard deviations of a binomial are below 0.03 of the calls.
	for agent, share := range map[string]float64{"1": 1. / 8, "2": 2. / 8, "3": 5. / 8} {
		if is := float64(got[agent]) / calls; is < share-.03 || is > share+.03 {
			t.Errorf("agent %s had %.3f of the calls, want %.3f", agent, is, share)
		}
	}
}

func TestSkillsRelaxWithWaiting(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Entries[1].Skills = []acd.Requirement{{Skill: "english", Level: 8}}
		c.Queues[0].Relax = []acd.Relaxation{
			{After: 15 * time.Second, Skills: []acd.Requirement{{Skill: "english", Level: 3}}},
			{After: 30 * time.Second, Skills: []acd.Requirement{{Skill: "english"}}, Queues: []acd.QueueID{"business"}},
		}
		c.Agents[0].Skills = map[acd.SkillID]acd.Level{"english": 3}
	})
	d.ready("1", "801") // english 3
	d.ready("3", "803") // business, no english
	d.arrive("a", "9")
	d.arrive("b", "9")
	if got := rung(d.last); got != "" {
		t.Fatalf("rung at once: %s", got)
	}
	if got := rung(d.after(15*time.Second, acd.Tick{})); got != "1" {
		t.Fatalf("rung after 15 s: %s", got)
	}
	if got := rung(d.after(14*time.Second, acd.Tick{})); got != "" {
		t.Fatalf("rung after 29 s: %s", got)
	}
	if got := rung(d.after(time.Second, acd.Tick{})); got != "3" {
		t.Fatalf("rung after 30 s: %s", got)
	}
}

func TestLevelInTheQueueIsAskedFor(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Level = 5
		c.Queues[0].Relax = []acd.Relaxation{{After: 20 * time.Second, Level: 0}}
		c.Agents[0].Levels = map[acd.QueueID]acd.Level{"general": 4}
	})
	d.ready("1", "801")
	d.arrive("a", "9")
	if got := rung(d.last); got != "" {
		t.Fatalf("rung: %s", got)
	}
	d.ready("2", "802") // no level given: the highest
	if got := rung(d.last); got != "2" {
		t.Fatalf("rung: %s", got)
	}
	d.arrive("b", "9")
	if got := rung(d.after(20*time.Second, acd.Tick{})); got != "1" {
		t.Errorf("rung after 20 s: %s", got)
	}
}

func TestPriorityIsWorthSomeWaiting(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Entries[0].Greeting = nil
		c.Entries[0].Priority = 2 // of 30 s each
	})
	d.arrive("early", "9")
	d.after(59*time.Second, acd.CallArrived{Call: "urgent", Node: "a1", Entry: "12345"})
	d.after(2*time.Second, acd.CallArrived{Call: "late", Node: "a1", Entry: "12345"})
	d.ready("1", "801")
	d.talk("urgent", 1, "1")
	d.ready("2", "802")
	d.talk("early", 1, "2")
	if s := d.e.Snapshot(d.now); len(s.Calls) != 3 || s.Calls[2].Phase != acd.PhaseWaiting || s.Calls[2].Call != "late" {
		t.Errorf("calls: %+v", s.Calls)
	}
}

func TestWeightOfAQueue(t *testing.T) {
	for weight, first := range map[float64]string{1: "general", 3: "business"} {
		d := newSite(t, func(c *acd.Config) { c.Queues[1].Weight = weight })
		d.arrive("general", "9")
		d.after(20*time.Second, acd.CallArrived{Call: "business", Node: "a1", Entry: "8"})
		d.now = d.now.Add(11 * time.Second)
		d.ready("2", "802")
		if o := offered(d.last); len(o) != 1 || string(o[0].Call) != first {
			t.Errorf("weight %v: %+v", weight, o)
		}
	}
}

func TestSeveralPhonesRingAndTheFirstHasTheCall(t *testing.T) {
	d := three(t, func(q *acd.Queue, _ []acd.Agent) { q.RingAtOnce = 2 })
	d.arrive("a", "9")
	if got := rung(d.last); got != "3 2" {
		t.Fatalf("rung: %s", got)
	}
	d.arrive("b", "9")
	if got := rung(d.last); got != "1" {
		t.Fatalf("rung for the second: %s", got)
	}
	loser, winner := acd.NewLegID("a", 1, "3"), acd.NewLegID("a", 2, "2")
	d.do(acd.LegRinging{Leg: loser})
	d.do(acd.LegRinging{Leg: winner})
	wantCommands(t, d.do(acd.LegAnswered{Leg: winner}), "CancelLeg Connect")
	d.wantState("3", acd.Ready, "")
	// Both lifted at once: the second is hung up and not set aside.
	wantCommands(t, d.do(acd.LegAnswered{Leg: loser}), "CancelLeg")
	d.do(acd.Connected{Call: "a", Leg: winner})
	d.wantState("2", acd.Talking, "")
	d.do(acd.LegGone{Leg: loser})
	d.after(time.Minute, acd.CallGone{Call: "a"})
	r := d.wantRecord(acd.Answered, acd.CallerHungUp, 0, time.Minute)
	if r.Agent != "2" || len(r.Offers) != 2 || r.Offers[0].Outcome != acd.OfferTaken || r.Offers[1].Outcome != acd.OfferAnswered {
		t.Errorf("record: %+v", r)
	}
}

func TestSeveralPhonesRingUntilTheLastHasFailed(t *testing.T) {
	d := three(t, func(q *acd.Queue, _ []acd.Agent) { q.RingAtOnce = 2 })
	d.arrive("a", "9")
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "3"), Outcome: acd.OfferRefused})
	if got := rung(d.last); got != "" {
		t.Fatalf("rung although a phone rings: %s", got)
	}
	d.do(acd.LegRinging{Leg: acd.NewLegID("a", 2, "2")})
	if got := rung(d.after(15*time.Second, acd.Tick{})); got != "1" {
		t.Fatalf("rung after both: %s", got)
	}
	d.wantState("3", acd.NotReady, acd.ReasonRefused)
	d.wantState("2", acd.NotReady, acd.ReasonRONA)
	wantCommands(t, d.do(acd.CallGone{Call: "a"}), "Release")
	d.wantRecord(acd.Abandoned, acd.CallerHungUpRinging, 15*time.Second, 0)
}

func TestCallersComeBackToTheAgentTheyTalkedWith(t *testing.T) {
	again := func(within, wait time.Duration) *desk {
		d := three(t, func(q *acd.Queue, _ []acd.Agent) { q.LastAgent = acd.LastAgent{Within: within, Wait: wait} })
		if agent := d.serve("a", time.Minute); agent != "3" {
			t.Fatalf("the first call was served by %s", agent)
		}
		return d
	}
	d := again(time.Hour, 0)
	if agent := d.serve("b", time.Second); agent != "3" {
		t.Errorf("served by %s, though the agent of last time is ready", agent)
	}
	d.now = d.now.Add(2 * time.Hour)
	if agent := d.serve("c", time.Second); agent != "2" {
		t.Errorf("served by %s, though last time is long ago", agent)
	}

	// That agent talks: the caller waits for the end of it.
	d = again(time.Hour, 10*time.Second)
	d.do(acd.SetNotReady{Agent: "2", Reason: "break"})
	d.do(acd.SetNotReady{Agent: "1", Reason: "break"})
	d.do(acd.CallArrived{Call: "other", Node: "a1", Entry: "9", Caller: "13912345678"})
	d.talk("other", 1, "3")
	d.do(acd.SetReady{Agent: "2"})
	d.arrive("b", "9")
	if got := rung(d.last); got != "" {
		t.Fatalf("rung: %s", got)
	}
	d.after(5*time.Second, acd.CallGone{Call: "other"})
	if got := rung(d.do(acd.LegGone{Leg: acd.NewLegID("other", 1, "3")})); got != "3" {
		t.Errorf("rung when the agent of last time is free: %q", got)
	}
}

func TestWaitingForOneAgentHasAnEnd(t *testing.T) {
	start := func() *desk {
		d := three(t, func(q *acd.Queue, _ []acd.Agent) {
			q.LastAgent = acd.LastAgent{Within: time.Hour, Wait: 10 * time.Second}
		})
		d.serve("a", time.Minute)
		d.do(acd.SetNotReady{Agent: "2", Reason: "break"})
		d.do(acd.SetNotReady{Agent: "1", Reason: "break"})
		d.do(acd.CallArrived{Call: "other", Node: "a1", Entry: "9", Caller: "13912345678"})
		d.talk("other", 1, "3")
		d.do(acd.SetReady{Agent: "2"})
		d.arrive("b", "9")
		return d
	}
	if got := rung(start().after(10*time.Second, acd.Tick{})); got != "2" {
		t.Errorf("rung when time is up: %q", got)
	}
	if got := rung(start().do(acd.SetNotReady{Agent: "3", Reason: "break"})); got != "2" {
		t.Errorf("rung when the agent of last time will take a break: %q", got)
	}
	d := start()
	d.do(acd.Logout{Agent: "3"})
	if got := rung(d.last); got != "2" {
		t.Errorf("rung when the agent of last time goes home: %q", got)
	}
}

func TestNotAgainToWhoDidNotTakeIt(t *testing.T) {
	d := newSite(t, func(c *acd.Config) { c.Queues[0].NotAgain = 20 * time.Second })
	d.ready("1", "801")
	d.arrive("a", "9")
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1"), Outcome: acd.OfferRefused})
	d.do(acd.SetReady{Agent: "1"})
	if got := rung(d.last); got != "" {
		t.Fatalf("rung at once: %s", got)
	}
	// The next in line is served by the agent meanwhile; the first keeps the place.
	d.arrive("b", "9")
	if o := offered(d.last); len(o) != 1 || o[0].Call != "b" {
		t.Fatalf("offers: %+v", o)
	}
	d.do(acd.CallGone{Call: "b"})
	d.do(acd.LegGone{Leg: acd.NewLegID("b", 1, "1")})
	if o := offered(d.after(20*time.Second, acd.Tick{})); len(o) != 1 || o[0].Call != "a" {
		t.Errorf("offers when time is up: %+v", o)
	}
}

func TestWrapUpIsExtendedAndNeitherShortenedNorBegunAnew(t *testing.T) {
	d := newSite(t, func(c *acd.Config) { c.Agents[0].WrapUp = 30 * time.Second })
	d.ready("1", "801")
	if err := d.do(acd.ExtendWrapUp{Agent: "1", By: time.Second}).Err; err == nil {
		t.Error("an agent who is ready got more wrap-up")
	}
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	d.after(time.Minute, acd.CallGone{Call: "a"})
	for _, by := range []time.Duration{0, -time.Second, acd.MaxWrapUpExtension + 1} {
		if err := d.do(acd.ExtendWrapUp{Agent: "1", By: by}).Err; err == nil {
			t.Errorf("extended by %v", by)
		}
	}
	d.after(10*time.Second, acd.ExtendWrapUp{Agent: "1", By: 15 * time.Second})
	d.after(34*time.Second, acd.Tick{})
	d.wantState("1", acd.WrapUp, "")
	d.after(time.Second, acd.Tick{})
	d.wantState("1", acd.Ready, "")
}

func TestEverythingWrongInAConfigurationIsTold(t *testing.T) {
	cfg := site()
	cfg.Queues[0].Strategy = "by mood"
	cfg.Queues[0].Level = 11
	cfg.Queues[0].Relax = []acd.Relaxation{{After: 5 * time.Second, Queues: []acd.QueueID{"nowhere"}}, {After: 5 * time.Second}}
	cfg.Queues[1].RingAtOnce = -1
	cfg.Agents[0].Skills = map[acd.SkillID]acd.Level{"english": 0}
	cfg.Agents[1].Levels = map[acd.QueueID]acd.Level{"general": 12}
	cfg.Entries[1].Skills = []acd.Requirement{{Skill: "english", Level: 3}, {Skill: "english", Level: 0}}
	_, err := acd.NewEngine(cfg, callflow.Standard{})
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`queue general has the unknown strategy "by mood"`, "queue general has the level 11",
		`queue general is helped by the unknown queue "nowhere"`, "queue general relaxes after 5s, which is not later",
		"queue business has a number below 0", "agent 1: skill english has the level 0", "agent 2 in queue general has the level 12",
		"entry 9: skill english is given twice", "entry 9: skill english has the level 0",
	} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, want) }) {
			t.Errorf("not told: %s\n%v", want, err)
		}
	}
	if len(lines) != 9 {
		t.Errorf("%d mistakes are told: %v", len(lines), err)
	}
}

func TestAnotherQueueDoesNotWaitForTheAgentOfLastTime(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].LastAgent = acd.LastAgent{Within: time.Hour, Wait: time.Minute}
		c.Queues[0].Overflow = []acd.Overflow{{Wait: 20 * time.Second, To: "business"}}
		c.Queues[0].WrapUp = 0
	})
	d.ready("2", "802")
	d.serve("a", time.Second)
	d.do(acd.CallArrived{Call: "other", Node: "a1", Entry: "9", Caller: "13912345678"})
	d.talk("other", 1, "2")
	d.arrive("b", "9") // waits for agent 2, who serves business too
	d.ready("3", "803")
	if got := rung(d.after(20*time.Second, acd.Tick{})); got != "3" {
		t.Errorf("rung in the other queue: %q", got)
	}
}

func TestWhoIsConfiguredAgainStays(t *testing.T) {
	d := newDesk(t)
	d.ready("1", "801")
	d.arrive("a", "9")
	d.talk("a", 1, "1")
	less := site()
	less.Agents = less.Agents[1:]
	d.do(acd.Reconfigure{Config: less})
	if err := d.do(acd.SetReady{Agent: "1"}).Err; err == nil {
		t.Error("an agent who has left the configuration was obeyed")
	}
	d.do(acd.Reconfigure{Config: site()})
	if err := d.do(acd.SetReady{Agent: "1"}).Err; err != nil {
		t.Error(err)
	}
	d.do(acd.CallGone{Call: "a"})
	d.after(10*time.Second, acd.Tick{})
	d.wantState("1", acd.Ready, "")
	// The logout of one who left was not asked for: it is not carried out.
	d.do(acd.LegGone{Leg: acd.NewLegID("a", 1, "1")})
	d.arrive("b", "9")
	d.talk("b", 1, "1")
	d.do(acd.Reconfigure{Config: less})
	d.do(acd.Reconfigure{Config: site()})
	d.do(acd.CallGone{Call: "b"})
	d.after(10*time.Second, acd.Tick{})
	d.wantState("1", acd.Ready, "")
}

func TestEachQueueSaysHowLongAgoLastTimeMayBe(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].LastAgent = acd.LastAgent{Within: time.Minute, Wait: time.Minute}
		c.Queues[0].WrapUp = 0
		c.Queues[1].LastAgent = acd.LastAgent{Within: 2 * time.Hour}
	})
	d.ready("2", "802")
	d.serve("a", time.Second)
	d.do(acd.CallArrived{Call: "other", Node: "a1", Entry: "9", Caller: "13912345678"})
	d.talk("other", 1, "2")
	d.after(61*time.Second, acd.Tick{})
	d.ready("1", "801")
	d.arrive("b", "9")
	if got := rung(d.last); got != "1" {
		t.Errorf("rung: %q", got)
	}
}

func TestHelpersOfAnEarlierStepGoOnHelping(t *testing.T) {
	d := newSite(t, func(c *acd.Config) {
		c.Queues[0].Relax = []acd.Relaxation{{After: 10 * time.Second, Queues: []acd.QueueID{"business"}}, {After: 20 * time.Second}}
	})
	d.arrive("a", "9")
	d.after(20*time.Second, acd.Tick{})
	d.ready("3", "803")
	if got := rung(d.last); got != "3" {
		t.Errorf("rung: %q", got)
	}
}
