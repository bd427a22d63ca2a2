// Package tracing tells each finished call as an OpenTelemetry trace: call records
// enter, OTLP over HTTP leaves. Whoever hands over a record never waits: what the
// collector does not take in time is dropped and counted.
//
// It is the only importer of OpenTelemetry. It imports acd; internal/app joins it with
// the runner and the metrics.
package tracing
