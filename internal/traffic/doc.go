// Package traffic defines the figures of a hotline, once, and folds call
// records into what they are computed from.
//
// Records of finished calls enter Fold; Increments leave: sums, counts and
// maxima for one dimension key in one day and one interval. Increments add up
// to Counters in any order. Compute turns Counters into Figures: rates, means
// and shares, in exact arithmetic, rounded once when printed.
//
// Averages are never stored, so counters of intervals, days and queues can be
// added up to any whole.
//
// The package is pure. It imports acd and calendar; whoever keeps or shows
// figures may import it.
package traffic
