package replay

import (
	"math"
	"slices"
	"time"
)

// cell is a bar of a histogram: from the bound of the one before.
type cell struct {
	upTo   time.Duration
	weight float64
}

// ladder are the shares of the values at which cells end: as many values in
// each, and fewer in the last ones, where values lie far apart.
var ladder = func() []float64 {
	var shares []float64
	for i := 1; i < 50; i++ {
		shares = append(shares, float64(i)/50)
	}
	return append(shares, 0.99, 0.995, 0.998, 0.999, 1)
}()

// histogram is the distribution of measured values, of which there are some.
func histogram(values []time.Duration) []cell {
	values = slices.Clone(values)
	for i := range values {
		values[i] = max(0, values[i])
	}
	slices.Sort(values)
	var cells []cell
	if first := values[0].Truncate(time.Millisecond); first > 0 {
		cells = append(cells, cell{upTo: first})
	}
	done, n := 0, len(values)
	for _, share := range ladder {
		at := values[max(1, int(math.Ceil(share*float64(n))))-1]
		bound := at.Truncate(time.Millisecond) + time.Millisecond
		count, _ := slices.BinarySearchFunc(values, bound, func(v, b time.Duration) int {
			if v < b {
				return -1
			}
			return 1
		})
		if count > done {
			cells = append(cells, cell{bound, float64(count - done)})
			done = count
		}
	}
	return cells
}

// median of values, of which there are some; the lower one of two.
func median(values []time.Duration) time.Duration {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
