// Package term is one term of a controller as the leader of its site: it takes over what
// the former leader knew, serves, and hands over or steps down.
//
// In goes a store with the lease, and what switch and engine go by; Begin makes of it
// an engine that goes on from the live state, a switch that knows the calls, and a
// runner. Run keeps them going and ends them in the order that keeps every call.
package term
