package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hotline/internal/sim"
	"hotline/internal/traffic"
)

// Requirement is how many agents the intervals of a scenario need, found by
// simulation.
type Requirement struct {
	Title  string // under which assumptions, in the language of the report
	Rows   []RequirementRow
	Queues []RequirementQueue
	Notes  []string // below the table, in the language of the report
	// JSON is what the format json prints.
	JSON any
}

// RequirementRow is what one interval needs. Shares are in [0, 1]; a figure
// that is NaN, and an Erlang of 0, is printed as a dash.
type RequirementRow struct {
	Start     string
	Calls     float64 // offered
	Erlangs   float64
	Erlang    int // agents by Erlang A
	Agents    int // at the phone
	Scheduled int // on the roster
	RequirementFigures
}

// RequirementQueue is what the callers of a queue meet.
type RequirementQueue struct {
	Name  string
	Calls float64
	RequirementFigures
}

// RequirementFigures are means over the runs, with their confidence intervals.
type RequirementFigures struct {
	Level, ASA, Abandoned, Occupancy sim.Estimate
}

type requirementWords struct{ head, queues []string }

var requirementTexts = map[string]requirementWords{
	"zh": {
		head:   []string{"时段", "来电量(通)", "话务强度(Erl)", "Erlang A坐席", "仿真所需坐席", "排班坐席", "服务水平(%)", "±95%", "平均等待时长(秒)", "放弃率(%)", "占用率(%)"},
		queues: []string{"队列", "来电量(通)", "服务水平(%)", "±95%", "平均等待时长(秒)", "放弃率(%)"},
	},
	"en": {
		head:   []string{"interval", "calls", "load (Erl)", "Erlang A", "agents", "scheduled", "service level (%)", "± 95%", "ASA (s)", "abandoned (%)", "occupancy (%)"},
		queues: []string{"queue", "calls", "service level (%)", "± 95%", "ASA (s)", "abandoned (%)"},
	},
}

// WriteRequirement prints a requirement as table, csv or json, in zh or en.
func WriteRequirement(w io.Writer, format, lang string, r Requirement) error {
	t, known := requirementTexts[lang]
	if !known {
		return unknownLanguage(lang)
	}
	table := [][]string{t.head}
	for _, row := range r.Rows {
		erlang := traffic.None
		if row.Erlang > 0 {
			erlang = strconv.Itoa(row.Erlang)
		}
		cells := []string{row.Start, decimal(row.Calls, 1), decimal(row.Erlangs, 2), erlang, strconv.Itoa(row.Agents), strconv.Itoa(row.Scheduled)}
		table = append(table, append(append(cells, row.cells()...), decimal(100*row.Occupancy.Mean, 2)))
	}
	switch format {
	case "table":
		queues := [][]string{t.queues}
		for _, q := range r.Queues {
			queues = append(queues, append([]string{q.Name, decimal(q.Calls, 1)}, q.cells()...))
		}
		var b strings.Builder
		fmt.Fprintln(&b, r.Title)
		grid(&b, table)
		b.WriteByte('\n')
		grid(&b, queues)
		b.WriteByte('\n')
		for _, note := range r.Notes {
			fmt.Fprintln(&b, note)
		}
		_, err := io.WriteString(w, b.String())
		return err
	case "csv":
		return writeCSV(w, table)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r.JSON)
	}
	return unknownFormat(format)
}

func (f RequirementFigures) cells() []string {
	return []string{decimal(100*f.Level.Mean, 2), decimal(100*f.Level.HalfWidth, 2), decimal(f.ASA.Mean, 1), decimal(100*f.Abandoned.Mean, 2)}
}
