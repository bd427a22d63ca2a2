// Package httpapi is what programs and people ask over HTTP: health,
// readiness, metrics, and under /api/v1 the live state of queues, agents and
// calls, today's traffic figures, and the requests of agents.
//
// Snapshots of the engine and figures of the store enter through the
// interfaces Control and Traffic; JSON leaves. Callers' numbers are masked.
// Only internal/app and tests import it.
package httpapi
