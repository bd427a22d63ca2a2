package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotline/internal/acd"
)

// row is one fault and what may come of it. What every row promises stands in docs/faults.md.
type row struct {
	Name, Fault string
	Setup       setup
	// Limit is how long a free agent may wait for a call from the fault on.
	Limit time.Duration
	// Inject breaks something, and returns when it is whole again.
	Inject func(ctx context.Context, h *house, o Options, r *Result) error
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
		Name: "stop-standby", Fault: "controller SIGSTOP for 10 s, with a standby, then SIGCONT", Limit: 3 * time.Second,
		Setup:  setup{Standby: true},
		Inject: stopCont,
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
		Name: "node-kill", Fault: "one of two Asterisk nodes killed and restarted", Limit: 5 * time.Second,
		Setup:  setup{Nodes: 2, Load: load{Agents: 8, Calls: 20, Long: 3, Silence: 4 * time.Second}},
		Inject: nodeKill,
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
}

func killRestart(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Kill(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	return h.leader.Start(ctx)
}

func termRestart(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Stop(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	return h.leader.Start(ctx)
}

func stopCont(ctx context.Context, h *house, o Options, _ *Result) error {
	if err := h.leader.Pause(); err != nil {
		return err
	}
	err := pause(ctx, o.lasts(10*time.Second))
	if e := h.leader.Resume(); err == nil {
		err = e
	}
	return err
}

// lasts shortens a fault for a quick run.
func (o Options) lasts(d time.Duration) time.Duration {
	if o.Quick {
		return d / 2
	}
	return d
}

func redisRestart(empty bool) func(context.Context, *house, Options, *Result) error {
	return func(ctx context.Context, h *house, _ Options, _ *Result) error {
		h.lab.Redis.Kill()
		if empty {
			h.excuse.Forgotten = time.Now()
			for _, name := range []string{"appendonlydir", "dump.rdb"} {
				if err := os.RemoveAll(filepath.Join(h.lab.Redis.Dir, name)); err != nil {
					return err
				}
			}
		}
		return h.lab.StartRedis(ctx)
	}
}

func nodeKill(ctx context.Context, h *house, o Options, _ *Result) error {
	h.excuse.Node = acd.NodeID(h.lab.Nodes[0].Params.Node)
	// A caller who comes to the dead node is given to the other after two seconds.
	h.excuse.Order = 3 * time.Second
	h.lab.Nodes[0].Kill()
	if err := pause(ctx, o.lasts(8*time.Second)); err != nil {
		return err
	}
	return h.lab.StartNode(ctx, 0)
}

func websocketCut(ctx context.Context, h *house, _ Options, _ *Result) error {
	for range 3 {
		if n := h.ari.dropEvents(); n != 1 {
			return fmt.Errorf("there were %d event connections, not one", n)
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func noController(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Kill(); err != nil {
		return err
	}
	if err := pause(ctx, 20*time.Second); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	return h.leader.Start(ctx)
}
