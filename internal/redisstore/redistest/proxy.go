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
		pump(client, redis, func(data []byte) bool {
			p.mu.Lock()
			found := p.cut != nil && bytes.Contains(data, p.cut)
			p.mu.Unlock()
			spoiled.Lock()
			asked = asked || found
			spoiled.Unlock()
			return true
		})
	})
	p.work.Go(func() {
		defer hangUp()
		pump(redis, client, func([]byte) bool {
			spoiled.Lock()
			defer spoiled.Unlock()
			if !asked {
				return true
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cut = nil
			p.cuts++
			return false
		})
	})
}

// pump copies until an end closes or pass says no.
func pump(from, to net.Conn, pass func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !pass(buffer[:n]) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
