package phonescript

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotline/internal/phone"
)

const (
	// defaultWindDown is used when the scenario says nothing.
	defaultWindDown = 30 * time.Second
	// lastWords is how long conversations go on after the waiting callers were
	// sent home, so that both ends have certainly heard each other.
	lastWords = 1500 * time.Millisecond
	// codeWait bounds one feature code, from dialling to the server's hanging up.
	codeWait = 10 * time.Second
	// dialAtOnce bounds the seats that dial codes or register at the same time.
	dialAtOnce = 8
)

// A Script is a scenario with its sockets open, ready to run once.
type Script struct {
	scenario Scenario
	agents   []*agent
	sites    []*phone.Site
	callers  *phone.Site
	tally    *tally

	mu     sync.Mutex
	ending bool           // no agent takes a call any more; owned by mu
	tasks  sync.WaitGroup // conversations of agents; added to under mu unless ending

	// talk ends when everybody must hang up.
	talk    context.Context
	endTalk context.CancelFunc
}

// Run plays a scenario and returns its summary. When ctx ends, everybody hangs
// up within seconds; the summary tells what happened until then.
func Run(ctx context.Context, scenario Scenario) (Summary, error) {
	s, err := New(scenario)
	if err != nil {
		return Summary{}, err
	}
	sum, err := s.Run(ctx)
	return sum, errors.Join(err, s.Close())
}

// New opens the sockets of a scenario, so that the contacts are known before
// the server is configured. Close must follow.
func New(scenario Scenario) (*Script, error) {
	if err := scenario.Validate(); err != nil {
		return nil, err
	}
	seats, err := names(scenario.Agents.Seats)
	if err != nil {
		return nil, err
	}
	t, err := newTally(seats)
	if err != nil {
		return nil, err
	}
	s := &Script{scenario: scenario, tally: t}
	s.talk, s.endTalk = context.WithCancel(context.Background())
	if err := s.open(seats); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open opens all sockets and puts the agents' phones there.
func (s *Script) open(seats []string) error {
	var err error
	if s.scenario.Callers.Dial != "" {
		if s.callers, err = s.site(s.scenario.Callers.Address); err != nil {
			return fmt.Errorf("callers: %w", err)
		}
	}
	passwords, err := s.scenario.Agents.passwords()
	if err != nil {
		return err
	}
	numbers, err := names(s.scenario.Agents.Numbers)
	if err != nil {
		return err
	}
	var site *phone.Site
	for i, seat := range seats {
		if i == 0 || s.scenario.Agents.OwnSockets {
			if site, err = s.site(following(s.scenario.Agents.Address, i)); err != nil {
				return fmt.Errorf("seat %s: %w", seat, err)
			}
		}
		a := &agent{script: s, seat: seat, rng: source(s.scenario.Seed, drawAgent, i)}
		if i < len(numbers) {
			a.number = numbers[i]
		}
		if err := a.open(site, i, passwords[seat]); err != nil {
			return err
		}
		s.agents = append(s.agents, a)
	}
	return nil
}

func (s *Script) site(addr string) (*phone.Site, error) {
	site, err := phone.NewSite(addr)
	if err == nil {
		s.sites = append(s.sites, site)
	}
	return site, err
}

// following returns the address n ports further; a free port stays free.
func following(addr string, n int) string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || at.Port() == 0 {
		return addr
	}
	return netip.AddrPortFrom(at.Addr(), at.Port()+uint16(n)).String()
}

// Contacts returns each seat's static contact, as in "sip:8001@127.0.0.1:5070".
func (s *Script) Contacts() map[string]string {
	out := map[string]string{}
	for _, a := range s.agents {
		out[a.seat] = a.phone.Contact()
	}
	return out
}

// CallersAddr returns where the calls come from; the zero value without callers.
func (s *Script) CallersAddr() netip.AddrPort {
	if s.callers == nil {
		return netip.AddrPort{}
	}
	return s.callers.Addr()
}

// SetServer changes the scenario's server before Run, for a server whose
// address is known only after the sockets were opened.
func (s *Script) SetServer(addr string) error {
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.scenario.Server = addr
	for _, a := range s.agents {
		a.phone.SetServer(addr)
	}
	return nil
}

// Live returns the counts so far. It may be called at any time.
func (s *Script) Live() Live { return s.tally.live() }

// Close closes all phones. It may be called more than once.
func (s *Script) Close() error {
	s.endTalk()
	var group sync.WaitGroup
	errs := make([]error, len(s.sites))
	for i, site := range s.sites {
		group.Go(func() { errs[i] = site.Close() })
	}
	group.Wait()
	s.finishTasks()
	return errors.Join(errs...)
}

// Run plays the scenario once. It fails, before any caller dials, if the server
// does not answer the first seat.
func (s *Script) Run(ctx context.Context) (Summary, error) {
	s.tally.mu.Lock()
	s.tally.began = time.Now()
	s.tally.mu.Unlock()
	var err error
	if s.scenario.Agents.Register {
		err = s.everyAgent(ctx, (*agent).register)
	}
	if err == nil {
		err = s.everyAgent(ctx, (*agent).sitDown)
	}
	if err != nil {
		return s.tally.summary(), err
	}
	if s.callers == nil { // agents for somebody else's callers
		s.linger(ctx)
	} else {
		s.playCallers(ctx)
	}
	s.endTalk()
	s.finishTasks()
	err = s.everyAgent(context.WithoutCancel(ctx), (*agent).getUp)
	return s.tally.summary(), err
}

// linger waits for the scenario's duration, or for ever.
func (s *Script) linger(ctx context.Context) {
	if s.scenario.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.scenario.Duration)
		defer cancel()
	}
	<-ctx.Done()
}

// begin runs an agent's conversation; it reports false when it is too late for one.
func (s *Script) begin(conversation func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	s.tasks.Go(conversation)
	return true
}

// finishTasks waits for the agents' conversations and lets none begin.
func (s *Script) finishTasks() {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	s.tasks.Wait()
}

// everyAgent does something with all agents, the first alone, the others a few
// at a time. A failure is a fault of the run; when the first agent's server does
// not answer at all, the others are left out and that is the error.
func (s *Script) everyAgent(ctx context.Context, do func(*agent, context.Context) error) error {
	slots := make(chan struct{}, dialAtOnce)
	var group sync.WaitGroup
	defer group.Wait()
	for i, a := range s.agents {
		if i == 0 {
			err := do(a, ctx)
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				return fmt.Errorf("no answer from the server %s; is it running? %w", s.scenario.Server, err)
			}
			s.faultUnless(ctx, err)
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			s.faultUnless(ctx, do(a, ctx))
			<-slots
		})
	}
	return nil
}

// faultUnless notes an error as a fault, unless the run was being ended.
func (s *Script) faultUnless(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.tally.wrong("%v", err)
	}
}

// playCallers lets callers arrive and waits until all have left.
func (s *Script) playCallers(ctx context.Context) {
	windDown := s.scenario.WindDown
	if windDown == 0 {
		windDown = defaultWindDown
	}
	began := time.Now()
	wait, sendHome := context.WithDeadline(ctx, began.Add(s.scenario.Duration+windDown))
	defer sendHome()
	slots := make(chan struct{}, s.scenario.atOnce())
	var group sync.WaitGroup
	arrivals := s.scenario.arrivals()
	for i, at := range arrivals {
		if !sleepUntil(wait, began.Add(at)) || !acquire(wait, slots) {
			s.tally.note(func(sum *Summary) { sum.Unplaced = len(arrivals) - i })
			break
		}
		group.Go(func() {
			s.call(wait, i)
			<-slots
		})
	}
	gone := make(chan struct{})
	go func() { group.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-wait.Done():
	}
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	}
	s.endTalk()
	<-gone
}

// acquire takes a slot; it reports false when ctx ends first.
func acquire(ctx context.Context, slots chan<- struct{}) bool {
	select {
	case slots <- struct{}{}:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// sleepUntil waits for a moment; it reports false when ctx ends first.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// number returns the n-th caller's own number.
func (s *Script) number(n int) string {
	first := s.scenario.Callers.FirstNumber
	v, _ := strconv.ParseUint(first, 10, 63) // validated
	out := strconv.FormatUint(v+uint64(n), 10)
	return strings.Repeat("0", max(0, len(first)-len(out))) + out
}
