package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/devstack"
	"hotline/internal/lab"
)

// watch is a Prometheus that watches an office with the rules that are shipped.
type watch struct {
	t   *testing.T
	url string
}

// everyTestTick is how often it scrapes and looks at the rules.
const everyTestTick = "500ms"

// watchOffice runs the shipped example of a configuration with the shipped rules; only what
// they wait for is shorter.
func watchOffice(t *testing.T, l *lab.Lab) watch {
	t.Helper()
	dir := t.TempDir()
	shipped := func(name string) string {
		raw, err := os.ReadFile(filepath.Join("../../deploy/prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	rules := regexp.MustCompile(`(?m)^( +for: )\d+[smh]$`).ReplaceAllString(shipped("hotline.rules.yml"), "${1}2s")
	if err := os.WriteFile(filepath.Join(dir, "hotline.rules.yml"), []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer(
		"15s", everyTestTick, "scrape_timeout: 10s", "scrape_timeout: "+everyTestTick, "127.0.0.1:8080", l.Config.HTTP.Listen.String(), "lianyungang", "lab",
	).Replace(shipped("prometheus.example.yml"))
	p, err := devstack.StartPrometheus(t.Context(), dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return watch{t, p.URL + "/api/v1/"}
}

// ask gives what the API has under data.
func (w watch) ask(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("prometheus: %s", answer.Error)
	}
	return nil
}

type series struct{ Metric map[string]string }

func (w watch) query(ctx context.Context, expr string) ([]series, error) {
	var data struct{ Result []series }
	err := w.ask(ctx, "query?query="+url.QueryEscape(expr), &data)
	return data.Result, err
}

// evaluated waits until all rules were looked at once more, and finds each in order.
func (w watch) evaluated(rounds int) {
	w.t.Helper()
	for range rounds {
		since := time.Now()
		within(w.t, 10*time.Second, "a look at all rules", func(ctx context.Context) (bool, string) {
			var data struct {
				Groups []struct {
					Rules []struct {
						Name, Health, LastError string
						LastEvaluation          time.Time
					}
				}
			}
			if err := w.ask(ctx, "rules", &data); err != nil {
				return false, err.Error()
			}
			n := 0
			for _, group := range data.Groups {
				for _, rule := range group.Rules {
					if rule.Health == "err" {
						w.t.Fatalf("the rule %s: %s", rule.Name, rule.LastError)
					}
					if !rule.LastEvaluation.After(since) {
						return false, rule.Name
					}
					n++
				}
			}
			return n > 30, fmt.Sprintf("%d rules", n)
		})
	}
}

type alert struct {
	Labels, Annotations map[string]string
	State               string
}

// fires waits until an alert fires, and returns all that do.
func (w watch) fires(name string) (firing []string) {
	w.t.Helper()
	began := time.Now()
	within(w.t, 20*time.Second, "the alert "+name, func(ctx context.Context) (bool, string) {
		var data struct{ Alerts []alert }
		if err := w.ask(ctx, "alerts", &data); err != nil {
			return false, err.Error()
		}
		firing = nil
		for _, a := range data.Alerts {
			if a.State != "firing" {
				continue
			}
			if !slices.Contains(firing, a.Labels["alertname"]) {
				firing = append(firing, a.Labels["alertname"])
			}
			if a.Labels["alertname"] == name && (a.Labels["site"] != "lab" || !strings.Contains(a.Annotations["description"], "lab")) {
				w.t.Errorf("%s is of the site %q and says %q", name, a.Labels["site"], a.Annotations["description"])
			}
		}
		return slices.Contains(firing, name), fmt.Sprintf("%v fire", firing)
	})
	w.t.Logf("%s fires after %v; with it %v", name, time.Since(began).Round(10*time.Millisecond), firing)
	return firing
}

// over waits until an alert fires no more.
func (w watch) over(name string) {
	w.t.Helper()
	within(w.t, 20*time.Second, "the end of "+name, func(ctx context.Context) (bool, string) {
		found, err := w.query(ctx, `ALERTS{alertname="`+name+`"}`)
		return err == nil && len(found) == 0, fmt.Sprint(found, err)
	})
}

// notHere are panels of the dashboards that have nothing to show in the lab.
var notHere = regexp.MustCompile(`hotline_partner_calls|hotline_connect_rate_24h|hotline_tls_certificate|hotline_http_panics|status=~"4xx|hotline_days_open`)

// dashboardsShow asks Prometheus what the dashboards ask.
func (w watch) dashboardsShow() {
	w.t.Helper()
	files, err := filepath.Glob("../../deploy/grafana/*.json")
	if err != nil || len(files) == 0 {
		w.t.Fatalf("dashboards: %v, %v", files, err)
	}
	asked := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			w.t.Fatal(err)
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				expr := strings.NewReplacer("$site", "lab", "$queue", ".*", "$instance", ".*", "$__rate_interval", "1m").Replace(target.Expr)
				found, err := w.query(w.t.Context(), expr)
				if err != nil || len(found) == 0 && !notHere.MatchString(expr) {
					w.t.Errorf("%s shows nothing (%v): %s", p.Title, err, expr)
				}
				asked++
			}
		}
	}
	if asked < 60 {
		w.t.Errorf("the dashboards asked %d times only", asked)
	}
}

// TestAlerts has a real Prometheus watch a real hotline with the rules and dashboards that are
// shipped: nothing is told while all is well, and each trouble within seconds.
func TestAlerts(t *testing.T) {
	o := officeIn(t, startWith(t, lab.Site{Agents: 3, NoGreeting: true, WrapUp: "0s"}, "spool: {dir: spool}\n"))
	w := watchOffice(t, o.lab)
	within(t, 20*time.Second, "the first scrape", func(ctx context.Context) (bool, string) {
		up, err := w.query(ctx, `up{job="hotline"} == 1`)
		return err == nil && len(up) == 1, fmt.Sprint(up, err)
	})
	w.evaluated(2) // so that the first calls are an increase
	well := time.Now()
	for range 2 {
		// Who comes second waits until the agent is free.
		o.ready("1001")
		first := o.dial(o.caller(), "12345")
		o.rings("1001", 5*time.Second)
		second := o.dial(o.caller(), "12345")
		w.evaluated(1)
		first.Hangup()
		o.rings("1001", 5*time.Second)
		w.evaluated(1)
		second.Hangup()
		o.over(first, second) // and everybody takes a break
	}
	o.ready("1001")
	w.evaluated(6)
	told, err := w.query(t.Context(), fmt.Sprintf(`count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[%dms]))`, time.Since(well).Milliseconds()))
	if err != nil || len(told) > 0 {
		t.Fatalf("while all is well Prometheus tells of %v, %v", told, err)
	}
	w.dashboardsShow()
	o.metricsAreWellFormed()

	if _, err := o.api.SetNotReady(t.Context(), "1001", "meal"); err != nil {
		t.Fatal(err)
	}
	alone := o.dial(o.caller(), "12345")
	if fire := w.fires("HotlineQueueUnattended"); slices.Contains(fire, "HotlineRedisNotWritten") {
		t.Errorf("%v fire", fire)
	}
	alone.Hangup()
	w.over("HotlineQueueUnattended")

	o.lab.Redis.Kill()
	w.fires("HotlineRedisNotWritten")
	if err := o.lab.StartRedis(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.over("HotlineRedisNotWritten")

	o.lab.Asterisk.Kill()
	w.fires("HotlineNodeDown")

	if err := o.lab.StopServe(); err != nil {
		t.Error(err)
	}
	w.fires("HotlineTargetDown")
	w.fires("HotlineNobodyLeads")
}

// metricsAreWellFormed has Prometheus' own linter read what /metrics serves.
func (o *office) metricsAreWellFormed() {
	o.t.Helper()
	resp, err := http.Get(o.lab.API + "/metrics")
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.CommandContext(o.t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(string(text))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		o.t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
