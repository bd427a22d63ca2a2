// Package phonescript plays agents and callers on real SIP phones from a scenario.
//
// A scenario (strict YAML, or the struct Scenario) enters; live counters and a
// summary leave. Agents sit down at their seats with feature codes, answer,
// talk and hang up as the scenario's chances say; callers arrive at random, wait,
// give up, or talk. Each phone has a tone of its own, so a caller counts as
// answered only when it hears an agent's tone, and as verified only when that
// very agent hears that very caller. Randomness comes from the scenario's seed.
//
// It stands on package phone and knows nothing of the ACD.
package phonescript
