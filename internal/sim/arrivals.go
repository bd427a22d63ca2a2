package sim

import (
	"math/rand/v2"
	"time"

	"hotline/internal/calendar"
)

// source yields the instants of one Arrivals in order, in nanoseconds from the
// scenario's start. It draws one at a time: a year is never held in memory.
type source struct {
	spec  *Arrivals
	item  uint64
	plan  *plan
	rnd   *streams
	r     *rand.Rand
	day   int     // the day that is being drawn; for CallsPerDay
	piece int     // the piece of constant rate; for CallsPerDay
	at    float64 // seconds from the beginning of the day, or of the piece
	rates []float64
	next  int    // of Times
	count uint64 // callers so far: the key of the next one
}

// plan is the scenario's calendar.
type plan struct {
	loc    *time.Location
	start  time.Time // of the first day
	origin int64     // the same in nanoseconds since 1970
	days   []calendar.Day
	begins []int64 // of each day, from the start; and of the day after the last
}

func newPlan(s *Scenario) *plan {
	p := &plan{loc: s.Location, start: s.From.Start(s.Location).UTC()}
	p.origin = p.start.UnixNano()
	for d, i := s.From, 0; i < s.Days; d, i = d.Next(), i+1 {
		p.days = append(p.days, d)
		p.begins = append(p.begins, p.offset(d))
	}
	p.begins = append(p.begins, p.offset(s.From.AddDays(s.Days)))
	return p
}

func (p *plan) offset(d calendar.Day) int64 { return p.since(d.Start(p.loc)) }

// since is the time from the start until t.
func (p *plan) since(t time.Time) int64 { return t.UnixNano() - p.origin }

// end is the first instant after the scenario.
func (p *plan) end() int64 { return p.begins[len(p.days)] }

func newSource(spec *Arrivals, item int, p *plan, rnd *streams) *source {
	s := &source{spec: spec, item: uint64(item), plan: p, rnd: rnd, day: -1}
	if spec.PerSecond > 0 {
		s.r = rnd.own(forArrivals, s.item, 0)
		s.at = spec.Begin.Seconds()
	}
	return s
}

// draw is the next instant; false when there are no more within the scenario.
func (s *source) draw() (int64, bool) {
	at, ok := s.drawUnbounded()
	return at, ok && at < s.plan.end()
}

func (s *source) drawUnbounded() (int64, bool) {
	switch {
	case s.spec.Times != nil:
		if s.next == len(s.spec.Times) {
			return 0, false
		}
		s.next++
		return int64(s.spec.Times[s.next-1]), true
	case s.spec.PerSecond > 0:
		s.at += s.r.ExpFloat64() / s.spec.PerSecond
		return int64(s.at * 1e9), s.at < s.spec.End.Seconds()
	}
	return s.drawByDay()
}

// drawByDay walks through the pieces of constant rate: an exponential amount of
// "expected calls" is used up, at each piece's own rate.
func (s *source) drawByDay() (int64, bool) {
	need := 0.0
	if s.day >= 0 {
		need = s.r.ExpFloat64()
	}
	for {
		if s.day < 0 || s.piece == len(s.rates) {
			if s.day++; s.day == len(s.plan.days) {
				return 0, false
			}
			s.beginDay()
			need = s.r.ExpFloat64() // without memory: what was left over is drawn anew
		}
		length := calendar.IntervalLength.Seconds()
		rate, left := s.rates[s.piece], float64(s.piece+1)*length-s.at
		if need < left*rate {
			s.at += need / rate
			return s.plan.begins[s.day] + int64(s.at*1e9), true
		}
		need -= left * rate
		s.piece++
		s.at = float64(s.piece) * length
	}
}

func (s *source) beginDay() {
	day := s.plan.days[s.day]
	s.r = s.rnd.own(forArrivals, s.item, uint64(s.day)+1)
	s.piece, s.at = 0, 0
	length := time.Duration(s.plan.begins[s.day+1] - s.plan.begins[s.day])
	n := int(length / calendar.IntervalLength)
	calls := s.spec.CallsPerDay * s.dayFactor(day)
	if cap(s.rates) < n {
		s.rates = make([]float64, n)
	}
	s.rates = s.rates[:n]
	total := 0.0
	for i := range s.rates {
		s.rates[i] = s.weight(day, i)
		total += s.rates[i]
	}
	if total == 0 {
		return // a day on which clocks change may lack the only hours with calls
	}
	for i := range s.rates {
		s.rates[i] *= calls / total / calendar.IntervalLength.Seconds()
	}
}

// weight of the i-th quarter-hour of a day: by the clock, also where clocks change.
func (s *source) weight(day calendar.Day, i int) float64 {
	hours := s.spec.Hours
	if len(hours) == 0 {
		return 1
	}
	quarter := i
	if n := len(s.rates); n != 96 {
		t := day.Start(s.plan.loc).Add(time.Duration(i) * calendar.IntervalLength).In(s.plan.loc)
		quarter = t.Hour()*4 + t.Minute()/15
	}
	return hours[quarter*len(hours)/96]
}

// dayFactor is how busy the day is against an average one.
func (s *source) dayFactor(day calendar.Day) float64 {
	year, month, date := day.Date()
	factor := 1.0
	if w := s.spec.Weekdays; len(w) > 0 {
		weekday := time.Date(year, month, date, 0, 0, 0, 0, time.UTC).Weekday()
		factor *= w[(int(weekday)+6)%7] / mean(w)
	}
	if m := s.spec.Months; len(m) > 0 {
		factor *= m[month-1] / mean(m)
	}
	if cv := s.spec.DayCV; cv > 0 {
		shape := 1 / (cv * cv)
		factor *= standardGamma(s.rnd.at(forDay, s.item, uint64(s.day)), shape) / shape
	}
	return factor
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
