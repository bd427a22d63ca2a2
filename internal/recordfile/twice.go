package recordfile

import (
	"cmp"
	"slices"
	"time"

	"hotline/internal/acd"
)

// ledger remembers the good entries of a file, to find what would count twice.
type ledger struct {
	calls  map[acd.CallID]int // the line of each
	stints map[agentDay][]span
}

// agentDay is where stints may overlap: each lies within a day.
type agentDay struct {
	agent acd.AgentID
	day   string
}

// span is the time of a stint in milliseconds, the unit in which time is counted.
type span struct {
	from, to int64
	exact    time.Time // with the agent its identity
	line     int
}

// twice says what an entry has in common with a line before.
func (r *reader) twice(e *Entry, c *checker) {
	l := &r.ledger
	if l.calls == nil {
		l.calls, l.stints = map[acd.CallID]int{}, map[agentDay][]span{}
	}
	if e.Call != nil {
		if line, there := l.calls[e.Call.Call]; there {
			c.say("the call %s is in line %d already", quote(string(e.Call.Call)), line)
			return
		}
		l.calls[e.Call.Call] = r.line
		return
	}
	where := agentDay{e.Stint.Agent, e.Day}
	stint := span{e.Stint.From.UnixMilli(), e.Stint.To.UnixMilli(), e.Stint.From, r.line}
	spans := l.stints[where]
	// Sorted by from. Those that are taken do not overlap, unless a clock was set back.
	at, _ := slices.BinarySearchFunc(spans, stint.from, func(s span, from int64) int { return cmp.Compare(s.from, from) })
	for _, other := range spans[max(0, at-1):] {
		switch {
		case other.exact.Equal(stint.exact):
			c.say("the stint of agent %s from then on is in line %d already", quote(string(where.agent)), other.line)
			return
		case other.from >= stint.to:
		case other.to > stint.from && !r.want.ClockSteps:
			c.say("overlaps the stint of agent %s in line %d", quote(string(where.agent)), other.line)
			return
		}
		if other.from >= stint.to {
			break
		}
	}
	l.stints[where] = slices.Insert(spans, at, stint)
}
