// Package versus measures hotline against what a user would pick instead:
// Asterisk's own app_queue, on the same Asterisk and configuration, with the
// same phones, on one machine, in one run. docs/bench.md tells how, and what is
// fair and what is not.
//
// In goes a plan of points and rounds; the phones are SIPp. Out comes, for every
// point and side, what a call cost and how long people waited, as a table and as
// JSON. Both sides are measured by the same methods: processor time from /proc,
// times from the message log of the phones, audio by packets that come back.
//
// It imports the lab, devstack and what reads the program's metrics; only
// cmd/bench and tests import it. It needs Linux.
package versus
