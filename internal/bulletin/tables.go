package bulletin

import (
	"cmp"
	"strings"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func daysOf(p Period) []calendar.Day { return calendar.DaysBetween(p.First, p.Last) }

// levelFormulas are the columns of service levels, with the formula of each.
var levelFormulas = []struct {
	key            traffic.LevelFormula
	zh, en         string
	spellZH, spell string
}{
	{traffic.OfOffered, "占呼入", "of offered", "时限内接听量÷呼入量", "answered within / offered"},
	{traffic.OfAnswered, "占接听", "of answered", "时限内接听量÷接听量", "answered within / answered"},
	{traffic.OfOfferedLessShort, "扣除短时放弃", "less short abandons", "时限内接听量÷（呼入量－短时放弃量）", "answered within / (offered - short abandons)"},
	{traffic.WithAbandoned, "含时限内放弃", "with abandoned", "（时限内接听量＋时限内放弃量）÷（接听量＋放弃量）", "(answered within + abandoned within) / (answered + abandoned)"},
}

// thresholds are those of the service levels, as text in seconds.
func thresholds(definitions *traffic.Definitions) (list []string) {
	for _, d := range definitions.List() {
		if seconds, ok := strings.CutPrefix(string(d.Key), "answered_within_"); ok {
			list = append(list, seconds)
		}
	}
	return list
}

// levelsTable has a row for each threshold, however many there are.
func (r *Report) levelsTable(l language) Table {
	t := Table{Key: "levels", Sheet: l.t("接通及时率", "Service levels"), Columns: []Column{{Head: l.t("时限", "threshold"), Words: true}}}
	for _, f := range levelFormulas {
		name := l.t(f.zh, f.en)
		t.Columns = append(t.Columns, Column{Head: l.bracket(name, "%"), Change: name + l.t("同比（百分点）", ", year on year (points)")})
	}
	yearBefore := r.Bases[len(r.Bases)-1]
	for _, seconds := range thresholds(r.Figures.Definitions()) {
		row := []Cell{words(l.f("%s秒内", "within %s s", seconds))}
		for _, f := range levelFormulas {
			metric := traffic.Metric("service_level_" + seconds + "_" + string(f.key))
			cell := figureOf(r.Figures, metric)
			change := l.change(yearBefore.Changes[metric])
			cell.Change = &change
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// levelsNote spells the formulas out.
func levelsNote(l language, short int) string {
	var list []string
	for _, f := range levelFormulas {
		list = append(list, l.t(f.zh, f.en)+l.t("＝", " = ")+l.t(f.spellZH, f.spell))
	}
	return l.f("接通及时率：%s。短时放弃：排队不足%d秒。", "Service levels: %s. Short abandons: abandoned under %d s.", strings.Join(list, l.t("；", "; ")), short)
}

// fill adds to a table a column for each figure, and a row for each item; one
// without figures has dashes.
func (r *Report) fill(l language, t *Table, metrics []traffic.Metric, names []string, figures []traffic.Figures) {
	for _, m := range metrics {
		d, _ := r.Figures.Definitions().Get(m)
		t.Columns = append(t.Columns, Column{Head: l.row(d)})
	}
	for i, f := range figures {
		row := []Cell{words(names[i])}
		for _, m := range metrics {
			cell := words(traffic.None)
			if f.Definitions() != nil {
				cell = figureOf(f, m)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
}

// firstLevel is the service level that has a column in tables of rows.
func (r *Report) firstLevel() traffic.Metric {
	return r.Figures.Definitions().Published()[0]
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
	r.fill(l, &t, []traffic.Metric{
		traffic.Offered, traffic.Answered, traffic.Abandoned, traffic.Overflowed, traffic.ConnectRate, r.firstLevel(),
		traffic.AverageWait, traffic.LongestWait, traffic.AverageTalk,
	}, names, figures)
	return t
}

func (r *Report) agentsTable(l language) Table {
	t := Table{Key: "agents", Sheet: l.t("坐席", "Agents"), Columns: []Column{
		{Head: l.t("工号", "agent"), Words: true}, {Head: l.t("接听量（通）", "answered (calls)")}, {Head: l.t("呼出接通量（通）", "outbound answered (calls)")},
		{Head: l.t("通话时长（分钟）", "talk (min)")}, {Head: l.t("平均通话时长（秒）", "average talk (s)")}, {Head: l.t("签入时长（小时）", "logged in (h)")},
		{Head: l.t("利用率（%）", "occupancy (%)")}, {Head: l.t("振铃未接（次）", "RONA (offers)")},
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
		{Head: l.t("预约回拨量（通）", "requested (calls)")}, {Head: l.t("回拨量（通）", "attempted (calls)")}, {Head: l.t("回拨接通量（通）", "reached (calls)")}, {Head: l.t("回拨接通率（%）", "reached (%)")},
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
		{Head: l.t("去向", "target"), Words: true}, {Head: l.t("来电量（通）", "calls")},
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
		return l.t("转入队列：", "queue: ") + cmp.Or(t.Title, queue)
	}
	if queue, ok := strings.CutPrefix(t.Target, "moved:"); ok {
		return l.t("人工调至队列：", "moved by a supervisor to queue: ") + cmp.Or(t.Title, queue)
	}
	if partner, ok := strings.CutPrefix(t.Target, "partner:"); ok {
		return l.t("转至互助热线：", "other hotline: ") + cmp.Or(t.Title, partner)
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
