package prometheus_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"hotline/internal/metrics/metricstest"
)

// dashboard is what of Grafana's format is looked at.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ X, Y, W, H int }
	Datasource  struct{ Type, UID string }
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
	Targets []struct {
		RefID, Expr string
		Datasource  struct{ Type, UID string }
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("../grafana/*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v: want two dashboards", files, err)
	}
	all := make(map[string]dashboard)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

// query is one that a dashboard asks, and where it does.
type query struct{ where, expr string }

// variables stand in for what Grafana puts into queries.
var variables = strings.NewReplacer("$site", "c", "$queue", ".*", "$instance", ".*", "$__rate_interval", "1m")

func queries(name string, d dashboard) (list []query) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list = append(list, query{fmt.Sprintf("%s, %s, %s", name, p.Title, target.RefID), target.Expr})
		}
	}
	for _, a := range d.Annotations.List {
		list = append(list, query{name + ", annotation " + a.Name, a.Expr})
	}
	for _, v := range d.Templating.List {
		// label_values is Grafana's own; its first argument is a query.
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			list = append(list, query{name + ", variable " + v.Name, inner[:strings.LastIndex(inner, ",")]})
		}
	}
	return list
}

// Prometheus' own parser reads each query, as the expression of a rule.
func TestQueriesOfDashboardsParse(t *testing.T) {
	var list []map[string]string
	for name, d := range dashboards(t) {
		for i, q := range queries(name, d) {
			record := fmt.Sprintf("q%d:%s", i, strings.NewReplacer("-", "_", ".", "_").Replace(name))
			list = append(list, map[string]string{"record": record, "expr": variables.Replace(q.expr)})
			if rest := variables.Replace(q.expr); strings.Contains(rest, "$") {
				t.Errorf("%s has a variable that nobody defines: %s", q.where, q.expr)
			}
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []map[string]any{{"name": "queries", "rules": list}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Errorf("only %d queries were found", len(list))
	}
	promtool(t, "check", "rules", file)
}

func TestDashboardsAskForWhatIsThere(t *testing.T) {
	all, names := served(), recorded(rules(t))
	for name, d := range dashboards(t) {
		used := make(map[string]bool)
		for _, q := range queries(name, d) {
			asksForWhatIsThere(t, q.where, q.expr, all, names, used)
			for _, s := range metricstest.Selectors(q.expr) {
				if !slices.Contains(s.Labels, "site") && !strings.Contains(q.where, "variable site") {
					t.Errorf("%s asks for %s of all sites", q.where, s.Name)
				}
			}
		}
	}
}

// notWatched are metrics that neither a rule nor a dashboard uses, each with the reason.
var notWatched = map[string]string{}

func TestEachOfOurMetricsIsWatched(t *testing.T) {
	list := rules(t)
	all, used, names := served(), make(map[string]bool), recorded(list)
	for _, r := range list {
		asksForWhatIsThere(t, r.Alert+r.Record, r.Expr, all, names, used)
	}
	for name, d := range dashboards(t) {
		for _, q := range queries(name, d) {
			asksForWhatIsThere(t, q.where, q.expr, all, names, used)
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(metric, "hotline_") {
			continue // of the runtime and the process: the dashboard has what tells most
		}
		reason, excused := notWatched[metric]
		switch {
		case used[metric] && excused:
			t.Errorf("%s is watched, and excused: %s", metric, reason)
		case !used[metric] && !excused:
			t.Errorf("%s is in no rule and on no dashboard; show it, or say why not in notWatched", metric)
		}
	}
	for metric := range notWatched {
		if _, there := all[metric]; !there {
			t.Errorf("%s is excused and not there", metric)
		}
	}
}

var bothLanguages = regexp.MustCompile(`^.*\p{Han}.* \([^\p{Han}]*[A-Za-z][^\p{Han}]*\)$`)

func TestDashboardsAreWellFormed(t *testing.T) {
	uids := make(map[string]bool)
	for name, d := range dashboards(t) {
		if uids[d.UID] || d.UID == "" || d.SchemaVersion < 39 {
			t.Errorf("%s: uid %q, schema %d; want a uid of its own, and the schema of Grafana 11 or later", name, d.UID, d.SchemaVersion)
		}
		uids[d.UID] = true
		if !bothLanguages.MatchString(d.Title) {
			t.Errorf("%s is called %q, want Chinese (English)", name, d.Title)
		}
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
		}
		if len(variables) != 3 || variables[0] != "datasource" || variables[1] != "site" {
			t.Errorf("%s has the variables %v", name, variables)
		}
		ids, taken := make(map[int]bool), make(map[[2]int]string)
		for _, p := range d.Panels {
			where := name + ", " + p.Title
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: the id %d is not its own", where, p.ID)
			}
			ids[p.ID] = true
			if !bothLanguages.MatchString(p.Title) {
				t.Errorf("%s: want Chinese (English)", where)
			}
			if p.Type != "row" && (len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "") {
				t.Errorf("%s has no query, no unit or another source of data", where)
			}
			refs := make(map[string]bool)
			for _, target := range p.Targets {
				if refs[target.RefID] || target.Datasource.UID != "${datasource}" {
					t.Errorf("%s: two queries called %s, or another source of data", where, target.RefID)
				}
				refs[target.RefID] = true
			}
			if g := p.GridPos; g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("%s lies outside of the 24 columns: %+v", where, g)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, is := taken[[2]int{x, y}]; is {
						t.Fatalf("%s lies over %s", where, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}
