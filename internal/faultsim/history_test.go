package faultsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"hotline/internal/acd"
	"hotline/internal/asterisk/arimodel"
	"hotline/internal/redisstore/redismodel"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(1600)
	goleak.VerifyTestMain(m)
}

const (
	site     = "s"
	user     = arimodel.User
	password = arimodel.Password
	agents   = 4 // the last takes a break
	calls    = 8
	// connections are more than are ever needed at once: whoever waits for one is given a
	// timer by the client that belongs to another history.
	connections = 64
	// silentAfter is for how long a node must be silent before its calls count as lost: less
	// than by default, so that histories stay short.
	silentAfter = 12 * time.Second
	// arriving is for how long callers come, and faults begin.
	arriving = 24 * time.Second
)

var shanghai = func() *time.Location {
	loc, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return loc
}()

type namedNode struct {
	*arimodel.Node
	name string
}

// history is one of a hotline.
type history struct {
	seed   uint64
	began  time.Time
	world  *arimodel.World
	redis  *redismodel.Redis
	nodes  []namedNode
	config acd.Config
	lossy  bool   // Redis may lose what it has
	spools string // folder; empty: the controllers have none
	log    *zap.Logger

	mu        sync.Mutex // guards all below
	lines     []string   // the log, when it is wanted
	logged    bool
	verified  int  // how many lines there were when all had been checked
	over      bool // what follows is the end of all processes at once
	failures  []string
	excusable []string // failures that a double fault excuses; see excused
	ofRecords []string // likewise, also excused when another took over from one who lives
	starts    map[int]int
	copies    map[int]int      // of the spool of a controller, one for each time it was killed
	running   map[int]*process // by controller; also what was killed last
	all       []*process
	leaders   []leadership
	lastFault time.Time
	killed    map[string][]time.Time // nodes, and when
	faults    []string
	outages   outages
	callers   []*caller
	talks     map[string]*talk // by the caller's channel
	rang      []rang
	connected map[string]time.Time // callers, when a controller was told last that they are with an agent
}

// note writes a line into the log of the history.
func (h *history) note(format string, args ...any) {
	if h.logged {
		h.line(fmt.Sprintf("%12v ", time.Since(h.began)) + fmt.Sprintf(format, args...))
	}
}

func (h *history) line(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, text)
}

// fail notes that something is not as it must be; the first few are told.
func (h *history) fail(format string, args ...any) {
	text := fmt.Sprintf("%v: ", time.Since(h.began).Round(time.Millisecond)) + fmt.Sprintf(format, args...)
	h.note("FAILURE %s", text)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.failures) < 12 {
		h.failures = append(h.failures, text)
	}
}

// failUnless is fail for what two faults at once may bring about; see excused.
func (h *history) failUnless(format string, args ...any) {
	text := fmt.Sprintf("%v: ", time.Since(h.began).Round(time.Millisecond)) + fmt.Sprintf(format, args...)
	h.note("FAILURE %s", text)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.excusable = append(h.excusable, text)
}

// failRecord is failUnless for records: a controller that took over from one who lives, and
// could not write, makes records of what it knows, and the first record counts.
func (h *history) failRecord(format string, args ...any) {
	text := fmt.Sprintf("%v: ", time.Since(h.began).Round(time.Millisecond)) + fmt.Sprintf(format, args...)
	h.note("FAILURE %s", text)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ofRecords = append(h.ofRecords, text)
}

// tookOver reports whether somebody took the lease while Redis was not written.
func (h *history) tookOver() bool {
	for i := range h.leaders {
		if h.ignorant(i) {
			return true
		}
	}
	return false
}

// excused reports whether Redis was not written while the one who led ended, was stopped
// or cut off: then whoever leads next does not know the latest, and nobody can tell it.
func (h *history) excused() bool {
	const margin = 4 * time.Second
	for _, s := range h.outages.store {
		for _, died := range h.outages.deaths {
			if within(died, []span{s}, margin) {
				return true
			}
		}
		for _, other := range h.outages.stopped {
			if s.from.Before(other.to.Add(margin)) && other.from.Before(s.to.Add(margin)) {
				return true
			}
		}
	}
	return false
}

type sink struct{ h *history }

func (s sink) Write(b []byte) (int, error) {
	s.h.note("%s", strings.TrimSpace(string(b)))
	return len(b), nil
}

// play plays one history; plan says which faults there are.
func play(t *testing.T, seed uint64, logged bool, plan func(*history, context.Context)) (h *history) {
	t.Helper()
	spools := ""
	if seed%4 != 0 {
		spools = spoolRoot(t)
		defer os.RemoveAll(spools)
	}
	synctest.Test(t, func(t *testing.T) {
		h = &history{
			seed: seed, spools: spools, began: time.Now(), logged: logged, log: zap.NewNop(), starts: map[int]int{}, copies: map[int]int{}, running: map[int]*process{},
			killed: map[string][]time.Time{}, talks: map[string]*talk{}, connected: map[string]time.Time{}, lastFault: time.Now(),
		}
		var world arimodel.Options
		var redis redismodel.Options
		if logged {
			world.Log, redis.Log = h.line, h.line
			encoder := zap.NewDevelopmentEncoderConfig()
			encoder.TimeKey = ""
			h.log = zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoder), zapcore.AddSync(sink{h}), zap.DebugLevel))
		}
		world.Seed, redis.Seed = seed, seed
		h.world, h.redis = arimodel.New(world), redismodel.New(redis)
		defer h.world.Close()
		h.play(t, plan)
	})
	return h
}

func (h *history) play(t *testing.T, plan func(*history, context.Context)) {
	rnd := rand.New(rand.NewPCG(h.seed, 1))
	h.config = acd.Config{
		Entries:         []acd.Entry{{Number: "12345", Queue: "q", Greeting: []string{"greeting"}}},
		Queues:          []acd.Queue{{ID: "q", RingTimeout: 8 * time.Second, WrapUp: 2 * time.Second}, {ID: "r", RingTimeout: 8 * time.Second, Level: 2}},
		NotReadyReasons: []acd.NotReadyReason{{Name: "break", Title: "break"}},
	}
	for i := range 1 + rnd.IntN(2) {
		name := "a" + strconv.Itoa(i+1)
		h.nodes = append(h.nodes, namedNode{h.world.AddNode(name), name})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var people, callers sync.WaitGroup
	for i := range agents {
		h.addAgent(ctx, &people, i)
	}
	for i := range 2 + rnd.IntN(5)/4 {
		h.start(i + 1)
		pause(ctx, upTo(rnd, 100*time.Millisecond))
	}
	for _, a := range h.config.Agents {
		h.request(ctx, acd.Login{Agent: a.ID, Seat: acd.SeatID(a.ID)})
	}
	h.request(ctx, acd.SetNotReady{Agent: h.config.Agents[agents-1].ID, Reason: "break"})
	people.Go(func() { h.backToWork(ctx) })
	if h.directed() {
		people.Go(func() { h.direct(ctx) })
	}
	people.Go(func() { h.watch(ctx) })
	pause(ctx, time.Second)
	for i := range calls {
		h.addCaller(ctx, &callers, rnd, i)
	}
	plan(h, ctx)
	h.faultsEnded()
	callers.Wait()
	pause(ctx, 9*time.Second) // until everything that is left over has been removed
	h.verify(ctx)
	h.mu.Lock()
	h.verified, h.over = len(h.lines), true
	h.mu.Unlock()
	cancel()
	people.Wait()
	for _, p := range h.all {
		p.stop()
		<-p.ended
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func upTo(rnd *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rnd.Int64N(int64(d) + 1))
}

// report tells what was not as it must be, and how to see it again.
func (h *history) report(t *testing.T, name string) {
	t.Helper()
	if h.logged {
		t.Log("\n" + strings.Join(h.lines, "\n"))
	}
	if !h.excused() {
		h.failures = append(h.failures, h.excusable...)
		if !h.tookOver() {
			h.failures = append(h.failures, h.ofRecords...)
		}
	}
	if len(h.failures) > 0 {
		t.Errorf("seed %d: %s\nfaults: %s\nplay it again, with a log of everything:\n\tSEED=%d go test -count=1 -v -run '^%s$' ./internal/faultsim",
			h.seed, strings.Join(h.failures, "\n"), strings.Join(h.faults, ", "), h.seed, name)
	}
}

// number is that of an environment variable.
func number(t *testing.T, name string, otherwise uint64) (uint64, bool) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n, true
}

// TestHistories plays whole hotlines with faults by chance; docs/faultsim.md tells more.
// HISTORIES says how many are played, FROM with which seed they begin; SEED plays one,
// with a log.
func TestHistories(t *testing.T) {
	many(t, "TestHistories", byChance)
}

// Without faults nothing may be other than in a calm hour.
func TestCalmHistories(t *testing.T) {
	many(t, "TestCalmHistories", func(h *history, ctx context.Context) { pause(ctx, arriving) })
}

func many(t *testing.T, name string, plan func(*history, context.Context)) {
	if seed, one := number(t, "SEED", 0); one {
		play(t, seed, true, plan).report(t, name)
		return
	}
	from, _ := number(t, "FROM", 0)
	n, _ := number(t, "HISTORIES", 20)
	began := time.Now()
	t.Cleanup(func() {
		took := time.Since(began)
		t.Logf("%d histories in %v: %.0f a minute", n, took.Round(time.Millisecond), float64(n)/took.Minutes())
	})
	var seeds sync.Mutex
	next := from
	for i := range 4 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			for {
				seeds.Lock()
				seed := next
				next++
				seeds.Unlock()
				if seed >= from+n {
					return
				}
				play(t, seed, false, plan).report(t, name)
			}
		})
	}
}

// The same seed gives the same history, unless two timers end at one instant, as in seed 2.
func TestSameSeedSameHistory(t *testing.T) {
	for _, seed := range []uint64{0, 1, 3, 5} {
		a, b := play(t, seed, true, byChance), play(t, seed, true, byChance)
		first, second := a.lines[:a.verified], b.lines[:b.verified]
		// At one instant goroutines may write in any order.
		slices.Sort(first)
		slices.Sort(second)
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("seed %d: after\n%s\nonce\n%s\nand once\n%s", seed, strings.Join(first[max(0, i-5):i], "\n"), first[i], second[i])
			}
		}
		if len(first) != len(second) || len(first) < 300 {
			t.Errorf("seed %d: %d lines and %d", seed, len(first), len(second))
		}
	}
}
