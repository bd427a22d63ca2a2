package staffing

import "math"

// virtual is the density e^g of the wait of a caller who never gives up, not
// normalised, in mean handling times. Points are measured from the peak of g,
// s = x - peak, and values are relative to the peak: both keep their digits
// when the peak is far out and high.
type virtual struct {
	n, load, theta float64
	peak           float64 // where g is largest, >= 0
	height         float64 // g(peak) >= g(0) = 0
	panels         []panel // adjoining, ascending
}

// panel is a stretch over which Gauss-Legendre is exact to rounding, with its
// points x and the weights of f(x) in the integral of f e^g.
type panel struct {
	from, to   float64
	x, weights [points]float64
}

const (
	points = 16
	// panelDrop bounds the change of g over a panel; with 16 points the error
	// is far below rounding.
	panelDrop = 4.0
	// negligible is how far below the peak e^g is cut off: e^-100 is 4e-44.
	negligible = 100.0
)

func newVirtual(n, load, theta float64) virtual {
	v := virtual{n: n, load: load, theta: theta}
	if load > n {
		// g'(x) = load e^(-θx) - n is zero there.
		up := math.Log1p((load - n) / n)
		v.peak = up / theta
		v.height = -n / theta * up * bend(-up)
	}
	v.lay()
	return v
}

// bend is 1 - (1 - e^-u)/u: how far the share of callers who are still patient,
// averaged over the wait u, has fallen.
func bend(u float64) float64 {
	if math.Abs(u) > 0.3 {
		return (u + math.Expm1(-u)) / u
	}
	// u/2! - u²/3! + ...
	sum, term := 0.0, -1.0
	for k := 2.0; k < 20; k++ {
		term *= -u / k
		sum += term
	}
	return sum
}

// drop is g(peak) - g(peak + s) >= 0. Its parts are all positive.
func (v virtual) drop(s float64) float64 {
	if v.peak > 0 {
		return v.n * s * bend(v.theta*s)
	}
	return (v.n-v.load)*s + v.load*s*bend(v.theta*s)
}

// patient is the probability that a caller has not given up within x, gone that
// he has.
func (v virtual) patient(x float64) float64 { return math.Exp(-v.theta * x) }
func (v virtual) gone(x float64) float64    { return -math.Expm1(-v.theta * x) }
func every(float64) float64                 { return 1 }

// lay covers what is not negligible with panels, from the peak outwards.
func (v *virtual) lay() {
	var left []panel
	size := v.firstPanel()
	for s := 0.0; s > -v.peak && v.drop(s) < negligible; {
		size = v.fit(s, -min(size, 1/v.theta, v.peak+s))
		left = append(left, v.panel(s-size, s))
		if s -= size; v.peak+s <= 1e-15*v.peak {
			break
		}
		size *= 2
	}
	for i := len(left) - 1; i >= 0; i-- {
		v.panels = append(v.panels, left[i])
	}
	size = v.firstPanel()
	for s := 0.0; v.drop(s) < negligible; size *= 2 {
		// Patience bends the integrands over 1/θ, until hardly anyone is left.
		size = v.fit(s, min(size, max(1/v.theta, (v.peak+s)/2)))
		v.panels = append(v.panels, v.panel(s, s+size))
		s += size
	}
}

// firstPanel guesses the size of a panel at the peak from slope and curvature.
func (v virtual) firstPanel() float64 {
	slope := max(v.n-v.load, 0)
	curve := min(v.n, v.load) * v.theta
	return min(panelDrop/slope, math.Sqrt(panelDrop/curve))
}

// fit halves the signed step from s until g changes little; it returns the
// size without sign.
func (v virtual) fit(s, step float64) float64 {
	for math.Abs(v.drop(s+step)-v.drop(s)) > panelDrop {
		step /= 2
	}
	return math.Abs(step)
}

func (v virtual) panel(from, to float64) panel {
	p := panel{from: from, to: to}
	middle, half := (from+to)/2, (to-from)/2
	for i, g := range gauss {
		s := middle + half*g.at
		p.x[i] = max(v.peak+s, 0)
		p.weights[i] = half * g.weight * math.Exp(-v.drop(s))
	}
	return p
}

// integral is the integral of f(x) e^g(x) over from <= x <= to, divided by
// e^height.
func (v virtual) integral(f func(x float64) float64, from, to float64) float64 {
	sum := 0.0
	for i := range v.panels {
		p := &v.panels[i]
		low, high := max(p.from, from-v.peak), min(p.to, to-v.peak)
		if low >= high {
			continue
		}
		if low > p.from || high < p.to {
			cut := v.panel(low, high)
			p = &cut
		}
		for j, x := range p.x {
			sum += p.weights[j] * f(x)
		}
	}
	return sum
}

type node struct{ at, weight float64 }

// gauss are the points and weights of 16-point Gauss-Legendre on [-1, 1]: the
// zeros of the Legendre polynomial by Newton's method (Abramowitz and Stegun
// 25.4.29).
var gauss = legendre(points)

func legendre(count int) []node {
	nodes := make([]node, count)
	for i := range nodes {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(count) + 0.5))
		var slope float64
		for range 10 {
			p, before := 1.0, 0.0
			for k := 1; k <= count; k++ {
				p, before = (float64(2*k-1)*x*p-float64(k-1)*before)/float64(k), p
			}
			slope = float64(count) * (x*p - before) / (x*x - 1)
			x -= p / slope
		}
		nodes[i] = node{x, 2 / ((1 - x*x) * slope * slope)}
	}
	return nodes
}
