package traffic

import (
	"strconv"
	"time"
)

// histogram counts durations by cells, each of which is a counter. The cell of
// bound b holds durations over the bound before it and up to b, b itself
// included; the last cell holds what is longer than the last bound. So "answered
// within 15 s" and "talked for more than 10 minutes" are exact sums of cells.
type histogram struct {
	bounds []int     // upper bounds in seconds
	cells  []Counter // one more
}

func newHistogram(prefix string, bounds []int) histogram {
	return histogram{bounds, append(named(prefix, bounds), Counter(prefix+"inf"))}
}

// named are counters by numbers.
func named(prefix string, numbers []int) []Counter {
	var names []Counter
	for _, n := range numbers {
		names = append(names, Counter(prefix+strconv.Itoa(n)))
	}
	return names
}

// cell is the one that holds d.
func (h histogram) cell(d time.Duration) Counter {
	ms := d.Milliseconds()
	for i, bound := range h.bounds {
		if ms <= int64(bound)*millisecondsSecond {
			return h.cells[i]
		}
	}
	return h.cells[len(h.bounds)]
}

// upTo counts the durations of at most so many seconds, which are a bound.
func (h histogram) upTo(c Counters, seconds int) int64 {
	var sum int64
	for i, bound := range h.bounds {
		if bound > seconds {
			break
		}
		sum += c[h.cells[i]]
	}
	return sum
}

// over counts the durations of more than so many seconds, which are a bound.
func (h histogram) over(c Counters, seconds int) int64 {
	sum := c[h.cells[len(h.bounds)]]
	for i, bound := range h.bounds {
		if bound > seconds {
			sum += c[h.cells[i]]
		}
	}
	return sum
}
