package asterisk

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"
)

// keepAlive is an http.RoundTripper for requests to one node. Whoever asks writes the
// request and reads the answer: net/http's Transport passes both through two goroutines
// of each connection, whose waking took more processor time than the request itself
// (docs/bench.md).
//
// It knows what ARI needs and no more: HTTP/1.1, one host, answers that are read to
// their end by whoever asked.
type keepAlive struct {
	dialer net.Dialer
	tls    *tls.Config
	most   int // how many connections are kept while nobody uses them

	mu     sync.Mutex
	idle   []*keptConn // guarded by mu; those used last at the end
	closed bool        // guarded by mu; nothing is kept any more
}

// keptConn is a connection with room to read ahead.
type keptConn struct {
	net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	used time.Time
}

func newKeepAlive(dialTimeout time.Duration, most int) *keepAlive {
	return &keepAlive{
		dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second},
		tls:    &tls.Config{MinVersion: tls.VersionTLS12}, most: most,
	}
}

// RoundTrip is http.RoundTripper's. An error says nothing of whether the node has seen the
// request, unless it is that of the dial.
func (k *keepAlive) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := k.take(ctx, req.URL)
	if err != nil {
		return nil, err
	}
	// The zero time, when there is no deadline, means none.
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		c.Close()
		return nil, err
	}
	giveUp := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	resp, err := c.ask(req)
	if err != nil {
		giveUp()
		c.abandon()
		return nil, ended(ctx, err)
	}
	resp.Body = &answerBody{ReadCloser: resp.Body, ctx: ctx, giveUp: giveUp, conn: c, of: k, keep: !resp.Close && !req.Close}
	return resp, nil
}

// ended is the reason of a failure: that of the context when it has ended.
func ended(ctx context.Context, err error) error {
	if why := ctx.Err(); why != nil {
		return why
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return context.DeadlineExceeded // the connection's clock was a moment ahead of the context's
	}
	return err
}

func (c *keptConn) ask(req *http.Request) (*http.Response, error) {
	if err := req.Write(c.w); err != nil {
		return nil, err
	}
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	for {
		resp, err := http.ReadResponse(c.r, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 {
			return resp, nil
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return nil, errors.New("the node wants to speak another protocol")
		}
	}
}

// take gives the connection that was used last, or a new one.
func (k *keepAlive) take(ctx context.Context, to *url.URL) (*keptConn, error) {
	for {
		k.mu.Lock()
		n := len(k.idle)
		if n == 0 {
			k.mu.Unlock()
			return k.dial(ctx, to)
		}
		c := k.idle[n-1]
		k.idle[n-1] = nil
		k.idle = k.idle[:n-1]
		k.mu.Unlock()
		if time.Since(c.used) < idleTimeout && c.quiet() {
			return c, nil
		}
		c.Close()
	}
}

func (k *keepAlive) dial(ctx context.Context, to *url.URL) (*keptConn, error) {
	host := to.Host
	if to.Port() == "" {
		host = net.JoinHostPort(to.Hostname(), to.Scheme)
	}
	conn, err := k.dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	if to.Scheme == "https" {
		secure := k.tls.Clone()
		secure.ServerName = to.Hostname()
		t := tls.Client(conn, secure)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		conn = t
	}
	return &keptConn{Conn: conn, r: bufio.NewReader(conn), w: bufio.NewWriter(conn)}, nil
}

// abandon ends a connection whose request was not answered. What the network has not
// taken yet is not sent any more: it would be carried out when a cable is in again, long
// after the request was made anew.
func (c *keptConn) abandon() {
	if tcp, ok := c.under().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// under is the connection below TLS.
func (c *keptConn) under() net.Conn {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c.Conn
}

// quiet reports whether a connection that nobody used is still open and has nothing to
// read: a node that was ended meanwhile has closed it.
func (c *keptConn) quiet() bool {
	if c.r.Buffered() > 0 {
		return false
	}
	raw, ok := c.under().(syscall.Conn)
	if !ok {
		return true
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = rc.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && quiet
}

// put keeps a connection for the next who asks, and closes the one that waited longest
// when it waits no more usefully.
func (k *keepAlive) put(c *keptConn) {
	c.used = time.Now()
	var old []*keptConn
	k.mu.Lock()
	if k.closed {
		old = append(old, c)
	} else {
		k.idle = append(k.idle, c)
		for len(k.idle) > k.most || c.used.Sub(k.idle[0].used) >= idleTimeout {
			old = append(old, k.idle[0])
			k.idle = k.idle[1:]
		}
	}
	k.mu.Unlock()
	for _, c := range old {
		c.Close()
	}
}

// CloseIdleConnections ends those that nobody uses, and keeps no other any more.
func (k *keepAlive) CloseIdleConnections() {
	k.mu.Lock()
	idle := k.idle
	k.idle, k.closed = nil, true
	k.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// answerBody gives its connection back when it was read to its end.
type answerBody struct {
	io.ReadCloser
	ctx    context.Context
	giveUp func() bool
	conn   *keptConn
	of     *keepAlive
	keep   bool
	done   bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.end(b.keep)
	case err != nil:
		err = ended(b.ctx, err)
		b.end(false)
	}
	return n, err
}

// Close ends the connection, unless the answer was read to its end.
func (b *answerBody) Close() error {
	if !b.done {
		b.end(false)
	}
	return nil
}

func (b *answerBody) end(keep bool) {
	b.done = true
	// A context that ended meanwhile is just spoiling the connection's deadline.
	if untouched := b.giveUp(); keep && untouched {
		b.of.put(b.conn)
		return
	}
	b.conn.abandon()
}
