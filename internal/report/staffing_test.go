package report_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"hotline/internal/report"
)

var plan = report.Staffing{Title: "plan", Rows: []report.StaffingRow{
	{Start: "09:00", Calls: 85.5, Handle: 236, Erlangs: 22.285, Agents: 25, Scheduled: 36, Level: 0.82975, ASA: 5.05, P90: 23.06, Abandon: 0.0484, Occupancy: 0.8484},
	{Start: "09:15", Calls: 1, Handle: 100, Erlangs: 0.1, Agents: 1, Scheduled: 2, Level: math.NaN(), Abandon: math.NaN()},
}}

func TestStaffingTableIsAlignedAndRounded(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		var out bytes.Buffer
		if err := report.WriteStaffing(&out, "table", lang, plan); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		for _, line := range lines[2:4] {
			if runewidth.StringWidth(line) != runewidth.StringWidth(lines[1]) {
				t.Errorf("%s: not aligned:\n%s", lang, &out)
			}
		}
		if got := strings.Join(strings.Fields(lines[2]), " "); got != "09:00 85.5 236.0 22.29 25 36 82.98 5.1 23.1 4.84 84.84" {
			t.Errorf("got %s", got)
		}
		if got := strings.Join(strings.Fields(lines[3]), " "); got != "09:15 1 100.0 0.10 1 2 — 0.0 0.0 — 0.00" {
			t.Errorf("got %s", got)
		}
	}
}

func TestStaffingInUnknownFormatAndLanguage(t *testing.T) {
	if err := report.WriteStaffing(&bytes.Buffer{}, "docx", "zh", plan); err == nil || !strings.Contains(err.Error(), "table, csv or json") {
		t.Errorf("format: %v", err)
	}
	if err := report.WriteStaffing(&bytes.Buffer{}, "csv", "fr", plan); err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Errorf("language: %v", err)
	}
}
