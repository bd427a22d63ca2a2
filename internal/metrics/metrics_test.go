package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/metrics"
	"hotline/internal/metrics/metricstest"
	"hotline/internal/runner"
	"hotline/internal/traffic"
)

var _ runner.Meter = (*metrics.Metrics)(nil)

func scrape(t *testing.T, m *metrics.Metrics) metricstest.Scrape {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	s, err := metricstest.Parse(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, s metricstest.Scrape, want float64, name string, labels ...string) {
	t.Helper()
	if got, ok := s.Value(name, labels...); !ok || got != want {
		t.Errorf("%s%v: got %v (present: %v), want %v", name, labels, got, ok, want)
	}
}

func TestQuantilesInTheMilliseconds(t *testing.T) {
	m := metrics.New("v1.2.3")
	// 1 ms, 2 ms … 100 ms, half of them in each of two queues.
	for i := 1; i <= 100; i++ {
		m.Measure(acd.Measure{Kind: acd.IdleGap, Queue: acd.QueueID(fmt.Sprintf("q%d", i%2)), Value: time.Duration(i) * time.Millisecond})
	}
	s := scrape(t, m)
	for q, want := range map[float64]float64{0.01: .001, 0.12: .012, .5: .050, .99: .099} {
		if got := s.Quantile("hotline_agent_idle_gap_seconds", q); math.Abs(got-want) > .001 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if got := s.Count("hotline_agent_idle_gap_seconds", "queue", "q1"); got != 50 {
		t.Errorf("queue q1 has %d observations, want 50", got)
	}
	if got := s.Quantile("hotline_agent_idle_gap_seconds", .5, "queue", "q9"); !math.IsNaN(got) {
		t.Errorf("a quantile of nothing is %v", got)
	}
}

func TestEachMeasureHasItsHistogram(t *testing.T) {
	m := metrics.New("v1.2.3")
	kinds := map[acd.MeasureKind]string{
		acd.IdleGap: "agent_idle_gap", acd.RingDelay: "ring_delay", acd.AnswerToConnect: "answer_to_connect",
		acd.QueueWait: "queue_wait", acd.TalkTime: "talk",
	}
	for kind := range kinds {
		m.Measure(acd.Measure{Kind: kind, Queue: "general", Value: 601 * time.Second})
	}
	m.Measure(acd.Measure{Kind: "nonsense", Queue: "general"})
	m.Breach("two_calls")
	s := scrape(t, m)
	for kind, name := range kinds {
		if n := s.Count("hotline_"+name+"_seconds", "queue", "general"); n != 1 {
			t.Errorf("%s: %d observations in %s, want 1", kind, n, name)
		}
	}
	if got := s.Quantile("hotline_talk_seconds", .5); got <= 600 || got > 900 {
		t.Errorf("a talk of 601 s is not told from one of 600 s: %v", got)
	}
	check(t, s, 1, "hotline_invariant_breaches_total", "name", "two_calls")
	check(t, s, 1, "hotline_invariant_breaches_total", "name", "unknown_measure")
	check(t, s, 1, "hotline_build_info", "version", "v1.2.3")
}

func TestParts(t *testing.T) {
	m := metrics.New("v1.2.3")
	sw, store, api := m.Switch(), m.Store(), m.HTTP()
	sw.SwitchEvent("a1", "StasisStart", true)
	sw.SwitchEvent("a1", "StasisStart", true)
	sw.SwitchRequest("a1", "POST", "/channels/{id}/answer", 204, time.Millisecond)
	sw.SwitchRequest("a1", "POST", "/channels/{id}/answer", 0, time.Second)
	sw.SwitchConnected("a1", true)
	sw.SwitchConnected("a2", false)
	sw.SwitchGap("a2")
	sw.SwitchBacklog("a1", 7)
	store.Batch(3, time.Millisecond)
	store.Records(2, 1)
	store.Waiting(5, 6)
	store.Parked(1, 4)
	store.Lag(time.Second)
	store.Error("unreachable")
	api.HTTPRequest("GET", "/healthz", 200, time.Millisecond)
	api.HTTPPanic("/api/v1/calls")
	api.EventClients(7)
	api.EventClientCutOff("too_slow")
	m.Traces("sent", 3)

	store.Up(true)

	s := scrape(t, m)
	check(t, s, 1, "hotline_redis_up")
	check(t, s, 7, "hotline_event_clients")
	check(t, s, 3, "hotline_traces_total", "outcome", "sent")
	check(t, s, 0, "hotline_traces_total", "outcome", "dropped")
	check(t, s, 1, "hotline_event_clients_cut_off_total", "reason", "too_slow")
	check(t, s, 2, "hotline_asterisk_events_total", "node", "a1", "type", "StasisStart", "used", "true")
	if n := s.Count("hotline_asterisk_request_seconds", "status", "2xx"); n != 1 {
		t.Errorf("%d requests with 2xx, want 1", n)
	}
	if n := s.Count("hotline_asterisk_request_seconds", "status", "none"); n != 1 {
		t.Errorf("%d requests without reply, want 1", n)
	}
	check(t, s, 1, "hotline_asterisk_connected", "node", "a1")
	check(t, s, 0, "hotline_asterisk_connected", "node", "a2")
	check(t, s, 1, "hotline_asterisk_gaps_total", "node", "a2")
	check(t, s, 7, "hotline_asterisk_backlog_events", "node", "a1")
	check(t, s, 3, "hotline_redis_batch_entries_total")
	check(t, s, 2, "hotline_redis_records_total", "outcome", "applied")
	check(t, s, 1, "hotline_redis_records_total", "outcome", "duplicate")
	check(t, s, 5, "hotline_redis_waiting_entries", "kind", "record")
	check(t, s, 6, "hotline_redis_waiting_entries", "kind", "change")
	check(t, s, 1, "hotline_redis_parked_entries", "kind", "record")
	check(t, s, 4, "hotline_redis_parked_entries", "kind", "change")
	check(t, s, 1, "hotline_redis_errors_total", "kind", "unreachable")
	check(t, s, 1, "hotline_http_panics_total", "route", "/api/v1/calls")
	if s.Count("hotline_redis_lag_seconds") != 1 || s.Count("hotline_redis_batch_seconds") != 1 || s.Count("hotline_http_request_seconds", "status", "2xx") != 1 {
		t.Error("a histogram lacks its observation")
	}
}

func TestEventTypesFromOutsideAreBounded(t *testing.T) {
	m := metrics.New("v1.2.3")
	for i := range 1000 {
		m.Switch().SwitchEvent("a1", fmt.Sprintf("Type%d", i), false)
	}
	check(t, scrape(t, m), 900, "hotline_asterisk_events_total", "type", "other")
}

func TestSnapshotAtScrape(t *testing.T) {
	m := metrics.New("v1.2.3")
	var failure error
	m.Watch(func(ctx context.Context) (acd.Snapshot, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a scrape may wait for ever")
		}
		return acd.Snapshot{
			Queues: []acd.QueueStatus{{
				Queue: "general", Waiting: 3, LongestWait: 2500 * time.Millisecond, Talking: 4,
				Agents: map[acd.AgentState]int{acd.Ready: 2},
				Counts: acd.QueueCounts{Offered: 10, Answered: 6, Abandoned: 1, Overflowed: 2, RONA: 5},
			}},
			Agents: []acd.AgentStatus{{State: acd.Ready}, {State: acd.Ready}, {State: acd.LoggedOut}},
			Calls:  []acd.CallStatus{{Phase: acd.PhaseGreeting}, {Phase: acd.PhaseTalking}, {Phase: acd.PhaseAway}},
			Partners: []acd.PartnerStatus{{
				Partner: "xuzhou", Ringing: 3, Talking: 2, Waiting: 1, Counts: acd.PartnerCounts{Rung: 22, Answered: 9, NotTaken: 7, Withdrawn: 3},
			}},
		}, failure
	})
	s := scrape(t, m)
	check(t, s, 1, "hotline_snapshot_up")
	check(t, s, 3, "hotline_queue_waiting_calls", "queue", "general")
	check(t, s, 2.5, "hotline_queue_longest_wait_seconds", "queue", "general")
	check(t, s, 4, "hotline_queue_talking_calls", "queue", "general")
	check(t, s, 2, "hotline_queue_agents", "queue", "general", "state", "ready")
	check(t, s, 0, "hotline_queue_agents", "queue", "general", "state", "wrap_up")
	check(t, s, 10, "hotline_queue_calls_offered_total", "queue", "general")
	check(t, s, 6, "hotline_queue_calls_answered_total", "queue", "general")
	check(t, s, 1, "hotline_queue_calls_abandoned_total", "queue", "general")
	check(t, s, 2, "hotline_queue_calls_overflowed_total", "queue", "general")
	for state, want := range map[string]float64{"ringing": 3, "talking": 2, "waiting": 1} {
		check(t, s, want, "hotline_partner_calls", "partner", "xuzhou", "state", state)
	}
	for outcome, want := range map[string]float64{"answered": 9, "not_taken": 7, "withdrawn": 3} {
		check(t, s, want, "hotline_partner_calls_total", "partner", "xuzhou", "outcome", outcome)
	}
	check(t, s, 1, "hotline_calls", "phase", "away")
	check(t, s, 5, "hotline_queue_rona_total", "queue", "general")
	check(t, s, 2, "hotline_agents", "state", "ready")
	check(t, s, 1, "hotline_agents", "state", "logged_out")
	check(t, s, 1, "hotline_calls", "phase", "greeting")
	check(t, s, 0, "hotline_calls", "phase", "waiting")

	failure = errors.New("the engine does not answer")
	s = scrape(t, m)
	check(t, s, 0, "hotline_snapshot_up")
	if _, there := s.Value("hotline_queue_waiting_calls"); there {
		t.Error("figures are shown though there was no snapshot")
	}
}

// A counter that appears with its first event shows Prometheus no increase.
func TestCountersOfDefectsBeginAtZero(t *testing.T) {
	m := metrics.New("v1.2.3")
	m.Switch().SwitchConnected("a1", true)
	s := scrape(t, m)
	for _, kind := range []string{"unreachable", "password", "refused"} {
		check(t, s, 0, "hotline_redis_errors_total", "kind", kind)
	}
	check(t, s, 0, "hotline_invariant_breaches_total", "name", "engine")
	check(t, s, 0, "hotline_spool_errors_total")
	check(t, s, 0, "hotline_spool_damaged_total")
	check(t, s, 0, "hotline_asterisk_gaps_total", "node", "a1")
	check(t, s, 0, "hotline_terms_total")
	if _, there := s.Value("hotline_redis_up"); there {
		t.Error("it is told whether Redis takes what is written, and nothing was tried")
	}
}

func TestTermsAndCertificate(t *testing.T) {
	m := metrics.New("v1.2.3")
	if _, there := scrape(t, m).Value("hotline_term_start_timestamp_seconds"); there {
		t.Error("a term has a start and has not begun")
	}
	began := float64(time.Now().Add(-time.Second).Unix())
	m.Leading(true)
	m.Leading(false)
	m.Certificate(func() time.Time { return time.Unix(1_800_000_000, 0) })
	s := scrape(t, m)
	check(t, s, 0, "hotline_leading")
	check(t, s, 1, "hotline_terms_total")
	if at, _ := s.Value("hotline_term_start_timestamp_seconds"); at < began || at > began+60 {
		t.Errorf("the term began at %v, want about %v", at, began)
	}
	check(t, s, 1_800_000_000, "hotline_tls_certificate_expiry_timestamp_seconds")
}

// What is described is what is served: names, and the labels of each.
func TestDescribe(t *testing.T) {
	m := metrics.New("v1.2.3")
	m.Watch(func(context.Context) (acd.Snapshot, error) { return acd.Snapshot{}, nil })
	m.Measure(acd.Measure{Kind: acd.IdleGap, Queue: "general", Value: time.Second})
	described := m.Describe()
	for name, want := range map[string]string{
		"hotline_agent_idle_gap_seconds": "[queue]", "hotline_queue_agents": "[queue state]", "hotline_spool_bytes": "[]",
		"hotline_asterisk_request_seconds": "[node method route status]", "process_start_time_seconds": "[]",
	} {
		if got := fmt.Sprint(described[name]); got != want {
			t.Errorf("%s has the labels %s, want %s", name, got, want)
		}
	}
	if got := fmt.Sprint(described["hotline_build_info"]); !strings.Contains(got, "version") {
		t.Errorf("hotline_build_info has the labels %s", got)
	}
	for _, name := range scrape(t, m).Names() {
		if _, there := described[name]; !there {
			t.Errorf("%s is served and not described", name)
		}
	}
}

func TestNamesAreOurs(t *testing.T) {
	for _, name := range scrape(t, metrics.New("v1.2.3")).Names() {
		if !strings.HasPrefix(name, "hotline_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("unexpected name %s", name)
		}
	}
}

// The rate is absent, and neither 0 nor 1, while nothing is known.
func TestConnectRateIsAbsentWithoutCalls(t *testing.T) {
	m := metrics.New("v1.2.3")
	for _, c := range []struct {
		offered, answered int64
		want              float64
	}{{0, 0, 0}, {200, 190, 0.95}, {0, 0, 0}, {3, 0, 0}} {
		m.Books().ConnectRate(c.offered, c.answered)
		got, there := scrape(t, m).Value("hotline_connect_rate_24h")
		if there != (c.offered > 0) || got != c.want {
			t.Errorf("%d of %d: %v, %v", c.answered, c.offered, got, there)
		}
	}
	m.Books().DaysOpen(2)
	check(t, scrape(t, m), 2, "hotline_days_open")
}

// Of each service level that can be configured, the calls within it can be told from the metrics.
func TestWaitsHaveTheThresholdsOfServiceLevels(t *testing.T) {
	m := metrics.New("v1.2.3")
	m.Measure(acd.Measure{Kind: acd.QueueWait, Queue: "general", Value: time.Second})
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text := rec.Body.String()
	for _, seconds := range traffic.WaitBounds() {
		if line := fmt.Sprintf(`hotline_queue_wait_seconds_bucket{queue="general",le="%d"} 1`, seconds); !strings.Contains(text, line) {
			t.Errorf("there is no %s", line)
		}
	}
}
