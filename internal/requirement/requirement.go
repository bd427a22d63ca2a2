package requirement

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/sim"
	"hotline/internal/staffing"
	"hotline/internal/traffic"
)

// Options say what is asked.
type Options struct {
	// Length of an interval: whole quarter-hours of which a day is made up.
	Length time.Duration
	Target staffing.Target
	// Runs of each plan, at least 2.
	Runs int
	// Seed of the first run of the search; see Plan.Seed.
	Seed uint64
}

// The bounds of a search. A plan takes Runs × the time of one simulation.
const (
	MostRuns = 1000
	MostDays = 31
	// mostRounds bounds how many plans are played before the last ones, which
	// confirm. An ordinary day takes about fifteen.
	mostRounds = 60
)

// Plan is how many agents the intervals need.
type Plan struct {
	// Order is in which agents come to the phone: an interval with n agents
	// has the first n.
	Order     []acd.AgentID
	Intervals []Interval // those after the scenario's warm-up
	Queues    []Queue    // over the whole scenario, in the order of the routing
	// Runs with Seed, Seed+1, … are those of the figures. The search itself
	// had as many, before these.
	Runs int
	Seed uint64
	// Rounds is how many plans were played. Settled is false if the bound of
	// rounds has ended the search: some interval may do with fewer.
	Rounds  int
	Settled bool
	// Handle is Erlang's mean handling time, in seconds, and Patience the mean
	// patience, +Inf for never: those of the scenario.
	Handle, Patience float64
}

// Interval is what one interval needs.
type Interval struct {
	Begin  time.Time
	Agents int // at the phone
	// Demand is the calls offered when nobody redials for want of agents, and
	// Erlang how many agents Erlang A asks for them; 0 if it cannot say.
	Demand float64
	Erlang int
	Figures
}

// Queue is what the callers of a queue meet under the plan.
type Queue struct {
	ID acd.QueueID
	Figures
}

// search holds what stays the same in all plans.
type search struct {
	Options
	scenario    *sim.Scenario
	definitions *traffic.Definitions
	level       traffic.Metric // of the target; "" when there is none
	order       []acd.AgentID
	most        int    // agents
	count       int    // of intervals
	warm        int    // intervals that begin before the warm-up is over
	hopeless    []bool // intervals of the warm-up that miss the target with all agents
	start       time.Time
	rounds      int
}

// Search finds the plan. The error is an *UnreachableError, or names what is
// wrong with the options.
func Search(ctx context.Context, s *sim.Scenario, o Options) (*Plan, error) {
	q, err := newSearch(s, o)
	if err != nil {
		return nil, err
	}
	agents := make([]int, q.count)
	for i := range agents {
		agents[i] = q.most
	}
	full, err := q.play(ctx, agents, o.Seed)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Order: q.order, Runs: o.Runs, Seed: o.Seed + uint64(o.Runs), Handle: full.handle, Patience: math.Inf(1)}
	if p := s.Callers.Patience; p != (sim.Never{}) {
		plan.Patience = p.Mean().Seconds()
	}
	erlang := make([]int, q.count)
	for i, f := range full.intervals {
		erlang[i] = plan.erlang(f.Calls/o.Length.Seconds(), o.Target)
	}
	if err := q.reachable(full, agents, erlang); err != nil {
		return nil, err
	}
	q.hopeless = make([]bool, q.count)
	for i, n := range erlang {
		q.hopeless[i] = missed(o.Target, full.intervals[i]) != ""
		agents[i] = min(max(n, q.least()), q.most)
	}
	found, err := q.settle(ctx, agents, plan)
	if err != nil {
		return nil, err
	}
	if err := q.reachable(found, agents, erlang); err != nil {
		return nil, err
	}
	for i := q.warm; i < q.count; i++ {
		plan.Intervals = append(plan.Intervals, Interval{
			Begin:  q.start.Add(time.Duration(i) * o.Length).In(s.Location),
			Agents: agents[i], Demand: full.intervals[i].Calls, Erlang: erlang[i], Figures: found.intervals[i],
		})
	}
	plan.Queues, plan.Rounds = found.queues, q.rounds
	return plan, nil
}

func newSearch(s *sim.Scenario, o Options) (*search, error) {
	q := &search{Options: o, scenario: s, order: order(s)}
	switch {
	case o.Length < calendar.IntervalLength || o.Length%calendar.IntervalLength != 0 || 24*time.Hour%o.Length != 0:
		return nil, fmt.Errorf("an interval of %v is not possible; write whole quarter-hours that make up a day, as in 15m, 30m or 1h", o.Length)
	case o.Runs < 2 || o.Runs > MostRuns:
		return nil, fmt.Errorf("--runs: %d is out of range; write 2 to %d", o.Runs, MostRuns)
	case s.Days > MostDays:
		return nil, fmt.Errorf("the scenario %s has %d days, and up to %d are planned; write a file with the days that matter", s.Name, s.Days, MostDays)
	}
	if q.most = min(len(q.order), len(s.Routing.Seats)); q.most < q.least() {
		return nil, fmt.Errorf("the routing of %s has %d agents with a seat, and %d are the least; add agents and seats", s.Name, q.most, q.least())
	}
	if err := q.define(); err != nil {
		return nil, err
	}
	q.start = s.From.Start(s.Location)
	length := s.From.AddDays(s.Days).Start(s.Location).Sub(q.start)
	q.count = int((length + o.Length - 1) / o.Length)
	q.warm = int((s.WarmUp + o.Length - 1) / o.Length)
	if q.warm >= q.count {
		return nil, errors.New("the warm-up leaves no interval to plan; shorten warm_up")
	}
	return q, nil
}

// define chooses the target's service level among the traffic figures.
func (q *search) define() error {
	if q.Target.Level == 0 {
		q.definitions = traffic.Standard()
		return nil
	}
	within, short := int(q.Target.Within), int(q.Target.Short)
	if float64(within) != q.Target.Within || float64(short) != q.Target.Short {
		return fmt.Errorf("a service level at %v s, with short abandons under %v s, is not counted: choose whole seconds", q.Target.Within, q.Target.Short)
	}
	definitions, err := traffic.Define(traffic.Options{ShortAbandon: short, Thresholds: []int{within}})
	q.definitions, q.level = definitions, traffic.ServiceLevel(traffic.LevelFormula(q.Target.Formula), within)
	return err
}

func (q *search) least() int { return max(1, q.Target.MinAgents) }

// erlang is how many agents Erlang A asks for; 0 if it cannot say.
func (p *Plan) erlang(rate float64, target staffing.Target) int {
	demand := staffing.Demand{Rate: rate, Handle: p.Handle, Patience: p.Patience}
	solved, err := staffing.Required(staffing.ErlangA, demand, target)
	if err != nil {
		return 0
	}
	return solved.Agents()
}

// settle turns Erlang's agents into a plan that meets the target.
func (q *search) settle(ctx context.Context, agents []int, plan *Plan) (*played, error) {
	if _, err := q.raise(ctx, agents, q.Seed); err != nil {
		return nil, err
	}
	var err error
	if plan.Settled, err = q.lower(ctx, agents); err != nil {
		return nil, err
	}
	if _, err := q.raise(ctx, agents, q.Seed); err != nil {
		return nil, err
	}
	return q.raise(ctx, agents, plan.Seed)
}
