package staffing_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	. "hotline/internal/staffing"
	"hotline/internal/traffic"
)

func demands(t *rapid.T) Demand {
	load := math.Exp(rapid.Float64Range(-7, math.Log(20000)).Draw(t, "log load"))
	handle := rapid.Float64Range(1, 3600).Draw(t, "handle")
	patience := handle * math.Exp(rapid.Float64Range(-15, 20).Draw(t, "log patience"))
	return Demand{Rate: load / handle, Handle: handle, Patience: patience}
}

func agentsFor(t *rapid.T, d Demand) int {
	if rapid.Bool().Draw(t, "about the load") {
		spread := 6*math.Sqrt(d.Load()) + 2
		return max(int(d.Load()+rapid.Float64Range(-spread, spread).Draw(t, "spread")), 1)
	}
	return rapid.IntRange(1, 20000).Draw(t, "agents")
}

func TestProbabilitiesAddUpAndStayInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := demands(t)
		n := agentsFor(t, d)
		within := d.Handle * math.Exp(rapid.Float64Range(-10, 5).Draw(t, "log within"))
		for _, m := range []Model{ErlangA, ErlangC} {
			p, err := Solve(m, d, n)
			if err != nil {
				t.Fatal(err)
			}
			answered, abandoned, over := p.PAnsweredWithin(within), p.PAbandonedWithin(within), p.PWaitOver(within)
			for _, x := range []float64{p.PWait(), p.PAbandon(), p.Occupancy(), answered, abandoned, over,
				Level(p, OfAnswered, within, 5), Level(p, OfOfferedLessShort, within, 5), Level(p, WithAbandoned, within, 5)} {
				if !(x >= 0 && x <= 1) {
					t.Fatalf("%s: a probability is %v", m, x)
				}
			}
			if sum := answered + abandoned + over; math.Abs(sum-1) > 1e-12 {
				t.Fatalf("%s: answered, abandoned and waiting add up to %v", m, sum)
			}
			if !(p.MeanWait() >= 0) || !(p.MeanWaitAnswered() >= 0) {
				t.Fatalf("%s: mean waits %v and %v", m, p.MeanWait(), p.MeanWaitAnswered())
			}
			if m == ErlangA && math.Abs(p.Occupancy()*float64(n)-d.Load()*(1-p.PAbandon())) > 1e-9*d.Load() {
				t.Fatalf("busy agents %v do not carry the answered load", p.Occupancy()*float64(n))
			}
			q := rapid.Float64Range(0, 0.999).Draw(t, "share")
			if w := p.WaitQuantile(q); !math.IsInf(w, 1) && p.PWaitOver(w) > (1-q)*(1+1e-9) {
				t.Fatalf("%s: quantile %v is %v s, where %v still wait", m, q, w, p.PWaitOver(w))
			}
		}
	})
}

func TestPatienceWithoutEndIsErlangC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20000).Draw(t, "agents")
		d := Demand{Handle: 200, Patience: 200 * 1e12}
		d.Rate = float64(n) * rapid.Float64Range(0.3, 0.95).Draw(t, "occupancy") / d.Handle
		a, _ := Solve(ErlangA, d, n)
		c, _ := Solve(ErlangC, d, n)
		for _, x := range [][2]float64{{a.PWait(), c.PWait()}, {a.MeanWait(), c.MeanWait()}, {a.MeanWaitAnswered(), c.MeanWaitAnswered()},
			{a.PWaitOver(20), c.PWaitOver(20)}, {a.WaitQuantile(0.95), c.WaitQuantile(0.95)}} {
			if math.Abs(x[0]-x[1]) > 1e-8*x[1]+1e-14 {
				t.Fatalf("Erlang A %v, Erlang C %v", x[0], x[1])
			}
		}
	})
}

func TestNoPatienceIsErlangB(t *testing.T) {
	for _, n := range []int{1, 5, 30, 200} {
		for _, load := range []float64{0.5, 5, 30, 210} {
			p := solve(t, ErlangA, Demand{Rate: load, Handle: 1, Patience: 1e-9}, n)
			if b := ErlangB(n, load); math.Abs(p.PAbandon()-b) > 1e-6*b {
				t.Errorf("%d agents, %v Erlang: %v abandon, Erlang B is %v", n, load, p.PAbandon(), b)
			}
		}
	}
}

// M/M/1, closed: P(W > t) = rho exp(-(mu - lambda) t); with patience equal to
// the handling time, Erlang A is M/M/infinity, whose state is Poisson.
func TestClosedForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rho := rapid.Float64Range(0.01, 0.99).Draw(t, "rho")
		p, _ := Solve(ErlangC, Demand{Rate: rho / 60, Handle: 60}, 1)
		for _, x := range [][2]float64{{p.PWait(), rho}, {p.MeanWait(), 60 * rho / (1 - rho)}, {p.PWaitOver(30), rho * math.Exp(-(1-rho)/2)}, {ErlangB(1, rho), rho / (1 + rho)}} {
			if math.Abs(x[0]-x[1]) > 1e-12*x[1] {
				t.Fatalf("got %v, M/M/1 gives %v", x[0], x[1])
			}
		}
		load := rapid.Float64Range(0.01, 50).Draw(t, "load")
		n := rapid.IntRange(1, 60).Draw(t, "agents")
		a, _ := Solve(ErlangA, Demand{Rate: load / 60, Handle: 60, Patience: 60}, n)
		below, term := 0.0, math.Exp(-load)
		for j := range n {
			below += term
			term *= load / float64(j+1)
		}
		if math.Abs(a.PWait()-(1-below)) > 1e-12 {
			t.Fatalf("P(wait) %v, the Poisson distribution gives %v", a.PWait(), 1-below)
		}
	})
}

func TestMoreAgentsAreNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := demands(t)
		n := agentsFor(t, d)
		within := d.Handle * math.Exp(rapid.Float64Range(-6, 2).Draw(t, "log within"))
		short := d.Handle * math.Exp(rapid.Float64Range(-6, 2).Draw(t, "log short"))
		for _, m := range []Model{ErlangA, ErlangC} {
			p, _ := Solve(m, d, n)
			q, _ := Solve(m, d, n+1)
			worse := func(what string, before, after float64) {
				if after > before*(1+1e-10)+1e-13 {
					t.Fatalf("%s: %s rises from %v to %v with one more than %d agents", m, what, before, after, n)
				}
			}
			worse("P(wait)", p.PWait(), q.PWait())
			worse("P(abandon)", p.PAbandon(), q.PAbandon())
			worse("mean wait", p.MeanWait(), q.MeanWait())
			worse("mean wait of the answered", p.MeanWaitAnswered(), q.MeanWaitAnswered())
			worse("P(wait > t)", p.PWaitOver(within), q.PWaitOver(within))
			worse("occupancy", p.Occupancy(), q.Occupancy())
			for _, f := range Formulas() {
				worse("missed level "+string(f), 1-Level(p, f, within, short), 1-Level(q, f, within, short))
			}
		}
	})
}

func TestRequiredIsTheSmallestNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		load := math.Exp(rapid.Float64Range(-3, 6).Draw(t, "log load"))
		d := Demand{Rate: load / 200, Handle: 200, Patience: rapid.Float64Range(10, 1000).Draw(t, "patience")}
		m := rapid.SampledFrom([]Model{ErlangA, ErlangC}).Draw(t, "model")
		target := Target{Formula: rapid.SampledFrom(Formulas()).Draw(t, "formula"), Within: 15, Short: 5, MinAgents: rapid.IntRange(0, 5).Draw(t, "min")}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			target.Level = rapid.Float64Range(0.01, 0.999).Draw(t, "level")
		case 1:
			target.MaxASA = rapid.Float64Range(0.01, 100).Draw(t, "asa")
		case 2:
			target.MaxAbandon = rapid.Float64Range(0.001, 0.9).Draw(t, "abandon")
		case 3:
			target.MaxOccupancy = rapid.Float64Range(0.1, 0.99).Draw(t, "occupancy")
		}
		p, err := Required(m, d, target)
		if err != nil {
			t.Fatal(err)
		}
		meets := func(p Performance, slack float64) bool {
			return Level(p, target.Formula, 15, 5) >= target.Level-slack &&
				(target.MaxASA == 0 || p.MeanWaitAnswered() <= target.MaxASA*(1+slack)) &&
				(target.MaxAbandon == 0 || p.PAbandon() <= target.MaxAbandon+slack) &&
				(target.MaxOccupancy == 0 || p.Occupancy() <= target.MaxOccupancy+slack)
		}
		if !meets(p, 1e-9) {
			t.Fatalf("%d agents do not meet it", p.Agents())
		}
		// One fewer must miss it, other than by rounding.
		if least := max(1, target.MinAgents); p.Agents() > least {
			fewer, _ := Solve(m, d, p.Agents()-1)
			if meets(fewer, -1e-9) {
				t.Fatalf("%d agents meet it already, got %d", p.Agents()-1, p.Agents())
			}
		} else if p.Agents() < least {
			t.Fatalf("%d agents are fewer than %d", p.Agents(), least)
		}
	})
}

func TestLargestQueueIsSearchedQuickly(t *testing.T) {
	d := Demand{Rate: 20000.0 / 236, Handle: 236, Patience: 120}
	p, err := Required(ErlangA, d, Target{Level: 0.95, Within: 15, Formula: OfOffered})
	if err != nil || p.Agents() < 19000 || p.Agents() > 20500 {
		t.Fatalf("%v, %v", p, err)
	}
}

func TestRoundingDoesNotAddAnAgent(t *testing.T) {
	for _, c := range []struct {
		agents    int
		shrinkage float64
		want      int
	}{{7, 0.3, 10}, {21, 0.3, 30}, {17, 0.32, 25}, {14, 0.3, 20}, {15, 0.3, 22}, {1, 0.3, 2}, {9, 0, 9}, {9, 0.1, 10}, {0, 0.3, 0}} {
		if got := Scheduled(c.agents, c.shrinkage); got != c.want {
			t.Errorf("%d agents, shrinkage %v: got %d, want %d", c.agents, c.shrinkage, got, c.want)
		}
	}
	// 17 Erlang on 20 agents, from a load that is not exactly 17.
	d := Demand{Rate: 17.0 / 236 * (1 + 4e-16), Handle: 236}
	p, err := Required(ErlangC, d, Target{MaxOccupancy: 0.85})
	if err != nil || p.Agents() != 20 {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestWrongInputIsToldInASentence(t *testing.T) {
	good, target := Demand{Rate: 0.1, Handle: 200, Patience: 100}, Target{Level: 0.8, Within: 15, Formula: OfOffered}
	with := func(change func(*Demand, *Target)) error {
		d, g := good, target
		change(&d, &g)
		_, err := Required(ErlangA, d, g)
		return err
	}
	if err := with(func(*Demand, *Target) {}); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Demand, *Target){
		"calls per second are offered": func(d *Demand, _ *Target) { d.Rate = math.NaN() },
		"handling time is 0 s":         func(d *Demand, _ *Target) { d.Handle = 0 },
		"the load is":                  func(d *Demand, _ *Target) { d.Rate = 1e9 },
		"mean patience is -1 s":        func(d *Demand, _ *Target) { d.Patience = -1 },
		"handling times":               func(d *Demand, _ *Target) { d.Patience = 1e-300 },
		"there is no target":           func(_ *Demand, g *Target) { g.Level = 0 },
		"service level is 1":           func(_ *Demand, g *Target) { g.Level = 1 },
		"threshold":                    func(_ *Demand, g *Target) { g.Within = -1 },
		"not a formula":                func(_ *Demand, g *Target) { g.Formula = "best" },
		"longest mean wait":            func(_ *Demand, g *Target) { g.MaxASA = math.NaN() },
		"largest occupancy is 1.2":     func(_ *Demand, g *Target) { g.MaxOccupancy = 1.2 },
		"is not reached with 1000000":  func(_ *Demand, g *Target) { g.MaxOccupancy = 1e-9 },
	} {
		if err := with(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: must tell %q", err, want)
		}
	}
	if _, err := Solve("erlang-x", good, 10); err == nil {
		t.Error("an unknown model was taken")
	}
	if _, err := Solve(ErlangA, good, 0); err == nil {
		t.Error("no agents were taken")
	}
}

// The names are those of the figures that the site publishes.
func TestFormulasAreThoseOfTheTrafficFigures(t *testing.T) {
	for ours, theirs := range map[Formula]traffic.LevelFormula{OfOffered: traffic.OfOffered, OfAnswered: traffic.OfAnswered,
		OfOfferedLessShort: traffic.OfOfferedLessShort, WithAbandoned: traffic.WithAbandoned} {
		if string(ours) != string(theirs) {
			t.Errorf("%s is called %s there", ours, theirs)
		}
	}
}
