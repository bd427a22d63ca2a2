// Package runner holds the one goroutine that owns the engine. Events of the
// switch and requests of people enter; commands leave to the switch, changes
// and records to the store, measures to the metrics. It declares the
// interfaces Switch and Store that internal/asterisk and internal/redisstore
// implement. Besides them, only internal/app, internal/httpapi and tests
// import it.
package runner
