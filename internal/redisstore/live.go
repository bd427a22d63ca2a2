package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
)

// liveVersion is the version of the JSON of live calls and agents.
const liveVersion = 1

type callState struct {
	Version int `json:"v"`
	acd.CallStatus
}

type agentState struct {
	Version int `json:"v"`
	acd.AgentStatus
}

// Live is the live state as it was last written.
type Live struct {
	Calls  []acd.CallStatus  // by call id
	Agents []acd.AgentStatus // by work number
}

// queueLive puts the write of a live-state entry into a pipeline.
func (s *Store) queueLive(ctx context.Context, pipe redis.Pipeliner, e entry) (redis.Cmder, error) {
	var state any
	hash := s.keys.agents()
	if e.live.isCall {
		hash = s.keys.calls()
	}
	switch {
	case e.call != nil:
		state = callState{Version: liveVersion, CallStatus: *e.call}
	case e.agent != nil:
		state = agentState{Version: liveVersion, AgentStatus: *e.agent}
	default:
		return pipe.HDel(ctx, hash, e.live.id), nil
	}
	text, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode the state of %s: %w", e.live.id, err)
	}
	return pipe.HSet(ctx, hash, e.live.id, text), nil
}

// ForgetLive empties the live state, for a controller that does not take over what a
// former one had: its calls would be listed as in progress for ever.
func (s *Store) ForgetLive(ctx context.Context) error {
	return s.explain(s.client.Del(ctx, s.keys.calls(), s.keys.agents()).Err())
}

// Load reads the live calls and agents back, for a controller that starts.
// The error is one of this package's typed errors, or says which entry cannot
// be read.
func (s *Store) Load(ctx context.Context) (Live, error) {
	var calls, agents *redis.MapStringStringCmd
	// Not a transaction, which a Redis whose memory is full would refuse.
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		calls = pipe.HGetAll(ctx, s.keys.calls())
		agents = pipe.HGetAll(ctx, s.keys.agents())
		return nil
	})
	if err != nil {
		return Live{}, s.explain(err)
	}
	var live Live
	for id, text := range calls.Val() {
		var state callState
		if err := decodeLive(s.keys.calls(), id, text, &state, &state.Version); err != nil {
			return Live{}, err
		}
		live.Calls = append(live.Calls, state.CallStatus)
	}
	for id, text := range agents.Val() {
		var state agentState
		if err := decodeLive(s.keys.agents(), id, text, &state, &state.Version); err != nil {
			return Live{}, err
		}
		live.Agents = append(live.Agents, state.AgentStatus)
	}
	slices.SortFunc(live.Calls, func(a, b acd.CallStatus) int { return cmp.Compare(a.Call, b.Call) })
	slices.SortFunc(live.Agents, func(a, b acd.AgentStatus) int { return cmp.Compare(a.Agent, b.Agent) })
	return live, nil
}

func decodeLive(hash, id, text string, state any, version *int) error {
	if err := json.Unmarshal([]byte(text), state); err != nil {
		return fmt.Errorf("field %s of %s in Redis is not a live state: %w", id, hash, err)
	}
	if *version != liveVersion {
		return fmt.Errorf("field %s of %s in Redis has version %d, this program knows version %d: use the program that wrote it", id, hash, *version, liveVersion)
	}
	return nil
}
