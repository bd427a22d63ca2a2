package bulletin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Assemble makes a report. The error is ErrNoData when nothing was counted.
func Assemble(in Input) (*Report, error) {
	if empty(in.Site) {
		return nil, fmt.Errorf("no data for %s: %w; choose a period in which hotline counted, or for which figures were imported", in.Period, ErrNoData)
	}
	r := &Report{
		Period: in.Period, Office: in.Office, TimeZone: in.Location.String(), ReadAt: in.ReadAt.In(in.Location).Truncate(time.Second),
		GoesOn: in.ReadAt.Before(in.Period.Last.End(in.Location)), Figures: in.Definitions.Compute(in.Site), Closed: in.Closed, location: in.Location,
	}
	for _, day := range calendar.DaysBetween(in.Period.First, in.Period.Last) {
		if !in.ReadAt.Before(day.End(in.Location)) {
			r.DaysOver++
		}
	}
	for i, period := range in.Period.Bases() {
		r.Bases = append(r.Bases, r.base(in.Definitions, period, in.Bases[i]))
	}
	r.Service = r.service(in.Definitions)
	r.course(in)
	r.rows(in)
	return r, nil
}

func empty(c traffic.Counters) bool {
	for _, amount := range c {
		if amount != 0 {
			return false
		}
	}
	return true
}

// compared are the figures that are set against earlier periods, besides service levels.
var compared = []traffic.Metric{
	traffic.Offered, traffic.Answered, traffic.ConnectRate, traffic.Abandoned, traffic.AbandonRate, traffic.Overflowed,
	traffic.AverageWait, traffic.AverageTalk, traffic.TalkOver10Share, traffic.OutboundAnswered, traffic.OutboundTalk, traffic.CallbacksReached,
}

// publishedByCity are the figures that an imported period has; see partial.
var publishedByCity = []traffic.Metric{
	traffic.Offered, traffic.Answered, traffic.ConnectRate, traffic.AverageWait, traffic.AverageTalk, traffic.TalkOver10Share,
	traffic.OutboundAnswered, traffic.OutboundTalk, traffic.OutboundOver10Part, traffic.TotalAnswered, traffic.TotalTalk, traffic.TotalOver10Share,
}

// compares are compared, with the published service levels.
func compares(definitions *traffic.Definitions) (list []traffic.Definition) {
	published := definitions.Published()
	for _, d := range definitions.List() {
		if slices.Contains(published, d.Key) || slices.Contains(compared, d.Key) {
			list = append(list, d)
		}
	}
	return list
}

// partial reports whether only the figures are known that the city published: of a
// period that was imported in whole or part. What else could be computed would be too low.
func partial(f traffic.Figures) bool { return f.Counter(traffic.CountImported) > 0 }

// value is a figure as far as it is known.
func value(f traffic.Figures, metric traffic.Metric) traffic.Ratio {
	if !slices.Contains(publishedByCity, metric) && partial(f) {
		return traffic.Ratio{}
	}
	return f.Value(metric)
}

// base sets the period of the report against an earlier one. While the period goes on,
// what grows with it is not set against that of a whole one.
func (r *Report) base(definitions *traffic.Definitions, period BasePeriod, site traffic.Counters) Base {
	b := Base{BasePeriod: period, Found: !empty(site), Changes: map[traffic.Metric]traffic.Change{}, Figures: definitions.Compute(site)}
	for _, d := range definitions.List() {
		var change traffic.Change
		if b.Found && !(r.GoesOn && d.Grows()) {
			change = d.Change(value(r.Figures, d.Key), value(b.Figures, d.Key))
		}
		b.Changes[d.Key] = change
	}
	return b
}

// serviceColumns are the figures of each row of 话务服务, in the order of the columns;
// an empty one is printed as a dash.
var serviceColumns = []struct {
	kind    string
	metrics []traffic.Metric
}{
	{"inbound", []traffic.Metric{traffic.Answered, traffic.ConnectRate, traffic.AverageWait, traffic.AverageTalk, traffic.TalkOver10Share}},
	{"outbound", []traffic.Metric{traffic.OutboundAnswered, "", "", traffic.OutboundTalk, traffic.OutboundOver10Part}},
	{"total", []traffic.Metric{traffic.TotalAnswered, "", "", traffic.TotalTalk, traffic.TotalOver10Share}},
}

func (r *Report) service(definitions *traffic.Definitions) (rows []ServiceRow) {
	yearBefore := r.Bases[len(r.Bases)-1]
	for _, of := range serviceColumns {
		row := ServiceRow{Kind: of.kind}
		for i, metric := range of.metrics {
			cell := ServiceCell{Column: serviceColumns[0].metrics[i]}
			if metric != "" {
				cell.Definition, _ = definitions.Get(metric)
				cell.Value = r.Figures.Value(metric)
				cell.Change = yearBefore.Changes[metric]
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// rows makes those of queues, agents and targets.
func (r *Report) rows(in Input) {
	order := map[string]int{}
	titles := map[string]string{}
	for i, q := range in.Queues {
		order[q.ID], titles[q.ID] = i-len(in.Queues), q.Title
	}
	for _, p := range in.Partners {
		titles["partner:"+p.ID] = p.Title
	}
	for key, counters := range in.Table {
		switch key.Dimension {
		case traffic.ByQueue:
			r.Queues = append(r.Queues, Queue{key.Value, titles[key.Value], in.Definitions.Compute(counters)})
		case traffic.ByAgent:
			r.Agents = append(r.Agents, Agent{key.Value, in.Definitions.Compute(counters)})
		case traffic.ByTarget:
			queue := strings.TrimPrefix(strings.TrimPrefix(key.Value, "queue:"), "moved:")
			r.Targets = append(r.Targets, Target{key.Value, titles[queue], counters[traffic.CountOverflowed]})
		}
	}
	byNumber := func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }
	slices.SortFunc(r.Queues, func(a, b Queue) int { return cmp.Or(cmp.Compare(order[a.ID], order[b.ID]), byNumber(a.ID, b.ID)) })
	slices.SortFunc(r.Agents, func(a, b Agent) int { return byNumber(a.ID, b.ID) })
	slices.SortFunc(r.Targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Target, b.Target))
	})
}
