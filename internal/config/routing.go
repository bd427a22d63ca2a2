package config

import (
	"slices"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// The bounds of weights. 0 is not one of them: it would mean nothing and
// everything.
const (
	lightest = 0.01
	heaviest = 100
)

// longestWait bounds the waits after which, or for which, something is done.
const longestWait = 4 * time.Hour

// incomplete reports a section without its first key, without which it would do
// nothing. The answer is also true for a section that was left out, which has
// the place of what it would stand in.
func (c *checker) incomplete(section, within place, first bool, key, what, example string) bool {
	if section == within || section.wrong {
		return true
	}
	if !first {
		c.at(section, "%s is missing; write %s, for example: %s", key, what, example)
	}
	return !first
}

func (c *checker) admission(raw admissionSection, site place) acd.Admission {
	if c.incomplete(raw.place, site, raw.Pace.written(raw.place), "admission.pace", "how many new calls a second are taken on", "pace: 5") {
		return acd.Admission{}
	}
	if raw.Prompts.blank {
		c.at(raw.Prompts.place, "admission.prompts is empty; name what callers hear who are not taken on, for example: prompts: busy-later")
	}
	return acd.Admission{
		Pace:    between(c, raw.Pace, "admission.pace", 0.01, 10_000),
		Burst:   between(c, raw.Burst, "admission.burst", 1, 100_000),
		Prompts: c.sounds(raw.Prompts.list, "admission.prompts"),
	}
}

func (c *checker) queue(q queueItem, queues, partners unique, asked skillsAsked, calendars map[string]*calendar.Schedule) acd.Queue {
	id := c.name(q.ID, "queues.id", queueName)
	var strategies []string
	for _, s := range acd.Strategies {
		strategies = append(strategies, string(s))
	}
	out := acd.Queue{
		ID: acd.QueueID(id), Title: c.title(q.Title, "queues.title", id),
		Music: c.name(q.Music, "queues.music", soundName), Ringback: q.Ringback.v,
		RingTimeout: between(c, q.RingTimeout, "queues.ring_timeout", time.Second, 5*time.Minute),
		WrapUp:      between(c, q.WrapUp, "queues.wrap_up", 0, time.Hour),
		Strategy:    acd.Strategy(c.oneOf(q.Strategy, "queues.strategy", strategies...)),
		RingAtOnce:  between(c, q.RingAtOnce, "queues.ring_at_once", 1, 20),
		NotAgain:    between(c, q.NotAgain, "queues.not_again", 0, time.Hour),
		Weight:      between(c, q.Weight, "queues.weight", lightest, heaviest),
		Level:       c.level(q.Level, "queues.level", 0),
		Relax:       c.relax(q, queues, asked),
		LastAgent:   c.lastAgent(q),
		Announce:    c.announce(q),
		Overflow:    c.overflow(q, queues, partners),
		Callback:    c.callback(q, calendars[q.Hours.v]),
		Redial:      c.redial(q),
		Rating:      c.rating(q),
	}
	if s := calendars[q.Hours.v]; q.Hours.set && s != nil {
		out.Hours = s
	}
	return out
}

// relax checks the steps in which callers who wait ask for less. A step that
// does not say a level leaves it as it was.
func (c *checker) relax(q queueItem, queues unique, asked skillsAsked) (steps []acd.Relaxation) {
	var after time.Duration
	level, skills := acd.Level(q.Level.v), asked.least()
	for _, raw := range q.Relax.items {
		step := acd.Relaxation{After: between(c, raw.After, "queues.relax.after", time.Second, longestWait)}
		if fits := step.After >= time.Second && step.After <= longestWait; fits && step.After <= after {
			c.at(raw.After.place, "queues.relax.after: %v is not later than the step before (%v); put the steps in order", step.After, after)
		} else if fits {
			after = step.After
		}
		if !raw.Level.written(raw.place) && !raw.Skills.set && raw.Queues.place == raw.place {
			c.at(raw.place, "queues.relax: the step asks for as much as before; add level, skills or queues, or remove it")
		}
		if raw.Level.set {
			if step.Level = c.level(raw.Level, "queues.relax.level", 0); step.Level > level && step.Level <= acd.MaxLevel {
				c.at(raw.Level.place, "queues.relax.level: %d is more than before (%d); write at most %d", step.Level, level, level)
			}
			level = min(level, step.Level)
		}
		step.Level = level
		step.Skills = c.skills(raw.Skills, "queues.relax.skills", 0)
		for _, item := range raw.Skills.items {
			c.asked(item.name, "queues.relax.skills", asked)
			skill, n := acd.SkillID(item.name.v), acd.Level(item.level.v)
			if before, known := skills[skill]; known && n > before && n <= acd.MaxLevel {
				c.at(item.level.place, "queues.relax.skills: %s %d is more than was asked for before (%d); write at most %d", skill, n, before, before)
			}
			skills[skill] = min(n, skills[skill])
		}
		c.empty(raw.Queues.place, raw.Queues.blank, "queues.relax.queues", "a queue whose agents help")
		helping := c.unique("queue")
		for _, other := range raw.Queues.items {
			c.knownQueue(other, "queue "+q.ID.v+" is helped by", queues)
			if other.v == q.ID.v {
				c.at(other.place, "queues.relax.queues: queue %s cannot help itself; name another, or remove it", other.v)
			}
			helping.add(other.place, other.v)
			step.Queues = append(step.Queues, acd.QueueID(other.v))
		}
		steps = append(steps, step)
	}
	return steps
}

func (c *checker) lastAgent(q queueItem) acd.LastAgent {
	raw := q.LastAgent
	if c.incomplete(raw.place, q.place, raw.Within.written(raw.place), "queues.last_agent.within", "how long ago the conversation may have been", "within: 24h") {
		return acd.LastAgent{}
	}
	return acd.LastAgent{
		Within: between(c, raw.Within, "queues.last_agent.within", time.Minute, 30*24*time.Hour),
		Wait:   between(c, raw.Wait, "queues.last_agent.wait", 0, longestWait),
	}
}

func (c *checker) announce(q queueItem) acd.Announce {
	raw := q.Announce
	if c.incomplete(raw.place, q.place, raw.After.written(raw.place), "queues.announce.after", "after how long a wait callers hear where they stand", "after: 20s") {
		return acd.Announce{}
	}
	if raw.Every.set && raw.Every.v == 0 {
		raw.Every.set = false // only once
	}
	return acd.Announce{
		After: between(c, raw.After, "queues.announce.after", time.Second, longestWait),
		Every: between(c, raw.Every, "queues.announce.every", 10*time.Second, longestWait),
	}
}

// longestWithin bounds how long a callback is good for: a week, so that it can
// outlive any closing of a week's hours.
const longestWithin = 7 * 24 * time.Hour

// mostRules of overflow are followed in a queue.
const mostRules = 32

func (c *checker) overflow(q queueItem, queues, partners unique) (rules []acd.Overflow) {
	if len(q.Overflow.items) > mostRules {
		c.at(q.Overflow.items[mostRules].place, "queues.overflow: queue %s has %d rules, and at most %d are followed; remove some", q.ID.v, len(q.Overflow.items), mostRules)
	}
	tellsClosed := false
	for _, raw := range q.Overflow.items {
		tellsClosed = tellsClosed || raw.Closed.written(raw.place)
		rules = append(rules, c.rule(q, raw, queues, partners))
	}
	if q.Hours.set && !tellsClosed {
		c.at(q.Hours.place, "queue %s keeps hours, and no rule says what comes of its callers when it is closed; add for example: overflow: [{closed: true, refuse: true, prompts: closed}]", q.ID.v)
	}
	return rules
}

func (c *checker) rule(q queueItem, raw overflowItem, queues, partners unique) acd.Overflow {
	rule := acd.Overflow{
		Closed: raw.Closed.v, NoAgents: raw.NoAgents.v,
		Length:   between(c, raw.Length, "queues.overflow.length", 1, 100_000),
		Expected: between(c, raw.Expected, "queues.overflow.expected", time.Second, longestWait),
		Wait:     between(c, raw.Wait, "queues.overflow.wait", time.Second, longestWait),
		Prompts:  c.sounds(raw.Prompts.list, "queues.overflow.prompts"),
		To:       acd.QueueID(raw.To.v), Partner: acd.PartnerID(raw.Partner.v), Callback: raw.Callback.v, Refuse: raw.Refuse.v,
	}
	conditions := chosen(
		choice{"closed", raw.holds(raw.Closed)}, choice{"no_agents", raw.holds(raw.NoAgents)},
		choice{"length", raw.Length.written(raw.place)}, choice{"expected", raw.Expected.written(raw.place)},
		choice{"wait", raw.Wait.written(raw.place)})
	consequences := chosen(
		choice{"to", raw.To.written(raw.place)}, choice{"partner", raw.Partner.written(raw.place)}, choice{"callback", raw.holds(raw.Callback)}, choice{"refuse", raw.holds(raw.Refuse)})
	switch {
	case len(conditions) == 0:
		c.at(raw.place, "queues.overflow: a rule needs a condition; add one of closed, no_agents, length, expected, wait")
	case len(conditions) > 1:
		c.at(raw.place, "queues.overflow: a rule has one condition, and this one has %s; make a rule of each", strings.Join(conditions, " and "))
	case len(consequences) > 1:
		c.at(raw.place, "queues.overflow: a rule does one thing, and this one has %s; leave one of them", strings.Join(consequences, " and "))
	case raw.Prompts.set && !raw.Prompts.blank || raw.Prompts.wrong || raw.To.written(raw.place) || raw.Partner.written(raw.place):
	case rule.Callback:
		c.at(raw.place, "queues.overflow: callers cannot know which keys to press; add for example: prompts: callback-offer")
	case rule.Refuse:
		c.at(raw.place, "queues.overflow: callers would be refused without a word; add for example: prompts: busy-later")
	default:
		c.at(raw.place, "queues.overflow: the rule does nothing; add to, partner, callback, refuse or prompts")
	}
	if rule.Closed && !q.Hours.set {
		c.at(raw.Closed.place, "queues.overflow.closed: queue %s is always open; add hours to the queue, or remove the rule", q.ID.v)
	}
	c.knownQueue(raw.To, "queue "+q.ID.v+" overflows to", queues)
	c.known(raw.Partner, "queue "+q.ID.v+" asks", partners)
	if raw.To.set && raw.To.v == q.ID.v {
		c.at(raw.To.place, "queues.overflow.to: queue %s cannot overflow to itself; name another", q.ID.v)
	}
	if rule.Callback && q.Callback.place == q.place {
		c.at(raw.Callback.place, "queues.overflow.callback: queue %s calls nobody back; add for example: callback: {attempts: 3}", q.ID.v)
	}
	return rule
}

// holds reports whether a condition or consequence is meant, if perhaps ill-written.
func (raw overflowItem) holds(v yesno) bool { return v.v || !v.set && v.written(raw.place) }

type choice struct {
	name string
	made bool
}

// chosen lists the names of what was chosen.
func chosen(choices ...choice) (names []string) {
	for _, c := range choices {
		if c.made {
			names = append(names, c.name)
		}
	}
	return names
}

func (c *checker) callback(q queueItem, hours *calendar.Schedule) acd.Callback {
	raw := q.Callback
	if c.incomplete(raw.place, q.place, raw.Attempts.written(raw.place), "queues.callback.attempts", "how often a caller is called", "attempts: 3") {
		return acd.Callback{}
	}
	out := acd.Callback{
		Attempts:      between(c, raw.Attempts, "queues.callback.attempts", 1, 10),
		Spacing:       between(c, raw.Spacing, "queues.callback.spacing", 10*time.Second, 24*time.Hour),
		RingTimeout:   between(c, raw.RingTimeout, "queues.callback.ring_timeout", 5*time.Second, 2*time.Minute),
		Within:        between(c, raw.Within, "queues.callback.within", time.Minute, longestWithin),
		Missed:        raw.Missed.v,
		MissedAfter:   between(c, raw.MissedAfter, "queues.callback.missed_after", 0, longestWait),
		BookedPrompts: c.sounds(raw.BookedPrompts.list, "queues.callback.booked_prompts"),
	}
	if last := out.Spacing * time.Duration(min(out.Attempts, 10)-1); last >= out.Within && last > 0 && out.Within > 0 {
		c.at(raw.Within.place, "queues.callback.within: the last of %d attempts comes %v after the first, when it is too late (%v); write more than %v, or a shorter spacing", out.Attempts, last, out.Within, last)
	}
	c.outlivesClosing(q, out.Within, hours)
	if raw.MissedAfter.set && !raw.Missed.written(raw.place) {
		c.at(raw.MissedAfter.place, "queues.callback.missed_after: who gives up is not called back; add missed: true, or remove the key")
	}
	offers := slices.ContainsFunc(q.Overflow.items, func(rule overflowItem) bool { return rule.Callback.written(rule.place) })
	if !raw.Missed.v && !offers {
		c.at(raw.place, "queues.callback: nothing leads to a callback; add missed: true, or a rule such as: overflow: [{wait: 60s, callback: true, prompts: callback-offer}]")
	}
	return out
}

// outlivesClosing reports callbacks that expire before the queue opens again:
// nobody is called while it is closed.
func (c *checker) outlivesClosing(q queueItem, within time.Duration, hours *calendar.Schedule) {
	closed := hours.LongestClosed()
	if within < time.Minute || within > closed || closed >= longestWithin {
		return
	}
	c.at(q.Callback.Within.place, "queues.callback.within: queue %s is closed for %v at a stretch, and who asks for a callback just before would never be called, for it is good for %v; write more, for example within: %v",
		q.ID.v, closed, within, min(closed+4*time.Hour, longestWithin))
}

func (c *checker) redial(q queueItem) acd.Redial {
	raw := q.Redial
	if c.incomplete(raw.place, q.place, raw.Within.written(raw.place), "queues.redial.within", "how soon callers must call again to have their places", "within: 5m") {
		return acd.Redial{}
	}
	return acd.Redial{
		Within: between(c, raw.Within, "queues.redial.within", time.Second, longestWait),
		AtMost: between(c, raw.AtMost, "queues.redial.at_most", 1, 100),
		After:  between(c, raw.After, "queues.redial.after", 0, longestWait),
	}
}

func (c *checker) rating(q queueItem) acd.Rating {
	raw := q.Rating
	written := raw.Prompts.set || !raw.Prompts.same(raw.place)
	if c.incomplete(raw.place, q.place, written, "queues.rating.prompts", "what asks callers for a key from 1 to 5", "prompts: rating") {
		return acd.Rating{}
	}
	if raw.Prompts.blank {
		c.at(raw.Prompts.place, "queues.rating.prompts is empty; name what asks callers for a key from 1 to 5, for example: prompts: rating")
	}
	return acd.Rating{
		Prompts:  c.sounds(raw.Prompts.list, "queues.rating.prompts"),
		Thanks:   c.sounds(raw.ThanksPrompts.list, "queues.rating.thanks_prompts"),
		Attempts: between(c, raw.Attempts, "queues.rating.attempts", 1, 5),
		Timeout:  between(c, raw.Timeout, "queues.rating.timeout", time.Second, time.Minute),
	}
}

// partners checks the other hotlines that help, and returns their names.
func (c *checker) partners(raw *file, cfg *Config, own unique) unique {
	names := c.unique("partner")
	asked := partnersAsked(raw)
	for _, p := range raw.Partners.items {
		id := c.name(p.ID, "partners.id", queueName)
		if names.add(p.ID.place, id) && !asked[id] {
			c.at(p.ID.place, "partners: no rule of overflow asks %s, so it would change nothing; add for example to a queue: overflow: [{wait: 3m, partner: %s}], or remove it", id, id)
		}
		digits := strings.TrimPrefix(p.Number.v, "+")
		if p.Number.set && (len(digits) < 5 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "") {
			c.at(p.Number.place, "partners.number: %s cannot be called; write 5 to 15 digits, perhaps after a +", quoted(p.Number.v))
		}
		_, plain := own.seen[digits]
		if _, withPlus := own.seen["+"+digits]; plain || withPlus {
			c.at(p.Number.place, "partners.number: %s is one of the hotline's own entries, so callers would come back to it over the carrier; write the other hotline's number", quoted(p.Number.v))
		}
		cfg.Partners = append(cfg.Partners, acd.Partner{
			ID: acd.PartnerID(id), Title: c.title(p.Title, "partners.title", id), Number: p.Number.v,
			AtMost:      between(c, p.AtMost, "partners.at_most", 1, 10_000),
			RingTimeout: between(c, p.RingTimeout, "partners.ring_timeout", 5*time.Second, 2*time.Minute),
			Rest:        between(c, p.Rest, "partners.rest", time.Second, time.Hour),
			ShowCaller:  p.ShowCaller.v,
		})
	}
	return names
}

// partnersAsked are the partners that some rule asks.
func partnersAsked(raw *file) map[string]bool {
	asked := make(map[string]bool)
	for _, q := range raw.Queues.items {
		for _, rule := range q.Overflow.items {
			asked[rule.Partner.v] = true
		}
	}
	return asked
}
