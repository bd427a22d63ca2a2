package redisstore

import (
	"context"
	"crypto/sha1"
	_ "embed" // apply.lua
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
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

// applyArgs are KEYS and ARGV of the script for one record.
func applyArgs(k keys, record acd.CallRecord, loc *time.Location) ([]string, []any, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the record of call %s: %w", record.Call, err)
	}
	increments := traffic.Fold(record, loc)
	interval := increments[0].Interval
	var sums, maxima []string // fields
	amounts := map[string]int64{}
	for _, increment := range increments {
		for _, amount := range increment.Amounts {
			field := counterField(increment.Key, amount.Counter)
			amounts[field] = amount.Value
			switch {
			case amount.Counter.IsMaximum():
				maxima = append(maxima, field)
			case amount.Value != 0:
				sums = append(sums, field)
			}
		}
	}
	fields := append(sums, maxima...)
	args := make([]any, 0, 4+2*len(fields))
	args = append(args, string(record.Call), text, int64(dedupeFor/time.Second), len(sums))
	for _, field := range fields {
		args = append(args, field)
	}
	for _, field := range fields {
		args = append(args, amounts[field])
	}
	return []string{k.counted(interval.Day), k.records(interval.Day), k.calls(), k.day(interval.Day), k.interval(interval)}, args, nil
}

// queueApply puts the script call for one record into a pipeline. With load
// the script's text is sent along, which also teaches it to a Redis that does
// not know it, so that the later calls of the pipeline can go by name.
func queueApply(ctx context.Context, pipe redis.Pipeliner, load bool, scriptKeys []string, args []any) *redis.Cmd {
	if load {
		return pipe.Eval(ctx, applySource, scriptKeys, args...)
	}
	return pipe.EvalSha(ctx, applySHA, scriptKeys, args...)
}
