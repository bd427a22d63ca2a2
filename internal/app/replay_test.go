package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/scenario"
	"hotline/internal/sim"
	"hotline/internal/traffic"
)

// recordDay plays the shipped day with a production configuration of its own
// routing, and keeps its call records in a real Redis.
func recordDay(t *testing.T) (*config.Config, *sim.Scenario, *sim.Result) {
	t.Helper()
	s, err := scenario.Load("day")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{
		File: "../scenario/shipped/lianyungang-routing.yaml", Site: "lyg", Location: s.Location,
		Entries: s.Routing.Entries, Queues: s.Routing.Queues, NotReadyReasons: s.Routing.NotReadyReasons,
	}
	cfg.Redis.Address = redistest.Start(t).Address
	for _, a := range s.Routing.Agents {
		cfg.Agents = append(cfg.Agents, config.Agent{ID: a.ID, Queues: a.Queues})
	}
	store, err := redisstore.New(redisstore.Options{Address: cfg.Redis.Address, Site: cfg.Site, Location: cfg.Location, FlushTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	played, err := sim.Run(t.Context(), s, sim.Options{Seed: 2, Record: func(r acd.CallRecord) { store.Append(nil, []acd.CallRecord{r}, nil) }})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(store.Run(over), store.Close()); err != nil { // Run writes what is left
		t.Fatal(err)
	}
	return cfg, s, played
}

// TestARecordedDayIsReplayed: the records of a simulated day give a scenario
// whose simulation agrees with that day. The bounds: calls offered and answered
// within 1%, their mean wait within a second and a half, the service level within
// 3 points, the talk within 1%, agents' time at the phone within 3%.
func TestARecordedDayIsReplayed(t *testing.T) {
	cfg, s, original := recordDay(t)
	folder := filepath.Join(t.TempDir(), "day")
	done, err := app.WriteScenario(t.Context(), cfg, s.From, folder)
	if err != nil {
		t.Fatal(err)
	}
	// A call that is dialled before midnight and offered after it is the next day's.
	if done.Calls < original.Dialled-2 || done.Calls > original.Dialled || done.Answered < 2900 || done.Redials < original.Redialled*9/10 || done.Redials > original.Redialled {
		t.Errorf("%+v, of %d dialled, %d of them redials", done, original.Dialled, original.Redialled)
	}
	again, err := scenario.Load(done.File)
	if err != nil {
		t.Fatal(err)
	}
	results, err := sim.Replicate(t.Context(), again, sim.Options{Seed: 100}, 5)
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, off float64, of func(*sim.Result) float64) {
		t.Helper()
		var values []float64
		for _, r := range results {
			values = append(values, of(r))
		}
		got, want := sim.EstimateOf(values), of(original)
		t.Logf("%s: %.2f, replayed %.2f ± %.2f", what, want, got.Mean, got.HalfWidth)
		if got.Mean < want-off || got.Mean > want+off {
			t.Errorf("%s: replayed %.2f ± %.2f, and the day had %.2f", what, got.Mean, got.HalfWidth, want)
		}
	}
	metric := func(m traffic.Metric) func(*sim.Result) float64 {
		return func(r *sim.Result) float64 {
			v, _ := r.Total.Figures.Value(m).Float()
			return v
		}
	}
	near("offered", 31, metric(traffic.Offered))
	near("answered", 31, metric(traffic.Answered))
	near("average wait", 1.5, metric(traffic.AverageWait))
	near("service level", 3, metric(traffic.ServiceLevel(traffic.OfOffered, 15)))
	near("average talk", 2.2, metric(traffic.AverageTalk))
	near("hours of agents", 0.03*415, func(r *sim.Result) float64 { return (r.Total.Idle + r.Total.Contact).Hours() })

	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files: %v, %v", files, err)
	}
	number := regexp.MustCompile(`\b100\d{8}\b`) // as the simulated callers have
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if found := number.Find(text); found != nil {
			t.Errorf("%s has the number of a caller", f)
		}
	}

	if _, err := app.WriteScenario(t.Context(), cfg, s.From, folder); err == nil || !strings.Contains(err.Error(), "scenario.yaml is there already; name another folder") {
		t.Errorf("again into the same folder: %v", err)
	}
	if _, err := app.WriteScenario(t.Context(), cfg, calendar.NewDay(2023, 5, 20), t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "there are no call records of 2023-05-20; choose") {
		t.Errorf("a day without calls: %v", err)
	}
}
