package sim

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
)

// Replicate makes runs of a scenario whose seeds are opt.Seed, opt.Seed+1, …
// Results stand in the order of the seeds, however many run at a time.
func Replicate(ctx context.Context, s *Scenario, opt Options, runs int) ([]*Result, error) {
	results, errs := make([]*Result, runs), make([]error, runs)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	slots := make(chan struct{}, min(runs, runtime.GOMAXPROCS(0)))
	for i := range runs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			own := opt
			own.Seed += uint64(i)
			if results[i], errs[i] = Run(ctx, s, own); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	var first error
	for _, err := range errs {
		// Runs that were only called off tell nothing.
		if err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	return results, nil
}

// Estimate is a mean over runs, with the half-width of its 95% confidence
// interval (Student's t). HalfWidth is NaN with fewer than two values.
type Estimate struct {
	Mean, HalfWidth float64
	N               int
}

// EstimateOf is the estimate of the values of independent runs; those that are
// NaN (a figure without a denominator) are left out.
func EstimateOf(values []float64) Estimate {
	var e Estimate
	for _, v := range values {
		if !math.IsNaN(v) {
			e.N++
			e.Mean += (v - e.Mean) / float64(e.N)
		}
	}
	if e.N == 0 {
		return Estimate{Mean: math.NaN(), HalfWidth: math.NaN()}
	}
	squares := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			squares += (v - e.Mean) * (v - e.Mean)
		}
	}
	if e.N < 2 {
		e.HalfWidth = math.NaN()
		return e
	}
	e.HalfWidth = StudentQuantile(0.975, e.N-1) * math.Sqrt(squares/float64(e.N-1)/float64(e.N))
	return e
}

// Difference is the estimate of b - a over pairs of runs with the same seed.
// With common random numbers it is far narrower than the two by themselves.
func Difference(a, b []float64) Estimate {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = b[i] - a[i]
	}
	return EstimateOf(d)
}

// StudentQuantile is the p-quantile (0.5 <= p < 1) of Student's t distribution
// with so many degrees of freedom, by bisection of its distribution function.
func StudentQuantile(p float64, freedom int) float64 {
	low, high := 0.0, 1.0
	for studentCDF(high, float64(freedom)) < p {
		high *= 2
	}
	for range 200 {
		middle := (low + high) / 2
		if studentCDF(middle, float64(freedom)) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// studentCDF for t >= 0: 1 - I_x(v/2, 1/2)/2 with x = v/(v+t²); Abramowitz and
// Stegun 26.7.1.
func studentCDF(t, v float64) float64 {
	return 1 - incompleteBeta(v/(v+t*t), v/2, 0.5)/2
}

// incompleteBeta is the regularized incomplete beta function by its continued
// fraction (Abramowitz and Stegun 26.5.8), evaluated by Lentz's method.
func incompleteBeta(x, a, b float64) float64 {
	if x <= 0 || x >= 1 {
		return min(max(x, 0), 1)
	}
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(1-x, b, a) // where the fraction converges faster
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	c, d, f := 1.0, 0.0, 1.0
	for i := range 10_000 {
		m := float64(i / 2)
		var term float64
		switch {
		case i == 0:
			term = 1
		case i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + term*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + term/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-14 {
			break
		}
	}
	return front * (f - 1)
}
