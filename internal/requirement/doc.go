// Package requirement finds the staffing requirement of a scenario by
// simulation: how many agents each interval of its days needs at the phone for
// a target. A scenario and Options enter; a Plan leaves, with Erlang's answer
// beside each interval's. internal/app uses it.
//
// What is played is the production engine with the scenario's own routing and
// models, so that skills, overflow, redials and real distributions count. Only
// the shifts are replaced: in an interval with n agents, the first n of one
// fixed order are logged in, without breaks (see order).
//
// # The search
//
// Fewer agents in an interval harm those near it: callers who still wait are
// carried into the next, and callers of its last seconds are answered there. So
// whole plans are played, each in N runs, and all intervals are corrected at a
// time:
//
//  1. All agents are at the phone all the time. What misses the target now
//     cannot reach it: the search ends with an UnreachableError. The calls that
//     are offered now are Erlang's demand.
//  2. From Erlang's answer on, every interval that misses gets 1, 2, 4, … more
//     until all meet the target.
//  3. Intervals at least an hour apart lose 1, 2, 4, … agents at once. Whose
//     loss makes an interval miss (its own, else that of the interval before,
//     else the nearest) gets them back and tries half as many; who cannot lose
//     one is done. This ends after mostRounds plans at the latest.
//  4. The plan is played in N runs with other seeds. What misses there, since
//     the search has chosen what looked best in its own runs, gets one more
//     agent. The figures of the Plan are of these runs.
//
// An interval meets a target when the ratio of sums over the runs does, for
// example all calls answered within 15 s / all calls offered; its 95%
// confidence interval (see ratio) is given. All random numbers come from the
// seed, the same for every plan, so that plans differ by their agents only.
package requirement
