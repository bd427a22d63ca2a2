package traffic

import (
	"slices"
	"strings"
)

// CounterSets say which counters a program counts. A day keeps the number of the set
// with which it was counted, so that a later program, which counts more, does not take
// for a difference what nobody counted then.
//
// The first set is numbered 1. Each item is what the next one has besides, so the item
// at index 0 makes set 2. Items are only ever added, at the end.
type CounterSets []AddedCounters

// AddedCounters are those that a set has and the one before has not.
type AddedCounters struct {
	// Counters are named; a name that ends in _ stands for all that begin so, as those
	// of a histogram.
	Counters []Counter
	// Dimensions are counted with all their counters.
	Dimensions []Dimension
}

// Sets are those of this program.
//
// Whoever adds counters adds one line here, for example
//
//	{Counters: []Counter{SumWait, "wait_s_"}},
//
// and a test fails until that is done. Counters that came in one release make one line.
var Sets = CounterSets{
	{Counters: []Counter{
		CountHeld, SumHold, MaxHold, CountOutboundHeld, SumOutboundHold, MaxOutboundHold, CountRatingAsked, CountRated, gradePrefix,
	}},
}

// Latest is the number of the set with all counters.
func (s CounterSets) Latest() int { return 1 + len(s) }

// Has reports whether a set counts a counter of a row.
func (s CounterSets) Has(set int, key Key, counter Counter) bool {
	for _, added := range s[min(set-1, len(s)):] {
		if slices.Contains(added.Dimensions, key.Dimension) || slices.ContainsFunc(added.Counters, func(name Counter) bool {
			return name == counter || strings.HasSuffix(string(name), "_") && strings.HasPrefix(string(counter), string(name))
		}) {
			return false
		}
	}
	return true
}

// Since lists what the sets after one have besides, for a sentence.
func (s CounterSets) Since(set int) (names []string) {
	for _, added := range s[min(set-1, len(s)):] {
		for _, counter := range added.Counters {
			if strings.HasSuffix(string(counter), "_") {
				counter += "…"
			}
			names = append(names, string(counter))
		}
		for _, dimension := range added.Dimensions {
			names = append(names, string(dimension)+":…")
		}
	}
	return names
}

// Only are the rows of a table with what a set counts.
func (s CounterSets) Only(set int, table Table) Table {
	if set >= s.Latest() {
		return table
	}
	out := Table{}
	for key, counters := range table {
		for counter, amount := range counters {
			if s.Has(set, key, counter) {
				out.row(key)[counter] = amount
			}
		}
	}
	return out
}
