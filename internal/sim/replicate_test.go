package sim

import (
	"math"
	"testing"
)

// The values are those of the usual table of Student's t.
func TestStudentQuantile(t *testing.T) {
	for _, c := range []struct {
		freedom int
		want    float64
	}{{1, 12.7062}, {2, 4.3027}, {4, 2.7764}, {9, 2.2622}, {19, 2.0930}, {29, 2.0452}, {120, 1.9799}, {100_000, 1.95997}} {
		if got := StudentQuantile(0.975, c.freedom); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%d degrees of freedom: got %.5f, want %.4f", c.freedom, got, c.want)
		}
	}
	if got := StudentQuantile(0.95, 10); math.Abs(got-1.8125) > 1e-4 {
		t.Errorf("one-sided: got %.5f, want 1.8125", got)
	}
}

func TestEstimate(t *testing.T) {
	e := EstimateOf([]float64{1, 2, 3, 4, math.NaN()})
	// s = sqrt(5/3), t(3) = 3.1824
	if e.N != 4 || e.Mean != 2.5 || math.Abs(e.HalfWidth-3.1824*math.Sqrt(5.0/3/4)) > 1e-3 {
		t.Errorf("got %+v", e)
	}
	if e := EstimateOf([]float64{7}); e.Mean != 7 || !math.IsNaN(e.HalfWidth) {
		t.Errorf("one value: %+v", e)
	}
	if e := EstimateOf(nil); !math.IsNaN(e.Mean) {
		t.Errorf("no value: %+v", e)
	}
	if d := Difference([]float64{1, 5, 9}, []float64{2, 6, 10}); d.Mean != 1 || d.HalfWidth != 0 {
		t.Errorf("paired: %+v", d)
	}
}
