package scenario

import (
	"slices"
	"strconv"

	"hotline/internal/sim"
)

// variants are scenarios that differ from s in the routing alone: the same
// persons dial. The routing has the entries and agents of which s speaks.
func (c *checker) variants(raw *file, s *sim.Scenario) ([]*sim.Scenario, error) {
	var all []*sim.Scenario
	for i := range raw.Variants.Items() {
		v := &raw.Variants.Items()[i]
		name := s.Name + variantMark + v.Name.Get()
		if slices.ContainsFunc(all, func(o *sim.Scenario) bool { return o.Name == name }) {
			c.At(v.Name, "variants.name: %s is given twice; name each once", strconv.Quote(v.Name.Get()))
		}
		if !v.Routing.Given() {
			continue
		}
		own := *s
		own.Name, own.Title = name, v.Title.Get()
		known, err := c.routingFile(v.Routing, "variants.routing", &own)
		if err != nil {
			return nil, err
		}
		if err := own.Check(); known && c.Err() == nil && err != nil {
			c.At(v.Routing, "variants.routing: %v; correct that file", err)
		}
		all = append(all, &own)
	}
	return all, nil
}
