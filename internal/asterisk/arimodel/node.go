package arimodel

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Hang-up causes of Q.850.
const causeNormal = 16

// Trunk is the endpoint of the carrier.
const Trunk = "carrier"

// User and Password are what nodes accept.
const (
	User     = "hotline"
	Password = "secret-of-the-model"
)

// Node is one Asterisk.
type Node struct {
	w    *World
	name string
	host string

	up      bool
	frozen  bool
	cutOff  bool // no packet comes or goes
	epoch   int  // grows with each start; what belongs to a former one does not happen
	started time.Time
	serial  int // of channels

	channels  map[string]*channel
	order     []*channel
	bridges   map[string]*bridge
	playbacks map[string][]*playback // several may have one id
	apps      map[string]*application
	sockets   []*socket // that it has not done with
	stuck     []*item   // what would have happened while frozen
	pending   map[*exchange]bool
	faults    func(method, path string) Fault
	lag       time.Duration // of events, beside the ordinary delay
}

// AddNode adds a node that runs. Its systemname is name.
func (w *World) AddNode(name string) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := &Node{w: w, name: name, host: name + ".model:8088", pending: map[*exchange]bool{}}
	w.nodes[n.host] = n
	n.start()
	return n
}

func (w *World) byName(name string) *Node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// URL is the address to configure.
func (n *Node) URL() string { return "http://" + n.host }

func (n *Node) start() {
	n.epoch++
	n.up, n.frozen, n.serial, n.stuck = true, false, 0, nil
	n.started = time.Now().Truncate(time.Millisecond)
	n.channels, n.order = map[string]*channel{}, nil
	n.bridges, n.playbacks, n.apps, n.sockets = map[string]*bridge{}, map[string][]*playback{}, map[string]*application{}, nil
}

// at lets something happen at this node, unless it has died by then.
func (n *Node) at(r Range, what, of string, run func()) *item {
	return n.w.after(n.w.draw(r, what, of), n, run)
}

// incoming takes a call from a phone into the dialplan.
func (n *Node) incoming(c *Call, from, number string) {
	if c.over {
		return
	}
	seat := c.phone.seat
	if !seat && !slices.Contains(n.w.opt.Entries, number) {
		c.finish(404)
		return
	}
	if seat && (len(number) < 3 || number[:2] != "*1") {
		c.finish(603)
		return
	}
	ch := n.newChannel(fmt.Sprintf("%s-%d.%d", n.name, n.started.Unix(), n.serial), from)
	ch.call, c.ch, ch.state = c, ch, "Ring"
	if seat {
		ch.context, ch.exten, ch.args = "seats", number, []string{"seat", from, number}
	} else {
		ch.context, ch.exten, ch.args = "entry", number, []string{"entry", number}
	}
	ch.arrived = time.Now()
	n.at(n.w.opt.Delays.Thread, "dialplan", ch.id, ch.offerStasis)
}

func (n *Node) newChannel(id, caller string) *channel {
	n.serial++
	ch := &channel{n: n, id: id, state: "Down", caller: caller, created: time.Now(), endpoint: Trunk, subs: map[string]int{}}
	n.channels[id] = ch
	n.order = append(n.order, ch)
	return ch
}

// Live reports whether the node runs.
func (n *Node) Live() bool {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return n.up
}

type bridge struct {
	n        *Node
	id, kind string
	created  time.Time
	members  []*channel
	deleted  bool
}

// application is a Stasis application. It lives as long as its connection or
// a channel in it, and its filter as long as it does.
type application struct {
	n      *Node
	name   string
	ws     *socket
	filter map[string]bool
	subs   int // subscriptions to channels
}

// playback finds the oldest of an id.
func (n *Node) playback(id string) *playback {
	if list := n.playbacks[id]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// collect forgets the applications that nothing keeps.
func (n *Node) collect() {
	for name, a := range n.apps {
		if a.ws == nil && a.subs == 0 {
			delete(n.apps, name)
		}
	}
}

func (n *Node) subscribe(name string, ch *channel) {
	a := n.apps[name]
	if a == nil || ch.gone {
		return
	}
	ch.subs[name]++
	a.subs++
}

func (n *Node) unsubscribe(name string, ch *channel) {
	if ch.subs[name] == 0 {
		return
	}
	ch.subs[name]--
	if ch.subs[name] == 0 {
		delete(ch.subs, name)
	}
	if a := n.apps[name]; a != nil {
		a.subs--
		n.collect()
	}
}

// tell sends an event about a channel to the applications that want it. fields
// hold what the event has beside type, application and channel.
func (n *Node) tell(kind string, ch *channel, fields string) {
	n.w.log("%s %s %s %s %s", n.name, kind, ch.id, ch.state, fields)
	if len(ch.subs) == 0 {
		return
	}
	for _, a := range n.subscribers(ch) {
		if a.wants(kind) {
			b := a.begin(kind)
			b = append(b, fields...)
			b = append(b, `"channel":`...)
			b = ch.appendJSON(b)
			a.send(append(b, '}'))
		}
	}
}

func (n *Node) subscribers(ch *channel) []*application {
	var list []*application
	for name := range ch.subs {
		if a := n.apps[name]; a != nil {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *application) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return list
}

func (n *Node) tellPlayback(kind string, p *playback, state string) {
	p.state = state
	n.w.log("%s %s %s %s on %s", n.name, kind, p.id, state, p.ch.id)
	for _, a := range n.subscribers(p.ch) {
		if a.wants(kind) {
			b := append(a.begin(kind), `"playback":`...)
			b = p.appendJSON(b)
			a.send(append(b, '}'))
		}
	}
}

func (a *application) wants(kind string) bool {
	return a.ws != nil && (a.filter == nil || a.filter[kind])
}

func (a *application) begin(kind string) []byte {
	b := make([]byte, 0, 700)
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","timestamp":"`...)
	b = time.Now().AppendFormat(b, stamp)
	b = append(b, `","asterisk_id":"model","application":`...)
	b = strconv.AppendQuote(b, a.name)
	return append(b, ',')
}

// stamp is how Asterisk writes a time.
const stamp = "2006-01-02T15:04:05.000-0700"

func (a *application) send(message []byte) {
	if a.ws != nil {
		a.ws.deliver(message)
	}
}
