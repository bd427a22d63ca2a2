package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/internal/acd"
)

// scrapeBound is how long a scrape waits for a snapshot.
const scrapeBound = 2 * time.Second

// Watch registers gauges and counters that are taken from a snapshot at each
// scrape. It is called once. When no snapshot comes within two seconds
// hotline_snapshot_up is 0 and the rest is left out.
func (m *Metrics) Watch(snapshot func(context.Context) (acd.Snapshot, error)) {
	m.registry.MustRegister(&watcher{snapshot: snapshot})
}

type watcher struct {
	snapshot func(context.Context) (acd.Snapshot, error)
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	descUp           = describe("snapshot_up", "1 when the engine answered this scrape; 0 also while this controller stands by, see hotline_leading.")
	descWaiting      = describe("queue_waiting_calls", "Callers in the queue, those included for whom a phone rings.", "queue")
	descLongestWait  = describe("queue_longest_wait_seconds", "How long the first caller in the queue has waited.", "queue")
	descTalking      = describe("queue_talking_calls", "Callers of the queue who talk with an agent.", "queue")
	descQueueAgents  = describe("queue_agents", "Agents who serve the queue by state; an agent counts in each of its queues.", "queue", "state")
	descOffered      = describe("queue_calls_offered_total", "Calls offered to the queue since the start.", "queue")
	descAnswered     = describe("queue_calls_answered_total", "Calls answered by an agent since the start.", "queue")
	descAbandoned    = describe("queue_calls_abandoned_total", "Calls that left the queue unanswered since the start.", "queue")
	descOverflowed   = describe("queue_calls_overflowed_total", "Calls that left the queue by its rules since the start.", "queue")
	descRONA         = describe("queue_rona_total", "Offers that rang unanswered since the start.", "queue")
	descAgents       = describe("agents", "Agents of the site by state, each counted once.", "state")
	descCalls        = describe("calls", "Calls in progress by phase.", "phase")
	descPartner      = describe("partner_calls", "Our calls at the partner: ringing, talking, or waiting for their turn there.", "partner", "state")
	descPartnerCalls = describe("partner_calls_total", "Calls to the partner since the start: answered, not_taken, or withdrawn because the caller left or an agent was first.", "partner", "outcome")
	everyDescription = []*prometheus.Desc{
		descUp, descWaiting, descLongestWait, descTalking, descQueueAgents,
		descOffered, descAnswered, descAbandoned, descOverflowed, descRONA, descAgents, descCalls, descPartner, descPartnerCalls,
	}
	// All states and phases are shown, with 0 when nobody is in them, so that
	// a line on a dashboard does not end.
	states = []acd.AgentState{acd.LoggedOut, acd.NotReady, acd.Ready, acd.Ringing, acd.Talking, acd.WrapUp}
	phases = []acd.CallPhase{acd.PhaseGreeting, acd.PhaseWaiting, acd.PhaseRinging, acd.PhaseAnswered, acd.PhaseTalking, acd.PhaseRating, acd.PhaseJoining, acd.PhaseAway, acd.PhaseClosing}
)

// Describe implements prometheus.Collector.
func (w *watcher) Describe(out chan<- *prometheus.Desc) {
	for _, d := range everyDescription {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeBound)
	defer cancel()
	s, err := w.snapshot(ctx)
	if err != nil {
		send(descUp, prometheus.GaugeValue, 0)
		return
	}
	send(descUp, prometheus.GaugeValue, 1)
	for _, q := range s.Queues {
		queue := string(q.Queue)
		send(descWaiting, prometheus.GaugeValue, float64(q.Waiting), queue)
		send(descLongestWait, prometheus.GaugeValue, q.LongestWait.Seconds(), queue)
		send(descTalking, prometheus.GaugeValue, float64(q.Talking), queue)
		for _, state := range states {
			send(descQueueAgents, prometheus.GaugeValue, float64(q.Agents[state]), queue, string(state))
		}
		send(descOffered, prometheus.CounterValue, float64(q.Counts.Offered), queue)
		send(descAnswered, prometheus.CounterValue, float64(q.Counts.Answered), queue)
		send(descAbandoned, prometheus.CounterValue, float64(q.Counts.Abandoned), queue)
		send(descOverflowed, prometheus.CounterValue, float64(q.Counts.Overflowed), queue)
		send(descRONA, prometheus.CounterValue, float64(q.Counts.RONA), queue)
	}
	for _, p := range s.Partners {
		id := string(p.Partner)
		send(descPartner, prometheus.GaugeValue, float64(p.Ringing), id, "ringing")
		send(descPartner, prometheus.GaugeValue, float64(p.Talking), id, "talking")
		send(descPartner, prometheus.GaugeValue, float64(p.Waiting), id, "waiting")
		send(descPartnerCalls, prometheus.CounterValue, float64(p.Counts.Answered), id, "answered")
		send(descPartnerCalls, prometheus.CounterValue, float64(p.Counts.NotTaken), id, "not_taken")
		send(descPartnerCalls, prometheus.CounterValue, float64(p.Counts.Withdrawn), id, "withdrawn")
	}
	agents, calls := make(map[acd.AgentState]int), make(map[acd.CallPhase]int)
	for _, a := range s.Agents {
		agents[a.State]++
	}
	for _, c := range s.Calls {
		calls[c.Phase]++
	}
	for _, state := range states {
		send(descAgents, prometheus.GaugeValue, float64(agents[state]), string(state))
	}
	for _, phase := range phases {
		send(descCalls, prometheus.GaugeValue, float64(calls[phase]), string(phase))
	}
}
