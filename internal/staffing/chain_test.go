package staffing_test

import (
	"fmt"
	"math"
	"testing"

	. "hotline/internal/staffing"
)

// chain computes everything from the birth-and-death process alone: the
// stationary distribution by its balance equations, and the course of one
// caller who joins behind k others by the power series of its generator. It shares no formula
// with the package. Time is in mean handling times.
type chain struct {
	agents      int
	load, theta float64
	states      []float64 // stationary probabilities of 0, 1, ... calls
}

func newChain(load, theta float64, agents, states int) chain {
	c := chain{agents: agents, load: load, theta: theta}
	logs, highest := []float64{0}, 0.0
	for j := 1; j < states; j++ {
		down := float64(min(j, agents)) + float64(max(j-agents, 0))*theta
		logs = append(logs, logs[j-1]+math.Log(load/down))
		highest = max(highest, logs[j])
	}
	sum := 0.0
	for _, l := range logs {
		c.states = append(c.states, math.Exp(l-highest))
		sum += math.Exp(l - highest)
	}
	for j := range c.states {
		c.states[j] /= sum
	}
	return c
}

// fate is the share of all callers that is in the queue after t, answered by
// then, or abandoned by then; a caller in place k is served after k+1 others
// have left, at rate agents + k theta, and gives up at rate theta.
func (c chain) fate(t float64) (waiting, answered, abandoned float64) {
	places := len(c.states) - c.agents
	now := make([]float64, places+2) // places, then answered, abandoned
	copy(now, c.states[c.agents:])
	for j := range c.agents {
		now[places] += c.states[j]
	}
	rate := float64(c.agents) + float64(places)*c.theta
	steps := int(math.Ceil(rate * t * 4))
	// A step of t/steps by the power series of the generator.
	size := t / float64(max(steps, 1))
	for range steps {
		term, next := now, append([]float64(nil), now...)
		for power := 1.0; power < 25; power++ {
			moved := make([]float64, len(now))
			for k := range places {
				ahead, gone := float64(c.agents)+float64(k)*c.theta, c.theta
				moved[k] -= (ahead + gone) * term[k]
				moved[places+1] += gone * term[k]
				if k == 0 {
					moved[places] += ahead * term[k]
				} else {
					moved[k-1] += ahead * term[k]
				}
			}
			for k := range moved {
				moved[k] *= size / power
				next[k] += moved[k]
			}
			term = moved
		}
		now = next
	}
	for _, p := range now[:places] {
		waiting += p
	}
	return waiting, now[places], now[places+1]
}

func same(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) || math.IsNaN(got) {
		t.Errorf("%s: got %.15g, the chain says %.15g", what, got, want)
	}
}

func TestPerformanceIsThatOfTheChain(t *testing.T) {
	const handle = 236.0
	for _, c := range []struct {
		load, theta float64
		agents      int
		states      int
	}{
		{0.8, 0.5, 1, 120},
		{5, 2, 1, 60},       // heavy overload
		{5, 0.1, 4, 220},    // overload, patient
		{10, 0.6, 13, 100},  // ordinary
		{10, 0.01, 10, 400}, // at the load, very patient
		{10, 30, 9, 60},     // very impatient
		{22.3, 1.97, 25, 120},
		{22.3, 1.97, 60, 120}, // nearly nobody waits
		{120, 1, 110, 260},
		{8, 0, 9, 500}, // Erlang C
		{20, 0, 30, 300},
	} {
		t.Run(fmt.Sprintf("%v Erlang, theta %v, %d agents", c.load, c.theta, c.agents), func(t *testing.T) {
			d := Demand{Rate: c.load / handle, Handle: handle, Patience: handle / c.theta}
			model := ErlangA
			if c.theta == 0 {
				model = ErlangC
			}
			compare(t, solve(t, model, d, c.agents), d, newChain(c.load, c.theta, c.agents, c.states))
		})
	}
}

func compare(t *testing.T, p Performance, d Demand, c chain) {
	t.Helper()
	wait, queue, busy := 0.0, 0.0, 0.0
	for j, share := range c.states {
		if j >= c.agents {
			wait += share
		}
		queue += share * float64(max(j-c.agents, 0))
		busy += share * float64(min(j, c.agents))
	}
	same(t, "P(wait)", p.PWait(), wait)
	same(t, "P(abandon)", p.PAbandon(), queue*c.theta/c.load)
	same(t, "mean wait", p.MeanWait(), queue/d.Rate)
	same(t, "occupancy", p.Occupancy(), busy/float64(c.agents))
	_, _, short := c.fate(5 / d.Handle)
	for _, within := range []float64{0, 5, 15, 30, 300} {
		waiting, answered, abandoned := c.fate(within / d.Handle)
		same(t, fmt.Sprintf("P(wait > %v s)", within), p.PWaitOver(within), waiting)
		same(t, fmt.Sprintf("answered within %v s", within), p.PAnsweredWithin(within), answered)
		same(t, fmt.Sprintf("abandoned within %v s", within), p.PAbandonedWithin(within), abandoned)
		same(t, "level of offered", Level(p, OfOffered, within, 5), answered)
		same(t, "level of answered", Level(p, OfAnswered, within, 5), answered/(1-queue*c.theta/c.load))
		same(t, "level less short", Level(p, OfOfferedLessShort, within, 5), answered/(1-short))
		same(t, "level with abandoned", Level(p, WithAbandoned, within, 5), answered+abandoned)
	}
	// The mean wait of the answered is the integral of those not answered yet
	// but answered in the end; a caller in place k+1 waits on average and is
	// answered with these recursions over one step of the chain.
	wins, waits := 0.0, 0.0
	reach, spend := 1.0, 0.0 // of a caller who is served at once
	for j := c.agents; j < len(c.states); j++ {
		k := float64(j - c.agents)
		ahead := float64(c.agents) + k*c.theta
		out := ahead + c.theta
		// spend is E[time; answered]: one sojourn, if answered, and the rest.
		spend = ahead / out * (reach/out + spend)
		reach *= ahead / out
		wins += c.states[j] * reach
		waits += c.states[j] * spend
	}
	same(t, "mean wait of the answered", p.MeanWaitAnswered(), waits/(wins+1-wait)*d.Handle)
	for _, share := range []float64{0.5, 0.9, 0.99} {
		q := p.WaitQuantile(share)
		if over := p.PWaitOver(q); q > 0 && math.Abs(over-(1-share)) > 1e-9 || q == 0 && p.PWait() > 1-share+1e-12 {
			t.Errorf("quantile %v: %v s, where P(wait > t) is %v", share, q, over)
		}
	}
}

// Large queues against the balance equations only: 20,000 agents about their
// load.
func TestLargeQueuesAreThoseOfTheChain(t *testing.T) {
	for _, load := range []float64{19000, 20000, 21000} {
		for _, theta := range []float64{0.05, 1, 20} {
			c := newChain(load, theta, 20000, 60000)
			wait, queue := 0.0, 0.0
			for j := 20000; j < len(c.states); j++ {
				wait += c.states[j]
				queue += c.states[j] * float64(j-20000)
			}
			p := solve(t, ErlangA, Demand{Rate: load / 100, Handle: 100, Patience: 100 / theta}, 20000)
			same(t, fmt.Sprintf("%v Erlang, theta %v: P(wait)", load, theta), p.PWait(), wait)
			same(t, fmt.Sprintf("%v Erlang, theta %v: mean wait", load, theta), p.MeanWait(), queue/load*100)
		}
	}
}
