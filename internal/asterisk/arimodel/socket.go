package arimodel

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"time"
)

// socket is the client's end of an event connection, and all that the node
// knows of its own: what the client writes is read at once.
type socket struct {
	n     *Node
	name  string // of the application that its end takes along; empty once it was replaced
	epoch int

	in     []byte // what the client has not read yet
	err    error  // what the client reads after that
	signal chan struct{}
	out    []byte    // what the client has written of a frame
	last   time.Time // when the last message arrives
	ending bool      // the node is about to forget it, and hears nothing else meanwhile
	dead   bool      // the node has done with it
	hole   bool      // whatever is sent vanishes
}

// upgraded is the header with which a websocket is accepted.
func upgraded(request http.Header) http.Header {
	sum := sha1.Sum([]byte(request.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(sum[:])},
	}
}

// openSocket accepts an event connection; one that was there is told that it has been
// replaced, if its filter lets that through, and stays open. One that is ending just
// then takes the application along, and the new one is left without: it is accepted,
// no event ever comes over it, and its end takes the application of whoever connects
// meanwhile along.
func (n *Node) openSocket(x *exchange) {
	name := x.query.Get("app")
	n.w.log("%s connected with %s", n.name, name)
	a := n.apps[name]
	if a == nil {
		a = &application{n: n, name: name}
		n.apps[name] = a
	}
	ws := &socket{n: n, name: name, epoch: n.epoch, signal: make(chan struct{}, 1)}
	n.sockets = append(n.sockets, ws)
	old := a.ws
	if old != nil && old.ending {
		n.w.log("%s leaves that connection without the application", n.name)
		old.lose()
	} else {
		if old != nil {
			if a.wants("ApplicationReplaced") {
				old.deliver([]byte(`{"type":"ApplicationReplaced","application":"` + name + `"}`))
			}
			old.name = ""
		}
		a.ws = ws
	}
	n.collect()
	n.w.after(n.w.draw(n.w.opt.Delays.Reply, n.name, "connected"), n, func() {
		if x.replied {
			ws.lose()
			return
		}
		if !n.cutOff {
			x.give(answer{status: http.StatusSwitchingProtocols, ws: ws})
		}
	})
}

// deliver sends one message after all that were sent before.
func (s *socket) deliver(data []byte) {
	frame := make([]byte, 0, len(data)+4)
	frame = append(frame, 0x81)
	if len(data) < 126 {
		frame = append(frame, byte(len(data)))
	} else {
		frame = append(frame, 126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(data)))
	}
	s.arrive(append(frame, data...), s.n.lag)
}

func (s *socket) arrive(frame []byte, lag time.Duration) {
	w := s.n.w
	at := time.Now().Add(w.draw(w.opt.Delays.Event, "event", s.n.name) + lag)
	if !at.After(s.last) {
		at = s.last.Add(1)
	}
	s.last = at
	w.after(time.Until(at), s.n, func() {
		if !s.hole && !s.n.cutOff {
			s.in = append(s.in, frame...)
			s.wake()
		}
	})
}

func (s *socket) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// end lets the node notice that the connection has ended, and take it for that a
// moment later.
func (s *socket) end() {
	if s.ending {
		return
	}
	s.ending = true
	s.n.at(s.n.w.opt.Delays.Thread, "ending", s.n.name, s.lose)
}

// lose lets the node take the connection for ended.
func (s *socket) lose() {
	if s.dead {
		return
	}
	s.dead = true
	s.n.sockets = slices.DeleteFunc(s.n.sockets, func(o *socket) bool { return o == s })
	if a := s.n.apps[s.name]; a != nil {
		s.n.w.log("%s lost the connection of %s", s.n.name, a.name)
		a.ws = nil
		s.n.collect()
	}
}

// fail lets the client see the end of the connection.
func (s *socket) fail(err error) {
	if s.err == nil {
		s.err = err
		s.wake()
	}
}

// Read implements io.Reader for the client, which has one reader.
func (s *socket) Read(b []byte) (int, error) {
	for {
		s.n.w.mu.Lock()
		if len(s.in) > 0 {
			k := copy(b, s.in)
			s.in = s.in[k:]
			s.n.w.mu.Unlock()
			return k, nil
		}
		err := s.err
		s.n.w.mu.Unlock()
		if err != nil {
			return 0, err
		}
		<-s.signal
	}
}

// Write takes what the client sends: pings, and its farewell.
func (s *socket) Write(b []byte) (int, error) {
	w := s.n.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.out = append(s.out, b...)
	for {
		op, payload, rest, ok := parseFrame(s.out)
		if !ok {
			return len(b), nil
		}
		s.out = rest
		if s.hole || s.n.cutOff {
			continue
		}
		switch op {
		case 8: // its farewell is answered
			frame := append([]byte{0x88, byte(len(payload))}, payload...)
			s.n.at(w.opt.Delays.Request, "farewell", s.n.name, func() {
				s.arrive(frame, 0)
				s.end()
			})
		case 9:
			frame := append([]byte{0x8a, byte(len(payload))}, payload...)
			s.n.at(w.opt.Delays.Request, "ping", s.n.name, func() {
				if !s.dead {
					s.arrive(frame, 0)
				}
			})
		}
	}
}

// parseFrame takes a masked frame of a client.
func parseFrame(b []byte) (op byte, payload, rest []byte, ok bool) {
	if len(b) < 6 {
		return 0, nil, nil, false
	}
	size, head := int(b[1]&0x7f), 2
	switch size {
	case 126:
		size, head = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, nil, nil, false
		}
		size, head = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if len(b) < head+4+size {
		return 0, nil, nil, false
	}
	mask := b[head : head+4]
	payload = make([]byte, size)
	for i := range payload {
		payload[i] = b[head+4+i] ^ mask[i%4]
	}
	return b[0] & 0xf, payload, b[head+4+size:], true
}

// Vanish ends the connection for a client whose host is gone: the node does not notice
// it before Close.
func (s *socket) Vanish() {
	s.n.w.mu.Lock()
	defer s.n.w.mu.Unlock()
	s.fail(io.ErrClosedPipe)
}

// Close is the client's end; the node notices it a moment later.
func (s *socket) Close() error {
	w := s.n.w
	w.mu.Lock()
	defer w.mu.Unlock()
	s.fail(io.ErrClosedPipe)
	if !s.hole && !s.n.cutOff && !s.dead && s.epoch == s.n.epoch {
		s.n.at(w.opt.Delays.Request, "close", s.n.name, s.end)
	}
	return nil
}
