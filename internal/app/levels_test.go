package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/bulletin"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

func TestLevelsOfACommandLine(t *testing.T) {
	base := traffic.Options{Thresholds: []int{20}, ShortAbandon: 10, Published: traffic.OfAnswered}
	for _, c := range []struct {
		given Levels
		want  string // the published ones and the counter of short abandons, or a part of the error
	}{
		{Levels{}, "service_level_20_of_answered under 10"},
		{Levels{ServiceLevels: "10s, 2m"}, "service_level_10_of_answered service_level_120_of_answered under 10"},
		{Levels{ShortAbandon: 3 * time.Second, Formula: "with_abandoned"}, "service_level_20_with_abandoned under 3"},
		{Levels{ServiceLevels: "15"}, `--service-levels: "15" is not a duration; write thresholds as in --service-levels 15s,30s`},
		{Levels{ServiceLevels: "1500ms"}, "--service-levels: calls are not counted by 1.5s; write whole seconds"},
		{Levels{ServiceLevels: "17s"}, "a service level at 17 s is not counted: choose among"},
		{Levels{ServiceLevels: "15s,15s"}, "the service level at 15 s is chosen twice"},
		{Levels{ShortAbandon: -time.Second}, "--short-abandon: calls are not counted by -1s"},
		{Levels{Formula: "of_all"}, `"of_all" is not a formula of a service level: choose one of [of_offered`},
	} {
		definitions, err := c.given.Define(base)
		if err != nil {
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %s", c.given, err, c.want)
			}
			continue
		}
		var got []string
		for _, m := range definitions.Published() {
			got = append(got, string(m))
		}
		short, _ := definitions.Get(traffic.ShortAbandoned)
		_, under, _ := strings.Cut(short.Formula, "less than ")
		got = append(got, "under", strings.Fields(under)[0])
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%+v: %s, want %s", c.given, text, c.want)
		}
		if !slices.Equal(base.Thresholds, []int{20}) {
			t.Error("the base was changed")
		}
	}
}

// Every surface that reads Redis goes by the configuration, and the API by the one that
// was applied last.
func TestFiguresGoByTheConfiguration(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t, redistest.Start(t).Address)
	store := testStore(t, cfg)
	fill(t, store, dayOfCalls(cfg, monday, 300), nil)
	cfg.Traffic = traffic.Options{Thresholds: []int{10, 120}, ShortAbandon: 20, Published: traffic.OfAnswered}
	has := func(surface, text string, want, not []string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %s", surface, w)
			}
		}
		for _, n := range not {
			if strings.Contains(text, n) {
				t.Errorf("%s has %s", surface, n)
			}
		}
	}
	figures, err := Traffic(ctx, cfg, monday)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"table", "json"} {
		var out bytes.Buffer
		if err := WriteDay(&out, format, "en", figures); err != nil {
			t.Fatal(err)
		}
		if format == "json" {
			has("the day's JSON", out.String(), []string{`"service_level_10_of_offered"`, `"service_level_120_with_abandoned"`}, []string{"service_level_15"})
		} else {
			has("the day's table", out.String(), []string{"10 s service level", "abandoned under 20 s"}, []string{"15 s service level"})
		}
	}
	report, err := Bulletin(ctx, cfg, bulletin.Day(monday), "", monday.End(cfg.Location))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"table", "html", "csv", "json"} {
		var out bytes.Buffer
		if err := WriteBulletin(ctx, &out, format, "en", "", report); err != nil {
			t.Fatal(err)
		}
		if format == "json" {
			has("the bulletin as json", out.String(), []string{`"service_level_10_of_answered"`, `"service_level_120_of_offered"`}, []string{"service_level_15"})
			continue
		}
		// In the comparison and in the rows of queues.
		// A terminal breaks the heads of columns.
		if n := strings.Count(out.String(), "10 s service level, of answered"); n < 2 && format != "table" || n < 1 {
			t.Errorf("the bulletin as %s has the published level %d times", format, n)
		}
		want := []string{"120 s service level"}
		if format == "csv" { // has no notes
			want = []string{"within 120 s"}
		} else {
			want = append(want, "abandoned under 20 s")
		}
		has("the bulletin as "+format, out.String(), want, []string{"15 s service level", "10 s service level, of offered (%)"})
	}
	api, err := newFigureReader(store, cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for _, seconds := range []int{10, 60} { // at the start, and after a reload
		reloaded := *cfg
		reloaded.Traffic = traffic.Options{Thresholds: []int{seconds}}
		if err := api.goBy(&reloaded); err != nil {
			t.Fatal(err)
		}
		day, err := api.Day(ctx, monday)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(day)
		if err != nil {
			t.Fatal(err)
		}
		has("the API", string(text), []string{fmt.Sprintf(`"service_level_%d_of_offered"`, seconds)}, []string{"service_level_15"})
	}
}
