package faultsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk/arimodel"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redismodel"
)

// span is a stretch of time in which something was wrong.
type span struct{ from, to time.Time }

// outages are when what was wrong, for what may be otherwise then.
type outages struct {
	deaths  []time.Time // of processes, and orderly ends
	store   []span      // Redis was not there, for somebody, or forgot
	emptied []time.Time // Redis has lost what it had
	nodes   []span      // a node, or the way to it
	stopped []span      // a process was stopped or cut off
	silent  []silence
}

// silence is when a node could not be heard: one, or with no name all.
type silence struct {
	node string
	span
}

// long is how long the way to a node fails: now and then for so long that the node counts
// as lost.
func long(rnd *rand.Rand, length time.Duration) time.Duration {
	if rnd.IntN(3) == 0 {
		return upTo(rnd, 30*time.Second)
	}
	return length
}

// silence notes that a node is not heard from now on, with no name none; the function that
// is returned notes the end.
func (h *history) silence(node string) (ended func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := len(h.outages.silent)
	h.outages.silent = append(h.outages.silent, silence{node, span{time.Now(), time.Now().Add(time.Hour)}})
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.outages.silent[at].to = time.Now()
	}
}

// lossBound is within which time of silence a node must count as lost: after it is noticed
// that its event connection leads nowhere, and silentAfter.
const lossBound = 24 * time.Second

// mustBeLost checks that the calls of a node, with no name of all, are given up when it has
// been silent for long, so that their agents serve others. Of a silence that is the
// process's own it is told which.
func (h *history) mustBeLost(ctx context.Context, node string, of *process, from time.Time) {
	p := h.leader()
	h.mu.Lock()
	since := time.Time{}
	if n := len(h.leaders); n > 0 {
		since = h.leaders[n-1].at
	}
	stopped := slices.ContainsFunc(h.outages.stopped, func(s span) bool { return s.to.After(from) })
	h.mu.Unlock()
	if p == nil || of == nil && stopped || of != nil && of != p || since.After(from) || time.Since(from) < lossBound {
		return
	}
	t := p.leading()
	if t == nil {
		return
	}
	s, err := t.Snapshot(ctx)
	if err != nil {
		return // it ends
	}
	for _, c := range s.Calls {
		if (node == "" || c.Node == acd.NodeID(node)) && c.Arrived.Before(from) {
			h.fail("call %s is %s, and its node %s has not been heard for %v", c.Call, c.Phase, c.Node, time.Since(from))
		}
	}
}

// lost are the stretches in which the calls of a node may count as lost, because it was
// silent, until a while after it is heard again, when what is left there has been removed.
// h.mu is held.
func (h *history) lost(node string) (when []span) {
	var all []span
	for _, s := range h.outages.silent {
		if s.node == "" || s.node == node {
			all = append(all, s.span)
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	const gap = 3 * time.Second // whatever is heard in less may be lost too
	for i := 0; i < len(all); {
		s := all[i]
		for i++; i < len(all) && all[i].from.Before(s.to.Add(gap)); i++ {
			if all[i].to.After(s.to) {
				s.to = all[i].to
			}
		}
		if s.to.Sub(s.from) >= silentAfter-time.Second {
			when = append(when, span{s.from.Add(silentAfter - time.Second), s.to.Add(10 * time.Second)})
		}
	}
	return when
}

// byChance lets faults of controllers, of Redis and of nodes happen, beside each other,
// each kind by chance not at all.
func byChance(h *history, ctx context.Context) {
	rnd := rand.New(rand.NewPCG(h.seed, 3))
	var tracks sync.WaitGroup
	kinds := 1 + rnd.IntN(7)
	// What Redis loses while nobody is left who knows it is lost: a history has the one or
	// the other.
	h.lossy = rnd.IntN(2) == 0
	for i, track := range []func(*history, context.Context, *rand.Rand){controllerFault, redisFault, nodeFault} {
		if kinds&(1<<i) == 0 {
			continue
		}
		own := rand.New(rand.NewPCG(h.seed, uint64(10+i)))
		tracks.Go(func() {
			for range 1 + own.IntN(3) {
				if !pause(ctx, upTo(own, arriving/3)) {
					return
				}
				track(h, ctx, own)
			}
		})
	}
	pause(ctx, arriving)
	tracks.Wait()
}

// fault notes a fault that begins; the function that is returned notes its end.
func (h *history) fault(list *[]span, format string, args ...any) (ended func()) {
	text := fmt.Sprintf(format, args...)
	h.note("FAULT %s", text)
	h.mu.Lock()
	defer h.mu.Unlock()
	from := time.Now()
	h.faults = append(h.faults, fmt.Sprintf("%v %s", time.Since(h.began).Round(time.Millisecond), text))
	h.lastFault = from
	at := -1
	if list != nil {
		at = len(*list)
		*list = append(*list, span{from, from.Add(time.Hour)})
	}
	return func() {
		h.note("END of %s", text)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lastFault = time.Now()
		if at >= 0 {
			(*list)[at].to = time.Now()
		}
	}
}

// resumed notes that a process runs again, or reaches the nodes again.
func (h *history) resumed(p *process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.resumed = time.Now()
}

func (h *history) died() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outages.deaths = append(h.outages.deaths, time.Now())
}

// faultsEnded lets everything run again.
func (h *history) faultsEnded() {
	h.mu.Lock()
	h.lastFault = time.Now()
	n := len(h.starts)
	h.mu.Unlock()
	for i := 1; i <= n; i++ {
		if p := h.process(i); p.isOver() {
			h.start(i)
			return // one more is enough: a history may end with fewer than it began with
		}
	}
}

func (h *history) process(controller int) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running[controller]
}

func (p *process) isOver() bool {
	if p.isDead() {
		return true
	}
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// some controller: by preference the one that leads.
func (h *history) pick(rnd *rand.Rand) (int, *process) {
	leader := h.leader()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 1 + rnd.IntN(len(h.starts))
	if leader != nil && rnd.IntN(4) > 0 {
		for i, p := range h.running {
			if p == leader {
				n = i
			}
		}
	}
	return n, h.running[n]
}

func controllerFault(h *history, ctx context.Context, rnd *rand.Rand) {
	i, p := h.pick(rnd)
	length := upTo(rnd, 10*time.Second)
	if p.isOver() {
		h.start(i)
		return
	}
	kind := rnd.IntN(8)
	if h.lossy {
		kind = 6
	}
	switch kind {
	case 0, 1, 2:
		withHost := kind == 2
		end := h.fault(nil, "%s is killed (host %v), back after %v", p.id, withHost, length)
		p.kill(withHost)
		h.died()
		pause(ctx, length)
		h.start(i)
		end()
	case 3:
		end := h.fault(nil, "%s is shut down, back after %v", p.id, length)
		h.died()
		p.stop()
		<-p.ended
		pause(ctx, length)
		h.start(i)
		end()
	case 4:
		end := h.fault(nil, "a handover is asked for")
		h.died()
		if leader := h.leader(); leader != nil {
			h.askHandover(ctx)
		}
		end()
	case 5:
		length = long(rnd, length)
		end := h.fault(&h.outages.stopped, "%s is stopped for %v", p.id, length)
		p.wire.freeze()
		p.link.Freeze()
		pause(ctx, length)
		p.link.Thaw()
		p.wire.thaw()
		h.resumed(p)
		end()
	case 6:
		length = long(rnd, length)
		end := h.fault(&h.outages.stopped, "%s does not reach the nodes for %v", p.id, length)
		heard, from := h.silence(""), time.Now()
		p.wire.cutOff(true)
		pause(ctx, length)
		h.mustBeLost(ctx, "", p, from)
		p.wire.cutOff(false)
		h.resumed(p)
		heard()
		end()
	case 7:
		length = long(rnd, length)
		end := h.fault(&h.outages.stopped, "%s reaches nothing for %v", p.id, length)
		heard := h.silence("")
		p.wire.cutOff(true)
		p.link.Cut(true)
		pause(ctx, length)
		p.wire.cutOff(false)
		p.link.Cut(false)
		h.resumed(p)
		heard()
		end()
	}
}

// askHandover is what a person asks for, by another program.
func (h *history) askHandover(ctx context.Context) {
	store, err := redisstore.New(redisstore.Options{Address: "redis:6379", Connections: connections, Dial: h.redis.Link("desk").Dial, Site: site, Location: shanghai})
	if err != nil {
		h.fail("%v", err)
		return
	}
	defer store.Close()
	_, _ = store.AskHandover(ctx)
}

func redisFault(h *history, ctx context.Context, rnd *rand.Rand) {
	_, p := h.pick(rnd)
	length := upTo(rnd, 10*time.Second)
	kind := rnd.IntN(9)
	if h.lossy && kind > 3 || !h.lossy && kind > 0 && kind < 3 {
		kind = []int{0, 1, 2, 5}[rnd.IntN(4)]
		if !h.lossy {
			kind = 4
		}
	}
	switch kind {
	case 0:
		end := h.fault(&h.outages.store, "Redis is away for %v", length)
		h.redis.Stop()
		pause(ctx, length)
		h.redis.Start()
		end()
	case 1:
		end := h.fault(&h.outages.store, "Redis is away for %v and comes back empty", length)
		h.redis.Stop()
		pause(ctx, length)
		h.forget()
		h.redis.Restart(redismodel.Copy{})
		end()
	case 2:
		before := upTo(rnd, 2*time.Second)
		end := h.fault(&h.outages.store, "Redis becomes what it was %v ago", before)
		earlier := h.redis.Copy()
		pause(ctx, before)
		h.forget()
		h.redis.Restart(earlier)
		end()
	case 3:
		with := []string{"OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica."}[rnd.IntN(2)]
		end := h.fault(&h.outages.store, "Redis refuses for %v: %s", length, with)
		h.redis.Refuse(with)
		pause(ctx, length)
		h.redis.Refuse("")
		end()
	case 4:
		end := h.fault(&h.outages.store, "%s does not reach Redis for %v", p.id, length)
		p.link.Cut(true)
		pause(ctx, length)
		p.link.Cut(false)
		end()
	case 5:
		end := h.fault(&h.outages.store, "the connections of %s to Redis break", p.id)
		p.link.Break()
		end()
	default:
		end := h.fault(&h.outages.store, "requests of %s to Redis fail by chance for %v", p.id, length)
		p.link.SetFaults(redismodel.ByChance(rnd.Uint64(), 0.25))
		pause(ctx, length)
		p.link.SetFaults(nil)
		end()
	}
}

func (h *history) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outages.emptied = append(h.outages.emptied, time.Now())
}

func nodeFault(h *history, ctx context.Context, rnd *rand.Rand) {
	n, length := h.nodes[rnd.IntN(len(h.nodes))], upTo(rnd, 8*time.Second)
	switch rnd.IntN(8) {
	case 0:
		end := h.fault(&h.outages.nodes, "%s is killed, back after %v", n.name, length)
		h.mu.Lock()
		h.killed[n.name] = append(h.killed[n.name], time.Now())
		h.mu.Unlock()
		n.Kill()
		pause(ctx, length)
		n.Start()
		end()
	case 1:
		length = long(rnd, length)
		end, heard := h.fault(&h.outages.nodes, "%s is stopped for %v", n.name, length), h.silence(n.name)
		from := time.Now()
		n.Freeze()
		pause(ctx, length)
		h.mustBeLost(ctx, n.name, nil, from)
		n.Thaw()
		heard()
		end()
	case 2:
		end := h.fault(&h.outages.nodes, "the event connection of %s is cut", n.name)
		n.Cut()
		end()
	case 3:
		end := h.fault(&h.outages.nodes, "the event connection of %s leads nowhere", n.name)
		n.CutSilently()
		end()
		h.mu.Lock()
		for i, s := range h.outages.nodes {
			if !s.to.After(time.Now()) {
				h.outages.nodes[i].to = s.to.Add(9 * time.Second) // until the controller finds it out
			}
		}
		h.mu.Unlock()
	case 4:
		length = long(rnd, length)
		end, heard := h.fault(&h.outages.nodes, "%s is isolated for %v", n.name, length), h.silence(n.name)
		from := time.Now()
		n.Isolate(true)
		pause(ctx, length)
		h.mustBeLost(ctx, n.name, nil, from)
		n.Isolate(false)
		heard()
		end()
	case 5:
		end := h.fault(&h.outages.nodes, "events of %s are late for %v", n.name, length)
		n.SetLag(upTo(rnd, 2*time.Second))
		pause(ctx, length)
		n.SetLag(0)
		end()
	default:
		end := h.fault(&h.outages.nodes, "requests to %s fail by chance for %v", n.name, length)
		n.SetFaults(arimodel.ByChance(rnd.Uint64(), 0.2))
		pause(ctx, length)
		n.SetFaults(nil)
		end()
	}
}
