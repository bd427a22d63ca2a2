// Package metricstest reads what /metrics serves, for tests and for the demo's
// verdict. The text of a scrape enters; values and quantiles leave.
package metricstest

import (
	"fmt"
	"io"
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Scrape is one reading of /metrics.
type Scrape struct{ families map[string]*dto.MetricFamily }

// Parse reads the text format.
func Parse(r io.Reader) (Scrape, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return Scrape{}, fmt.Errorf("read metrics: %w", err)
	}
	return Scrape{families: families}, nil
}

// Names lists the families in order.
func (s Scrape) Names() []string {
	names := make([]string, 0, len(s.families))
	for name := range s.families {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Value sums a counter or gauge over all series that carry the labels, which
// are given as name, value, name, value. It reports false when there is none.
func (s Scrape) Value(name string, labels ...string) (sum float64, found bool) {
	for _, metric := range s.series(name, labels) {
		found = true
		sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetUntyped().GetValue()
	}
	return sum, found
}

// Count is how many observations a histogram holds over all series that carry
// the labels.
func (s Scrape) Count(name string, labels ...string) (n uint64) {
	for _, metric := range s.series(name, labels) {
		n += metric.GetHistogram().GetSampleCount()
	}
	return n
}

// Quantile estimates the q-th quantile (0 to 1) of a histogram over all series
// that carry the labels: linear within a bucket, as Prometheus does. It is NaN
// without observations, and the highest finite bound when it lies above.
func (s Scrape) Quantile(name string, q float64, labels ...string) float64 {
	cumulative := make(map[float64]float64)
	for _, metric := range s.series(name, labels) {
		h := metric.GetHistogram()
		for _, b := range h.GetBucket() {
			cumulative[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
		if _, has := infinite(h); !has {
			cumulative[math.Inf(1)] += float64(h.GetSampleCount())
		}
	}
	bounds := make([]float64, 0, len(cumulative))
	for bound := range cumulative {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	total := cumulative[math.Inf(1)]
	if total == 0 {
		return math.NaN()
	}
	rank, low, below := q*total, 0.0, 0.0
	for _, bound := range bounds {
		count := cumulative[bound]
		if count >= rank && count > below {
			if math.IsInf(bound, 1) {
				return low
			}
			return low + (bound-low)*(rank-below)/(count-below)
		}
		low, below = bound, count
	}
	return low
}

func infinite(h *dto.Histogram) (*dto.Bucket, bool) {
	for _, b := range h.GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			return b, true
		}
	}
	return nil, false
}

func (s Scrape) series(name string, labels []string) (out []*dto.Metric) {
	for _, metric := range s.families[name].GetMetric() {
		if carries(metric, labels) {
			out = append(out, metric)
		}
	}
	return out
}

func carries(metric *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if !slices.ContainsFunc(metric.GetLabel(), func(l *dto.LabelPair) bool {
			return l.GetName() == labels[i] && l.GetValue() == labels[i+1]
		}) {
			return false
		}
	}
	return true
}
