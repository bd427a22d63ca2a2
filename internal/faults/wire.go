package faults

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// wire is a TCP connection between two parts that can be slowed down and reset.
type wire struct {
	listener net.Listener
	target   string
	tasks    sync.WaitGroup

	mu     sync.Mutex
	delay  time.Duration     // guarded by mu; of all that the client sends, but event connections
	conns  map[net.Conn]bool // guarded by mu; true: an event connection
	closed bool              // guarded by mu
}

// newWire listens on a free port for connections to target.
func newWire(target string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, target: target, conns: map[net.Conn]bool{}}
	w.tasks.Go(w.accept)
	return w, nil
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.tasks.Go(func() { w.serve(c) })
	}
}

// serve carries one connection.
func (w *wire) serve(c net.Conn) {
	defer c.Close()
	if !w.keep(c) {
		return
	}
	defer w.forget(c)
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		return // the client sees the connection end, as it would a refusal
	}
	defer far.Close()
	if !w.keep(far) {
		return
	}
	defer w.forget(far)
	var both sync.WaitGroup
	both.Go(func() { w.carry(far, c, true); far.Close(); c.Close() })
	both.Go(func() { w.carry(c, far, false); far.Close(); c.Close() })
	both.Wait()
}

func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.conns[c] = false
	return true
}

func (w *wire) forget(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

// carry copies what one side sends to the other.
func (w *wire) carry(to, from net.Conn, fromClient bool) {
	buf := make([]byte, 64<<10)
	events := false
	for first := true; ; first = false {
		n, err := from.Read(buf)
		if n > 0 {
			if first && fromClient && bytes.HasPrefix(buf[:n], []byte("GET /ari/events")) {
				events = true
				w.mu.Lock()
				w.conns[from] = true
				w.mu.Unlock()
			}
			w.mu.Lock()
			delay := w.delay
			w.mu.Unlock()
			if fromClient && !events && delay > 0 {
				time.Sleep(delay)
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// setDelay slows down what clients send, but not on event connections.
func (w *wire) setDelay(d time.Duration) { w.change(func() { w.delay = d }) }

// dropEvents ends the event connections at once, without a word.
func (w *wire) dropEvents() (n int) {
	w.change(func() {
		for c, events := range w.conns {
			if events {
				n++
				if tcp, ok := c.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				c.Close()
			}
		}
	})
	return n
}

// close ends the wire and all its connections.
func (w *wire) close() {
	w.change(func() {
		w.closed = true
		for c := range w.conns {
			c.Close()
		}
	})
	w.listener.Close()
	w.tasks.Wait()
}
