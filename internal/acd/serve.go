package acd

import "slices"

// CanServe reports whether an agent serves those who have just dialled a number,
// before they ask for less or are led elsewhere.
func (c *Config) CanServe(a *Agent, number string) bool {
	i := slices.IndexFunc(c.Entries, func(e Entry) bool { return e.Number == number })
	if i < 0 || !slices.Contains(a.Queues, c.Entries[i].Queue) {
		return false
	}
	level, given := a.Levels[c.Entries[i].Queue]
	if !given {
		level = MaxLevel
	}
	return !slices.ContainsFunc(c.Queues, func(q Queue) bool { return q.ID == c.Entries[i].Queue && level < q.Level }) &&
		!slices.ContainsFunc(c.Entries[i].Skills, func(r Requirement) bool { return a.Skills[r.Skill] < r.Level })
}
