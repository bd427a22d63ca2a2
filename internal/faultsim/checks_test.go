package faultsim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk/arimodel"
	"hotline/internal/calendar"
	"hotline/internal/redisstore"
)

// lookEvery is how often it is looked who talks with whom.
const lookEvery = 100 * time.Millisecond

// talk is a conversation.
type talk struct {
	caller, leg string // channels
	agent       string
	from        time.Time
	agentLeft   bool
	left        time.Time // when it did, or the caller
	over        bool
	unheard     bool // who left did before the controller knew that they were connected
}

// watch looks again and again who talks with whom.
func (h *history) watch(ctx context.Context) {
	for pause(ctx, lookEvery) {
		h.look()
	}
}

func (h *history) look() {
	channels, bridges := h.world.Look()
	seen := map[string]arimodel.Seen{}
	now := time.Now()
	h.mu.Lock()
	callers := slices.Clone(h.callers)
	// A controller that is stopped or cut off, or a node that is, may not tell it.
	heard := !within(now, h.outages.stopped, time.Second) && !within(now, h.outages.nodes, time.Second)
	h.mu.Unlock()
	p := h.leader()
	reaches := p != nil && p.reachesNodes()
	heard = heard && reaches
	for _, c := range channels {
		seen[c.Channel] = c
	}
	h.mu.Lock()
	if n := len(h.leaders); reaches && h.leaders[n-1].p == p && h.leaders[n-1].reached.IsZero() {
		h.leaders[n-1].reached = now
	}
	for _, c := range callers {
		s, there := seen[c.call.Channel()]
		if !there || !s.InApp {
			continue
		}
		if c.inApp.IsZero() {
			c.inApp = now
		}
		if c.waits.IsZero() && slices.ContainsFunc(s.Hears, func(what string) bool { return strings.HasPrefix(what, "music:") }) {
			c.waits = now
		}
		if !heard || !s.Told {
			continue
		}
		if c.heard.IsZero() {
			c.heard = now
		}
		if term := len(h.leaders); len(c.heardIn) == 0 || c.heardIn[len(c.heardIn)-1].term != term {
			c.heardIn = append(c.heardIn, hearing{term, now})
		}
	}
	for i := range h.rang {
		if s, there := seen[h.rang[i].leg]; there && !s.HungUp {
			h.rang[i].last = now
		}
	}
	h.mu.Unlock()
	together := map[string]string{} // caller's channel → leg
	busy := map[string]string{}     // agent → caller's channel
	for _, b := range bridges {
		caller, legs := "", []string(nil)
		for _, id := range b.Channels {
			s := seen[id]
			if s.State != "Up" || s.HungUp || s.Over {
				continue
			}
			call, _, agent, leg := acd.LegID(id).Parse()
			switch {
			case !leg && caller != "":
				h.fail("two callers are in one bridge: %s and %s", caller, id)
			case !leg:
				caller = id
			case busy[string(agent)] != "":
				h.fail("agent %s talks with %s and with %s", agent, busy[string(agent)], call)
			default:
				legs = append(legs, id)
				busy[string(agent)] = string(call)
			}
		}
		if len(legs) > 1 {
			h.fail("two agents talk with %s: %v", caller, legs)
		}
		if caller != "" && len(legs) == 1 {
			together[caller] = legs[0]
			if call, _, _, _ := acd.LegID(legs[0]).Parse(); string(call) != caller {
				h.fail("leg %s is connected with %s", legs[0], caller)
			}
		}
	}
	h.mu.Lock()
	var dropped []string
	for caller, leg := range together {
		_, _, agent, _ := acd.LegID(leg).Parse()
		switch t := h.talks[caller]; {
		case t == nil || t.over:
			// An agent may have hung up before it was seen.
			h.talks[caller] = &talk{caller: caller, leg: leg, agent: string(agent), from: now, agentLeft: h.talks[caller+" not seen"] != nil}
			if t != nil && !t.unheard {
				dropped = append(dropped, fmt.Sprintf("%s talks with a second agent: %s after %s", caller, leg, t.leg))
			}
		case t.leg != leg:
			dropped = append(dropped, fmt.Sprintf("%s talks with %s and then with %s", caller, t.leg, leg))
			t.leg = leg
		}
	}
	for caller, t := range h.talks {
		if t.over || together[caller] == t.leg {
			continue
		}
		t.over = true
		if c := h.callerOf(caller); !t.agentLeft && !c.left.IsZero() {
			t.left = c.left
		}
		t.unheard = !t.left.IsZero() && h.unheard(t)
		if !t.agentLeft && !h.callerLeft(caller) && !h.nodeDied(caller) && !h.nodeLost(h.callerOf(caller)) {
			dropped = append(dropped, fmt.Sprintf("the conversation of %s with %s, begun at %v, has ended, and nobody has ended it", caller, t.leg, t.from.Sub(h.began)))
		}
	}
	h.mu.Unlock()
	slices.Sort(dropped)
	for _, text := range dropped {
		h.failUnless("%s", text)
	}
}

// unheard reports whether one of the two hung up before the controller that went on with the call
// could know that the two had been connected: the reply to that was lost, or it was told to
// one who could not write it any more, and who had the lease no longer when they parted.
// h.mu is held.
func (h *history) unheard(t *talk) bool {
	if told, answered := h.connected[t.caller]; (!answered || told.After(t.left)) && within(t.from, h.outages.nodes, time.Second) {
		return true
	}
	for i, l := range h.leaders {
		if !l.at.After(t.from) || !h.ignorant(i) || !slices.ContainsFunc(h.outages.store, func(s span) bool {
			return s.from.Before(t.from.Add(time.Second)) && s.to.Add(4*time.Second).After(l.at)
		}) {
			continue
		}
		c := h.callerOf(t.caller)
		heard := slices.IndexFunc(c.heardIn, func(x hearing) bool { return x.term == i+1 })
		if heard < 0 || t.left.Before(c.heardIn[heard].at.Add(lookEvery)) {
			return true
		}
	}
	return false
}

// ignorant reports whether the one who was given this lease, counted from 0 on, may not know
// the latest, because Redis was not written. h.mu is held.
func (h *history) ignorant(term int) bool {
	return term > 0 && within(h.leaders[term].at, h.outages.store, 4*time.Second)
}

// callerOf finds the caller with a channel; h.mu is held.
func (h *history) callerOf(channel string) *caller {
	i := slices.IndexFunc(h.callers, func(c *caller) bool { return c.call.Channel() == channel })
	return h.callers[i]
}

// callerLeft reports whether a caller has hung up; h.mu is held.
func (h *history) callerLeft(channel string) bool {
	for _, c := range h.callers {
		if !c.left.IsZero() && c.call.Channel() == channel {
			return true
		}
	}
	return false
}

// nodeDied reports whether the node of a channel was killed since; h.mu is held.
func (h *history) nodeDied(channel string) bool {
	for _, c := range h.callers {
		if c.call.Channel() == channel {
			return slices.ContainsFunc(h.killed[c.node], func(at time.Time) bool { return !at.Before(c.dialed) })
		}
	}
	return false
}

// nodeLost reports whether the call of a caller may just have been ended because its node had
// counted as lost: then its record says so. h.mu is held.
func (h *history) nodeLost(c *caller) bool {
	lost := slices.ContainsFunc(h.lost(c.node), func(s span) bool {
		return c.dialed.Before(s.to) && within(time.Now(), []span{s}, 0)
	})
	c.lost = c.lost || lost
	return lost
}

// agentLeaves lets the person at a seat hang up.
func (h *history) agentLeaves(c *arimodel.Call) {
	h.mu.Lock()
	if call, _, _, leg := acd.LegID(c.Channel()).Parse(); leg {
		if t := h.talks[string(call)]; t != nil && t.leg == c.Channel() {
			t.agentLeft, t.left = true, time.Now()
		} else {
			h.talks[string(call)+" not seen"] = &talk{agentLeft: true, over: true}
		}
	}
	h.mu.Unlock()
	c.Hangup()
}

// callerEnded says whether the call of a caller may have ended.
func (h *history) callerEnded(c *caller) {
	h.mu.Lock()
	c.ended = time.Now()
	channel := c.call.Channel()
	t := h.talks[channel]
	unseen := h.talks[channel+" not seen"] != nil
	died := slices.ContainsFunc(h.killed[c.node], func(at time.Time) bool { return !at.Before(c.dialed) })
	down := channel == "" // the node was not there
	left := !c.left.IsZero()
	ended := left || died || down || unseen || t != nil && t.agentLeft || h.nodeLost(c)
	h.mu.Unlock()
	if !ended {
		h.failUnless("the call of channel %s was ended, and neither he nor an agent hung up", channel)
	}
}

// leadership is a lease that was given.
type leadership struct {
	p       *process
	token   uint64
	at      time.Time
	reached time.Time // when all nodes were seen to be connected first
}

func (h *history) leads(p *process, token uint64) {
	h.note("%s leads, token %d", p.id, token)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaders = append(h.leaders, leadership{p: p, token: token, at: time.Now()})
}

// windows for commands of one who has lost the lease: he learns of it when he keeps it,
// or when another connects; who cannot be told goes on for longer.
const (
	window     = time.Second
	wideWindow = 15 * time.Second
)

// answered notes what a process was told that its command has been carried out.
func (h *history) answered(path string) {
	bridge, adds := strings.CutSuffix(path, "/addChannel")
	if !adds {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connected[strings.TrimPrefix(bridge[strings.LastIndexByte(bridge, '/')+1:], "bridge_")] = time.Now()
}

// commanded checks that a command comes from the one who leads.
func (h *history) commanded(p *process, method, path string) {
	if strings.HasSuffix(path, "/eventFilter") {
		return
	}
	h.mu.Lock()
	if leg, dials := strings.CutSuffix(path, "/dial"); dials {
		leg = leg[strings.LastIndexByte(leg, '/')+1:]
		call, _, agent, _ := acd.LegID(leg).Parse()
		h.rang = append(h.rang, rang{leg: leg, call: call, agent: agent, from: time.Now(), last: time.Now()})
	}
	if h.over { // a handover may lead to one that ends, too
		h.mu.Unlock()
		return
	}
	var since time.Time
	mine := -1
	for i, l := range h.leaders {
		if l.p == p {
			mine = i
		}
	}
	for i := mine + 1; i < len(h.leaders); i++ {
		if since.IsZero() {
			since = h.leaders[i].at
		}
	}
	if !since.IsZero() && p.resumed.After(since) {
		since = p.resumed // it could neither command nor learn anything before
	}
	limit := window
	for _, s := range slices.Concat(h.outages.store, h.outages.stopped, h.outages.nodes) {
		if !s.from.After(time.Now()) && s.to.Add(wideWindow).After(since) {
			limit = wideWindow
		}
	}
	h.mu.Unlock()
	if mine < 0 || !since.IsZero() && time.Since(since) > limit {
		h.fail("%s commands %s %s, %v after another was given the lease", p.id, method, path, time.Since(since))
	}
}

// verify checks what is left at the end.
func (h *history) verify(ctx context.Context) {
	channels, bridges := h.world.Look()
	if len(channels)+len(bridges) > 0 {
		h.fail("left behind: %+v %+v", channels, bridges)
	}
	p := h.leader()
	if p == nil {
		h.fail("nobody leads")
		return
	}
	h.mu.Lock()
	if last := h.leaders[len(h.leaders)-1]; last.p != p {
		h.failures = append(h.failures, fmt.Sprintf("%s leads, and the lease was given last to %s", p.id, last.p.id))
	}
	h.mu.Unlock()
	t := p.leading()
	for _, err := range t.Ready() {
		if err != nil {
			h.fail("at the end %s is not ready: %v", p.id, err)
		}
	}
	snapshot, err := t.Snapshot(ctx)
	if err != nil {
		h.fail("no snapshot: %v", err)
		return
	}
	for _, c := range snapshot.Calls {
		h.fail("the engine has a call that no node has: %+v", c)
	}
	for i, a := range snapshot.Agents {
		switch {
		case i == agents-1 && (a.State != acd.NotReady || a.Reason != "break"):
			h.fail("the agent who takes a break is %s, %q", a.State, a.Reason)
		case i < agents-1 && a.State != acd.Ready:
			h.fail("agent %s is %s, %q", a.Agent, a.State, a.Reason)
		}
	}
	store, err := redisstore.New(redisstore.Options{Address: "redis:6379", Connections: connections, Dial: h.redis.Link("reader").Dial, Site: site, Location: shanghai})
	if err != nil {
		h.fail("%v", err)
		return
	}
	defer store.Close()
	day := calendar.DayOf(time.Now(), shanghai)
	var records []acd.CallRecord
	if err := store.Records(ctx, day, func(r acd.CallRecord) error { records = append(records, r); return nil }); err != nil {
		h.fail("records: %v", err)
	}
	differences, err := store.Verify(ctx, day)
	if err != nil {
		h.fail("verify: %v", err)
	}
	for _, d := range differences {
		h.fail("counters: %s", d)
	}
	h.verifyRecords(records)
	h.verifyOrder(records)
	live, err := store.Load(ctx, time.Now())
	if err != nil {
		h.fail("live state: %v", err)
	}
	synctest.Wait()
	if p.leading() != t {
		h.fail("%s does not lead any more at the end", p.id)
		return
	}
	engine := t.Idle()
	for _, broken := range engine.Audit() {
		h.fail("broken: %s", broken)
	}
	saved := engine.Save()
	saved.At, saved.Alive, saved.CutOff = live.At, live.Alive, live.CutOff
	want, _ := json.MarshalIndent(saved, "", " ")
	got, _ := json.MarshalIndent(live, "", " ")
	if string(want) != string(got) {
		h.fail("the live state in Redis is not the engine's: %s", firstDifference(string(got), string(want)))
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("%s\nand not\n%s", strings.Join(x[max(0, i-4):min(len(x), i+3)], "\n"), strings.Join(y[max(0, i-4):min(len(y), i+3)], "\n"))
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

func within(t time.Time, spans []span, margin time.Duration) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return t.After(s.from.Add(-margin)) && t.Before(s.to.Add(margin)) })
}

// verifyRecords compares the records with what became of the callers.
func (h *history) verifyRecords(records []acd.CallRecord) {
	h.mu.Lock()
	callers, talks := slices.Clone(h.callers), h.talks
	h.mu.Unlock()
	byCall := map[string]acd.CallRecord{}
	for _, r := range records {
		if _, twice := byCall[string(r.Call)]; twice {
			h.fail("call %s is in the records twice", r.Call)
		}
		byCall[string(r.Call)] = r
	}
	for _, c := range callers {
		channel := c.call.Channel()
		r, there := byCall[channel]
		delete(byCall, channel)
		t := talks[channel]
		switch {
		case !there && (c.heard.IsZero() || h.unwritten(c)):
			continue
		case !there:
			tell := h.failRecord
			if h.spools != "" && !h.unheardOf(c) {
				tell = h.fail // whoever saw its end comes back, and has it on disk
			}
			tell("the call of channel %s, served from %v to %v, has no record", channel, c.inApp.Sub(h.began), c.ended.Sub(h.began))
		case c.lost && r.Reason != acd.NodeLost:
			h.failRecord("the call of channel %s ended as if its node had been lost, and its record says %s (%s)", channel, r.Result, r.Reason)
		case t != nil && !t.from.IsZero() && !t.unheard && (r.Result != acd.Answered || string(r.Agent) != t.agent):
			h.failRecord("call %s talked with agent %s from %v on, and its record says %s (%s), agent %q", channel, t.agent, t.from.Sub(h.began), r.Result, r.Reason, r.Agent)
		case t == nil && talks[channel+" not seen"] == nil && r.Result == acd.Answered && r.Talk() > 2*lookEvery && r.Reason != acd.NodeLost && r.Reason != acd.Recovered:
			h.failRecord("call %s did not talk, and its record says %s for %v, agent %s", channel, r.Result, r.Talk(), r.Agent)
		}
	}
	for id, r := range byCall {
		h.fail("a record of nobody's call: %s %+v", id, r)
	}
}

// unwritten reports whether nothing of a call may have been written: the controller that
// has heard of it died before it could, and it ended before another led.
func (h *history) unwritten(c *caller) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, died := range h.outages.deaths {
		next := slices.IndexFunc(h.leaders, func(l leadership) bool { return l.at.After(died) })
		if died.Before(c.heard.Add(-lookEvery)) || next >= 0 && c.ended.After(h.leaders[next].at.Add(3*time.Second)) {
			continue
		}
		spooled := h.spools != "" && c.ended.Before(died.Add(-lookEvery)) // it was on disk by then
		if died.Before(c.heard.Add(lookEvery)) || within(died, h.outages.store, 3*time.Second) && !spooled {
			return true
		}
	}
	// Or Redis has lost it, and whoever had written it leads no more.
	for _, emptied := range h.outages.emptied {
		for _, l := range h.leaders {
			if l.at.After(c.ended) && l.at.Before(emptied.Add(10*time.Second)) {
				return true
			}
		}
	}
	return false
}

// rang is a call of an agent's phone for a caller, as the nodes had it, whoever asked for it.
type rang struct {
	leg        string
	call       acd.CallID
	agent      acd.AgentID
	from, last time.Time // until it was seen last, ringing or connected
}

// hearing is since when a controller must have heard of a caller in a term; the terms are
// counted as in history.leaders, from 1 on.
type hearing struct {
	term int
	at   time.Time
}

// knew reports whether the one who led at a time must have known of a caller for that long.
func (h *history) knew(c *caller, at time.Time, long time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	term := 0
	for i, l := range h.leaders {
		if !l.at.After(at) {
			term = i + 1
		}
	}
	since := at.Add(-long)
	if term == 0 || c.heard.IsZero() || !c.heard.Before(since) {
		return false
	}
	if reached := h.leaders[term-1].reached; reached.IsZero() || at.Before(reached) {
		return false // nobody is offered whose node is not connected as yet
	}
	if !h.ignorant(term - 1) {
		return true // if not from a node, from what the one before has written
	}
	return slices.ContainsFunc(c.heardIn, func(x hearing) bool { return x.term == term && x.at.Before(since) })
}

// unheardOf reports whether no controller may have seen the end of a call: the one who knew
// of it ended before, or was stopped or cut off, and could not write of it, and no later one
// has heard of it. Nor can a spool tell how it ended then.
func (h *history) unheardOf(c *caller) bool {
	const margin = 4 * time.Second
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.outages.stopped {
		if slices.ContainsFunc(h.outages.store, func(o span) bool {
			return s.from.Before(o.to.Add(margin)) && o.from.Before(s.to.Add(margin))
		}) {
			return true
		}
	}
	return slices.ContainsFunc(h.outages.deaths, func(died time.Time) bool {
		return within(died, h.outages.store, margin) && c.ended.After(died.Add(-lookEvery)) &&
			!slices.ContainsFunc(c.heardIn, func(x hearing) bool { return h.leaders[x.term-1].at.After(died) })
	})
}

// verifyOrder checks that nobody was offered to an agent while somebody waited who had
// come before. The records tell which offers there were, and so do the nodes: the record
// of a controller that took over and could not read the latest knows no offers from before,
// and takes the caller for one who waits since he came.
func (h *history) verifyOrder(records []acd.CallRecord) {
	h.mu.Lock()
	o, callers := h.outages, map[acd.CallID]*caller{}
	for _, c := range h.callers {
		callers[acd.CallID(c.call.Channel())] = c
	}
	calls := slices.Clone(h.rang)
	h.mu.Unlock()
	if len(o.nodes)+len(o.stopped) > 0 || h.directed() {
		return
	}
	const slack = 500 * time.Millisecond
	for _, a := range records {
		c := callers[a.Call]
		if a.Queued.IsZero() || c == nil || c.waits.IsZero() {
			continue
		}
		queued := a.Queued
		if c.waits.After(queued.Add(slack)) {
			queued = c.waits
		}
		for _, b := range records {
			if !queued.Add(slack).Before(b.Queued) {
				continue
			}
			for _, offer := range b.Offers {
				made := offer.Made
				waits := h.knew(c, made, slack) && queued.Before(made.Add(-slack)) && made.Before(a.Ended.Add(-slack)) && (a.Answered.IsZero() || made.Before(a.Answered.Add(-slack)))
				other := func(agent acd.AgentID, from, to time.Time) {
					if !from.After(made.Add(slack)) && !to.Before(made.Add(-slack)) || agent == offer.Agent && !from.After(made) {
						waits = false
					}
				}
				for _, x := range a.Offers {
					to := x.Ended
					if to.IsZero() {
						to = a.Ended
					}
					other(x.Agent, x.Made, to)
				}
				for _, x := range calls {
					if x.call == a.Call {
						other(x.agent, x.from, x.last)
					}
				}
				if waits {
					h.failUnless("call %s, queued at %v, was offered to %s at %v while %s waited since %v", b.Call, b.Queued.Sub(h.began), offer.Agent, made.Sub(h.began), a.Call, queued.Sub(h.began))
				}
			}
		}
	}
}
