package phonescript

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Streams of randomness, so that one person's draws do not shift another's.
const (
	drawArrivals = iota
	drawCaller
	drawAgent
)

// source returns the randomness of one person of a kind.
func source(seed uint64, kind, person int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(kind)<<48|uint64(person)))
}

// draw returns one time of the distribution.
func (s Spread) draw(rng *rand.Rand) time.Duration {
	if s.Mean == 0 {
		return s.Min + time.Duration(rng.Float64()*float64(s.Max-s.Min))
	}
	return min(max(time.Duration(rng.ExpFloat64()*float64(s.Mean)), s.Min), s.Max)
}

// arrivals returns when callers arrive, counted from the start, in order.
func (s Scenario) arrivals() []time.Duration {
	rng := source(s.Seed, drawArrivals, 0)
	var out []time.Duration
	if s.Callers.Total > 0 {
		// Given their number, the moments of a Poisson process are uniform.
		for range s.Callers.Total {
			out = append(out, time.Duration(rng.Float64()*float64(s.Duration)))
		}
		slices.Sort(out)
		return out
	}
	if s.Callers.Rate <= 0 {
		return nil
	}
	at := time.Duration(0)
	for {
		at += time.Duration(rng.ExpFloat64() / s.Callers.Rate * float64(time.Second))
		if at >= s.Duration {
			return out
		}
		out = append(out, at)
	}
}

// A caller's life, drawn before the call.
type life struct {
	patience  time.Duration // 0: for ever
	talk      time.Duration
	agentEnds bool // the agent hangs up, not the caller
}

func (s Scenario) life(person int) life {
	rng := source(s.Seed, drawCaller, person)
	out := life{talk: s.Callers.Talk.draw(rng), agentEnds: rng.Float64() < s.Agents.HangsUp}
	if s.Callers.Patience != (Spread{}) {
		out.patience = max(s.Callers.Patience.draw(rng), time.Millisecond)
	}
	return out
}
