package versus

import (
	"fmt"
	"strings"
)

// Goal is what hotline wants to reach, and what was measured.
type Goal struct {
	Text     string `json:"goal"`
	Measured string `json:"measured"`
	Met      bool   `json:"met"`
}

// goals judges what the points of the plan allow to judge: each at its worst point.
func goals(plan Plan, r Report) (list []Goal) {
	// each is met when no point is over the bound or, with least, under it.
	each := func(text, form string, bound float64, least bool, of func(Point) (float64, bool)) {
		var at []string
		met, any := true, false
		for _, session := range plan.Sessions {
			for _, p := range session {
				v, there := of(p)
				if !there {
					continue
				}
				any = true
				at = append(at, fmt.Sprintf(form+" (%s)", v, p.Name()))
				within := v <= bound
				if least {
					within = v >= bound
				}
				met = met && within
			}
		}
		if any {
			list = append(list, Goal{Text: text, Measured: strings.Join(at, ", "), Met: met})
		}
	}
	ratio := func(kind Kind, agents int, measure string) func(Point) (float64, bool) {
		return func(p Point) (float64, bool) {
			if kind != "" && p.Kind != kind || agents > 0 && p.Agents != agents {
				return 0, false
			}
			for _, c := range r.Comparisons {
				if c.Point == p.Name() && c.Measure == measure && c.Ratio > 0 {
					return c.Ratio, true
				}
			}
			return 0, false
		}
	}
	cost := func(of func(Cost) float64) func(Point) (float64, bool) {
		return func(p Point) (float64, bool) {
			for _, c := range r.Costs {
				if p.Kind == Rate && c.Point == p.Name() {
					return of(c), true
				}
			}
			return 0, false
		}
	}
	each("CPU per answered call at 100 agents at most 0.95 of app_queue's", "%.2f", 0.95, false, ratio(Rate, 100, cpuMeasure))
	each("CPU per answered call at 2,000 agents at most 0.80 of app_queue's", "%.2f", 0.80, false, ratio(Rate, 2000, cpuMeasure))
	each("idle gap of agents at most 2% of app_queue's median", "%.3f", 0.02, false, ratio(Waiting, 0, gapMeasure))
	each("calls answered a second at least app_queue's", "%.2f", 1, true, ratio("", 0, rateMeasure))
	each("calls connected at least app_queue's", "%.3f", 1, true, ratio(Rate, 0, successMeasure))
	each("controller at most 1 ms CPU per answered call", "%.2f ms", 1, false, cost(func(c Cost) float64 { return c.Controller }))
	each("at most 9 ARI requests per answered call", "%.2f", 9, false, cost(func(c Cost) float64 { return c.Requests }))
	if g, ok := flat(plan, r); ok {
		list = append(list, g)
	}
	return list
}

// level is by how much the cost of a call may differ and still count as flat.
const level = 1.10

// flat compares the cost of a call with the most callers waiting with that with
// the fewest.
func flat(plan Plan, r Report) (Goal, bool) {
	var costs []Cost
	for _, session := range plan.Sessions {
		for _, p := range session {
			for _, c := range r.Costs {
				if p.Kind == Waiting && c.Point == p.Name() {
					costs = append(costs, c)
				}
			}
		}
	}
	if len(costs) < 2 {
		return Goal{}, false
	}
	few, many := costs[0], costs[len(costs)-1]
	ours := (many.Controller + many.Redis) / (few.Controller + few.Redis)
	all := (many.Controller + many.Redis + many.Asterisk) / (few.Controller + few.Redis + few.Asterisk)
	return Goal{
		Text:     fmt.Sprintf("cost of a call as with few callers waiting (%s) also with many (%s), within 10%%", few.Point, many.Point),
		Measured: fmt.Sprintf("%.2f, controller and Redis alone %.2f; the difference holds the hold music of all who wait", all, ours),
		Met:      all <= level,
	}, true
}
