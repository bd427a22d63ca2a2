package metrics

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Switch fits the meter of internal/asterisk.
type Switch struct {
	events    *prometheus.CounterVec
	requests  *prometheus.HistogramVec
	connected *prometheus.GaugeVec
	gaps      *prometheus.CounterVec
	backlog   *prometheus.GaugeVec
	types     bounded
}

// mostEventTypes bounds a label whose values come from outside; Asterisk 22
// has about fifty types of events.
const mostEventTypes = 100

func newSwitch(f factory) *Switch {
	return &Switch{
		events:    f.counter("asterisk_events_total", "Events received from Asterisk by type, and whether they are used.", "node", "type", "used"),
		requests:  f.histogram("asterisk_request_seconds", "Requests to ARI by method, route and class of the reply's status (none: no reply).", requestBuckets, "node", "method", "route", "status"),
		connected: f.gauge("asterisk_connected", "1 while the events of the node arrive.", "node"),
		gaps:      f.counter("asterisk_gaps_total", "Losses of the event connection, each followed by a reconciliation.", "node"),
		backlog:   f.gauge("asterisk_backlog_events", "Events that are read and not yet handled.", "node"),
		types:     bounded{most: mostEventTypes, seen: make(map[string]bool)},
	}
}

// SwitchEvent counts an event by its type.
func (s *Switch) SwitchEvent(node, typ string, used bool) {
	s.events.WithLabelValues(node, s.types.label(typ), strconv.FormatBool(used)).Inc()
}

// SwitchRequest observes a request; status is 0 when there was no reply.
func (s *Switch) SwitchRequest(node, method, route string, status int, took time.Duration) {
	s.requests.WithLabelValues(node, method, route, statusClass(status)).Observe(took.Seconds())
}

// SwitchConnected tells whether the events of a node arrive.
func (s *Switch) SwitchConnected(node string, up bool) {
	s.connected.WithLabelValues(node).Set(oneIf(up))
	s.gaps.WithLabelValues(node) // from 0, or the first would be no increase
}

// oneIf is how Prometheus writes yes and no.
func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// SwitchGap counts losses of the event connection.
func (s *Switch) SwitchGap(node string) { s.gaps.WithLabelValues(node).Inc() }

// SwitchBacklog tells how many events wait to be handled.
func (s *Switch) SwitchBacklog(node string, frames int) {
	s.backlog.WithLabelValues(node).Set(float64(frames))
}

// bounded lets through the first so many values of a label; whatever comes
// later is "other".
type bounded struct {
	most int
	mu   sync.Mutex
	seen map[string]bool // guarded by mu
}

func (b *bounded) label(value string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.seen[value] {
		if len(b.seen) >= b.most {
			return "other"
		}
		b.seen[value] = true
	}
	return value
}

// Store fits the meter of internal/redisstore.
type Store struct {
	batches *prometheus.HistogramVec
	entries *prometheus.CounterVec
	records *prometheus.CounterVec
	waiting *prometheus.GaugeVec
	parked  *prometheus.GaugeVec
	lag     *prometheus.HistogramVec
	errors  *prometheus.CounterVec
	up      *prometheus.GaugeVec

	spoolEntries, spoolBytes  *prometheus.GaugeVec
	spoolErrors, spoolDamaged *prometheus.CounterVec
}

func newStore(f factory) *Store {
	s := &Store{
		batches: f.histogram("redis_batch_seconds", "How long a batch of writes took.", requestBuckets),
		entries: f.counter("redis_batch_entries_total", "Changes and records written in batches."),
		records: f.counter("redis_records_total", "Call records by outcome: applied, or duplicate (they had been applied before).", "outcome"),
		waiting: f.gauge("redis_waiting_entries", "What is not yet written, by kind: record or change.", "kind"),
		parked:  f.gauge("redis_parked_entries", "What Redis refuses while it takes other entries, by kind: record or change. It is kept and tried again.", "kind"),
		lag:     f.histogram("redis_lag_seconds", "How long the oldest entry of a batch waited until it was written.", append(slices.Clone(requestBuckets), 10, 30, 60, 300, 1800)),
		errors:  f.counter("redis_errors_total", "Failed batches by kind: unreachable, password or refused.", "kind"),
		up:      f.gauge("redis_up", "1 while Redis takes what this controller writes. Absent before the first try; a controller that stands by keeps the last value, see hotline_leading."),

		spoolEntries: f.gauge("spool_entries", "What the spool on disk holds because Redis has not acknowledged it: records and changes. Normally 0."),
		spoolBytes:   f.gauge("spool_bytes", "Bytes of what the spool on disk holds."),
		spoolErrors:  f.counter("spool_errors_total", "Writes to the spool that failed because the disk did, or because it is full. What waits is then in memory only."),
		spoolDamaged: f.counter("spool_damaged_total", "Values of the spool that could not be used and were set aside."),
	}
	// From 0, or the first would be no increase.
	for _, kind := range []string{"unreachable", "password", "refused"} {
		s.errors.WithLabelValues(kind)
	}
	s.spoolErrors.WithLabelValues()
	s.spoolDamaged.WithLabelValues()
	return s
}

// Batch observes one batch that was written, and how long it took.
func (s *Store) Batch(entries int, took time.Duration) {
	s.batches.WithLabelValues().Observe(took.Seconds())
	s.entries.WithLabelValues().Add(float64(entries))
}

// Records counts records that were applied, and those that had been before.
func (s *Store) Records(applied, duplicates int) {
	s.records.WithLabelValues("applied").Add(float64(applied))
	s.records.WithLabelValues("duplicate").Add(float64(duplicates))
}

// Waiting tells what is not yet written.
func (s *Store) Waiting(records, changes int) {
	s.waiting.WithLabelValues("record").Set(float64(records))
	s.waiting.WithLabelValues("change").Set(float64(changes))
}

// Parked tells what Redis refuses while it takes other entries.
func (s *Store) Parked(records, changes int) {
	s.parked.WithLabelValues("record").Set(float64(records))
	s.parked.WithLabelValues("change").Set(float64(changes))
}

// Lag observes how long the oldest entry of a batch waited.
func (s *Store) Lag(d time.Duration) { s.lag.WithLabelValues().Observe(d.Seconds()) }

// Spool tells what the spool on disk holds.
func (s *Store) Spool(entries int, bytes int64) {
	s.spoolEntries.WithLabelValues().Set(float64(entries))
	s.spoolBytes.WithLabelValues().Set(float64(bytes))
}

// SpoolError counts a write to the spool that failed.
func (s *Store) SpoolError() { s.spoolErrors.WithLabelValues().Inc() }

// SpoolDamaged counts values of the spool that were set aside.
func (s *Store) SpoolDamaged(values int) { s.spoolDamaged.WithLabelValues().Add(float64(values)) }

// Up tells whether Redis takes what is written.
func (s *Store) Up(up bool) { s.up.WithLabelValues().Set(oneIf(up)) }

// Error counts a failed batch.
func (s *Store) Error(kind string) { s.errors.WithLabelValues(kind).Inc() }

// Books fits the meter of the accounts.
type Books struct {
	connectRate *prometheus.GaugeVec
	daysOpen    *prometheus.GaugeVec
}

func newBooks(f factory) *Books {
	return &Books{
		connectRate: f.gauge("connect_rate_24h", "Share, 0 to 1, of the calls offered to the queues that an agent answered, over the last 24 hours: the 96 quarter-hours that have ended; calls in progress do not count yet. "+
			"GB/T 33358-2016 asks for at least 0.95 over any 24 hours. Absent when no call was offered or Redis does not tell."),
		daysOpen: f.gauge("days_open", "Days that ended more than an hour ago and are not closed, so that their figures are not final and not in those of month and year as closed days. Normally 0; the log says why, as does hotline check."),
	}
}

// ConnectRate tells the calls of the last 24 hours; none offered means that nothing is known.
func (b *Books) ConnectRate(offered, answered int64) {
	if offered == 0 {
		b.connectRate.Reset()
		return
	}
	b.connectRate.WithLabelValues().Set(float64(answered) / float64(offered))
}

// DaysOpen tells how many days should be closed and are not.
func (b *Books) DaysOpen(days int) { b.daysOpen.WithLabelValues().Set(float64(days)) }

// HTTP fits the meters of internal/httpapi and internal/httpapi/live.
type HTTP struct {
	clients  prometheus.Gauge
	cutOff   *prometheus.CounterVec
	requests *prometheus.HistogramVec
	panics   *prometheus.CounterVec
}

func newHTTP(f factory) *HTTP {
	h := &HTTP{
		clients:  f.gauge("event_clients", "Clients that follow GET /api/v1/events now.").WithLabelValues(),
		cutOff:   f.counter("event_clients_cut_off_total", "Streams of events that this program has ended, by the code that the client was told: too_slow, standby, session_over and the like.", "reason"),
		requests: f.histogram("http_request_seconds", "Requests to this program by method, route and class of status.", requestBuckets, "method", "route", "status"),
		panics:   f.counter("http_panics_total", "Requests that failed by a defect of this program.", "route"),
	}
	h.cutOff.WithLabelValues("too_slow") // from 0 on, or Prometheus would not see the first
	return h
}

// HTTPRequest observes a request; route is the pattern that matched.
func (h *HTTP) HTTPRequest(method, route string, status int, took time.Duration) {
	h.requests.WithLabelValues(method, route, statusClass(status)).Observe(took.Seconds())
}

// HTTPPanic counts a handler that panicked.
func (h *HTTP) HTTPPanic(route string) { h.panics.WithLabelValues(route).Inc() }

// EventClients is how many clients follow events now.
func (h *HTTP) EventClients(now int) { h.clients.Set(float64(now)) }

// EventClientCutOff counts a stream that was ended from here; reason is a code of the API.
func (h *HTTP) EventClientCutOff(reason string) { h.cutOff.WithLabelValues(reason).Inc() }
