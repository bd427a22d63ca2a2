package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
)

// kinds are those of the live state; each has a hash of its own.
var kinds = []acd.Kind{
	acd.KindCall, acd.KindAgent, acd.KindCallback, acd.KindQueue, acd.KindPartner, acd.KindBlock, acd.KindTalked, acd.KindPlace, acd.KindSite,
}

// liveValue is what a change is kept as: the thing itself, under its kind's hash.
func liveValue(c acd.Change) any {
	switch {
	case c.Call != nil:
		return c.Call
	case c.Agent != nil:
		return c.Agent
	case c.Callback != nil:
		return c.Callback
	case c.Queue != nil:
		return c.Queue
	case c.Partner != nil:
		return c.Partner
	case c.Block != nil:
		return c.Block
	case c.Talked != nil:
		return c.Talked
	case c.Place != nil:
		return c.Place
	}
	return c.Site
}

// liveChange reads back what liveValue gave.
func liveChange(kind acd.Kind, text string) (c acd.Change, err error) {
	read := func(thing any) { err = json.Unmarshal([]byte(text), thing) }
	switch kind {
	case acd.KindCall:
		read(&c.Call)
	case acd.KindAgent:
		read(&c.Agent)
	case acd.KindCallback:
		read(&c.Callback)
	case acd.KindQueue:
		read(&c.Queue)
	case acd.KindPartner:
		read(&c.Partner)
	case acd.KindBlock:
		read(&c.Block)
	case acd.KindTalked:
		read(&c.Talked)
	case acd.KindPlace:
		read(&c.Place)
	case acd.KindSite:
		read(&c.Site)
	}
	if err == nil && c == (acd.Change{}) {
		err = errors.New("it is null")
	}
	return c, err
}

// queueLive puts the write of a live-state entry into a pipeline.
func (s *Store) queueLive(ctx context.Context, pipe redis.Pipeliner, e entry) (redis.Cmder, error) {
	hash := s.keys.live(e.live.Kind)
	if e.change == nil {
		return pipe.HDel(ctx, hash, e.live.ID), nil
	}
	text, err := json.Marshal(liveValue(*e.change))
	if err != nil {
		return nil, fmt.Errorf("encode the state of %s %s: %w", e.live.Kind, e.live.ID, err)
	}
	return pipe.HSet(ctx, hash, e.live.ID, text), nil
}

// ForgetLive empties the live state, for a controller that does not take over what a
// former one had: its calls would be listed as in progress for ever.
func (s *Store) ForgetLive(ctx context.Context) error {
	names := []string{s.keys.stateVersion()}
	for _, kind := range kinds {
		names = append(names, s.keys.live(kind))
	}
	return s.explain(s.client.Del(ctx, names...).Err())
}

// StateVersionError says that a newer program has written the live state.
type StateVersionError struct{ Written, Known int }

func (e *StateVersionError) Error() string {
	return fmt.Sprintf("the live state in Redis has version %d and this program knows up to %d: run the program that wrote it, or a newer one", e.Written, e.Known)
}

// Load reads the live state back, for a controller that starts, as of at. The error
// is one of this package's typed errors, or says which entry cannot be read.
func (s *Store) Load(ctx context.Context, at time.Time) (acd.State, error) {
	hashes := make([]*redis.MapStringStringCmd, len(kinds))
	var version *redis.StringCmd
	// Not a transaction, which a Redis whose memory is full would refuse.
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		version = pipe.Get(ctx, s.keys.stateVersion())
		for i, kind := range kinds {
			hashes[i] = pipe.HGetAll(ctx, s.keys.live(kind))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return acd.State{}, s.explain(err)
	}
	if v, err := strconv.Atoi(version.Val()); version.Val() != "" && (err != nil || v > acd.StateVersion) {
		return acd.State{}, &StateVersionError{Written: v, Known: acd.StateVersion}
	}
	var mirror acd.Mirror
	for i, kind := range kinds {
		for id, text := range hashes[i].Val() {
			change, err := liveChange(kind, text)
			if err != nil {
				return acd.State{}, fmt.Errorf("field %s of %s in Redis is not a live state: %w", id, s.keys.live(kind), err)
			}
			mirror.Apply(change)
		}
	}
	return mirror.State(at), nil
}
