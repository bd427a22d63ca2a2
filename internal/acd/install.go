package acd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Validate says everything that is inconsistent in a configuration, or nil.
func (c Config) Validate() error {
	v := validation{queues: map[QueueID]bool{}, partners: map[PartnerID]bool{}}
	for _, r := range c.NotReadyReasons {
		if slices.Contains(ReservedReasons, r.Name) || r.Name == "" {
			v.wrong("%q cannot be a reason for not ready: the name is reserved", r.Name)
		}
	}
	if a := c.Admission; a.Pace < 0 || a.Pace > 0 && (a.Burst < 1 || len(a.Prompts) == 0) {
		v.wrong("admission needs a pace of 0 or more, and with one a burst of at least 1 and prompts")
	}
	if c.PriorityWorth < 0 {
		v.wrong("a point of priority cannot be worth less than nothing")
	}
	for _, q := range c.Queues {
		v.twice(v.queues[q.ID], "queue", string(q.ID))
		v.queues[q.ID] = true
	}
	for _, p := range c.Partners {
		v.twice(v.partners[p.ID], "partner", string(p.ID))
		v.partners[p.ID] = true
		if !dialable(p.Number) || p.AtMost < 1 || p.RingTimeout <= 0 || p.Rest <= 0 {
			v.wrong("partner %s needs a number of 5 to 15 digits, at least one call at once, and a ring timeout and a rest above 0", p.ID)
		}
	}
	for _, q := range c.Queues {
		v.queue(q)
	}
	numbers := map[string]bool{}
	for _, entry := range c.Entries {
		v.twice(numbers[entry.Number], "entry", entry.Number)
		numbers[entry.Number] = true
		v.known(entry.Queue, "entry "+entry.Number+" leads to")
		v.skills(entry.Skills, MinLevel, "entry "+entry.Number)
	}
	seats := map[SeatID]bool{}
	for _, seat := range c.Seats {
		v.twice(seats[seat], "seat", string(seat))
		seats[seat] = true
	}
	agents := map[AgentID]bool{}
	for _, a := range c.Agents {
		v.twice(agents[a.ID], "agent", string(a.ID))
		agents[a.ID] = true
		v.agent(a)
	}
	return errors.Join(v.errs...)
}

type validation struct {
	queues   map[QueueID]bool
	partners map[PartnerID]bool
	errs     []error
}

func (v *validation) wrong(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *validation) twice(seen bool, what, name string) {
	if seen {
		v.wrong("%s %s is given twice", what, name)
	}
}

func (v *validation) known(q QueueID, who string) {
	if !v.queues[q] {
		v.wrong("%s the unknown queue %q", who, q)
	}
}

func (v *validation) level(l, least Level, who string) {
	if l < least || l > MaxLevel {
		v.wrong("%s has the level %d; levels are %d to %d", who, l, least, MaxLevel)
	}
}

func (v *validation) skills(skills []Requirement, least Level, who string) {
	seen := map[SkillID]bool{}
	for _, s := range skills {
		v.twice(seen[s.Skill], who+": skill", string(s.Skill))
		seen[s.Skill] = true
		v.level(s.Level, least, who+": skill "+string(s.Skill))
	}
}

func (v *validation) queue(q Queue) {
	who := "queue " + string(q.ID)
	if q.RingTimeout <= 0 || q.WrapUp < 0 {
		v.wrong("%s needs a ring timeout above 0 and a wrap-up of 0 or more", who)
	}
	if q.Strategy != "" && !slices.Contains(Strategies, q.Strategy) {
		v.wrong("%s has the unknown strategy %q", who, q.Strategy)
	}
	v.redial(q.Redial, who)
	v.callback(q.Callback, who)
	if r := q.Rating; len(r.Prompts) > 0 && (r.Attempts < 1 || r.Timeout <= 0) {
		v.wrong("%s asks for ratings: attempts are at least 1, and the timeout is more than 0", who)
	}
	if len(q.Overflow) > 32 {
		v.wrong("%s has %d rules of overflow; at most 32 are followed", who, len(q.Overflow))
	}
	for i, rule := range q.Overflow {
		v.overflow(rule, fmt.Sprintf("%s: rule %d of overflow", who, i+1))
		if rule.Callback && q.Callback.Attempts == 0 {
			v.wrong("%s offers callbacks in rule %d of overflow, and has none", who, i+1)
		}
	}
	if a := q.Announce; a.After < 0 || a.Every < 0 || a.Every > 0 && a.Every < 10*time.Second {
		v.wrong("%s announces after %v and every %v; write 0 or more, and at least 10 s between two", who, a.After, a.Every)
	}
	if q.RingAtOnce < 0 || q.Weight < 0 || q.NotAgain < 0 || q.LastAgent.Within < 0 || q.LastAgent.Wait < 0 {
		v.wrong("%s has a number below 0", who)
	}
	v.level(q.Level, 0, who)
	var after time.Duration
	for _, step := range q.Relax {
		if step.After <= after {
			v.wrong("%s relaxes after %v, which is not later than the step before", who, step.After)
		}
		after = step.After
		v.level(step.Level, 0, who+" after "+step.After.String())
		v.skills(step.Skills, 0, who+" after "+step.After.String())
		for _, other := range step.Queues {
			v.known(other, who+" is helped by")
		}
	}
}

func (v *validation) callback(c Callback, who string) {
	switch {
	case c.Attempts < 0 || c.Attempts == 0 && c.Missed:
		v.wrong("%s calls nobody back; write how many attempts are made", who)
	case c.Attempts > 0 && (c.RingTimeout <= 0 || c.Within <= 0 || c.MissedAfter < 0 || c.Attempts > 1 && c.Spacing <= 0):
		v.wrong("%s calls back: ring timeout, within, and spacing between attempts are more than 0", who)
	}
}

func (v *validation) redial(r Redial, who string) {
	if r.Within < 0 || r.After < 0 || r.Within > 0 && r.AtMost < 1 || r.Within == 0 && r.AtMost != 0 {
		v.wrong("%s keeps places for redial: within and after are 0 or more, at most at least 1", who)
	}
}

func (v *validation) overflow(o Overflow, who string) {
	conditions := count(o.Closed, o.NoAgents, o.Length != 0, o.Expected != 0, o.Wait != 0)
	consequences := count(o.To != "", o.Partner != "", o.Callback, o.Refuse)
	switch {
	case conditions != 1 || o.Length < 0 || o.Expected < 0 || o.Wait < 0:
		v.wrong("%s needs one condition, and that above 0", who)
	case consequences > 1:
		v.wrong("%s can do one of these: lead to a queue, ask a partner, offer a callback, refuse the caller", who)
	case o.To == "" && o.Partner == "" && len(o.Prompts) == 0:
		v.wrong("%s has neither a queue to lead to, nor a partner to ask, nor prompts", who)
	}
	if o.To != "" {
		v.known(o.To, who+" leads to")
	}
	if o.Partner != "" && !v.partners[o.Partner] {
		v.wrong("%s asks the unknown partner %q", who, o.Partner)
	}
}

// count says how many of the values are true.
func count(values ...bool) int {
	n := 0
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}

func (v *validation) agent(a Agent) {
	who := "agent " + string(a.ID)
	if strings.HasPrefix(string(a.ID), partnerLeg) {
		v.wrong("%s: no work number begins with %s, which the legs of partners do", who, partnerLeg)
	}
	for _, q := range a.Queues {
		v.known(q, who+" serves")
	}
	for q, level := range a.Levels {
		v.level(level, MinLevel, who+" in queue "+string(q))
	}
	for s, level := range a.Skills {
		v.level(level, MinLevel, who+": skill "+string(s))
	}
	if a.Weight < 0 || a.WrapUp < 0 {
		v.wrong("%s has a number below 0", who)
	}
}

// install takes over a configuration that is valid. Calls, agents on duty and
// counts go on; the lines are made anew as calls need them.
func (e *Engine) install(cfg Config) {
	e.reasons = slices.Clone(cfg.NotReadyReasons)
	e.worth = cmp.Or(cfg.PriorityWorth, DefaultPriorityWorth)
	e.lines, e.dirty = make(map[lineKey]*line), nil

	queues := make(map[QueueID]*queue, len(cfg.Queues))
	e.queueOrder = e.queueOrder[:0]
	e.talked.keep, e.places.keep = 0, 0
	e.admission, e.promptsBlocked = cfg.Admission, cfg.BlockedPrompts
	for _, q := range cfg.Queues {
		n := e.queues[q.ID]
		if n == nil {
			n = &queue{}
		}
		n.Queue, n.members = q, nil
		memory := e.remembers(n)
		memory.Queue, memory.Rules = q.ID, n.rules()
		queues[q.ID] = n
		e.queueOrder = append(e.queueOrder, n)
		n.onDuty, n.working, n.ready = 0, 0, 0
		e.talked.keep = max(e.talked.keep, q.LastAgent.Within)
		e.places.keep = max(e.places.keep, q.Redial.Within)
	}
	for id := range e.queues {
		if queues[id] == nil {
			e.gone(KindQueue, string(id))
		}
	}
	e.queues, e.siteTouched = queues, true
	e.installPartners(cfg.Partners)

	e.entries = make(map[string]*entry, len(cfg.Entries))
	for _, n := range cfg.Entries {
		e.entries[n.Number] = &entry{Entry: n, skills: skillsKey(n.Skills)}
	}
	e.skills = cfg.knownSkills()
	seats := make(map[SeatID]*agent, len(cfg.Seats))
	for _, seat := range cfg.Seats {
		seats[seat] = e.seats[seat]
	}
	e.seats = seats

	agents := make(map[AgentID]*agent, len(cfg.Agents))
	e.agentOrder = make([]*agent, 0, len(cfg.Agents))
	for i, a := range cfg.Agents {
		n := e.agents[a.ID]
		if n == nil {
			n = newAgent(a.ID)
		}
		n.cfg, n.index, n.members = a, i, nil
		if n.retired { // configured again before the present call has ended
			n.retired, n.Pending = false, ""
		}
		n.Name = a.Name
		e.equip(n)
		e.touchAgent(n)
		agents[a.ID] = n
		e.agentOrder = append(e.agentOrder, n)
		for _, q := range n.queues {
			q.tally(n.State, 1)
		}
	}
	e.agents = agents
}

// knownSkills are those that entries ask for or agents have.
func (c *Config) knownSkills() map[SkillID]bool {
	known := make(map[SkillID]bool)
	for _, n := range c.Entries {
		for _, s := range n.Skills {
			known[s.Skill] = true
		}
	}
	for _, a := range c.Agents {
		for s := range a.Skills {
			known[s] = true
		}
	}
	return known
}

// installPartners takes over the partners. One that is no longer configured
// keeps the calls that it has.
func (e *Engine) installPartners(configured []Partner) {
	before := e.partners
	e.partners, e.partnerOrder = make(map[PartnerID]*partner, len(configured)), nil
	for _, cfg := range configured {
		p := before[cfg.ID]
		if p == nil {
			p = newPartner(cfg.ID)
		}
		p.Partner = cfg
		e.touchPartner(p)
		e.partners[p.ID] = p
		e.partnerOrder = append(e.partnerOrder, p)
	}
	for id, p := range before {
		if e.partners[id] == nil {
			e.timers.remove(&p.rest)
			e.gone(KindPartner, string(id))
		}
	}
}

func newAgent(id AgentID) *agent {
	a := &agent{}
	a.AgentStatus = AgentStatus{Agent: id, State: LoggedOut}
	a.wrap = timer{kind: wrapUpTimer, agent: a, pos: -1}
	a.leave = timer{kind: leaveTimer, agent: a, pos: -1}
	return a
}
