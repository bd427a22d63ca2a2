package redistest

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy stands between a client and a Redis and can spoil the connection.
type Proxy struct {
	// Address is the path of the socket on which the proxy listens.
	Address string

	upstream string
	listener net.Listener
	work     sync.WaitGroup

	mu    sync.Mutex
	cut   []byte // cut when the reply to a request with this text comes; guarded by mu
	cuts  int    // guarded by mu
	pause []byte // guarded by mu; see Pause
	then  func() // guarded by mu
	conns map[net.Conn]bool
}

// StartProxy runs a proxy for server until the test ends.
func StartProxy(t testing.TB, server *Server) *Proxy {
	t.Helper()
	p := &Proxy{Address: filepath.Join(t.TempDir(), "p"), upstream: server.Address, conns: map[net.Conn]bool{}}
	var err error
	if p.listener, err = net.Listen("unix", p.Address); err != nil {
		t.Fatal(err)
	}
	p.work.Go(p.accept)
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.mu.Lock()
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.work.Wait()
	})
	return p
}

// CutReply makes the proxy cut the connection, once, when Redis begins to
// reply to a request that contains text: what was asked has been done, and the
// client does not learn it.
func (p *Proxy) CutReply(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = []byte(text)
}

// Cuts is how many connections were cut by CutReply.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Pause makes the proxy hold back, once, a request from text on. It passes on
// what comes before, waits until Redis has replied to that, and runs then
// before the rest goes on: another client's work between two commands of one
// pipeline.
func (p *Proxy) Pause(text string, then func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause, p.then = []byte(text), then
}

// pauseAt is where in data to pause, and for what; -1 for not at all.
func (p *Proxy) pauseAt(data []byte) (int, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := -1
	if p.pause != nil {
		at = bytes.Index(data, p.pause)
	}
	if at < 0 {
		return at, nil
	}
	then := p.then
	p.pause, p.then = nil, nil
	return at, then
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				panic(err)
			}
			return
		}
		redis, err := net.Dial("unix", p.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[redis] = true, true
		p.mu.Unlock()
		p.serve(client, redis)
	}
}

func (p *Proxy) serve(client, redis net.Conn) {
	var spoiled sync.Mutex
	asked := false // a request with the text was seen; guarded by spoiled
	replied := make(chan struct{}, 1)
	hangUp := func() {
		_ = client.Close()
		_ = redis.Close()
		p.mu.Lock()
		delete(p.conns, client)
		delete(p.conns, redis)
		p.mu.Unlock()
	}
	p.work.Go(func() {
		defer hangUp()
		pump(client, redis, func(data []byte) ([]byte, bool) {
			p.mu.Lock()
			found := p.cut != nil && bytes.Contains(data, p.cut)
			p.mu.Unlock()
			spoiled.Lock()
			asked = asked || found
			spoiled.Unlock()
			at, then := p.pauseAt(data)
			if at <= 0 {
				return data, true
			}
			select {
			case <-replied: // to an earlier request
			default:
			}
			if _, err := redis.Write(data[:at]); err != nil {
				return nil, false
			}
			<-replied
			then()
			return data[at:], true
		})
	})
	p.work.Go(func() {
		defer hangUp()
		defer close(replied)
		pump(redis, client, func(data []byte) ([]byte, bool) {
			select {
			case replied <- struct{}{}:
			default:
			}
			spoiled.Lock()
			defer spoiled.Unlock()
			if !asked {
				return data, true
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cut = nil
			p.cuts++
			return nil, false
		})
	})
}

// pump copies what pass makes of it until an end closes or pass says no.
func pump(from, to net.Conn, pass func([]byte) ([]byte, bool)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			data, ok := pass(buffer[:n])
			if !ok {
				return
			}
			if _, err := to.Write(data); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
