package traffic

import (
	"encoding/json"
	"strings"
)

// maxMetric begins the names of figures that are maxima.
const maxMetric = "max_"

// Grows reports whether the figure becomes larger, and never smaller, the longer is
// counted: counts, summed times and maxima. Of a period that goes on it cannot be set
// against that of a whole one; rates, means and shares can.
//
// Counts and summed times are those that have a value, 0, when nothing was counted:
// the others divide by what was.
func (d Definition) Grows() bool {
	return strings.HasPrefix(string(d.Key), maxMetric) || d.of(Counters{}).Defined()
}

// MarshalJSON writes the definition, and whether the figure grows.
func (d Definition) MarshalJSON() ([]byte, error) {
	type plain Definition
	return json.Marshal(struct {
		plain
		Grows bool `json:"grows"`
	}{plain(d), d.Grows()})
}
