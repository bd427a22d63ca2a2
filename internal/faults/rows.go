package faults

import (
	"context"
	"time"
)

// row is one fault and what may come of it. What every row promises stands in docs/faults.md.
type row struct {
	Name, Fault string
	Setup       setup
	// Limit is how long a free agent may wait for a call from the fault on.
	Limit time.Duration
	// Inject breaks something, and returns when it is whole again.
	Inject func(ctx context.Context, h *house, o Options, r *Result) error
	// Shed: somebody must have been turned away.
	Shed bool
	// Skip says why the row cannot be run; empty: it can.
	Skip func(o Options) string
}

// ordinary is a house in which as many callers wait as there are agents, and more.
var ordinary = load{Agents: 8, Calls: 20, Long: 3, Silence: 20 * time.Second}

const (
	// offerAtOnce is how much longer than usual a free agent may wait for a call when
	// routing is not to stop at all.
	offerAtOnce = time.Second
	startBound  = 30 * time.Second
)

// rows is the table of faults.
var rows = []row{
	{
		Name: "kill-restart", Fault: "controller kill -9, restarted at once", Limit: 6 * time.Second,
		Inject: killRestart,
	},
	{
		Name: "term-restart", Fault: "controller SIGTERM and restarted, no standby", Limit: 6 * time.Second,
		Inject: termRestart,
	},
	{
		Name: "term-twice", Fault: "controller SIGTERM twice in 100 ms while it drains, and restarted", Limit: 6 * time.Second,
		Setup:  setup{Change: appended("shutdown: {drain: 10m}")},
		Inject: termTwice,
	},
	{
		Name: "drain", Fault: "controller SIGTERM with shutdown.drain: 6s, and restarted", Limit: 12 * time.Second,
		Setup:  setup{Change: appended("shutdown: {drain: 6s}")},
		Inject: drained,
	},
	{
		Name: "kill-standby", Fault: "controller kill -9, a standby takes over", Limit: 3 * time.Second,
		Setup:  setup{Standby: true},
		Inject: func(ctx context.Context, h *house, _ Options, _ *Result) error { return h.leader.Kill() },
	},
	{
		Name: "term-standby", Fault: "controller SIGTERM, handover to a standby", Limit: 300 * time.Millisecond,
		Setup:  setup{Standby: true},
		Inject: func(ctx context.Context, h *house, _ Options, _ *Result) error { return h.leader.Stop() },
	},
	{
		Name: "in-turn", Fault: "SIGTERM with a standby, kill -9 with a standby, kill -9 without one", Limit: 6 * time.Second,
		Setup:  setup{Standby: true},
		Inject: inTurn,
	},
	{
		Name: "handover", Fault: "hotline handover, there and back", Limit: 300 * time.Millisecond,
		Setup:  setup{Standby: true},
		Inject: handover,
	},
	{
		Name: "stop-standby", Fault: "controller SIGSTOP for 10 s, with a standby, then SIGCONT", Limit: 3 * time.Second,
		Setup:  setup{Standby: true},
		Inject: stopCont,
	},
	{
		Name: "leader-no-redis", Fault: "leader cut off from Redis for 10 s, the standby is not", Limit: 4 * time.Second,
		Setup:  setup{Standby: true, Hosts: true},
		Inject: leaderNoRedis,
	},
	{
		Name: "leader-host-cut", Fault: "cable of the leader's host out for 10 s, a standby takes over", Limit: 4 * time.Second,
		Setup:  setup{Standby: true, Hosts: true},
		Inject: leaderHostCut,
	},
	{
		Name: "upgrade", Fault: "handover to a standby of another version", Limit: 300 * time.Millisecond,
		Setup:  setup{Standby: true, Upgrade: true},
		Inject: upgrade,
		Skip: func(o Options) string {
			if o.Next == "" {
				return "there is no other version (--next)"
			}
			return ""
		},
	},
	{
		Name: "newer-state", Fault: "controller restarted on state of a newer version: refused, then put right", Limit: 20 * time.Second,
		Inject: newerState,
	},
	{
		Name: "redis-restart", Fault: "Redis killed and restarted with its data", Limit: offerAtOnce,
		Inject: redisRestart(false),
	},
	{
		Name: "redis-empty", Fault: "Redis killed and restarted empty", Limit: offerAtOnce,
		Inject: redisRestart(true),
	},
	{
		Name: "redis-slow", Fault: "every request to Redis takes 1 s, for 10 s", Limit: offerAtOnce,
		Setup:  setup{RedisWire: true},
		Inject: slowRedis,
	},
	{
		Name: "redis-frozen", Fault: "Redis stops for 700 ms of every second, for 10 s", Limit: offerAtOnce,
		Inject: frozenRedis,
	},
	{
		Name: "redis-full", Fault: "Redis out of memory for 8 s", Limit: offerAtOnce,
		Inject: configured("maxmemory", "1mb", "0"),
	},
	{
		Name: "redis-full-standby", Fault: "Redis out of memory for 8 s, with a standby", Limit: 4 * time.Second,
		Setup:  setup{Standby: true},
		Inject: configured("maxmemory", "1mb", "0"),
	},
	{
		Name: "redis-stop-standby", Fault: "Redis stops for 4 s, with a standby", Limit: 4 * time.Second,
		Setup:  setup{Standby: true},
		Inject: stopRedis,
	},
	{
		Name: "redis-readonly", Fault: "Redis read-only for 8 s, then without enough replicas for 8 s", Limit: offerAtOnce,
		Inject: readOnly,
	},
	{
		Name: "redis-cut", Fault: "cable of Redis's host out for 20 s", Limit: offerAtOnce,
		Setup:  setup{Hosts: true},
		Inject: redisHostCut(20 * time.Second),
	},
	{
		Name: "redis-host-cut", Fault: "cable of Redis's host out for 10 s, with a standby", Limit: 4 * time.Second,
		Setup:  setup{Standby: true, Hosts: true},
		Inject: redisHostCut(10 * time.Second),
	},
	{
		Name: "redis-failover", Fault: "Redis master killed, Sentinel promotes its replica", Limit: offerAtOnce,
		Setup:  setup{Sentinel: true, Hosts: true},
		Inject: failover,
	},
	{
		Name: "redis-host-lost", Fault: "the machine of the Redis master vanishes, Sentinel promotes its replica", Limit: offerAtOnce,
		Setup:  setup{Sentinel: true, Hosts: true},
		Inject: redisHostLost,
	},
	{
		Name: "redis-away-kill", Fault: "Redis gone, 3 s later controller kill -9, both restarted", Limit: 12 * time.Second,
		Setup:  setup{Change: appended("spool: {dir: spool}")},
		Inject: redisAwayKill,
	},
	{
		Name: "node-kill", Fault: "one of two Asterisk nodes killed and restarted", Limit: 5 * time.Second,
		Setup:  setup{Nodes: 2, Hosts: true, Load: load{Agents: 8, Calls: 20, Long: 3, Silence: 4 * time.Second}},
		Inject: nodeKill,
	},
	{
		Name: "node-host-cut", Fault: "cable of one of two nodes' hosts out for 8 s", Limit: 14 * time.Second,
		Setup:  setup{Nodes: 2, Hosts: true, Load: load{Agents: 8, Calls: 20, Long: 3, Silence: 20 * time.Second}},
		Inject: nodeHostCut,
	},
	{
		Name: "node-host-lost", Fault: "the machine of one of two nodes vanishes, and is back after 8 s", Limit: 14 * time.Second,
		Setup:  setup{Nodes: 2, Hosts: true, Load: load{Agents: 8, Calls: 20, Long: 3, Silence: 4 * time.Second}},
		Inject: nodeHostLost,
	},
	{
		Name: "node-frozen", Fault: "Asterisk SIGSTOP for 10 s", Limit: 14 * time.Second,
		Setup:  setup{Hosts: true},
		Inject: nodeFrozen,
	},
	{
		Name: "node-drain", Fault: "one of two Asterisk nodes drained, ended, started and back", Limit: offerAtOnce,
		Setup:  setup{Nodes: 2, Hosts: true, Load: load{Agents: 8, Calls: 20, Silence: 20 * time.Second}},
		Inject: nodeDrain,
	},
	{
		Name: "rest-slow", Fault: "every request to Asterisk takes 1 s longer, for 10 s", Limit: 6 * time.Second,
		Setup:  setup{ARIWire: true},
		Inject: slowREST,
	},
	{
		Name: "websocket-cut", Fault: "event connection to Asterisk reset, three times", Limit: offerAtOnce,
		Setup:  setup{ARIWire: true},
		Inject: websocketCut,
	},
	{
		Name: "no-controller", Fault: "no controller for 20 s; the dialplan keeps callers", Limit: 26 * time.Second,
		Inject: noController,
	},
	{
		Name: "overload", Fault: "five times the calls that the agents can take, for 60 s", Limit: 10 * time.Second,
		Setup:  setup{Change: appended("admission: {pace: 1.5, burst: 5}")},
		Inject: overload,
		Shed:   true,
	},
}

// appended adds a section to the configuration.
func appended(section string) func(string) string {
	return func(text string) string { return text + section + "\n" }
}
