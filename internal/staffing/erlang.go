package staffing

import "math"

// ErlangB is the probability that a call finds all agents busy and is lost,
// with a load in Erlang. NaN if an argument is negative or not a number.
func ErlangB(agents int, load float64) float64 {
	if agents < 0 || !(load >= 0) {
		return math.NaN()
	}
	b := 1.0
	for k := 1; k <= agents; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// waiting is the state of an Erlang C queue.
type waiting struct {
	agents int
	load   float64 // Erlang
	handle float64 // seconds
	pWait  float64
}

func solveC(d Demand, agents int) waiting {
	w := waiting{agents: agents, load: d.Load(), handle: d.Handle, pWait: 1}
	if w.stable() {
		b, n := ErlangB(agents, w.load), float64(agents)
		w.pWait = min(n*b/(n-w.load+w.load*b), 1)
	}
	return w
}

func (w waiting) stable() bool { return w.load < float64(w.agents) }

// drain is the rate per second at which the queue shrinks while all are busy.
func (w waiting) drain() float64 { return (float64(w.agents) - w.load) / w.handle }

func (w waiting) Agents() int               { return w.agents }
func (w waiting) PWait() float64            { return w.pWait }
func (w waiting) PAbandon() float64         { return 0 }
func (w waiting) MeanWaitAnswered() float64 { return w.MeanWait() }
func (w waiting) Occupancy() float64        { return min(w.load/float64(w.agents), 1) }

func (w waiting) MeanWait() float64 {
	if !w.stable() {
		return math.Inf(1)
	}
	return w.pWait / w.drain()
}

func (w waiting) PWaitOver(t float64) float64 {
	switch {
	case t < 0 || !w.stable():
		return 1
	case math.IsInf(t, 1):
		return 0
	}
	return w.pWait * math.Exp(-w.drain()*t)
}

func (w waiting) PAnsweredWithin(t float64) float64  { return 1 - w.PWaitOver(t) }
func (w waiting) PAbandonedWithin(t float64) float64 { return 0 }

func (w waiting) WaitQuantile(p float64) float64 {
	switch {
	case 1-p >= w.pWait:
		return 0
	case p >= 1 || !w.stable():
		return math.Inf(1)
	}
	return math.Log(w.pWait/(1-p)) / w.drain()
}
