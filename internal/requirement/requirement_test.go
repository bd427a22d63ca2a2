package requirement

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/sim"
	"hotline/internal/staffing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(800) // as the command does
	os.Exit(m.Run())
}

var everyDay = [7]bool{true, true, true, true, true, true, true}

// pool is the textbook's queue: constant rate, exponential talk and patience,
// agents who answer at once.
func pool(agents int, perSecond float64) *sim.Scenario {
	loc, err := time.LoadLocation(calendar.DefaultZone)
	if err != nil {
		panic(err)
	}
	s := &sim.Scenario{
		Name: "pool", Location: loc, From: calendar.NewDay(2026, 1, 5), Days: 1, WarmUp: 2 * time.Hour,
		Routing: acd.Config{
			Entries: []acd.Entry{{Number: "12345", Queue: "general"}},
			Queues:  []acd.Queue{{ID: "general", RingTimeout: 15 * time.Second}},
		},
		Arrivals: []sim.Arrivals{{Entry: "12345", PerSecond: perSecond, End: 48 * time.Hour}},
		Callers:  sim.Callers{Patience: sim.Exponential{MeanOf: 2 * time.Minute}, Talk: sim.Exponential{MeanOf: 100 * time.Second}},
		Agents:   sim.Agents{Answer: sim.Constant{}, Back: sim.Constant{}},
	}
	shift := sim.Shift{Name: "always", Weekdays: everyDay}
	for i := range agents {
		s.Routing.Seats = append(s.Routing.Seats, acd.SeatID(fmt.Sprint(8001+i)))
		a := acd.Agent{ID: acd.AgentID(fmt.Sprint(1001 + i)), Queues: []acd.QueueID{"general"}}
		s.Routing.Agents = append(s.Routing.Agents, a)
		shift.Agents = append(shift.Agents, a.ID)
	}
	s.Shifts = []sim.Shift{shift}
	return s
}

// halves is the pool with two numbers, and two halves of agents of which each
// serves one number.
func halves(agents int, perSecond float64) *sim.Scenario {
	s := pool(agents, perSecond/2)
	s.Routing.Entries = append(s.Routing.Entries, acd.Entry{Number: "12346", Queue: "business"})
	s.Routing.Queues = append(s.Routing.Queues, acd.Queue{ID: "business", RingTimeout: 15 * time.Second})
	s.Arrivals = append(s.Arrivals, s.Arrivals[0])
	s.Arrivals[1].Entry = "12346"
	for i := range agents / 2 {
		s.Routing.Agents[i].Queues = []acd.QueueID{"business"}
	}
	return s
}

var eightyIn15 = staffing.Target{Level: 0.8, Within: 15, Formula: staffing.OfOffered, Short: 5}

func options() Options {
	o := Options{Length: 4 * time.Hour, Target: eightyIn15, Runs: 8, Seed: 1}
	if raceDetector {
		o.Runs = 3
	}
	return o
}

func mustSearch(t *testing.T, s *sim.Scenario, o Options) *Plan {
	t.Helper()
	p, err := Search(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAgreesWithErlangA: where Erlang A's assumptions hold, so does its answer.
func TestAgreesWithErlangA(t *testing.T) {
	t.Parallel()
	loads := []float64{3, 12}
	if raceDetector {
		loads = loads[:1]
	}
	for _, load := range loads {
		s := pool(60, load/100)
		s.Arrivals[0].End = 16 * time.Hour
		want, err := staffing.Required(staffing.ErlangA, staffing.Demand{Rate: load / 100, Handle: 100, Patience: 120}, eightyIn15)
		if err != nil {
			t.Fatal(err)
		}
		p := mustSearch(t, s, options())
		if len(p.Intervals) != 5 || p.Handle != 100 || p.Patience != 120 || !p.Settled {
			t.Fatalf("%d intervals after the warm-up, handling %v s, patience %v s, settled %t", len(p.Intervals), p.Handle, p.Patience, p.Settled)
		}
		for _, i := range p.Intervals[:3] {
			if d := i.Agents - want.Agents(); d < -1 || d > 1 {
				t.Errorf("%v Erlang at %s: %d agents, and Erlang A says %d", load, i.Begin.Format("15:04"), i.Agents, want.Agents())
			}
			if d := i.Erlang - want.Agents(); d < -1 || d > 1 { // of the calls that came in the runs
				t.Errorf("%v Erlang at %s: Erlang's answer beside is %d, not %d", load, i.Begin.Format("15:04"), i.Erlang, want.Agents())
			}
			if i.Level.Mean < 0.8 || !(i.Level.HalfWidth > 0 && (raceDetector || i.Level.HalfWidth < 0.06)) || i.Level.N != p.Runs {
				t.Errorf("%v Erlang at %s: service level %.4f ± %.4f of %d runs", load, i.Begin.Format("15:04"), i.Level.Mean, i.Level.HalfWidth, i.Level.N)
			}
		}
	}
}

// TestSkillsNeedMoreThanErlangSays: two halves that cannot help each other need
// what Erlang asks for each of them, which is more than for the whole.
func TestSkillsNeedMoreThanErlangSays(t *testing.T) {
	t.Parallel()
	const load = 10.0
	half, err := staffing.Required(staffing.ErlangA, staffing.Demand{Rate: load / 2 / 100, Handle: 100, Patience: 120}, eightyIn15)
	if err != nil {
		t.Fatal(err)
	}
	s := halves(60, load/100)
	for i := range s.Arrivals {
		s.Arrivals[i].End = 16 * time.Hour
	}
	p := mustSearch(t, s, options())
	for _, i := range p.Intervals[:3] {
		if i.Agents <= i.Erlang {
			t.Errorf("%s: %d agents, and Erlang A asks for %d as if all served all", i.Begin.Format("15:04"), i.Agents, i.Erlang)
		}
		if d := i.Agents - 2*half.Agents(); d < -2 || d > 2 {
			t.Errorf("%s: %d agents, and each half by itself needs %d", i.Begin.Format("15:04"), i.Agents, half.Agents())
		}
	}
	if len(p.Queues) != 2 || p.Queues[0].ID != "general" || !(p.Queues[1].Level.Mean > 0.7) {
		t.Errorf("queues: %+v", p.Queues)
	}
}

// TestWhereItStartsDoesNotMatter: from too many agents as from none the search
// comes to the same number, give or take one.
func TestWhereItStartsDoesNotMatter(t *testing.T) {
	t.Parallel()
	s := pool(30, 0.05)
	s.Arrivals[0].End = 12 * time.Hour
	o := options()
	o.Runs = 4
	found := map[int][]int{}
	for _, start := range []int{1, 30} {
		q, err := newSearch(s, o)
		if err != nil {
			t.Fatal(err)
		}
		q.hopeless = make([]bool, q.count)
		agents := make([]int, q.count)
		for i := range agents {
			agents[i] = start
		}
		if _, err := q.settle(context.Background(), agents, &Plan{Seed: 5}); err != nil {
			t.Fatal(err)
		}
		found[start] = agents
	}
	for i, n := range found[1] {
		if d := n - found[30][i]; d < -1 || d > 1 {
			t.Errorf("from 1 agent %v, from 30 %v", found[1], found[30])
		}
	}
}

func TestSameSeedSamePlan(t *testing.T) {
	t.Parallel()
	o := options()
	o.Runs = 3
	s := pool(20, 0.05)
	first := mustSearch(t, s, o)
	print := func(p *Plan) string { return fmt.Sprintf("%+v", *p) } // NaN is like NaN
	if second := mustSearch(t, s, o); print(first) != print(second) {
		t.Errorf("two searches with one seed differ:\n%+v\n%+v", first, second)
	}
	o.Seed = 100
	if other := mustSearch(t, s, o); print(first) == print(other) || other.Seed != 103 {
		t.Errorf("another seed gives the same figures, or those of the seed %d", other.Seed)
	}
}

// TestCarriesABacklogOver: in the first hour, which is warm-up, more callers come
// than all agents can serve. Those who still wait then are work for the next
// hour, of which Erlang does not know.
func TestCarriesABacklogOver(t *testing.T) {
	t.Parallel()
	s := pool(12, 0.03)
	s.WarmUp = time.Hour
	s.Callers.Patience = sim.Exponential{MeanOf: 2 * time.Hour}
	s.Arrivals = append(s.Arrivals, sim.Arrivals{Entry: "12345", PerSecond: 0.11, Begin: 0, End: time.Hour})
	s.Arrivals[0].End = 6 * time.Hour
	o := options()
	o.Length, o.Target.Level = time.Hour, 0.6
	p := mustSearch(t, s, o)
	after, later := p.Intervals[0], p.Intervals[3]
	if after.Agents < later.Agents+2 || after.Agents > 11 || after.Erlang > later.Erlang+1 {
		t.Errorf("after the peak %d agents (Erlang %d), three hours later %d (Erlang %d)", after.Agents, after.Erlang, later.Agents, later.Erlang)
	}
}

func TestNoCallsNeedTheLeast(t *testing.T) {
	t.Parallel()
	s := pool(10, 0.02)
	s.WarmUp = 0
	s.Arrivals[0].End = 4 * time.Hour
	o := options()
	o.Runs, o.Target.MinAgents = 2, 2
	p := mustSearch(t, s, o)
	for _, i := range p.Intervals[2:] {
		if i.Agents != 2 || i.Erlang != 2 || !math.IsNaN(i.Level.Mean) {
			t.Errorf("%s: %d agents (Erlang %d), service level %v", i.Begin.Format("15:04"), i.Agents, i.Erlang, i.Level.Mean)
		}
	}
}

func TestUnreachableTargetsAreTold(t *testing.T) {
	t.Parallel()
	o := options()
	o.Runs = 2
	few := pool(4, 0.1)
	_, err := Search(context.Background(), few, o)
	var short *UnreachableError
	if !errors.As(err, &short) || short.Intervals != 5 || short.Agents != 4 || short.Erlang < 9 || !(short.Reached.Mean < 0.5) {
		t.Fatalf("got %v", err)
	}
	const want = "all 4 agents of the routing cannot meet the target in 5 intervals: at 2026-01-05 "
	if text := err.Error(); !strings.HasPrefix(text, want) || !strings.Contains(text, "the service level is at best ") ||
		!strings.Contains(text, "Erlang A asks for ") || !strings.HasSuffix(text, "; add agents and seats to the routing, or write an easier target") {
		t.Errorf("got %s", text)
	}

	few.Routing.Seats = few.Routing.Seats[:3]
	if _, err := Search(context.Background(), few, o); err == nil || !strings.HasPrefix(err.Error(), "agents at all 3 seats of the routing cannot") {
		t.Errorf("fewer seats than agents: %v", err)
	}

	slow := pool(40, 0.1)
	slow.Agents.Answer = sim.Constant{Value: 10 * time.Second}
	o.Target = staffing.Target{MaxASA: 5}
	_, err = Search(context.Background(), slow, o)
	if err == nil || !strings.Contains(err.Error(), "the mean wait of the answered is at best 10.0 ± 0.0 s; since there are enough of them for Erlang A, look at skills") {
		t.Errorf("phones that ring too long: %v", err)
	}
}

func TestWrongOptionsAreTold(t *testing.T) {
	for want, change := range map[string]func(*Options, *sim.Scenario){
		"an interval of 7m0s is not possible; write":              func(o *Options, _ *sim.Scenario) { o.Length = 7 * time.Minute },
		"an interval of 5h0m0s is not possible; write":            func(o *Options, _ *sim.Scenario) { o.Length = 5 * time.Hour },
		"--runs: 1 is out of range; write":                        func(o *Options, _ *sim.Scenario) { o.Runs = 1 },
		"the scenario pool has 365 days, and up to 31":            func(_ *Options, s *sim.Scenario) { s.Days = 365 },
		"a service level at 16 s is not counted: choose":          func(o *Options, _ *sim.Scenario) { o.Target.Within = 16 },
		"a service level at 1.5 s, with short":                    func(o *Options, _ *sim.Scenario) { o.Target.Within = 1.5 },
		"short abandons under 7 s are not":                        func(o *Options, _ *sim.Scenario) { o.Target.Short = 7 },
		"the routing of pool has 4 agents with a seat, and 5 are": func(o *Options, _ *sim.Scenario) { o.Target.MinAgents = 5 },
		"the warm-up leaves no interval":                          func(_ *Options, s *sim.Scenario) { s.WarmUp = 23 * time.Hour },
	} {
		o, s := options(), pool(4, 0.1)
		change(&o, s)
		if _, err := Search(context.Background(), s, o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestOrder: first who serves both numbers, then the mix of the shifts, then
// those who have none.
func TestOrder(t *testing.T) {
	s := halves(8, 0.1) // 1001-1004 business, 1005-1008 general
	s.Routing.Agents[6].Queues = []acd.QueueID{"general", "business"}
	s.Shifts = []sim.Shift{
		{Agents: []acd.AgentID{"1001", "1002", "1003"}, Begin: 8 * time.Hour, End: 16 * time.Hour, Weekdays: everyDay},
		{Agents: []acd.AgentID{"1006"}, Begin: 8 * time.Hour, End: 16 * time.Hour, Weekdays: everyDay},
	}
	want := []acd.AgentID{"1007", "1001", "1002", "1006", "1003", "1004", "1005", "1008"}
	if got := order(s); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	// Who has not the level or the skill that is asked for does not cover it.
	s.Routing.Entries[1].Skills = []acd.Requirement{{Skill: "english", Level: 3}}
	s.Routing.Agents[3].Skills = map[acd.SkillID]acd.Level{"english": 3}
	s.Routing.Queues[0].Level = 5
	s.Routing.Agents[6].Levels = map[acd.QueueID]acd.Level{"general": 4}
	if got := order(s)[:2]; !slices.Equal(got, []acd.AgentID{"1006", "1004"}) && !slices.Equal(got, []acd.AgentID{"1004", "1006"}) {
		t.Errorf("got %v first", got)
	}
}

func TestDuties(t *testing.T) {
	q := &search{Options: Options{Length: time.Hour}, order: []acd.AgentID{"a", "b", "c"}}
	got := q.duties([]int{1, 3, 2, 3})
	want := []sim.Duty{
		{Agent: "a", Begin: 0, End: 28 * time.Hour},
		{Agent: "b", Begin: time.Hour, End: 28 * time.Hour},
		{Agent: "c", Begin: time.Hour, End: 2 * time.Hour},
		{Agent: "c", Begin: 3 * time.Hour, End: 28 * time.Hour},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestBlame(t *testing.T) {
	for _, c := range []struct {
		tried string
		i     int
		want  int
	}{
		{"x.x.x", 2, 2}, {"x.x.x", 1, 0}, {"..x.x", 1, 2}, {"x..x.", 2, 3}, {"x....", 4, 0}, {"....x", 0, 4},
	} {
		var tried []bool
		for _, r := range c.tried {
			tried = append(tried, r == 'x')
		}
		if got := blame(tried, c.i); got != c.want {
			t.Errorf("%s: interval %d misses by %d, want %d", c.tried, c.i, got, c.want)
		}
	}
}

// TestRatio compares with a hand calculation: 8/10 and 2/5 are 10/15, with the
// residuals 4/3 and -4/3.
func TestRatio(t *testing.T) {
	e := ratio(sums{num: []float64{8, 2}, den: []float64{10, 5}})
	half := 12.7062047364 * math.Sqrt(2*16.0/9*2) / 15 // t with one degree of freedom
	if math.Abs(e.Mean-2.0/3) > 1e-12 || math.Abs(e.HalfWidth-half) > 1e-6 {
		t.Errorf("got %v ± %v, want %v ± %v", e.Mean, e.HalfWidth, 2.0/3, half)
	}
	if e := ratio(sums{num: []float64{0, 0}, den: []float64{0, 0}}); !math.IsNaN(e.Mean) {
		t.Errorf("of nothing: %v", e.Mean)
	}
}
