package config

import (
	"fmt"
	"slices"
	"strings"

	"hotline/internal/acd"
)

var skillName = siteName

// level checks a proficiency; least is 0 where none may be asked for.
func (c *checker) level(n number, key string, least acd.Level) acd.Level {
	return acd.Level(between(c, n, key, int(least), int(acd.MaxLevel)))
}

// skills checks what calls ask for.
func (c *checker) skills(raw levels, key string, least acd.Level) (list []acd.Requirement) {
	for _, item := range raw.items {
		skill := c.name(item.name, key, skillName)
		list = append(list, acd.Requirement{Skill: acd.SkillID(skill), Level: c.level(item.level, key+"."+skill, least)})
	}
	return list
}

// skillsAsked are the skills that numbers ask for, with every level.
type skillsAsked map[acd.SkillID][]acd.Level

func (s skillsAsked) add(skills []acd.Requirement) {
	for _, r := range skills {
		if r.Skill == "" {
			continue // ill-named, and reported
		}
		s[r.Skill] = append(s[r.Skill], r.Level)
	}
}

// least is the lowest level at which each skill is asked for.
func (s skillsAsked) least() map[acd.SkillID]acd.Level {
	least := make(map[acd.SkillID]acd.Level)
	for skill, levels := range s {
		least[skill] = slices.Min(levels)
	}
	return least
}

// asked reports a skill that no number asks for.
func (c *checker) asked(name text, key string, asked skillsAsked) {
	if _, known := asked[acd.SkillID(name.v)]; known || !skillName.MatchString(name.v) {
		return
	}
	remedy := "add it to the skills of a number, or remove it"
	if len(asked) > 0 {
		var names []string
		for skill := range asked {
			names = append(names, string(skill))
		}
		slices.Sort(names)
		remedy = "asked for are: " + strings.Join(names, ", ")
	}
	c.at(name.place, "%s: no number asks for the skill %s, so it would change nothing; %s", key, quoted(name.v), remedy)
}

// proficiencies are an agent's skills.
func (c *checker) proficiencies(raw levels, asked skillsAsked) map[acd.SkillID]acd.Level {
	out := make(map[acd.SkillID]acd.Level)
	for _, r := range c.skills(raw, "agents.skills", acd.MinLevel) {
		out[r.Skill] = r.Level
	}
	for _, item := range raw.items {
		c.asked(item.name, "agents.skills", asked)
	}
	return out
}

// queueLevels are an agent's levels in the own queues.
func (c *checker) queueLevels(raw levels, own unique) map[acd.QueueID]acd.Level {
	out := make(map[acd.QueueID]acd.Level)
	for _, item := range raw.items {
		if _, serves := own.seen[item.name.v]; !serves {
			c.at(item.name.place, "agents.levels: the agent does not serve queue %s; add it to the agent's queues, or remove the level", quoted(item.name.v))
		}
		out[acd.QueueID(item.name.v)] = c.level(item.level, "agents.levels."+item.name.v, acd.MinLevel)
	}
	return out
}

// demand is what a call asks for at last, when a queue has relaxed all it will.
type demand struct {
	queue   acd.QueueID
	level   acd.Level
	skills  []acd.Requirement
	helpers []acd.QueueID
}

func demandOf(q acd.Queue, skills []acd.Requirement) demand {
	d := demand{queue: q.ID, level: q.Level, skills: slices.Clone(skills)}
	for _, step := range q.Relax {
		d.level, d.helpers = step.Level, append(d.helpers, step.Queues...)
		for _, relaxed := range step.Skills {
			for i := range d.skills {
				if d.skills[i].Skill == relaxed.Skill {
					d.skills[i].Level = relaxed.Level
				}
			}
		}
	}
	return d
}

func (d demand) metBy(a Agent) bool {
	level, given := a.Levels[d.queue]
	if !given {
		level = acd.MaxLevel
	}
	serves := slices.Contains(a.Queues, d.queue) && level >= d.level
	if !serves && !slices.ContainsFunc(d.helpers, func(q acd.QueueID) bool { return slices.Contains(a.Queues, q) }) {
		return false
	}
	return !slices.ContainsFunc(d.skills, func(r acd.Requirement) bool { return a.Skills[r.Skill] < r.Level })
}

// reach reports calls that no agent could ever be offered. The items of raw
// and of cfg stand in the same order.
func (c *checker) reach(raw *file, cfg *Config) {
	met := func(d demand) bool { return slices.ContainsFunc(cfg.Agents, d.metBy) }
	queues := make(map[acd.QueueID]acd.Queue)
	for i, q := range cfg.Queues {
		queues[q.ID] = q
		if !met(demandOf(q, nil)) {
			c.at(raw.Queues.items[i].Level.place, "queue %s asks for level %d, which none of its agents has, so its callers would wait for ever; lower it, raise the levels of agents, or relax it", q.ID, q.Level)
		}
	}
	for i, e := range cfg.Entries {
		if len(e.Skills) == 0 {
			continue
		}
		for _, id := range reachable(e.Queue, queues) {
			if q := queues[id]; met(demandOf(q, nil)) && !met(demandOf(q, e.Skills)) {
				c.at(raw.Entries.items[i].Skills.place, "number %s asks for %s, which no agent for queue %s has, so its callers would wait there for ever; give agents the skills, lower them, or relax them in the queue", e.Number, written(e.Skills), id)
			}
		}
	}
}

// reachable lists a queue and those to which its callers may overflow.
func reachable(from acd.QueueID, queues map[acd.QueueID]acd.Queue) []acd.QueueID {
	found := []acd.QueueID{from}
	for i := 0; i < len(found); i++ {
		for _, rule := range queues[found[i]].Overflow {
			if rule.To != "" && !slices.Contains(found, rule.To) {
				found = append(found, rule.To)
			}
		}
	}
	return found
}

func written(skills []acd.Requirement) string {
	var parts []string
	for _, r := range skills {
		parts = append(parts, fmt.Sprintf("%s %d", r.Skill, r.Level))
	}
	return strings.Join(parts, ", ")
}
