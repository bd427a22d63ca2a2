package acd

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// reconfigure takes over a new configuration while calls go on, or refuses it
// whole. Calls in progress keep their agents and places; who waits goes by the
// new rules from now on. An agent who is no longer configured goes when the
// present call and its wrap-up have ended.
func (e *Engine) reconfigure(cfg Config) *RequestError {
	if err := errors.Join(cfg.Validate(), e.cannotLose(cfg)); err != nil {
		return refuse("bad_configuration", "the configuration was not applied: %v", err)
	}
	rules := make(map[QueueID]string, len(e.queues))
	for id, q := range e.queues {
		rules[id] = q.rules()
	}
	before := e.agentOrder
	e.install(cfg)
	for _, a := range before {
		switch {
		case e.agents[a.Agent] != nil:
		case a.State == LoggedOut:
			e.gone(KindAgent, string(a.Agent))
		default:
			e.retire(a)
			e.dismissAgent(a)
		}
	}
	e.referAgain()
	for _, c := range e.callsByArrival() {
		c.line, c.pos = nil, -1 // of the lines that were
		if n := e.entries[c.Entry]; n != nil {
			c.entry = n
		}
		if c.queue == nil {
			continue
		}
		if rules[c.Queue] != c.queue.rules() {
			forgetRules(&c.CallStatus, c.queue)
			e.touchCall(c)
		}
		c.rank = e.rankOf(c)
		e.settle(c)
	}
	return nil
}

// rules tells the queue's rules of overflow from others.
func (q *queue) rules() string {
	if len(q.Overflow) == 0 {
		return ""
	}
	sum := fnv.New64a()
	for _, rule := range q.Overflow {
		fmt.Fprintln(sum, rule.text())
	}
	return strconv.FormatUint(sum.Sum64(), 16)
}

// forgetRules lets the rules of a queue, which have changed, hold anew for a call. A
// partner that rings for it goes on ringing, and one stays asked whom a rule at the
// door asks still: such rules are not looked at again.
func forgetRules(c *CallStatus, q *queue) {
	c.Told = 0
	if c.Referral == nil {
		return
	}
	var still []PartnerID
	for _, id := range c.Referral.Asked {
		if slices.ContainsFunc(q.Overflow, func(o Overflow) bool { return o.Partner == id && (o.Closed || o.Length > 0 || o.Expected > 0) }) {
			still = append(still, id)
		}
	}
	c.Referral.Asked = still
}

// text writes what is set of a rule, so that a field which later versions add does
// not make a rule look like another.
func (o Overflow) text() string {
	var parts []string
	add := func(set bool, name string, value any) {
		if set {
			parts = append(parts, fmt.Sprintf("%s=%q", name, fmt.Sprint(value)))
		}
	}
	add(o.Closed, "closed", true)
	add(o.NoAgents, "no_agents", true)
	add(o.Length > 0, "length", o.Length)
	add(o.Expected > 0, "expected", o.Expected)
	add(o.Wait > 0, "wait", o.Wait)
	add(len(o.Prompts) > 0, "prompts", o.Prompts)
	add(o.To != "", "to", o.To)
	add(o.Partner != "", "partner", o.Partner)
	add(o.Callback, "callback", true)
	add(o.Refuse, "refuse", true)
	return strings.Join(parts, " ")
}

// cannotLose says what a new configuration lacks that calls and people use now.
func (e *Engine) cannotLose(cfg Config) error {
	var errs []error
	queues, callsBack := map[QueueID]bool{}, map[QueueID]bool{}
	for _, q := range cfg.Queues {
		queues[q.ID], callsBack[q.ID] = true, q.Callback.Attempts > 0
	}
	entries := map[string]QueueID{}
	for _, n := range cfg.Entries {
		entries[n.Number] = n.Queue
	}
	for _, b := range e.callbacks {
		switch {
		case !queues[b.Queue]:
			errs = append(errs, fmt.Errorf("queue %s has the callback %s; remove the queue when it is empty", b.Queue, b.ID))
		case !callsBack[b.Queue]:
			errs = append(errs, fmt.Errorf("queue %s has the callback %s; keep attempts until it has ended, or cancel it", b.Queue, b.ID))
		}
	}
	for _, c := range e.callsByArrival() {
		switch {
		case c.queue != nil && !queues[c.Queue]:
			errs = append(errs, fmt.Errorf("queue %s has the call %s; remove the queue when it is empty", c.Queue, c.Call))
		case c.Phase == PhaseGreeting && entries[c.Entry] == "" && !queues[c.entry.Queue]:
			errs = append(errs, fmt.Errorf("the call %s is on its way to queue %s; remove the queue when it is empty", c.Call, c.entry.Queue))
		}
	}
	for _, a := range e.agentOrder {
		if a.Seat != "" && !slices.Contains(cfg.Seats, a.Seat) {
			errs = append(errs, fmt.Errorf("agent %s sits at seat %s; remove the seat when it is free", a.Agent, a.Seat))
		}
	}
	return errors.Join(errs...)
}

// retire keeps an agent who is not configured any more until the present call
// has ended. Nothing new is offered.
func (e *Engine) retire(a *agent) *agent {
	a.retired = true
	a.cfg, a.Queues, a.queues, a.members = Agent{ID: a.Agent, WrapUp: a.cfg.WrapUp}, nil, nil, nil
	a.levels, a.skills, a.Assigned = nil, nil, nil
	e.agents[a.Agent] = a
	e.agentOrder = append(e.agentOrder, a)
	return a
}

// dismissAgent logs an agent out, at once or after the present call.
func (e *Engine) dismissAgent(a *agent) {
	if a.State == Ringing || a.State == Talking || a.State == WrapUp {
		e.pend(a, pendingLogout)
		return
	}
	e.leaveSeat(a)
}
