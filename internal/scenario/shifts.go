package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/config"
	"hotline/internal/sim"
)

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (c *checker) shift(raw *shiftItem, s *sim.Scenario) sim.Shift {
	shift := sim.Shift{
		Name: raw.Name.Get(), Agents: c.who(raw),
		Begin: c.timeOfDay(raw.Begin, "shifts.begin"), End: c.timeOfDay(raw.End, "shifts.end"),
	}
	for _, w := range raw.Weekdays.Items() {
		i := slices.Index(weekdays, w.Get())
		if i < 0 {
			c.At(w, "shifts.weekdays: %s is not a weekday; write %s", strconv.Quote(w.Get()), strings.Join(weekdays, ", "))
			continue
		}
		shift.Weekdays[i] = true
	}
	if len(raw.Weekdays.Items()) == 0 {
		shift.Weekdays = [7]bool{true, true, true, true, true, true, true}
	}
	length := shift.End - shift.Begin
	if length <= 0 {
		length += 24 * time.Hour
	}
	for _, b := range raw.Breaks.Items() {
		if c.agents != nil && b.Reason.Given() && !slices.ContainsFunc(s.Routing.NotReadyReasons, func(r acd.NotReadyReason) bool { return r.Name == b.Reason.Get() }) {
			c.At(b.Reason, "shifts.breaks.reason: the routing has no reason %s; add it to its not_ready_reasons, or write another", strconv.Quote(b.Reason.Get()))
		}
		after, spread := b.After.Get(), b.Spread.Get()
		if after < 0 || spread < 0 || after+spread >= length || b.Length.Given() && b.Length.Get() <= 0 {
			c.At(b, "shifts.breaks: the break does not lie within the shift of %v; write a smaller after or spread, and a length above 0s", length)
		}
		shift.Breaks = append(shift.Breaks, sim.Break{Reason: b.Reason.Get(), After: after, Spread: spread, Length: b.Length.Get()})
	}
	return shift
}

func (c *checker) timeOfDay(t config.Text, key string) time.Duration {
	if t.Get() == "24:00" {
		return 0
	}
	at, err := time.Parse("15:04", t.Get())
	if err != nil {
		c.At(t, "%s: %s is not a time of the day; write for example \"08:30\"", key, strconv.Quote(t.Get()))
		return 0
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// who lists the agents of a shift: work numbers and ranges of them.
func (c *checker) who(raw *shiftItem) []acd.AgentID {
	var all []acd.AgentID
	for _, t := range raw.Agents.Items() {
		for _, id := range span(t.Get()) {
			switch {
			case c.agents != nil && !c.agents[id]:
				c.At(t, "shifts.agents: the routing has no agent %s; correct the number, or add the agent", strconv.Quote(string(id)))
			case slices.Contains(all, id):
				c.At(t, "shifts.agents: agent %s is given twice; remove one of them", id)
			default:
				all = append(all, id)
				continue
			}
			break // one mistake for each item is enough
		}
	}
	return all
}

// widest is the most agents that a range may name.
const widest = 10_000

func span(text string) []acd.AgentID {
	first, last, found := strings.Cut(text, "-")
	from, err1 := strconv.ParseUint(first, 10, 32)
	to, err2 := strconv.ParseUint(last, 10, 32)
	if !found || err1 != nil || err2 != nil || len(first) != len(last) || from > to || to-from >= widest {
		return []acd.AgentID{acd.AgentID(text)}
	}
	var ids []acd.AgentID
	for n := from; n <= to; n++ {
		ids = append(ids, acd.AgentID(fmt.Sprintf("%0*d", len(first), n)))
	}
	return ids
}
