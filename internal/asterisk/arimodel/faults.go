package arimodel

import (
	"io"
	"slices"
	"time"
)

// Fault is what befalls one request; the zero value: nothing.
type Fault struct {
	Delay   time.Duration // it arrives later by that
	Status  int           // it is refused with that status, as 503, and not carried out
	Lost    bool          // the connection breaks before it arrives
	NoReply bool          // it is carried out, and the connection breaks before the reply
	Silent  bool          // with Lost or NoReply: nothing breaks, and nothing comes
}

// ByChance lets that share of requests fail, each in one of the ways there are.
// What befalls a request depends on the seed, on the request, and on how often it
// was made.
func ByChance(seed uint64, share float64) func(method, path string) Fault {
	made := map[string]uint64{}
	return func(method, path string) Fault {
		key := method + delayed(path)
		h := hash(seed, made[key], key)
		made[key]++
		if float64(h%1000)/1000 >= share {
			return Fault{}
		}
		switch h = h / 1000; h % 6 {
		case 0:
			return Fault{Status: 503}
		case 1:
			return Fault{Lost: true}
		case 2:
			return Fault{Lost: true, Silent: true}
		case 3:
			return Fault{NoReply: true}
		case 4:
			return Fault{NoReply: true, Silent: true}
		}
		return Fault{Delay: time.Duration(h % uint64(3*time.Second))}
	}
}

// SetFaults says what befalls each request from now on; nil: nothing. The path is
// that below /ari/. The function must not call methods of this package.
func (n *Node) SetFaults(f func(method, path string) Fault) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.faults = f
}

// SetLag delays all events by that, beside their ordinary delay.
func (n *Node) SetLag(lag time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.lag = lag
}

// Kill ends the node as a crash does: channels, bridges and connections are gone,
// new connections are refused. Phones hear nothing any more, until somebody
// hangs up.
func (n *Node) Kill() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if !n.up {
		return
	}
	w := n.w
	w.log("%s is killed", n.name)
	n.up, n.frozen, n.stuck = false, false, nil
	n.epoch++
	for _, ch := range n.order {
		ch.gone, ch.hungUp = true, true
		if call := ch.call; call != nil && !call.over {
			w.after(w.draw(w.opt.Delays.Notice, "notice", ch.id), nil, func() { call.finish(0) })
		}
	}
	for _, ws := range n.sockets {
		ws.dead = true
		if !ws.hole && !n.cutOff {
			ws.fail(errReset)
		}
	}
	for x := range n.pending {
		if !n.cutOff {
			x.give(answer{err: errReset})
		}
	}
	n.channels, n.order = map[string]*channel{}, nil
	n.bridges, n.playbacks, n.apps, n.sockets = map[string]*bridge{}, map[string][]*playback{}, map[string]*application{}, nil
}

// Start starts a killed node, with nothing in it and another startup time.
func (n *Node) Start() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.up {
		return
	}
	n.w.log("%s starts", n.name)
	n.start()
}

// Freeze stops the node from running without closing its connections. Phones go
// on; Thaw lets the node find out what happened meanwhile.
func (n *Node) Freeze() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.log("%s freezes", n.name)
	n.frozen = n.up
}

// Thaw lets a frozen node go on: what would have happened happens now, in order,
// also requests whose clients have given up.
func (n *Node) Thaw() {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if !n.frozen {
		return
	}
	n.w.log("%s thaws", n.name)
	n.frozen = false
	stuck := n.stuck
	n.stuck = nil
	for i, it := range stuck {
		it := it
		n.w.after(time.Duration(i+1)*time.Microsecond, n, func() {
			if !it.off && it.epoch == n.epoch {
				it.run()
			}
		})
	}
}

// Cut breaks the event connections, as an RST does: both sides see it at once.
func (n *Node) Cut() {
	n.cut(func(ws *socket) {
		ws.fail(errReset)
		ws.end()
	})
}

// End lets the node end the event connections in an ordinary way: the client
// sees the end when the node has forgotten it.
func (n *Node) End() {
	n.cut(func(ws *socket) {
		// After all that was sent before.
		n.w.after(max(0, time.Until(ws.last))+1, n, func() { ws.fail(io.EOF) })
		ws.lose()
	})
}

// CutSilently lets the event connections lead nowhere: neither side sees it.
func (n *Node) CutSilently() { n.cut(func(ws *socket) { ws.hole = true }) }

func (n *Node) cut(f func(*socket)) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.log("%s: the event connection is cut", n.name)
	for _, ws := range slices.Clone(n.sockets) {
		f(ws)
	}
}

// Isolate lets no packet between the controller and the node pass; what is
// sent meanwhile is lost. Phones reach the node.
func (n *Node) Isolate(yes bool) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.log("%s is isolated: %v", n.name, yes)
	n.cutOff = yes
	if yes {
		for _, ws := range n.sockets {
			ws.hole = true // its packets are missed for good
		}
	}
}
