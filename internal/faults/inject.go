package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotline/internal/acd"
	"hotline/internal/devstack"
	"hotline/internal/lab"
)

func killRestart(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Kill(); err != nil {
		return err
	}
	return h.startLeader(ctx)
}

func termRestart(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Stop(); err != nil {
		return err
	}
	return h.startLeader(ctx)
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
	h.nodeDies()
	h.lab.Nodes[0].Kill()
	if err := pause(ctx, o.lasts(8*time.Second)); err != nil {
		return err
	}
	return h.lab.StartNode(ctx, 0)
}

// nodeDies excuses what follows the end of the first node.
func (h *house) nodeDies() {
	h.excuse.Deaths = append(h.excuse.Deaths, death{acd.NodeID(h.lab.Nodes[0].Params.Node), time.Now()})
	// A caller who comes to the dead node is given to the other after two seconds.
	h.excuse.Order = 3 * time.Second
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
	return h.startLeader(ctx)
}

// inTurn is handover, takeover and restart in one run.
func inTurn(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.leader.Stop(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	if err := h.standby.AwaitReady(bounded); err != nil {
		return err
	}
	if err := h.leader.StandBy(bounded); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	if err := h.standby.Kill(); err != nil {
		return err
	}
	if err := h.leader.AwaitReady(bounded); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	if err := h.leader.Kill(); err != nil {
		return err
	}
	return h.startLeader(ctx)
}

// termTwice ends the controller, which drains, and has no more patience.
func termTwice(ctx context.Context, h *house, _ Options, r *Result) error {
	h.excuse.Shed = true
	ended := h.leader.Ended()
	if err := h.leader.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	if err := h.leader.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-ended:
	case <-time.After(time.Second):
		r.wrong("the controller did not end within 1 s of the second signal")
	}
	_ = h.leader.Kill() // takes note of its end
	return h.startLeader(ctx)
}

// drained ends the controller, which serves who is there until its deadline.
func drained(ctx context.Context, h *house, _ Options, r *Result) error {
	h.excuse.Shed = true // new callers are sent away meanwhile
	began := time.Now()
	if err := h.leader.Stop(); err != nil {
		return err
	}
	if took := time.Since(began); took > 8*time.Second {
		r.wrong("the controller took %s to drain", took.Round(time.Millisecond))
	}
	return h.startLeader(ctx)
}

func (h *house) startLeader(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	return h.leader.Start(ctx)
}

// handover lets the standby lead, and the former leader again.
func handover(ctx context.Context, h *house, _ Options, _ *Result) error {
	for round := range 2 {
		if round > 0 {
			// Whoever has led leaves the lease to others for 3 s.
			if err := pause(ctx, 5*time.Second); err != nil {
				return err
			}
		}
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := h.lab.Hotline(bounded, "handover")
		cancel()
		if err != nil {
			return err
		}
	}
	return h.leads(ctx, h.leader)
}

// leads waits until an instance says that it leads, which it may do a moment after
// Redis knows.
func (h *house) leads(ctx context.Context, i *lab.Instance) error {
	bounded, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return i.AwaitReady(bounded)
}

// upgrade hands over to the standby, which is of another version.
func upgrade(ctx context.Context, h *house, _ Options, _ *Result) error {
	before, err := h.leader.Client.Health(ctx)
	if err != nil {
		return err
	}
	if _, err := h.lab.Hotline(ctx, "handover"); err != nil {
		return err
	}
	if err := h.leads(ctx, h.standby); err != nil {
		return err
	}
	after, err := h.standby.Client.Health(ctx)
	if err == nil && after.Version == before.Version {
		err = fmt.Errorf("version %s led, and the same leads now", before.Version)
	}
	return err
}

// newerState lets the controller find state that it is too old for, which it refuses.
func newerState(ctx context.Context, h *house, _ Options, r *Result) error {
	if err := h.leader.Stop(); err != nil {
		return err
	}
	key := "hotline:{" + h.lab.Config.Site + "}:live:version"
	version, err := h.lab.Redis.Command(ctx, "GET", key)
	if err != nil {
		return err
	}
	if _, err := h.lab.Redis.Command(ctx, "SET", key, "999"); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	err = h.leader.Start(bounded)
	cancel()
	said := h.leader.LastLines(1)
	switch {
	case err == nil:
		r.wrong("the controller leads on state of version 999")
		if err := h.leader.Stop(); err != nil {
			return err
		}
	case h.leader.PID() != 0:
		r.wrong("the controller neither leads nor ends on state of version 999")
		if err := h.leader.Stop(); err != nil {
			return err
		}
	case !strings.Contains(said, "999") || !strings.HasPrefix(said, "hotline: "):
		r.wrong("the refusal of state of version 999 is no sentence: %s", said)
	default:
		r.note("it says: %s", said)
	}
	if _, err := h.lab.Redis.Command(ctx, "SET", key, version); err != nil {
		return err
	}
	return h.startLeader(ctx)
}

func slowRedis(ctx context.Context, h *house, o Options, _ *Result) error {
	h.redis.setDelay(time.Second)
	defer h.redis.setDelay(0)
	return pause(ctx, o.lasts(10*time.Second))
}

func frozenRedis(ctx context.Context, h *house, o Options, _ *Result) error {
	for range int(o.lasts(10*time.Second) / time.Second) {
		if err := h.lab.Redis.Pause(); err != nil {
			return err
		}
		err := pause(ctx, 700*time.Millisecond)
		if err := errors.Join(err, h.lab.Redis.Resume()); err != nil {
			return err
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// stopRedis lets Redis do nothing for longer than a lease holds.
func stopRedis(ctx context.Context, h *house, _ Options, _ *Result) error {
	if err := h.lab.Redis.Pause(); err != nil {
		return err
	}
	err := pause(ctx, 4*time.Second)
	return errors.Join(err, h.lab.Redis.Resume())
}

// configured changes a setting of Redis for a while.
func configured(setting, broken, whole string) func(context.Context, *house, Options, *Result) error {
	return func(ctx context.Context, h *house, o Options, _ *Result) error {
		if _, err := h.lab.Redis.Command(ctx, "CONFIG", "SET", setting, broken); err != nil {
			return err
		}
		err := pause(ctx, o.lasts(8*time.Second))
		_, mended := h.lab.Redis.Command(context.WithoutCancel(ctx), "CONFIG", "SET", setting, whole)
		return errors.Join(err, mended)
	}
}

// readOnly makes Redis the replica of a master that is not there, and then a master
// that wants a replica.
func readOnly(ctx context.Context, h *house, o Options, r *Result) error {
	if _, err := h.lab.Redis.Command(ctx, "REPLICAOF", "127.0.0.1", "1"); err != nil {
		return err
	}
	err := pause(ctx, o.lasts(8*time.Second))
	_, mended := h.lab.Redis.Command(context.WithoutCancel(ctx), "REPLICAOF", "NO", "ONE")
	if err := errors.Join(err, mended); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	return configured("min-replicas-to-write", "1", "0")(ctx, h, o, r)
}

// failover kills the master for good, and waits until its replica is one.
func failover(ctx context.Context, h *house, _ Options, _ *Result) error {
	h.lab.Redis.Kill()
	return h.replicaLeads(ctx)
}

// replicaLeads waits until the replica is the master.
func (h *house) replicaLeads(ctx context.Context) error {
	return until(ctx, 20*time.Second, "the replica is the master", func(ctx context.Context) bool {
		role, err := h.sentinels.Replica.Command(ctx, "ROLE")
		return err == nil && strings.HasPrefix(role, "master")
	})
}

// redisAwayKill takes Redis away, and then the controller that has not written yet.
func redisAwayKill(ctx context.Context, h *house, _ Options, _ *Result) error {
	h.lab.Redis.Kill()
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	if err := h.leader.Kill(); err != nil {
		return err
	}
	if err := h.lab.StartRedis(ctx); err != nil {
		return err
	}
	return h.startLeader(ctx)
}

func nodeFrozen(ctx context.Context, h *house, o Options, _ *Result) error {
	lasts := o.lasts(10 * time.Second)
	// Nobody is heard meanwhile, and who calls then arrives when it goes on.
	h.excuse.Silent, h.excuse.Order = lasts+3*time.Second, lasts+2*time.Second
	node := h.lab.Nodes[0]
	if err := node.Pause(); err != nil {
		return err
	}
	err := pause(ctx, lasts)
	return errors.Join(err, node.Resume())
}

// nodeDrain takes a node out as docs/cluster.md says, and back.
func nodeDrain(ctx context.Context, h *house, _ Options, _ *Result) error {
	node := h.lab.Nodes[0]
	uri := "sip:" + node.Params.SIPListen.String()
	if err := proxySays(ctx, h.lab.Kamailio, "dispatcher.set_state", "d", "1", uri); err != nil {
		return err
	}
	stopped := make(chan struct{})
	go func() { // the command waits as well, and its answer is lost with the node
		defer close(stopped)
		_, _ = node.CLI(ctx, "core stop when convenient")
	}()
	select {
	case <-node.Done():
		<-stopped
	case <-time.After(60 * time.Second):
		return errors.New("the drained node did not end within 60 s")
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := h.lab.StartNode(ctx, 0); err != nil {
		return err
	}
	return proxySays(ctx, h.lab.Kamailio, "dispatcher.set_state", "ap", "1", uri)
}

// proxySays runs a command of Kamailio, which changes its list of nodes at most once a second.
func proxySays(ctx context.Context, k *devstack.Kamailio, args ...string) (err error) {
	if e := until(ctx, 5*time.Second, strings.Join(args, " "), func(ctx context.Context) bool {
		_, err = k.Command(ctx, args...)
		return err == nil
	}); e != nil {
		return errors.Join(e, err)
	}
	return nil
}

func slowREST(ctx context.Context, h *house, o Options, _ *Result) error {
	h.ari.setDelay(time.Second)
	defer h.ari.setDelay(0)
	// Who hangs up is released a second later, and so is whoever lifts connected.
	h.excuse.Order = 2 * time.Second
	return pause(ctx, o.lasts(10*time.Second))
}

// overload lets five times as many callers dial as the agents can take, who give up
// after a while.
func overload(ctx context.Context, h *house, o Options, r *Result) error {
	h.excuse.Shed = true
	lasts := o.lasts(60 * time.Second)
	if o.Quick {
		lasts = 15 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	tick := time.NewTicker(time.Second / overloadRate)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.crowd.call(true)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		}
	}
}

// overloadRate is how many callers dial in a second: five agents who are free for
// everybody take some 1.2.
const overloadRate = 6
