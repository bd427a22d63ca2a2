// Package e2e tests the whole of hotline with real processes: the program
// itself, Asterisk, Redis, and SIP phones that speak and listen. make deps
// installs what it needs. It holds tests only.
package e2e
