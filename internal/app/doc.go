// Package app wires the program together: it makes switch, store, engine,
// runner and HTTP server from a configuration, starts them in the order in
// which data flows back to front, and ends them in the opposite order. The
// commands of cmd/hotline are its only importers; it may import everything.
package app
