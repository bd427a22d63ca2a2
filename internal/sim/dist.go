package sim

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Distribution is how long something lasts, at random. Durations are 0 or more.
type Distribution interface {
	Sample(r *rand.Rand) time.Duration
	// Mean is the expected duration; never is math.MaxInt64.
	Mean() time.Duration
	// check says what is wrong with the parameters.
	check() error
}

// never is the duration of what does not end.
const never = time.Duration(math.MaxInt64)

// longest bounds a sample, so that sums of instants cannot overflow.
const longest = 100 * 365 * 24 * time.Hour

func seconds(s float64) time.Duration {
	switch {
	case !(s > 0):
		return 0
	case s >= longest.Seconds():
		return longest
	}
	return time.Duration(s * float64(time.Second))
}

// Never is the patience of callers who wait for ever.
type Never struct{}

// Constant always lasts the same.
type Constant struct{ Value time.Duration }

// Exponential is without memory.
type Exponential struct{ MeanOf time.Duration }

// LogNormal is the usual shape of talk times.
type LogNormal struct {
	MeanOf time.Duration
	CV     float64 // standard deviation / mean; more than 0
}

// Gamma has mean and coefficient of variation.
type Gamma struct {
	MeanOf time.Duration
	CV     float64 // more than 0
}

// Weibull with a shape under 1 has many short and a few very long durations.
type Weibull struct {
	MeanOf time.Duration
	Shape  float64 // more than 0; 1 is the exponential distribution
}

// Histogram is measured: cells with weights, uniform within a cell. The first
// cell begins at 0.
type Histogram struct {
	Cells []Cell
	total float64
}

// Cell is a bar of a Histogram.
type Cell struct {
	UpTo   time.Duration
	Weight float64
}

// NewHistogram makes a distribution of cells with rising bounds.
func NewHistogram(cells []Cell) *Histogram {
	h := &Histogram{Cells: cells}
	for _, c := range cells {
		h.total += c.Weight
	}
	return h
}

// Sample implements Distribution.
func (Never) Sample(*rand.Rand) time.Duration { return never }

// Sample implements Distribution.
func (d Constant) Sample(*rand.Rand) time.Duration { return d.Value }

// Sample implements Distribution.
func (d Exponential) Sample(r *rand.Rand) time.Duration {
	return seconds(r.ExpFloat64() * d.MeanOf.Seconds())
}

// Sample implements Distribution.
func (d LogNormal) Sample(r *rand.Rand) time.Duration {
	variance := math.Log1p(d.CV * d.CV)
	return seconds(d.MeanOf.Seconds() * math.Exp(math.Sqrt(variance)*r.NormFloat64()-variance/2))
}

// Sample implements Distribution.
func (d Gamma) Sample(r *rand.Rand) time.Duration {
	shape := 1 / (d.CV * d.CV)
	return seconds(d.MeanOf.Seconds() / shape * standardGamma(r, shape))
}

// Sample implements Distribution.
func (d Weibull) Sample(r *rand.Rand) time.Duration {
	scale := d.MeanOf.Seconds() / math.Gamma(1+1/d.Shape)
	return seconds(scale * math.Pow(r.ExpFloat64(), 1/d.Shape))
}

// Sample implements Distribution.
func (d *Histogram) Sample(r *rand.Rand) time.Duration {
	u := r.Float64() * d.total
	var low time.Duration
	for i, c := range d.Cells {
		if u < c.Weight || i == len(d.Cells)-1 {
			return low + time.Duration(min(u/c.Weight, 1)*float64(c.UpTo-low))
		}
		u -= c.Weight
		low = c.UpTo
	}
	return low
}

// standardGamma draws with scale 1: Marsaglia and Tsang, "A simple method for
// generating gamma variables" (2000).
func standardGamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return standardGamma(r, shape+1) * math.Pow(1-r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Mean implements Distribution.
func (Never) Mean() time.Duration { return never }

// Mean implements Distribution.
func (d Constant) Mean() time.Duration { return d.Value }

// Mean implements Distribution.
func (d Exponential) Mean() time.Duration { return d.MeanOf }

// Mean implements Distribution.
func (d LogNormal) Mean() time.Duration { return d.MeanOf }

// Mean implements Distribution.
func (d Gamma) Mean() time.Duration { return d.MeanOf }

// Mean implements Distribution.
func (d Weibull) Mean() time.Duration { return d.MeanOf }

// Mean implements Distribution.
func (d *Histogram) Mean() time.Duration {
	var sum float64
	var low time.Duration
	for _, c := range d.Cells {
		sum += c.Weight * (low + c.UpTo).Seconds() / 2
		low = c.UpTo
	}
	return seconds(sum / d.total)
}

func (Never) check() error         { return nil }
func (d Constant) check() error    { return notNegative(d.Value) }
func (d Exponential) check() error { return notNegative(d.MeanOf) }
func (d LogNormal) check() error   { return errors.Join(notNegative(d.MeanOf), positive("cv", d.CV)) }
func (d Gamma) check() error       { return errors.Join(notNegative(d.MeanOf), positive("cv", d.CV)) }
func (d Weibull) check() error     { return errors.Join(notNegative(d.MeanOf), positive("shape", d.Shape)) }

func (d *Histogram) check() error {
	var low time.Duration
	for _, c := range d.Cells {
		if c.UpTo <= low || !(c.Weight >= 0) {
			return errors.New("the cells of a histogram need rising bounds and weights of 0 or more")
		}
		low = c.UpTo
	}
	if !(d.total > 0) || math.IsInf(d.total, 1) {
		return errors.New("a histogram needs a cell with a weight above 0")
	}
	return nil
}

func notNegative(d time.Duration) error {
	if d < 0 || d > longest {
		return fmt.Errorf("a duration of %v is out of range", d)
	}
	return nil
}

func positive(what string, v float64) error {
	if !(v >= 0.01 && v <= 100) {
		return fmt.Errorf("a %s of %v is out of range (0.01 to 100)", what, v)
	}
	return nil
}
