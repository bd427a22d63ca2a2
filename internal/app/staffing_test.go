package app_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hotline/internal/app"
)

// busyHour is the reference city's busy hour.
var busyHour = app.StaffingOptions{
	Calls: 340, Interval: time.Hour, Talk: 216 * time.Second, WrapUp: 20 * time.Second, Patience: 2 * time.Minute,
	Model: "erlang-a", Target: "80/15s", Formula: "of_offered", ShortAbandon: 5 * time.Second,
	MaxOccupancy: 85, MinAgents: 1, Shrinkage: 30,
}

func TestStaffingOfTheBusyHour(t *testing.T) {
	plan, err := app.PlanStaffing(busyHour)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := app.WriteStaffing(&out, "csv", "en", busyHour, plan); err != nil {
		t.Fatal(err)
	}
	const want = "interval,calls,AHT (s),load (Erl),agents,scheduled,service level (%),ASA (s),90% wait (s),abandoned (%),occupancy (%)\n" +
		",340,236.0,22.29,25,36,82.98,5.1,23.1,4.84,84.84\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}

	out.Reset()
	if err := app.WriteStaffing(&out, "table", "zh", busyHour, plan); err != nil {
		t.Fatal(err)
	}
	const title = "坐席测算 erlang-a,时段1h,平均耐心2m,目标80/15s of_offered,占用率≤85%,缩减率30%\n"
	if !strings.HasPrefix(out.String(), title) {
		t.Errorf("got %s, want the title %s", &out, title)
	}

	out.Reset()
	if err := app.WriteStaffing(&out, "json", "zh", busyHour, plan); err != nil {
		t.Fatal(err)
	}
	var back app.StaffingPlan
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.Intervals[0].Agents != 25 || *back.Target.Level != 0.8 || back.Target.MaxASA != nil {
		t.Errorf("json: %v\n%s", err, &out)
	}
}

func TestStaffingWithoutALevelOrAbandonmentPrintsDashes(t *testing.T) {
	o := busyHour
	o.Model, o.Target, o.Patience = "erlang-c", "none", 0
	plan, err := app.PlanStaffing(o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := app.WriteStaffing(&out, "csv", "en", o, plan); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), ",340,236.0,22.29,27,39,—,") || !strings.Contains(out.String(), ",—,82.55\n") {
		t.Errorf("got %s", &out)
	}
}

func TestStaffingOfAFile(t *testing.T) {
	const file = "\ufeffstart,calls,aht\r\n2026-01-05 00:00,0,236\r\n2026-01-05 09:00, 85 ,\r\n2026-01-05 09:15,85,100\r\n"
	o := busyHour
	o.Interval = 15 * time.Minute
	plan, err := app.PlanStaffingFile(o, "monday.csv", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Intervals) != 3 {
		t.Fatalf("got %+v", plan.Intervals)
	}
	night, nine, quick := plan.Intervals[0], plan.Intervals[1], plan.Intervals[2]
	if night.Agents != 1 || night.Scheduled != 2 {
		t.Errorf("without calls: %d agents, %d scheduled", night.Agents, night.Scheduled)
	}
	if nine.Start != "2026-01-05 09:00" || nine.Handle != 236 || nine.Agents != 25 {
		t.Errorf("the flags' handling time: %+v", nine)
	}
	if quick.Handle != 100 || quick.Agents >= nine.Agents {
		t.Errorf("the line's handling time: %+v", quick)
	}
}

func TestWrongDemandFilesAreToldWithLineAndRemedy(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "monday.csv has no intervals; write"},
		{"start,calls\n", "monday.csv has no intervals; write"},
		{"09:00,85\n", `monday.csv:1: the first line is "09:00,85"; write start,calls or`},
		{"start,calls\n09:00\n", "monday.csv:2: the line has 1 column and the first line 2; write"},
		{"start,calls\n\n09:00,many\n", `monday.csv:3: calls is "many"; write`},
		{"start,calls\n09:00,-1\n", `monday.csv:2: calls is "-1"; write`},
		{"start,calls\n09:00,NaN\n", `monday.csv:2: calls is "NaN"; write`},
		{"start,calls,aht\n09:00,1,0\n", `monday.csv:2: aht is "0"; write`},
		{"start,calls\nnoon,1\n", `monday.csv:2: the interval starts at "noon"; write it as`},
		{"start,calls\n09:00,1\n2026-01-05 09:15,1\n", `monday.csv:3: the interval starts at "2026-01-05 09:15"; write it like that of line 2, 09:00`},
		{"start,calls\n09:00,1\n09:30,1\n", "monday.csv:3: the interval starts at 09:30, before that of line 2 ends (09:00 and 1h); sort"},
		{"start,calls\n09:00,\"1\n", "monday.csv:2: this is not CSV"},
	} {
		_, err := app.PlanStaffingFile(busyHour, "monday.csv", strings.NewReader(c.file))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q:\ngot  %v\nwant %s", c.file, err, c.want)
		}
	}
	o := busyHour
	o.Talk, o.WrapUp = 0, 0
	if _, err := app.PlanStaffingFile(o, "monday.csv", strings.NewReader("start,calls\n09:00,1\n")); err == nil ||
		!strings.HasPrefix(err.Error(), "monday.csv:2: no handling time is known; write") {
		t.Errorf("no handling time: %v", err)
	}
}

func TestWrongStaffingFlagsAreToldWithRemedy(t *testing.T) {
	for want, change := range map[string]func(*app.StaffingOptions){
		"--calls is -1; write":              func(o *app.StaffingOptions) { o.Calls = -1 },
		"no handling time is given; write":  func(o *app.StaffingOptions) { o.Talk, o.WrapUp = 0, 0 },
		"--wrap-up is given without --talk": func(o *app.StaffingOptions) { o.Talk = 0 },
		"--talk or --wrap-up is negative":   func(o *app.StaffingOptions) { o.WrapUp = -1 },
		"--interval is 0s; write":           func(o *app.StaffingOptions) { o.Interval = 0 },
		"--model is \"erlang-b\"; write":    func(o *app.StaffingOptions) { o.Model = "erlang-b" },
		"erlang-a needs":                    func(o *app.StaffingOptions) { o.Patience = 0 },
		"--target is \"80\"; write":         func(o *app.StaffingOptions) { o.Target = "80" },
		"--target is \"100/15s\"; write":    func(o *app.StaffingOptions) { o.Target = "100/15s" },
		"--max-occupancy is 100; write":     func(o *app.StaffingOptions) { o.MaxOccupancy = 100 },
		"--shrinkage is -5; write":          func(o *app.StaffingOptions) { o.Shrinkage = -5 },
		"--max-asa is -1s; write":           func(o *app.StaffingOptions) { o.MaxASA = -time.Second },
		"--short-abandon is -1s; write":     func(o *app.StaffingOptions) { o.ShortAbandon = -time.Second },
		"--min-agents is -1; write":         func(o *app.StaffingOptions) { o.MinAgents = -1 },
		"there is no target; write":         func(o *app.StaffingOptions) { o.Target, o.MaxOccupancy = "none", 0 },
		"nobody abandons in erlang-c":       func(o *app.StaffingOptions) { o.Model, o.MaxAbandon = "erlang-c", 5 },
		`"best" is not a formula`:           func(o *app.StaffingOptions) { o.Formula = "best" },
	} {
		o := busyHour
		change(&o)
		if _, err := app.PlanStaffing(o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
