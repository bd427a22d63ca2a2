package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
)

func controller(id string) Controller {
	return Controller{ID: id, Host: "host-" + id, Version: "test", Started: morning}
}

// take takes the lease, which must be free.
func take(t *testing.T, s *Store, id string) *Lease {
	t.Helper()
	lease, holder, err := s.TryLease(t.Context(), controller(id))
	if err != nil || lease == nil {
		t.Fatalf("no lease: %v, held by %+v", err, holder)
	}
	return lease
}

// expire lets the lease run out, as if its holder had crashed that long ago.
func expire(t *testing.T, s *Store) {
	t.Helper()
	if n, err := s.client.Del(t.Context(), s.keys.lease()).Result(); err != nil || n != 1 {
		t.Fatalf("the lease was not there: %v", err)
	}
}

func TestOneHasTheLease(t *testing.T) {
	address := address(t)
	a, b := open(t, address), open(t, address)
	lease := take(t, a, "a")
	none, holder, err := b.TryLease(t.Context(), controller("b"))
	if none != nil || err != nil || holder.ID != "a" || !holder.Leading {
		t.Errorf("b was given %v, %+v, %v", none, holder, err)
	}
	if ttl := a.client.PTTL(t.Context(), a.keys.lease()).Val(); ttl <= 0 || ttl > leaseFor {
		t.Errorf("the lease runs out after %v", ttl)
	}
	list, err := a.Controllers(t.Context())
	if err != nil || len(list) != 2 || !list[0].Leading || list[1].Leading {
		t.Errorf("controllers: %+v, %v", list, err)
	}
	if err := lease.GiveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := take(t, b, "b")
	if next.Token() <= lease.Token() {
		t.Errorf("the tokens are %d, then %d", lease.Token(), next.Token())
	}
	if gap := time.Since(next.FormerAlive()).Abs(); !lease.FormerAlive().IsZero() || gap > 5*time.Second {
		t.Errorf("before a there was somebody at %v; a was last seen %v ago", lease.FormerAlive(), gap)
	}
	if err := lease.GiveBack(t.Context()); err != nil { // of what it has no more
		t.Fatal(err)
	}
	if none, holder, _ := a.TryLease(t.Context(), controller("a")); none != nil || holder.ID != "b" {
		t.Errorf("a took the lease from b, %+v", holder)
	}
}

func TestWhoLosesTheLeaseIsToldAndWritesNothingMore(t *testing.T) {
	address := address(t)
	a, meterA, _ := run(t, address)
	old := take(t, a, "a")
	a.Append([]acd.Change{call("1", acd.PhaseWaiting)}, nil, nil)
	drained(t, a, meterA)
	expire(t, a)
	b, meterB, _ := run(t, address)
	take(t, b, "b")
	b.Append([]acd.Change{call("1", acd.PhaseTalking)}, nil, nil)
	drained(t, b, meterB)
	record := calls(90, 1)
	a.Append([]acd.Change{call("1", acd.PhaseRinging), call("2", acd.PhaseWaiting)}, record, nil)
	a.writeAnew()
	drained(t, a, meterA)
	live, err := b.Load(t.Context(), morning)
	if err != nil || len(live.Calls) != 1 || live.Calls[0].Phase != acd.PhaseTalking {
		t.Errorf("the live state is %+v, %v", live.Calls, err)
	}
	holds(t, b, record) // what has happened, has happened
	var lost *LeaseLostError
	if err := old.Keep(t.Context()); !errors.As(err, &lost) || lost.Holder.ID != "b" {
		t.Errorf("Keep: %v", err)
	}
	if err := old.Wait(t.Context()); !errors.As(err, &lost) {
		t.Errorf("Wait: %v", err)
	}
}

func TestALeaseThatRanOutIsKeptIfNobodyElseTookIt(t *testing.T) {
	s := open(t, address(t))
	lease := take(t, s, "a")
	expire(t, s)
	if err := lease.keep(t.Context()); err != nil {
		t.Error(err)
	}
	if none, holder, _ := s.TryLease(t.Context(), controller("b")); none != nil || holder.ID != "a" {
		t.Errorf("b took the lease, %+v", holder)
	}
}

// A Redis that has lost everything is told again what goes on, and what was
// counted in the last minute, once.
func TestWhatRedisHasLostIsWrittenAgain(t *testing.T) {
	s, m, _ := run(t, address(t))
	lease := take(t, s, "a")
	records := calls(91, 1200)
	var changes []acd.Change
	for i := range 1100 {
		changes = append(changes, call(acd.CallID(fmt.Sprint(i)), acd.PhaseWaiting))
	}
	s.Append(changes, records, nil)
	s.Append([]acd.Change{call("7", acd.PhaseTalking), gone("8")}, nil, nil)
	drained(t, s, m)
	if err := s.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.Append([]acd.Change{call("9", acd.PhaseRinging)}, nil, nil) // refused until the lease is known
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.until(t, "the new beginning", func() bool { return !s.toBeWrittenAnew() })
	drained(t, s, m)
	live, err := s.Load(t.Context(), morning)
	if err != nil || len(live.Calls) != 1099 {
		t.Fatalf("%d calls are live, %v", len(live.Calls), err)
	}
	phases := map[acd.CallID]acd.CallPhase{}
	for _, c := range live.Calls {
		phases[c.Call] = c.Phase
	}
	if phases["7"] != acd.PhaseTalking || phases["9"] != acd.PhaseRinging || phases["8"] != "" {
		t.Errorf("the phases are %v %v %v", phases["7"], phases["9"], phases["8"])
	}
	holds(t, s, records)
	s.writeAnew()
	m.until(t, "writing again", func() bool { return !s.toBeWrittenAnew() })
	drained(t, s, m)
	holds(t, s, records)
}

// A Redis that has not heard of the lease as yet is no reason to let go of what is
// written under it; one that has given a later lease is.
func TestFenceOfAnEarlierLeaseIsNoOtherLease(t *testing.T) {
	s := open(t, server(t).Address)
	lease := take(t, s, "a")
	for fence, want := range map[uint64]string{lease.Token() - 1: "UNFENCED", lease.Token(): "", lease.Token() + 1: "FENCED"} {
		s.client.Set(t.Context(), s.keys.fence(), fence, 0)
		writes := newLiveWrites(s.keys, lease.Token())
		keys, args := writes.args(true)
		if err := s.client.Eval(t.Context(), liveSource, keys, args...).Err(); (err == nil) != (want == "") || want != "" && !redis.HasErrorPrefix(err, want) {
			t.Errorf("with the token %d, and Redis knows %d: %v, want %s", lease.Token(), fence, err, want)
		}
	}
}

// A Redis that takes the place of another, as after a failover, is told what it
// may not know.
func TestAnotherRedisIsToldAgain(t *testing.T) {
	first := server(t, "--appendonly", "no", "--save", "")
	s, m, _ := run(t, first.Address)
	records := calls(92, 30)
	s.Append([]acd.Change{call("1", acd.PhaseWaiting)}, records, nil)
	drained(t, s, m)
	first.Kill()
	first.Restart(t) // empty
	s.Append([]acd.Change{call("2", acd.PhaseWaiting)}, nil, nil)
	m.until(t, "writing again", func() bool {
		live, err := s.Load(context.Background(), morning)
		return err == nil && len(live.Calls) == 2 && !s.toBeWrittenAnew()
	})
	drained(t, s, m)
	holds(t, open(t, first.Address), records)
}

func TestANewerStateKeepsOlderProgramsOut(t *testing.T) {
	s := open(t, address(t))
	lease := take(t, s, "a")
	s.client.Set(t.Context(), s.keys.stateVersion(), acd.StateVersion+1, 0)
	var newer *StateVersionError
	if err := lease.keep(t.Context()); !errors.As(err, &newer) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("keep: %v", err)
	}
	s.client.Del(t.Context(), s.keys.lease())
	if lease, _, err := s.TryLease(t.Context(), controller("b")); lease != nil || !errors.As(err, &newer) {
		t.Errorf("TryLease: %v, %v", lease, err)
	}
}

// Who was stopped for longer than the lease holds waits for the next attempt.
func TestWhoWasStoppedAsksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Lease{kept: time.Now(), changed: make(chan struct{}, 1)}
		if err := l.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(leaseFor)
		waited := make(chan error, 1)
		go func() { waited <- l.Wait(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-waited:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		l.mu.Lock()
		l.lost = &LeaseLostError{}
		l.mu.Unlock()
		if err := <-waited; err == nil {
			t.Error("was not told that the lease is lost")
		}
	})
}

// A handover is asked of whoever leads, and made when another stands by.
func TestHandoverIsAskedOfTheHolder(t *testing.T) {
	address := address(t)
	a, b := open(t, address), open(t, address)
	if holder, err := b.AskHandover(t.Context()); err != nil || holder.ID != "" {
		t.Errorf("asked %q, %v", holder.ID, err)
	}
	lease := take(t, a, "a")
	if holder, err := b.AskHandover(t.Context()); err != nil || holder.ID != "a" {
		t.Errorf("asked %q, %v", holder.ID, err)
	}
	select {
	case <-lease.Asked():
		t.Error("told before it was heard")
	default:
	}
	if _, there := lease.Successor(t.Context()); there {
		t.Error("a successor that is not there")
	}
	if _, _, err := b.TryLease(t.Context(), controller("b")); err != nil {
		t.Fatal(err)
	}
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-lease.Asked()
	if next, there := lease.Successor(t.Context()); !there || next.ID != "b" {
		t.Errorf("the successor is %q", next.ID)
	}
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lease.Asked():
		t.Error("told twice")
	default:
	}
	if err := lease.GiveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.Wait(t.Context()); !errors.Is(err, ErrGivenBack) {
		t.Errorf("Wait: %v", err)
	}
	take(t, b, "b")
}

// After an outage of Redis whoever led keeps the lease, although it has run out: nobody
// else takes it before that was possible.
func TestALeaseThatRanOutInAnOutageIsWatchedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		now := time.Now()
		for range 30 { // it answers all the time
			w.saw(now, 7)
			now = now.Add(100 * time.Millisecond)
		}
		if !w.enough(now, watchFor) {
			t.Error("has not seen enough")
		}
		now = now.Add(2 * watchGap) // it was away
		w.saw(now, 7)
		if now = now.Add(time.Second / 2); w.enough(now, watchFor) {
			t.Error("takes the lease at once after an outage")
		}
		for range 30 {
			w.saw(now, 7)
			now = now.Add(100 * time.Millisecond)
		}
		if w.saw(now, 0); w.enough(now, watchFor) {
			t.Error("takes the lease of a Redis that has forgotten it")
		}
	})
}

// A lease that was given back is taken at once, and by its former holder not again.
func TestALeaseThatWasGivenBackIsTakenAtOnce(t *testing.T) {
	address := address(t)
	a, b := open(t, address), open(t, address)
	lease := take(t, a, "a")
	b.watchFor = watchFor
	if none, holder, err := b.TryLease(t.Context(), controller("b")); none != nil || holder.ID != "a" || err != nil {
		t.Fatalf("%v, %+v, %v", none, holder, err)
	}
	expire(t, a)
	if none, holder, err := b.TryLease(t.Context(), controller("b")); none != nil || holder.ID != "" || err != nil {
		t.Errorf("a lease that ran out was taken without a watch: %v, %+v, %v", none, holder, err)
	}
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.GiveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply, err := a.askLease(t.Context(), "keep", controller("a"), lease.Token(), false); err != nil || reply.what != "other" {
		t.Errorf("kept after it was given back: %+v, %v", reply, err)
	}
	take(t, b, "b")
}

// What is under way for as long as a process was stopped says nothing of the time since.
func TestAnAttemptInWhichTheProcessWasStoppedDoesNotCount(t *testing.T) {
	l := &Lease{kept: time.Now().Add(-leaseFor), lost: nil, changed: make(chan struct{}, 1)}
	bounded, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := l.Wait(bounded); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v", err)
	}
	if err := l.Confirm(bounded, time.Now); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Confirm: %v", err)
	}
}

// The clock of Redis was set back while a Redis that had started again gave no lease as yet:
// it gives one as soon as otherwise.
func TestALeaseIsGivenAlthoughTheClockOfRedisWasSetBack(t *testing.T) {
	s := open(t, address(t))
	if err := take(t, s, "a").GiveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	day := time.Now().Add(24 * time.Hour).UnixMilli()
	s.client.HSet(t.Context(), s.keys.server(), "since", day)
	if lease, _, err := s.TryLease(t.Context(), controller("b")); lease != nil || err != nil {
		t.Fatalf("%v, %v", lease, err)
	}
	since, err := s.client.HGet(t.Context(), s.keys.server(), "since").Int64()
	if ago := time.Since(time.UnixMilli(since)).Abs(); err != nil || ago > 5*time.Second {
		t.Fatalf("waits since %v ago, %v", ago, err)
	}
	s.client.HSet(t.Context(), s.keys.server(), "since", since-2*leaseFor.Milliseconds())
	take(t, s, "b")
}

// Only whoever would take the lease stands by: not a program that is too old for the live
// state, and not whoever has just lost the lease.
func TestWhoCannotLeadDoesNotStandBy(t *testing.T) {
	address := address(t)
	a, b := open(t, address), open(t, address)
	lease := take(t, a, "a")
	s := open(t, address)
	s.client.Set(t.Context(), s.keys.stateVersion(), acd.StateVersion+1, 0)
	var newer *StateVersionError
	if _, _, err := b.TryLease(t.Context(), controller("b")); !errors.As(err, &newer) {
		t.Fatal(err)
	}
	if next, there := lease.Successor(t.Context()); there {
		t.Errorf("%s is the successor", next.ID)
	}
	s.client.Set(t.Context(), s.keys.stateVersion(), acd.StateVersion, 0)
	expire(t, a)
	next := take(t, b, "b")
	var lost *LeaseLostError
	if err := lease.keep(t.Context()); !errors.As(err, &lost) {
		t.Fatal(err)
	}
	if c, there := next.Successor(t.Context()); there {
		t.Errorf("%s is the successor", c.ID)
	}
	if list, err := s.Controllers(t.Context()); err != nil || len(list) != 1 || list[0].ID != "b" {
		t.Errorf("controllers: %+v, %v", list, err)
	}
}

// Of a controller that has said nothing for long, nothing is kept.
func TestSilentControllersAreForgotten(t *testing.T) {
	s := open(t, address(t))
	silent := time.Now().Add(-2 * forgetControllers).UnixMilli()
	for i := range 150 {
		s.client.HSet(t.Context(), s.keys.controllers(), fmt.Sprint("silent", i), fmt.Sprintf(`{"id":"silent%d","seen":%d}`, i, silent))
	}
	s.client.HSet(t.Context(), s.keys.controllers(), "damaged", "{", "recent", fmt.Sprintf(`{"id":"recent","seen":%d}`, time.Now().UnixMilli()))
	for range 2 { // not too many at once
		if err := take(t, s, "a").GiveBack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left, err := s.client.HGetAll(t.Context(), s.keys.controllers()).Result()
	if err != nil || len(left) != 1 || left["recent"] == "" {
		t.Errorf("%d controllers are left, %v", len(left), err)
	}
}

// Without a word from Redis it is the time for which a node answers that counts, whoever
// asks and however often; not when the process was stopped meanwhile.
func TestConfirmWaitsOnceWhileRedisAnswersNobody(t *testing.T) {
	now := time.Now()
	long := now.Add(-confirmFor)
	for name, c := range map[string]struct {
		tried, since time.Time
		passes       bool
	}{
		"the node answers for long":    {long, long, true},
		"the node has answered lately": {long, now, false},
		"the node does not answer":     {long, time.Time{}, false},
		"the process was stopped":      {now, long, false},
	} {
		l := &Lease{kept: now, held: long, tried: c.tried, changed: make(chan struct{}, 1)}
		bounded, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := l.Confirm(bounded, func() time.Time { return c.since })
		stop()
		if (err == nil) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStopOfTheProcessBeginsTheAttemptsAnew(t *testing.T) {
	lease := take(t, open(t, address(t)), "a")
	before := lease.tried
	if err := lease.keep(t.Context()); err != nil || !lease.tried.Equal(before) {
		t.Errorf("anew without a stop, %v", err)
	}
	lease.kept = time.Now().Add(-leaseFor)
	if err := lease.keep(t.Context()); err != nil || !lease.tried.After(before) {
		t.Errorf("not anew, %v", err)
	}
}

// What was sent before Redis stood still, and is carried out when it goes on, takes no
// lease: whoever has it could not keep it meanwhile.
func TestRequestsThatWaitedInRedisTakeNoLease(t *testing.T) {
	address := address(t)
	lease := take(t, open(t, address), "a")
	b := open(t, address)
	b.watchFor = watchFor
	tries := func(what string) {
		t.Helper()
		if got, _, err := b.TryLease(t.Context(), controller("b")); got != nil || err != nil {
			t.Fatalf("%s: %v, %v", what, got, err)
		}
	}
	tries("at first")
	// As if it had watched for long, until the moment in which Redis stopped.
	listed := func(seen, watching time.Duration) {
		now := time.Now()
		text := fmt.Sprintf(`{"id":"b","seen":%d,"watching":%d}`, now.Add(-seen).UnixMilli(), now.Add(-watching).UnixMilli())
		b.client.HSet(t.Context(), b.keys.controllers(), "b", text)
		b.watch.since, b.watch.last = now.Add(-time.Minute), now
	}
	expire(t, lease.store)
	listed(3*time.Second, time.Minute)
	tries("the first that waited")
	b.watch.since, b.watch.last = time.Now().Add(-time.Minute), time.Now()
	tries("the second that waited")
	if err := lease.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	expire(t, lease.store)
	listed(100*time.Millisecond, time.Minute)
	take(t, b, "b")
}
