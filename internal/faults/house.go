package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/devstack"
	"hotline/internal/lab"
	"hotline/internal/nethost"
)

// house is the hotline of one row, with its crowd.
type house struct {
	lab   *lab.Lab
	crowd *crowd
	// leader leads when the fault is injected; standby is nil without one.
	leader, standby *lab.Instance
	sentinels       *devstack.Sentinels // nil: there are none
	redis           *wire               // between leader and Redis; nil: there is none
	ari             *wire               // between leader and the first node; nil: there is none
	hosts           *lab.Hosts          // nil: all live on loopback
	excuse          excuse
}

// setup says what a row needs.
type setup struct {
	Standby   bool
	Upgrade   bool // the standby is of another version
	Hosts     bool // each part lives on a host of its own: not with a wire
	Sentinel  bool // Redis has a replica, and Sentinels watch it
	Nodes     int
	RedisWire bool // the leader reaches Redis through a wire
	ARIWire   bool // the leader reaches the first node through a wire
	Change    func(text string) string
	Load      load
}

// openHouse brings everything up, with a leader that is ready to take calls.
func openHouse(ctx context.Context, dir string, o Options, s setup) (h *house, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	h = &house{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
			h = nil
		}
	}()
	if s.Hosts {
		if h.hosts, err = lab.NewHosts(max(1, s.Nodes), 2); err != nil {
			return h, err
		}
	}
	file, err := lab.Write(filepath.Join(dir, "site"), lab.Site{Agents: s.Load.Agents, Nodes: s.Nodes, Hosts: h.hosts, NoGreeting: true, RingTimeout: "10s", WrapUp: "0s", LogLevel: o.LogLevel})
	if err != nil {
		return h, err
	}
	if s.Change != nil {
		raw, err := os.ReadFile(file)
		if err != nil {
			return h, err
		}
		if err := os.WriteFile(file, []byte(s.Change(string(raw))), 0o600); err != nil {
			return h, err
		}
	}
	l, err := lab.Open(ctx, file, dir, o.Binary, h.hosts)
	if err != nil {
		return h, err
	}
	h.lab = l
	if s.Sentinel {
		if err := h.startSentinels(ctx, dir); err != nil {
			return h, err
		}
	}
	leads := lab.Variant{Name: "1", Host: h.controllerHost(0)}
	if s.RedisWire {
		if h.redis, err = newWire(l.Redis.Addr); err != nil {
			return h, err
		}
		leads.Redis = h.redis.addr()
	}
	if s.ARIWire {
		node := l.Config.Asterisk.Nodes[0]
		at, err := url.Parse(node.URL)
		if err != nil {
			return h, err
		}
		if h.ari, err = newWire(at.Host); err != nil {
			return h, err
		}
		leads.ARI = map[acd.NodeID]string{node.ID: "http://" + h.ari.addr()}
	}
	if h.leader, err = l.Instance(leads); err != nil {
		return h, err
	}
	if err := h.leader.Start(ctx); err != nil {
		return h, err
	}
	if s.Standby {
		second := lab.Variant{Name: "2", Host: h.controllerHost(1)}
		if s.Upgrade {
			second.Binary = o.Next
		}
		if h.standby, err = l.Instance(second); err != nil {
			return h, err
		}
		if err := h.standby.StandBy(ctx); err != nil {
			return h, err
		}
	}
	if h.crowd, err = openCrowd(ctx, l, h.leader.Client, s.Load, o.Seed); err != nil {
		return h, err
	}
	return h, h.crowd.ready(ctx, h.leader.Client)
}

// controllerHost is where a controller runs; nil: on loopback.
func (h *house) controllerHost(i int) *nethost.Host {
	if h.hosts == nil {
		return nil
	}
	return h.hosts.Controllers[i]
}

// startSentinels lets Sentinels watch Redis, and the configuration name them.
func (h *house) startSentinels(ctx context.Context, dir string) (err error) {
	o := devstack.SentinelOptions{Master: h.lab.Redis, Patience: time.Second}
	if h.hosts != nil {
		if o.Replica, err = h.hosts.Network.Host("replica", lab.HostAddr(41)); err != nil {
			return err
		}
		for i := range o.Sentinels {
			if o.Sentinels[i], err = h.hosts.Network.Host(fmt.Sprintf("sentinel-%d", i+1), lab.HostAddr(byte(42+i))); err != nil {
				return err
			}
		}
	}
	if h.sentinels, err = devstack.StartSentinels(ctx, filepath.Join(dir, "sentinels"), o); err != nil {
		return err
	}
	raw, err := os.ReadFile(h.lab.ConfigFile)
	if err != nil {
		return err
	}
	text := strings.Replace(string(raw), "address: "+h.lab.Redis.Addr,
		fmt.Sprintf("sentinel: {master: %s, addresses: [%q, %q, %q]}", h.sentinels.Master, h.sentinels.Addrs[0], h.sentinels.Addrs[1], h.sentinels.Addrs[2]), 1)
	return os.WriteFile(h.lab.ConfigFile, []byte(text), 0o600)
}

func (h *house) close() error {
	var errs []error
	if h.crowd != nil {
		errs = append(errs, h.crowd.close())
	}
	for _, w := range []*wire{h.redis, h.ari} {
		if w != nil {
			w.setDelay(0)
		}
	}
	if h.lab != nil {
		h.killAbsent()
		errs = append(errs, h.lab.Stop())
	}
	if h.sentinels != nil {
		errs = append(errs, h.sentinels.Stop())
	}
	for _, w := range []*wire{h.redis, h.ari} {
		if w != nil {
			w.close()
		}
	}
	if h.hosts != nil {
		errs = append(errs, h.hosts.Close())
	}
	return errors.Join(errs...)
}

// killAbsent ends the nodes that were out of reach for a while. When a request to make a
// channel was repeated for want of an answer, and both arrived, Asterisk refuses the
// second, and then takes longer to end than it is given.
func (h *house) killAbsent() {
	for _, a := range h.excuse.Absences {
		for _, node := range h.lab.Nodes {
			if acd.NodeID(node.Params.Node) == a.node {
				node.Kill()
			}
		}
	}
}

// api asks whoever leads at present; nil when nobody does.
func (h *house) api(ctx context.Context) *apiclient.Client {
	for _, i := range []*lab.Instance{h.leader, h.standby} {
		if i == nil || i.PID() == 0 {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		health, err := i.Client.Health(asked)
		cancel()
		if err == nil && health.Status == "ok" {
			return i.Client
		}
	}
	return nil
}

// until asks every 50 ms until ok says yes, or the limit is reached.
func until(ctx context.Context, limit time.Duration, what string, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %s", limit, what)
		case <-poll.C:
		}
	}
	return nil
}

// pause waits, or says that it was interrupted.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// left counts what all nodes have of a kind: channels or bridges.
func (h *house) left(ctx context.Context, kind string) (n int, err error) {
	for _, node := range h.lab.Nodes {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, node.URL+"/"+kind, nil)
		if err != nil {
			return 0, err
		}
		req.SetBasicAuth(node.Params.ARIUser, node.Params.ARIPassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		var items []json.RawMessage
		err = json.NewDecoder(resp.Body).Decode(&items)
		resp.Body.Close()
		if err != nil {
			return 0, err
		}
		n += len(items)
	}
	return n, nil
}
