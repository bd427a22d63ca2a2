package redismodel

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Replies beside string, int64, []any and nil.
type (
	status  string
	failure string
	pairs   []any // a map: keys and values by turns
)

const (
	wrongType  failure = "WRONGTYPE Operation against a key holding the wrong kind of value"
	notInteger failure = "ERR value is not an integer or out of range"
	syntax     failure = "ERR syntax error"
	badID      failure = "ERR Invalid stream ID specified as stream command argument"
)

// command is one that is known; least is how many words it has at least, itself
// counted, and with a minus exactly.
type command struct {
	least  int
	writes writes
	run    func(r *Redis, args []string) any
}

func (c command) takes(n int) bool { return n == -c.least || c.least > 0 && n >= c.least }

// writes says what a command does to what there is.
type writes int

const (
	nothing writes = iota
	less           // it may also be carried out when the memory is full
	more
)

var commands map[string]command

func init() {
	commands = map[string]command{
		"PING":     {1, nothing, func(*Redis, []string) any { return status("PONG") }},
		"SELECT":   {-2, nothing, func(*Redis, []string) any { return status("OK") }},
		"INFO":     {1, nothing, (*Redis).info},
		"FLUSHALL": {-1, less, func(r *Redis, _ []string) any { clear(r.data); return status("OK") }},
		"TIME":     {-1, nothing, (*Redis).time},
		"GET":      {-2, nothing, (*Redis).getText},
		"SET":      {-3, more, (*Redis).setText},
		"DEL":      {2, less, (*Redis).del}, "EXISTS": {2, nothing, (*Redis).exists},
		"EXPIRE":  {-3, less, func(r *Redis, args []string) any { return r.expire(args, time.Second) }},
		"PEXPIRE": {-3, less, func(r *Redis, args []string) any { return r.expire(args, time.Millisecond) }},
		"PTTL":    {-2, nothing, (*Redis).pttl},
		"HSET":    {4, more, (*Redis).hset}, "HDEL": {3, less, (*Redis).hdel}, "HGET": {-3, nothing, (*Redis).hget},
		"HMGET": {3, nothing, (*Redis).hmget}, "HGETALL": {-2, nothing, (*Redis).hgetall},
		"HLEN": {-2, nothing, (*Redis).hlen}, "HEXISTS": {-3, nothing, (*Redis).hexists},
		"SADD": {3, more, (*Redis).sadd}, "SREM": {3, less, (*Redis).srem}, "SISMEMBER": {-3, nothing, (*Redis).sismember},
		"SCARD": {-2, nothing, (*Redis).scard}, "SMEMBERS": {-2, nothing, (*Redis).smembers},
		"RPUSH": {3, more, (*Redis).rpush}, "RPOP": {-2, less, (*Redis).rpop}, "LLEN": {-2, nothing, (*Redis).llen},
		"XADD": {5, more, (*Redis).xadd}, "XDEL": {3, less, (*Redis).xdel}, "XLEN": {-2, nothing, (*Redis).xlen},
		"XRANGE":    {4, nothing, func(r *Redis, args []string) any { return r.xrange(args, false) }},
		"XREVRANGE": {4, nothing, func(r *Redis, args []string) any { return r.xrange(args, true) }},
		"EVAL":      {3, nothing, (*Redis).eval}, "EVALSHA": {3, nothing, (*Redis).evalSHA},
	}
}

func (r *Redis) info([]string) any {
	return fmt.Sprintf("# Server\r\nredis_version:7.0.0\r\nrun_id:%040x\r\n", r.runs)
}

// now grows with each look, as no two commands of a real Redis fall into one microsecond.
func (r *Redis) now() time.Time {
	r.lastTime = time.UnixMicro(max(time.Now().UnixMicro(), r.lastTime.UnixMicro()))
	return r.lastTime
}

func (r *Redis) time([]string) any {
	now := r.now()
	return []any{strconv.FormatInt(now.Unix(), 10), strconv.Itoa(now.Nanosecond() / 1000)}
}

func (r *Redis) getText(args []string) any {
	switch v := r.get(args[0]); {
	case v == nil:
		return nil
	case v.text == nil:
		return wrongType
	default:
		return *v.text
	}
}

func (r *Redis) setText(args []string) any {
	r.data[args[0]] = &value{text: &args[1]}
	return status("OK")
}

func (r *Redis) del(args []string) any {
	n := int64(0)
	for _, key := range args {
		if r.get(key) != nil {
			n++
			delete(r.data, key)
		}
	}
	return n
}

func (r *Redis) exists(args []string) any {
	n := int64(0)
	for _, key := range args {
		if r.get(key) != nil {
			n++
		}
	}
	return n
}

func (r *Redis) expire(args []string, unit time.Duration) any {
	n, err := strconv.ParseInt(args[1], 10, 64)
	v := r.get(args[0])
	switch {
	case err != nil:
		return notInteger
	case v == nil:
		return int64(0)
	case n <= 0:
		delete(r.data, args[0])
	default:
		v.expires = time.Now().Add(time.Duration(n) * unit)
	}
	return int64(1)
}

func (r *Redis) pttl(args []string) any {
	switch v := r.get(args[0]); {
	case v == nil:
		return int64(-2)
	case v.expires.IsZero():
		return int64(-1)
	default:
		return time.Until(v.expires).Milliseconds()
	}
}

// hash finds a hash; nil without an error when there is none.
func (r *Redis) hash(key string) (map[string]string, any) {
	v := r.get(key)
	if v == nil {
		return nil, nil
	}
	if v.hash == nil {
		return nil, wrongType
	}
	return v.hash, nil
}

func (r *Redis) hset(args []string) any {
	if len(args)%2 == 0 {
		return wrongNumber("hset")
	}
	h, wrong := r.hash(args[0])
	if wrong != nil {
		return wrong
	}
	if h == nil {
		h = map[string]string{}
		r.data[args[0]] = &value{hash: h}
	}
	before := len(h)
	for i := 1; i < len(args); i += 2 {
		h[args[i]] = args[i+1]
	}
	return int64(len(h) - before)
}

func (r *Redis) hdel(args []string) any {
	h, wrong := r.hash(args[0])
	if wrong != nil {
		return wrong
	}
	before := len(h)
	for _, field := range args[1:] {
		delete(h, field)
	}
	if before > 0 && len(h) == 0 {
		delete(r.data, args[0])
	}
	return int64(before - len(h))
}

func (r *Redis) hget(args []string) any {
	h, wrong := r.hash(args[0])
	if wrong != nil {
		return wrong
	}
	if text, there := h[args[1]]; there {
		return text
	}
	return nil
}

func (r *Redis) hmget(args []string) any {
	h, wrong := r.hash(args[0])
	if wrong != nil {
		return wrong
	}
	list := make([]any, len(args)-1)
	for i, field := range args[1:] {
		if text, there := h[field]; there {
			list[i] = text
		}
	}
	return list
}

func (r *Redis) hgetall(args []string) any {
	h, wrong := r.hash(args[0])
	if wrong != nil {
		return wrong
	}
	list := pairs{}
	for _, field := range slices.Sorted(maps.Keys(h)) {
		list = append(list, field, h[field])
	}
	return list
}

func (r *Redis) hlen(args []string) any {
	h, wrong := r.hash(args[0])
	return cmp.Or(wrong, any(int64(len(h))))
}

func (r *Redis) hexists(args []string) any {
	h, wrong := r.hash(args[0])
	if _, there := h[args[1]]; wrong == nil && there {
		return int64(1)
	}
	return cmp.Or(wrong, any(int64(0)))
}

func (r *Redis) set(key string) (map[string]bool, any) {
	v := r.get(key)
	if v == nil {
		return nil, nil
	}
	if v.set == nil {
		return nil, wrongType
	}
	return v.set, nil
}

func (r *Redis) sadd(args []string) any {
	s, wrong := r.set(args[0])
	if wrong != nil {
		return wrong
	}
	if s == nil {
		s = map[string]bool{}
		r.data[args[0]] = &value{set: s}
	}
	before := len(s)
	for _, member := range args[1:] {
		s[member] = true
	}
	return int64(len(s) - before)
}

func (r *Redis) srem(args []string) any {
	s, wrong := r.set(args[0])
	if wrong != nil {
		return wrong
	}
	before := len(s)
	for _, member := range args[1:] {
		delete(s, member)
	}
	if before > 0 && len(s) == 0 {
		delete(r.data, args[0])
	}
	return int64(before - len(s))
}

func (r *Redis) sismember(args []string) any {
	s, wrong := r.set(args[0])
	if s[args[1]] {
		return int64(1)
	}
	return cmp.Or(wrong, any(int64(0)))
}

func (r *Redis) scard(args []string) any {
	s, wrong := r.set(args[0])
	return cmp.Or(wrong, any(int64(len(s))))
}

func (r *Redis) smembers(args []string) any {
	s, wrong := r.set(args[0])
	if wrong != nil {
		return wrong
	}
	list := []any{}
	for _, member := range slices.Sorted(maps.Keys(s)) {
		list = append(list, member)
	}
	return list
}

func (r *Redis) rpush(args []string) any {
	v := r.get(args[0])
	if v == nil {
		v = &value{}
		r.data[args[0]] = v
	} else if v.list == nil {
		return wrongType
	}
	v.list = append(v.list, args[1:]...)
	return int64(len(v.list))
}

func (r *Redis) rpop(args []string) any {
	v := r.get(args[0])
	if v == nil {
		return nil
	}
	if v.list == nil {
		return wrongType
	}
	last := v.list[len(v.list)-1]
	if v.list = v.list[:len(v.list)-1]; len(v.list) == 0 {
		delete(r.data, args[0])
	}
	return last
}

func (r *Redis) llen(args []string) any {
	v := r.get(args[0])
	if v != nil && v.list == nil {
		return wrongType
	}
	if v == nil {
		return int64(0)
	}
	return int64(len(v.list))
}

type streamID struct{ ms, seq uint64 }

func (id streamID) compare(other streamID) int {
	return cmp.Or(cmp.Compare(id.ms, other.ms), cmp.Compare(id.seq, other.seq))
}

func (id streamID) String() string { return fmt.Sprintf("%d-%d", id.ms, id.seq) }

// parseID reads an id; seq is taken where none is given.
func parseID(text string, seq uint64) (id streamID, ok bool) {
	ms, rest, whole := strings.Cut(text, "-")
	var err error
	if id.ms, err = strconv.ParseUint(ms, 10, 64); err != nil {
		return id, false
	}
	if id.seq = seq; whole {
		id.seq, err = strconv.ParseUint(rest, 10, 64)
	}
	return id, err == nil
}

func (r *Redis) streamOf(key string) (*stream, any) {
	v := r.get(key)
	if v == nil {
		return nil, nil
	}
	if v.stream == nil {
		return nil, wrongType
	}
	return v.stream, nil
}

func (r *Redis) xadd(args []string) any {
	var id streamID
	own := args[1] != "*"
	if own {
		var ok bool
		if id, ok = parseID(args[1], 0); !ok {
			return badID
		}
	}
	if len(args)%2 != 0 {
		return wrongNumber("xadd")
	}
	s, wrong := r.streamOf(args[0])
	if wrong != nil {
		return wrong
	}
	if own && id == (streamID{}) {
		return failure("ERR The ID specified in XADD must be greater than 0-0")
	}
	if own && s != nil && id.compare(s.last) <= 0 {
		return failure("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	}
	if s == nil {
		s = &stream{}
		r.data[args[0]] = &value{stream: s}
	}
	if !own {
		if id = (streamID{ms: uint64(r.now().UnixMilli())}); id.ms <= s.last.ms {
			id = streamID{s.last.ms, s.last.seq + 1}
		}
	}
	s.last = id
	s.entries = append(s.entries, streamEntry{id, slices.Clone(args[2:])})
	return id.String()
}

func (r *Redis) xdel(args []string) any {
	s, wrong := r.streamOf(args[0])
	if wrong != nil {
		return wrong
	}
	n := int64(0)
	for _, text := range args[1:] {
		id, ok := parseID(text, 0)
		if !ok {
			return badID
		}
		if s != nil {
			before := len(s.entries)
			s.entries = slices.DeleteFunc(s.entries, func(e streamEntry) bool { return e.id == id })
			n += int64(before - len(s.entries))
		}
	}
	return n
}

func (r *Redis) xlen(args []string) any {
	s, wrong := r.streamOf(args[0])
	if wrong != nil || s == nil {
		return cmp.Or(wrong, any(int64(0)))
	}
	return int64(len(s.entries))
}

// bound reads an end of a range; with low the lower one.
func bound(text string, low bool) (id streamID, ok bool) {
	text, open := strings.CutPrefix(text, "(")
	switch {
	case text == "-" && !open:
		return streamID{}, true
	case text == "+" && !open:
		return streamID{math.MaxUint64, math.MaxUint64}, true
	case low:
		if id, ok = parseID(text, 0); ok && open {
			id.seq++
		}
	default:
		if id, ok = parseID(text, math.MaxUint64); ok && open {
			if id.seq--; id.seq == math.MaxUint64 {
				id.ms--
			}
		}
	}
	return id, ok
}

func (r *Redis) xrange(args []string, reverse bool) any {
	first, last := args[1], args[2]
	if reverse {
		first, last = last, first
	}
	from, ok1 := bound(first, true)
	to, ok2 := bound(last, false)
	if !ok1 || !ok2 {
		return badID
	}
	count := math.MaxInt
	if len(args) > 3 {
		var err error
		if len(args) != 5 || !strings.EqualFold(args[3], "COUNT") {
			return syntax
		}
		if count, err = strconv.Atoi(args[4]); err != nil {
			return notInteger
		}
	}
	s, wrong := r.streamOf(args[0])
	if wrong != nil {
		return wrong
	}
	list := []any{}
	if s == nil {
		return list
	}
	entries := s.entries
	if reverse {
		entries = slices.Clone(entries)
		slices.Reverse(entries)
	}
	for _, e := range entries {
		if e.id.compare(from) < 0 || e.id.compare(to) > 0 || len(list) >= count {
			continue
		}
		fields := []any{}
		for _, f := range e.fields {
			fields = append(fields, f)
		}
		list = append(list, []any{e.id.String(), fields})
	}
	return list
}
