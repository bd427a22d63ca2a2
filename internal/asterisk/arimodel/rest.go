package arimodel

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exchange is a request and what comes of it.
type exchange struct {
	n            *Node
	method, path string
	query        url.Values
	body         []byte
	answer       chan answer // holds one
	replied      bool        // the answer is on its way, or was given
}

type answer struct {
	status int
	body   []byte
	ws     *socket
	err    error
}

// RoundTrip implements http.RoundTripper: the host names the node.
func (w *World) RoundTrip(req *http.Request) (*http.Response, error) {
	x := &exchange{method: req.Method, answer: make(chan answer, 1)}
	if req.Body != nil {
		x.body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	x.path = strings.TrimPrefix(req.URL.EscapedPath(), "/ari/")
	x.query = req.URL.Query()
	w.mu.Lock()
	if w.nodes[req.URL.Host] == nil {
		w.mu.Unlock()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
	}
	x.n = w.nodes[req.URL.Host]
	user, password, _ := req.BasicAuth()
	x.n.receive(x, user == User && password == Password)
	w.mu.Unlock()

	var a answer
	select {
	case a = <-x.answer:
	case <-req.Context().Done():
		w.mu.Lock()
		delete(x.n.pending, x)
		x.replied = true
		w.mu.Unlock()
		return nil, req.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	resp := &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}
	if a.ws != nil {
		resp.Header = upgraded(req.Header)
		resp.Body, resp.ContentLength = a.ws, -1
	}
	return resp, nil
}

// key names what is delayed, without numbers that the client has made up.
func (x *exchange) key() string {
	key := x.method + delayed(x.path)
	if x.path == "channels/create" {
		if _, id, ok := bytes.Cut(x.body, []byte(`"channelId":"`)); ok {
			key += string(id[:max(0, bytes.IndexByte(id, '"'))])
		}
	}
	return key
}

// delayed is a path without the name of a playback: the client numbers them in
// the order in which its goroutines come.
func delayed(path string) string {
	if before, _, ok := strings.Cut(path, "/play/"); ok {
		return before
	}
	if name, ok := strings.CutPrefix(path, "playbacks/"); ok {
		if i := strings.LastIndexByte(name, '_'); i >= 0 {
			return "playbacks/" + name[i:]
		}
	}
	return path
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// receive lets a request travel to the node.
func (n *Node) receive(x *exchange, known bool) {
	w, d := n.w, &n.w.opt.Delays
	key := x.key()
	fault := Fault{}
	if n.faults != nil {
		fault = n.faults(x.method, x.path)
	}
	n.pending[x] = true
	travel := w.draw(d.Request, n.name, key) + fault.Delay
	if n.cutOff || fault.Lost && fault.Silent {
		return // the client gives up
	}
	w.after(travel, nil, func() {
		switch {
		case x.replied || n.cutOff:
		case !n.up:
			x.give(answer{err: &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}})
		case fault.Lost:
			x.give(answer{err: errReset})
		case n.frozen:
			// The kernel has it; Asterisk will read it when it runs again.
			n.stuck = append(n.stuck, &item{node: n, epoch: n.epoch, run: func() { n.carryOut(x, key, known, fault) }})
		default:
			n.carryOut(x, key, known, fault)
		}
	})
}

// give hands an answer to the client.
func (x *exchange) give(a answer) {
	delete(x.n.pending, x)
	if !x.replied {
		x.replied = true
		x.answer <- a
	}
}

// carryOut does what is asked for and lets the answer travel back.
func (n *Node) carryOut(x *exchange, key string, known bool, fault Fault) {
	w := n.w
	reply := func(status int, body []byte) {
		w.log("%s %s %s: %d", n.name, x.method, x.path, status)
		if fault.NoReply && fault.Silent {
			return
		}
		n.w.after(n.w.draw(n.w.opt.Delays.Reply, n.name+" reply", key), n, func() {
			switch {
			case n.cutOff:
			case fault.NoReply:
				x.give(answer{err: errReset})
			default:
				x.give(answer{status: status, body: body})
			}
		})
	}
	switch {
	case !known:
		reply(http.StatusUnauthorized, message("Authentication required"))
	case fault.Status != 0:
		reply(fault.Status, message(http.StatusText(fault.Status)))
	case x.path == "events":
		n.openSocket(x)
	default:
		n.route(x, reply)
	}
}

func message(text string) []byte {
	data, _ := json.Marshal(map[string]string{"message": text})
	return data
}

type reply func(status int, body []byte)

func (r reply) refuse(status int, text string) { r(status, message(text)) }

func (n *Node) route(x *exchange, r reply) {
	parts := strings.Split(x.path, "/")
	for i := range parts {
		parts[i] = unescape(parts[i])
	}
	id := ""
	if len(parts) > 1 {
		id = parts[1]
	}
	switch parts[0] {
	case "asterisk":
		if id != "info" {
			r.refuse(404, "Resource not found")
			return
		}
		r(200, []byte(`{"system":{"version":"22.10.1","entity_id":"model"},"config":{"name":"`+n.name+`"},"status":{"startup_time":"`+n.started.Format(stamp)+`"}}`))
	case "applications":
		n.routeApplication(x, id, r)
	case "events":
		a := n.apps[x.query.Get("application")]
		if a == nil || len(parts) != 3 {
			r.refuse(404, "Application not found")
			return
		}
		if a.wants("ChannelUserevent") {
			a.send(append(a.begin("ChannelUserevent"), `"eventname":"`+parts[2]+`","userevent":{}}`...))
		}
		r(204, nil)
	case "playbacks":
		n.routePlayback(x, id, r)
	case "bridges":
		n.routeBridge(x, parts, r)
	case "channels":
		n.routeChannel(x, parts, r)
	default:
		r.refuse(404, "Resource not found")
	}
}

func (n *Node) routeApplication(x *exchange, name string, r reply) {
	a := n.apps[name]
	if a == nil {
		r.refuse(404, "Application not found")
		return
	}
	if x.method == http.MethodPut {
		var filter struct {
			Allowed []struct {
				Type string `json:"type"`
			} `json:"allowed"`
		}
		if json.Unmarshal(x.body, &filter) != nil {
			r.refuse(400, "Invalid filter")
			return
		}
		a.filter = nil
		for _, t := range filter.Allowed {
			if a.filter == nil {
				a.filter = map[string]bool{}
			}
			a.filter[t.Type] = true
		}
	}
	allowed := []map[string]string{}
	for t := range a.filter {
		allowed = append(allowed, map[string]string{"type": t})
	}
	data, _ := json.Marshal(map[string]any{"name": name, "events_allowed": allowed})
	r(200, data)
}

func (n *Node) routePlayback(x *exchange, id string, r reply) {
	p := n.playback(id)
	switch {
	case p == nil:
		r.refuse(404, "Playback not found")
	case x.method == http.MethodGet:
		r(200, p.appendJSON(nil))
	case p.young && p.ch.playing == p:
		r.refuse(500, "Could not stop playback")
	default:
		p.deleted = true
		if p.ch.playing == p {
			n.at(n.w.opt.Delays.Thread, "stop", p.ch.id, func() {
				if p.ch.playing == p {
					p.ch.stopPlayback(p, "done")
				}
			})
		}
		r(204, nil)
	}
}

func (n *Node) routeBridge(x *exchange, parts []string, r reply) {
	if len(parts) == 1 {
		list := []byte{'['}
		ids := make([]string, 0, len(n.bridges))
		for id := range n.bridges {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for i, id := range ids {
			if i > 0 {
				list = append(list, ',')
			}
			list = n.bridges[id].appendJSON(list)
		}
		r(200, append(list, ']'))
		return
	}
	id := parts[1]
	b := n.bridges[id]
	switch {
	case len(parts) == 2 && x.method == http.MethodPost:
		if b != nil && !b.deleted {
			r.refuse(409, "Bridge with id '"+id+"' already exists")
			return
		}
		b = &bridge{n: n, id: id, kind: x.query.Get("type"), created: time.Now()}
		n.bridges[id] = b
		r(200, b.appendJSON(nil))
	case b == nil:
		r.refuse(404, "Bridge not found")
	case b.deleted && x.method != http.MethodGet:
		r.refuse(409, "Bridge not in Stasis application")
	case len(parts) == 2 && x.method == http.MethodGet:
		r(200, b.appendJSON(nil))
	case len(parts) == 2:
		// It is listed a little longer.
		b.deleted = true
		n.at(n.w.opt.Delays.Thread, "bridge", id, func() {
			if n.bridges[id] == b {
				delete(n.bridges, id)
			}
		})
		for _, ch := range slices.Clone(b.members) {
			ch.leaveBridge()
		}
		r(204, nil)
	default:
		n.members(x, b, parts[2], r)
	}
}

func (b *bridge) appendJSON(data []byte) []byte {
	data = append(data, `{"id":`...)
	data = strconv.AppendQuote(data, b.id)
	data = append(data, `,"technology":"simple_bridge","bridge_type":"`...)
	data = append(data, b.kind...)
	data = append(data, `","creationtime":"`...)
	data = b.created.AppendFormat(data, stamp)
	data = append(data, `","channels":[`...)
	for i, ch := range b.members {
		if i > 0 {
			data = append(data, ',')
		}
		data = strconv.AppendQuote(data, ch.id)
	}
	return append(data, `]}`...)
}

// members adds channels to a bridge or removes them: one after the other, each
// when its thread comes to it. The reply waits for the last.
func (n *Node) members(x *exchange, b *bridge, what string, r reply) {
	var list []*channel
	for _, id := range strings.Split(x.query.Get("channel"), ",") {
		ch := n.channels[id]
		switch {
		case ch == nil:
			r.refuse(400, "Channel not found")
			return
		case ch.app == "" || ch.left:
			r.refuse(422, "Channel not in Stasis application")
			return
		case what == "removeChannel" && ch.bridge != b:
			r.refuse(422, "Channel not in this bridge")
			return
		}
		list = append(list, ch)
	}
	var next func()
	next = func() {
		if len(list) == 0 {
			r(204, nil)
			return
		}
		ch := list[0]
		list = list[1:]
		if ch.left {
			next()
			return
		}
		ch.do(command{run: func(done func()) {
			ch.leaveBridge()
			if what == "addChannel" && n.bridges[b.id] == b {
				ch.bridge = b
				b.members = append(b.members, ch)
				n.tell("ChannelEnteredBridge", ch, bridgeField(b))
			}
			done()
			next()
		}})
	}
	next()
}

func (n *Node) routeChannel(x *exchange, parts []string, r reply) {
	if len(parts) == 1 {
		list := []byte{'['}
		for i, ch := range n.order {
			if i > 0 {
				list = append(list, ',')
			}
			list = ch.appendJSON(list)
			if n.w.draw(Range{0, 49}, "listed", ch.id) == 0 { // as one that changes meanwhile
				list = ch.appendJSON(append(list, ','))
			}
		}
		r(200, append(list, ']'))
		return
	}
	if parts[1] == "create" {
		n.create(x, r)
		return
	}
	ch := n.channels[parts[1]]
	if ch == nil {
		r.refuse(404, "Channel not found")
		return
	}
	if len(parts) == 2 {
		if x.method == http.MethodGet {
			r(200, ch.appendJSON(nil))
			return
		}
		ch.hangUp(causeNormal, 0)
		r(204, nil)
		return
	}
	if ch.app == "" || ch.left {
		r.refuse(409, "Channel not in Stasis application")
		return
	}
	switch parts[2] {
	case "answer":
		if ch.context == "" && ch.state != "Up" {
			r.refuse(412, "Channel in invalid state")
			return
		}
		ch.do(command{run: func(done func()) {
			ch.setState("Up")
			r(204, nil)
			done()
		}})
	case "dial":
		n.dial(ch, x, r)
	case "moh":
		class := x.query.Get("mohClass")
		if x.method == http.MethodDelete {
			class = ""
		} else if class == "" {
			class = "default"
		}
		ch.do(command{run: func(done func()) {
			ch.music = class
			n.w.log("%s %s music %q", n.name, ch.id, class)
			done()
		}})
		r(204, nil)
	case "play":
		n.play(ch, parts[3], x, r)
	default:
		r.refuse(404, "Resource not found")
	}
}

// play is accepted also under an id that is there already.
func (n *Node) play(ch *channel, id string, x *exchange, r reply) {
	var body struct {
		Media []string `json:"media"`
	}
	if json.Unmarshal(x.body, &body) != nil || len(body.Media) == 0 {
		r.refuse(400, "Media required")
		return
	}
	p := &playback{id: id, ch: ch, media: body.Media, state: "queued"}
	n.playbacks[id] = append(n.playbacks[id], p)
	ch.do(command{play: p})
	r(201, p.appendJSON(nil))
}

// create makes a channel. The reply may come before the channel is in the
// application, and dialling it is refused until then.
func (n *Node) create(x *exchange, r reply) {
	var body struct {
		Endpoint   string `json:"endpoint"`
		App        string `json:"app"`
		Args       string `json:"appArgs"`
		ID         string `json:"channelId"`
		Originator string `json:"originator"`
	}
	if json.Unmarshal(x.body, &body) != nil || body.Endpoint == "" {
		r.refuse(400, "Endpoint must be specified")
		return
	}
	if n.channels[body.ID] != nil {
		r.refuse(409, "Channel with given unique ID already exists")
		return
	}
	name, trunk, out := strings.Cut(strings.TrimPrefix(body.Endpoint, "PJSIP/"), "@")
	if !out {
		name = strings.TrimPrefix(name, "seat-")
	}
	phone := n.w.phones[name]
	if out && trunk != Trunk || !out && (phone == nil || !phone.seat || phone.away) {
		r.refuse(500, "Allocation failed")
		return
	}
	shown := name
	if out {
		shown = ""
	}
	ch := n.newChannel(body.ID, shown)
	ch.made, ch.phone = body.App, phone
	if !out {
		ch.endpoint = "seat-" + name
	}
	if body.Args != "" {
		ch.args = strings.Split(body.Args, ",")
	}
	n.subscribe(body.App, ch)
	// An originator is told of to its very end, also after it has left.
	if origin := n.channels[body.Originator]; origin != nil {
		n.subscribe(body.App, origin)
	}
	n.at(n.w.opt.Delays.Thread, "enter", ch.id, func() {
		a := n.apps[body.App]
		switch {
		case ch.hungUp:
		case a == nil || a.ws == nil:
			ch.hangUp(causeNormal, 0)
		default:
			ch.enter(body.App)
		}
	})
	r(200, ch.appendJSON(nil))
}

func (n *Node) dial(ch *channel, x *exchange, r reply) {
	if ch.state != "Down" || ch.dialled {
		r.refuse(409, "Channel is not in the 'Down' state")
		return
	}
	ch.dialled = true
	if seconds, err := strconv.Atoi(x.query.Get("timeout")); err == nil && seconds > 0 {
		ch.timeout = n.w.after(time.Duration(seconds)*time.Second+n.w.draw(n.w.opt.Delays.Thread, "timeout", ch.id), n, func() { ch.hangUp(19, 480) })
	}
	n.at(n.w.opt.Delays.SIP, "invite", ch.id, func() {
		if ch.hungUp {
			return
		}
		if ch.phone == nil {
			ch.hangUp(1, 404) // the carrier knows no such number
			return
		}
		ch.phone.invite(ch)
	})
	r(204, nil)
}
