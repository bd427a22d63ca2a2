// Package httpapi is the program's HTTP side: health, readiness, metrics, and
// the JSON API under /api/v1. Requests enter; snapshots of the engine and the
// traffic of days leave, and agents' requests go to the runner.
//
// It reaches the rest through small interfaces that it declares. Only
// internal/app imports it; its JSON is defined in the package view.
package httpapi
