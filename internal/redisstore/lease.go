package redisstore

import (
	"context"
	_ "embed" // lease.lua
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
)

//go:embed lease.lua
var leaseSource string

var leaseScript = redis.NewScript(leaseSource)

const (
	// leaseFor is how long a lease holds without being kept: how long a crashed
	// controller can keep others from taking over.
	leaseFor = 2 * time.Second
	// keepEvery and keepTimeout let several attempts fit into it.
	keepEvery   = 400 * time.Millisecond
	keepTimeout = 800 * time.Millisecond
	// confirmFor is long enough for several attempts to keep the lease, with new
	// connections in the place of those that lead nowhere.
	confirmFor = 3500 * time.Millisecond
)

// LeaseLostError says that another controller has the lease.
type LeaseLostError struct{ Holder Controller }

func (e *LeaseLostError) Error() string {
	return fmt.Sprintf("another controller has taken over: %s on %s", e.Holder.ID, e.Holder.Host)
}

// Lease is the right to be the one controller of a site. It is taken by TryLease and
// kept by Keep.
//
// While Redis is away the lease cannot be kept, and none can be taken either: its
// holder goes on. But a holder that was stopped for a while, or whose attempts to
// keep the lease do not end, does not know whether another has taken over: it must
// ask before it does anything more. That is what Wait is for.
type Lease struct {
	store *Store
	me    Controller
	token uint64
	alive time.Time

	asked chan struct{} // holds a token when a handover was asked for

	mu      sync.Mutex
	kept    time.Time // guarded by mu; when the last attempt to keep it began that has ended
	held    time.Time // guarded by mu; and the last that Redis has granted
	tried   time.Time // guarded by mu; since when attempts to keep it follow each other without a gap
	lost    error     // guarded by mu
	changed chan struct{}
}

// ErrGivenBack says that this controller has given the lease back.
var ErrGivenBack = errors.New("the lease was given back")

// leaseReply is what the script answers.
type leaseReply struct {
	what   string
	token  uint64
	holder Controller
	alive  time.Time
	last   uint64 // the fence as it was before
	asked  bool   // for a handover
}

func (s *Store) askLease(ctx context.Context, what string, me Controller, token uint64, watched bool) (leaseReply, error) {
	ctx, stop := context.WithTimeout(ctx, keepTimeout)
	defer stop()
	text, err := json.Marshal(me)
	if err != nil {
		return leaseReply{}, err
	}
	keys := []string{s.keys.lease(), s.keys.fence(), s.keys.stateVersion(), s.keys.controllers(), s.keys.alive(), s.keys.server(), s.keys.free()}
	enough := ""
	if watched {
		enough = strconv.FormatUint(s.watch.token, 10)
	}
	s.mu.Lock()
	heard := strconv.FormatUint(max(token, s.heard), 10)
	s.mu.Unlock()
	values, err := leaseScript.Run(ctx, s.client, keys, what, me.ID, text, leaseFor.Milliseconds(), strconv.FormatUint(token, 10), acd.StateVersion, heard, enough, forgetControllers.Milliseconds(),
		(s.watchFor / 2).Milliseconds(), watchGap.Milliseconds()).Slice()
	if err != nil {
		return leaseReply{}, s.explain(err)
	}
	reply := leaseReply{}
	var holder, number, alive, last string
	if len(values) == 6 {
		reply.what, _ = values[0].(string)
		number, _ = values[1].(string)
		holder, _ = values[2].(string)
		alive, _ = values[3].(string)
		last, _ = values[4].(string)
		reply.asked = values[5] == "1"
	}
	if reply.token, err = strconv.ParseUint(number, 10, 64); err != nil {
		return leaseReply{}, fmt.Errorf("the script of the lease answered %v", values)
	}
	if reply.last, err = strconv.ParseUint(last, 10, 64); err != nil {
		return leaseReply{}, fmt.Errorf("the script of the lease answered %v", values)
	}
	if ms, err := strconv.ParseInt(alive, 10, 64); err == nil && ms > 0 {
		reply.alive = time.UnixMilli(ms)
	}
	if holder != "" {
		if err := json.Unmarshal([]byte(holder), &reply.holder); err != nil {
			return leaseReply{}, fmt.Errorf("the holder of the lease is not legible: %w", err)
		}
	}
	if reply.what == "newer" {
		return reply, &StateVersionError{Written: int(reply.token), Known: acd.StateVersion}
	}
	s.mu.Lock()
	s.heard = max(s.heard, reply.token)
	s.mu.Unlock()
	return reply, nil
}

// TryLease takes the lease if nobody has it: at once when it was given back, else when it
// was tried for a while, again and again, and nobody has kept it. Otherwise it returns no
// lease and who has it: nobody, while a Redis that has taken the place of another waits for
// the holder to keep the lease there. From then on the store writes live state under the
// lease. The error is one of this package's typed errors. It is called by one goroutine.
func (s *Store) TryLease(ctx context.Context, me Controller) (*Lease, Controller, error) {
	began := time.Now()
	s.mu.Lock()
	if s.restarted { // it may have become what it was before
		s.watch.since, s.restarted = time.Time{}, false
	}
	s.mu.Unlock()
	reply, err := s.askLease(ctx, "take", me, 0, s.watch.enough(began, s.watchFor))
	if err == nil {
		s.watch.saw(time.Now(), reply.token)
	}
	if err != nil || reply.what != "held" {
		return nil, reply.holder, err
	}
	s.token.Store(reply.token)
	s.adoptFound(reply.last, reply.token)
	return &Lease{store: s, me: me, token: reply.token, alive: reply.alive, kept: began, held: began, tried: began, asked: make(chan struct{}, 1), changed: make(chan struct{}, 1)}, reply.holder, nil
}

// Withdraw says that a controller without the lease does not stand by any more.
func (s *Store) Withdraw(ctx context.Context, me Controller) error {
	_, err := s.askLease(ctx, "drop", me, 0, false)
	return err
}

// Token is larger than that of every lease before.
func (l *Lease) Token() uint64 { return l.token }

// FormerAlive is when the former holder last said that it was there, by Redis' clock;
// zero when there was none.
func (l *Lease) FormerAlive() time.Time { return l.alive }

// Keep keeps the lease until ctx is done. Losing it is a *LeaseLostError. When Keep has
// returned no attempt is under way any more, which would undo GiveBack.
func (l *Lease) Keep(ctx context.Context) error {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		if err := l.keep(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Asked tells when its holder was asked to hand the lease over; see Store.AskHandover.
func (l *Lease) Asked() <-chan struct{} { return l.asked }

// AskHandover asks the holder of the lease to hand it over, and returns who that is. It
// does so when another stands by.
func (s *Store) AskHandover(ctx context.Context) (holder Controller, err error) {
	reply, err := s.askLease(ctx, "ask", Controller{}, 0, false)
	return reply.holder, err
}

// GiveBack lets another controller take the lease at once; from then on Wait refuses. What is still to be
// written as live state must have been written before.
func (l *Lease) GiveBack(ctx context.Context) error {
	l.mu.Lock()
	if l.lost == nil {
		l.lost = ErrGivenBack
	}
	l.mu.Unlock()
	_, err := l.store.askLease(ctx, "drop", l.me, l.token, false)
	return err
}

func (l *Lease) keep(ctx context.Context) error {
	began := time.Now()
	reply, err := l.store.askLease(ctx, "keep", l.me, l.token, false)
	l.mu.Lock()
	defer l.mu.Unlock()
	var newer *StateVersionError
	switch {
	case errors.As(err, &newer):
		l.lost = err
	case errors.Is(l.lost, ErrGivenBack):
	case err != nil: // nobody else can take it either; the store tells of the outage
	case reply.what == "other":
		l.lost = &LeaseLostError{Holder: reply.holder}
	case reply.what == "anew":
		l.store.log.Warn("Redis had forgotten the lease, and so what was written there; all that goes on is written anew")
		l.store.writeAnew()
	}
	if err == nil && reply.asked {
		select {
		case l.asked <- struct{}{}:
		default:
		}
	}
	if began.Sub(l.kept) >= leaseFor {
		l.tried = began // the process was stopped
	}
	// Not the end: the process may have been stopped in between, for whatever time.
	l.kept = began
	if err == nil && l.lost == nil {
		l.held = began
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return l.lost
}

// Wait returns at once while the lease is known to be held, as far as can be known;
// otherwise when that has been found out. The error is a *LeaseLostError, ErrGivenBack,
// or ctx's.
func (l *Lease) Wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		lost, fresh := l.lost, time.Since(l.kept) < leaseFor
		l.mu.Unlock()
		if lost != nil || fresh {
			return lost
		}
		select {
		case <-l.changed:
			// Whoever else waits is told by the next attempt.
		case <-time.After(keepEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Confirm is Wait before something that takes calls away from whoever has them: it
// returns at once only while Redis has said lately that the lease is held. Whoever does
// not reach Redis, and nothing else either, does not know whether others do, and may
// reach the nodes first when that is over. When Redis has not answered for confirmFor
// while a node did, it is away for everybody, as far as can be known. answering is since
// when the node answers; zero while it does not.
func (l *Lease) Confirm(ctx context.Context, answering func() time.Time) error {
	for {
		if err := l.Wait(ctx); err != nil {
			return err
		}
		since := answering()
		l.mu.Lock()
		held, tried := time.Since(l.held) < leaseFor, l.tried
		l.mu.Unlock()
		switch {
		case held || !since.IsZero() && min(time.Since(since), time.Since(tried)) >= confirmFor:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		pause(ctx, keepEvery/4)
	}
}
