package bulletin

import (
	"slices"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// timeline is the traffic over the time of the period: a table and its charts.
type timeline struct {
	title, key, head string
	unit             string // of the charts' axis
	starts           []time.Time
	label            string // layout of a start at the axis
	name             func(starts []time.Time, i int) string
	steps            []Step
	metrics          []traffic.Metric
	data             bool // a long table: not for paper, and without charts
}

// courseSections show the traffic over the time of the period.
func (r *Report) courseSections(l language) []Section {
	layout := func(text string) func([]time.Time, int) string {
		return func(starts []time.Time, i int) string { return starts[i].Format(text) }
	}
	byDay := []traffic.Metric{traffic.Offered, traffic.Answered, traffic.ConnectRate, r.firstLevel(), traffic.AverageWait, traffic.AverageTalk, traffic.OutboundAnswered}
	var hours []Step
	for _, h := range r.Hours {
		hours = append(hours, Step(h))
	}
	var list []Section
	for _, t := range []timeline{
		{l.t("分时话务", "By hour"), "hours", l.t("时段", "hour"), l.t("时", "hour"), r.hourStarts(), "15", hourName, hours, partFigures, false},
		{l.t("逐月话务", "By month"), "months", l.t("月份", "month"), l.t("月", "month"), r.monthStarts(), "1", layout("2006-01"), r.Months, byDay, false},
		{l.t("逐日话务", "By day"), "days", l.t("日期", "day"), l.t("日", "day"), r.dayStarts(), "2", layout(time.DateOnly), r.Days, byDay, r.Kind == Annual},
	} {
		if len(t.steps) > 0 {
			list = append(list, r.timelineSection(l, t))
		}
	}
	if r.Week != nil && len(r.Days) > 0 {
		list = append(list, Section{Title: l.t("一周分时热力", "The week by hour"), Sentences: []string{
			l.t("各时段平均每小时呼入量（通），颜色越深越忙。", "Mean calls offered per hour; the darker, the busier."),
		}, Tables: []Table{r.weekTable(l)}})
	}
	return list
}

func (r *Report) timelineSection(l language, t timeline) Section {
	table := Table{Key: t.key, Sheet: t.title, Columns: []Column{{Head: t.head, Words: true}}, Data: t.data}
	rows := r.begun(t.starts, t.steps)
	names, figures := make([]string, len(rows)), make([]traffic.Figures, len(rows))
	for i, s := range rows {
		names[i], figures[i] = t.name(t.starts, i), s.Figures
	}
	r.fill(l, &table, t.metrics, names, figures)
	section := Section{Title: t.title, Tables: []Table{table}}
	if t.data {
		return section
	}
	var labels []string
	for _, at := range t.starts {
		labels = append(labels, at.Format(t.label))
	}
	add := func(title, unit string, line bool, columns ...int) {
		section.Charts = append(section.Charts, Chart{
			Title: l.bracket(title, unit), Alt: l.alt(title, table, columns[0]), Unit: unit, Across: t.unit, Labels: labels, Table: t.key, Columns: columns, Line: line,
		})
	}
	add(l.t("呼入量与接听量", "Calls offered and answered"), l.t("通", "calls"), false, 1, 2)
	add(l.t("平均等待时长", "Average wait"), l.t("秒", "s"), true, 1+slices.Index(t.metrics, traffic.AverageWait))
	return section
}

// begun has a step for each start that is past. One in which nothing was counted has
// no figures: it is a gap, and what comes after keeps its place.
func (r *Report) begun(starts []time.Time, steps []Step) (rows []Step) {
	for _, at := range starts {
		switch {
		case len(steps) > 0 && steps[0].From.Equal(at):
			rows, steps = append(rows, steps[0]), steps[1:]
		case r.ReadAt.Before(at.Add(calendar.IntervalLength)):
			return rows
		default:
			rows = append(rows, Step{From: at})
		}
	}
	return rows
}

func (r *Report) hourStarts() (list []time.Time) {
	if r.Kind != Daily {
		return nil
	}
	for _, q := range r.First.Intervals(r.location) {
		if len(list) == 0 || !sameHour(list[len(list)-1], q.Start(r.location)) {
			list = append(list, q.Start(r.location))
		}
	}
	return list
}

func (r *Report) dayStarts() (list []time.Time) {
	for _, day := range daysOf(r.Period) {
		list = append(list, day.Start(r.location))
	}
	return list
}

func (r *Report) monthStarts() (list []time.Time) {
	for _, at := range r.dayStarts() {
		if at.Day() == 1 {
			list = append(list, at)
		}
	}
	return list
}

// hourName is the hour's beginning; one that comes twice has its offset from UTC too.
func hourName(starts []time.Time, i int) string {
	same := func(j int) bool { return j >= 0 && j < len(starts) && starts[j].Hour() == starts[i].Hour() }
	if same(i-1) || same(i+1) {
		return starts[i].Format("15:04 -07:00")
	}
	return starts[i].Format(clock)
}

// alt tells of a chart what the eye sees first: where it is highest, and where lowest.
func (l language) alt(title string, t Table, column int) string {
	var high, low []Cell
	for _, row := range t.Rows {
		v, defined := row[column].Value.Float()
		if !defined {
			continue
		}
		if high == nil {
			high, low = row, row
		}
		if most, _ := high[column].Value.Float(); v > most {
			high = row
		}
		if least, _ := low[column].Value.Float(); v < least {
			low = row
		}
	}
	if high == nil {
		return title
	}
	return l.f("%s：最高%s（%s），最低%s（%s），数值见下表", "%s: highest %s (%s), lowest %s (%s); the table below has the figures",
		title, high[column].Text, high[0].Text, low[column].Text, low[0].Text)
}
