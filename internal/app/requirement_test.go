package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/app"
)

// smallRouting has two numbers, of which the second asks for a skill that two
// of ten agents have.
const smallRouting = `timezone: Asia/Shanghai
entries:
  - {number: "12345", queue: general, greeting: [greeting]}
  - {number: "12346", queue: general, greeting: [greeting], skills: {english: 1}}
queues: [{id: general, title: 综合受理, ring_timeout: 15s, wrap_up: 10s}]
seats: [{range: 8001-8010}]
agents:
  - {range: 1001-1002, name: "坐席 {id}", queues: [general], skills: {english: 5}}
  - {range: 1003-1010, name: "坐席 {id}", queues: [general]}
not_ready_reasons: [{name: break, title: 小休}]
`

const smallScenario = `title: 小城 a small city
routing: routing.yaml
from: 2026-01-05
arrivals:
  - {entry: "12345", per_second: 0.01, begin: 8h, end: 12h}
  - {entry: "12346", per_second: 0.001, begin: 8h, end: 12h}
callers:
  patience: {kind: exponential, mean: 120s}
  talk: {kind: exponential, mean: 100s}
agents:
  answer: {kind: constant, mean: 3s}
  back: {kind: constant, mean: 45s}
shifts: [{agents: [1001-1010]}]
`

func small(t *testing.T) app.RequirementOptions {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"routing.yaml": smallRouting, "small.yaml": smallScenario} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := app.RequirementOptions{StaffingOptions: busyHour, Scenario: filepath.Join(dir, "small.yaml"), Runs: 3, Seed: 1}
	o.Interval, o.MaxOccupancy = 4*time.Hour, 0
	return o
}

func TestRequirementOfAScenario(t *testing.T) {
	o := small(t)
	found, err := app.PlanScenario(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	night, morning := found.Intervals[0], found.Intervals[2]
	if len(found.Intervals) != 6 || night.Agents != 1 || night.Scheduled != 2 || night.Level != nil || morning.Agents < 3 || morning.Agents > 7 || morning.Level.Mean < 0.8 {
		t.Errorf("intervals: %+v", found.Intervals)
	}
	if found.Order[0] != "1001" || found.Handle != 110 || *found.Patience != 120 || found.Seed != 4 {
		t.Errorf("order %v, handling %v s, patience %v s, seed %d", found.Order, found.Handle, *found.Patience, found.Seed)
	}
	print := func(format, lang string) string {
		var out bytes.Buffer
		if err := app.WriteRequirement(&out, format, lang, o, found); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	zh := print("table", "zh")
	const title = "坐席测算(仿真) 小城 a small city,时段4h,目标80/15s of_offered,3次运行(种子4–6),缩减率30%\n"
	if !strings.HasPrefix(zh, title) || !strings.Contains(zh, "\n坐席小时合计:仿真 ") || !strings.Contains(zh, "\ngeneral ") {
		t.Errorf("got %s", zh)
	}
	const head = "interval,calls,load (Erl),Erlang A,agents,scheduled,service level (%),± 95%,ASA (s),abandoned (%),occupancy (%)\n" +
		"2026-01-05 00:00,0.0,0.00,1,1,2,—,—,—,—,0.00\n"
	if csv := print("csv", "en"); !strings.HasPrefix(csv, head) || strings.Count(csv, "\n") != 7 {
		t.Errorf("got %s", csv)
	}
	var back app.Requirement
	if err := json.Unmarshal([]byte(print("json", "en")), &back); err != nil || back.Intervals[2].Agents != morning.Agents || back.Intervals[2].Level.HalfWidth != morning.Level.HalfWidth || *back.Intervals[0].Erlang != 1 {
		t.Errorf("json: %v, %+v", err, back)
	}
}

func TestWrongRequirementsAreToldWithRemedy(t *testing.T) {
	for want, change := range map[string]func(*app.RequirementOptions){
		"--target is \"80\"; write":                        func(o *app.RequirementOptions) { o.Target = "80" },
		"nowhere: there is no such scenario or file; name": func(o *app.RequirementOptions) { o.Scenario = "nowhere" },
		"--runs: 0 is out of range; write":                 func(o *app.RequirementOptions) { o.Runs = 0 },
		"scenario small, target 99/1s of_offered: all 10 agents of the routing cannot meet the target in 1 interval: at 2026-01-05 08:00, the worst, the service level is at best 0.00% ± 0.00;": func(o *app.RequirementOptions) { o.Target = "99/1s" },
	} {
		o := small(t)
		change(&o)
		if _, err := app.PlanScenario(context.Background(), o); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
