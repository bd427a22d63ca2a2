package faultsim

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"hotline/internal/asterisk/arimodel"
)

var errKilled = errors.New("this process was killed")

// pauseLimit is for how long a process may be stopped and yet carry out what it was about
// to do: after that it would have asked first whether it still leads.
const pauseLimit = time.Second

// wire is the way of one process to the nodes.
type wire struct {
	world   *arimodel.World
	command func(method, path string) // is told every request that changes something
	done    func(path string)         // is told each of them that succeeded, and whose reply arrives

	mu      sync.Mutex
	dead    bool          // guarded by mu
	frozen  chan struct{} // guarded by mu; closed when the process runs again
	cut     chan struct{} // guarded by mu; closed when packets pass again
	sockets map[*line]bool
}

func newWire(world *arimodel.World, command func(method, path string), done func(path string)) *wire {
	return &wire{world: world, command: command, done: done, sockets: map[*line]bool{}}
}

// awake waits until the process is not stopped, and for one who reads until it is not cut
// off, or until closed.
func (w *wire) awake(cut bool, closed <-chan struct{}) error {
	for {
		w.mu.Lock()
		wait := w.frozen
		if wait == nil && cut {
			wait = w.cut
		}
		dead := w.dead
		w.mu.Unlock()
		switch {
		case dead:
			return errKilled
		case wait == nil:
			return nil
		}
		select {
		case <-wait:
		case <-closed:
			return net.ErrClosed
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	if err := w.awake(false, nil); err != nil {
		return nil, err
	}
	if time.Since(began) > pauseLimit {
		return nil, errors.New("a process that is stopped does not begin this")
	}
	w.mu.Lock()
	cut := w.cut
	w.mu.Unlock()
	if cut != nil { // lost
		<-req.Context().Done()
		if err := w.awake(false, nil); err != nil {
			return nil, err
		}
		return nil, req.Context().Err()
	}
	if req.Method != http.MethodGet {
		w.command(req.Method, req.URL.Path)
	}
	resp, err := w.world.RoundTrip(req)
	if err := w.awake(false, nil); err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		return nil, err
	}
	if err == nil && req.Method != http.MethodGet && resp.StatusCode < 300 {
		w.done(req.URL.Path)
	}
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		l := &line{w: w, inner: resp.Body.(ending), closed: make(chan struct{})}
		resp.Body = l
		w.mu.Lock()
		w.sockets[l] = true
		w.mu.Unlock()
	}
	return resp, err
}

func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = make(chan struct{})
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.frozen)
	w.frozen = nil
}

// cutOff loses requests and holds events back, as TCP does.
func (w *wire) cutOff(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if yes {
		w.cut = make(chan struct{})
	} else if w.cut != nil {
		close(w.cut)
		w.cut = nil
	}
}

// kill lets nothing pass any more. With its host, the nodes do not notice it before release.
func (w *wire) kill(withHost bool) (release func()) {
	w.mu.Lock()
	w.dead = true
	if w.frozen != nil {
		close(w.frozen)
		w.frozen = nil
	}
	if w.cut != nil {
		close(w.cut)
		w.cut = nil
	}
	lines := w.sockets
	w.sockets = map[*line]bool{}
	w.mu.Unlock()
	closeAll := func() {
		for l := range lines {
			_ = l.inner.Close()
		}
	}
	if !withHost {
		closeAll()
		return func() {}
	}
	for l := range lines {
		l.inner.Vanish()
	}
	return closeAll
}

// ending is an event connection of the model.
type ending interface {
	io.ReadWriteCloser
	Vanish()
}

// line is an event connection of a process.
type line struct {
	w      *wire
	inner  ending
	closed chan struct{}
	close  sync.Once
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.inner.Read(b)
	if dead := l.w.awake(true, l.closed); dead != nil {
		return 0, dead
	}
	return n, err
}

func (l *line) Write(b []byte) (int, error) {
	if dead := l.w.awake(false, l.closed); dead != nil {
		return 0, dead
	}
	l.w.mu.Lock()
	cut := l.w.cut != nil
	l.w.mu.Unlock()
	if cut {
		return len(b), nil
	}
	return l.inner.Write(b)
}

func (l *line) Close() error {
	l.close.Do(func() { close(l.closed) })
	l.w.mu.Lock()
	delete(l.w.sockets, l)
	dead := l.w.dead
	l.w.mu.Unlock()
	if dead {
		return nil // the kernel has closed it, or the host is gone
	}
	return l.inner.Close()
}
