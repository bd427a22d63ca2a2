// Package metrics is what Prometheus sees. Measures of the engine, counts of
// the switch, the store and the API, and a snapshot at each scrape enter; the
// handler of /metrics leaves.
//
// It is the only importer of the Prometheus client. It imports acd, and fits
// the meter interfaces that other packages declare without importing them;
// internal/app joins them. No label ever holds a call, a caller or an agent.
package metrics
