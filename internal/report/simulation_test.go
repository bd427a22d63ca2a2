package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"hotline/internal/report"
	"hotline/internal/sim"
	"hotline/internal/traffic"
)

// simulated is a run with so many calls, all answered after wait seconds.
func simulated(seed uint64, calls, wait int64) *sim.Result {
	counters := traffic.Counters{
		traffic.CountOffered: calls, traffic.CountAnswered: calls, traffic.SumWait: calls * wait * 1000, traffic.SumTalk: calls * 216_000,
	}
	row := sim.Row{
		Begin: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC), Figures: traffic.Standard().Compute(counters),
		Contact: 3 * time.Hour, Idle: time.Hour,
	}
	for range calls {
		row.Waits = append(row.Waits, uint32(wait*1000))
	}
	queue := row
	queue.Queue, queue.Contact, queue.Idle = "general", 0, 0
	return &sim.Result{Scenario: "plan", Seed: seed, Callers: int(calls), Dialled: int(calls), Served: int(calls), Total: row, Queues: []sim.Row{queue}, Rows: []sim.Row{row}}
}

func writeSimulation(t *testing.T, format, lang string, s report.Simulation) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteSimulation(&out, format, lang, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func one() report.Simulation {
	return report.Simulation{Title: "计划 plan", Runs: []*sim.Result{simulated(1, 10, 4), simulated(2, 12, 6)}}
}

func two() report.Simulation {
	s := one()
	s.Others = []report.Compared{{Title: "计划二", Runs: []*sim.Result{simulated(1, 10, 5), simulated(2, 12, 7)}}}
	return s
}

func TestSeveralScenariosHaveAColumnEach(t *testing.T) {
	s := two()
	s.Others = append(s.Others, report.Compared{Title: "计划三", Runs: []*sim.Result{simulated(1, 11, 5), simulated(2, 13, 7)}})
	text := writeSimulation(t, "table", "en", s)
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "answered (calls)") {
			if got := strings.Join(strings.Fields(line)[2:], " "); got != "11 11 12 *" {
				t.Errorf("got %q", got)
			}
			return
		}
	}
	t.Errorf("no line for the answered calls in:\n%s", text)
}

func TestSimulationCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(writeSimulation(t, "csv", "en", two()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, r := range rows {
		found[r[0]+"/"+r[1]] = strings.Join(r[2:], " ")
	}
	for key, want := range map[string]string{
		"/average_wait": "s 5 12.706205 plan 6 1 0", // t(1) = 12.706, s/√2 = 1
		"/occupancy":    "% 75 0 plan 75 0 0", "/served_share": "% 100 0 plan 100 0 0",
		"queue:general/wait_p90":    "s 5 12.706205 plan 6 1 0",
		"queue:general/occupancy":   "%   plan   ",
		"2026-01-05 08:00/answered": "calls 11 12.706205 plan 11 0 0",
	} {
		if found[key] != want {
			t.Errorf("%s: got %q, want %q", key, found[key], want)
		}
	}
}

func TestSimulationJSON(t *testing.T) {
	var got struct {
		Scenario string
		Others   []string
		Runs     int
		Figures  []struct {
			Figure     string
			Mean       *float64
			Difference *float64
		}
	}
	if err := json.Unmarshal([]byte(writeSimulation(t, "json", "zh", two())), &got); err != nil {
		t.Fatal(err)
	}
	if got.Scenario != "plan" || len(got.Others) != 1 || got.Others[0] != "plan" || got.Runs != 2 {
		t.Errorf("got %+v", got)
	}
	for _, f := range got.Figures {
		if f.Figure == "average_wait" {
			if *f.Mean != 5 || *f.Difference != 1 {
				t.Errorf("average wait %v, difference %v", *f.Mean, *f.Difference)
			}
			return
		}
	}
	t.Error("no average wait")
}

func TestSimulationTables(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		for _, s := range []report.Simulation{one(), two()} {
			text := writeSimulation(t, "table", lang, s)
			for _, part := range strings.Split(text, "\n\n") {
				lines := strings.Split(strings.TrimRight(part, "\n"), "\n")
				for _, line := range lines {
					if len(lines) > 1 && runewidth.StringWidth(line) != runewidth.StringWidth(lines[0]) && !strings.Contains(line, "*") {
						t.Errorf("%s: a line is not as wide as its head:\n%s", lang, part)
						break
					}
				}
			}
			if !strings.Contains(text, "2026-01-05 08:00") || strings.Contains(text, "NaN") {
				t.Errorf("no rows by time, or NaN:\n%s", text)
			}
		}
	}
}

func TestSimulationUnknownFormatAndLanguage(t *testing.T) {
	if err := report.WriteSimulation(&bytes.Buffer{}, "docx", "zh", one()); err == nil || !strings.Contains(err.Error(), "table, csv or json") {
		t.Errorf("format: %v", err)
	}
	if err := report.WriteSimulation(&bytes.Buffer{}, "csv", "fr", one()); err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Errorf("language: %v", err)
	}
}
