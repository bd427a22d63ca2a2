// Package report prints traffic figures for people and for other programs: the
// day's 话务服务 table of the city, in the terminal, as CSV or as JSON. Figures
// enter; text leaves. Rounding was fixed by internal/traffic; nothing is
// computed here but the total row and, of simulated runs, means and intervals.
//
// internal/app and cmd/hotline import it.
package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"hotline/internal/traffic"
)

// Day is what is printed of one day.
type Day struct {
	Title  string // e.g. 2026-11-24
	Site   traffic.Figures
	Queues []Queue // in the order in which they are printed
	// JSON is what the format json prints: the same as the API gives.
	JSON any
}

// Queue is a queue's figures.
type Queue struct {
	Name    string
	Figures traffic.Figures
}

// WriteDay prints a day as table, csv or json, in zh or en.
func WriteDay(w io.Writer, format, lang string, day Day) error {
	t, known := texts[lang]
	if !known {
		return unknownLanguage(lang)
	}
	switch format {
	case "table":
		return writeTable(w, t, lang, day)
	case "csv":
		return writeCSV(w, append([][]string{t.head}, rows(t, day)...))
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(day.JSON)
	}
	return unknownFormat(format)
}

func unknownLanguage(lang string) error {
	return fmt.Errorf("%q is not a language of reports; write zh or en", lang)
}

func unknownFormat(format string) error {
	return fmt.Errorf("%q is not a format; write table, csv or json", format)
}

func writeCSV(w io.Writer, table [][]string) error {
	out := csv.NewWriter(w)
	_ = out.WriteAll(table) // Error tells
	return out.Error()
}

// words of one language.
type words struct {
	title, inbound, outbound, total, queue string
	head                                   []string
}

var texts = map[string]words{
	"zh": {
		title: "话务服务", inbound: "接听", outbound: "呼出", total: "总计", queue: "队列",
		head: []string{"话务类别", "人工接听话务量(通)", "人工接通率(%)", "平均等待时长(秒)", "平均通话时长(秒)", "通话时长超10分钟占比(%)"},
	},
	"en": {
		title: "Telephone service", inbound: "inbound", outbound: "outbound", total: "total", queue: "queue",
		head: []string{"kind", "answered (calls)", "connect rate (%)", "average wait (s)", "average talk (s)", "talks over 10 min (%)"},
	},
}

// published are the columns of the city's table.
var published = []traffic.Metric{
	traffic.Answered, traffic.ConnectRate, traffic.AverageWait, traffic.AverageTalk, traffic.TalkOver10Share,
}

func rows(t words, day Day) [][]string {
	inbound := []string{t.inbound}
	for _, m := range published {
		inbound = append(inbound, day.Site.Text(m))
	}
	outbound := []string{t.outbound, day.Site.Text(traffic.OutboundAnswered), traffic.None, traffic.None, day.Site.Text(traffic.OutboundTalk), day.Site.Text(traffic.OutboundOver10Part)}
	total := []string{t.total, day.Site.Text(traffic.TotalAnswered), traffic.None, traffic.None, day.Site.Text(traffic.TotalTalk), day.Site.Text(traffic.TotalOver10Share)}
	return [][]string{inbound, outbound, total}
}

func writeTable(w io.Writer, t words, lang string, day Day) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", t.title, day.Title)
	grid(&b, append([][]string{t.head}, rows(t, day)...))
	b.WriteByte('\n')

	// The figures behind it, one a line, of the site and of each queue.
	head := []string{""}
	figures := []traffic.Figures{day.Site}
	head = append(head, t.total)
	for _, q := range day.Queues {
		head = append(head, t.queue+" "+q.Name)
		figures = append(figures, q.Figures)
	}
	details := [][]string{head}
	for _, d := range day.Site.Definitions().List() {
		name := d.ZH
		if lang == "en" {
			name = d.EN
		}
		row := []string{name + " (" + unitIn(lang, d.Unit) + ")"}
		for _, f := range figures {
			row = append(row, f.Text(d.Key))
		}
		details = append(details, row)
	}
	grid(&b, details)
	_, err := io.WriteString(w, b.String())
	return err
}

// grid aligns columns by their width on a terminal, where a Chinese character
// takes two places: the first column to the left, figures to the right.
func grid(b *strings.Builder, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for _, row := range table {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
			switch i {
			case 0:
				b.WriteString(cell + pad)
			default:
				b.WriteString("  " + pad + cell)
			}
		}
		b.WriteByte('\n')
	}
}

// leftGrid is grid for texts, all to the left.
func leftGrid(b *strings.Builder, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for _, row := range table {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
