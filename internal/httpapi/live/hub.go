package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
	"hotline/internal/httpapi/view"
)

const (
	// every is the time between two looks.
	every = 200 * time.Millisecond
	// beatEvery is the time between two heartbeats.
	beatEvery = 15 * time.Second
	// lookBound is how long a look may take; whoever follows is told when it takes longer.
	lookBound = 2 * time.Second
	// keepFor is how long changes are followed when nobody asks, for who comes back.
	keepFor = time.Minute
	// What is kept of the past, for who comes back: two minutes of changes at every look.
	mostKept      = 600
	mostKeptBytes = 8 << 20
	// mostWaiting is how many events wait for a client before it is cut off.
	mostWaiting = 32
	// mostClients bounds memory and connections.
	mostClients = 5000
)

// Why a stream ends, or cannot begin.
var (
	ErrSlow   = errors.New("the client does not take the events in time")
	ErrFull   = errors.New("too many clients follow events")
	ErrEnding = errors.New("the controller is shutting down")
)

// Meter counts clients. It must not block.
type Meter interface {
	// EventClients is how many there are now.
	EventClients(now int)
	// EventClientCutOff counts one whose stream was ended from here; reason is one of a fixed few.
	EventClientCutOff(reason string)
}

// Options are what a Hub is made of.
type Options struct {
	Snapshot func(context.Context) (acd.Snapshot, error)
	// Alerts are those of a snapshot that was just taken; nil: there are none. It must not block.
	Alerts func(acd.Snapshot) []alert.Alert
	Meter  Meter // may be nil
}

// Hub follows the site for all clients.
type Hub struct {
	o      Options
	epoch  string // tells the ids of this process from all others
	joins  chan join
	leaves chan *Client
	done   chan struct{}

	// What follows is owned by the goroutine in Run.
	seq     uint64                        // of the newest batch or fresh beginning
	since   uint64                        // the oldest after which every change is kept
	now     *seen                         // nil: nobody asks
	kept    []batch                       // the oldest first
	size    int                           // of kept, in bytes
	clients int                           // in views
	views   map[View]map[*Client]struct{} // who sees what
	empty   time.Time                     // when the last client left
}

type join struct {
	view  View
	last  string
	reply chan<- joined
}

type joined struct {
	client *Client
	err    error
}

// Client is one stream.
type Client struct {
	hub    *Hub
	view   View
	frames chan []byte
	over   chan struct{}
	why    error // set before over is closed
}

// New makes a hub; Run starts it.
func New(o Options) *Hub {
	if o.Meter == nil {
		o.Meter = noMeter{}
	}
	return &Hub{
		o: o, epoch: strings.ToLower(rand.Text()[:10]), joins: make(chan join), leaves: make(chan *Client), done: make(chan struct{}),
		views: make(map[View]map[*Client]struct{}),
	}
}

type noMeter struct{}

func (noMeter) EventClients(int)         {}
func (noMeter) EventClientCutOff(string) {}

// Join begins a stream: with what came after the event with the id last when that is
// kept, else with a snapshot. An error is that of Snapshot, ErrFull or ErrEnding.
func (h *Hub) Join(ctx context.Context, v View, last string) (*Client, error) {
	reply := make(chan joined, 1)
	select {
	case h.joins <- join{v, last, reply}:
		j := <-reply
		return j.client, j.err
	case <-h.done:
		return nil, ErrEnding
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Events is what to send, in order; all clients share the bytes.
func (c *Client) Events() <-chan []byte { return c.frames }

// Over is closed when nothing more comes; Why says the reason then.
func (c *Client) Over() <-chan struct{} { return c.over }

// Why the stream is over.
func (c *Client) Why() error { return c.why }

// CutOff counts that the stream was ended from here.
func (c *Client) CutOff(reason string) { c.hub.o.Meter.EventClientCutOff(reason) }

// Leave ends the stream.
func (c *Client) Leave() {
	select {
	case c.hub.leaves <- c:
	case <-c.hub.done:
	}
}

// Run serves until ctx is done. It is called once.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.done)
	ticker, beat := time.NewTicker(every), time.NewTicker(beatEvery)
	defer ticker.Stop()
	defer beat.Stop()
	for {
		ticks := ticker.C
		if h.now == nil {
			ticks = nil
		}
		select {
		case <-ctx.Done():
			h.end(ErrEnding)
			return nil
		case j := <-h.joins:
			c, err := h.join(ctx, j)
			j.reply <- joined{c, err}
		case c := <-h.leaves:
			h.remove(c)
		case <-ticks:
			h.tick(ctx)
		case <-beat.C:
			h.beat()
		}
	}
}

func (h *Hub) join(ctx context.Context, j join) (*Client, error) {
	if h.clients >= mostClients {
		return nil, ErrFull
	}
	if h.now == nil {
		s, err := h.look(ctx)
		if err != nil {
			return nil, err
		}
		h.begin(s)
	}
	c := &Client{hub: h, view: j.view, frames: make(chan []byte, mostWaiting), over: make(chan struct{})}
	c.frames <- h.first(j.view, j.last)
	if h.views[c.view] == nil {
		h.views[c.view] = make(map[*Client]struct{})
	}
	h.views[c.view][c] = struct{}{}
	h.clients++
	h.o.Meter.EventClients(h.clients)
	return c, nil
}

// prefix of the ids of a view: who sees something else begins anew.
func (h *Hub) prefix(v View) string { return fmt.Sprintf("%s.%x.%s.", h.epoch, uint16(v.Kinds), v.Own) }

func (h *Hub) id(v View, seq uint64) string { return h.prefix(v) + strconv.FormatUint(seq, 10) }

// first is what a client that has seen last is sent first.
func (h *Hub) first(v View, last string) []byte {
	text, ours := strings.CutPrefix(last, h.prefix(v))
	seq, err := strconv.ParseUint(text, 10, 64)
	if !ours || err != nil || seq < h.since || seq > h.seq {
		return h.now.event(h.id(v, h.seq), v)
	}
	var missed []byte
	for i := range h.kept {
		if b := &h.kept[i]; b.seq > seq {
			missed = append(missed, b.event(h.id(v, b.seq), v)...)
		}
	}
	return append(missed, h.heartbeat(v)...)
}

func (h *Hub) look(ctx context.Context) (*seen, error) {
	bounded, cancel := context.WithTimeout(ctx, lookBound)
	defer cancel()
	s, err := h.o.Snapshot(bounded)
	if err != nil {
		return nil, err
	}
	out := view.Of(s)
	if h.o.Alerts != nil {
		out.Alerts = h.o.Alerts(s)
	}
	return &seen{Snapshot: out, events: make(map[View][]byte)}, nil
}

// begin forgets the past.
func (h *Hub) begin(s *seen) {
	h.seq++
	h.now, h.since, h.kept, h.size = s, h.seq, nil, 0
}

func (h *Hub) tick(ctx context.Context) {
	if h.clients == 0 && time.Since(h.empty) >= keepFor {
		h.now, h.kept, h.size = nil, nil, 0
		return
	}
	s, err := h.look(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		h.end(err)
		return
	case s.At.Equal(h.now.At):
		return
	}
	b, whole := compare(&h.now.Snapshot, &s.Snapshot)
	switch {
	case whole:
		h.begin(s)
		h.tell(func(v View) []byte { return s.event(h.id(v, h.seq), v) })
	case len(b.changes) > 0:
		h.now = s
		h.keep(b)
		h.tell(func(v View) []byte { return b.event(h.id(v, h.seq), v) })
	default:
		h.now = s
	}
}

// keep remembers a batch for who comes back.
func (h *Hub) keep(b batch) {
	h.seq++
	b.seq = h.seq
	h.kept = append(h.kept, b)
	h.size += b.size
	for len(h.kept) > mostKept || h.size > mostKeptBytes {
		h.since = h.kept[0].seq
		h.size -= h.kept[0].size
		h.kept = h.kept[1:]
	}
}

// tell sends an event to everybody; it is made once for each view.
func (h *Hub) tell(event func(View) []byte) {
	for v, clients := range h.views {
		e := event(v)
		if e == nil {
			continue
		}
		for c := range clients {
			select {
			case c.frames <- e:
			default:
				h.close(c, ErrSlow)
			}
		}
	}
}

// heartbeat is a comment, with the id of the newest event: a client that none of the last
// ones concerned need not begin anew either. Without data it is no event for the client.
func (h *Hub) heartbeat(v View) []byte { return []byte(":\nid: " + h.id(v, h.seq) + "\n\n") }

func (h *Hub) beat() { h.tell(h.heartbeat) }

// end ends all streams; the next begins with a snapshot.
func (h *Hub) end(why error) {
	for _, clients := range h.views {
		for c := range clients {
			h.close(c, why)
		}
	}
	h.now, h.kept, h.size = nil, nil, 0
}

// close ends a stream.
func (h *Hub) close(c *Client, why error) {
	if h.remove(c) {
		c.why = why
		close(c.over)
	}
}

// remove reports whether the client was still there.
func (h *Hub) remove(c *Client) bool {
	if _, there := h.views[c.view][c]; !there {
		return false
	}
	delete(h.views[c.view], c)
	if len(h.views[c.view]) == 0 {
		delete(h.views, c.view)
	}
	if h.clients--; h.clients == 0 {
		h.empty = time.Now()
	}
	h.o.Meter.EventClients(h.clients)
	return true
}
