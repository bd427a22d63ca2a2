package redismodel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fault is what befalls what a client sends at once; the zero value: nothing.
type Fault struct {
	Delay   time.Duration // it arrives later by that
	Lost    bool          // the connection breaks before it arrives
	NoReply bool          // it is carried out, and the connection breaks before the reply
	Silent  bool          // with Lost or NoReply: nothing breaks, and nothing comes
}

// Link is the way of one client to a Redis.
type Link struct {
	r      *Redis
	name   string
	conns  map[*conn]bool
	cut    bool // no packet comes or goes
	dead   bool // the client was killed
	frozen chan struct{}
	faults func(what string) Fault
}

// Link adds a client; name tells it in the log, and chance goes by it.
func (r *Redis) Link(name string) *Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &Link{r: r, name: name, conns: map[*conn]bool{}}
	r.links = append(r.links, l)
	return l
}

// SetFaults says what befalls what is sent from now on; nil: nothing. The function is
// told the first command and, of a script, its first argument; it must not call
// methods of this package.
func (l *Link) SetFaults(f func(what string) Fault) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.faults = f
}

// ByChance lets that share of what is sent fail, each in one of the ways there are.
func ByChance(seed uint64, share float64) func(what string) Fault {
	made := map[string]uint64{}
	return func(what string) Fault {
		h := hash(seed, made[what], what)
		made[what]++
		if float64(h%1000)/1000 >= share {
			return Fault{}
		}
		switch h = h / 1000; h % 5 {
		case 0:
			return Fault{Lost: true}
		case 1:
			return Fault{Lost: true, Silent: true}
		case 2:
			return Fault{NoReply: true}
		case 3:
			return Fault{NoReply: true, Silent: true}
		}
		return Fault{Delay: time.Duration(h % uint64(5*time.Second))}
	}
}

// Cut lets no packet pass, and what is sent meanwhile is lost.
func (l *Link) Cut(yes bool) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.log("%s is cut off: %v", l.name, yes)
	l.cut = yes
	for c := range l.conns {
		c.hole = true
	}
}

// Break breaks the connections that there are; new ones can be made.
func (l *Link) Break() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.log("connections of %s break", l.name)
	l.breakConns()
}

// Kill ends the client: what it has sent still arrives, and it sends nothing more.
func (l *Link) Kill() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.dead = true
	l.breakConns()
}

// Freeze lets the client neither send nor read until Thaw, whatever its timeouts say,
// as if it had been stopped.
func (l *Link) Freeze() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if l.frozen == nil {
		l.frozen = make(chan struct{})
	}
}

// Thaw ends Freeze.
func (l *Link) Thaw() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

// awake waits until the client is not frozen.
func (l *Link) awake() {
	for {
		l.r.mu.Lock()
		frozen := l.frozen
		l.r.mu.Unlock()
		if frozen == nil {
			return
		}
		<-frozen
	}
}

func (l *Link) breakConns() {
	for c := range l.conns {
		c.fail(errReset)
	}
	clear(l.conns)
}

var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errKilled  = errors.New("the client was killed")
)

// Dial connects, as a net.Dialer does; the address does not matter.
func (l *Link) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	l.awake()
	l.r.mu.Lock()
	cut, dead := l.cut, l.dead
	wait := l.r.draw(l.name + " dial")
	l.r.mu.Unlock()
	if dead {
		return nil, errKilled
	}
	var timer <-chan time.Time
	if !cut {
		timer = time.After(wait)
	}
	select {
	case <-timer:
	case <-ctx.Done():
		l.awake()
		return nil, ctx.Err()
	}
	l.awake()
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	switch {
	case l.dead:
		return nil, errKilled
	case l.r.down:
		return nil, errRefused
	}
	c := &conn{l: l, changed: make(chan struct{}), hole: l.cut, run: l.r.runs}
	l.conns[c] = true
	return c, nil
}

// conn is the client's end of a connection, and all that the server knows of its own.
type conn struct {
	l        *Link
	session  session
	run      int       // of the Redis
	in       []byte    // what the client has not read yet
	err      error     // what it reads after that
	out      []byte    // a command of which a part is still to come
	there    lane      // packets on their way to the server
	back     lane      // and replies on theirs
	deadline time.Time // of reading
	changed  chan struct{}
	hole     bool // whatever is sent vanishes
}

func (c *conn) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *conn) fail(err error) {
	if c.err == nil {
		c.err = err
		c.wake()
	}
}

// Write takes whole commands, and sends them as one packet.
func (c *conn) Write(b []byte) (int, error) {
	c.l.awake()
	r := c.l.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.out = append(c.out, b...)
	var packet [][]string
	for text := string(c.out); ; {
		args, rest, ok := parseCommand(text)
		if !ok {
			c.out = append(c.out[:0], text...)
			break
		}
		text = rest
		packet = append(packet, args)
	}
	if len(packet) > 0 {
		c.send(packet)
	}
	return len(b), nil
}

// what names a packet: by its first command and, of a script, its first argument.
func what(packet [][]string) string {
	args := packet[0]
	name := strings.ToUpper(args[0])
	if !strings.HasPrefix(name, "EVAL") || len(args) < 3 {
		return name
	}
	if n, err := strconv.Atoi(args[2]); err == nil && len(args) > 3+n {
		return name + " " + args[3+n]
	}
	return name
}

func (c *conn) send(packet [][]string) {
	l, r := c.l, c.l.r
	name := what(packet)
	fault := Fault{}
	if l.faults != nil {
		fault = l.faults(name)
	}
	if fault != (Fault{}) {
		r.log("%s: %s: %+v", l.name, name, fault)
	}
	wait := r.draw(l.name+" "+name) + fault.Delay
	if c.hole || l.cut || fault.Lost && fault.Silent {
		c.hole = true
		return
	}
	c.there.after(r, wait, func() {
		switch {
		case r.down || c.run != r.runs:
			return
		case fault.Lost:
			c.fail(errReset)
			return
		case c.hole || l.cut:
			c.hole = true
			return
		}
		var reply []byte
		for _, args := range packet {
			reply = appendReply(reply, r.handle(&c.session, args), c.session.resp3)
		}
		c.reply(reply, name, fault)
	})
}

func (c *conn) reply(reply []byte, name string, fault Fault) {
	l, r := c.l, c.l.r
	if fault.NoReply && fault.Silent {
		c.hole = true
	}
	c.back.after(r, r.draw(l.name+" reply "+name), func() {
		switch {
		case fault.NoReply && !fault.Silent:
			c.fail(errReset)
		case c.hole || l.cut || c.err != nil:
		default:
			c.in = append(c.in, reply...)
			c.wake()
		}
	})
}

// lane lets things happen in the order in which they were begun.
type lane struct {
	last    time.Time
	pending []func()
}

// after lets something happen later, with r.mu held, as it is now.
func (q *lane) after(r *Redis, wait time.Duration, run func()) {
	at := time.Now().Add(wait)
	if !at.After(q.last) {
		at = q.last.Add(1)
	}
	q.last = at
	q.pending = append(q.pending, run)
	time.AfterFunc(time.Until(at), func() {
		growStack()
		r.mu.Lock()
		defer r.mu.Unlock()
		next := q.pending[0] // timers of a real clock may fire out of order
		q.pending = q.pending[1:]
		next()
	})
}

// growStack makes the stack of a goroutine as large as an interpreter needs it, at once and
// while there is little on it that must be moved.
//
//go:noinline
func growStack() { touch(&[12 << 10]byte{}) }

//go:noinline
func touch(*[12 << 10]byte) {}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	r := c.l.r
	for {
		c.l.awake()
		r.mu.Lock()
		if len(c.in) > 0 {
			k := copy(b, c.in)
			c.in = c.in[k:]
			r.mu.Unlock()
			return k, nil
		}
		err, changed, deadline := c.err, c.changed, c.deadline
		r.mu.Unlock()
		switch {
		case err != nil:
			return 0, err
		case deadline.IsZero():
			<-changed
			continue
		case !time.Now().Before(deadline):
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (c *conn) Close() error {
	c.l.r.mu.Lock()
	defer c.l.r.mu.Unlock()
	c.fail(net.ErrClosed)
	delete(c.l.conns, c)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.l.r.mu.Lock()
	defer c.l.r.mu.Unlock()
	c.deadline = t
	c.wake()
	return nil
}

func (c *conn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
func (c *conn) LocalAddr() net.Addr              { return address(c.l.name) }
func (c *conn) RemoteAddr() net.Addr             { return address("redis") }

type address string

func (a address) Network() string { return "model" }
func (a address) String() string  { return string(a) }

// parseCommand takes one command off what a client has sent.
func parseCommand(b string) (args []string, rest string, ok bool) {
	number := func(mark byte) (int, bool) {
		end := strings.IndexByte(b, '\n')
		if end < 2 || b[0] != mark {
			return 0, false
		}
		n, err := strconv.Atoi(b[1 : end-1])
		b = b[end+1:]
		return n, err == nil
	}
	n, ok := number('*')
	if !ok {
		return nil, "", false
	}
	args = make([]string, 0, n)
	for range n {
		size, ok := number('$')
		if !ok || len(b) < size+2 {
			return nil, "", false
		}
		args, b = append(args, b[:size]), b[size+2:]
	}
	return args, b, true
}

func appendReply(b []byte, reply any, resp3 bool) []byte {
	line := func(mark byte, text string) []byte { return append(append(append(b, mark), text...), '\r', '\n') }
	many := func(mark byte, n int, list []any) []byte {
		b = line(mark, strconv.Itoa(n))
		for _, one := range list {
			b = appendReply(b, one, resp3)
		}
		return b
	}
	switch v := reply.(type) {
	case string:
		b = line('$', strconv.Itoa(len(v)))
		return append(append(b, v...), '\r', '\n')
	case int64:
		return line(':', strconv.FormatInt(v, 10))
	case status:
		return line('+', string(v))
	case failure:
		return line('-', string(v))
	case []any:
		return many('*', len(v), v)
	case pairs:
		if resp3 {
			return many('%', len(v)/2, v)
		}
		return many('*', len(v), v)
	}
	if resp3 {
		return line('_', "")
	}
	return line('$', "-1")
}

var _ io.ReadWriteCloser = (*conn)(nil)
