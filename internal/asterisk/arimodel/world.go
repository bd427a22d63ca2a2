package arimodel

import (
	"container/heap"
	"fmt"
	"sync"
	"time"
)

// Range bounds a delay.
type Range struct{ Min, Max time.Duration }

// Delays are how long things take.
type Delays struct {
	Request, Reply Range // a request on its way, and its answer
	Event          Range // from its cause to the client; order is kept
	SIP            Range // a message between a phone and a node
	Thread         Range // until the thread of a channel has done what it was told
	Notice         Range // until a person hangs up a call that a dead node has had
}

var ordinary = Delays{
	Request: Range{200 * time.Microsecond, 2 * time.Millisecond},
	Reply:   Range{200 * time.Microsecond, 2 * time.Millisecond},
	Event:   Range{200 * time.Microsecond, 3 * time.Millisecond},
	SIP:     Range{time.Millisecond, 10 * time.Millisecond},
	Thread:  Range{100 * time.Microsecond, 2 * time.Millisecond},
	Notice:  Range{time.Second, 5 * time.Second},
}

// Options are those of a world; every zero value takes its default.
type Options struct {
	Seed   uint64
	Delays Delays // where Max is zero: as on a machine that is not busy
	// Prompts are the lengths of prompts by their names; Prompt is that of all
	// others, two seconds by default.
	Prompts map[string]time.Duration
	Prompt  time.Duration
	// Missing are prompts that are not there.
	Missing map[string]bool
	// Entries are the numbers that the dialplan knows; 12345 by default.
	Entries []string
	// Log receives a line for everything that happens; nil: nobody listens.
	Log func(line string)
}

// World is a number of nodes, the phones that reach them, and chance. All
// methods are safe for concurrent use.
type World struct {
	opt   Options
	began time.Time

	mu     sync.Mutex // guards all below, and everything in nodes, channels and phones
	agenda agenda
	seq    uint64
	timer  *time.Timer
	wakes  time.Time // when the timer fires; zero: it does not
	draws  map[string]uint64
	nodes  map[string]*Node // by host
	phones map[string]*Phone
}

// New makes a world without nodes.
func New(o Options) *World {
	defaults := []struct{ r, d *Range }{
		{&o.Delays.Request, &ordinary.Request}, {&o.Delays.Reply, &ordinary.Reply}, {&o.Delays.Event, &ordinary.Event},
		{&o.Delays.SIP, &ordinary.SIP}, {&o.Delays.Thread, &ordinary.Thread}, {&o.Delays.Notice, &ordinary.Notice},
	}
	for _, x := range defaults {
		if x.r.Max == 0 {
			*x.r = *x.d
		}
	}
	if o.Prompt == 0 {
		o.Prompt = 2 * time.Second
	}
	if o.Entries == nil {
		o.Entries = []string{"12345"}
	}
	return &World{
		opt: o, began: time.Now(), draws: map[string]uint64{},
		nodes: map[string]*Node{}, phones: map[string]*Phone{},
	}
}

// item is something that will happen. When node is set it happens there, and
// not at all if that incarnation of the node is gone by then.
type item struct {
	at    time.Time
	seq   uint64
	node  *Node
	epoch int
	run   func()
	off   bool
}

type agenda []*item

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*item)) }
func (a *agenda) Pop() any {
	old := *a
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return it
}

// after lets something happen later, at a node or (nil) anywhere.
func (w *World) after(d time.Duration, n *Node, run func()) *item {
	it := &item{at: time.Now().Add(d), seq: w.seq, node: n, run: run}
	if n != nil {
		it.epoch = n.epoch
	}
	w.seq++
	heap.Push(&w.agenda, it)
	w.wake()
	return it
}

// wake sets the timer to the next item.
func (w *World) wake() {
	for len(w.agenda) > 0 && w.agenda[0].off {
		heap.Pop(&w.agenda)
	}
	if len(w.agenda) == 0 {
		return
	}
	next := w.agenda[0].at
	if !w.wakes.IsZero() && !next.Before(w.wakes) {
		return
	}
	w.wakes = next
	if w.timer == nil {
		w.timer = time.AfterFunc(time.Until(next), w.due)
	} else {
		w.timer.Reset(time.Until(next))
	}
}

// due lets everything happen whose time has come.
func (w *World) due() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for len(w.agenda) > 0 && !w.agenda[0].at.After(now) {
		it := heap.Pop(&w.agenda).(*item)
		n := it.node
		switch {
		case it.off || n != nil && n.epoch != it.epoch:
		case n != nil && n.frozen:
			n.stuck = append(n.stuck, it)
		default:
			it.run()
		}
	}
	w.wakes = time.Time{}
	w.wake()
}

// Close lets nothing happen any more, so that a bubble can end.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agenda = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// draw chooses a delay by the seed, by what is delayed, and by how often that was.
func (w *World) draw(r Range, what, of string) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	key := what + " " + of
	count := w.draws[key]
	w.draws[key] = count + 1
	h := hash(w.opt.Seed, count, key)
	return r.Min + time.Duration(h%uint64(r.Max-r.Min+1))
}

// hash makes a number of a seed, a count and a text, as good as by chance.
func hash(seed, count uint64, text string) uint64 {
	h := seed*0x9e3779b97f4a7c15 + count*0xbf58476d1ce4e5b9 + 0x2545f4914f6cdd1d
	for i := 0; i < len(text); i++ {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

func (w *World) log(format string, args ...any) {
	if w.opt.Log != nil {
		w.opt.Log(fmt.Sprintf("%12v ", time.Since(w.began)) + fmt.Sprintf(format, args...))
	}
}
