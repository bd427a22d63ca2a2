package app

import (
	"maps"
	"slices"

	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/httpapi/view"
	"hotline/internal/traffic"
)

// siteView is what the pages are told of a configuration.
func siteView(cfg *config.Config) view.Site {
	out := view.Site{
		Site: cfg.Site, TimeZone: cfg.Location.String(), Numbers: []string{}, Queues: []view.QueueTitle{}, Reasons: []view.ReasonTitle{},
		Seats: []acd.SeatID{}, Levels: []view.ServiceLevel{}, PriorityWorth: view.Seconds(cfg.PriorityWorth),
	}
	thresholds := cfg.Traffic.Thresholds
	if len(thresholds) == 0 {
		thresholds = traffic.StandardThresholds()
	}
	for _, seconds := range thresholds {
		out.Levels = append(out.Levels, view.ServiceLevel{Seconds: seconds, Figure: string(traffic.ServiceLevel(cfg.Traffic.Published, seconds))})
	}
	skills := map[acd.SkillID]bool{}
	for _, e := range cfg.Entries {
		out.Numbers = append(out.Numbers, e.Number)
		for _, s := range e.Skills {
			skills[s.Skill] = true
		}
	}
	for _, q := range cfg.Queues {
		out.Queues = append(out.Queues, view.QueueTitle{Queue: q.ID, Title: q.Title})
	}
	for _, r := range cfg.NotReadyReasons {
		out.Reasons = append(out.Reasons, view.ReasonTitle{Reason: r.Name, Title: r.Title})
	}
	for _, s := range cfg.Seats {
		out.Seats = append(out.Seats, s.ID)
	}
	for _, a := range cfg.Agents {
		for s := range a.Skills {
			skills[s] = true
		}
	}
	out.Skills = append([]acd.SkillID{}, slices.Sorted(maps.Keys(skills))...)
	return out
}
