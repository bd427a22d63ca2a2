// Package sim runs the call engine in virtual time, with models of the switch
// and of the people round it: a year of calls takes seconds, and the same seed
// gives the same result to the last byte.
//
// A Scenario and Options enter Run; a Result leaves: the traffic figures (the
// records folded by internal/traffic, so the very definitions of the published
// table), the agents' time by state, and what callers experienced. Replicate
// makes several runs; Compare runs two scenarios with common random numbers.
//
// The engine is the production one, untouched. Only what it cannot see is
// modelled: how long a phone takes to ring, how patient a caller is, when an
// agent takes a break.
//
// It reads no clock and no file. It imports acd, callflow, calendar and
// traffic. internal/scenario reads scenarios from files; internal/report
// prints results.
package sim
