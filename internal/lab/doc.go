// Package lab brings up a whole hotline on one machine for the demo, for
// end-to-end tests and for whoever brings their own phones: it writes a
// configuration with fresh secrets and free ports, starts Redis and Asterisk,
// and runs the program itself as a process of its own. What the program has
// counted since leaves, over all days that were touched.
//
// With [Hosts] each part lives on a machine of its own, as far as its network is
// concerned, and cables can be taken out; else all live on loopback.
//
// It imports the configuration, app for Asterisk's parameters, devstack, the
// API's client, nethost and the people at the phones; only cmd/lab and tests import it.
package lab
