package bulletin

import (
	"encoding/json"
	"math/bits"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// windowIntervals are the quarter-hours of 24 hours.
const windowIntervals = int(24 * time.Hour / calendar.IntervalLength)

// quarter is an interval with calls or without.
type quarter struct {
	start                   time.Time
	offered, answered, wait int64
}

func (q quarter) end() time.Time { return q.start.Add(calendar.IntervalLength) }

func (q quarter) counters() traffic.Counters {
	return traffic.Counters{traffic.CountOffered: q.offered, traffic.CountAnswered: q.answered, traffic.SumWait: q.wait}
}

// quarters are the intervals of a day that have ended; none of a day without calls.
func quarters(line Line, loc *time.Location, readAt time.Time) []quarter {
	list := make([]quarter, 0, len(line.Offered))
	start := line.Day.Start(loc)
	for i := range line.Offered {
		q := quarter{start.Add(time.Duration(i) * calendar.IntervalLength), line.Offered[i], line.Answered[i], line.Wait[i]}
		if q.end().After(readAt) {
			break
		}
		list = append(list, q)
	}
	return list
}

// course computes what needs the intervals, and the rows by hour, day and month.
func (r *Report) course(in Input) {
	var windows slider
	var week Week
	for _, line := range in.Lines {
		own := quarters(line, in.Location, in.ReadAt)
		inPeriod := !line.Day.Before(in.Period.First)
		for _, q := range own {
			windows.add(q, inPeriod)
			if inPeriod {
				week.add(q)
				r.busier(in.Definitions, q)
			}
		}
		switch {
		case len(own) == 0:
			windows = slider{worst: windows.worst} // a window does not bridge what was not counted
		case inPeriod:
			r.peaks(line.Peaks)
			r.PeaksLack += line.PeaksLack
		}
		if !inPeriod || empty(line.Site) {
			continue
		}
		if r.Kind == Daily {
			r.Hours = hours(in.Definitions, own)
		} else {
			r.Days = append(r.Days, Step{line.Day.Start(in.Location), line.Day.End(in.Location), in.Definitions.Compute(line.Site)})
		}
	}
	r.Worst = windows.worst
	if r.Kind != Daily {
		r.Week = &week
	}
	for i, site := range in.Months {
		if empty(site) {
			continue
		}
		month := in.Period.First.Month().AddMonths(i)
		r.Months = append(r.Months, Step{month.First().Start(in.Location), month.Last().End(in.Location), in.Definitions.Compute(site)})
	}
}

func (r *Report) busier(definitions *traffic.Definitions, q quarter) {
	if q.offered > 0 && (r.Busiest == nil || q.offered > r.Busiest.Figures.Value(traffic.Offered).Num) {
		r.Busiest = &Part{q.start, q.end(), definitions.Compute(q.counters())}
	}
}

func (r *Report) peaks(p traffic.Peaks) {
	if p.Calls > r.Peaks.Calls {
		r.Peaks.Calls, r.Peaks.CallsAt = p.Calls, p.CallsAt.In(r.location)
	}
	if p.Waiting > r.Peaks.Waiting {
		r.Peaks.Waiting, r.Peaks.WaitingAt = p.Waiting, p.WaitingAt.In(r.location)
	}
}

// hours joins the quarters of each hour of the clock on the wall. An hour that comes
// twice, when daylight saving ends, makes two rows.
func hours(definitions *traffic.Definitions, list []quarter) []Part {
	var parts []Part
	for len(list) > 0 {
		sum := traffic.Counters{}
		n := 0
		for n < len(list) && sameHour(list[n].start, list[0].start) {
			sum.Add(list[n].counters())
			n++
		}
		parts = append(parts, Part{list[0].start, list[n-1].end(), definitions.Compute(sum)})
		list = list[n:]
	}
	return parts
}

func sameHour(a, b time.Time) bool {
	_, x := a.Zone()
	_, y := b.Zone()
	return a.Hour() == b.Hour() && x == y
}

// slider finds the 24 hours with the lowest connect rate, of all that end in the
// period and begin at any quarter-hour.
type slider struct {
	last              []quarter // as many as a window has, at most
	offered, answered int64
	worst             *Window // the earliest, of equal ones
}

func (s *slider) add(q quarter, inPeriod bool) {
	s.last = append(s.last, q)
	s.offered += q.offered
	s.answered += q.answered
	if len(s.last) > windowIntervals {
		s.offered -= s.last[0].offered
		s.answered -= s.last[0].answered
		s.last = s.last[1:]
	}
	if !inPeriod || len(s.last) < windowIntervals || s.offered == 0 {
		return
	}
	if s.worst == nil || less(s.answered, s.offered, s.worst.Answered, s.worst.Offered) {
		s.worst = &Window{s.last[0].start, q.end(), s.offered, s.answered}
	}
}

// less compares a/b < c/d exactly; none is negative, b and d are not 0.
func less(a, b, c, d int64) bool {
	leftHigh, leftLow := bits.Mul64(uint64(a), uint64(d))
	rightHigh, rightLow := bits.Mul64(uint64(c), uint64(b))
	return leftHigh < rightHigh || leftHigh == rightHigh && leftLow < rightLow
}

// ConnectRate is that of the window, in per cent.
func (w Window) ConnectRate() traffic.Ratio {
	return traffic.Ratio{Num: 100 * w.Answered, Den: w.Offered}
}

// MarshalJSON writes the window with its connect rate.
func (w Window) MarshalJSON() ([]byte, error) {
	type plain Window
	return json.Marshal(struct {
		plain
		ConnectRate json.RawMessage `json:"connect_rate"`
		Enough      bool            `json:"enough"`
	}{plain(w), number(w.ConnectRate(), 2), w.Enough()})
}

// leastRate is the connect rate, in per cent, that GB/T 33358-2016 asks for over any 24 hours.
const leastRate = 95

// Enough reports whether the window has what GB/T 33358-2016 asks for.
func (w Window) Enough() bool { return !less(w.Answered, w.Offered, leastRate, 100) }

// Week is how calls are spread over the hours of a week, Monday first, by the clock
// on the wall.
type Week struct {
	offered, quarters [7][24]int64
}

func (w *Week) add(q quarter) {
	day, hour := (int(q.start.Weekday())+6)%7, q.start.Hour()
	w.offered[day][hour] += q.offered
	w.quarters[day][hour]++
}

// Mean is the mean number of calls offered in an hour; not defined for an hour of
// which no quarter was counted.
func (w *Week) Mean(day, hour int) traffic.Ratio {
	const quartersOfHour = int64(time.Hour / calendar.IntervalLength)
	return traffic.Ratio{Num: quartersOfHour * w.offered[day][hour], Den: w.quarters[day][hour]}
}

// MarshalJSON writes the means as seven lists of 24 numbers.
func (w *Week) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for day := range 7 {
		if day > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		for hour := range 24 {
			if hour > 0 {
				out = append(out, ',')
			}
			out = append(out, number(w.Mean(day, hour), weekDecimals)...)
		}
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

const weekDecimals = 1
