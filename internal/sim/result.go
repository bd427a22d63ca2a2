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
func (r *Row) WaitPercentile(p float64) float64 {
	n := len(r.Waits)
	if n == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p * float64(n)))
	return float64(r.Waits[min(max(rank, 1), n)-1]) / 1000
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
		Blocked: t.blocked, Served: t.served, Unfinished: r.active, Steps: r.steps,
		Total: t.close(&t.total, t.from),
	}
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
