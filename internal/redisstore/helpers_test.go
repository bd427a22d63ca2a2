package redisstore

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/redisstore/redismodel"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

// While Redis is away the client's pool probes for it once a second, and sees
// only then that it has been closed.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // what runs in parallel waits for failovers most of the time
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

var (
	shanghai = func() *time.Location {
		loc, err := time.LoadLocation(calendar.DefaultZone)
		if err != nil {
			panic(err)
		}
		return loc
	}()
	today   = calendar.NewDay(2026, time.November, 24)
	morning = time.Date(2026, 11, 24, 9, 20, 0, 0, shanghai)
)

// meter counts, and tells a waiting test that something happened.
type meter struct {
	mu                            sync.Mutex
	applied, duplicates, batches  int
	parked                        int // records and changes
	up                            bool
	spooled, spoolErrors, damaged int
	errors                        map[string]int
	happened                      chan struct{}
}

func newMeter() *meter { return &meter{errors: map[string]int{}, happened: make(chan struct{}, 1)} }

func (m *meter) note(f func()) {
	m.mu.Lock()
	f()
	m.mu.Unlock()
	select {
	case m.happened <- struct{}{}:
	default:
	}
}

func (m *meter) Batch(int, time.Duration) { m.note(func() { m.batches++ }) }
func (m *meter) Records(applied, duplicates int) {
	m.note(func() { m.applied += applied; m.duplicates += duplicates })
}
func (m *meter) Waiting(int, int) { m.note(func() {}) }
func (m *meter) Parked(records, changes int) {
	m.note(func() { m.parked = records + changes })
}
func (m *meter) Lag(time.Duration)          {}
func (m *meter) Spool(entries int, _ int64) { m.note(func() { m.spooled = entries }) }
func (m *meter) SpoolError()                { m.note(func() { m.spoolErrors++ }) }
func (m *meter) SpoolDamaged(values int)    { m.note(func() { m.damaged += values }) }
func (m *meter) Error(kind string)          { m.note(func() { m.errors[kind]++ }) }

// until waits for a condition that changes only when the meter is told something.
func (m *meter) until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-m.happened:
		case <-deadline:
			t.Fatalf("%s did not happen in 30 s", what)
		}
	}
}

func (m *meter) failed(kind string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.errors[kind] > 0
}

func (m *meter) Up(up bool) {
	if m.isUp() != up { // told after each try; only a change wakes who waits
		m.note(func() { m.up = up })
	}
}

func (m *meter) isUp() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

func (m *meter) counts() (applied, duplicates int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied, m.duplicates
}

// open makes a store that is closed when the test ends.
func open(t testing.TB, address string, change ...func(*Options)) *Store {
	t.Helper()
	o := Options{Address: address, Site: "lyg", Location: shanghai}
	if model, there := models.Load(address); there {
		o.Dial = model.(*redismodel.Redis).Link("store").Dial
	}
	for _, f := range change {
		f(&o)
	}
	atPlace(&o)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.watchFor = 0
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run is a store that writes until stop is called, or the test ends.
func run(t testing.TB, address string, change ...func(*Options)) (s *Store, m *meter, stop func() error) {
	t.Helper()
	m = newMeter()
	s = open(t, address, append([]func(*Options){func(o *Options) { o.Meter = m }}, change...)...)
	return s, m, start(t, s)
}

// start lets a store write until stop is called, or the test ends.
func start(t testing.TB, s *Store) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// drained waits until everything appended is written.
func drained(t testing.TB, s *Store, m *meter) {
	t.Helper()
	m.until(t, "writing everything", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		records, changes := s.unwritten()
		return records+changes == 0
	})
}

// calls makes n finished calls of every kind, spread over the day.
func calls(seed uint64, n int) []acd.CallRecord {
	random := rand.New(rand.NewPCG(seed, 1))
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	records := make([]acd.CallRecord, n)
	for i := range records {
		r := acd.CallRecord{
			Version: acd.RecordVersion, Call: acd.CallID(fmt.Sprintf("node1-%d.%d", seed, i)), Node: "node1", Entry: "12345", Caller: "13812345678",
			Arrived: today.Start(shanghai).Add(upTo(23 * time.Hour)), Result: acd.NotOffered, Reason: acd.CallerHungUp,
		}
		r.Ended = r.Arrived.Add(upTo(10 * time.Second))
		if random.IntN(10) > 0 {
			r.Queue = []acd.QueueID{"general", "business", "a:b|c"}[random.IntN(3)]
			r.Queued, r.Result = r.Ended, acd.Abandoned
			r.Ended = r.Queued.Add(upTo(2 * time.Minute))
		}
		if r.Offered() && random.IntN(10) > 0 {
			r.Result, r.Reason, r.Agent, r.Answered = acd.Answered, acd.AgentHungUp, "1001", r.Ended
			r.Ended = r.Answered.Add(upTo(20 * time.Minute))
			r.Offers = []acd.OfferRecord{{Agent: "1002", Outcome: acd.OfferNoAnswer}, {Agent: "1001", Outcome: acd.OfferAnswered}}
		}
		records[i] = r
	}
	return records
}

// holds asserts that exactly these records, and no others, are kept for today
// and counted: in the day, in every interval, and in a recount.
func holds(t testing.TB, s *Store, records []acd.CallRecord) {
	t.Helper()
	ctx := context.Background()
	day := traffic.Table{}
	intervals := map[calendar.Interval]traffic.Table{}
	for _, record := range records {
		for _, i := range traffic.Fold(record, shanghai) {
			day.Count(i)
			if intervals[i.Interval] == nil {
				intervals[i.Interval] = traffic.Table{}
			}
			intervals[i.Interval].Count(i)
		}
	}
	got, err := s.Day(ctx, today)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range compare("the day", got, day) {
		t.Error(difference)
	}
	byInterval, err := s.Intervals(ctx, today)
	if err != nil {
		t.Fatal(err)
	}
	if len(byInterval) != 96 {
		t.Errorf("the day has %d intervals", len(byInterval))
	}
	for _, i := range byInterval {
		for _, difference := range compare(i.Interval.String(), i.Table, intervals[i.Interval]) {
			t.Error(difference)
		}
	}
	differences, err := s.Verify(ctx, today)
	if err != nil || len(differences) > 0 {
		t.Errorf("Verify: %v, %v", differences, err)
	}
	var kept, want []string
	if err := s.Records(ctx, today, func(r acd.CallRecord) error { kept = append(kept, string(r.Call)); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		want = append(want, string(record.Call))
	}
	slices.Sort(kept)
	slices.Sort(want)
	if !slices.Equal(kept, want) {
		t.Errorf("%d records are kept, want %d", len(kept), len(want))
	}
}

// models are the models of Redis, by the address that address gave.
var models sync.Map

// onModel are the tests that run on the model of Redis, too.
const onModel = "TestTheModelDoesTheSame/"

// address is where a real Redis listens, or leads to a model of one.
func address(t testing.TB) string {
	if !strings.HasPrefix(t.Name(), onModel) {
		return server(t).Address
	}
	models.Store(t.Name(), redismodel.New(redismodel.Options{Delay: redismodel.Range{Max: 1}}))
	return t.Name()
}

func server(t testing.TB, args ...string) *redistest.Server {
	t.Helper()
	if substitute, found := substituteFor(t); found {
		return substitute
	}
	return redistest.Start(t, args...)
}
