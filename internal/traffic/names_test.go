package traffic

import (
	"slices"
	"testing"
)

// The figures of a course are the same from its counters as from all.
func TestCourseCounters(t *testing.T) {
	all := Counters{}
	for i, c := range Names() {
		all[c] = int64(1000 + 7*i)
	}
	for _, formula := range Formulas() {
		for _, threshold := range []int{1, 15, 3600} {
			for _, short := range ShortAbandonBounds() {
				d, err := Define(Options{ShortAbandon: short, Thresholds: []int{threshold, 30}, Published: formula})
				if err != nil {
					t.Fatal(err)
				}
				some := Counters{}
				for _, c := range d.CourseCounters() {
					if !slices.Contains(Names(), c) {
						t.Fatalf("%s is no counter", c)
					}
					some[c] = all[c]
				}
				for _, m := range d.CourseMetrics() {
					got, want := d.Compute(some).Value(m), d.Compute(all).Value(m)
					if _, known := d.Get(m); !known || got != want {
						t.Errorf("%s at %d s, short %d s: %v, want %v", m, threshold, short, got, want)
					}
				}
			}
		}
	}
}
