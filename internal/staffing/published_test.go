package staffing_test

import (
	"math"
	"testing"

	. "hotline/internal/staffing"
)

func solve(t testing.TB, m Model, d Demand, agents int) Performance {
	t.Helper()
	p, err := Solve(m, d, agents)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// near compares with a published figure, which is rounded at a unit.
func near(t *testing.T, what string, got, published, unit float64) {
	t.Helper()
	if math.Abs(got-published) > unit/2*1.0001 {
		t.Errorf("%s: got %v, published %v", what, got, published)
	}
}

// The tables of Erlang B in every textbook of teletraffic, e.g. ITU-D "Teletraffic
// Engineering Handbook" (2005), give the load at which so many lines lose 1 %;
// 8.108 on 15 lines is the worked example of the manual of Westbay's calculator
// (erlang.com, "How much traffic?").
func TestErlangBTable(t *testing.T) {
	for _, row := range []struct {
		lines int
		load  float64
		unit  float64
	}{{1, 0.0101, 0.0001}, {5, 1.36, 0.01}, {10, 4.46, 0.01}, {15, 8.108, 0.001}, {20, 12.03, 0.01}, {100, 84.06, 0.01}} {
		below, above := ErlangB(row.lines, row.load-row.unit/2), ErlangB(row.lines, row.load+row.unit/2)
		if below > 0.01 || above < 0.01 {
			t.Errorf("%d lines lose 1 %% at %v Erlang; computed %v to %v there", row.lines, row.load, below, above)
		}
	}
}

// "The Erlang-C formula" at mitan.co.uk/erlang/elgcmath.htm: 360 calls in half
// an hour of 4 minutes, 55 agents.
func TestErlangCOfMitan(t *testing.T) {
	p := solve(t, ErlangC, Demand{Rate: 360.0 / 1800, Handle: 240}, 55)
	near(t, "occupancy", p.Occupancy(), 0.873, 0.001)
	near(t, "probability of waiting", p.PWait(), 0.239, 0.001)
	near(t, "mean wait", p.MeanWait(), 8.2, 0.1)
	near(t, "within 15 s", p.PAnsweredWithin(15), 0.846, 0.001)
}

// Call Centre Helper, "Erlang C formula – made simple with an easy worked
// example": 100 calls in half an hour of 180 s, 80 % in 20 s, shrinkage 30 %.
func TestErlangCOfCallCentreHelper(t *testing.T) {
	d := Demand{Rate: 100.0 / 1800, Handle: 180}
	p, err := Required(ErlangC, d, Target{Level: 0.8, Within: 20, Formula: OfOffered})
	if err != nil {
		t.Fatal(err)
	}
	if p.Agents() != 14 {
		t.Errorf("got %d agents, published 14", p.Agents())
	}
	near(t, "load", d.Load(), 10, 1e-9)
	near(t, "probability of waiting", p.PWait(), 0.1741, 0.0001)
	near(t, "within 20 s", p.PAnsweredWithin(20), 0.888, 0.001)
	near(t, "mean wait", p.MeanWait(), 7.8, 0.1)
	near(t, "occupancy", p.Occupancy(), 0.714, 0.001)
	if got := Scheduled(p.Agents(), 0.3); got != 20 {
		t.Errorf("got %d on the roster, published 20", got)
	}
}

// Garnett, Mandelbaum, Reiman (2002), table 1, "Comparing models with/without
// abandonment": 50 agents, 48 calls a minute of 1 minute, patience 2 minutes.
func TestErlangCAndAOfGarnettMandelbaumReiman(t *testing.T) {
	d := Demand{Rate: 48.0 / 60, Handle: 60, Patience: 120}
	c, a := solve(t, ErlangC, d, 50), solve(t, ErlangA, d, 50)
	near(t, "C: mean wait", c.MeanWait(), 20.8, 0.1)
	near(t, "C: 90th percentile", c.WaitQuantile(0.9), 58.1, 0.1)
	near(t, "C: mean queue", d.Rate*c.MeanWait(), 17, 1)
	near(t, "C: occupancy", c.Occupancy(), 0.96, 0.01)
	near(t, "A: abandoned", a.PAbandon(), 0.031, 0.001)
	near(t, "A: mean wait", a.MeanWait(), 3.7, 0.1)
	near(t, "A: mean queue", d.Rate*a.MeanWait(), 3, 1)
	near(t, "A: occupancy", a.Occupancy(), 0.93, 0.01)
}

// The guide of pyworkforce, "Erlang A (abandonment)": 100 calls in 30 minutes
// of 3 minutes, patience 5 minutes; 80 % in 20 s, occupancy at most 85 %, at
// most 5 % abandoned, shrinkage 30 %. Its
// speed of answer is the mean wait of all calls.
func TestErlangAOfPyworkforce(t *testing.T) {
	p, err := Required(ErlangA, Demand{Rate: 100.0 / 1800, Handle: 180, Patience: 300},
		Target{Level: 0.8, Within: 20, Formula: OfOffered, MaxOccupancy: 0.85, MaxAbandon: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	if p.Agents() != 13 || Scheduled(p.Agents(), 0.3) != 19 {
		t.Errorf("got %d agents and %d on the roster, published 13 and 19", p.Agents(), Scheduled(p.Agents(), 0.3))
	}
	near(t, "service level", p.PAnsweredWithin(20), 0.858, 0.001)
	near(t, "occupancy", p.Occupancy(), 0.750, 0.001)
	near(t, "abandoned", p.PAbandon(), 0.025, 0.001)
	near(t, "waiting", p.PWait(), 0.226, 0.001)
	near(t, "mean wait in minutes", p.MeanWait()/60, 0.125, 0.001)
}
