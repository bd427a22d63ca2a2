// Package arimodel is a model of Asterisk nodes in memory, for tests in virtual
// time: it does what the real one does when the project's dialplan and
// internal/asterisk drive it, and fails in every way that a test asks for.
//
// In go requests of ARI, through an http.RoundTripper that takes websockets too,
// what people do at their phones, and faults. Out come answers, events, and for
// invariants what exists, who is connected with whom and who hears what.
//
// internal/asterisk/ariconform proves that it behaves like the real Asterisk:
// whatever is told here and not there is a claim without a proof.
//
// Requests pass as an http.RoundTripper and not through net/http's client and
// server: 14 µs a request instead of 58, and no goroutines that come and go in an
// order of their own. What is thereby not tried is the pool of connections.
//
// Not modelled: the fallback queue of the dialplan, which rings seats when no
// controller comes for long (music goes on); early media; recordings; transfers;
// the numbers that phones show; asterisk/modules.
//
// It runs in a bubble of testing/synctest, has no goroutine of its own, and
// chance comes from a seed. The length of each delay depends on the seed, on what
// is delayed and how often that was delayed before, and not on the order in which
// goroutines happen to come: the same seed gives the same history. Only tests
// import it.
package arimodel
