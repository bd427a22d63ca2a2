package replay

import (
	"cmp"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// Recorder gathers the records of the calls offered on one day.
type Recorder struct {
	day     calendar.Day
	start   time.Time
	length  time.Duration
	routing *acd.Config

	calls  []inbound
	talks  []time.Duration
	waits  []waited
	rings  []time.Duration // until an agent lifted
	delays []time.Duration // from the offer until the phone rang
	signs  signs
	offers []offered

	greetings map[string][]time.Duration // by number: from arrival to the queue

	answered, endedByCaller, gaveUp          int
	offered, leftInGreeting                  int
	missed, refused, unreachable             int // offers that agents did not take
	asked, called, reached                   int // callbacks
	referred, blocked, unknown, unknownAgent int
}

// inbound is a call that somebody has dialled.
type inbound struct {
	entry    string
	caller   string // only to recognise redials
	at       time.Duration
	ended    time.Duration
	gaveUp   bool
	sentAway bool
}

// NewRecorder is for the day's calls in loc; the routing is the one that the
// scenario will name.
func NewRecorder(day calendar.Day, loc *time.Location, routing acd.Config) *Recorder {
	start := day.Start(loc)
	return &Recorder{
		day: day, start: start, length: day.End(loc).Sub(start), routing: &routing,
		signs: make(signs), greetings: make(map[string][]time.Duration),
	}
}

// since is the time from the beginning of the day.
func (r *Recorder) since(t time.Time) time.Duration { return t.Sub(r.start) }

// Add takes one record.
func (r *Recorder) Add(record acd.CallRecord) {
	r.addSigns(&record)
	if record.Callback != "" {
		r.called++
		if record.Result == acd.Answered {
			r.reached++
		}
		return
	}
	switch {
	case record.Reason == acd.Blocked:
		r.blocked++
		return
	case !slices.ContainsFunc(r.routing.Entries, func(e acd.Entry) bool { return e.Number == record.Entry }):
		r.unknown++
		return
	}
	call := inbound{entry: record.Entry, caller: record.Caller, at: max(0, r.since(record.Arrived)), ended: r.since(record.Ended)}
	if record.Offered() {
		r.offered++
		r.greetings[record.Entry] = append(r.greetings[record.Entry], record.Queued.Sub(record.Arrived))
		r.addWait(&record, &call)
	}
	switch {
	case record.Result == acd.NotOffered && record.Reason == acd.CallerHungUp:
		r.leftInGreeting++
	case record.Reason == acd.Refused, record.Reason == acd.Shed, record.Reason == acd.ClosedHours:
		call.sentAway = true
	case record.Reason == acd.CallbackRequested:
		r.asked++
	case record.Reason == acd.Referred:
		r.referred++
	}
	r.calls = append(r.calls, call)
}

func (r *Recorder) addWait(record *acd.CallRecord, call *inbound) {
	byCaller := record.Reason == acd.CallerHungUp || record.Reason == acd.CallerHungUpRinging || record.Reason == acd.CallerHungUpAtAnswer
	call.gaveUp = record.Result == acd.Abandoned && byCaller
	r.waits = append(r.waits, waited{max(0, record.Wait()), call.gaveUp})
	if call.gaveUp {
		r.gaveUp++
	}
	if record.Result == acd.Answered {
		r.answered++
		if byCaller {
			r.endedByCaller++
		}
		if byCaller || record.Reason == acd.AgentHungUp { // else the talk was cut off
			r.talks = append(r.talks, record.Talk())
		}
	}
}

// addSigns takes what the offers of a call tell of agents.
func (r *Recorder) addSigns(record *acd.CallRecord) {
	for i, o := range record.Offers {
		if !slices.ContainsFunc(r.routing.Agents, func(a acd.Agent) bool { return a.ID == o.Agent }) {
			r.unknownAgent++
			continue
		}
		at, end := r.since(o.Made), r.since(o.Ended)
		if i == 0 && record.Callback == "" && len(record.Visits) == 0 && r.byIdleTime(record.Queue) {
			r.offers = append(r.offers, offered{at, record.Entry, o.Agent})
		}
		if !o.Rang.IsZero() {
			r.delays = append(r.delays, o.Rang.Sub(o.Made))
		}
		found := sign{span: span{at, end}, queue: record.Queue}
		switch o.Outcome {
		case acd.OfferAnswered:
			if record.Callback == "" {
				found.since, found.talked = r.since(record.Queued), r.since(record.TalkedUntil())
			}
			found.end = r.since(record.TalkedUntil()) + r.wrapUp(o.Agent, record.Queue)
			if record.Callback == "" && !o.Rang.IsZero() {
				r.rings = append(r.rings, o.Ended.Sub(o.Rang))
			}
		case acd.OfferNoAnswer:
			r.missed++
		case acd.OfferRefused:
			r.refused++
		case acd.OfferBusy, acd.OfferUnreachable, acd.OfferFailed:
			r.unreachable++
		default:
			continue // the agent keeps the place among the idle
		}
		r.signs[o.Agent] = append(r.signs[o.Agent], found)
	}
}

func (r *Recorder) byIdleTime(id acd.QueueID) bool {
	return slices.ContainsFunc(r.routing.Queues, func(q acd.Queue) bool { return q.ID == id && byIdleTime(&q) })
}

// wrapUp is the routing's; records do not hold the agent's own.
func (r *Recorder) wrapUp(agent acd.AgentID, queue acd.QueueID) time.Duration {
	for _, a := range r.routing.Agents {
		if a.ID == agent && a.WrapUp != 0 {
			return a.WrapUp
		}
	}
	for _, q := range r.routing.Queues {
		if q.ID == queue {
			return q.WrapUp
		}
	}
	return 0
}

// redialWithin is how long after a call that came to nothing the next one from
// the same number is taken to be for its sake.
const redialWithin = time.Hour

// redials are what callers do who were not served.
type redials struct {
	gaveUp, sentAway float64 // shares who dial again
	delays           []time.Duration
}

// firstDials are the calls that are not redials, in order of time.
func (r *Recorder) firstDials() ([]inbound, redials) {
	calls := slices.Clone(r.calls)
	slices.SortStableFunc(calls, func(a, b inbound) int { return cmp.Compare(a.at, b.at) })
	var out redials
	var firsts []inbound
	before := make(map[string]int) // the last call of a number
	again := make([]bool, len(calls))
	for i, c := range calls {
		if c.caller == "" {
			firsts = append(firsts, c)
			continue
		}
		j, known := before[c.caller]
		before[c.caller] = i
		if known && (calls[j].gaveUp || calls[j].sentAway) && c.at-calls[j].ended <= redialWithin {
			again[j] = true
			out.delays = append(out.delays, max(0, c.at-calls[j].ended))
			continue
		}
		firsts = append(firsts, c)
	}
	share := func(of func(inbound) bool) float64 {
		n, all := 0, 0
		for i, c := range calls {
			if c.caller != "" && of(c) {
				all++
				if again[i] {
					n++
				}
			}
		}
		return float64(n) / float64(max(1, all))
	}
	out.gaveUp = share(func(c inbound) bool { return c.gaveUp })
	out.sentAway = share(func(c inbound) bool { return c.sentAway })
	return firsts, out
}
