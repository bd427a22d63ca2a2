package scenario

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/sim"
	"hotline/internal/traffic"
)

var update = flag.Bool("update", false, "write the expected texts of testdata/bad anew")

func TestShippedScenarios(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "day storm year" {
		t.Fatalf("shipped are: %s", got)
	}
	for _, name := range Names() {
		if _, err := Load(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func figure(t *testing.T, r *sim.Result, m traffic.Metric) float64 {
	t.Helper()
	v, ok := r.Total.Figures.Value(m).Float()
	if !ok {
		t.Fatalf("%s has no value", m)
	}
	return v
}

// TestDayIsTheCitys compares the shipped day with what the city published, as
// the mean over runs.
func TestDayIsTheCitys(t *testing.T) {
	s, err := Load("day")
	if err != nil {
		t.Fatal(err)
	}
	results, err := sim.Replicate(context.Background(), s, sim.Options{Seed: 1, By: sim.ByHour, AuditEvery: 1000}, 10)
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, want, off float64, of func(*sim.Result) float64) {
		t.Helper()
		var values []float64
		for _, r := range results {
			values = append(values, of(r))
		}
		if e := sim.EstimateOf(values); e.Mean < want-off || e.Mean > want+off {
			t.Errorf("%s: %.2f ± %.2f, the city has %v", what, e.Mean, e.HalfWidth, want)
		}
	}
	metric := func(m traffic.Metric) func(*sim.Result) float64 {
		return func(r *sim.Result) float64 { return figure(t, r, m) }
	}
	near("answered", 3035, 45, metric(traffic.Answered))
	near("connect rate", 98.30, 0.5, metric(traffic.ConnectRate))
	near("average wait", 6, 1.5, metric(traffic.AverageWait))
	near("average talk", 216, 4, metric(traffic.AverageTalk))
	near("talks over 10 min", 2.45, 0.3, metric(traffic.TalkOver10Share))
	near("busy hour", 340, 20, func(r *sim.Result) float64 {
		most := int64(0)
		for _, row := range r.Rows {
			most = max(most, row.Figures.Counters()[traffic.CountOffered])
		}
		return float64(most)
	})
}

func TestStormDialsThirtyThreeASecond(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	s, err := Load("storm")
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Run(context.Background(), s, sim.Options{Seed: 1, By: sim.ByHour})
	if err != nil {
		t.Fatal(err)
	}
	second := r.Rows[16].Figures.Counters() // of the two hours; by then redials have built up
	if dials := float64(second[traffic.CountOffered]+second[traffic.CountNotOffered]) / 3600; dials < 28 || dials > 36 {
		t.Errorf("%.1f calls a second", dials)
	}
	if o := r.Rows[16].Occupancy(); o < 0.99 {
		t.Errorf("agents are idle in the storm: occupancy %.4f", o)
	}
}

// TestStormsVariants plays the first minutes of the storm in all variants.
func TestStormsVariants(t *testing.T) {
	all, err := LoadVariants("storm")
	if err != nil {
		t.Fatal(err)
	}
	minutes := 30 * time.Minute
	if testing.Short() {
		minutes = 10 * time.Minute
	}
	var names []string
	results := map[string]*sim.Result{}
	for _, s := range all {
		names = append(names, s.Name)
		short := *s
		short.Arrivals = []sim.Arrivals{{Entry: "12345", PerSecond: 10, Begin: time.Hour, End: time.Hour + minutes}}
		short.Routing.Queues = slices.Clone(s.Routing.Queues)
		short.Routing.Queues[0].NotAgain = 0 // else a caller may be passed over for an agent who did not lift
		r, err := sim.Run(context.Background(), &short, sim.Options{Seed: 1, AuditEvery: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if r.Overtaken != 0 || r.IdleWhileWaiting != 0 || r.Unfinished != 0 {
			t.Errorf("%s: %d overtaken, %v idle while callers waited, %d unfinished", s.Name, r.Overtaken, r.IdleWhileWaiting, r.Unfinished)
		}
		results[s.Name] = r
	}
	if got := strings.Join(names, " "); got != "storm storm:redial storm:callback storm:both" {
		t.Fatalf("variants: %s", got)
	}
	plain, redial, callback, both := results["storm"], results["storm:redial"], results["storm:callback"], results["storm:both"]
	if redial.InOrder <= plain.InOrder || both.InOrder <= callback.InOrder {
		t.Errorf("order is not kept better: %.4f, %.4f; with callbacks %.4f, %.4f", plain.InOrder, redial.InOrder, callback.InOrder, both.InOrder)
	}
	for _, r := range []*sim.Result{callback, both} {
		if r.Served <= plain.Served*5/4 || r.Dialled >= plain.Dialled || sim.Percentile(r.Held, 0.5) >= sim.Percentile(plain.Held, 0.5) {
			t.Errorf("%s: %d served, %d dialled, %.0f s held; plainly %d, %d, %.0f s", r.Scenario, r.Served, r.Dialled, sim.Percentile(r.Held, 0.5),
				plain.Served, plain.Dialled, sim.Percentile(plain.Held, 0.5))
		}
	}
}

func TestVariantsByName(t *testing.T) {
	s, err := Load("storm:both")
	if err != nil {
		t.Fatal(err)
	}
	if q := s.Routing.Queues[0]; q.Redial.AtMost == 0 || q.Callback.Attempts == 0 || s.Name != "storm:both" {
		t.Errorf("%s has the queue %+v", s.Name, q)
	}
	for name, want := range map[string]string{
		"storm:x": "storm has no variant x; write one of: redial, callback, both",
		"day:x":   "day has no variants; leave out :x",
	} {
		if _, err := Load(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestProductionConfigurationServesAsRouting(t *testing.T) {
	data, err := os.ReadFile("../../deploy/hotline.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("hotline.yaml", string(data))
	write("calls.csv", "time,caller\n08:00:01,1\n08:00:05,2\n\n2026-01-05 09:30:00,3\n23:59:59\n")
	path := write("mine.yaml", minimal+"  - {entry: \"12345001\", recorded: calls.csv}\n")
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "mine" || len(s.Routing.Seats) != 40 || s.Location.String() != "Asia/Shanghai" {
		t.Errorf("got %s with %d seats in %s", s.Name, len(s.Routing.Seats), s.Location)
	}
	want := []time.Duration{8*time.Hour + time.Second, 8*time.Hour + 5*time.Second, 9*time.Hour + 30*time.Minute, 24*time.Hour - time.Second}
	if !reflect.DeepEqual(s.Arrivals[1].Times, want) {
		t.Errorf("recorded times: %v", s.Arrivals[1].Times)
	}
	s.Arrivals = s.Arrivals[1:]
	r, err := sim.Run(context.Background(), s, sim.Options{AuditEvery: 1})
	if err != nil || r.Dialled != 4 {
		t.Errorf("%v; %d calls, want the 4 that are recorded", err, r.Dialled)
	}
}

// minimal ends in the list of arrivals.
const minimal = `routing: hotline.yaml
from: 2026-01-05
callers: {patience: {kind: exponential, mean: 90s}, talk: {kind: lognormal, mean: 216s, cv: 0.7}}
agents: {answer: {kind: constant, mean: 3s}, back: {kind: gamma, mean: 30s, cv: 0.5}}
shifts: [{agents: [1001-1040]}]
arrivals:
  - {entry: "12345", calls_per_day: 100}
`

func TestBadScenariosAreRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, err := Load(path)
			if err == nil {
				t.Fatalf("accepted: %+v", s)
			}
			got := strings.ReplaceAll(err.Error(), "testdata/", "") + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			for line := range strings.Lines(got) {
				if !strings.Contains(line, "; ") {
					t.Errorf("no remedy in: %s", line)
				}
			}
		})
	}
}

func TestUnknownScenario(t *testing.T) {
	_, err := Load("nowhere.yaml")
	want := "nowhere.yaml: there is no such scenario or file; name a YAML file or one of: day, storm, year"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// TestReferenceNamesEveryKey holds docs/simulation.md against the structures.
func TestReferenceNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../docs/simulation.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(t reflect.Type, prefix string, visit func(string))
	walk = func(typ reflect.Type, prefix string, visit func(string)) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			key, ok := field.Tag.Lookup("yaml")
			if !ok {
				continue
			}
			ft := field.Type
			if ft == reflect.TypeFor[distribution]() && prefix != "" {
				visit(prefix + key)
				continue // the keys of distributions are explained once
			}
			if items, isList := ft.MethodByName("Items"); isList {
				visit(prefix + key)
				if item := items.Type.Out(0).Elem(); item.Kind() == reflect.Struct {
					walk(item, prefix+key+".", visit)
				}
				continue
			}
			if _, isValue := ft.MethodByName("Get"); isValue {
				visit(prefix + key)
				continue
			}
			walk(ft, prefix+key+".", visit)
		}
	}
	check := func(key string) {
		if !strings.Contains(string(text), "| `"+key+"` |") {
			t.Errorf("docs/simulation.md does not explain %s", key)
		}
	}
	walk(reflect.TypeFor[file](), "", check)
	walk(reflect.TypeFor[distribution](), "", check)
}
