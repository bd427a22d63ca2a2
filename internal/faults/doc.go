// Package faults breaks parts of a running hotline and measures what becomes of the
// calls: real Asterisk, Redis and processes of hotline, and real phones that speak and listen.
//
// A row (rows.go) says what is set up, what is broken and what may come of it. A crowd
// (crowd.go) of agents and callers keeps the queue from ever being empty and notes what
// each phone has seen; the account (account.go) compares that with the call records. Run
// gives a result for each row, Table prints them.
//
// Rows that concern several machines run on hosts (package nethost), whose cables are taken
// out; slowness and resets are made by relays on loopback (wire.go).
//
// It stands on the lab and the phones, and reads files of records; cmd/faults and tests
// import it.
package faults
