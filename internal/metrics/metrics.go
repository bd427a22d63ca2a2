package metrics

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hotline/internal/acd"
)

const namespace = "hotline"

var (
	// reactionBuckets tell milliseconds apart: the promises are a median
	// under 15 ms and a 99th percentile under 50 ms.
	reactionBuckets = []float64{
		.0005, .001, .002, .003, .004, .005, .0075, .010, .0125, .015, .020, .025, .030, .035, .040, .045, .050,
		.060, .075, .1, .15, .25, .5, 1, 2.5, 5, 10, 30,
	}
	// waitBuckets contain every threshold of service levels that can be chosen.
	waitBuckets = []float64{.25, .5, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 3600}
	// talkBuckets contain the ten minutes over which talks are counted as long.
	talkBuckets = []float64{5, 10, 15, 30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 3600}
	// requestBuckets are for requests to Asterisk, Redis and this program.
	requestBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5}
)

// Metrics holds everything that is counted. Its methods are safe for
// concurrent use and never block.
type Metrics struct {
	registry *prometheus.Registry
	measures map[acd.MeasureKind]*prometheus.HistogramVec
	breaches *prometheus.CounterVec
	leading  prometheus.Gauge
	terms    prometheus.Counter
	began    *prometheus.GaugeVec
	differs  *prometheus.GaugeVec
	asterisk *Switch
	store    *Store
	books    *Books
	http     *HTTP
	traces   *prometheus.CounterVec
}

// New makes metrics with a registry of their own.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), measures: make(map[acd.MeasureKind]*prometheus.HistogramVec)}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(version),
	)
	f := factory{m.registry}
	for kind, h := range map[acd.MeasureKind]struct {
		name, help string
		buckets    []float64
	}{
		acd.IdleGap:         {"agent_idle_gap_seconds", "From an agent's becoming free while callers waited until the agent's phone rang.", reactionBuckets},
		acd.RingDelay:       {"ring_delay_seconds", "From a caller's entering the queue while an agent was ready until that agent's phone rang.", reactionBuckets},
		acd.AnswerToConnect: {"answer_to_connect_seconds", "From the agent's lifting until caller and agent were in one bridge.", reactionBuckets},
		acd.QueueWait:       {"queue_wait_seconds", "From entering the queue until answered, of answered calls.", waitBuckets},
		acd.TalkTime:        {"talk_seconds", "From the connection of caller and agent until its end.", talkBuckets},
	} {
		m.measures[kind] = f.histogram(h.name, h.help, h.buckets, "queue")
	}
	m.breaches = f.counter("invariant_breaches_total", "Broken invariants by name; any increase is a defect of this program.", "name")
	for _, name := range []string{"engine", unknownMeasure} {
		m.breaches.WithLabelValues(name) // from 0, or the first would be no increase
	}
	m.leading = f.gauge("leading", "1 while this controller leads the site, 0 while it stands by.").WithLabelValues()
	m.terms = f.counter("terms_total", "How often this controller has begun to lead.").WithLabelValues()
	m.began = f.gauge("term_start_timestamp_seconds", "When this controller began to lead last, in seconds since 1970. Absent before it has led.")
	m.differs = f.gauge("configuration_differs", "1 while the configuration file of this controller is another one than what was applied last at the site, else 0. Absent before it is known.")
	m.asterisk, m.store, m.books, m.http = newSwitch(f), newStore(f), newBooks(f), newHTTP(f)
	m.traces = f.counter("traces_total", "Calls whose trace was sent to the collector, failed because the collector did not take it, or was dropped because too many waited, by outcome: sent, failed or dropped. All 0 without tracing.", "outcome")
	for _, outcome := range []string{"sent", "failed", "dropped"} {
		m.traces.WithLabelValues(outcome) // from 0, or the first would be no increase
	}
	return m
}

// Leading tells whether this controller leads the site.
func (m *Metrics) Leading(leads bool) {
	m.leading.Set(0)
	if leads {
		m.leading.Set(1)
		m.terms.Inc()
		m.began.WithLabelValues().SetToCurrentTime()
	}
}

// ConfigurationDiffers tells whether this controller's configuration file is another one
// than what was applied last.
func (m *Metrics) ConfigurationDiffers(differs bool) {
	value := 0.0
	if differs {
		value = 1
	}
	m.differs.WithLabelValues().Set(value)
}

// Certificate tells at each scrape when the certificate of the API expires. It is called
// once, and not at all when the API has none.
func (m *Metrics) Certificate(expires func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "tls_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of the API expires, in seconds since 1970. Absent without http.tls.",
	}, func() float64 { return float64(expires().Unix()) }))
}

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		// One collector that fails must not hide all others.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	})
}

// unknownMeasure is the breach of a measure that has no histogram.
const unknownMeasure = "unknown_measure"

// Measure observes a duration of the engine.
func (m *Metrics) Measure(measure acd.Measure) {
	histogram, known := m.measures[measure.Kind]
	if !known {
		m.Breach(unknownMeasure)
		return
	}
	histogram.WithLabelValues(string(measure.Queue)).Observe(measure.Value.Seconds())
}

// Breach counts a broken invariant; name is one of a fixed few.
func (m *Metrics) Breach(name string) { m.breaches.WithLabelValues(name).Inc() }

// Switch counts what internal/asterisk does.
func (m *Metrics) Switch() *Switch { return m.asterisk }

// Store counts what internal/redisstore does.
func (m *Metrics) Store() *Store { return m.store }

// Books tells how the accounts stand.
func (m *Metrics) Books() *Books { return m.books }

// HTTP counts what internal/httpapi serves.
func (m *Metrics) HTTP() *HTTP { return m.http }

// Traces tells what became of the traces of so many calls: sent, failed or dropped.
func (m *Metrics) Traces(outcome string, calls int) {
	m.traces.WithLabelValues(outcome).Add(float64(calls))
}

// buildInfo is a constant 1 whose labels say what is running.
func buildInfo(version string) prometheus.Collector {
	revision := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// factory makes and registers metrics of one registry.
type factory struct{ registry *prometheus.Registry }

func (f factory) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.registry.MustRegister(g)
	return g
}

func (f factory) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	f.registry.MustRegister(h)
	return h
}

// statusClass is 2xx and the like; "none" when there was no reply.
func statusClass(status int) string {
	switch {
	case status < 100 || status > 599:
		return "none"
	default:
		return string(rune('0'+status/100)) + "xx"
	}
}
