package redisstore

import (
	"context"
	"crypto/sha1"
	_ "embed" // amounts.lua, apply.lua
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// dedupeFor is how long after the last call of a day a record of that day can
// be sent again without being counted again. No spool is replayed later.
const dedupeFor = 35 * 24 * time.Hour

var (
	//go:embed amounts.lua
	amountsPart string
	//go:embed apply.lua
	applyPart string

	applySource = amountsPart + applyPart
)

// applySHA is the name under which Redis keeps the script (EVALSHA).
var applySHA = func() string {
	sum := sha1.Sum([]byte(applySource))
	return hex.EncodeToString(sum[:])
}()

// countable is a record or a part of a stint, and what it counts.
type countable struct {
	id         string
	text       []byte // JSON
	stint      bool
	record     *acd.CallRecord     // when it was decoded
	increments []traffic.Increment // of one day
	supposed   uint64              // token of whoever only supposes that the call has ended; 0: it has
}

func countCall(record acd.CallRecord, loc *time.Location) (countable, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return countable{}, fmt.Errorf("encode the record of call %s: %w", record.Call, err)
	}
	return countable{id: string(record.Call), text: text, increments: traffic.Fold(record, loc)}, nil
}

// countStint counts a stint that lies within one day. An agent begins no two at
// the same moment.
func countStint(stint acd.Stint, loc *time.Location) (countable, error) {
	text, err := json.Marshal(stint)
	if err != nil {
		return countable{}, fmt.Errorf("encode a stint of agent %s: %w", stint.Agent, err)
	}
	return countable{id: stintID(stint), text: text, stint: true, increments: traffic.FoldStint(stint, loc)}, nil
}

// stintMark begins the ids of stints; no call's id begins so.
const stintMark = "stint:"

func stintID(stint acd.Stint) string {
	return stintMark + string(stint.Agent) + ":" + strconv.FormatInt(stint.From.UnixNano(), 10)
}

// applyArgs are KEYS and ARGV of the script for entries of one day and kind, no two
// with the same id, counted with a set of counters.
func applyArgs(k keys, set int, day calendar.Day, entries []countable, now time.Time) ([]string, []any) {
	source := k.records(day)
	if entries[0].stint {
		source = k.stints(day)
	}
	scriptKeys := []string{
		k.counted(day), source, k.live(acd.KindCall), k.closed(), k.corrections(day), k.open(), k.sets(),
		k.month(day.Month()), k.year(day.Month().Year), k.fence(), k.day(day),
	}
	args := make([]any, 0, 5+3*len(entries)+64*len(entries))
	args = append(args, day.String(), int64(dedupeFor/time.Second), now.UTC().Format(time.RFC3339), set, len(entries))
	intervals := map[calendar.Interval]traffic.Table{}
	var order []calendar.Interval
	for _, entry := range entries {
		supposed := ""
		if entry.supposed != 0 {
			supposed = strconv.FormatUint(entry.supposed, 10)
		}
		args = append(args, entry.id, entry.text, supposed)
		for _, increment := range entry.increments {
			table := intervals[increment.Interval]
			if table == nil {
				table = traffic.Table{}
				intervals[increment.Interval] = table
				order = append(order, increment.Interval)
				scriptKeys = append(scriptKeys, k.interval(increment.Interval))
			}
			table.Count(increment)
		}
	}
	whole := traffic.Table{}
	for _, interval := range order {
		for key, counters := range intervals[interval] {
			whole.Add(key, counters)
		}
	}
	args = appendBucket(args, whole)
	for _, interval := range order {
		args = appendBucket(args, intervals[interval])
	}
	return scriptKeys, args
}

// appendBucket appends the amounts of a bucket as the scripts want them: how many are
// added, how many there are, the fields, sums first, and the amounts.
func appendBucket(args []any, table traffic.Table) []any {
	var fields, maxima []any
	var amounts, largest []any
	for key, counters := range table {
		prefix := key.String() + fieldSeparator
		for counter, amount := range counters {
			switch {
			case counter.IsMaximum():
				maxima, largest = append(maxima, prefix+string(counter)), append(largest, amount)
			case amount != 0:
				fields, amounts = append(fields, prefix+string(counter)), append(amounts, amount)
			}
		}
	}
	args = append(args, len(fields), len(fields)+len(maxima))
	args = append(append(args, fields...), maxima...)
	return append(append(args, amounts...), largest...)
}

// queueApply puts the script call for a batch into a pipeline. With load
// the script's text is sent along, which also teaches it to a Redis that does
// not know it, so that the later calls of the pipeline can go by name.
func queueApply(ctx context.Context, pipe redis.Pipeliner, load bool, scriptKeys []string, args []any) *redis.Cmd {
	if load {
		return pipe.Eval(ctx, applySource, scriptKeys, args...)
	}
	return pipe.EvalSha(ctx, applySHA, scriptKeys, args...)
}
