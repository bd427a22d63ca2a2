package redisstore

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/runner"
	"hotline/internal/spool"
	"hotline/internal/traffic"
)

var _ runner.Store = (*Store)(nil)

// Meter receives what the store does. Its methods are called by the goroutines that
// write and must not block.
type Meter interface {
	// Batch is one pipeline that Redis has carried out, and how long it took.
	Batch(entries int, took time.Duration)
	// Records are records that were applied, and those that had been before.
	Records(applied, duplicates int)
	// Waiting is what is not yet written.
	Waiting(records, changes int)
	// Parked is how much of that Redis refuses while it takes other entries.
	Parked(records, changes int)
	// Lag is how long the oldest entry of a batch waited until it was written.
	Lag(time.Duration)
	// Error is a failed batch; kind is unreachable, password or refused.
	Error(kind string)
	// Up tells after each try whether Redis takes what is written.
	Up(up bool)
	// Spool is what the spool on disk holds.
	Spool(entries int, bytes int64)
	// SpoolError is a write to the spool that failed.
	SpoolError()
	// SpoolDamaged are values of the spool that could not be used and were set aside.
	SpoolDamaged(values int)
}

type noMeter struct{}

func (noMeter) Batch(int, time.Duration) {}
func (noMeter) Records(int, int)         {}
func (noMeter) Waiting(int, int)         {}
func (noMeter) Parked(int, int)          {}
func (noMeter) Lag(time.Duration)        {}
func (noMeter) Error(string)             {}
func (noMeter) Up(bool)                  {}
func (noMeter) Spool(int, int64)         {}
func (noMeter) SpoolError()              {}
func (noMeter) SpoolDamaged(int)         {}

// Options say which Redis and site to use. One of Client, Address, Sentinel and
// Cluster is set.
type Options struct {
	// Client is used as it is and stays the caller's to close. It should
	// have ContextTimeoutEnabled and a read timeout, which bound the shutdown.
	Client redis.UniversalClient

	Address  string    // host:port, or the path of a unix socket
	Sentinel *Sentinel // who is asked where the master is
	Cluster  []string  // host:port of some nodes of a Redis Cluster

	TLS      *tls.Config // nil: without; not for Client
	Username string      // of a Redis ACL; empty for the default user
	Password string
	DB       int // 0 with Cluster
	// Dial connects to Address; nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Connections is how many there may be; 0: 4, for one writer and a few readers.
	Connections int

	Site     string         // names the keys; letters, digits, - and _
	Location *time.Location // in which days begin; must not change once records exist
	Log      *zap.Logger    // nil: nothing is logged
	Meter    Meter          // nil: nothing is measured

	// FlushTimeout bounds how long Run goes on writing after its context is
	// done; default 5 s.
	FlushTimeout time.Duration

	// Spool, unless nil, holds on disk what Redis does not take; see spooling.go. It stays
	// the caller's to close, after Run has returned. What is in it is written first.
	Spool *spool.Spool

	now func() time.Time // by which the age of what is in the spool is told; tests change it
}

const (
	batchLimit = 1024                 // entries in one pipeline
	batchDelay = 2 * time.Millisecond // how long a batch gathers
	// batchEvery is the least time from one batch to the next while there is much to write.
	// What is appended meanwhile becomes one batch, in which of each thing only the newest
	// state counts: fewer commands and less work for Redis, its disk and this process.
	batchEvery   = 50 * time.Millisecond
	firstBackoff = 20 * time.Millisecond
	lastBackoff  = 2 * time.Second
	pingTimeout  = time.Second
	pingEvery    = 2 * time.Second // while there is nothing to write
	behindAfter  = 5 * time.Second // lag from which Ready complains
)

// Store implements runner.Store.
type Store struct {
	client       redis.UniversalClient
	ownsClient   bool
	seeker       *seeker // nil with one Redis and a client of the caller's
	inCluster    bool
	address      string
	keys         keys
	location     *time.Location
	sets         traffic.CounterSets // those of the program; tests change them
	log          *zap.Logger
	meter        Meter
	flushTimeout time.Duration
	parkRetry    time.Duration // this and the next two are as the constants; tests change them before Run
	parkLimit    int
	watchFor     time.Duration

	wake chan struct{} // holds one token when something was appended

	watch      watch         // of the lease; owned by whoever tries to take it
	token      atomic.Uint64 // of the lease under which live state is written; 0: none is needed
	writer     string        // names this store among all that write live state
	writes     atomic.Uint64 // how many of those there were
	knowsLive  bool          // Redis knows the script of the live state; owned by the writer
	knowsApply bool          // and that which counts records; owned by the writer
	lastBatch  time.Time     // when the writer began to write last; owned by it

	spool *spooling // nil: there is none

	mu         sync.Mutex
	waiting    backlog   // guarded by mu
	inFlight   []entry   // guarded by mu; taken by the writer, not yet written
	parked     []entry   // guarded by mu; refused one by one, in the order in which they are due
	tookParked bool      // guarded by mu; the last batch was of parked entries
	flushing   bool      // guarded by mu; Run is about to end
	recent     []counted // guarded by mu; what Redis has acknowledged, oldest first
	anew       bool      // guarded by mu; the live state is to be written as a whole
	server     string    // guarded by mu; which Redis the newest connection leads to
	heard      uint64    // guarded by mu; the largest token of a lease of which Redis has told
	changes    int       // guarded by mu; how often it was another than before
	restarted  bool      // guarded by mu; it has become another since the lease was last tried
	failure    error     // guarded by mu; typed, nil while Redis does what it is told
	since      time.Time
	running    bool // guarded by mu
}

// New makes a store; it does not connect. The error says which option is wrong.
func New(o Options) (*Store, error) {
	k, err := newKeys(o.Site)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Location == nil:
		return nil, errors.New("the store needs the time zone in which days begin")
	case o.places() != 1:
		return nil, errors.New("the store needs one of a Redis client, an address, Sentinels and the nodes of a cluster")
	case o.Sentinel != nil && (o.Sentinel.Master == "" || len(o.Sentinel.Addresses) == 0):
		return nil, errors.New("the store needs the name of the master and the addresses of its Sentinels")
	case o.Cluster != nil && o.DB != 0:
		return nil, errors.New("a Redis Cluster has database 0 only")
	}
	s := &Store{
		client: o.Client, keys: k, location: o.Location, sets: traffic.Sets, log: o.Log, meter: o.Meter,
		flushTimeout: o.FlushTimeout, parkRetry: parkRetry, parkLimit: parkLimit, watchFor: watchFor, wake: make(chan struct{}, 1),
		writer: strconv.FormatUint(rand.Uint64(), 36),
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.meter == nil {
		s.meter = noMeter{}
	}
	if s.flushTimeout == 0 {
		s.flushTimeout = 5 * time.Second
	}
	s.address, s.inCluster = o.place(), o.Cluster != nil
	if o.Spool != nil {
		if s.spool, err = s.openSpool(o.Spool, o.now); err != nil {
			return nil, err
		}
	}
	if s.client == nil {
		s.client, s.seeker = newClient(o, k, s.otherServer)
		s.ownsClient = true
	}
	return s, nil
}

// places counts how many were given.
func (o Options) places() (n int) {
	for _, given := range []bool{o.Client != nil, o.Address != "", o.Sentinel != nil, o.Cluster != nil} {
		if given {
			n++
		}
	}
	return n
}

// place names what is configured, for people: "Redis at ...".
func (o Options) place() string {
	switch {
	case o.Sentinel != nil:
		return fmt.Sprintf("%s (Sentinel at %s)", o.Sentinel.Master, strings.Join(o.Sentinel.Addresses, ", "))
	case o.Cluster != nil:
		return "the cluster of " + strings.Join(o.Cluster, ", ")
	case o.Client != nil:
		return addressOf(o.Client)
	}
	return o.Address
}

// The client's own log would repeat, unstructured, what it also returns as errors.
var quietClient = sync.OnceFunc(logging.Disable)

const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 3 * time.Second
)

// newClient makes a client that tells which Redis each new connection leads to.
func newClient(o Options, k keys, connected func(server string)) (redis.UniversalClient, *seeker) {
	quietClient()
	options := &redis.Options{
		Addr: o.Address, Dialer: o.Dial, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
		// The writer itself sends again, in order and with a growing pause.
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: dialTimeout, ReadTimeout: ioTimeout, WriteTimeout: ioTimeout,
		ContextTimeoutEnabled: true,
		PoolSize:              cmp.Or(o.Connections, 4),
		OnConnect: func(ctx context.Context, c *redis.Conn) error {
			server, master, err := identify(ctx, c)
			switch {
			case err != nil:
				return err
			case !master && o.Address == "":
				return errors.New("the server that is said to be the master is a replica as yet")
			}
			connected(server)
			return nil
		},
		// Not known to Redis 7 and 8 as Debian has them.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		DisableIdentity:          true,
	}
	if o.Address != "" {
		return redis.NewClient(options), nil
	}
	seeker := &seeker{tls: o.TLS, conns: map[*masterConn]struct{}{}}
	if o.Sentinel != nil {
		seeker.configured, seeker.ask = o.Sentinel.Addresses, askSentinel(o)
	} else {
		seeker.configured, seeker.ask = o.Cluster, askNode(o, k.lease())
	}
	options.Addr, options.Dialer = o.place(), seeker.dial
	client := redis.NewClient(options)
	client.AddHook(seeker)
	return client, seeker
}

// identify names the server of a connection and the history of its data: the same
// server that was a replica meanwhile may have lost something, and has another history
// since. The name is empty when Redis does not tell.
func identify(ctx context.Context, c *redis.Conn) (server string, master bool, err error) {
	info, err := c.Info(ctx, "server", "replication").Result()
	var answered redis.Error
	if errors.As(err, &answered) {
		return "", true, nil // whoever may not ask is told what goes wrong by what follows
	}
	if err != nil {
		return "", false, err
	}
	if run := infoField(info, "run_id"); run != "" {
		server = run + " " + infoField(info, "master_replid")
	}
	return server, infoField(info, "role") != "slave", nil
}

func addressOf(client redis.UniversalClient) string {
	if single, ok := client.(*redis.Client); ok {
		return single.Options().Addr
	}
	return "the configured nodes"
}

// Close releases the connections of a store that made its own client. It is
// called once, after Run has returned.
func (s *Store) Close() error {
	if !s.ownsClient {
		return nil
	}
	return s.client.Close()
}

// Append implements runner.Store. It never blocks on Redis. What is appended
// after Run has returned is not written.
func (s *Store) Append(changes []acd.Change, records []acd.CallRecord, stints []acd.Stint) {
	if len(changes)+len(records)+len(stints) == 0 {
		return
	}
	now := time.Now()
	var parts []acd.Stint
	for _, stint := range stints {
		parts = append(parts, traffic.SplitStint(stint, s.location)...)
	}
	s.mu.Lock()
	s.waiting.add(now, changes, records, parts)
	s.mu.Unlock()
	s.wakeWriter()
	s.spool.wakeUp()
}

func (s *Store) wakeWriter() {
	select {
	case s.wake <- struct{}{}:
	default: // the writer has not yet seen the token of an earlier one
	}
}

// Ready implements runner.Store.
func (s *Store) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, _ := s.unwritten()
	switch {
	case s.failure != nil:
		return fmt.Errorf("%w; %s%s", s.failure, waitingText(records), s.spool.where())
	case !s.running:
		return errors.New("the store is not running")
	case s.refusal() != nil:
		return s.refusal()
	case s.spool != nil && s.spool.failure != nil:
		return fmt.Errorf("%w; what Redis has not yet taken waits in memory only: %s", s.spool.failure, waitingText(records))
	case len(s.inFlight) > 0 && time.Since(s.inFlight[0].at) > behindAfter:
		return fmt.Errorf("Redis at %s is slow: the oldest entry has waited since %s; %s",
			s.address, s.inFlight[0].at.Format(time.RFC3339), waitingText(records))
	}
	return nil
}

// Spools reports whether what Redis does not take is kept on disk.
func (s *Store) Spools() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spool != nil && s.spool.failure == nil
}

func waitingText(records int) string {
	if records == 1 {
		return "1 record waiting"
	}
	return strconv.Itoa(records) + " records waiting"
}

// unwritten counts what is not yet written; the caller holds mu.
func (s *Store) unwritten() (records, changes int) {
	records = s.waiting.records + countRecords(s.inFlight) + countRecords(s.parked)
	return records, s.waiting.entries.Len() + len(s.inFlight) + len(s.parked) - records
}

// refusal says what is parked, also while it is tried again; nil when nothing
// is. The caller holds mu.
func (s *Store) refusal() error {
	var refused RefusedEntriesError
	for _, entries := range [][]entry{s.inFlight, s.parked} {
		for _, e := range entries {
			switch {
			case !e.parked:
				continue
			case e.counts():
				refused.Records++
			default:
				refused.Changes++
			}
			if refused.Err == nil {
				refused.Err = e.refused
			}
		}
	}
	if refused.Err == nil {
		return nil
	}
	refused.Address = s.address
	return &refused
}

func (s *Store) explain(err error) error { return explain(s.address, time.Time{}, err) }

// Ping reports whether Redis can be reached and accepts the password, by the
// typed errors of this package.
func (s *Store) Ping(ctx context.Context) error {
	return s.explain(s.probe(ctx))
}

// probe asks for a key: a node of a cluster that has the data no more still answers to
// PING.
func (s *Store) probe(ctx context.Context) error {
	if s.inCluster {
		return s.client.Exists(ctx, s.keys.fence()).Err()
	}
	return s.client.Ping(ctx).Err()
}
