package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"hotline/internal/traffic"
)

// Staffing is a plan: how many agents each interval needs.
type Staffing struct {
	Title string // under which assumptions, in the language of the report
	Rows  []StaffingRow
	// JSON is what the format json prints.
	JSON any
}

// StaffingRow is the plan of one interval. Times are in seconds, shares are in
// [0, 1]; NaN is printed as a dash.
type StaffingRow struct {
	Start     string // empty in the only row of a plan
	Calls     float64
	Handle    float64
	Erlangs   float64
	Agents    int // at the phone
	Scheduled int // on the roster
	Level     float64
	ASA       float64 // mean wait of the answered
	P90       float64 // 90 % of the calls have left the queue by then
	Abandon   float64
	Occupancy float64
}

var staffingHeads = map[string][]string{
	"zh": {"时段", "来电量(通)", "平均处理时长(秒)", "话务强度(Erl)", "所需坐席", "排班坐席", "服务水平(%)", "平均等待时长(秒)", "90%等待时长(秒)", "放弃率(%)", "占用率(%)"},
	"en": {"interval", "calls", "AHT (s)", "load (Erl)", "agents", "scheduled", "service level (%)", "ASA (s)", "90% wait (s)", "abandoned (%)", "occupancy (%)"},
}

// WriteStaffing prints a plan as table, csv or json, in zh or en.
func WriteStaffing(w io.Writer, format, lang string, plan Staffing) error {
	head, known := staffingHeads[lang]
	if !known {
		return unknownLanguage(lang)
	}
	table := [][]string{head}
	for _, r := range plan.Rows {
		table = append(table, []string{
			r.Start, strconv.FormatFloat(r.Calls, 'f', -1, 64), decimal(r.Handle, 1), decimal(r.Erlangs, 2),
			strconv.Itoa(r.Agents), strconv.Itoa(r.Scheduled),
			decimal(100*r.Level, 2), decimal(r.ASA, 1), decimal(r.P90, 1), decimal(100*r.Abandon, 2), decimal(100*r.Occupancy, 2),
		})
	}
	switch format {
	case "table":
		var b strings.Builder
		fmt.Fprintln(&b, plan.Title)
		grid(&b, table)
		_, err := io.WriteString(w, b.String())
		return err
	case "csv":
		return writeCSV(w, table)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(plan.JSON)
	}
	return unknownFormat(format)
}

// decimal rounds half away from zero to so many decimals.
func decimal(x float64, decimals int) string {
	if math.IsNaN(x) {
		return traffic.None
	}
	scale := math.Pow10(decimals)
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', decimals, 64)
}
