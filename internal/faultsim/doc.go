// Package faultsim plays histories of a whole hotline by chance, in virtual time: several
// controllers with the real code from the campaign for the lease to the scripts of the
// store, models of Asterisk and Redis, callers and agents, and faults of everything. It
// has tests only; docs/faultsim.md tells what is simulated, what is asserted, and how a
// history is played again.
package faultsim
