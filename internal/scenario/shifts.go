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

func (c *checker) shifts(raw []shiftItem, s *sim.Scenario) {
	taken := make(map[acd.AgentID][]stint)
	for i := range raw {
		shift, timed := c.shift(&raw[i], s)
		s.Shifts = append(s.Shifts, shift)
		if timed {
			c.overlap(&raw[i], shift, i+1, taken)
		}
	}
}

// stint is one turn of a shift in a week that begins on Monday.
type stint struct {
	shift      string
	begin, end time.Duration
}

const week = 7 * 24 * time.Hour

// stints are the turns of a shift; one that goes on past the end of the week is
// there twice, also before its beginning.
func stints(shift sim.Shift, name string) (turns []stint) {
	for day, works := range shift.Weekdays {
		if !works {
			continue
		}
		begin := time.Duration(day)*24*time.Hour + shift.Begin
		end := begin + lengthOf(shift)
		turns = append(turns, stint{name, begin, end})
		if end > week {
			turns = append(turns, stint{name, begin - week, end - week})
		}
	}
	return turns
}

func lengthOf(shift sim.Shift) time.Duration {
	if shift.End > shift.Begin {
		return shift.End - shift.Begin
	}
	return shift.End - shift.Begin + 24*time.Hour
}

// overlap reports an agent of the shift who works in an earlier one at the same
// time: nobody can be at two seats. One agent and one earlier shift are enough.
func (c *checker) overlap(raw *shiftItem, shift sim.Shift, number int, taken map[acd.AgentID][]stint) {
	name := shift.Name
	if name == "" {
		name = "no. " + strconv.Itoa(number)
	}
	turns, reported := stints(shift, name), false
	for _, agent := range shift.Agents {
		for _, own := range turns {
			for _, other := range taken[agent] {
				if reported || own.begin >= other.end || other.begin >= own.end {
					continue
				}
				reported = true
				both := (max(own.begin, other.begin) + week) % week
				c.At(raw.Agents, "shifts.agents: agent %s works in the shift %s, and from %s on in the shift %s too; let one end when the other begins, or take the agent out of one",
					agent, other.shift, momentOfWeek(both), own.shift)
			}
		}
		taken[agent] = append(taken[agent], turns...)
	}
}

func momentOfWeek(at time.Duration) string {
	minutes := int(at / time.Minute)
	return fmt.Sprintf("%s %02d:%02d", weekdays[minutes/(24*60)], minutes/60%24, minutes%60)
}

// shift checks one shift; timed is false when its times could not be read.
func (c *checker) shift(raw *shiftItem, s *sim.Scenario) (shift sim.Shift, timed bool) {
	shift = sim.Shift{Name: raw.Name.Get(), Agents: c.who(raw)}
	var begins, ends bool
	shift.Begin, begins = c.timeOfDay(raw.Begin, "shifts.begin")
	shift.End, ends = c.timeOfDay(raw.End, "shifts.end")
	timed = begins && ends && !raw.Weekdays.Wrong()
	for _, w := range raw.Weekdays.Items() {
		i := slices.Index(weekdays, w.Get())
		if i < 0 {
			c.At(w, "shifts.weekdays: %s is not a weekday; write %s", strconv.Quote(w.Get()), strings.Join(weekdays, ", "))
			timed = false
			continue
		}
		shift.Weekdays[i] = true
	}
	if len(raw.Weekdays.Items()) == 0 {
		shift.Weekdays = [7]bool{true, true, true, true, true, true, true}
	}
	length := lengthOf(shift)
	for _, b := range raw.Breaks.Items() {
		if c.agents != nil && b.Reason.Given() && !slices.ContainsFunc(s.Routing.NotReadyReasons, func(r acd.NotReadyReason) bool { return r.Name == b.Reason.Get() }) {
			c.At(b.Reason, "shifts.breaks.reason: the routing has no reason %s; add it to its not_ready_reasons, or write another", strconv.Quote(b.Reason.Get()))
		}
		after, spread := b.After.Get(), b.Spread.Get()
		if !begins || !ends || b.Length.Wrong() || b.After.Wrong() || b.Spread.Wrong() {
			// the break cannot be judged
		} else if after < 0 || spread < 0 || after+spread >= length || b.Length.Given() && b.Length.Get() <= 0 {
			c.At(b, "shifts.breaks: the break does not lie within the shift of %v; write a smaller after or spread, and a length above 0s", length)
		}
		shift.Breaks = append(shift.Breaks, sim.Break{Reason: b.Reason.Get(), After: after, Spread: spread, Length: b.Length.Get()})
	}
	return shift, timed
}

func (c *checker) timeOfDay(t config.Text, key string) (at time.Duration, ok bool) {
	if t.Get() == "24:00" {
		return 0, true
	}
	clock, err := time.Parse("15:04", t.Get())
	if err != nil {
		c.At(t, "%s: %s is not a time of the day; write for example \"08:30\"", key, strconv.Quote(t.Get()))
		return 0, false
	}
	return time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute, true
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
