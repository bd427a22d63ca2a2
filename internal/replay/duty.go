package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hotline/internal/acd"
)

// span is a time from the beginning of the day.
type span struct{ begin, end time.Duration }

// offered is an offer that tells who is idle longer than whom: the first of an
// inbound call, in a queue that rings the agent who has been idle longest.
type offered struct {
	at    time.Duration
	entry string
	agent acd.AgentID
}

// sign is what the records show of an agent: a phone that rang, with the
// conversation and wrap-up that followed.
type sign struct {
	span
	queue acd.QueueID
	// since is when the caller came to the queue, talked when the conversation
	// ended; both 0 if there was none.
	since, talked time.Duration
}

// signs are those of all agents.
type signs map[acd.AgentID][]sign

const (
	// silence is how long an agent may show no sign and still be taken to be
	// at work, where nothing better is known.
	silence = time.Hour
	// shortest is an absence that is told from none.
	shortest = 3 * time.Minute
	// slack allows for the legs that are still at a phone when a call has ended.
	slack = time.Second
)

// duties are when agents were at work, as far as offers tell, by signs in order:
// who was passed over was not there. Whoever is offered a call that agent A serves has been
// idle longer than A, or A is not ready. So with e the time at which the other
// became idle, at the earliest,
//
//   - A was away at some time after e, and came back after the latest e before
//     A's next sign; taken is that e;
//   - A had gone by the first such offer after A's last sign; taken is the
//     middle between the two.
//
// Without such an offer A is taken to have been there all the time between two
// signs, from the beginning and to the end of the day. Where calls are not
// offered by idle time, an agent without a sign for so long as silence says was
// away.
func duties(routing *acd.Config, all signs, offers []offered, length time.Duration) map[acd.AgentID][]span {
	slices.SortFunc(offers, func(a, b offered) int { return cmp.Compare(a.at, b.at) })
	idle := make([]time.Duration, len(offers)) // since when who was offered the call; -1: not known
	for i, o := range offers {
		idle[i] = -1
		list := all[o.agent]
		if before := firstFrom(list, o.at) - 1; before >= 0 {
			idle[i] = list[before].end
		}
	}
	found := make(map[acd.AgentID][]span)
	for i := range routing.Agents {
		a := &routing.Agents[i]
		list := all[a.ID]
		if len(list) == 0 {
			continue
		}
		w := watch{agent: a, routing: routing, offers: offers, idle: idle, byIdle: true}
		for _, q := range routing.Queues {
			if slices.Contains(a.Queues, q.ID) && !byIdleTime(&q) {
				w.byIdle = false
			}
		}
		found[a.ID] = w.duty(list, length)
	}
	return found
}

// sort puts the signs of each agent in order. Where one begins before the
// former one ends, wrap-up was cut short.
func (all signs) sort() {
	for _, list := range all {
		slices.SortFunc(list, func(a, b sign) int { return cmp.Compare(a.begin, b.begin) })
		for i := range list[:max(0, len(list)-1)] {
			list[i].end = min(list[i].end, list[i+1].begin)
		}
	}
}

// wrapUps are how long after conversations in each queue agents were rung
// again whose next caller was waiting already: hardly more than their wrap-up.
func (all signs) wrapUps() map[acd.QueueID][]time.Duration {
	out := make(map[acd.QueueID][]time.Duration)
	for _, list := range all {
		for i := range list[:max(0, len(list)-1)] {
			if s, next := list[i], list[i+1]; s.talked > 0 && next.since > 0 && next.since < s.talked {
				out[s.queue] = append(out[s.queue], next.begin-s.talked)
			}
		}
	}
	return out
}

// firstFrom is the index of the first of an agent's signs that begins at or after at.
func firstFrom(list []sign, at time.Duration) int {
	i, _ := slices.BinarySearchFunc(list, at, func(s sign, at time.Duration) int { return cmp.Compare(s.begin, at) })
	return i
}

// byIdleTime reports whether a queue rings the agent who has been idle longest,
// and nobody else for any reason.
func byIdleTime(q *acd.Queue) bool {
	return (q.Strategy == "" || q.Strategy == acd.LongestIdle) && q.RingAtOnce <= 1 && q.LastAgent == acd.LastAgent{}
}

// watch looks for one agent's absences.
type watch struct {
	agent   *acd.Agent
	routing *acd.Config
	offers  []offered
	idle    []time.Duration
	byIdle  bool
}

// duty is when the agent was there, by the signs in order.
func (w *watch) duty(list []sign, length time.Duration) []span {
	var found []span
	begin, last := time.Duration(0), time.Duration(0)
	for i, s := range list {
		if gone, back, away := w.away(last, s.begin, i == 0); away {
			if i > 0 {
				found = append(found, span{begin, gone})
			}
			begin = back
		}
		last = max(last, s.end)
	}
	end := length
	if gone, _, away := w.away(last, length, true); away {
		end = gone
	}
	return append(found, span{begin, end})
}

// away finds an absence between two signs; edge says that from or to is not a
// sign but an end of the day, so that any absence counts.
func (w *watch) away(from, to time.Duration, edge bool) (gone, back time.Duration, away bool) {
	if !w.byIdle {
		return from, to, to-from > silence
	}
	i, _ := slices.BinarySearchFunc(w.offers, from, func(o offered, at time.Duration) int { return cmp.Compare(o.at, at) })
	for ; i < len(w.offers) && w.offers[i].at < to; i++ {
		o := w.offers[i]
		if o.agent == w.agent.ID || w.idle[i] <= from+slack || !w.routing.CanServe(w.agent, o.entry) {
			continue
		}
		if !away {
			gone, away = (from+o.at)/2, true
		}
		back = max(back, w.idle[i])
	}
	return gone, back, away && (edge || back-gone >= shortest)
}

// shift is a line of the scenario: who was there in the same minutes.
type shift struct {
	begin, end int // minutes of the day
	agents     []acd.AgentID
}

// shiftsOf rounds times of work to the nearest minute, and gathers those alike.
func shiftsOf(found map[acd.AgentID][]span, length time.Duration) []shift {
	alike := make(map[[2]int][]acd.AgentID)
	most := min(int(length/time.Minute), 24*60)
	for _, id := range slices.Sorted(maps.Keys(found)) {
		former := -1
		for _, s := range found[id] {
			begin := max(int(s.begin.Round(time.Minute)/time.Minute), former)
			end := min(int(s.end.Round(time.Minute)/time.Minute), most)
			if begin < end {
				alike[[2]int{begin, end}] = append(alike[[2]int{begin, end}], id)
				former = end
			}
		}
	}
	var list []shift
	for at, agents := range alike {
		list = append(list, shift{at[0], at[1], agents})
	}
	slices.SortFunc(list, func(a, b shift) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	return list
}
