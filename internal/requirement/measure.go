package requirement

import (
	"context"
	"math"
	"slices"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/sim"
	"hotline/internal/staffing"
	"hotline/internal/traffic"
)

// Figures are what callers and agents meet: ratios of sums over the runs, with
// the half-width of the 95% confidence interval. NaN where nothing happened.
type Figures struct {
	Calls     float64      // offered in a run, mean
	Level     sim.Estimate // share by the target's formula; NaN without one
	ASA       sim.Estimate // mean wait of the answered, seconds
	Abandoned sim.Estimate // share of the offered
	Occupancy sim.Estimate // of agents; NaN in those of a queue
}

// sums of one figure, a run each.
type sums struct{ num, den []float64 }

func (s *sums) add(run int, num, den float64) {
	s.num[run] += num
	s.den[run] += den
}

// observed gathers a part of all runs: an interval, or a queue.
type observed struct {
	runs                             int
	calls                            float64
	level, asa, abandoned, occupancy sums
}

func newObserved(runs int) *observed {
	o := &observed{runs: runs}
	for _, s := range []*sums{&o.level, &o.asa, &o.abandoned, &o.occupancy} {
		s.num, s.den = make([]float64, runs), make([]float64, runs)
	}
	return o
}

// add takes a row of a run; the figures are those of internal/traffic.
func (o *observed) add(run int, row *sim.Row, level traffic.Metric) {
	value := func(m traffic.Metric, unit float64, to *sums) {
		if r := row.Figures.Value(m); r.Defined() {
			to.add(run, float64(r.Num)/unit, float64(r.Den))
		}
	}
	if r := row.Figures.Value(traffic.Offered); r.Defined() {
		o.calls += float64(r.Num)
	}
	if level != "" {
		value(level, 100, &o.level)
	}
	value(traffic.AverageWait, 1, &o.asa)
	value(traffic.AbandonRate, 100, &o.abandoned)
	o.occupancy.add(run, row.Contact.Seconds(), (row.Contact + row.Idle).Seconds())
}

func (o *observed) figures() Figures {
	return Figures{
		Calls: o.calls / float64(o.runs),
		Level: ratio(o.level), ASA: ratio(o.asa), Abandoned: ratio(o.abandoned), Occupancy: ratio(o.occupancy),
	}
}

// ratio is the ratio of two sums over independent runs, with its confidence
// interval by Student's t on the residuals num - ratio × den (W. G. Cochran,
// "Sampling techniques", 1977, 6.3). Unlike the mean of the runs' own ratios it
// weighs all calls alike, and needs none in a run.
func ratio(s sums) sim.Estimate {
	n := len(s.num)
	num, den := 0.0, 0.0
	for i := range s.num {
		num += s.num[i]
		den += s.den[i]
	}
	e := sim.Estimate{Mean: num / den, HalfWidth: math.NaN(), N: n}
	if den == 0 {
		e.Mean = math.NaN()
		return e
	}
	if n < 2 {
		return e
	}
	squares := 0.0
	for i := range s.num {
		d := s.num[i] - e.Mean*s.den[i]
		squares += d * d
	}
	e.HalfWidth = sim.StudentQuantile(0.975, n-1) * math.Sqrt(squares/float64(n-1)*float64(n)) / den
	return e
}

// missed is the first of the target's parts that figures miss, or "". What
// nobody has met, misses nothing.
func missed(t staffing.Target, f Figures) part {
	const rounding = 1e-12
	over := func(value, limit float64) bool { return limit > 0 && value > limit*(1+rounding) }
	switch {
	case t.Level > 0 && f.Level.Mean < t.Level*(1-rounding):
		return partLevel
	case over(f.ASA.Mean, t.MaxASA):
		return partASA
	case over(f.Abandoned.Mean, t.MaxAbandon):
		return partAbandoned
	case over(f.Occupancy.Mean, t.MaxOccupancy):
		return partOccupancy
	}
	return ""
}

// part is a part of a target.
type part string

const (
	partLevel     part = "service level"
	partASA       part = "mean wait of the answered"
	partAbandoned part = "share abandoned"
	partOccupancy part = "occupancy"
)

// of is the part's figure.
func (p part) of(f Figures) sim.Estimate {
	return map[part]sim.Estimate{partLevel: f.Level, partASA: f.ASA, partAbandoned: f.Abandoned, partOccupancy: f.Occupancy}[p]
}

// played is what the runs of one plan have shown.
type played struct {
	intervals []Figures
	queues    []Queue
	handle    float64 // seconds: mean talk by the scenario, and wrap-up
}

// play simulates a plan: so many agents in each interval.
func (q *search) play(ctx context.Context, agents []int, seed uint64) (*played, error) {
	q.rounds++
	s := *q.scenario
	s.WarmUp, s.Shifts, s.Duties = 0, nil, q.duties(agents)
	results, err := sim.Replicate(ctx, &s, sim.Options{Seed: seed, By: sim.ByInterval, Definitions: q.definitions}, q.Runs)
	if err != nil {
		return nil, err
	}
	intervals := make([]*observed, len(agents))
	for i := range intervals {
		intervals[i] = newObserved(q.Runs)
	}
	queues := make([]*observed, len(s.Routing.Queues))
	for i := range queues {
		queues[i] = newObserved(q.Runs)
	}
	for run, r := range results {
		for i := range r.Rows {
			intervals[q.intervalOf(i)].add(run, &r.Rows[i], q.level)
		}
		for i := range r.Queues {
			queues[i].add(run, &r.Queues[i], q.level)
		}
	}
	out := &played{}
	for _, o := range intervals {
		out.intervals = append(out.intervals, o.figures())
	}
	wrapUp, answered := 0.0, 0.0
	for i, o := range queues {
		out.queues = append(out.queues, Queue{ID: s.Routing.Queues[i].ID, Figures: o.figures()})
		for _, n := range o.asa.den { // thousands of the answered
			answered += n
			wrapUp += n * s.Routing.Queues[i].WrapUp.Seconds()
		}
	}
	out.handle = s.Callers.Talk.Mean().Seconds()
	if answered > 0 {
		out.handle += wrapUp / answered
	}
	return out, nil
}

// intervalOf is to which interval a quarter-hour belongs.
func (q *search) intervalOf(quarter int) int {
	return min(quarter/int(q.Length/calendar.IntervalLength), q.count-1)
}

// duties let the first so many of the order work in each interval. Those of
// the last stay for who is still there at the end.
func (q *search) duties(agents []int) []sim.Duty {
	var list []sim.Duty
	for rank := range slices.Max(agents) {
		var begin time.Duration
		for i, n := range agents {
			here, before := rank < n, i > 0 && rank < agents[i-1]
			at := time.Duration(i) * q.Length
			if here && !before {
				begin = at
			}
			if before && !here {
				list = append(list, sim.Duty{Agent: q.order[rank], Begin: begin, End: at})
			}
		}
		if rank < agents[len(agents)-1] {
			list = append(list, sim.Duty{Agent: q.order[rank], Begin: begin, End: time.Duration(len(agents))*q.Length + 24*time.Hour})
		}
	}
	return list
}
