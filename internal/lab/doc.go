// Package lab brings up a whole hotline on one machine for the demo, for
// end-to-end tests and for whoever brings their own phones: it writes a
// configuration with fresh secrets and free ports, starts Redis and Asterisk,
// and runs the program itself as a process of its own.
//
// It imports the configuration, asteriskconf and devstack; only cmd/lab and
// tests import it.
package lab
