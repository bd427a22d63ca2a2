package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/sim"
)

// checker turns what was written into a scenario, and reports what is wrong.
type checker struct {
	*config.Document
	files  files
	agents map[acd.AgentID]bool // of the routing; nil when it could not be read
}

func (c *checker) scenario(name string, raw *file) (*sim.Scenario, error) {
	s := &sim.Scenario{Name: name, Title: raw.Title.Get(), Days: raw.Days.Get(), WarmUp: raw.WarmUp.Get()}
	if err := c.routing(raw, s); err != nil {
		return nil, err
	}
	if raw.From.Given() {
		day, err := calendar.ParseDay(raw.From.Get())
		if err != nil {
			c.At(raw.From, "from: %s is not a day; write it as year-month-day, for example 2026-01-05", strconv.Quote(raw.From.Get()))
		}
		s.From = day
	}
	end := time.Duration(s.Days) * 24 * time.Hour
	if n := raw.Days.Get(); n < 1 || n > sim.MostDays {
		c.At(raw.Days, "days: %d is out of range; write 1 to %d", n, sim.MostDays)
		end = math.MaxInt64
	}
	if w := raw.WarmUp.Get(); w < 0 || w%calendar.IntervalLength != 0 || w >= end && !raw.Days.Wrong() {
		c.At(raw.WarmUp, "warm_up: %v is not possible; write whole quarter-hours, less than the scenario, for example 1h30m", w)
	}
	for i := range raw.Arrivals.Items() {
		s.Arrivals = append(s.Arrivals, c.arrivals(&raw.Arrivals.Items()[i], s))
	}
	s.Callers = c.callers(&raw.Callers)
	s.Switch = c.lines(&raw.Switch)
	s.Agents = c.behaviour(&raw.Agents)
	s.Partners = sim.Partners{Takes: c.within(raw.Partners.Takes, "partners.takes", 0, 1)}
	s.Partners.Answer = c.distribution(&raw.Partners.Answer, "partners.answer", s.Partners.Takes > 0)
	c.shifts(raw.Shifts.Items(), s)
	return s, nil
}

func (c *checker) arrivals(raw *arrivalsItem, s *sim.Scenario) sim.Arrivals {
	a := sim.Arrivals{
		Entry: raw.Entry.Get(), CallsPerDay: raw.CallsPerDay.Get(), DayCV: raw.DayCV.Get(),
		PerSecond: raw.PerSecond.Get(), Begin: raw.Begin.Get(), End: raw.End.Get(),
		Hours:    c.weights(raw.Hours, "arrivals.hours", 24, 96),
		Weekdays: c.weights(raw.Weekdays, "arrivals.weekdays", 7),
		Months:   c.weights(raw.Months, "arrivals.months", 12),
	}
	if c.agents != nil && raw.Entry.Given() && !slices.ContainsFunc(s.Routing.Entries, func(e acd.Entry) bool { return e.Number == a.Entry }) {
		var known []string
		for _, e := range s.Routing.Entries {
			known = append(known, e.Number)
		}
		c.At(raw.Entry, "arrivals.entry: the routing has no number %s; write one of: %s", strconv.Quote(a.Entry), strings.Join(known, ", "))
	}
	c.within(raw.CallsPerDay, "arrivals.calls_per_day", 0, 1e8)
	c.within(raw.PerSecond, "arrivals.per_second", 0, 10_000)
	c.within(raw.DayCV, "arrivals.day_cv", 0, 10)
	given, wrong := 0, raw.Begin.Wrong() || raw.End.Wrong()
	for _, rate := range []interface {
		Given() bool
		Wrong() bool
	}{raw.CallsPerDay, raw.PerSecond, raw.Recorded} {
		if rate.Given() || rate.Wrong() {
			given++
		}
		wrong = wrong || rate.Wrong()
	}
	switch {
	case given == 1 && wrong:
	case given != 1:
		c.At(raw, "arrivals: an item needs exactly one of calls_per_day, per_second and recorded; add or remove")
	case raw.PerSecond.Given() && (a.Begin < 0 || a.End <= a.Begin):
		c.At(raw.PerSecond, "arrivals: the end is not after the begin; write for example begin: 9h and end: 10h, counted from the first midnight")
	case !raw.PerSecond.Given() && (raw.Begin.Given() || raw.End.Given()):
		c.At(raw, "arrivals: begin and end go with per_second only; remove them, or use hours for the shape of the day")
	case raw.Recorded.Given():
		a.Times = c.recorded(raw.Recorded, s)
	case a.CallsPerDay == 0 && a.PerSecond == 0:
		c.At(raw, "arrivals: an item with a rate of 0 has no calls; write a rate, or remove the item")
	}
	return a
}

// weights are as many as one of counts, 0 or more, not all 0.
func (c *checker) weights(l config.List[config.Number], key string, counts ...int) []float64 {
	var weights []float64
	sum := 0.0
	for _, w := range l.Items() {
		c.within(w, key, 0, 1e9)
		weights = append(weights, w.Get())
		sum += w.Get()
	}
	if n := len(weights); n > 0 && !l.Wrong() && (!slices.Contains(counts, n) || sum == 0) {
		c.At(l, "%s has %d weights with the sum %v; write %s numbers of 0 or more, not all 0", key, n, sum, strings.Trim(strings.ReplaceAll(fmt.Sprint(counts), " ", " or "), "[]"))
		return nil
	}
	return weights
}

func (c *checker) within(n config.Number, key string, low, high float64) float64 {
	if v := n.Get(); v < low || v > high {
		c.At(n, "%s: %v is out of range; write %v to %v", key, v, low, high)
	}
	return n.Get()
}

// recorded reads a file of arrivals, one a line: the time of day on the first
// day, or date and time. What follows a comma is passed over, so that a
// call-detail file may serve; so are blank lines, and the first if it is a head.
func (c *checker) recorded(t config.Text, s *sim.Scenario) []time.Duration {
	data, err := c.files.read(t.Get())
	if err != nil {
		c.At(t, "arrivals.recorded: %s (%s); name a file, relative to the scenario's folder", unreadable(err), t.Get())
		return nil
	}
	if s.Location == nil || s.From.IsZero() {
		return nil
	}
	start := s.From.Start(s.Location)
	var times []time.Duration
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		text, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		if text = strings.Trim(strings.TrimSpace(text), `"`); text == "" {
			continue
		}
		at, ok := instant(text, start, s.Location)
		switch {
		case !ok && n == 1:
		case !ok:
			c.At(t, "arrivals.recorded: line %d of %s, %s, is not a time; write for example 08:30:15 or 2026-01-05 08:30:15", n, t.Get(), strconv.Quote(text))
			return nil
		case at < 0:
			c.At(t, "arrivals.recorded: line %d of %s lies before the first day; correct from, or remove the line", n, t.Get())
			return nil
		default:
			times = append(times, at)
		}
	}
	if len(times) == 0 {
		c.At(t, "arrivals.recorded: %s holds no times; write one a line, for example 08:30:15", t.Get())
		return nil
	}
	slices.Sort(times)
	return times
}

func instant(text string, start time.Time, loc *time.Location) (time.Duration, bool) {
	for _, layout := range []string{time.DateTime, time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, loc); err == nil {
			return t.Sub(start), true
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)), true
		}
	}
	return 0, false
}

func (c *checker) callers(raw *callersSection) sim.Callers {
	out := sim.Callers{
		Patience:         c.distribution(&raw.Patience, "callers.patience", true),
		Talk:             c.distribution(&raw.Talk, "callers.talk", true),
		HangsUpFirst:     c.within(raw.HangsUpFirst, "callers.hangs_up_first", 0, 1),
		LeavesInGreeting: c.within(raw.LeavesInGreeting, "callers.leaves_in_greeting", 0, 1),
		Redial: sim.Redial{
			Probability: c.within(raw.Redial.Probability, "callers.redial.probability", 0, 1),
			Refused:     c.within(raw.Redial.Refused, "callers.redial.refused", 0, 1),
			Most:        raw.Redial.Most.Get(),
		},
		Callback: sim.CalledBack{
			Takes:   c.within(raw.Callback.Takes, "callers.callback.takes", 0, 1),
			Answers: c.within(raw.Callback.Answers, "callers.callback.answers", 0, 1),
		},
	}
	if !raw.Redial.Refused.Given() {
		out.Redial.Refused = out.Redial.Probability
	}
	out.Redial.Delay = c.distribution(&raw.Redial.Delay, "callers.redial.delay", out.Redial.Probability > 0 || out.Redial.Refused > 0)
	out.Callback.Delay = c.distribution(&raw.Callback.Delay, "callers.callback.delay", out.Callback.Takes > 0)
	out.Callback.Lifts = c.distribution(&raw.Callback.Lifts, "callers.callback.lifts", false)
	if raw.Redial.Most.Get() < 0 {
		c.At(raw.Redial.Most, "callers.redial.most: %d is negative; write 0 or more", raw.Redial.Most.Get())
	}
	c.ends(out.Talk, raw.Talk, "callers.talk")
	c.ends(out.Redial.Delay, raw.Redial.Delay, "callers.redial.delay")
	c.ends(out.Callback.Delay, raw.Callback.Delay, "callers.callback.delay")
	c.ends(out.Callback.Lifts, raw.Callback.Lifts, "callers.callback.lifts")
	return out
}

func (c *checker) lines(raw *switchSection) sim.Switch {
	out := sim.Switch{
		RingDelay:    c.span(raw.RingDelay, "switch.ring_delay", time.Minute),
		ConnectDelay: c.span(raw.ConnectDelay, "switch.connect_delay", time.Minute),
		HangUpDelay:  c.span(raw.HangUpDelay, "switch.hang_up_delay", time.Minute),
		Prompt:       c.span(raw.Prompt, "switch.prompt", time.Hour),
		Lines:        raw.Lines.Get(), Prompts: make(map[string]time.Duration),
	}
	for _, p := range raw.Prompts.Items() {
		if _, twice := out.Prompts[p.Name.Get()]; twice {
			c.At(p, "switch.prompts: %s is given twice; remove one of them", p.Name.Get())
		}
		out.Prompts[p.Name.Get()] = c.span(p.Length, "switch.prompts.length", time.Hour)
	}
	if out.Lines < 0 {
		c.At(raw.Lines, "switch.lines: %d is negative; write how many calls the lines carry, or 0 for any number", out.Lines)
	}
	return out
}

func (c *checker) span(d config.Span, key string, high time.Duration) time.Duration {
	if d.Get() < 0 || d.Get() > high {
		c.At(d, "%s: %v is out of range; write 0s to %v", key, d.Get(), high)
	}
	return d.Get()
}

func (c *checker) behaviour(raw *agentsSection) sim.Agents {
	out := sim.Agents{
		Answer:          c.distribution(&raw.Answer, "agents.answer", true),
		NoAnswer:        c.within(raw.NoAnswer, "agents.no_answer", 0, 1),
		Refuse:          c.within(raw.Refuse, "agents.refuse", 0, 1),
		Unreachable:     c.within(raw.Unreachable, "agents.unreachable", 0, 1),
		Back:            c.distribution(&raw.Back, "agents.back", true),
		ReadyAfterLogin: c.span(raw.ReadyAfterLogin, "agents.ready_after_login", 24*time.Hour),
	}
	largest := max(out.NoAnswer, out.Refuse, out.Unreachable)
	if largest <= 1 && out.NoAnswer+out.Refuse+out.Unreachable > 1 {
		c.At(raw, "agents: no_answer, refuse and unreachable are together more than 1; write smaller shares")
	}
	c.ends(out.Answer, raw.Answer, "agents.answer")
	c.ends(out.Back, raw.Back, "agents.back")
	return out
}

// ends refuses never where something must end.
func (c *checker) ends(d sim.Distribution, at config.Placed, key string) {
	if _, endless := d.(sim.Never); endless {
		c.At(at, "%s: never is not possible here; write for example {kind: exponential, mean: 5s}", key)
	}
}

const kinds = "never, constant, exponential, lognormal, gamma, weibull or histogram"

// keysOfKinds are the keys beside kind that each kind uses.
var keysOfKinds = map[string][]string{
	"never": {}, "constant": {"mean"}, "exponential": {"mean"}, "lognormal": {"mean", "cv"},
	"gamma": {"mean", "cv"}, "weibull": {"mean", "shape"}, "histogram": {"cells"},
}

// distribution is nil when it was left out, or is wrong.
func (c *checker) distribution(raw *distribution, key string, needed bool) sim.Distribution {
	mean, cv, shape := raw.Mean.Get(), raw.CV.Get(), raw.Shape.Get()
	kind := raw.Kind.Get()
	switch {
	case raw.Wrong() || raw.Kind.Wrong() || kind == "" && !needed:
		return nil
	case kind == "":
		c.At(raw, "%s is missing; write for example %s: {kind: exponential, mean: 90s}", key, key[strings.LastIndex(key, ".")+1:])
		return nil
	case !c.keysOfKind(raw, key):
		return nil
	}
	if mean < 0 || mean > 365*24*time.Hour {
		c.At(raw.Mean, "%s: a mean of %v is out of range; write 0s to 8760h", key, mean)
	}
	c.within(raw.CV, key+".cv", 0.01, 100)
	c.within(raw.Shape, key+".shape", 0.05, 100)
	switch kind {
	case "never":
		return sim.Never{}
	case "constant":
		return sim.Constant{Value: mean}
	case "exponential":
		return sim.Exponential{MeanOf: mean}
	case "lognormal":
		return sim.LogNormal{MeanOf: mean, CV: cv}
	case "gamma":
		return sim.Gamma{MeanOf: mean, CV: cv}
	case "weibull":
		return sim.Weibull{MeanOf: mean, Shape: shape}
	case "histogram":
		return c.histogram(raw, key)
	}
	return nil // unknown, and reported
}

// keysOfKind checks that a distribution has the keys of its kind, and no others.
func (c *checker) keysOfKind(raw *distribution, key string) (ok bool) {
	kind := raw.Kind.Get()
	uses, known := keysOfKinds[kind]
	if !known {
		c.At(raw.Kind, "%s: %s is not a kind of distribution; write %s", key, strconv.Quote(kind), kinds)
		return false
	}
	ok = true
	for _, written := range []struct {
		key   string
		is    bool
		place config.Placed
	}{
		{"mean", raw.Mean.Given(), raw.Mean}, {"cv", raw.CV.Given(), raw.CV},
		{"shape", raw.Shape.Given(), raw.Shape}, {"cells", len(raw.Cells.Items()) > 0, raw.Cells},
	} {
		if written.is && !slices.Contains(uses, written.key) {
			c.At(written.place, "%s: the kind %s has no %s; remove it, or write a kind that has one: %s", key, kind, written.key, kindsWith(written.key))
			ok = false
		}
	}
	if slices.Contains(uses, "mean") && !raw.Mean.Given() {
		if !raw.Mean.Wrong() {
			c.At(raw.Kind, "%s: the kind %s needs a mean; add for example mean: 90s", key, kind)
		}
		return false
	}
	return ok
}

// kindsWith are the kinds of distributions that have a key.
func kindsWith(key string) string {
	var with []string
	for _, kind := range slices.Sorted(maps.Keys(keysOfKinds)) {
		if slices.Contains(keysOfKinds[kind], key) {
			with = append(with, kind)
		}
	}
	return strings.Join(with, ", ")
}

func (c *checker) histogram(raw *distribution, key string) sim.Distribution {
	var cells []sim.Cell
	var low time.Duration
	sum, legible := 0.0, !raw.Cells.Wrong()
	for _, cell := range raw.Cells.Items() {
		if cell.UpTo.Given() && cell.UpTo.Get() <= low {
			c.At(cell.UpTo, "%s.cells: the bound %v is not above the one before it; write rising bounds", key, cell.UpTo.Get())
		}
		low = max(low, cell.UpTo.Get())
		legible = legible && cell.Weight.Given()
		sum += c.within(cell.Weight, key+".cells.weight", 0, 1e12)
		cells = append(cells, sim.Cell{UpTo: low, Weight: cell.Weight.Get()})
	}
	if sum <= 0 && !legible {
		return nil
	}
	if sum <= 0 {
		c.At(raw, "%s: a histogram needs cells with a weight above 0; write for example cells: [{up_to: 30s, weight: 5}, {up_to: 60s, weight: 2}]", key)
		return nil
	}
	return sim.NewHistogram(cells)
}
