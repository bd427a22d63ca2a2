package traffic

import (
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// SplitStint cuts a stint at the midnights in it, so that each part belongs to
// one day.
func SplitStint(stint acd.Stint, loc *time.Location) []acd.Stint {
	var parts []acd.Stint
	for stint.From.Before(stint.To) {
		part := stint
		if end := calendar.DayOf(stint.From, loc).End(loc); end.Before(part.To) {
			part.To = end.UTC() // a zone whose offset has seconds cannot be written in RFC 3339
		}
		parts = append(parts, part)
		stint.From = part.To
	}
	return parts
}

// FoldStint says what an agent's time in one state adds to which counters, for the
// agent and the site. Unlike a call, it counts in each interval in which it was
// spent. The stint lies within one day; see SplitStint. Milliseconds are cut at
// the borders of intervals such that the parts add up to the whole.
func FoldStint(stint acd.Stint, loc *time.Location) []Increment {
	var increments []Increment
	counters := stateCounters(stint)
	for from := stint.From; from.Before(stint.To); {
		interval := calendar.IntervalOf(from, loc)
		to := interval.End(loc)
		if stint.To.Before(to) {
			to = stint.To
		}
		ms := to.UnixMilli() - from.UnixMilli()
		from = to
		if ms == 0 {
			continue
		}
		amounts := make([]Amount, len(counters))
		for i, c := range counters {
			amounts[i] = Amount{c, ms}
		}
		increments = append(increments, Increment{interval, Agent(stint.Agent), amounts}, Increment{interval, Site, amounts})
	}
	return increments
}

func stateCounters(stint acd.Stint) []Counter {
	switch stint.State {
	case acd.Ready:
		return []Counter{SumLoggedIn, SumReady}
	case acd.NotReady:
		return []Counter{SumLoggedIn, SumNotReady, NotReadyFor(stint.Reason)}
	case acd.Ringing:
		return []Counter{SumLoggedIn, SumRinging}
	case acd.Talking:
		return []Counter{SumLoggedIn, SumTalking}
	case acd.WrapUp:
		return []Counter{SumLoggedIn, SumWrapUp}
	}
	return nil
}
