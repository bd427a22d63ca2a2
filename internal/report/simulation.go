package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hotline/internal/sim"
	"hotline/internal/traffic"
)

// Simulation is what WriteSimulation prints: the runs of one scenario, and
// those of others with the same seeds to compare with, or none.
type Simulation struct {
	Title  string
	Runs   []*sim.Result
	Others []Compared
}

// Compared are the runs of another scenario; as many, with the same seeds.
type Compared struct {
	Title string
	Runs  []*sim.Result
}

// WriteSimulation prints the figures of simulated runs as table, csv or json,
// in zh or en: the mean over the runs, and the half-width of its 95% confidence
// interval; of two scenarios also the difference run by run.
func WriteSimulation(w io.Writer, format, lang string, s Simulation) error {
	t, known := simulationTexts[lang]
	if !known {
		return fmt.Errorf("%q is not a language of reports; write zh or en", lang)
	}
	switch format {
	case "table":
		return writeSimulationTable(w, t, lang, s)
	case "csv":
		return writeSimulationCSV(w, s)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(simulationJSON(s))
	}
	return fmt.Errorf("%q is not a format; write table, csv or json", format)
}

type simulationWords struct {
	title, runs, seed, figure, mean, difference, half, queue, begin string
	note, several                                                   string
}

var simulationTexts = map[string]simulationWords{
	"zh": {
		title: "仿真", runs: "次运行", seed: "起始随机种子", figure: "指标", mean: "均值", difference: "差值", half: "±95%", queue: "队列", begin: "时段",
		note:    "差值为相同随机数下逐次相减的均值;* 表示其95%置信区间不含0。",
		several: "* 表示与第一个方案逐次相减之差(相同随机数)的95%置信区间不含0。",
	},
	"en": {
		title: "Simulation", runs: "runs", seed: "first seed", figure: "figure", mean: "mean", difference: "difference", half: "± 95%", queue: "queue", begin: "from",
		note:    "The difference is the mean over runs with the same random numbers; * marks those whose 95% interval excludes 0.",
		several: "* marks means whose difference from the first, over runs with the same random numbers, has a 95% interval that excludes 0.",
	},
}

// figure is a value of a run's site, queue or time row.
type figure struct {
	key, unit, zh, en string
	decimals          int
	of                func(*sim.Row) float64
	ofRun             func(*sim.Result) float64 // set for those of the whole run only
}

func (f figure) name(lang string) string {
	if lang == "zh" {
		return f.zh + " (" + f.unit + ")"
	}
	return f.en + " (" + f.unit + ")"
}

// rowFigures are those that every row has: the definitions of
// internal/traffic, and what only a simulation knows exactly.
func rowFigures(definitions *traffic.Definitions) []figure {
	var list []figure
	for _, d := range definitions.List() {
		decimals := d.Decimals
		if d.Unit == "s" {
			decimals = 1
		}
		list = append(list, figure{key: string(d.Key), unit: d.Unit, zh: d.ZH, en: d.EN, decimals: decimals, of: func(r *sim.Row) float64 {
			if v, ok := r.Figures.Value(d.Key).Float(); ok {
				return v
			}
			return math.NaN()
		}})
	}
	for _, p := range []int{50, 80, 90, 95, 99} {
		text := strconv.Itoa(p)
		list = append(list, figure{key: "wait_p" + text, unit: "s", zh: "等待时长P" + text + "(接通)", en: "wait, percentile " + text + " (answered)", decimals: 1,
			of: func(r *sim.Row) float64 { return r.WaitPercentile(float64(p) / 100) }})
	}
	return append(list, figure{key: "occupancy", unit: "%", zh: "坐席占用率", en: "occupancy of agents", decimals: 2, of: func(r *sim.Row) float64 { return 100 * r.Occupancy() }},
		figure{key: "agents", unit: "h", zh: "坐席在岗时长", en: "agents on duty", decimals: 1, of: func(r *sim.Row) float64 {
			if v := (r.Idle + r.Contact + r.Away).Hours(); v > 0 {
				return v
			}
			return math.NaN()
		}})
}

func runFigures() []figure {
	count := func(key, zh, en string, of func(*sim.Result) int) figure {
		return figure{key: key, unit: "", zh: zh, en: en, ofRun: func(r *sim.Result) float64 { return float64(of(r)) }}
	}
	list := []figure{
		count("callers", "来电人数", "callers", func(r *sim.Result) int { return r.Callers }),
		count("dialled", "拨打次数", "dialled", func(r *sim.Result) int { return r.Dialled }),
		count("redialled", "重拨次数", "of these redials", func(r *sim.Result) int { return r.Redialled }),
		count("blocked", "线路忙次数", "found all lines busy", func(r *sim.Result) int { return r.Blocked }),
		count("served", "最终接通人数", "callers served at last", func(r *sim.Result) int { return r.Served }),
	}
	for i := range list {
		list[i].unit = "calls"
	}
	list[0].unit, list[4].unit = "persons", "persons"
	more := func(key, unit, zh, en string, decimals int, of func(*sim.Result) float64) {
		list = append(list, figure{key: key, unit: unit, zh: zh, en: en, decimals: decimals, ofRun: of})
	}
	more("served_share", "%", "最终接通人数占比", "share of callers served at last", 2, func(r *sim.Result) float64 {
		return 100 * float64(r.Served) / float64(r.Callers)
	})
	more("called_back", "persons", "其中经回拨接通", "of the served by a callback", 0, func(r *sim.Result) float64 { return float64(r.CalledBack) })
	more("dials_per_caller", "calls", "人均拨打次数", "dials per caller", 2, func(r *sim.Result) float64 { return float64(r.Dialled) / float64(r.Callers) })
	for _, p := range []int{50, 90} {
		text, share := strconv.Itoa(p), float64(p)/100
		more("served_after_p"+text, "s", "首次拨打至接通P"+text+"(接通者)", "first dial to answer, percentile "+text+" (of the served)", 1,
			func(r *sim.Result) float64 { return sim.Percentile(r.ServedAfter, share) })
		more("held_p"+text, "s", "线上排队累计P"+text+"(接通者)", "waiting on the line in all calls, percentile "+text+" (of the served)", 1,
			func(r *sim.Result) float64 { return sim.Percentile(r.Held, share) })
	}
	more("in_order", "%", "先拨先接(接通者两两比较)", "pairs of served callers in the order of their first dials", 2, func(r *sim.Result) float64 { return 100 * r.InOrder })
	more("overtaken", "offers", "队内插队次数", "offers past an earlier caller of the queue", 0, func(r *sim.Result) float64 { return float64(r.Overtaken) })
	more("idle_while_waiting", "s", "有人排队时坐席空闲", "agents ready while callers waited", 1, func(r *sim.Result) float64 { return r.IdleWhileWaiting.Seconds() })
	more("audits", "times", "不变量检查次数(均未违反)", "invariants checked, none broken", 0, func(r *sim.Result) float64 { return float64(r.Audits) })
	return list
}

// scope picks a row out of each run.
type scope struct {
	name string // "", queue:<id>, or the begin of a row of time
	row  func(*sim.Result) *sim.Row
}

func values(f figure, sc scope, runs []*sim.Result) []float64 {
	out := make([]float64, len(runs))
	for i, r := range runs {
		if f.ofRun != nil {
			out[i] = f.ofRun(r)
		} else {
			out[i] = f.of(sc.row(r))
		}
	}
	return out
}

var total = scope{row: func(r *sim.Result) *sim.Row { return &r.Total }}

// scopes are the total, the queues that all scenarios have, and the rows of time.
func (s Simulation) scopes() (all, queues, rows []scope) {
	first := s.Runs[0]
	for _, q := range first.Queues {
		find := func(r *sim.Result) *sim.Row {
			for i := range r.Queues {
				if r.Queues[i].Queue == q.Queue {
					return &r.Queues[i]
				}
			}
			return nil
		}
		if !slices.ContainsFunc(s.Others, func(o Compared) bool { return find(o.Runs[0]) == nil }) {
			queues = append(queues, scope{"queue:" + string(q.Queue), find})
		}
	}
	n := len(first.Rows)
	for _, o := range s.Others {
		n = min(n, len(o.Runs[0].Rows))
	}
	for i := range n {
		rows = append(rows, scope{first.Rows[i].Begin.Format("2006-01-02 15:04"), func(r *sim.Result) *sim.Row { return &r.Rows[i] }})
	}
	all = append(append([]scope{total}, queues...), rows...)
	return all, queues, rows
}

func number(v float64, decimals int) string {
	if math.IsNaN(v) {
		return traffic.None
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// definitions are those of the results.
func (s Simulation) definitions() *traffic.Definitions { return s.Runs[0].Total.Figures.Definitions() }

func writeSimulationTable(w io.Writer, t simulationWords, lang string, s Simulation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", t.title, s.Title)
	for _, o := range s.Others {
		fmt.Fprintf(&b, " | %s", o.Title)
	}
	fmt.Fprintf(&b, "  (%d %s, %s %d)\n\n", len(s.Runs), t.runs, t.seed, s.Runs[0].Seed)
	figures := append(runFigures(), rowFigures(s.definitions())...)
	_, queues, rows := s.scopes()
	switch len(s.Others) {
	case 0:
		singleTable(&b, t, lang, s, figures, queues)
	case 1:
		compareTable(&b, t, lang, s, figures)
		b.WriteString("\n" + t.note + "\n")
	default:
		severalTable(&b, t, lang, s, figures)
		b.WriteString("\n" + t.several + "\n")
		rows = nil // would be too wide; csv and json have them
	}
	if len(rows) > 0 {
		b.WriteByte('\n')
		rowsTable(&b, t, lang, s, rows)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func singleTable(b *strings.Builder, t simulationWords, lang string, s Simulation, figures []figure, queues []scope) {
	several := len(s.Runs) > 1
	head := []string{t.figure, t.mean}
	if several {
		head = append(head, t.half)
	}
	for _, q := range queues {
		head = append(head, t.queue+" "+strings.TrimPrefix(q.name, "queue:"))
	}
	table := [][]string{head}
	for _, f := range figures {
		e := sim.EstimateOf(values(f, total, s.Runs))
		row := []string{f.name(lang), number(e.Mean, f.decimals)}
		if several {
			row = append(row, number(e.HalfWidth, max(f.decimals, 1)))
		}
		for _, q := range queues {
			if f.ofRun != nil {
				row = append(row, "")
				continue
			}
			row = append(row, number(sim.EstimateOf(values(f, q, s.Runs)).Mean, f.decimals))
		}
		table = append(table, row)
	}
	grid(b, table)
}

func compareTable(b *strings.Builder, t simulationWords, lang string, s Simulation, figures []figure) {
	other := s.Others[0].Runs
	table := [][]string{{t.figure, s.Runs[0].Scenario, other[0].Scenario, t.difference, t.half, ""}}
	if s.Runs[0].Scenario == other[0].Scenario {
		table[0][1], table[0][2] = "1", "2"
	}
	for _, f := range figures {
		v, o := values(f, total, s.Runs), values(f, total, other)
		d := sim.Difference(v, o)
		table = append(table, []string{
			f.name(lang), number(sim.EstimateOf(v).Mean, f.decimals), number(sim.EstimateOf(o).Mean, f.decimals),
			number(d.Mean, max(f.decimals, 1)), number(d.HalfWidth, max(f.decimals, 1)), mark(d),
		})
	}
	grid(b, table)
}

// mark tells a difference that is hardly chance.
func mark(d sim.Estimate) string {
	if d.HalfWidth < math.Abs(d.Mean) {
		return "*"
	}
	return ""
}

// severalTable has a column for each scenario.
func severalTable(b *strings.Builder, t simulationWords, lang string, s Simulation, figures []figure) {
	head := []string{t.figure, s.Runs[0].Scenario}
	for _, o := range s.Others {
		head = append(head, o.Runs[0].Scenario, "")
	}
	table := [][]string{head}
	for _, f := range figures {
		v := values(f, total, s.Runs)
		row := []string{f.name(lang), number(sim.EstimateOf(v).Mean, f.decimals)}
		for _, other := range s.Others {
			o := values(f, total, other.Runs)
			row = append(row, number(sim.EstimateOf(o).Mean, f.decimals), mark(sim.Difference(v, o)))
		}
		table = append(table, row)
	}
	grid(b, table)
}

// shownByTime are the columns of the table by time; csv and json have all.
func shownByTime(definitions *traffic.Definitions) []string {
	return []string{"offered", "answered", "connect_rate", string(definitions.Published()[0]), "average_wait", "wait_p90", "occupancy", "agents"}
}

func rowsTable(b *strings.Builder, t simulationWords, lang string, s Simulation, rows []scope) {
	var shown []figure
	head := []string{t.begin}
	for _, key := range shownByTime(s.definitions()) {
		for _, f := range rowFigures(s.definitions()) {
			if f.key == key {
				shown = append(shown, f)
				head = append(head, f.name(lang))
				for range s.Others {
					head = append(head, t.difference)
				}
			}
		}
	}
	table := [][]string{head}
	for _, r := range rows {
		row := []string{r.name}
		for _, f := range shown {
			v := values(f, r, s.Runs)
			row = append(row, number(sim.EstimateOf(v).Mean, f.decimals))
			for _, o := range s.Others {
				row = append(row, number(sim.Difference(v, values(f, r, o.Runs)).Mean, max(f.decimals, 1)))
			}
		}
		table = append(table, row)
	}
	grid(b, table)
}

// line is one figure in csv and json; one for each scenario that is compared.
type line struct {
	Scope      string   `json:"scope,omitempty"`
	Figure     string   `json:"figure"`
	Unit       string   `json:"unit"`
	Mean       *float64 `json:"mean"`
	HalfWidth  *float64 `json:"half_width_95"`
	Against    string   `json:"other,omitempty"` // the scenario with which this one is compared
	Other      *float64 `json:"other_mean,omitempty"`
	Difference *float64 `json:"difference,omitempty"`
	DiffHalf   *float64 `json:"difference_half_width_95,omitempty"`
}

func simulationLines(s Simulation) []line {
	var lines []line
	all, _, _ := s.scopes()
	for i, sc := range all {
		figures := rowFigures(s.definitions())
		if i == 0 {
			figures = append(runFigures(), figures...)
		}
		for _, f := range figures {
			v := values(f, sc, s.Runs)
			e := sim.EstimateOf(v)
			l := line{Scope: sc.name, Figure: f.key, Unit: f.unit, Mean: finite(e.Mean), HalfWidth: finite(e.HalfWidth)}
			if len(s.Others) == 0 {
				lines = append(lines, l)
			}
			for _, other := range s.Others {
				o := values(f, sc, other.Runs)
				d := sim.Difference(v, o)
				l.Against = other.Runs[0].Scenario
				l.Other, l.Difference, l.DiffHalf = finite(sim.EstimateOf(o).Mean), finite(d.Mean), finite(d.HalfWidth)
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// finite is nil for what has no value, and cuts off digits that mean nothing.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	v = math.Round(v*1e6) / 1e6
	return &v
}

func simulationJSON(s Simulation) any {
	out := map[string]any{"scenario": s.Runs[0].Scenario, "runs": len(s.Runs), "seed": s.Runs[0].Seed, "figures": simulationLines(s)}
	var others []string
	for _, o := range s.Others {
		others = append(others, o.Runs[0].Scenario)
	}
	if len(others) > 0 {
		out["others"] = others
	}
	return out
}

func writeSimulationCSV(w io.Writer, s Simulation) error {
	text := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', -1, 64)
	}
	out := csv.NewWriter(w)
	head := []string{"scope", "figure", "unit", "mean", "half_width_95"}
	if len(s.Others) > 0 {
		head = append(head, "other", "other_mean", "difference", "difference_half_width_95")
	}
	_ = out.Write(head) // Error tells
	for _, l := range simulationLines(s) {
		row := []string{l.Scope, l.Figure, l.Unit, text(l.Mean), text(l.HalfWidth)}
		if len(s.Others) > 0 {
			row = append(row, l.Against, text(l.Other), text(l.Difference), text(l.DiffHalf))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}
