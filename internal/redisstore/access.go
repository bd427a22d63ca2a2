package redisstore

import (
	"context"
	_ "embed" // replace.lua
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/access"
)

//go:embed replace.lua
var replaceSource string

var replaceScript = redis.NewScript(replaceSource)

// Access keeps users, sessions, tokens and the audit log. It implements access.Store and
// is the Store's, with which it ends.
type Access struct{ s *Store }

var _ access.Store = Access{}

// Access of the site.
func (s *Store) Access() Access { return Access{s} }

// Get implements access.Store, as do the others.
func (a Access) Get(ctx context.Context, shelf access.Shelf, id string) ([]byte, error) {
	data, err := a.s.client.HGet(ctx, a.s.keys.access(shelf), id).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return data, a.s.explain(err)
}

// All reads a hash.
func (a Access) All(ctx context.Context, shelf access.Shelf) (map[string][]byte, error) {
	fields, err := a.s.client.HGetAll(ctx, a.s.keys.access(shelf)).Result()
	if err != nil {
		return nil, a.s.explain(err)
	}
	records := make(map[string][]byte, len(fields))
	for id, text := range fields {
		records[id] = []byte(text)
	}
	return records, nil
}

// Replace compares and sets.
func (a Access) Replace(ctx context.Context, shelf access.Shelf, id string, was, becomes []byte) (bool, error) {
	flag := func(data []byte) int {
		if data == nil {
			return 0
		}
		return 1
	}
	done, err := replaceScript.Run(ctx, a.s.client, []string{a.s.keys.access(shelf)}, id, flag(was), was, flag(becomes), becomes).Int()
	return done == 1, a.s.explain(err)
}

// Append adds to the stream. What is old goes by whole nodes of the stream, some
// hundred entries at a time, when keep is long, so that adding stays cheap.
func (a Access) Append(ctx context.Context, entries [][]byte, keep time.Duration) error {
	now, err := a.s.client.Time(ctx).Result()
	if err != nil {
		return a.s.explain(err)
	}
	_, err = a.s.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, e := range entries {
			pipe.XAdd(ctx, &redis.XAddArgs{Stream: a.s.keys.audit(), Values: []any{"entry", e}})
		}
		oldest := strconv.FormatInt(now.Add(-keep).UnixMilli(), 10)
		if keep > 24*time.Hour {
			pipe.XTrimMinIDApprox(ctx, a.s.keys.audit(), oldest, 0)
		} else {
			pipe.XTrimMinID(ctx, a.s.keys.audit(), oldest)
		}
		return nil
	})
	return a.s.explain(err)
}

// Latest reads the stream backwards.
func (a Access) Latest(ctx context.Context, before string, limit int) ([]access.Logged, error) {
	end := "+"
	if before != "" {
		end = "(" + before
	}
	messages, err := a.s.client.XRevRangeN(ctx, a.s.keys.audit(), end, "-", int64(limit)).Result()
	if err != nil {
		return nil, a.s.explain(err)
	}
	list := make([]access.Logged, 0, len(messages))
	for _, m := range messages {
		text, ok := m.Values["entry"].(string)
		if !ok {
			return nil, fmt.Errorf("entry %s of %s in Redis has no field entry", m.ID, a.s.keys.audit())
		}
		list = append(list, access.Logged{ID: m.ID, Entry: []byte(text)})
	}
	return list, nil
}
