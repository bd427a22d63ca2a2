package acd

import (
	"maps"
	"slices"
	"time"
)

// What a controller that takes over must know is told by Changes: of a call, an
// agent, a queue or a partner the state at the end of the step, of the rest what
// happened, as it happens.

func (e *Engine) change(c Change) { e.out.Changes = append(e.out.Changes, c) }

func (e *Engine) gone(kind Kind, id string) { e.change(Change{Gone: &Key{kind, id}}) }

func (e *Engine) touchCall(c *call) {
	if !c.touched {
		c.touched = true
		e.touchedCalls = append(e.touchedCalls, c)
	}
}

func (e *Engine) touchAgent(a *agent) {
	if !a.touched {
		a.touched = true
		e.touchedAgents = append(e.touchedAgents, a)
	}
}

func (e *Engine) touchPartner(p *partner) {
	if !p.touched {
		p.touched = true
		e.touchedPartners = append(e.touchedPartners, p)
	}
}

// remembers is what is remembered of a queue, to be changed.
func (e *Engine) remembers(q *queue) *QueueMemory {
	if !q.touched {
		q.touched = true
		e.touchedQueues = append(e.touchedQueues, q)
	}
	return &q.memory
}

// recalls are the counts of a partner, to be changed.
func (e *Engine) recalls(p *partner) *PartnerCounts {
	e.touchPartner(p)
	return &p.counts
}

func (e *Engine) rememberTalk(caller string, agent AgentID) {
	e.forgetOld(e.talked.forget(e.now), KindTalked)
	if e.talked.put(caller, agent, e.now) {
		e.change(Change{Talked: &TalkedWith{caller, agent, e.now}})
	}
}

func (e *Engine) rememberPlace(caller string, p place) {
	e.forgetOld(e.places.forget(e.now), KindPlace)
	if e.places.put(caller, p, e.now) {
		e.change(Change{Place: &KeptPlace{caller, p.queue, p.since, p.resumed, e.now}})
	}
}

func (e *Engine) forgetOld(callers []string, kind Kind) {
	for _, caller := range callers {
		e.gone(kind, caller)
	}
}

func (e *Engine) liftBlock(number string) {
	delete(e.blocked, number)
	e.gone(KindBlock, number)
}

// siteMemory is what belongs to no single call, agent or queue.
func (e *Engine) siteMemory() SiteMemory {
	return SiteMemory{
		Emergency: slices.Clone(e.emergency), Tokens: e.tokens, Filled: e.filled, Chance: e.chance.state, Former: e.formerEntries(),
	}
}

// formerEntries are those, no longer configured, of calls in progress.
func (e *Engine) formerEntries() (list []Entry) {
	former := map[string]Entry{}
	for _, c := range e.calls {
		if c.entry != nil && e.entries[c.Entry] == nil {
			former[c.Entry] = c.entry.Entry
		}
	}
	for _, number := range slices.Sorted(maps.Keys(former)) {
		list = append(list, former[number])
	}
	return list
}

func (p *partner) memory() PartnerMemory {
	m := PartnerMemory{Partner: p.ID, Counts: p.counts, Last: p.last}
	if p.rest.pos >= 0 {
		m.Rests = p.rest.at
	}
	return m
}

// collect turns what was touched into changes and hands over the output.
func (e *Engine) collect() Output {
	for _, c := range e.touchedCalls {
		c.touched = false
		if c.ended {
			e.gone(KindCall, string(c.Call))
			continue
		}
		e.change(Change{Call: &c.CallStatus})
	}
	for _, a := range e.touchedAgents {
		a.touched = false
		a.freeAt = time.Time{} // whoever found no caller in this step is merely idle
		if e.agents[a.Agent] == a {
			e.change(Change{Agent: &a.AgentStatus})
		}
	}
	for _, q := range e.touchedQueues {
		q.touched = false
		if e.queues[q.ID] == q {
			e.change(Change{Queue: &q.memory})
		}
	}
	for _, p := range e.touchedPartners {
		p.touched = false
		if e.partners[p.ID] == p {
			memory := p.memory()
			e.change(Change{Partner: &memory})
		}
	}
	if e.siteTouched || e.told != (siteNumbers{e.tokens, e.filled, e.chance.state}) {
		e.siteTouched, e.told = false, siteNumbers{e.tokens, e.filled, e.chance.state}
		memory := e.siteMemory()
		e.change(Change{Site: &memory})
	}
	clear(e.touchedCalls)
	clear(e.touchedAgents)
	e.touchedCalls, e.touchedAgents = e.touchedCalls[:0], e.touchedAgents[:0]
	e.touchedQueues, e.touchedPartners = e.touchedQueues[:0], e.touchedPartners[:0]
	return e.out
}

// siteNumbers are those of a SiteMemory that change without notice.
type siteNumbers struct {
	tokens float64
	filled time.Time
	chance uint64
}
