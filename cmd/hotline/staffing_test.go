package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs the program with a line of arguments.
func run(line ...string) (string, error) {
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(line)
	err := cmd.Execute()
	return out.String(), err
}

func TestStaffingReadsFlagsAndFile(t *testing.T) {
	flags := strings.Fields("staffing --talk 216s --wrap-up 20s --patience 120s --target 80/15s --max-occupancy 85 --shrinkage 30 --format csv --lang en")
	out, err := run(append(flags, "--calls", "340", "--interval", "1h")...)
	if err != nil || !strings.Contains(out, ",340,236.0,22.29,25,36,82.98,") {
		t.Errorf("flags: %v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "monday.csv")
	if err := os.WriteFile(file, []byte("start,calls\n09:00,85\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = run(append(flags, "--demand", file, "--interval", "15m")...)
	if err != nil || !strings.Contains(out, "09:00,85,236.0,22.29,25,36,82.98,") {
		t.Errorf("file: %v\n%s", err, out)
	}
}

func TestStaffingWantsOneDemand(t *testing.T) {
	for want, line := range map[string]string{
		"there is no demand; write":                                                                                      "staffing",
		"both given; write one":                                                                                          "staffing --calls 1 --demand x.csv",
		"--demand: there is no file /nowhere/x.csv; name a CSV file":                                                     "staffing --demand /nowhere/x.csv",
		"--demand: / is a folder; name a CSV file":                                                                       "staffing --demand /",
		`--calls: "abc" is not a number; write for example --calls 2.5`:                                                  "staffing --calls abc",
		"hotline staffing has no flag --aht; write its parts, as in --talk 216s --wrap-up 20s":                           "staffing --calls 1 --aht 236s",
		"--talk and --scenario are both given, and the scenario has its own; leave":                                      "staffing --scenario day --talk 3m",
		"--runs goes with --scenario only; leave it out":                                                                 "staffing --calls 1 --runs 3",
		`--format: "pdf" is not possible; write table, csv or json`:                                                      "staffing --scenario day --format pdf",
		"--runs: 1 is out of range; write 2 to":                                                                          "staffing --scenario day --runs 1",
		`--talk: "216" is not a duration; write for example --talk 90s`:                                                  "staffing --calls 1 --talk 216",
		`hotline traffic has no command "dya"; write hotline traffic day, or one of: day, definitions`:                   "traffic dya",
		`hotline staffing takes no arguments, and "now" is one; write for example: hotline staffing --demand monday.csv`: "staffing now",
	} {
		if _, err := run(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}
