package app

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Published is one month's or year's traffic as it was published before this
// program counted.
type Published struct {
	Period   string // 2022 or 2022-05
	Line     int    // in the file
	Counters traffic.Counters
}

// column of a file of earlier years: what stands there and what it counts as.
type column struct {
	name   string
	metric traffic.Metric // which prints it again
	of     int            // the column whose count a rate or mean belongs to; -1 for a count
	set    func(c traffic.Counters, f figure)
}

// figure is a number of a file, with the decimals with which it is published, or more
// if it was written with more.
type figure struct {
	value    *big.Rat // nil: none, because there were no calls
	decimals int
}

func (f figure) text() string { return f.value.FloatString(f.decimals) }

func counted(counter traffic.Counter) func(traffic.Counters, figure) {
	return func(c traffic.Counters, f figure) { c[counter] = rounded(f.value) }
}

// mean turns a mean in seconds into the sum in milliseconds.
func mean(sum, of traffic.Counter) func(traffic.Counters, figure) {
	return func(c traffic.Counters, f figure) {
		c[sum] = rounded(new(big.Rat).Mul(f.value, new(big.Rat).SetInt64(1000*c[of])))
	}
}

// share turns a percentage into the count that is published as it.
func share(part, of traffic.Counter) func(traffic.Counters, figure) {
	return func(c traffic.Counters, f figure) {
		c[part] = rounded(new(big.Rat).Mul(f.value, big.NewRat(c[of], 100)))
	}
}

// connectRate turns the rate into the calls offered of which it is published.
func connectRate(c traffic.Counters, f figure) {
	if f.value.Sign() > 0 {
		c[traffic.CountOffered] = rounded(new(big.Rat).Quo(new(big.Rat).SetInt64(100*c[traffic.CountAnswered]), f.value))
	}
}

// rounded is the nearest whole number, half away from zero; nothing is negative here.
func rounded(v *big.Rat) int64 {
	twice := new(big.Int).Add(new(big.Int).Lsh(v.Num(), 1), v.Denom())
	return new(big.Int).Quo(twice, new(big.Int).Lsh(v.Denom(), 1)).Int64()
}

// columns are all of them, counts before what is computed from them; each file has
// every one, in any order.
var columns = []column{
	{"answered", traffic.Answered, -1, counted(traffic.CountAnswered)},
	{"connect_rate", traffic.ConnectRate, 0, connectRate},
	{"average_wait", traffic.AverageWait, 0, mean(traffic.SumWait, traffic.CountAnswered)},
	{"average_talk", traffic.AverageTalk, 0, mean(traffic.SumTalk, traffic.CountAnswered)},
	{"talk_over_10_min_share", traffic.TalkOver10Share, 0, share(traffic.LongTalks, traffic.CountAnswered)},
	{"outbound_answered", traffic.OutboundAnswered, -1, counted(traffic.CountOutboundTalked)},
	{"outbound_average_talk", traffic.OutboundTalk, 5, mean(traffic.SumOutboundTalk, traffic.CountOutboundTalked)},
	{"outbound_talk_over_10_min_share", traffic.OutboundOver10Part, 5, share(traffic.LongOutboundTalks, traffic.CountOutboundTalked)},
}

// YearsHead is the first line of a file of earlier years.
func YearsHead() string {
	names := []string{"period"}
	for _, c := range columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ",")
}

// maxFaults is how many malformed lines are told.
const maxFaults = 50

// ReadYears reads a file of earlier years. The error lists every malformed line.
func ReadYears(name string, file io.Reader) ([]Published, error) {
	in := csv.NewReader(file)
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	r := &yearsReader{name: name, seen: map[string]int{}}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			r.fault(syntax.Line, "this is not CSV (%v); write values without quotation marks, separated by commas", syntax.Err)
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		number, _ := in.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		if r.order == nil {
			if r.head(number, record); r.order == nil {
				break
			}
			continue
		}
		r.line(number, record)
	}
	r.overlaps()
	if len(r.faults) == 0 && len(r.rows) == 0 {
		r.faults = append(r.faults, fmt.Sprintf("%s has no periods; write the line %s and below it a line for each month or year", name, YearsHead()))
	}
	if len(r.faults) > 0 {
		return nil, errors.New(strings.Join(r.faults, "\n"))
	}
	return r.rows, nil
}

type yearsReader struct {
	name   string
	order  []int // of each field of a line, which of columns; -1: the period
	rows   []Published
	seen   map[string]int // period → line
	faults []string
	more   int
}

func (r *yearsReader) fault(line int, format string, args ...any) {
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, fmt.Sprintf("%s:%d: %s", r.name, line, fmt.Sprintf(format, args...)))
		return
	}
	r.more++
	r.faults[maxFaults-1] = fmt.Sprintf("%s: malformed are %s more", r.name, Count(r.more+1, "line"))
}

func (r *yearsReader) head(line int, record []string) {
	record[0] = strings.TrimPrefix(record[0], "\ufeff") // Excel's UTF-8
	var order []int
	for _, name := range record {
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if name != "period" && at < 0 || slices.Contains(order, at) {
			r.fault(line, "%q is not a column, or stands there twice; the first line is: %s", name, YearsHead())
			return
		}
		order = append(order, at)
	}
	if len(order) != len(columns)+1 {
		r.fault(line, "columns are missing; the first line is: %s", YearsHead())
		return
	}
	r.order = order
}

func (r *yearsReader) line(line int, record []string) {
	if len(record) != len(r.order) {
		r.fault(line, "the line has %s and the first line %d; write as many", Count(len(record), "column"), len(r.order))
		return
	}
	row := Published{Line: line, Counters: traffic.Counters{}}
	written := make([]figure, len(columns))
	texts := make([]string, len(columns))
	good := true
	for i, text := range record {
		if r.order[i] < 0 {
			row.Period = text
			good = r.period(line, text) && good
			continue
		}
		c := columns[r.order[i]]
		f, ok := parseFigure(text, c)
		if !ok {
			r.fault(line, "%s is %q; write %s", c.name, text, c.remedy())
			good = false
			continue
		}
		written[r.order[i]], texts[r.order[i]] = f, text
	}
	if !good {
		return
	}
	for i, c := range columns {
		good = r.take(line, row.Counters, c, written, texts[i], written[i]) && good
	}
	if good {
		r.rows = append(r.rows, row)
	}
}

// take counts one figure of a line, unless it would not be printed again as it was
// written.
func (r *yearsReader) take(line int, counters traffic.Counters, c column, written []figure, text string, f figure) bool {
	calls := int64(0)
	if c.of >= 0 {
		calls = rounded(written[c.of].value)
	}
	switch {
	case c.metric == traffic.ConnectRate && calls == 0 && f.value != nil:
		r.fault(line, "%s is %q though %s is 0: of how many calls cannot be told from it; write — or nothing", c.name, text, columns[c.of].name)
		return false
	case c.of >= 0 && calls == 0 && f.value != nil:
		r.fault(line, "%s is %q though %s is 0: of no calls nothing is published; write — or nothing", c.name, text, columns[c.of].name)
		return false
	case f.value == nil && calls > 0:
		r.fault(line, "%s is missing though %s is %d; write %s", c.name, columns[c.of].name, calls, c.remedy())
		return false
	case f.value == nil:
		return true
	}
	c.set(counters, f)
	printed := traffic.Standard().Compute(counters).Value(c.metric).Round(f.decimals)
	switch {
	case printed == f.text():
		return true
	case printed == traffic.None:
		r.fault(line, "%s is %q though calls were answered; write %s", c.name, text, c.remedy())
	default:
		r.fault(line, "%s is %q, which %s cannot give: the nearest is %s; correct one of the two, or leave the period out", c.name, text, Count(int(calls), "call"), printed)
	}
	return false
}

func (c column) percentage() bool {
	return c.metric == traffic.ConnectRate || strings.HasSuffix(c.name, "share")
}

func (c column) remedy() string {
	switch {
	case c.of < 0:
		return "a whole number of calls, as in 1157692"
	case c.percentage():
		return "a percentage from 0 to 100, as in 98.50"
	}
	return "seconds, as in 205"
}

// What is beyond these is a mistake, and the sums might not fit.
const (
	mostCalls    = 1_000_000_000
	mostSeconds  = 86_400
	mostDecimals = 6
)

// parseFigure reads a number that is not negative and not beyond what is possible. A
// rate or mean may be none.
func parseFigure(text string, c column) (figure, bool) {
	if c.of >= 0 && slices.Contains([]string{"", traffic.None, "-"}, text) {
		return figure{}, true
	}
	whole, decimals, point := strings.Cut(text, ".")
	if whole+decimals == "" || strings.Trim(whole+decimals, "0123456789") != "" || len(text) > 20 || len(decimals) > mostDecimals || point && c.of < 0 {
		return figure{}, false
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return figure{}, false
	}
	most := int64(mostSeconds)
	switch {
	case c.of < 0:
		most = mostCalls
	case c.percentage():
		most = 100
	}
	definition, _ := traffic.Standard().Get(c.metric)
	return figure{value, max(definition.Decimals, len(decimals))}, value.Cmp(big.NewRat(most, 1)) <= 0
}

func (r *yearsReader) period(line int, text string) bool {
	if first, twice := r.seen[text]; twice {
		r.fault(line, "%s is given twice (first in line %d); remove one of them", text, first)
		return false
	}
	_, isMonth := parsePeriod(text)
	if !isMonth && !isYear(text) {
		r.fault(line, "period is %q; write a year or a month, as in 2022 or 2022-05", text)
		return false
	}
	r.seen[text] = line
	return true
}

// overlaps finds months of years that are given as a whole.
func (r *yearsReader) overlaps() {
	for _, row := range r.rows {
		if month, ok := parsePeriod(row.Period); ok {
			if line, both := r.seen[fmt.Sprintf("%04d", month.Year)]; both {
				r.fault(row.Line, "%s belongs to the year in line %d, and would count twice; keep the year or its months", row.Period, line)
			}
		}
	}
}

func parsePeriod(text string) (calendar.Month, bool) {
	month, err := calendar.ParseMonth(text)
	return month, err == nil
}

func isYear(text string) bool {
	return len(text) == 4 && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}
