// Package asterisk is the telephone switch: it drives one or more Asterisk
// nodes through ARI and implements runner.Switch.
//
// What enters: acd commands, from the runner, and ARI events, one websocket a
// node. What leaves: acd events to the runner, and REST requests to Asterisk.
//
// A node's reader only reads and stamps frames; a second goroutine turns them
// into events and, after every connection and every 30 seconds, compares what
// Asterisk has with what this package believes, so that what was missed in a
// gap becomes ordinary events. Requests of one call are made in order, those
// of different calls side by side (lanes.go). Nothing here blocks the reader.
//
// It is the only importer of CyCoreSystems/ari, whose data types it uses; the
// event bus and HTTP client of that library lose events and connections and
// are not used. Only internal/app and tests import this package.
package asterisk
