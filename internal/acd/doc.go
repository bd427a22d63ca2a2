// Package acd is the automatic call distributor: the vocabulary of calls,
// queues, agents, seats and offers, and the engine that decides who talks to
// whom.
//
// What enters: an Event and the time at which it happened. What leaves, from
// Engine.Step: Commands for the switch, Changes of live state and Records of
// finished calls for the store, and Measures for the metrics.
//
// The package is pure: no clock, no goroutine, no I/O and no randomness, so a
// year of calls runs in a test in seconds. It imports the standard library
// only; every other package may import it.
package acd
