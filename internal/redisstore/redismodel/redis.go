package redismodel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Range bounds a delay.
type Range struct{ Min, Max time.Duration }

// Options are those of a model; every zero value takes its default.
type Options struct {
	Seed  uint64
	Delay Range // of a request, and of its reply; by default as on a quiet network
	// Log receives a line for every fault and every connection; nil: nobody listens.
	Log func(line string)
}

// Redis is one Redis. All methods are safe for concurrent use.
type Redis struct {
	opt   Options
	began time.Time

	mu       sync.Mutex // guards all below, and everything in links and connections
	data     map[string]*value
	scripts  map[string]string // by SHA-1
	links    []*Link
	draws    map[string]uint64
	runs     int    // how often it was started
	down     bool   // it takes no connections
	refusing string // what every command that writes is answered with
	lastTime time.Time
}

// value is what a key holds: one of these is set.
type value struct {
	text    *string
	hash    map[string]string
	set     map[string]bool
	list    []string
	stream  *stream
	expires time.Time // zero: never
}

type stream struct {
	entries []streamEntry
	last    streamID
}

type streamEntry struct {
	id     streamID
	fields []string
}

func (v *value) clone() *value {
	c := &value{text: v.text, hash: maps.Clone(v.hash), set: maps.Clone(v.set), list: slices.Clone(v.list), expires: v.expires}
	if v.stream != nil {
		c.stream = &stream{slices.Clone(v.stream.entries), v.stream.last}
	}
	return c
}

// New makes a Redis that runs and is empty.
func New(o Options) *Redis {
	if o.Delay.Max == 0 {
		o.Delay = Range{100 * time.Microsecond, time.Millisecond}
	}
	return &Redis{opt: o, began: time.Now(), data: map[string]*value{}, scripts: map[string]string{}, draws: map[string]uint64{}, runs: 1}
}

// Copy is what a Redis had at some time.
type Copy struct{ data map[string]*value }

// Copy keeps what it has now, for Restart.
func (r *Redis) Copy() Copy {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Copy{map[string]*value{}}
	for key, v := range r.data {
		c.data[key] = v.clone()
	}
	return c
}

// Stop ends it: connections break, and new ones are refused. What it has stays for Start.
func (r *Redis) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log("stops")
	r.down = true
	r.breakAll()
}

// Start starts it again after Stop.
func (r *Redis) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start()
}

// Restart is a crash, or the failover to a replica, that leaves it with an older copy
// (the zero Copy: nothing).
func (r *Redis) Restart(with Copy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.breakAll()
	r.data = map[string]*value{}
	for key, v := range with.data {
		r.data[key] = v.clone()
	}
	r.start()
}

func (r *Redis) start() {
	r.down = false
	r.runs++
	r.scripts = map[string]string{}
	r.log("starts with %d keys", len(r.data))
}

// Refuse lets every command that writes fail with this error, as "OOM …" or
// "READONLY …"; empty: none.
func (r *Redis) Refuse(with string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log("refuses writes: %q", with)
	r.refusing = with
}

func (r *Redis) breakAll() {
	for _, l := range r.links {
		l.breakConns()
	}
}

// get finds what a key holds, if that has not expired.
func (r *Redis) get(key string) *value {
	v := r.data[key]
	if v != nil && !v.expires.IsZero() && !time.Now().Before(v.expires) {
		delete(r.data, key)
		return nil
	}
	return v
}

func (r *Redis) log(format string, args ...any) {
	if r.opt.Log != nil {
		r.opt.Log(fmt.Sprintf("%12v redis ", time.Since(r.began)) + fmt.Sprintf(format, args...))
	}
}

// draw chooses a delay by the seed, by what is delayed, and by how often that was.
func (r *Redis) draw(of string) time.Duration {
	count := r.draws[of]
	r.draws[of] = count + 1
	d := r.opt.Delay
	return d.Min + time.Duration(hash(r.opt.Seed, count, of)%uint64(d.Max-d.Min+1))
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

// Keys lists the keys that there are, in order.
func (r *Redis) Keys() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(r.data)) {
		if r.get(key) != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// session is what a connection has told: MULTI, and what was queued since.
type session struct {
	multi, spoiled bool
	queued         [][]string
	resp3          bool
}

// handle answers one command of a connection.
func (r *Redis) handle(s *session, args []string) any {
	name := strings.ToUpper(args[0])
	switch {
	case name == "HELLO":
		if len(args) > 1 {
			s.resp3 = args[1] == "3"
		}
		return pairs{"server", "redis", "version", "7.0.0", "proto", int64(3), "id", int64(1), "mode", "standalone", "role", "master", "modules", []any{}}
	case name == "MULTI":
		if s.multi {
			return failure("ERR MULTI calls can not be nested")
		}
		s.multi, s.spoiled, s.queued = true, false, nil
		return status("OK")
	case name == "EXEC":
		if !s.multi {
			return failure("ERR EXEC without MULTI")
		}
		s.multi = false
		if s.spoiled {
			return failure("EXECABORT Transaction discarded because of previous errors.")
		}
		replies := []any{}
		for _, queued := range s.queued {
			replies = append(replies, r.run(queued))
		}
		return replies
	case s.multi:
		c, known := commands[name]
		switch {
		case !known:
			s.spoiled = true
			return unknown(args)
		case !c.takes(len(args)):
			s.spoiled = true
			return wrongNumber(name)
		case r.refusing != "" && (c.writes != nothing || r.full()):
			s.spoiled = true
			return failure(r.refusing)
		}
		s.queued = append(s.queued, args)
		return status("QUEUED")
	}
	return r.run(args)
}

// run carries one command out.
func (r *Redis) run(args []string) any {
	name := strings.ToUpper(args[0])
	c, known := commands[name]
	switch {
	case !known:
		return unknown(args)
	case !c.takes(len(args)):
		return wrongNumber(name)
	case r.refusing != "" && (c.writes == more || c.writes == less && !r.full()):
		return failure(r.refusing)
	}
	return c.run(r, args[1:])
}

// full reports whether it refuses because of its memory.
func (r *Redis) full() bool { return strings.HasPrefix(r.refusing, "OOM") }

func unknown(args []string) failure {
	return failure(fmt.Sprintf("ERR unknown command '%s', with args beginning with: ", args[0]))
}

func wrongNumber(name string) failure {
	return failure(fmt.Sprintf("ERR wrong number of arguments for '%s' command", strings.ToLower(name)))
}
