package bulletin

import (
	"slices"
	"strings"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func daysOf(p Period) []calendar.Day { return calendar.DaysBetween(p.First, p.Last) }

// levels are the definitions of service levels.
func levels(definitions *traffic.Definitions) (list []traffic.Definition) {
	for _, d := range definitions.List() {
		if strings.HasPrefix(string(d.Key), "service_level_") {
			list = append(list, d)
		}
	}
	return list
}

func (r *Report) levelsTable(l language) Table {
	t := Table{Key: "levels", Sheet: l.t("接通及时率", "Service levels"), Columns: []Column{
		{Head: l.t("指标", "figure"), Words: true}, {Head: l.t("算式", "formula"), Words: true},
		{Head: l.t("数值 (%)", "value (%)"), Change: l.t("同比 (百分点)", "year on year (points)")},
	}}
	formulas := map[traffic.LevelFormula]string{
		traffic.OfOffered: "时限内接听量÷呼入量", traffic.OfAnswered: "时限内接听量÷接听量",
		traffic.OfOfferedLessShort: "时限内接听量÷(呼入量－短时放弃量)", traffic.WithAbandoned: "(时限内接听量＋时限内放弃量)÷(接听量＋放弃量)",
	}
	yearBefore := r.Bases[len(r.Bases)-1]
	for _, d := range levels(r.Figures.Definitions()) {
		formula := d.Formula
		for key, zh := range formulas {
			if l == "zh" && strings.HasSuffix(string(d.Key), "_"+string(key)) {
				formula = zh
			}
		}
		cell := figure(d, value(r.Figures, d.Key))
		change := l.change(yearBefore.Changes[d.Key])
		cell.Change = &change
		name, _, _ := strings.Cut(l.name(d), "(")
		if l == "zh" {
			name = l.name(d)
		}
		t.Rows = append(t.Rows, []Cell{words(strings.TrimSpace(name)), words(formula), cell})
	}
	return t
}

// fill adds to a table a column for each figure, and a row for each item.
func fill(l language, t *Table, metrics []traffic.Metric, names []string, figures []traffic.Figures) {
	for _, m := range metrics {
		if len(figures) > 0 {
			d, _ := figures[0].Definitions().Get(m)
			t.Columns = append(t.Columns, Column{Head: l.row(d)})
		}
	}
	for i, f := range figures {
		row := []Cell{words(names[i])}
		for _, m := range metrics {
			row = append(row, figureOf(f, m))
		}
		t.Rows = append(t.Rows, row)
	}
}

// firstLevel is the service level that has a column in tables of rows.
func (r *Report) firstLevel() traffic.Metric { return r.Figures.Definitions().Published()[0] }

// courseSections show the traffic over the time of the period.
func (r *Report) courseSections(l language) []Section {
	var hours []Step
	for _, h := range r.Hours {
		hours = append(hours, Step(h))
	}
	byDay := []traffic.Metric{traffic.Offered, traffic.Answered, traffic.ConnectRate, r.firstLevel(), traffic.AverageWait, traffic.AverageTalk, traffic.OutboundAnswered}
	var list []Section
	add := func(title, key, head, label string, steps []Step, metrics []traffic.Metric, name func(Step, int) string) {
		if len(steps) == 0 {
			return
		}
		var labels []string
		t := Table{Key: key, Sheet: title, Columns: []Column{{Head: head, Words: true}}}
		names, figures := make([]string, len(steps)), make([]traffic.Figures, len(steps))
		for i, s := range steps {
			names[i], figures[i] = name(s, i), s.Figures
			labels = append(labels, s.From.Format(label))
		}
		fill(l, &t, metrics, names, figures)
		wait := 1 + slices.Index(metrics, traffic.AverageWait)
		list = append(list, Section{Title: title, Tables: []Table{t}, Charts: []Chart{
			{Title: l.f("%s：呼入量与接听量 (通)", "%s: calls offered and answered", title), Labels: labels, Table: key, Columns: []int{1, 2}},
			{Title: l.f("%s：平均等待时长 (秒)", "%s: average wait (s)", title), Labels: labels, Table: key, Columns: []int{wait}, Line: true},
		}})
	}
	add(l.t("分时话务", "By hour"), "hours", l.t("时段", "hour"), "15", hours, partFigures, r.hourName)
	add(l.t("逐月话务", "By month"), "months", l.t("月份", "month"), "1", r.Months, byDay, func(s Step, _ int) string { return s.From.Format("2006-01") })
	add(l.t("逐日话务", "By day"), "days", l.t("日期", "day"), "2", r.Days, byDay, func(s Step, _ int) string { return s.From.Format(time.DateOnly) })
	if r.Kind == Annual && len(r.Days) > 0 {
		days := &list[len(list)-1]
		days.Charts, days.Tables[0].Data = nil, true
	}
	if r.Week != nil && len(r.Days) > 0 {
		list = append(list, Section{Title: l.t("一周分时热力", "The week by hour"), Sentences: []string{
			l.t("各时段平均每小时呼入量（通），颜色越深越忙。", "Mean calls offered per hour; the darker, the busier."),
		}, Tables: []Table{r.weekTable(l)}})
	}
	return list
}

// hourName is the hour's beginning; one that comes twice has its offset from UTC too.
func (r *Report) hourName(s Step, i int) string {
	same := func(j int) bool { return j >= 0 && j < len(r.Hours) && r.Hours[j].From.Hour() == s.From.Hour() }
	if same(i-1) || same(i+1) {
		return s.From.Format("15:04 -07:00")
	}
	return s.From.Format(clock)
}

// manyCalls is the hourly mean from which decimals would only crowd the map.
const manyCalls = 100

func (r *Report) weekTable(l language) Table {
	t := Table{Key: "week", Sheet: l.t("一周热力", "Week"), Heat: true, Columns: []Column{{Head: l.t("星期", "day"), Words: true}}}
	decimals := weekDecimals
	for hour := range 24 {
		t.Columns = append(t.Columns, Column{Head: time.Date(2000, 1, 1, hour, 0, 0, 0, time.UTC).Format("15")})
		for day := range 7 {
			if mean := r.Week.Mean(day, hour); mean.Defined() && mean.Num >= manyCalls*mean.Den {
				decimals = 0
			}
		}
	}
	for day := range 7 {
		row := []Cell{words(l.weekday(time.Weekday((day + 1) % 7)))}
		for hour := range 24 {
			row = append(row, ratio(r.Week.Mean(day, hour), decimals))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) queuesTable(l language) Table {
	t := Table{Key: "queues", Sheet: l.t("队列", "Queues"), Columns: []Column{{Head: l.t("队列", "queue"), Words: true}}}
	var names []string
	var figures []traffic.Figures
	for _, q := range r.Queues {
		name := q.ID
		if q.Title != "" {
			name = q.Title
		}
		names, figures = append(names, name), append(figures, q.Figures)
	}
	fill(l, &t, []traffic.Metric{
		traffic.Offered, traffic.Answered, traffic.Abandoned, traffic.Overflowed, traffic.ConnectRate, r.firstLevel(),
		traffic.AverageWait, traffic.LongestWait, traffic.AverageTalk,
	}, names, figures)
	return t
}

func (r *Report) agentsTable(l language) Table {
	t := Table{Key: "agents", Sheet: l.t("坐席", "Agents"), Columns: []Column{
		{Head: l.t("工号", "agent"), Words: true}, {Head: l.t("接听量 (通)", "answered (calls)")}, {Head: l.t("呼出接通量 (通)", "outbound answered (calls)")},
		{Head: l.t("通话时长 (分钟)", "talk (min)")}, {Head: l.t("平均通话时长 (秒)", "average talk (s)")}, {Head: l.t("签入时长 (小时)", "logged in (h)")},
		{Head: l.t("利用率 (%)", "occupancy (%)")}, {Head: l.t("振铃未接 (次)", "RONA (offers)")},
	}}
	for _, a := range r.Agents {
		c := a.Figures.Counters()
		talk := c[traffic.SumTalk] + c[traffic.SumOutboundTalk]
		t.Rows = append(t.Rows, []Cell{
			words(a.ID), agentFigure(a, traffic.Answered), agentFigure(a, traffic.OutboundAnswered),
			ratio(traffic.Ratio{Num: talk, Den: time.Minute.Milliseconds()}, 1), agentFigure(a, traffic.TotalTalk),
			ratio(traffic.Ratio{Num: c[traffic.SumLoggedIn], Den: time.Hour.Milliseconds()}, 1),
			agentFigure(a, traffic.Occupancy), agentFigure(a, traffic.RONA),
		})
	}
	return t
}

// agentFigure is figureOf for an agent, whose calls were not offered to the agent alone.
func agentFigure(a Agent, metric traffic.Metric) Cell {
	d, _ := a.Figures.Definitions().Get(metric)
	return figure(d, a.Figures.Value(metric))
}

// elsewhere is what became of callers who were not answered in their queue.
func (r *Report) elsewhere(l language) Section {
	s := Section{Title: l.t("回拨与溢出", "Callbacks and overflow")}
	tried, reached := value(r.Figures, traffic.CallbacksAttempted), value(r.Figures, traffic.CallbacksReached)
	callbacks := Table{Key: "callbacks", Sheet: l.t("回拨", "Callbacks"), Title: l.t("回拨", "Callbacks"), Columns: []Column{
		{Head: l.t("预约回拨量 (通)", "requested (calls)")}, {Head: l.t("回拨量 (通)", "attempted (calls)")}, {Head: l.t("回拨接通量 (通)", "reached (calls)")}, {Head: l.t("回拨接通率 (%)", "reached (%)")},
	}, Rows: [][]Cell{{
		figureOf(r.Figures, traffic.CallbacksRequested), figureOf(r.Figures, traffic.CallbacksAttempted), figureOf(r.Figures, traffic.CallbacksReached),
		percent(traffic.Ratio{Num: 100 * reached.Num, Den: tried.Num}, 2),
	}}}
	s.Tables = append(s.Tables, callbacks)
	if len(r.Targets) == 0 {
		s.Sentences = append(s.Sentences, l.t("本期没有来电溢出。", "No caller was sent elsewhere."))
		return s
	}
	overflow := Table{Key: "overflow", Sheet: l.t("溢出去向", "Overflow"), Title: l.t("溢出去向", "Overflow by target"), Columns: []Column{
		{Head: l.t("去向", "target"), Words: true}, {Head: l.t("来电量 (通)", "calls")},
	}}
	for _, target := range r.Targets {
		overflow.Rows = append(overflow.Rows, []Cell{words(l.target(target)), count(target.Calls)})
	}
	s.Tables = append(s.Tables, overflow)
	return s
}

// target names where callers were sent.
func (l language) target(t Target) string {
	if queue, ok := strings.CutPrefix(t.Target, "queue:"); ok {
		if t.Title != "" {
			queue = t.Title
		}
		return l.t("转入队列：", "queue: ") + queue
	}
	if partner, ok := strings.CutPrefix(t.Target, "partner:"); ok {
		return l.t("转至互助热线：", "other hotline: ") + partner
	}
	name, known := reasons[t.Target]
	if !known {
		return t.Target
	}
	return l.t(name[0], name[1])
}

// reasons why callers left the queues for good, as in docs/states.md.
var reasons = map[string][2]string{
	"refused":            {"按规则谢绝", "refused by rule"},
	"shed":               {"话务洪峰未接入", "not taken on in a storm"},
	"referred":           {"转至其他热线", "referred to another hotline"},
	"callback_requested": {"预约回拨", "asked to be called back"},
}
