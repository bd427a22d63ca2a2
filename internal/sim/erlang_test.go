package sim

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"hotline/internal/staffing"
	"hotline/internal/traffic"
)

// point is a load at which simulation and formula are compared.
type point struct {
	agents   int
	load     float64 // offered load / agents
	patience time.Duration
}

const talkMean = 100 * time.Second

func points() []point {
	var list []point
	for _, agents := range []int{1, 3, 10, 30} {
		for _, load := range []float64{0.5, 0.65, 0.8} {
			list = append(list, point{agents: agents, load: load})
		}
		list = append(list, point{agents, 0.8, talkMean}, point{agents, 1, 3 * talkMean}, point{agents, 1.3, talkMean})
	}
	return list
}

// compare simulates a point and returns the estimates of the wait (seconds,
// all callers) and of the share that gives up, with what the formula says.
func compare(t *testing.T, p point, runs int, talk Distribution) (wait, abandoned Estimate, wantWait, wantAbandoned float64) {
	t.Helper()
	rate := p.load * float64(p.agents) / talkMean.Seconds()
	var patience Distribution = Never{}
	mean := math.Inf(1) // without patience Erlang A is Erlang C
	if p.patience > 0 {
		patience, mean = Exponential{p.patience}, p.patience.Seconds()
	}
	// As many calls at every point: small groups are watched for longer.
	span := 2*time.Hour + seconds(float64(3000+300*p.agents)/rate) // the first two hours are warm-up
	s := pool(p.agents, rate, talk, patience, int(span/(24*time.Hour))+1)
	s.Arrivals[0].End = span
	results, err := Replicate(context.Background(), s, Options{Seed: uint64(1000*p.agents) + uint64(100*p.load)}, runs)
	if err != nil {
		t.Fatal(err)
	}
	var waits, shares []float64
	for _, r := range results {
		c := r.Total.Figures.Counters()
		offered := float64(c[traffic.CountOffered])
		waits = append(waits, float64(c[traffic.SumWait]+c[traffic.SumAbandonWait])/1000/offered)
		shares = append(shares, float64(c[traffic.CountAbandoned])/offered)
	}
	formula, err := staffing.Solve(staffing.ErlangA, staffing.Demand{Rate: rate, Handle: talkMean.Seconds(), Patience: mean}, p.agents)
	if err != nil {
		t.Fatal(err)
	}
	return EstimateOf(waits), EstimateOf(shares), formula.MeanWait(), formula.PAbandon()
}

// agrees reports whether a value lies within the simultaneous confidence
// interval: at 24 points with two figures each, single 95% intervals would
// miss two or three by chance, so the level is 1 - 0.05/48 (Bonferroni).
func agrees(e Estimate, want float64) bool {
	wide := e.HalfWidth * StudentQuantile(1-0.025/48, e.N-1) / StudentQuantile(0.975, e.N-1)
	// Waits are counted in whole milliseconds, cut off.
	return math.Abs(e.Mean-want) <= wide+0.001
}

// TestErlang compares the simulated waits with Erlang C and Erlang A. The seeds
// are fixed, so the test gives the same answer each time. The half-widths that
// are printed are those of 95% intervals. With patience they are 2 to 20% of
// the wait; without, where waits of successive callers hang together, up to a
// third. TestErlangFindsAFault says how small a fault is noticed.
func TestErlang(t *testing.T) {
	t.Parallel()
	list, runs := points(), 8
	if raceDetector || testing.Short() {
		list, runs = []point{list[2], list[16]}, 3
	}
	for _, p := range list {
		t.Run(fmt.Sprintf("%d agents at %.2f, patience %v", p.agents, p.load, p.patience), func(t *testing.T) {
			wait, abandoned, wantWait, wantAbandoned := compare(t, p, runs, Exponential{talkMean})
			t.Logf("wait %.3f ± %.3f s, formula %.3f; give up %.4f ± %.4f, formula %.4f",
				wait.Mean, wait.HalfWidth, wantWait, abandoned.Mean, abandoned.HalfWidth, wantAbandoned)
			if !agrees(wait, wantWait) {
				t.Errorf("wait: %.3f ± %.3f s, and the formula says %.3f", wait.Mean, wait.HalfWidth, wantWait)
			}
			if !agrees(abandoned, wantAbandoned) {
				t.Errorf("share that gives up: %.4f ± %.4f, and the formula says %.4f", abandoned.Mean, abandoned.HalfWidth, wantAbandoned)
			}
			if runs > 3 && wait.HalfWidth > 0.35*wantWait+0.1 {
				t.Errorf("the interval of the wait is too wide to mean anything: %.3f ± %.3f s", wait.Mean, wait.HalfWidth)
			}
		})
	}
}

// TestErlangFindsAFault is the test of the test: talks that are 5% too long
// must not agree with the formula at a busy point.
func TestErlangFindsAFault(t *testing.T) {
	t.Parallel()
	if raceDetector || testing.Short() {
		t.Skip("needs many samples")
	}
	p := point{30, 1, 3 * talkMean}
	wait, _, want, _ := compare(t, p, 12, Exponential{talkMean * 105 / 100})
	if agrees(wait, want) {
		t.Errorf("talks are 5%% too long, and nothing is noticed: %.3f ± %.3f s, formula %.3f", wait.Mean, wait.HalfWidth, want)
	}
}
