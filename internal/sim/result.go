package sim

import (
	"math"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// Result is what one run has found.
type Result struct {
	Scenario string
	Seed     uint64
	// Callers are persons; Dialled counts their calls, Redialled those after
	// the first. Blocked calls found all lines busy. Served persons reached
	// an agent at last. All without regard to the warm-up.
	Callers, Dialled, Redialled, Blocked, Served int
	// CalledBack of the served reached the agent by a callback. Callbacks says
	// how those that were listed have ended, by state; those that had not a day
	// after the scenario's end are missing.
	CalledBack int
	Callbacks  map[acd.CallbackState]int
	// ServedAfter are the times from the first dial until the person was
	// connected, Held those which the persons waited in queues, in all their
	// calls; both of served persons, in milliseconds, sorted.
	ServedAfter, Held []uint32
	// InOrder is the share of pairs of served persons of whom the one who
	// dialled first was served first; NaN with fewer than two.
	InOrder float64
	// Overtaken is how often a call was offered to an agent while an earlier
	// one of the same queue waited. IdleWhileWaiting is the agents' time ready
	// while callers waited in a queue that they serve. Both are 0 unless skills,
	// levels or preferred agents make callers wait for somebody in particular.
	Overtaken        int
	IdleWhileWaiting time.Duration
	// Audits is how often the invariants were checked; a breach ends the run.
	Audits int
	// Unfinished calls were still there a day after the scenario's end.
	Unfinished int
	// Steps of the engine.
	Steps int

	Total  Row
	Queues []Row // in the order of the routing
	Rows   []Row // in the order of time, as long as Options.By says
}

// Row holds the figures of the site, of a queue, or of a part of the time.
type Row struct {
	Queue   acd.QueueID // of Result.Queues
	Begin   time.Time
	Figures traffic.Figures
	// Waits of answered calls in milliseconds, sorted.
	Waits []uint32
	// Idle, Contact and Away are the agents' time ready; ringing, talking
	// or in wrap-up; and not ready. They are 0 in rows of queues, since an
	// agent may serve several.
	Idle, Contact, Away time.Duration
}

// Occupancy is the agents' time in contact / (in contact + idle); NaN when
// there was neither.
func (r *Row) Occupancy() float64 {
	return float64(r.Contact) / float64(r.Contact+r.Idle)
}

// WaitPercentile is the wait in seconds that a share p (0 to 1) of the
// answered calls did not exceed; NaN when there were none. It is the smallest
// such wait (nearest rank).
func (r *Row) WaitPercentile(p float64) float64 { return Percentile(r.Waits, p) }

// Percentile is, in seconds, the smallest of sorted milliseconds that a share p
// (0 to 1) of them does not exceed (nearest rank); NaN when there are none.
func Percentile(sorted []uint32, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p * float64(n)))
	return float64(sorted[min(max(rank, 1), n)-1]) / 1000
}

// result closes the books.
func (t *tally) result() *Result {
	r := t.r
	for i := range r.people {
		p := &r.people[i]
		t.spent(p.state, p.since, r.now)
	}
	out := &Result{
		Scenario: r.Name, Seed: r.opt.Seed, Callers: t.callers, Dialled: t.dialled, Redialled: t.redialled,
		Blocked: t.blocked, Served: len(t.served.firsts), Unfinished: r.active, Steps: r.steps,
		CalledBack: t.served.calledBack, Callbacks: t.listEnds, InOrder: inOrder(t.served.firsts),
		ServedAfter: t.served.waits, Held: t.served.held,
		Overtaken: r.lanes.overtaken, IdleWhileWaiting: time.Duration(r.lanes.idleTime), Audits: t.audits,
		Total: t.close(&t.total, t.from),
	}
	slices.Sort(out.ServedAfter)
	slices.Sort(out.Held)
	for i := range t.queue {
		row := t.close(&t.queue[i], t.from)
		row.Queue = r.Routing.Queues[i].ID
		out.Queues = append(out.Queues, row)
	}
	if r.opt.By != ByNone && r.opt.By != "" {
		for i := range t.rows {
			out.Rows = append(out.Rows, t.close(&t.rows[i], t.starts[i]))
		}
	}
	return out
}

func (t *tally) close(s *sums, begin int64) Row {
	counters := make(traffic.Counters, len(s.amounts))
	for i, amount := range s.amounts {
		if amount != 0 {
			counters[t.names[i]] = amount
		}
	}
	slices.Sort(s.waits)
	return Row{
		Begin:   t.r.plan.start.Add(time.Duration(begin)).In(t.r.plan.loc),
		Figures: t.r.opt.Definitions.Compute(counters), Waits: s.waits,
		Idle: time.Duration(s.idle), Contact: time.Duration(s.contact), Away: time.Duration(s.away),
	}
}
