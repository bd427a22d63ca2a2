package asterisk_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes connections on to Asterisk until it is cut.
type proxy struct {
	addr string
	ln   net.Listener
	to   string
	wg   sync.WaitGroup
	mu   sync.Mutex
	off  bool // guarded by mu
	open map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	noErr(t, err)
	p := &proxy{addr: ln.Addr().String(), ln: ln, to: to, open: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	if !p.hold(c) {
		return
	}
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	p.hold(up)
	p.wg.Go(func() {
		io.Copy(up, c)
		up.Close()
	})
	io.Copy(c, up)
}

// cut closes all connections, and refuses new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = true
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = false
}
