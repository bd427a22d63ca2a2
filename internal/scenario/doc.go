// Package scenario reads what is to be simulated. A strict YAML file, or the
// name of a shipped scenario, enters; a checked sim.Scenario leaves, or every
// mistake at once with file, line, column and remedy.
//
// A scenario names the file with the routing: a production hotline.yaml as it
// is, of which only the part that says who talks to whom is read.
// docs/simulation.md is the reference of all keys.
//
// It imports config, for the decoder, and sim. cmd/hotline imports it.
package scenario
