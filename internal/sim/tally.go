package sim

import (
	"fmt"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// By is the length of the rows of a result.
type By string

// The lengths of rows. ByNone leaves the rows out.
const (
	ByNone     By = "none"
	ByInterval By = "interval" // a quarter of an hour
	ByHour     By = "hour"
	ByDay      By = "day"
	ByMonth    By = "month"
)

// tally gathers the figures of a run. Amounts stand in slices by the index of
// their counter: a year has a million records with ten amounts for each of
// three rows, and maps would take longer than the engine.
type tally struct {
	r     *run
	index map[traffic.Counter]int
	names []traffic.Counter
	// maximum says which counters combine by the larger amount.
	maximum []bool
	found   []amount // of the call that is being counted

	total  sums
	queue  []sums // in the order of the routing
	queues []own
	slot   map[acd.QueueID]int
	rows   []sums
	starts []int64 // of rows
	rowOf  []int32 // by day and quarter-hour
	base   []int   // where a day begins in rowOf
	days   map[calendar.Day]int
	from   int64 // the end of the warm-up
	row    int   // the row of now, for spent
	last   struct {
		day   calendar.Day
		index int
	}

	callers, dialled, redialled, blocked, recorded, audits int
	listed                                                 int // callbacks
	listEnds                                               map[acd.CallbackState]int
	served                                                 served
}

// served are the persons who reached an agent, in the order of service.
type served struct {
	firsts     []int64  // when they dialled first
	waits      []uint32 // until they were connected, in milliseconds
	held       []uint32 // waiting on the line in all their calls, in milliseconds
	calledBack int
}

// serve notes a person who reaches an agent.
func (t *tally) serve(first, at int64, held time.Duration, calledBack bool) {
	t.served.firsts = append(t.served.firsts, first)
	t.served.waits = append(t.served.waits, milliseconds(time.Duration(at-first)))
	t.served.held = append(t.served.held, milliseconds(held))
	if calledBack {
		t.served.calledBack++
	}
}

func milliseconds(d time.Duration) uint32 { return uint32(min(max(0, d.Milliseconds()), 1<<32-1)) }

// amount is a counter's index and what a call adds to it.
type amount struct {
	index int
	value int64
}

// own are the harness's own counts of a queue, warm-up included, to compare
// with the engine's.
type own struct{ answered, abandoned, overflowed, waiting uint64 }

func (o *own) add(other own) {
	o.answered += other.answered
	o.abandoned += other.abandoned
	o.overflowed += other.overflowed
	o.waiting += other.waiting
}

// sums are the amounts of one row.
type sums struct {
	amounts []int64
	waits   []uint32 // of answered calls, in milliseconds
	// The agents' time by state, in nanoseconds.
	idle, contact, away int64
}

func newTally(r *run) *tally {
	t := &tally{
		r: r, index: make(map[traffic.Counter]int), slot: make(map[acd.QueueID]int),
		days: make(map[calendar.Day]int), from: int64(r.WarmUp), listEnds: make(map[acd.CallbackState]int),
	}
	t.queue, t.queues = make([]sums, len(r.Routing.Queues)), make([]own, len(r.Routing.Queues))
	for i, q := range r.Routing.Queues {
		t.slot[q.ID] = i
	}
	t.last.index = -1
	t.layRows()
	return t
}

// layRows finds out to which row each quarter-hour belongs.
func (t *tally) layRows() {
	p := t.r.plan
	former := ""
	for d, day := range p.days {
		t.days[day] = d
		t.base = append(t.base, len(t.rowOf))
		for i := range day.Intervals(p.loc) {
			at := p.begins[d] + int64(i)*int64(calendar.IntervalLength)
			if at < t.from {
				t.rowOf = append(t.rowOf, -1)
				continue
			}
			if key := t.rowKey(day, i, at); key != former {
				former = key
				t.starts = append(t.starts, at)
			}
			t.rowOf = append(t.rowOf, int32(len(t.starts)-1))
		}
	}
	t.rows = make([]sums, len(t.starts))
}

func (t *tally) rowKey(day calendar.Day, index int, at int64) string {
	switch t.r.opt.By {
	case ByInterval:
		return fmt.Sprint(day, index)
	case ByHour:
		return t.r.plan.start.Add(time.Duration(at)).In(t.r.plan.loc).Format("2006-01-02 15")
	case ByDay:
		return day.String()
	case ByMonth:
		year, month, _ := day.Date()
		return fmt.Sprint(year, month)
	}
	return "all"
}

// add counts a record, as internal/traffic says.
func (t *tally) add(record *acd.CallRecord) {
	if record.Callback == "" {
		t.recorded++
		for _, v := range record.Visits {
			t.queues[t.slot[v.Queue]].overflowed++
		}
		switch record.Result {
		case acd.Answered:
			t.queues[t.slot[record.Queue]].answered++
		case acd.Abandoned:
			t.queues[t.slot[record.Queue]].abandoned++
		}
	}
	increments := traffic.FoldQueues(*record, t.r.plan.loc)
	row, counted := t.rowOfInterval(increments[0].Interval)
	if !counted {
		return
	}
	inbound := record.Callback == "" && record.Result == acd.Answered
	wait := record.Wait()
	for i := range increments {
		inc := &increments[i]
		if i == 0 || len(record.Visits) > 0 { // otherwise all of them share one
			t.resolve(inc.Amounts)
		}
		if inc.Key.Dimension == traffic.BySite {
			t.note(&t.total, inbound, wait)
			t.note(&t.rows[row], inbound, wait)
			continue
		}
		answered := inbound && i == len(increments)-1
		if n := len(record.Visits); answered && n > 0 {
			wait = record.Answered.Sub(record.Visits[n-1].Left)
		}
		t.note(&t.queue[t.slot[acd.QueueID(inc.Key.Value)]], answered, wait)
	}
}

// resolve looks up where the amounts of a call belong, once for all its rows.
func (t *tally) resolve(amounts []traffic.Amount) {
	t.found = t.found[:0]
	for _, a := range amounts {
		i, known := t.index[a.Counter]
		if !known {
			i = len(t.names)
			t.index[a.Counter] = i
			t.names = append(t.names, a.Counter)
			t.maximum = append(t.maximum, a.Counter.IsMaximum())
		}
		t.found = append(t.found, amount{i, a.Value})
	}
}

// note adds the amounts that were resolved last.
func (t *tally) note(s *sums, answered bool, wait time.Duration) {
	if len(s.amounts) < len(t.names) {
		s.amounts = append(s.amounts, make([]int64, len(t.names)-len(s.amounts))...)
	}
	for _, a := range t.found {
		if t.maximum[a.index] {
			s.amounts[a.index] = max(s.amounts[a.index], a.value)
		} else {
			s.amounts[a.index] += a.value
		}
	}
	if answered {
		s.waits = append(s.waits, milliseconds(wait))
	}
}

// rowOfInterval is the row in which an interval counts; false for the warm-up
// and for what lies after the end.
func (t *tally) rowOfInterval(i calendar.Interval) (int, bool) {
	if i.Day != t.last.day || t.last.index < 0 {
		day, known := t.days[i.Day]
		if !known {
			return 0, false
		}
		t.last.day, t.last.index = i.Day, day
	}
	row := t.rowOf[t.base[t.last.index]+i.Index]
	return int(row), row >= 0
}

// spent adds an agent's time in a state to the rows over which it stretches.
func (t *tally) spent(state acd.AgentState, from, to int64) {
	from, to = max(from, t.from), min(to, t.r.plan.end())
	if state == acd.LoggedOut || from >= to {
		return
	}
	t.total.spend(state, to-from)
	for t.row+1 < len(t.starts) && t.starts[t.row+1] < to {
		t.row++
	}
	row, until := t.row, to
	for {
		begin := max(from, t.starts[row])
		t.rows[row].spend(state, until-begin)
		if begin == from || row == 0 {
			return
		}
		until, row = begin, row-1
	}
}

func (s *sums) spend(state acd.AgentState, d int64) {
	switch state {
	case acd.Ready:
		s.idle += d
	case acd.NotReady:
		s.away += d
	default:
		s.contact += d
	}
}
