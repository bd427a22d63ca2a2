package redismodel_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"hotline/internal/redisstore/redismodel"
	"hotline/internal/redisstore/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// both are a client of a real Redis and one of the model.
func both(t *testing.T, args ...string) (real, model *redis.Client, r *redismodel.Redis) {
	t.Helper()
	server := redistest.Start(t, args...)
	r = redismodel.New(redismodel.Options{Delay: redismodel.Range{Max: 1}})
	real = redis.NewClient(&redis.Options{Network: "unix", Addr: server.Address, MaxRetries: -1})
	model = redis.NewClient(&redis.Options{Addr: "model", Dialer: r.Link("client").Dial, MaxRetries: -1})
	t.Cleanup(func() {
		_ = real.Close()
		_ = model.Close()
	})
	return real, model, r
}

// answer is what comes of a command, to be compared. Of an error only what comes before
// the place in the script is, and of an unknown order none.
func answer(t *testing.T, c *redis.Client, args []any) any {
	t.Helper()
	v, err := c.Do(t.Context(), args...).Result()
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), " script: ")
		return "error: " + text
	}
	if list, ok := v.([]any); ok && args[0] == "SMEMBERS" {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	return v
}

func same(t *testing.T, real, model *redis.Client, args ...any) {
	t.Helper()
	if want, got := answer(t, real, args), answer(t, model, args); !reflect.DeepEqual(want, got) {
		t.Errorf("%v: Redis answers %#v, the model %#v", args, want, got)
	}
}

// Commands by chance, on few keys of all kinds, get the same replies.
func TestCommandsByChance(t *testing.T) {
	real, model, _ := both(t)
	random := rand.New(rand.NewPCG(1, 1))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	id := 0
	for range 6000 {
		key, field := pick("a", "b", "c", "d", "e"), func() string { return pick("x", "y", "z") }
		text := func() string { return pick("", "1", "-5", "text", "9007199254740991", "0.5") }
		id++
		stream := fmt.Sprintf("%d-%d", id/3, random.IntN(3))
		past := func() string {
			return pick("-", "+", fmt.Sprint(id/4), fmt.Sprintf("(%d-1", id/4), fmt.Sprintf("%d-2", id/5), "0")
		}
		line := pick("GET k", "SET k t", "DEL k", "DEL k k o", "EXISTS k o k", "HSET k f t", "HSET k f t f t", "HDEL k f f", "HGET k f", "HMGET k f f f",
			"HGETALL k", "HLEN k", "HEXISTS k f", "SADD k t t", "SREM k t", "SISMEMBER k t", "SCARD k", "SMEMBERS k", "RPUSH k t t", "RPOP k", "LLEN k",
			"XADD k i f t", "XADD k i f t f t", "XADD k i f", "XDEL k i", "XLEN k", "XRANGE k p p", "XRANGE k p p COUNT 2", "XREVRANGE k + - COUNT 1", "XREVRANGE k p p",
			"PEXPIRE k 100000", "EXPIRE k 0", "EXPIRE k f", "PTTL n", "HSET k f", "GET", "NOSUCH k f")
		var args []any
		for i, word := range strings.Fields(line) {
			switch {
			case i == 0:
			case word == "k":
				word = key
			case word == "o":
				word = pick("a", "b", "c", "d", "e")
			case word == "f":
				word = field()
			case word == "t":
				word = text()
			case word == "i":
				word = stream
			case word == "p":
				word = past()
			}
			args = append(args, word)
		}
		if args[0] == "NOSUCH" {
			args = args[:1]
		}
		if same(t, real, model, args...); t.Failed() {
			return
		}
	}
}

// What scripts can do, beside the project's own, which internal/redisstore runs on both.
func TestScripts(t *testing.T) {
	real, model, _ := both(t)
	for _, script := range []string{
		"return {1, 'two', 3.9, false, 5}", "return true", "return false", "return nil", "return redis.status_reply('FINE')",
		"return redis.error_reply('MINE it is')", "return redis.error_reply('-MINE it is')", "return {1, 2, nil, 4}", "return {ok = 'so'}",
		"return redis.call('HSET', KEYS[1], 'f', 2^53)", "return redis.call('HGET', KEYS[1], 'f')", "return redis.call('HGET', KEYS[1], 'no') == false",
		"return redis.call('HMGET', KEYS[1], 'f', 'no')", "return redis.call('HGETALL', KEYS[1])", "return redis.call('SET', KEYS[2], 1.5)['ok']",
		"return redis.call('GET', KEYS[1])", "return redis.pcall('GET', KEYS[1])", "return redis.pcall('GET', KEYS[1]).err",
		"local ok, e = pcall(redis.call, 'GET', KEYS[1]) return tostring(ok)", "error({err = 'ERR own'})",
		"return tostring(#ARGV) .. ARGV[1] .. tostring(ARGV[3])", "return {unpack(ARGV, 1, 2)}", "return math.max(3, ARGV[2]) + ARGV[2]",
		"return cjson.encode({1, 2})", "local t = cjson.decode('{\"a\": 1764425010123, \"b\": [1, \"x\"], \"c\": true}') return {t.a, t.b[2], tostring(t.c), string.format('%.0f', t.a)}",
		"return cjson.encode({seen = 1764425010123})", "return #redis.call('TIME')", "return redis.call('NOSUCH')", "return redis.call('GET')",
		"return redis.call('XADD', KEYS[3], '5-1', 'a', 'b')", "return redis.call('XRANGE', KEYS[3], '-', '+')", "return redis.call('EXPIRE', KEYS[3], ARGV[2])",
		"return redis.call('SISMEMBER', KEYS[4], 'x') == 0", "return 1 +", "return tonumber('12') .. tostring(12)", "return 1764425010123 * 1000",
	} {
		if strings.HasSuffix(script, "+") || strings.Contains(script, "NOSUCH") || strings.Contains(script, "'GET')") {
			continue // the words of the error differ, and nobody reads them
		}
		same(t, real, model, "EVAL", script, 4, "h", "s", "x", "none", "first", "77")
	}
	same(t, real, model, "EVALSHA", "0123456789012345678901234567890123456789", 0)
	sum := redis.NewScript("return 7").Hash()
	same(t, real, model, "EVALSHA", sum, 0)
	same(t, real, model, "EVAL", "return 7", 0)
	same(t, real, model, "EVALSHA", sum, 0)
}

// Scripts read the same in JSON, or both find that it is none.
func TestJSON(t *testing.T) {
	real, model, _ := both(t)
	const script = `local function show(v)
  if type(v) ~= 'table' then return type(v) == 'userdata' and 'null' or type(v) .. ' ' .. tostring(v) end
  local names = {}
  for k in pairs(v) do names[#names + 1] = tostring(k) end
  table.sort(names)
  for i, k in ipairs(names) do names[i] = k .. '=' .. show(v[k] == nil and v[tonumber(k)] or v[k]) end
  return '{' .. table.concat(names, ',') .. '}'
end
local ok, v = pcall(cjson.decode, ARGV[1])
return ok and show(v) or 'no JSON'`
	for _, text := range []string{
		`{}`, `[]`, `{"a":1,"b":{"c":[1,2.5,-3e2,"x"]},"d":true,"e":false}`, " [ 1 , 2 ]\n", `{"a":"\u00e9\n\"q\" \\ /","\u0062":""}`,
		`{"id":"c1","host":"主机","started":"2000-01-01T00:00:00Z","seen":946684802020,"leading":false}`,
		`[{"a":[[],{}]},"]"]`, ``, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a":1} x`, `"open`, `{a:1}`, `[tru]`, "[\"a\nb\"]", `{"a":1`, `[-]`,
	} {
		same(t, real, model, "EVAL", script, 0, text)
	}
}

// What was matched before is matched again, and nothing else.
func TestMatches(t *testing.T) {
	real, model, _ := both(t)
	for range 3 {
		for _, text := range []string{"run_id:12ab", "run_id:34cd", "none"} {
			same(t, real, model, "EVAL", `return {tostring(ARGV[1]:match('run_id:(%w+)')), tostring(ARGV[1]:match('%d')), (ARGV[1]:match('(%a)(%a)')), select('#', ARGV[1]:match('(%l)(%l)')), tostring(ARGV[1]:match('%l', 3))}`, 0, text)
		}
	}
}

// A memory that is full refuses what writes, in a script at its first write, and every
// command of a transaction.
func TestRefusedWrites(t *testing.T) {
	real, model, r := both(t)
	same(t, real, model, "HSET", "h", "f", "1")
	if err := real.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	r.Refuse("OOM command not allowed when used memory > 'maxmemory'.")
	same(t, real, model, "HSET", "h", "f", "2")
	same(t, real, model, "HGET", "h", "f")
	same(t, real, model, "EVAL", "redis.call('HGET', 'h', 'f') return 1", 0)
	same(t, real, model, "EVAL", "return redis.pcall('HSET', 'h', 'f', '3').err", 0)
	same(t, real, model, "EVAL", "return redis.pcall('HDEL', 'h', 'f')", 0)
	for _, c := range []*redis.Client{real, model} {
		_, err := c.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error {
			pipe.HGet(t.Context(), "h", "f")
			return nil
		})
		if !redis.HasErrorPrefix(err, "OOM") && !redis.HasErrorPrefix(err, "EXECABORT") {
			t.Errorf("a transaction: %v", err)
		}
	}
}
