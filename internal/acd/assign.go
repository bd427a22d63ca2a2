package acd

import (
	"cmp"
	"maps"
	"slices"
)

// Assignment is what an agent serves and knows by a supervisor's word, in the place of
// what the configuration says.
type Assignment struct {
	Queues map[QueueID]Level `json:"queues"` // not empty
	Skills map[SkillID]Level `json:"skills,omitempty"`
}

func (a *Assignment) clone() *Assignment {
	if a == nil {
		return nil
	}
	return &Assignment{maps.Clone(a.Queues), maps.Clone(a.Skills)}
}

// assignSkills gives an agent other queues, levels and skills, or takes that back.
// Whoever waits is matched by them at once; offers and conversations go on.
func (e *Engine) assignSkills(ev AssignSkills) *RequestError {
	a := e.agents[ev.Agent]
	switch {
	case a == nil:
		return refuse("unknown_agent", "agent %s is not configured", ev.Agent)
	case a.retired:
		return refuse("unknown_agent", "agent %s is no longer configured and is logged out after the present call", ev.Agent)
	case ev.Queues == nil && ev.Skills == nil:
		e.reassign(a, nil)
		return nil
	case len(ev.Queues) == 0:
		return refuse("no_queues", "agent %s needs at least one queue to serve", ev.Agent)
	}
	for _, q := range slices.Sorted(maps.Keys(ev.Queues)) {
		if e.queues[q] == nil {
			return refuse("unknown_queue", "queue %s is not configured", q)
		}
		if err := assignable(ev.Queues[q], "queue "+string(q)); err != nil {
			return err
		}
	}
	for _, s := range slices.Sorted(maps.Keys(ev.Skills)) {
		if !e.skills[s] {
			return refuse("unknown_skill", "nobody asks for the skill %s and no agent is configured with it", s)
		}
		if err := assignable(ev.Skills[s], "skill "+string(s)); err != nil {
			return err
		}
	}
	e.reassign(a, (&Assignment{ev.Queues, ev.Skills}).clone())
	return nil
}

func assignable(level Level, what string) *RequestError {
	if level < MinLevel || level > MaxLevel {
		return refuse("bad_level", "there is no level %d, which %s was given; levels are %d to %d", level, what, MinLevel, MaxLevel)
	}
	return nil
}

// reassign lets an agent serve by an assignment, or without one by the configuration.
func (e *Engine) reassign(a *agent, given *Assignment) {
	if a.Assigned == nil && given == nil {
		return
	}
	before := a.queues
	for _, q := range before {
		q.tally(a.State, -1)
	}
	a.quitQueues()
	a.Assigned = given
	e.equip(a)
	for _, q := range a.queues {
		q.tally(a.State, 1)
	}
	e.touchAgent(a)
	e.unprefer(a)
	e.joinAgain(a)
	for _, q := range before {
		if !q.staffed() {
			e.deserted(q)
		}
	}
}

// equip gives an agent the queues, levels and skills of the assignment, or else of the
// configuration. What the configuration has no more falls out of the assignment, and one
// without queues is taken back. Who is on duty in the queues is for the caller to count.
func (e *Engine) equip(a *agent) {
	e.fitAssignment(a)
	if given := a.Assigned; given != nil {
		a.levels, a.skills, a.Queues = maps.Clone(given.Queues), maps.Clone(given.Skills), nil
		for _, q := range e.queueOrder {
			if given.Queues[q.ID] > 0 {
				a.Queues = append(a.Queues, q.ID)
			}
		}
	} else {
		a.levels, a.skills, a.Queues = a.cfg.levels(), maps.Clone(a.cfg.Skills), slices.Clone(a.cfg.Queues)
	}
	a.queues = make([]*queue, 0, len(a.Queues))
	for _, id := range a.Queues {
		q := e.queues[id]
		a.queues = append(a.queues, q)
		q.members = append(q.members, a)
	}
}

func (e *Engine) fitAssignment(a *agent) {
	given := a.Assigned
	if given == nil {
		return
	}
	fits := given.clone()
	maps.DeleteFunc(fits.Queues, func(q QueueID, _ Level) bool { return e.queues[q] == nil })
	maps.DeleteFunc(fits.Skills, func(s SkillID, _ Level) bool { return !e.skills[s] })
	switch {
	case len(fits.Queues) == 0:
		a.Assigned = nil
	case len(fits.Queues) < len(given.Queues) || len(fits.Skills) < len(given.Skills):
		a.Assigned = fits
	default:
		return
	}
	e.touchAgent(a)
}

// quitQueues takes an agent off the lists of the queues.
func (a *agent) quitQueues() {
	for _, q := range a.queues {
		q.members = slices.DeleteFunc(q.members, func(x *agent) bool { return x == a })
	}
	a.queues = nil
}

// joinAgain makes an agent a member of the lines that the agent can serve now, and of no
// others. Where the agent was one before, the place among the ready stays.
func (e *Engine) joinAgain(a *agent) {
	for _, l := range e.linesInOrder() {
		i := slices.IndexFunc(a.members, func(m *member) bool { return m.line == l })
		d := l.demand(l.asked)
		level, ok := a.meets(l, d, l.asked)
		switch {
		case i < 0:
			e.join(a, l, d, l.asked)
		case !ok:
			m := a.members[i]
			l.ready.remove(m)
			l.members = slices.DeleteFunc(l.members, func(x *member) bool { return x == m })
			a.members = slices.Delete(a.members, i, i+1)
		case a.members[i].level != level:
			m := a.members[i]
			m.level = level
			if l.queue.Strategy == MostSkilled && m.pos >= 0 {
				l.ready.remove(m)
				e.enter(m)
			}
		}
	}
}

// linesInOrder lists the lines by their keys, so that choices by chance are the same again.
func (e *Engine) linesInOrder() []*line {
	return slices.SortedFunc(maps.Values(e.lines), func(x, y *line) int {
		a, b := x.key, y.key
		return cmp.Or(cmp.Compare(a.queue, b.queue), cmp.Compare(a.skills, b.skills), cmp.Compare(a.step, b.step), cmp.Compare(a.agent, b.agent))
	})
}

// levels are an agent's in all queues of the configuration.
func (a *Agent) levels() map[QueueID]Level {
	levels := make(map[QueueID]Level, len(a.Queues))
	for _, q := range a.Queues {
		levels[q] = MaxLevel
		if level, given := a.Levels[q]; given {
			levels[q] = level
		}
	}
	return levels
}
