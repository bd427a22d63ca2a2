package requirement

import (
	"context"
	"slices"
	"time"
)

// raise gives agents to the intervals that miss the target until all meet it
// or nobody is left to give. Who misses again gets twice as many.
func (q *search) raise(ctx context.Context, agents []int, seed uint64) (*played, error) {
	next := make([]int, len(agents))
	for {
		got, err := q.play(ctx, agents, seed)
		if err != nil {
			return nil, err
		}
		more := make([]bool, len(agents))
		for i, f := range got.intervals {
			if at := q.helper(agents, i); q.misses(i, f) && at >= 0 {
				more[at] = true
			}
		}
		if !slices.Contains(more, true) {
			return got, nil
		}
		for i := range agents {
			if !more[i] {
				next[i] = 0
				continue
			}
			next[i] = max(1, 2*next[i])
			agents[i] = min(agents[i]+next[i], q.most)
		}
	}
}

// misses reports whether an interval misses the target. One of the warm-up that
// cannot meet it need not.
func (q *search) misses(i int, f Figures) bool {
	return missed(q.Target, f) != "" && !q.hopeless[i]
}

// stride is how many intervals are an hour, and at least two: so far apart they
// hardly matter to each other.
func (q *search) stride() int { return max(2, int(time.Hour/q.Length)) }

// helper is which interval should have more agents for the sake of interval i:
// itself, or, when all agents are there, the nearest before it that has not
// all, or the one after it; -1 if none.
func (q *search) helper(agents []int, i int) int {
	for at := i; at >= max(0, i-q.stride()); at-- {
		if agents[at] < q.most {
			return at
		}
	}
	if i+1 < len(agents) && agents[i+1] < q.most {
		return i + 1
	}
	return -1
}

// attempt is how an interval is doing at losing agents.
type attempt struct {
	step    int
	closing bool // has once lost too many
	done    bool // cannot lose one
}

// lower takes agents away where all intervals still meet the target without
// them. It reports false when it has run out of rounds.
func (q *search) lower(ctx context.Context, agents []int) (bool, error) {
	stride := q.stride()
	tries := make([]attempt, len(agents))
	for i := range tries {
		tries[i].step = 1
	}
	open := func(a attempt) bool { return !a.done }
	for turn := 0; slices.ContainsFunc(tries, open); turn++ {
		trial, tried := slices.Clone(agents), make([]bool, len(agents))
		for i := turn % stride; i < len(agents); i += stride {
			if !tries[i].done {
				trial[i] = max(q.least(), agents[i]-tries[i].step)
				tried[i] = trial[i] < agents[i]
				tries[i].done = !tried[i]
			}
		}
		if !slices.Contains(tried, true) {
			continue
		}
		if q.rounds >= mostRounds {
			return false, nil
		}
		got, err := q.play(ctx, trial, q.Seed)
		if err != nil {
			return false, err
		}
		guilty := make([]bool, len(agents))
		for i, f := range got.intervals {
			if q.misses(i, f) {
				guilty[blame(tried, i)] = true
			}
		}
		for i := range tried {
			if tried[i] {
				tries[i].judge(guilty[i], agents[i]-trial[i])
				if !guilty[i] {
					agents[i] = trial[i]
				}
			}
		}
	}
	return true, nil
}

// judge notes whether losing so many agents was too much.
func (a *attempt) judge(guilty bool, lost int) {
	switch {
	case guilty && lost == 1:
		a.done = true
	case guilty:
		a.step, a.closing = max(1, lost/2), true
	case a.closing:
		a.step = max(1, a.step/2)
	default:
		a.step *= 2
	}
}

// blame is because of which of the intervals that were tried, of which there
// are some, interval i misses: itself, or the one just before, or just after, or
// else the nearest, those before first.
func blame(tried []bool, i int) int {
	if i+1 < len(tried) && tried[i+1] && !tried[i] && (i == 0 || !tried[i-1]) {
		return i + 1
	}
	for at := i; at >= 0; at-- {
		if tried[at] {
			return at
		}
	}
	return i + 1 + slices.Index(tried[i+1:], true)
}
