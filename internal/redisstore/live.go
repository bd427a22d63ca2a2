package redisstore

import (
	"cmp"
	"context"
	_ "embed" // live.lua
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
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

//go:embed live.lua
var liveSource string

var liveScript = redis.NewScript(liveSource)

// liveBatch is one call of the script, for entries of a batch.
type liveBatch struct {
	at    []int // in the batch
	reply *redis.Cmd
}

// queueLive puts the writes of live-state entries into a pipeline, as one call of the
// script. The first time its text is sent along, which Redis then knows. Through is how far
// Redis then knows what has changed; 0 when nobody asks.
func (s *Store) queueLive(ctx context.Context, pipe redis.Pipeliner, batch []entry, at []int, through uint64, errs []error) *liveBatch {
	b := &liveBatch{}
	writes := s.newLiveWrites()
	writes.through = through
	for _, i := range at {
		if err := writes.add(batch[i].live, batch[i].change); err != nil {
			errs[i] = &entryError{err}
			continue
		}
		b.at = append(b.at, i)
	}
	if len(b.at) == 0 && through == 0 {
		return b
	}
	keys, args := writes.args(false)
	if s.knowsLive {
		b.reply = pipe.EvalSha(ctx, liveScript.Hash(), keys, args...)
	} else {
		b.reply = pipe.Eval(ctx, liveSource, keys, args...)
	}
	return b
}

// readLive sets errs from the reply of the script. An obstacle that lies in one entry
// fails all: then each is tried by itself.
func (s *Store) readLive(ctx context.Context, batch []entry, b *liveBatch, execErr error, errs []error) {
	if len(b.at) == 0 {
		return
	}
	err := cmp.Or(b.reply.Err(), execErr)
	s.knowsLive = !redis.HasErrorPrefix(err, "NOSCRIPT")
	if len(b.at) == 1 || err == nil || !concernsEntry(err) {
		for _, i := range b.at {
			errs[i] = err
		}
		return
	}
	var single []*liveBatch
	pipe := s.client.Pipeline()
	for _, i := range b.at {
		single = append(single, s.queueLive(ctx, pipe, batch, []int{i}, 0, errs))
	}
	_, execErr = pipe.Exec(ctx)
	for _, one := range single {
		if one.reply.Err() != nil {
			execErr = nil // it is that of a reply
		}
	}
	for _, one := range single {
		errs[one.at[0]] = cmp.Or(one.reply.Err(), execErr)
	}
}

// liveWrites gathers what one call of the script writes.
type liveWrites struct {
	keys    keys
	token   uint64
	through uint64 // see queueLive
	writer  string // of the store, and number of the write there; 0: none
	number  uint64
	sets    map[acd.Kind][]any // fields and values by turns
	gone    map[acd.Kind][]any
}

func newLiveWrites(k keys, token uint64) *liveWrites {
	return &liveWrites{keys: k, token: token, sets: map[acd.Kind][]any{}, gone: map[acd.Kind][]any{}}
}

// newLiveWrites gathers the next write of the store, which must be sent before those that are
// made later.
func (s *Store) newLiveWrites() *liveWrites {
	w := newLiveWrites(s.keys, s.token.Load())
	w.writer, w.number = s.writer, s.writes.Add(1)
	return w
}

// add adds one thing; a change that is nil takes it away.
func (w *liveWrites) add(key acd.Key, change *acd.Change) error {
	if change == nil {
		w.gone[key.Kind] = append(w.gone[key.Kind], key.ID)
		return nil
	}
	text, err := json.Marshal(liveValue(*change))
	if err != nil {
		return fmt.Errorf("encode the state of %s %s: %w", key.Kind, loggable(key), err)
	}
	w.sets[key.Kind] = append(w.sets[key.Kind], key.ID, text)
	return nil
}

// args are KEYS and ARGV. With replace everything else is taken away.
func (w *liveWrites) args(replace bool) (keys []string, args []any) {
	keys, args = append(keys, w.keys.fence(), w.keys.through()), append(args, "", "0", strconv.FormatUint(w.through, 10), w.writer, strconv.FormatUint(w.number, 10))
	if w.token != 0 {
		args[0] = strconv.FormatUint(w.token, 10)
	}
	if replace {
		args[1] = "1"
	}
	for _, kind := range kinds {
		sets, gone := w.sets[kind], w.gone[kind]
		if !replace && len(sets)+len(gone) == 0 {
			continue
		}
		keys = append(keys, w.keys.live(kind))
		args = append(append(append(args, len(sets)/2, len(gone)), sets...), gone...)
	}
	return keys, args
}

// StateVersionError says that a newer program has written the live state.
type StateVersionError struct{ Written, Known int }

func (e *StateVersionError) Error() string {
	return fmt.Sprintf("the live state in Redis has version %d and this program knows up to %d: run the program that wrote it, or a newer one", e.Written, e.Known)
}

// IllegibleError says which fields of the live state cannot be read.
type IllegibleError struct{ Fields []string }

func (e *IllegibleError) Error() string {
	return "not a live state: " + strings.Join(e.Fields, "; ")
}

// Load reads the live state back, as of at. The error is one of this package's typed
// errors; with an *IllegibleError the rest is returned.
func (s *Store) Load(ctx context.Context, at time.Time) (acd.State, error) {
	mirror, err := s.load(ctx, nil)
	return mirror.State(at), err
}

// TakeOver is Load for a controller that goes on from that state, under a lease, before
// it appends anything. What was found in the spool is added: calls that have a record have
// ended, and changes that Redis had not taken hold if nobody has led since. What cannot be
// read is told in the log, and is no error.
func (s *Store) TakeOver(ctx context.Context, at time.Time) (acd.State, error) {
	var things []acd.Change
	mirror, err := s.load(ctx, func(c acd.Change) { things = append(things, c) })
	var illegible *IllegibleError
	if err != nil && !errors.As(err, &illegible) {
		return acd.State{}, err
	}
	through, err := s.changesKnown(ctx)
	if err != nil {
		return acd.State{}, err
	}
	s.mu.Lock()
	s.waiting.know(things)
	s.settleFound(things)
	s.anew = s.anew || illegible != nil
	for _, c := range s.foundChanges(through) {
		mirror.Apply(c)
		s.waiting.addChange(time.Now(), c)
	}
	for _, key := range s.endedCalls() {
		mirror.Apply(acd.Change{Gone: &key})
		delete(s.waiting.newest, key)
	}
	s.mu.Unlock()
	if illegible != nil {
		s.log.Error("a part of the live state in Redis cannot be read and is left out; its calls are found at their nodes", zap.Error(illegible))
	}
	s.spoolNow() // under the token of this lease, in the place of what was found
	s.wakeWriter()
	s.spool.wakeUp()
	return mirror.State(at), nil
}

// ForgetAll lets what was taken over be replaced by what is appended from now on.
func (s *Store) ForgetAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.know(nil)
	s.anew = true
}

// Counted reports whether the record of a call has been written, or waits to be. While
// Redis is away that is not known of calls of another controller, and it says no.
func (s *Store) Counted(ctx context.Context, call acd.CallID) bool {
	s.mu.Lock()
	waits := slices.Contains(s.endedCalls(), callKey(call))
	s.mu.Unlock()
	if waits {
		return true
	}
	today := calendar.DayOf(time.Now(), s.location)
	var found []*redis.BoolCmd
	_, _ = s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, day := range []calendar.Day{today, today.AddDays(-1)} {
			found = append(found, pipe.SIsMember(ctx, s.keys.counted(day), string(call)))
		}
		return nil
	})
	return found[0].Val() || found[1].Val()
}

// load reads the live state; each, unless nil, is told every thing.
func (s *Store) load(ctx context.Context, each func(acd.Change)) (acd.Mirror, error) {
	var mirror acd.Mirror
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
		return mirror, s.explain(err)
	}
	if v, err := strconv.Atoi(version.Val()); version.Val() != "" && (err != nil || v > acd.StateVersion) {
		return mirror, &StateVersionError{Written: v, Known: acd.StateVersion}
	}
	illegible := &IllegibleError{}
	for i, kind := range kinds {
		for id, text := range hashes[i].Val() {
			change, err := liveChange(kind, text)
			if err != nil {
				illegible.Fields = append(illegible.Fields, fmt.Sprintf("field %s of %s (%v)", loggable(acd.Key{Kind: kind, ID: id}), s.keys.live(kind), err))
				continue
			}
			mirror.Apply(change)
			if each != nil {
				each(change)
			}
		}
	}
	if len(illegible.Fields) > 0 {
		slices.Sort(illegible.Fields)
		return mirror, illegible
	}
	return mirror, nil
}
