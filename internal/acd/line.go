package acd

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lineKey names what a waiting call asks of an agent: calls of one queue that
// ask for the same wait in one line.
type lineKey struct {
	queue  QueueID
	skills string  // what the entry asks for, see skillsKey
	step   int     // how many relaxations have taken place
	agent  AgentID // the only agent who may serve it; empty: whoever can
}

// line is an order of callers and the agents who can serve any of them. The
// longest-waiting caller and the best agent are at hand whatever the numbers.
type line struct {
	key     lineKey
	queue   *queue
	asked   []Requirement // what its calls asked for when they came
	waiting *ordered[*call]
	ready   *ordered[*member] // of members, those who may be rung
	members []*member
	dirty   bool
	// clock is the time of the last choice by chance; see strategyKey.
	clock float64
}

// member is an agent's place in one line.
type member struct {
	agent *agent
	line  *line
	level int     // what MostSkilled goes by
	key   float64 // the strategy's order, least first; set when the agent becomes ready
	pos   position
}

func newLine(key lineKey, q *queue, asked []Requirement) *line {
	return &line{
		key: key, queue: q, asked: asked,
		waiting: newOrdered(comesBefore, func(c *call) *position { return &c.pos }),
		ready:   newOrdered(ringsBefore, func(m *member) *position { return &m.pos }),
	}
}

// comesBefore orders the callers of one line. The weight is that of all, so
// the order is that of wait + priority × worth, which does not change as time
// goes by.
func comesBefore(a, b *call) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.Seq < b.Seq
}

func ringsBefore(a, b *member) bool {
	if a.key != b.key {
		return a.key < b.key
	}
	if c := a.agent.IdleSince.Compare(b.agent.IdleSince); c != 0 {
		return c < 0
	}
	return a.agent.Agent < b.agent.Agent
}

// demand is what a line asks for: its queue's level and the skills' levels
// after its steps, and whose agents may serve.
type demand struct {
	level  Level
	skills []Requirement
	queues []QueueID // in addition to the line's own
}

func (l *line) demand(skills []Requirement) demand {
	d := demand{level: l.queue.Level, skills: slices.Clone(skills)}
	for _, step := range l.queue.Relax[:l.key.step] {
		d.level = step.Level
		for _, s := range step.Skills {
			for i := range d.skills {
				if d.skills[i].Skill == s.Skill {
					d.skills[i].Level = s.Level
				}
			}
		}
		d.queues = append(d.queues, step.Queues...)
	}
	return d
}

// meets reports whether an agent can serve a line, and with which sum of levels.
func (a *agent) meets(l *line, d demand, asked []Requirement) (level int, ok bool) {
	own := a.level(l.queue.ID)
	if l.key.agent != "" {
		// They have talked before, whatever the call asks for.
		return int(own), own > 0 && l.key.agent == a.Agent
	}
	if own < max(d.level, MinLevel) && !slices.ContainsFunc(d.queues, func(q QueueID) bool { return a.level(q) > 0 }) {
		return 0, false
	}
	for _, s := range d.skills {
		if a.skills[s.Skill] < s.Level {
			return 0, false
		}
	}
	level = int(own)
	for _, s := range asked {
		level += int(a.skills[s.Skill])
	}
	return level, true
}

// level is the agent's in a queue; 0 when the agent does not serve it.
func (a *agent) level(q QueueID) Level { return a.levels[q] }

// skillsKey writes requirements as text that is the same for the same skills.
func skillsKey(skills []Requirement) string {
	if len(skills) == 0 {
		return ""
	}
	sorted := slices.SortedFunc(slices.Values(skills), func(a, b Requirement) int { return cmp.Compare(a.Skill, b.Skill) })
	var b strings.Builder
	for _, s := range sorted {
		b.WriteString(string(s.Skill))
		b.WriteByte('=')
		b.WriteString(strconv.Itoa(int(s.Level)))
		b.WriteByte(' ')
	}
	return b.String()
}

// lineOf finds or makes a line, with all agents who can serve it.
func (e *Engine) lineOf(key lineKey, q *queue, skills []Requirement) *line {
	if l := e.lines[key]; l != nil {
		return l
	}
	l := newLine(key, q, skills)
	e.lines[key] = l
	d := l.demand(skills)
	if key.agent != "" {
		e.join(e.agents[key.agent], l, d, skills)
		return l
	}
	for _, a := range e.agentOrder {
		e.join(a, l, d, skills)
	}
	return l
}

// join makes an agent a member of a line that the agent can serve.
func (e *Engine) join(a *agent, l *line, d demand, skills []Requirement) {
	level, ok := a.meets(l, d, skills)
	if !ok {
		return
	}
	m := &member{agent: a, line: l, level: level, pos: -1}
	l.members = append(l.members, m)
	a.members = append(a.members, m)
	if a.available() {
		e.enter(m)
	}
}

// enter puts a ready agent into the order of a line.
func (e *Engine) enter(m *member) {
	m.key = e.strategyKey(m)
	m.line.ready.add(m)
	e.mark(m.line)
}

// strategyKey is what a strategy orders agents by; the least is rung first.
// It is fixed while the agent is ready.
func (e *Engine) strategyKey(m *member) float64 {
	a := m.agent
	switch m.line.queue.Strategy {
	case LeastOccupied:
		return a.occupancy(e.now)
	case FewestCalls:
		return float64(a.AgentStatus.Answered)
	case RoundRobin:
		return float64(a.LastOffer)
	case MostSkilled:
		return -float64(m.level)
	case Ordered:
		return float64(a.index)
	case WeightedRandom:
		// Each agent has a clock that rings after an exponential time, at the
		// rate of the weight: who rings first is a choice in proportion to the
		// weights. The others' clocks need no new setting, for what is left of
		// an exponential time is as long as the whole.
		return m.line.clock - math.Log(e.chance.float())/cmp.Or(a.cfg.Weight, 1)
	}
	return 0
}

// first is the caller of the line who is to be served next, and can be; nil
// when there is none.
func (l *line) first(now time.Time) *call {
	if l.waiting.Len() == 0 || l.ready.Len() == 0 {
		return nil
	}
	if c := l.waiting.min(); len(c.Offers) == 0 {
		return c
	}
	for c := range l.waiting.all() {
		if l.best(c, now) != nil {
			return c
		}
	}
	return nil
}

// best is the agent to be rung first for a call; nil when there is none.
func (l *line) best(c *call, now time.Time) *agent {
	for m := range l.ready.all() {
		if !c.avoids(m.agent, now) {
			return m.agent
		}
	}
	return nil
}

// takeAgents adds the agents to be rung for a call, best first and at most so many.
func (l *line) takeAgents(c *call, now time.Time, most int, into []*agent) []*agent {
	if most <= 1 && len(c.Offers) == 0 {
		l.clock = max(l.clock, l.ready.min().key)
		return append(into, l.ready.min().agent)
	}
	for m := range l.ready.all() {
		if c.avoids(m.agent, now) {
			continue
		}
		l.clock = max(l.clock, m.key)
		if into = append(into, m.agent); len(into) >= most {
			break
		}
	}
	return into
}

// score is how much a call that waits is due to be served; see Queue.Weight.
func (c *call) score(now time.Time) float64 {
	return cmp.Or(c.queue.Weight, 1) * float64(now.UnixNano()-c.rank)
}
