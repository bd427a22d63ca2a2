package staffing

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Target is what a number of agents must reach. Zero means that nothing is
// asked in that respect; something must be asked.
type Target struct {
	// Level is the least share of calls by Formula with a threshold of Within
	// seconds; Short is the threshold of short abandons, in seconds.
	Level   float64
	Within  float64
	Formula Formula
	Short   float64

	MaxASA       float64 // longest mean wait of the answered calls, seconds
	MaxAbandon   float64 // largest share of calls that is abandoned
	MaxOccupancy float64 // largest occupancy

	// MinAgents is the least number whatever the demand; at least one is
	// always required, since a line that is open is answered.
	MinAgents int
}

func (t Target) check() error {
	for _, s := range []struct {
		name  string
		value float64
	}{{"service level", t.Level}, {"largest share of abandoned calls", t.MaxAbandon}, {"largest occupancy", t.MaxOccupancy}} {
		if !(s.value >= 0 && s.value < 1) {
			return fmt.Errorf("the %s is %v; it must be more than 0 and less than 1", s.name, s.value)
		}
	}
	switch {
	case t.Level == 0 && t.MaxASA == 0 && t.MaxAbandon == 0 && t.MaxOccupancy == 0:
		return errors.New("there is no target")
	case !(t.MaxASA >= 0):
		return fmt.Errorf("the longest mean wait is %v s; it must be more than zero", t.MaxASA)
	case t.Level > 0 && !(t.Within >= 0):
		return fmt.Errorf("the threshold of the service level is %v s; it must be zero or more", t.Within)
	case t.Level > 0 && !slices.Contains(Formulas(), t.Formula):
		return fmt.Errorf("%q is not a formula of a service level; write one of %v", t.Formula, Formulas())
	}
	return nil
}

// rounding is the relative error that a target forgives, so that 17 Erlang on
// 20 agents have an occupancy of 85 % however the load was computed.
const rounding = 1e-12

func (t Target) met(p Performance) bool {
	atMost := func(value, limit float64) bool { return limit == 0 || value <= limit*(1+rounding) }
	return (t.Level == 0 || Level(p, t.Formula, t.Within, t.Short) >= t.Level*(1-rounding)) &&
		atMost(p.MeanWaitAnswered(), t.MaxASA) &&
		atMost(p.PAbandon(), t.MaxAbandon) &&
		atMost(p.Occupancy(), t.MaxOccupancy)
}

// Required is the performance of the smallest number of agents that meets the
// target. More agents are never worse in any respect of a target, so that the
// number is found by halving. An error says which input is wrong, or that the
// target needs more than MaxAgents.
func Required(m Model, d Demand, t Target) (Performance, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	least := max(t.MinAgents, 1)
	found, err := Solve(m, d, least)
	if err != nil {
		return nil, err
	}
	if t.met(found) {
		return found, nil
	}
	// Not met with low agents, met with high.
	low, high := least, max(least+1, int(d.Load()))
	for {
		if high > MaxAgents {
			return nil, fmt.Errorf("the target is not reached with %d agents", MaxAgents)
		}
		if found, err = Solve(m, d, high); err != nil {
			return nil, err
		}
		if t.met(found) {
			break
		}
		low, high = high, high+max(high/8, 1)
	}
	more := sort.Search(high-low-1, func(i int) bool {
		p, err := Solve(m, d, low+1+i)
		return err == nil && t.met(p)
	})
	return Solve(m, d, low+1+more)
}

// Scheduled is how many agents must be on the roster for so many at the phone,
// when the share shrinkage (0 <= shrinkage < 1) of paid time goes to breaks,
// training and absence: agents / (1 - shrinkage), rounded up.
func Scheduled(agents int, shrinkage float64) int {
	exact := float64(agents) / (1 - shrinkage)
	return int(math.Ceil(exact * (1 - rounding)))
}
