package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"hotline/internal/acd"
	"hotline/internal/apiclient"
	"hotline/internal/lab"
	"hotline/internal/phone"
)

const (
	// dialGap keeps callers apart, so that there is no doubt who came first.
	dialGap = 200 * time.Millisecond
	// watchEvery is how often a conversation is listened to.
	watchEvery = 100 * time.Millisecond
	// putDown is how long somebody whose partner has hung up waits before doing so too.
	putDown = 1500 * time.Millisecond
	// floodPatience is how long callers of a flood wait.
	floodPatience = 10 * time.Second
	// meetWait is how long an agent who has lifted waits to hear the caller.
	meetWait = 15 * time.Second
	// deadLine is after how long without sound an agent whose second line rings puts
	// the first down.
	deadLine = time.Second
)

// hurryAfter is when callers hang up after the fault was injected, one each.
var hurryAfter = []time.Duration{30 * time.Millisecond, 400 * time.Millisecond}

// crowd is all people at their phones: agents, and callers so many that some always wait.
type crowd struct {
	load   load
	dial   string
	server string
	agents []*agent
	sites  []*phone.Site
	site   *phone.Site // the callers'
	rng    *rand.Rand  // guarded by mu

	closing chan struct{} // closed when long conversations are to end
	tasks   sync.WaitGroup

	mu       sync.Mutex
	people   map[string]*person // guarded by mu; by number
	order    []*person          // guarded by mu; in the order of dialling
	faulted  time.Time          // guarded by mu; when the fault was injected; zero: not yet
	usual    time.Duration      // guarded by mu; the longest gap before the fault
	gaps     []gap              // guarded by mu
	measured bool               // guarded by mu; no gaps are measured any more
	notes    []string           // guarded by mu
	ended    bool               // guarded by mu; no conversation begins any more
}

// load says how many people there are and how they behave.
type load struct {
	Agents int
	Calls  int // calls in progress at a time: waiting, ringing and talking together
	Long   int // so many agents keep their first caller until the end
	// Silence is how long people bear hearing nothing at all before they hang up.
	Silence time.Duration
}

// person is one caller; guarded by the crowd's mu once dialled, where not said otherwise.
type person struct {
	number string     // set before dialling
	tone   phone.Tone // set before dialling
	call   *phone.Call
	placed time.Time
	rings  []*ring
	talk   *talk // that in which both have heard each other
	ended  time.Time
	fate   fate
	why    string
	extra  bool // of a flood: may be turned away
}

// ring is one offer as the agent's phone saw it, and the conversation after it.
type ring struct {
	agent    *agent
	from     time.Time
	to       time.Time // zero: it goes on
	answered bool
}

// talk is one conversation in which each has heard the other.
type talk struct {
	agent    *agent
	from, to time.Time
	long     bool          // lasts until the end of the run
	during   bool          // in progress when the fault was injected
	hurry    chan struct{} // closed when the caller is to hang up now
	silent   time.Duration // the longest stretch in which one did not hear the other
}

// fate is how a call ended as the phones saw it.
type fate string

const (
	served  fate = "served"  // talked, and one of the two hung up
	torn    fate = "torn"    // ended in the middle of the conversation by neither
	dropped fate = "dropped" // ended while waiting, by the far end
	mute    fate = "mute"    // heard nothing any more, and hung up
	refused fate = "refused" // never answered
	left    fate = "left"    // hung up at the end of the run without having been served
)

// gap is how long a free agent was not rung after the fault.
type gap struct {
	agent string
	took  time.Duration
	at    time.Time
}

// open registers the agents' phones and logs them in.
func openCrowd(ctx context.Context, l *lab.Lab, api *apiclient.Client, ld load, seed uint64) (*crowd, error) {
	c := &crowd{
		load: ld, dial: l.Config.Entries[0].Number, server: l.SIP, people: map[string]*person{},
		closing: make(chan struct{}), rng: rand.New(rand.NewPCG(seed, 1)),
	}
	passwords, err := l.SeatPasswords()
	if err != nil {
		return nil, err
	}
	if c.site, err = c.newSite(l.Callers); err != nil {
		return nil, err
	}
	desks, err := c.newSite(l.Seats)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	for i := range ld.Agents {
		seat := fmt.Sprint(lab.FirstSeat + i)
		a := &agent{crowd: c, id: fmt.Sprint(lab.FirstAgent + i), long: i < ld.Long}
		if a.tone, err = phone.ToneAt(i); err == nil {
			a.phone, err = desks.NewPhone(phone.Config{
				User: "seat-" + seat, Password: passwords[seat], Server: c.server, Tone: a.tone, Lines: 2, OnInvite: a.decide,
			})
		}
		if err == nil {
			err = a.phone.Register(ctx)
		}
		if err == nil {
			_, err = api.Login(ctx, acd.AgentID(a.id), acd.SeatID(seat))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("agent %s: %w", a.id, err), c.close())
		}
		c.agents = append(c.agents, a)
	}
	return c, nil
}

func (c *crowd) newSite(addr netip.Addr) (*phone.Site, error) {
	site, err := phone.NewSite(netip.AddrPortFrom(addr, 0).String())
	if err == nil {
		c.sites = append(c.sites, site)
	}
	return site, err
}

// ready makes all agents ready.
func (c *crowd) ready(ctx context.Context, api *apiclient.Client) error {
	for _, a := range c.agents {
		if _, err := api.SetReady(ctx, acd.AgentID(a.id)); err != nil {
			return err
		}
	}
	return nil
}

// run lets callers dial until ctx is done, so that the calls in progress are as many
// as the load says.
func (c *crowd) run(ctx context.Context) {
	tick := time.NewTicker(dialGap)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.count().calls < c.load.Calls {
			c.call(false)
		}
	}
}

// call lets one more caller dial.
func (c *crowd) call(extra bool) {
	c.mu.Lock()
	n := len(c.order)
	p := &person{extra: extra, placed: time.Now()}
	// What the API shows of a number, three digits and two, must tell two callers apart
	// who are on the line at the same time.
	p.number = fmt.Sprintf("%03d518%03d%02d", 130+n/100%700, n/70000, n%100)
	p.tone, _ = phone.ToneAt(len(c.agents) + n%(phone.ToneCount-len(c.agents)))
	c.people[p.number], c.order = p, append(c.order, p)
	c.mu.Unlock()
	c.tasks.Go(func() { c.live(p) })
}

// live is one caller, from dialling to the end of the call.
func (c *crowd) live(p *person) {
	own, err := c.site.NewPhone(phone.Config{User: p.number, Server: c.server, Tone: p.tone})
	if err != nil {
		c.finish(p, refused, err.Error())
		return
	}
	defer func() { _ = own.Close() }()
	c.mu.Lock()
	call, err := own.Dial(c.dial, phone.CallOptions{})
	p.call, p.placed = call, time.Now()
	c.mu.Unlock()
	if err != nil {
		c.finish(p, refused, err.Error())
		return
	}
	listen := time.NewTicker(watchEvery)
	defer listen.Stop()
	var packets flow
	for {
		select {
		case <-call.Done():
			c.hungUp(p)
			return
		case <-listen.C:
			if packets.stalled(call) > c.load.Silence {
				c.finish(p, mute, fmt.Sprintf("heard nothing for %s", c.load.Silence))
				call.Hangup()
				return
			}
			if p.extra && c.givesUp(p) {
				call.Hangup()
				return
			}
		}
	}
}

// givesUp says of a caller of a flood whether patience is at an end.
func (c *crowd) givesUp(p *person) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.talk != nil || p.fate != "" || time.Since(p.placed) < floodPatience {
		return false
	}
	for _, r := range p.rings {
		if r.to.IsZero() {
			return false // just now
		}
	}
	p.fate, p.why, p.ended = left, "gave up", time.Now()
	return true
}

// hungUp says of a call that has ended what became of it, unless somebody who ended it has.
func (c *crowd) hungUp(p *person) {
	end := p.call.Ended()
	c.mu.Lock()
	talking := p.talk != nil
	c.mu.Unlock()
	switch {
	case talking:
		c.finish(p, torn, "ended in the conversation: "+end.Reason)
	case p.call.Times().Answered.IsZero():
		c.finish(p, refused, fmt.Sprintf("%d %s", end.Status, end.Reason))
	default:
		c.finish(p, dropped, "ended while waiting: "+end.Reason)
	}
}

// finish notes the end of a call; only the first word counts.
func (c *crowd) finish(p *person, f fate, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.fate == "" {
		p.fate, p.why, p.ended = f, why, time.Now()
	}
}

// counts are the calls in progress.
type counts struct{ calls, waiting, talking, long int }

func (c *crowd) count() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counted()
}

func (c *crowd) counted() counts {
	var n counts
	for _, p := range c.order {
		switch {
		case p.fate != "" || p.extra:
			continue
		case p.talk != nil:
			n.talking++
			if p.talk.long {
				n.long++
			}
		default:
			n.waiting++
		}
		n.calls++
	}
	return n
}

// steady reports whether the house is as full as it is to be.
func (c *crowd) steady() bool {
	n := c.count()
	return n.calls >= c.load.Calls && n.long >= c.load.Long && n.talking >= c.load.Agents/2 && n.waiting > 0
}

// fault notes that the fault is injected now, and returns what is in progress. Two
// callers hang up in the middle of it, so that there are agents who are free.
func (c *crowd) fault() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faulted = time.Now()
	hurried := 0
	for _, p := range c.order {
		if p.fate != "" || p.talk == nil {
			continue
		}
		p.talk.during = true
		if !p.talk.long && hurried < len(hurryAfter) {
			time.AfterFunc(hurryAfter[hurried], func() { close(p.talk.hurry) })
			hurried++
		}
	}
	return c.counted()
}

// reached is how many callers have been answered by the hotline.
func (c *crowd) reached() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.order {
		if p.fate != refused {
			n++
		}
	}
	return n
}

// allOffered reports whether every agent has been rung since the fault, but those who
// have been talking all the time.
func (c *crowd) allOffered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.agents {
		keeping := a.long && a.met == 1 && a.call != nil
		if a.offers == 0 && !keeping {
			return false
		}
	}
	return true
}

// measureRest ends the measuring of gaps: who is free now, while callers wait, has a
// gap until now.
func (c *crowd) measureRest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.counted().waiting > 0 {
		for _, a := range c.agents {
			if a.call == nil {
				a.measure(now)
			}
		}
	}
	c.measured = true
}

// note keeps a sentence for the result.
func (c *crowd) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) < 20 {
		c.notes = append(c.notes, fmt.Sprintf(format, args...))
	}
}

// drain waits, without new callers, until all are served; who is not in time hangs up.
func (c *crowd) drain(ctx context.Context) {
	c.measureRest()
	close(c.closing)
	poll := time.NewTicker(watchEvery)
	defer poll.Stop()
	for c.count().calls > 0 {
		select {
		case <-poll.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	c.mu.Lock()
	c.ended = true
	var rest []*person
	for _, p := range c.order {
		if p.fate == "" {
			rest = append(rest, p)
		}
	}
	c.mu.Unlock()
	for _, p := range rest {
		c.finish(p, left, "was not served until the end")
		if p.call != nil {
			p.call.Hangup()
		}
	}
	for _, a := range c.agents {
		a.putDown()
	}
	c.tasks.Wait()
}

// close closes all phones.
func (c *crowd) close() error {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	var group sync.WaitGroup
	errs := make([]error, len(c.sites))
	for i, site := range c.sites {
		group.Go(func() { errs[i] = site.Close() })
	}
	group.Wait()
	c.tasks.Wait()
	return errors.Join(errs...)
}

// flow watches whether packets come.
type flow struct {
	seen uint64
	last time.Time
}

// stalled is how long no packet has come.
func (f *flow) stalled(call *phone.Call) time.Duration {
	now, n := time.Now(), call.Stats().Received
	if n != f.seen || f.last.IsZero() {
		f.seen, f.last = n, now
	}
	return now.Sub(f.last)
}
