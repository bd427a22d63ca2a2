package staffing

import (
	"fmt"
	"math"
)

// Limits of what is computed: wide of every call centre, and such that no
// search runs for long.
const (
	MaxAgents = 1_000_000
	MaxLoad   = 1_000_000 // Erlang

	// Mean patience in mean handling times. Beyond, callers either never wait
	// or never give up: Erlang B and Erlang C say the same.
	minPatience, maxPatience = 1e-9, 1e12
)

// Demand is what callers ask for in an interval, in steady state.
type Demand struct {
	// Rate is the calls offered, per second.
	Rate float64
	// Handle is the mean time that a call keeps an agent: talk, hold and
	// wrap-up. Seconds.
	Handle float64
	// Patience is the mean time after which a waiting caller hangs up, in
	// seconds, +Inf for never. Erlang C ignores it. It is not the mean wait of
	// those who abandoned, which is far shorter: estimate it as the time that
	// all callers waited, answered or not, divided by the number who abandoned.
	Patience float64
}

// Load is the offered load in Erlang: the mean number of agents who would be
// busy if there were always enough.
func (d Demand) Load() float64 { return d.Rate * d.Handle }

func (d Demand) check(m Model) error {
	switch {
	case m != ErlangC && m != ErlangA:
		return fmt.Errorf("%q is not a model; write %s or %s", m, ErlangA, ErlangC)
	case !(d.Rate >= 0) || math.IsInf(d.Rate, 1):
		return fmt.Errorf("%v calls per second are offered; the number must be zero or more", d.Rate)
	case !(d.Handle > 0) || math.IsInf(d.Handle, 1):
		return fmt.Errorf("the mean handling time is %v s; it must be more than zero", d.Handle)
	case d.Load() > MaxLoad:
		return fmt.Errorf("the load is %.0f Erlang; up to %d are computed", d.Load(), MaxLoad)
	case m == ErlangC || math.IsInf(d.Patience, 1):
		return nil
	case !(d.Patience > 0):
		return fmt.Errorf("the mean patience is %v s; it must be more than zero", d.Patience)
	}
	if p := d.Patience / d.Handle; p < minPatience || p > maxPatience {
		return fmt.Errorf("the mean patience is %g handling times; %g to %g are computed", p, minPatience, maxPatience)
	}
	return nil
}

// Model says whether waiting callers give up.
type Model string

// The models.
const (
	ErlangC Model = "erlang-c" // nobody gives up
	ErlangA Model = "erlang-a" // patience is exponential
)

// Performance is what callers and agents meet in steady state. Probabilities
// are shares of all calls offered, in [0, 1]; times are in seconds. Waits are
// counted from entering the queue.
type Performance interface {
	Agents() int
	// PWait is the probability that a caller does not reach an agent at once.
	PWait() float64
	// PAbandon is the probability that a caller hangs up before the answer.
	PAbandon() float64
	// MeanWait is the mean wait of all calls, answered at once, later or never.
	MeanWait() float64
	// MeanWaitAnswered is the mean wait of the answered calls, also of those
	// answered at once: the ASA.
	MeanWaitAnswered() float64
	// PWaitOver is the probability that a call, answered in the end or not, is
	// in the queue for more than t seconds.
	PWaitOver(t float64) float64
	// PAnsweredWithin is the probability of being answered after at most t seconds.
	PAnsweredWithin(t float64) float64
	// PAbandonedWithin is the probability of hanging up after at most t seconds.
	PAbandonedWithin(t float64) float64
	// WaitQuantile is the shortest time, in seconds, within which the share p
	// of all calls has left the queue, answered or not. +Inf if there is none,
	// also for p >= 1.
	WaitQuantile(p float64) float64
	// Occupancy is the share of their time in which agents are on a call or
	// wrap up.
	Occupancy() float64
}

// Solve computes the steady state of a number of agents. With Erlang C and a
// load of at least the number of agents there is none: everyone waits, for
// ever.
func Solve(m Model, d Demand, agents int) (Performance, error) {
	if err := d.check(m); err != nil {
		return nil, err
	}
	if agents < 1 || agents > MaxAgents {
		return nil, fmt.Errorf("there are %d agents; 1 to %d are computed", agents, MaxAgents)
	}
	if m == ErlangC || math.IsInf(d.Patience, 1) {
		return solveC(d, agents), nil
	}
	return solveA(d, agents), nil
}

// Formula is one of the published ways to compute a service level. The names
// are those of the traffic figures.
type Formula string

// The formulas; "within" counts durations of at most the threshold.
const (
	OfOffered          Formula = "of_offered"            // answered_within / offered
	OfAnswered         Formula = "of_answered"           // answered_within / answered
	OfOfferedLessShort Formula = "of_offered_less_short" // answered_within / (offered - short_abandons)
	WithAbandoned      Formula = "with_abandoned"        // (answered_within + abandoned_within) / (answered + abandoned)
)

// Formulas lists all.
func Formulas() []Formula {
	return []Formula{OfOffered, OfAnswered, OfOfferedLessShort, WithAbandoned}
}

// Level is the service level at a threshold of within seconds, a share in
// [0, 1]. short is the threshold of short abandons in seconds; only
// OfOfferedLessShort reads it. An unknown formula gives NaN.
func Level(p Performance, f Formula, within, short float64) float64 {
	// The denominators are sums, not differences from one: where nearly all
	// give up, a difference would keep few digits.
	answered := p.PAnsweredWithin(within)
	switch f {
	case OfOffered:
		return answered
	case OfAnswered:
		return share(answered, p.PAnsweredWithin(math.Inf(1)))
	case OfOfferedLessShort:
		return share(answered, p.PAnsweredWithin(short)+p.PWaitOver(short))
	case WithAbandoned:
		return 1 - p.PWaitOver(within)
	}
	return math.NaN()
}

// share is part of whole, at most 1 in spite of rounding.
func share(part, whole float64) float64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	return min(part/whole, 1)
}
