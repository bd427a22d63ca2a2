package requirement

import (
	"fmt"
	"math"
	"time"

	"hotline/internal/sim"
)

// UnreachableError says that intervals miss the target with all agents.
type UnreachableError struct {
	Intervals int       // how many of them
	Worst     time.Time // begin of the one that is furthest from it
	Missed    string    // which part of the target it misses
	Reached   sim.Estimate
	Agents    int // all
	Seats     int // fewer than agents of the routing: the seats are the limit
	Erlang    int // how many Erlang A asks for in that interval; 0 if it cannot say
}

func (e *UnreachableError) Error() string {
	who, remedy := fmt.Sprintf("all %d agents of the routing", e.Agents), "add agents and seats to the routing"
	if e.Seats > 0 {
		who, remedy = fmt.Sprintf("agents at all %d seats of the routing", e.Seats), "add seats to the routing"
	}
	intervals := "1 interval"
	if e.Intervals != 1 {
		intervals = fmt.Sprintf("%d intervals", e.Intervals)
	}
	text := fmt.Sprintf("%s cannot meet the target in %s: at %s, the worst, the %s is at best %s",
		who, intervals, e.Worst.Format("2006-01-02 15:04"), e.Missed, e.reached())
	if e.Erlang > e.Agents {
		text += fmt.Sprintf(" (Erlang A asks for %d agents for the calls that come then, redials included)", e.Erlang)
	} else {
		remedy = "since there are enough of them for Erlang A, look at skills, at who serves which queue, and at how long phones ring"
	}
	return text + "; " + remedy + ", or write an easier target"
}

func (e *UnreachableError) reached() string {
	if e.Missed == string(partASA) {
		return fmt.Sprintf("%.1f ± %.1f s", e.Reached.Mean, e.Reached.HalfWidth)
	}
	return fmt.Sprintf("%.2f%% ± %.2f", 100*e.Reached.Mean, 100*e.Reached.HalfWidth)
}

// reachable says which intervals miss the target, all agents being there.
func (q *search) reachable(got *played, agents, erlang []int) error {
	e := &UnreachableError{Agents: q.most}
	if q.most < len(q.order) {
		e.Seats = q.most
	}
	furthest := 0.0
	for i := q.warm; i < q.count; i++ {
		f := got.intervals[i]
		p := missed(q.Target, f)
		if p == "" || agents[i] < q.most {
			continue
		}
		e.Intervals++
		if gap := math.Abs(math.Log(p.of(f).Mean / q.limit(p))); e.Missed == "" || gap > furthest {
			furthest = gap
			e.Worst = q.start.Add(time.Duration(i) * q.Length).In(q.scenario.Location)
			e.Missed, e.Reached, e.Erlang = string(p), p.of(f), erlang[i]
		}
	}
	if e.Intervals == 0 {
		return nil
	}
	return e
}

// limit is the target's value of a part.
func (q *search) limit(p part) float64 {
	return map[part]float64{
		partLevel: q.Target.Level, partASA: q.Target.MaxASA, partAbandoned: q.Target.MaxAbandon, partOccupancy: q.Target.MaxOccupancy,
	}[p]
}
