package redisstore

import (
	"context"
	"crypto/sha1"
	_ "embed" // apply.lua
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

//go:embed apply.lua
var applySource string

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
	increments []traffic.Increment // of one day
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
	id := "stint:" + string(stint.Agent) + ":" + strconv.FormatInt(stint.From.UnixNano(), 10)
	return countable{id: id, text: text, stint: true, increments: traffic.FoldStint(stint, loc)}, nil
}

// amounts is what the script is told of one batch; see apply.lua.
type amounts struct {
	Fields  []string    `json:"fields"`
	Maxima  int         `json:"maxima"`
	Entries [][][]int64 `json:"entries"`
}

// applyArgs are KEYS and ARGV of the script for entries of one day and kind.
func applyArgs(k keys, day calendar.Day, entries []countable, now time.Time) ([]string, []any, error) {
	source := k.records(day)
	if entries[0].stint {
		source = k.stints(day)
	}
	scriptKeys := []string{
		k.counted(day), source, k.calls(), k.closed(), k.corrections(day),
		k.day(day), k.month(day.Month()), k.year(day.Month().Year),
	}
	fields := newFieldIndex(entries)
	input := amounts{Fields: fields.names, Maxima: fields.maxima, Entries: make([][][]int64, len(entries))}
	buckets := map[calendar.Interval]int64{}
	for n, entry := range entries {
		lists := [][]int64{}
		for _, increment := range entry.increments {
			bucket, known := buckets[increment.Interval]
			if !known {
				scriptKeys = append(scriptKeys, k.interval(increment.Interval))
				bucket = int64(len(scriptKeys))
				buckets[increment.Interval] = bucket
			}
			list := []int64{bucket}
			for _, a := range increment.Amounts {
				if a.Value != 0 {
					list = append(list, fields.of(increment.Key, a.Counter), a.Value)
				}
			}
			lists = append(lists, list)
		}
		input.Entries[n] = lists
	}
	text, err := json.Marshal(input)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the amounts of %s: %w", day, err)
	}
	args := make([]any, 0, 4+2*len(entries))
	args = append(args, day.String(), int64(dedupeFor/time.Second), now.UTC().Format(time.RFC3339), text)
	for _, entry := range entries {
		args = append(args, entry.id, entry.text)
	}
	return scriptKeys, args, nil
}

// fieldIndex numbers the fields of counters from 1 on, sums before maxima.
type fieldIndex struct {
	names  []string
	maxima int
	index  map[counterOf]int64
}

type counterOf struct {
	key     traffic.Key
	counter traffic.Counter
}

func newFieldIndex(entries []countable) *fieldIndex {
	f := &fieldIndex{index: map[counterOf]int64{}}
	var maxima []counterOf
	for _, entry := range entries {
		for _, increment := range entry.increments {
			for _, a := range increment.Amounts {
				c := counterOf{increment.Key, a.Counter}
				if _, known := f.index[c]; known || a.Value == 0 {
					continue
				}
				f.index[c] = 0
				if a.Counter.IsMaximum() {
					maxima = append(maxima, c)
					continue
				}
				f.number(c)
			}
		}
	}
	f.maxima = len(f.names) + 1
	for _, c := range maxima {
		f.number(c)
	}
	return f
}

func (f *fieldIndex) number(c counterOf) {
	f.names = append(f.names, counterField(c.key, c.counter))
	f.index[c] = int64(len(f.names))
}

func (f *fieldIndex) of(key traffic.Key, counter traffic.Counter) int64 {
	return f.index[counterOf{key, counter}]
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
