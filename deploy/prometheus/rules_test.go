// Package prometheus_test holds what operations watch, the rules of this folder and the
// dashboards of the one beside it, to what /metrics has.
package prometheus_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"hotline/internal/acd"
	"hotline/internal/metrics"
	"hotline/internal/metrics/metricstest"
)

type rule struct {
	Record, Alert, Expr string
	For                 string
	Labels, Annotations map[string]string
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func rules(t *testing.T) (list []rule) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	load(t, "hotline.rules.yml", &file)
	for _, group := range file.Groups {
		list = append(list, group.Rules...)
	}
	if len(list) < 20 {
		t.Fatalf("only %d rules were found", len(list))
	}
	return list
}

// promtool runs Prometheus' own judge.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatal("promtool is not installed: run make deps")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolTakesConfigurationAndRules(t *testing.T) {
	promtool(t, "check", "config", "prometheus.example.yml")
	promtool(t, "check", "rules", "--lint-fatal", "hotline.rules.yml")
}

func TestAlertsFireAndDoNot(t *testing.T) { promtool(t, "test", "rules", "hotline.rules.test.yml") }

// Each alert is proved by a test in which a site fires must be told of, and quiet must not.
func TestEachAlertHasItsTest(t *testing.T) {
	var file struct {
		Tests []struct {
			Name        string
			InputSeries []struct{ Series string } `yaml:"input_series"`
			Promql      []struct {
				Expr    string
				Samples []struct{ Labels string } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	load(t, "hotline.rules.test.yml", &file)
	fires, quiet := make(map[string]bool), make(map[string]bool)
	name := regexp.MustCompile(`ALERTS\{alertname="(\w+)",alertstate="firing"\}`)
	for _, test := range file.Tests {
		var sites string
		for _, in := range test.InputSeries {
			sites += in.Series
		}
		for _, expr := range test.Promql {
			match := name.FindStringSubmatch(expr.Expr)
			if match == nil {
				continue
			}
			fires[match[1]] = fires[match[1]] || len(expr.Samples) > 0
			quiet[match[1]] = quiet[match[1]] || strings.Contains(sites, `site="quiet"`)
		}
	}
	for _, r := range rules(t) {
		if r.Alert != "" && (!fires[r.Alert] || !quiet[r.Alert]) {
			t.Errorf("%s: a test has it fire: %v, another has it not: %v; want both", r.Alert, fires[r.Alert], quiet[r.Alert])
		}
		delete(fires, r.Alert)
	}
	for alert := range fires {
		t.Errorf("there is a test of %s and no such alert", alert)
	}
}

var han = regexp.MustCompile(`\p{Han}`)

// Who is woken finds in the runbook what it means, how to see, what to do, and whether it was
// right to be woken.
func TestRunbookHasASectionForEachAlert(t *testing.T) {
	raw, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, section := range strings.Split(string(raw), "\n### ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		severity, text := r.Labels["severity"], sections[r.Alert]
		if !slices.Contains([]string{"critical", "warning", "info"}, severity) {
			t.Errorf("%s has the severity %q", r.Alert, severity)
		}
		summary := r.Annotations["summary"]
		if chinese, english, both := strings.Cut(summary, " / "); !both || !han.MatchString(chinese) || han.MatchString(english) {
			t.Errorf("%s: its summary is %q, want Chinese / English", r.Alert, summary)
		} else if !strings.HasPrefix(text, chinese+" ("+severity+")\n") {
			t.Errorf("%s: its section in the runbook does not begin with %s (%s)", r.Alert, chinese, severity)
		}
		if len(r.Annotations["description"]) < 40 {
			t.Errorf("%s has no description of what to look at", r.Alert)
		}
		if want := "docs/runbook.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s: its runbook is %q, want %s", r.Alert, r.Annotations["runbook"], want)
		}
		for _, part := range []string{"**Means**", "**See**", "**Do**", "**Wake**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: its section in the runbook has no %s", r.Alert, part)
			}
		}
		delete(sections, r.Alert)
	}
	for title := range sections {
		t.Errorf("the runbook has a section %s and there is no such alert", title)
	}
}

// served are the metrics that /metrics can have, with their labels.
func served() map[string][]string {
	m := metrics.New("v1.2.3")
	m.Watch(func(context.Context) (acd.Snapshot, error) { return acd.Snapshot{}, nil })
	m.Certificate(time.Now)
	return m.Describe()
}

// family is the metric of a series: that of hotline_wait_seconds_bucket is hotline_wait_seconds.
func family(all map[string][]string, series string) (name string, bucket, known bool) {
	if _, known := all[series]; known {
		return series, false, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			if _, known := all[name]; known {
				return name, suffix == "_bucket", true
			}
		}
	}
	return series, false, false
}

// ofPrometheus are the labels that are not ours: of the scrape configuration, and those of
// histograms and summaries.
var ofPrometheus = []string{"job", "site", "instance", "le", "quantile"}

// asksForWhatIsThere fails when a query uses a metric or a label that /metrics has not, and
// notes what it uses.
func asksForWhatIsThere(t *testing.T, where, query string, all map[string][]string, recorded map[string]bool, used map[string]bool) {
	t.Helper()
	var labels []string
	for _, s := range metricstest.Selectors(query) {
		if s.Name == "up" || recorded[s.Name] {
			labels = append(labels, "queue") // of what is recorded
			continue
		}
		name, _, known := family(all, s.Name)
		if !known {
			t.Errorf("%s asks for %s, which /metrics has not", where, s.Name)
			continue
		}
		used[name] = true
		labels = append(labels, all[name]...)
		for _, label := range s.Labels {
			if !slices.Contains(all[name], label) && !slices.Contains(ofPrometheus, label) {
				t.Errorf("%s asks for the label %s of %s, which has %v", where, label, s.Name, all[name])
			}
		}
	}
	for _, label := range metricstest.Groupings(query) {
		if !slices.Contains(labels, label) && !slices.Contains(ofPrometheus, label) {
			t.Errorf("%s goes by the label %s, which none of its metrics has", where, label)
		}
	}
}

func recorded(list []rule) map[string]bool {
	names := make(map[string]bool)
	for _, r := range list {
		if r.Record != "" {
			names[r.Record] = true
		}
	}
	return names
}

func TestRulesAskForWhatIsThere(t *testing.T) {
	list := rules(t)
	all, used := served(), make(map[string]bool)
	for _, r := range list {
		asksForWhatIsThere(t, r.Alert+r.Record, r.Expr, all, recorded(list), used)
	}
	if len(used) < 15 {
		t.Errorf("the rules use %d metrics only; are they read?", len(used))
	}
}
