package requirement

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/sim"
)

// order is in which agents come to the phone, so that n agents are always the
// first n of it. They come in the mix of skills in which the scenario's shifts
// employ them:
//
//   - First come those without whom a number that is dialled would have nobody,
//     each time the one who serves the most such numbers.
//   - Then the group of agents alike that is furthest behind its share of the
//     hours in the shifts (Webster's method: the highest hours / (2 × those
//     already there + 1)); groups without shifts last.
//   - Within a group those with shifts come first, and then by the order of the
//     routing.
func order(s *sim.Scenario) []acd.AgentID {
	worked := hours(s.Shifts)
	agents := slices.Clone(s.Routing.Agents)
	slices.SortStableFunc(agents, func(a, b acd.Agent) int {
		return cmp.Compare(min(1, worked[b.ID]), min(1, worked[a.ID]))
	})
	list, groups := covering(s, agents), groupsOf(agents, worked)
	for _, id := range list {
		for _, g := range groups {
			g.take(id)
		}
	}
	for len(list) < len(agents) {
		next := slices.MaxFunc(groups, compareNeed)
		id := next.agents[0]
		next.take(id)
		list = append(list, id)
	}
	return list
}

// hours are each agent's in the shifts of a week.
func hours(shifts []sim.Shift) map[acd.AgentID]time.Duration {
	sum := map[acd.AgentID]time.Duration{}
	for _, s := range shifts {
		length := s.End - s.Begin
		if length <= 0 {
			length += 24 * time.Hour
		}
		for _, works := range s.Weekdays {
			if works {
				for _, id := range s.Agents {
					sum[id] += length
				}
			}
		}
	}
	return sum
}

// covering are the few agents who together serve every number that is dialled,
// as far as anybody can.
func covering(s *sim.Scenario, agents []acd.Agent) []acd.AgentID {
	open := map[string]bool{}
	for _, a := range s.Arrivals {
		open[a.Entry] = true
	}
	var list []acd.AgentID
	for len(open) > 0 {
		var best acd.AgentID
		var most []string
		for i := range agents {
			var serves []string
			for number := range open {
				if s.Routing.CanServe(&agents[i], number) {
					serves = append(serves, number)
				}
			}
			if len(serves) > len(most) {
				best, most = agents[i].ID, serves
			}
		}
		if len(most) == 0 {
			break
		}
		list = append(list, best)
		for _, number := range most {
			delete(open, number)
		}
	}
	return list
}

// group is agents who serve the same.
type group struct {
	agents []acd.AgentID // not yet at the phone
	hours  time.Duration // in the shifts, of all
	taken  int
}

func groupsOf(agents []acd.Agent, worked map[acd.AgentID]time.Duration) []*group {
	var groups []*group
	known := map[string]*group{}
	for _, a := range agents {
		queues := slices.Sorted(slices.Values(a.Queues))
		key := fmt.Sprint(queues, sorted(a.Levels), sorted(a.Skills), a.Weight, a.WrapUp)
		g := known[key]
		if g == nil {
			g = &group{}
			known[key] = g
			groups = append(groups, g)
		}
		g.agents = append(g.agents, a.ID)
		g.hours += worked[a.ID]
	}
	return groups
}

func sorted[K ~string](levels map[K]acd.Level) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(levels)) {
		list = append(list, fmt.Sprint(k, levels[k]))
	}
	return list
}

func (g *group) take(id acd.AgentID) {
	if i := slices.Index(g.agents, id); i >= 0 {
		g.agents = slices.Delete(g.agents, i, i+1)
		g.taken++
	}
}

// compareNeed puts those from whom nobody is left before all others.
func compareNeed(a, b *group) int {
	if x, y := min(1, len(a.agents)), min(1, len(b.agents)); x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a.need(), b.need())
}

func (g *group) need() float64 { return g.hours.Hours() / float64(2*g.taken+1) }
