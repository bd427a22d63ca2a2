package faultsim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/callflow"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redismodel"
	"hotline/internal/spool"
	"hotline/internal/term"
)

// process is a controller's, from its start to its end.
type process struct {
	h          *history
	id         string
	controller int
	link       *redismodel.Link
	wire       *wire
	stop       context.CancelFunc
	ended      chan struct{}
	spool      *spool.Spool // nil: it has none
	jitter     *rand.Rand   // owned by whoever holds mu

	resumed time.Time // guarded by history.mu; when it was stopped or cut off last, until then

	mu    sync.Mutex
	term  *term.Term // guarded by mu; while it leads
	dead  bool       // guarded by mu; it was killed
	stood bool       // guarded by mu; it stands by
}

// start starts a process of the controller with this number.
func (h *history) start(controller int) *process {
	h.mu.Lock()
	h.starts[controller]++
	p := &process{h: h, controller: controller, id: fmt.Sprintf("c%d.%d", controller, h.starts[controller]), ended: make(chan struct{})}
	h.running[controller] = p
	h.all = append(h.all, p)
	h.mu.Unlock()
	h.note("%s starts", p.id)
	p.spool = h.openSpool(controller)
	p.link = h.redis.Link(p.id)
	p.wire = newWire(h.world, func(method, path string) { h.commanded(p, method, path) }, h.answered)
	p.jitter = rand.New(rand.NewPCG(h.seed, uint64(1000*controller+h.starts[controller])))
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	log := h.log.Named(p.id)
	candidate := term.Candidate{
		Me: redisstore.Controller{ID: p.id, Host: fmt.Sprintf("host%d", controller), Started: time.Now()},
		NewStore: func() (*redisstore.Store, error) {
			return redisstore.New(redisstore.Options{Address: "redis:6379", Connections: connections, Dial: p.link.Dial, Site: site, Location: shanghai, Log: log, Spool: p.spool})
		},
		Lead: p.lead,
		StandsBy: func(redisstore.Controller, string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.term, p.stood = nil, true
		},
		Log: log,
	}
	if h.seed%8 != 0 {
		candidate.Every = 200 * time.Millisecond // the attempts of standbys take most of the time of a test
	}
	go func() {
		defer close(p.ended)
		if p.spool != nil {
			defer p.spool.Close()
		}
		if err := candidate.Run(ctx); err != nil {
			h.note("%s ends: %v", p.id, err)
		}
	}()
	return p
}

func (p *process) lead(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
	h := p.h
	h.leads(p, lease.Token())
	var nodes []asterisk.Node
	for _, n := range h.nodes {
		nodes = append(nodes, asterisk.Node{ID: acd.NodeID(n.name), URL: n.URL(), Username: user, Password: password})
	}
	t, err := term.Begin(ctx, term.Options{
		Store: store, Lease: lease, Engine: h.config, Flow: callflow.Standard{}, Meter: meter{p}, Log: h.log.Named(p.id),
		Switch: asterisk.Options{Nodes: nodes, Log: h.log.Named(p.id), Transport: p.wire, Workers: 32, Jitter: p.jit, ReconcileEvery: 6 * time.Second, SilentAfter: silentAfter},
	})
	if err != nil {
		h.note("%s cannot begin its term: %v", p.id, err)
		return term.Ceased, err
	}
	p.mu.Lock()
	p.term = t
	p.mu.Unlock()
	ending, err := t.Run(ctx)
	p.mu.Lock()
	p.term = nil
	p.mu.Unlock()
	h.note("%s ends its term: %v, %v", p.id, ending, err)
	return ending, err
}

func (p *process) jit(max time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.jitter.Int64N(int64(max) + 1))
}

// kill ends the process as kill -9 does, or with its host: then the nodes keep its
// connections for a while.
func (p *process) kill(withHost bool) {
	p.h.note("%s is killed, with its host: %v", p.id, withHost)
	p.mu.Lock()
	p.dead, p.term = true, nil
	p.mu.Unlock()
	p.h.keepSpool(p)
	p.link.Kill()
	release := p.wire.kill(withHost)
	p.stop() // what is left of it in this test
	if withHost {
		time.AfterFunc(20*time.Second, release)
	}
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) leading() *term.Term {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term
}

// reachesNodes reports whether the process leads and all nodes are connected.
func (p *process) reachesNodes() bool {
	t := p.leading()
	return t != nil && t.Ready()[0] == nil
}

// meter takes in what the engine of a process tells.
type meter struct{ p *process }

func (meter) Measure(acd.Measure) {}
func (m meter) Breach(name string) {
	if !m.p.isDead() {
		m.p.h.fail("an invariant of the engine of %s is broken: %s", m.p.id, name)
	}
}

// leader is the process that leads, of those that live; nil: none.
func (h *history) leader() *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.leaders) - 1; i >= 0; i-- {
		if p := h.leaders[i].p; p.leading() != nil {
			return p
		}
	}
	return nil
}

// term is that of the leader; nil while nobody leads.
func (h *history) term() *term.Term {
	p := h.leader()
	if p == nil {
		return nil
	}
	return p.leading()
}

// request asks the leader until it is granted, or the history ends.
func (h *history) request(ctx context.Context, event acd.Event) {
	for {
		if p := h.leader(); p != nil {
			bounded, cancel := context.WithTimeout(ctx, time.Second)
			err := p.leadingRequest(bounded, event)
			cancel()
			var refused *acd.RequestError
			if err == nil || errors.As(err, &refused) {
				return
			}
		}
		if !pause(ctx, 200*time.Millisecond) {
			return
		}
	}
}

func (p *process) leadingRequest(ctx context.Context, event acd.Event) error {
	t := p.leading()
	if t == nil {
		return errors.New("it does not lead")
	}
	return t.Request(ctx, event)
}
