package faults

import (
	"context"
	"errors"
	"time"

	"hotline/internal/acd"
	"hotline/internal/nethost"
)

// unplugged takes a host's cable out for so long.
func unplugged(ctx context.Context, host *nethost.Host, lasts time.Duration) error {
	if err := host.Unplug(); err != nil {
		return err
	}
	err := pause(ctx, lasts)
	return errors.Join(err, host.Plug())
}

// leaderNoRedis lets the leader and Redis not hear each other, while all else do.
func leaderNoRedis(ctx context.Context, h *house, o Options, r *Result) error {
	n, leader, redis := h.hosts.Network, h.hosts.Controllers[0], h.hosts.Redis
	if err := n.Part(leader, redis); err != nil {
		return err
	}
	err := h.standbyLeads(ctx, o.lasts(10*time.Second), r)
	return errors.Join(err, n.Join(leader, redis), h.formerStandsBy(ctx, r))
}

// leaderHostCut takes the cable of the leader's host out.
func leaderHostCut(ctx context.Context, h *house, o Options, r *Result) error {
	host := h.hosts.Controllers[0]
	if err := host.Unplug(); err != nil {
		return err
	}
	err := h.standbyLeads(ctx, o.lasts(10*time.Second), r)
	return errors.Join(err, host.Plug(), h.formerStandsBy(ctx, r))
}

// standbyLeads waits so long, and notes when the standby has begun to lead meanwhile.
func (h *house) standbyLeads(ctx context.Context, lasts time.Duration, r *Result) error {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	if err := h.standby.AwaitReady(bounded); err != nil {
		r.wrong("the standby did not lead within %s: %v", lasts, err)
		return ctx.Err()
	}
	r.note("the standby led after %s", time.Since(began).Round(10*time.Millisecond))
	return pause(ctx, lasts-time.Since(began))
}

// formerStandsBy waits until the leader of before has found that another leads.
func (h *house) formerStandsBy(ctx context.Context, r *Result) error {
	began := time.Now()
	err := until(ctx, 10*time.Second, "the former leader stands by", func(ctx context.Context) bool {
		health, err := h.leader.Client.Health(ctx)
		return err == nil && health.Status == "standby"
	})
	if err != nil {
		r.wrong("%v", err)
		return nil
	}
	r.note("the former leader stood by %s later", time.Since(began).Round(10*time.Millisecond))
	return nil
}

// redisHostCut takes the cable of Redis's host out.
func redisHostCut(lasts time.Duration) func(context.Context, *house, Options, *Result) error {
	return func(ctx context.Context, h *house, o Options, _ *Result) error {
		return unplugged(ctx, h.hosts.Redis, o.lasts(lasts))
	}
}

// nodeHostCut takes the cable of the first node's host out.
func nodeHostCut(ctx context.Context, h *house, o Options, _ *Result) error {
	return h.nodeAway(ctx, 0, o.lasts(8*time.Second))
}

// nodeAway takes the cable of a node's host out for so long.
func (h *house) nodeAway(ctx context.Context, node int, lasts time.Duration) error {
	// Who calls comes to the other node two seconds later.
	h.excuse.Order = 3 * time.Second
	gone := absence{node: acd.NodeID(h.lab.Nodes[node].Params.Node), from: time.Now()}
	err := unplugged(ctx, h.hosts.Nodes[node], lasts)
	gone.to = time.Now()
	h.excuse.Absences = append(h.excuse.Absences, gone)
	return err
}

// nodeHostLost lets the first node's machine vanish, so that nobody is told, and starts it again.
func nodeHostLost(ctx context.Context, h *house, o Options, _ *Result) error {
	host := h.hosts.Nodes[0]
	h.nodeDies()
	err := host.PowerOff() // before the kill, of which the kernel would tell
	h.lab.Nodes[0].Kill()
	if err := errors.Join(err, pause(ctx, o.lasts(8*time.Second)), host.PowerOn()); err != nil {
		return err
	}
	return h.lab.StartNode(ctx, 0)
}

// redisHostLost lets the machine of Redis's master vanish for good, so that nobody is told.
func redisHostLost(ctx context.Context, h *house, _ Options, _ *Result) error {
	err := h.hosts.Redis.PowerOff() // before the kill, of which the kernel would tell
	h.lab.Redis.Kill()
	return errors.Join(err, h.replicaLeads(ctx))
}
