package staffing

import "math"

// impatient is the state of an Erlang A queue. The formulas stand in the
// package comment. Inside, time is measured in mean handling times (μ = 1), and
// E and all integrals are divided by exp(g) at the peak of g.
type impatient struct {
	agents int
	load   float64 // Erlang
	handle float64 // seconds
	v      virtual

	// idle and busy are the weights E and λ, both multiplied by B(n-1), which
	// may be zero where its reciprocal overflows; norm is E + λJ.
	idle, busy, norm float64

	pWait, pAbandon, pAnswered float64
	waitAnswered               float64 // E[W; answered], in handling times
}

func solveA(d Demand, agents int) *impatient {
	load, theta := d.Load(), d.Handle/d.Patience
	v := newVirtual(float64(agents), load, theta)
	q := &impatient{agents: agents, load: load, handle: d.Handle, v: v}
	all := v.integral(every, 0, math.Inf(1))
	q.idle = math.Exp(-v.height)
	q.busy = load * ErlangB(agents-1, load)
	q.norm = q.idle + q.busy*all
	q.pWait = q.busy * all / q.norm
	q.pAbandon = q.weigh(v.gone, 0, math.Inf(1))
	q.pAnswered = q.idle/q.norm + q.weigh(v.patient, 0, math.Inf(1))
	q.waitAnswered = q.weigh(func(x float64) float64 { return x * v.patient(x) }, 0, math.Inf(1))
	return q
}

// weigh is the mean of a function of the virtual wait over the callers whose
// virtual wait is in (from, to).
func (q *impatient) weigh(f func(x float64) float64, from, to float64) float64 {
	return q.busy * q.v.integral(f, from, to) / q.norm
}

func (q *impatient) Agents() int               { return q.agents }
func (q *impatient) PWait() float64            { return min(q.pWait, 1) }
func (q *impatient) PAbandon() float64         { return min(q.pAbandon, 1) }
func (q *impatient) MeanWait() float64         { return q.pAbandon / q.v.theta * q.handle }
func (q *impatient) MeanWaitAnswered() float64 { return q.waitAnswered / q.pAnswered * q.handle }

func (q *impatient) Occupancy() float64 {
	return min(q.load*q.pAnswered/float64(q.agents), 1)
}

func (q *impatient) PWaitOver(t float64) float64 {
	if t < 0 {
		return 1
	}
	t /= q.handle
	return min(q.v.patient(t)*q.weigh(every, t, math.Inf(1)), 1)
}

func (q *impatient) PAnsweredWithin(t float64) float64 {
	if t < 0 {
		return 0
	}
	return min(q.idle/q.norm+q.weigh(q.v.patient, 0, t/q.handle), 1)
}

func (q *impatient) PAbandonedWithin(t float64) float64 {
	if t < 0 {
		return 0
	}
	t /= q.handle
	return min(q.v.gone(t)*q.weigh(every, t, math.Inf(1))+q.weigh(q.v.gone, 0, t), 1)
}

func (q *impatient) WaitQuantile(p float64) float64 {
	left := 1 - p
	switch {
	case left >= q.PWait():
		return 0
	case p >= 1:
		return math.Inf(1)
	}
	// Bracket and halve: PWaitOver falls from pWait to zero.
	low, high := 0.0, q.handle/float64(q.agents)
	for q.PWaitOver(high) > left {
		low, high = high, 2*high
	}
	for high-low > 1e-14*high {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		if q.PWaitOver(middle) > left {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
