package bulletin

import (
	"fmt"
	"strconv"
	"strings"

	"hotline/internal/traffic"
)

// Document lays the report out in a language, zh or en.
func (r *Report) Document(lang string) Document {
	l := language(lang)
	return Document{
		Lang: l.t("zh-CN", "en"), Kind: r.Kind, Office: r.Office, Title: r.title(l), Period: r.periodText(l), State: r.state(l), Foot: r.foot(l), ReadAt: r.ReadAt,
		Summary:  r.summary(l),
		Sections: r.sections(l), NotesOn: l.t("口径说明", "How the figures are defined"), Notes: r.notes(l),
	}
}

func (r *Report) title(l language) string {
	switch r.Kind {
	case Monthly:
		return l.t("12345热线话务月报", "12345 Hotline Monthly Report")
	case Annual:
		return l.t("12345热线话务年报", "12345 Hotline Annual Report")
	}
	return l.t("12345热线每日情况快报", "12345 Hotline Daily Bulletin")
}

func (r *Report) periodText(l language) string {
	if r.Kind != Daily {
		return l.period(r.Period)
	}
	return l.f("%s（%s）", "%s (%s)", l.period(r.Period), l.weekday(r.First.Weekday()))
}

func (r *Report) state(l language) string {
	at := r.ReadAt.Format(second)
	if r.GoesOn {
		return l.f("截至 %s，本期尚未结束", "as of %s; the period is not over", at)
	}
	return l.f("数据读取时间 %s", "figures read at %s", at)
}

// foot says on each page how final the figures on it are: pages part from each other.
func (r *Report) foot(l language) string {
	c := r.Closed
	switch {
	case r.GoesOn:
		return l.f("截至 %s，未结束", "as of %s, not over", r.ReadAt.Format(minute))
	case r.Kind != Daily:
		return l.f("%s 制表，已结账%d/%d天", "made %s, %d of %d days closed", r.ReadAt.Format(minute), c.Days, len(daysOf(r.Period)))
	case c.Day == nil:
		return l.f("%s 制表，未结账", "made %s, not closed", r.ReadAt.Format(minute))
	}
	return l.f("%s 制表，校验值 %.12s", "made %s, checksum %.12s", r.ReadAt.Format(minute), c.Day.Checksum)
}

// summary is what who reads nothing else should know.
func (r *Report) summary(l language) string {
	f := r.Figures
	yearOnYear := func(m traffic.Metric) string {
		c := r.Bases[len(r.Bases)-1].Changes[m]
		if !c.Defined() {
			return ""
		}
		text := l.change(c).Text
		if d, _ := f.Definitions().Get(m); d.Unit == "%" && c.Direction() != 0 {
			text = strings.TrimSuffix(text, "%") + l.t("个百分点", " points") // in a sentence, ↓0.20% would be a fifth of a hundredth
		}
		return l.f("（同比%s）", " (%s year on year)", text)
	}
	text := l.f("%s，12345热线", "%s: ", l.period(r.Period))
	if r.GoesOn {
		text = l.f("%s截至%s，12345热线", "%s, as of %s: ", l.period(r.Period), r.ReadAt.Format(clock))
		if r.Kind != Daily {
			text = l.f("%s截至%s，12345热线", "%s, as of %s: ", l.period(r.Period), r.ReadAt.Format(minute))
		}
	}
	text += l.f("人工接听%s通%s，人工接通率%s%s，平均等待%s秒，平均通话%s秒；呼出接通%s通%s。",
		"%s calls answered%s, connect rate %s%s, average wait %s s, average talk %s s; %s outbound calls answered%s.",
		f.Text(traffic.Answered), yearOnYear(traffic.Answered), percent(f.Value(traffic.ConnectRate), 2).Text, yearOnYear(traffic.ConnectRate),
		f.Text(traffic.AverageWait), f.Text(traffic.AverageTalk), f.Text(traffic.OutboundAnswered), yearOnYear(traffic.OutboundAnswered))
	if r.Worst != nil {
		verdict := l.t("达到", "meets")
		if !r.Worst.Enough() {
			verdict = l.t("未达到", "misses")
		}
		text += l.f("连续24小时人工接通率最低为%s，%sGB/T\u00a033358—2016不低于95%%的要求。",
			" The lowest connect rate over 24 hours without a break was %s, which %s the 95%% of GB/T\u00a033358-2016.",
			percent(r.Worst.ConnectRate(), 2).Text, verdict)
	}
	return text
}

func (r *Report) sections(l language) []Section {
	list := []Section{
		{Title: l.t("话务服务", "Telephone service"), Tables: []Table{r.serviceTable(l)}},
		{Title: l.t("与往期对比", "Against earlier periods"), Tables: []Table{r.comparisonTable(l)}},
		{Title: l.t("高峰与接通底线", "Peaks and the lowest connect rate"), Tables: []Table{r.extremesTable(l)}},
		{Title: l.t("接通及时率", "Service levels"), Tables: []Table{r.levelsTable(l)}},
	}
	list = append(list, r.courseSections(l)...)
	if len(r.Queues) > 0 {
		list = append(list, Section{Title: l.t("各队列话务", "Queues"), Tables: []Table{r.queuesTable(l)}})
	}
	list = append(list, r.elsewhere(l))
	if len(r.Agents) > 0 {
		list = append(list, Section{Title: l.t("各坐席话务", "Agents"), Tables: []Table{r.agentsTable(l)}})
	}
	list = append(list, r.finality(l))
	for i := range list {
		list[i].Title = l.t(numerals[i]+"、", strconv.Itoa(i+1)+". ") + list[i].Title
	}
	return list
}

// numerals of sections, of which there are at most as many.
var numerals = strings.Split("一 二 三 四 五 六 七 八 九 十 十一 十二", " ")

// serviceTable is the city's table, to the digit.
func (r *Report) serviceTable(l language) Table {
	t := Table{Key: "service", Sheet: l.t("话务服务", "Service"), Columns: []Column{{Head: l.t("话务类别", "kind"), Words: true}}}
	for i, head := range []string{
		l.t("人工接听话务量（通）", "answered (calls)"), l.t("人工接通率（%）", "connect rate (%)"), l.t("平均等待时长（秒）", "average wait (s)"),
		l.t("平均通话时长（秒）", "average talk (s)"), l.t("通话时长超10分钟占比（%）", "talks over 10 min (%)"),
	} {
		change := l.t("同比（%）", "year on year (%)")
		if r.Service[0].Cells[i].Definition.Unit == "%" {
			change = l.t("同比（百分点）", "year on year (points)")
		}
		name := []string{
			l.t("人工接听话务量", "answered"), l.t("人工接通率", "connect rate"), l.t("平均等待时长", "average wait"),
			l.t("平均通话时长", "average talk"), l.t("通话时长超10分钟占比", "talks over 10 min"),
		}[i]
		t.Columns = append(t.Columns, Column{Head: head, Change: name + l.t("", ", ") + change})
	}
	names := map[string]string{"inbound": l.t("接听", "inbound"), "outbound": l.t("呼出", "outbound"), "total": l.t("总计", "total")}
	for _, row := range r.Service {
		cells := []Cell{words(names[row.Kind])}
		for _, c := range row.Cells {
			cell := words(traffic.None)
			if c.Definition.Key != "" {
				cell = figure(c.Definition, c.Value)
				change := l.change(c.Change)
				cell.Change = &change
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func (r *Report) comparisonTable(l language) Table {
	now := map[Kind]string{Daily: l.t("本日", "this day"), Monthly: l.t("本月", "this month"), Annual: l.t("本年", "this year")}[r.Kind]
	t := Table{Key: "comparison", Sheet: l.t("往期对比", "Comparison"), Columns: []Column{{Head: l.t("指标", "figure"), Words: true}, {Head: now}}}
	for _, b := range r.Bases {
		name := strings.TrimPrefix(l.against(r.Period, b.Against), "the ")
		t.Columns = append(t.Columns, Column{Head: l.bracket(name, b.Period.String())}, Column{Head: l.t("比", "vs ") + name})
	}
	for _, d := range compares(r.Figures.Definitions()) {
		row := []Cell{words(l.row(d)), figure(d, value(r.Figures, d.Key))}
		for _, b := range r.Bases {
			cell := words(traffic.None)
			if b.Found {
				cell = figure(d, value(b.Figures, d.Key))
			}
			row = append(row, cell, l.change(b.Changes[d.Key]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) extremesTable(l language) Table {
	t := Table{Key: "extremes", Sheet: l.t("高峰", "Peaks"), Columns: []Column{
		{Head: l.t("项目", "what"), Words: true}, {Head: l.t("数值", "value")}, {Head: l.t("时间", "when"), Words: true}, {Head: l.t("说明", "remark"), Words: true},
	}}
	add := func(name string, value Cell, when, remark string) {
		t.Rows = append(t.Rows, []Cell{words(name), value, words(when), words(remark)})
	}
	if b := r.Busiest; b != nil {
		add(l.t("最忙一刻钟呼入量（通）", "busiest quarter-hour (calls offered)"), figureOf(b.Figures, traffic.Offered), l.span(b.From, b.To),
			l.f("接听%s通，接通率%s", "%s answered, connect rate %s", b.Figures.Text(traffic.Answered), figureOf(b.Figures, traffic.ConnectRate).Text))
	}
	if w := r.Worst; w != nil {
		remark := l.t("达到GB/T 33358不低于95%的要求", "meets the 95% of GB/T 33358")
		if !w.Enough() {
			remark = l.t("低于GB/T 33358要求的95%", "below the 95% of GB/T 33358")
		}
		add(l.t("连续24小时最低接通率", "lowest connect rate over 24 hours"), percent(w.ConnectRate(), 2), l.span(w.From, w.To), remark)
	}
	lack := ""
	if r.PeaksLack > 0 {
		lack = l.f("不含归档后更正的%d条话单", "without %d calls that came after the records were archived", r.PeaksLack)
	}
	if p := r.Peaks; p.Calls > 0 {
		add(l.t("同时在线通话最多（通）", "most calls at one time"), count(int64(p.Calls)), p.CallsAt.Format(second), lack)
	}
	if p := r.Peaks; p.Waiting > 0 {
		add(l.t("同时排队最多（通）", "most callers waiting at one time"), count(int64(p.Waiting)), p.WaitingAt.Format(second), lack)
	}
	longest := figureOf(r.Figures, traffic.LongestWait)
	add(l.t("最长等待（秒）", "longest wait (s)"), longest, "", l.t("含放弃与溢出", "however it ended"))
	return t
}

func figureOf(f traffic.Figures, metric traffic.Metric) Cell {
	d, _ := f.Definitions().Get(metric)
	return figure(d, value(f, metric))
}

// finality says how far the figures are final.
func (r *Report) finality(l language) Section {
	s := Section{Title: l.t("数据状态", "State of the data")}
	c := r.Closed
	if r.Kind != Daily {
		all := len(daysOf(r.Period))
		s.Sentences = []string{l.f("本期共%d天，已结束%d天，其中%d天已结账；结账后更正%d条。",
			"Of the %d days of the period, %d are over and %d are closed; corrections since: %d.", all, r.DaysOver, c.Days, c.Corrections)}
		return s
	}
	if c.Day == nil {
		s.Sentences = []string{l.t("本日尚未结账，数据可能变化。", "The day is not closed; figures may change.")}
		return s
	}
	s.Sentences = []string{
		l.f("本日已于 %s 结账，依据话单%d条；结账后更正%d条。", "The day was closed at %s from %d call records; corrections since: %d.",
			c.Day.At.In(r.location).Format(second), c.Day.Calls, len(c.Later)),
		l.f("校验值（SHA-256）：%s", "Checksum (SHA-256): %s", c.Day.Checksum),
	}
	if len(c.Later) > 0 {
		t := Table{Key: "corrections", Sheet: l.t("更正", "Corrections"), Title: l.t("结账后更正", "Corrections"),
			Columns: []Column{{Head: l.t("时间", "at"), Words: true}, {Head: l.t("编号", "id"), Words: true}}}
		for _, correction := range c.Later {
			t.Rows = append(t.Rows, []Cell{words(correction.At.In(r.location).Format(second)), words(correction.ID)})
		}
		s.Tables = []Table{t}
	}
	return s
}

// notes say what a reader must know to use or recompute the figures.
func (r *Report) notes(l language) []string {
	list := []string{
		l.t("人工接通率＝人工接听量÷进入人工排队的呼入量；平均等待时长＝接通来电自进入排队至接通的平均时长，不含此前的提示音；通话时长超10分钟占比＝通话超过600秒的接通量÷接通量。总计按话务量加权。",
			"Connect rate = answered / offered to the queues. Average wait: of answered calls, from the queue to the answer, without announcements before. Talks over 10 min = answered with more than 600 s / answered. Totals are weighted by calls."),
		levelsNote(l, r.Figures.Definitions().ShortAbandon()),
		l.t("各数值只在公布时四舍五入一次；对比（↑↓）以公布的数值计算，数量和时长为相对变化率，百分比指标为百分点之差；无往期数据或往期为0的记“—”。",
			"Each value is rounded once, half away from zero. Changes (↑↓) are computed from the published values: relative for counts and durations, in percentage points for percentages; — where there is no base or it is 0."),
		l.t("来电计入其进入排队时所在的一刻钟和日期，不论何时结束。连续24小时接通率以一刻钟为步长滑动计算，取结束于本期内的各个24小时。",
			"A call counts in the quarter-hour and day in which it was offered, whenever it ended. The 24 hours slide by a quarter-hour; all that end in the period are examined."),
	}
	if r.GoesOn {
		list = append(list, l.t("本期尚未结束，数量、累计时长和最大值不与完整的往期相比。", "The period is not over: counts, summed times and maxima are not set against those of whole periods."))
	}
	if r.leap() {
		list = append(list, l.f("上年没有2月29日，同比以%s为基期。", "The year before has no 29 February: the base is %s.", l.day(r.Bases[len(r.Bases)-1].Period.First)))
	}
	if partial(r.Figures) {
		list = append(list, l.f("%s只有公布的主要指标，或含导入的数据；其余指标记“—”。", "Of %s only published figures are known, in whole or part; others are —.", l.period(r.Period)))
	}
	for _, b := range r.Bases {
		switch {
		case !b.Found:
			list = append(list, l.f("%s（%s）没有数据。", "There are no figures of %s (%s).", l.against(r.Period, b.Against), b.Period))
		case partial(b.Figures):
			list = append(list, l.f("%s（%s）只有公布的主要指标。", "Of %s (%s), only published figures are known.", l.against(r.Period, b.Against), b.Period))
		}
	}
	for i := range list {
		list[i] = fmt.Sprintf("%d. %s", i+1, list[i])
	}
	return list
}
