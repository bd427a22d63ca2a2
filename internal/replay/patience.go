package replay

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// waited is a caller's wait: until giving up, or until something else ended it
// (answered, or sent elsewhere), so that the patience was longer.
type waited struct {
	wait   time.Duration
	gaveUp bool
}

const (
	// leastAtRisk is how many callers must still wait for a step of the
	// estimate to mean something.
	leastAtRisk = 10
	mostSteps   = 40
)

// patience is the distribution of the time after which waiting callers give up,
// by the product-limit estimate (E. L. Kaplan, P. Meier, "Nonparametric
// estimation from incomplete observations", JASA 53, 1958):
//
//	S(t) = ∏ (1 - d/n)  over the times up to t at which callers gave up,
//
// d being how many gave up at that time and n how many had waited as long by
// then, whatever became of them. So answered calls count with what they tell:
// that the caller's patience was longer than the wait.
//
// It is followed until fewer than leastAtRisk still waited. What is left of S
// there goes on at a constant rate, that of the later half of those who gave up:
// how many they were / how long all callers together waited in that time. The
// result is nil when nobody gave up.
func patience(all []waited) []cell {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b waited) int { return cmp.Compare(a.wait, b.wait) })
	var steps []cell // weights are S before - S after
	s, end := 1.0, time.Duration(0)
	for i := 0; i < len(all); {
		atRisk, gone, at := len(all)-i, 0, all[i].wait
		if atRisk < leastAtRisk {
			break
		}
		for ; i < len(all) && all[i].wait == at; i++ {
			if all[i].gaveUp {
				gone++
			}
		}
		end = at
		if gone > 0 {
			lost := s * float64(gone) / float64(atRisk)
			steps = append(steps, cell{at, lost})
			s -= lost
		}
	}
	if len(steps) == 0 {
		return nil
	}
	cells := thin(steps, mostSteps)
	end = max(end, cells[len(cells)-1].upTo)
	return append(cells, tail(all, steps[len(steps)/2].upTo, end, s)...)
}

// thin joins steps into at most so many cells of about equal weight, after one
// without weight up to the first step.
func thin(steps []cell, most int) []cell {
	total := 0.0
	for _, c := range steps {
		total += c.weight
	}
	var cells []cell
	if first := steps[0].upTo.Truncate(time.Millisecond); first > 0 {
		cells = append(cells, cell{upTo: first})
	}
	sum := 0.0
	for i, c := range steps {
		sum += c.weight
		bound := c.upTo.Truncate(time.Millisecond) + time.Millisecond
		switch n := len(cells) - 1; {
		case n >= 0 && bound == cells[n].upTo:
			cells[n].weight += sum
			sum = 0
		case sum >= total/float64(most) || i == len(steps)-1:
			cells = append(cells, cell{bound, sum})
			sum = 0
		}
	}
	return cells
}

// tail spreads the rest of S beyond the last wait that was followed.
func tail(all []waited, from, end time.Duration, rest float64) []cell {
	gaveUp, exposed := 0, 0.0
	for _, w := range all {
		if w.wait > from {
			exposed += (min(w.wait, end) - from).Seconds()
			if w.gaveUp && w.wait <= end {
				gaveUp++
			}
		}
	}
	mean := end.Seconds() + 1 // if nobody gave up so late
	if gaveUp > 0 && exposed > 0 {
		mean = exposed / float64(gaveUp)
	}
	var cells []cell
	before := 1.0
	for _, left := range []float64{0.75, 0.5, 0.25, 0.1, 0.03, 0.005} {
		upTo := end + time.Duration(-math.Log(left)*mean*float64(time.Second))
		weight := rest * (before - left)
		if left == 0.005 {
			weight = rest * before
		}
		cells = append(cells, cell{upTo.Truncate(time.Millisecond) + time.Millisecond, weight})
		before = left
	}
	return cells
}
