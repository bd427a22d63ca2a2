package traffic

import (
	"bytes"
	"encoding/json"
)

// Figures are the values of all definitions for one set of counters.
type Figures struct {
	definitions *Definitions
	counters    Counters
}

// Compute gives the figures of counters. The counters are copied.
func (d *Definitions) Compute(counters Counters) Figures {
	return Figures{definitions: d, counters: counters.Clone()}
}

// Definitions are what the figures follow.
func (f Figures) Definitions() *Definitions { return f.definitions }

// Counters are the raw sums behind the figures, as a copy.
func (f Figures) Counters() Counters { return f.counters.Clone() }

// Counter is one of the raw sums behind the figures.
func (f Figures) Counter(name Counter) int64 { return f.counters[name] }

// Value is the exact value of a figure; it has no value when the figure is not defined.
func (f Figures) Value(metric Metric) Ratio {
	definition, found := f.definitions.Get(metric)
	if !found {
		return Ratio{}
	}
	return definition.of(f.counters)
}

// Text is a figure as it is published: rounded once, or None.
func (f Figures) Text(metric Metric) string {
	definition, _ := f.definitions.Get(metric)
	return f.Value(metric).Round(definition.Decimals)
}

// MarshalJSON writes every figure under its metric's name, in the order of the
// definitions, as a number with the published decimals or null, and the raw
// sums under "counters".
func (f Figures) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for _, definition := range f.definitions.list {
		value := "null"
		if ratio := definition.of(f.counters); ratio.Defined() {
			value = ratio.Round(definition.Decimals)
		}
		out.WriteString(`"` + string(definition.Key) + `":` + value + `,`)
	}
	counters, err := json.Marshal(f.counters)
	if err != nil {
		return nil, err
	}
	out.WriteString(`"counters":`)
	out.Write(counters)
	out.WriteByte('}')
	return out.Bytes(), nil
}
