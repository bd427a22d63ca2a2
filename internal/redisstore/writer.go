package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Run implements runner.Store: it writes until ctx is done, then what is left
// for at most the flush timeout. It is called once. The error, if any, says
// how many call records were not written.
func (s *Store) Run(ctx context.Context) error {
	s.setRunning(true)
	defer s.setRunning(false)
	s.ping(ctx)
	for ctx.Err() == nil {
		s.await(ctx)
		s.drain(ctx, batchLimit)
	}
	flush, stop := context.WithTimeout(context.WithoutCancel(ctx), s.flushTimeout)
	defer stop()
	s.drain(flush, 1)
	return s.leftover()
}

func (s *Store) setRunning(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

// await returns when something was appended and a batch had a moment to
// gather, or when ctx is done. Meanwhile it asks Redis now and then whether it
// is there, so that Ready knows before there is something to write.
func (s *Store) await(ctx context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.ping(ctx)
		case <-s.wake:
			pause(ctx, batchDelay)
			return
		}
	}
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drain writes batch after batch while the last one had at least so many
// entries: what is appended after a smaller one leaves its token in wake. It
// gives up when ctx is done; the batch in flight then stays.
func (s *Store) drain(ctx context.Context, atLeast int) {
	for {
		batch := s.nextBatch()
		if len(batch) == 0 || !s.deliver(ctx, batch) || len(batch) < atLeast {
			return
		}
	}
}

func (s *Store) nextBatch() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inFlight) == 0 {
		s.inFlight = s.waiting.take(batchLimit)
	}
	return s.inFlight
}

// deliver sends a batch until Redis has carried out all of it, and reports
// false when ctx was done before.
func (s *Store) deliver(ctx context.Context, batch []entry) bool {
	oldest, backoff := batch[0].at, firstBackoff
	for {
		done, err := s.send(ctx, batch)
		batch = s.written(done)
		s.observe(err)
		switch {
		case err == nil:
			s.meter.Lag(time.Since(oldest))
			return true
		case ctx.Err() != nil:
			return false
		case redis.HasErrorPrefix(err, "NOSCRIPT"):
			continue // the next pipeline begins with the script's text
		}
		pause(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
}

// send puts a batch through one pipeline. It returns how many entries, from
// the first, Redis has certainly carried out, and the error of the next one.
// To send an entry again that was carried out does no harm.
func (s *Store) send(ctx context.Context, batch []entry) (int, error) {
	start := time.Now()
	pipe := s.client.Pipeline()
	replies := make([]redis.Cmder, len(batch))
	recorded := map[string]bool{} // calls whose record is in this batch
	for i, e := range batch {
		if e.endsCall() && recorded[e.live.id] {
			continue // the script removes it: never without the record, even if that is refused
		}
		if e.record == nil {
			reply, err := s.queueLive(ctx, pipe, e)
			if err != nil {
				return 0, err
			}
			replies[i] = reply
			continue
		}
		scriptKeys, args, err := applyArgs(s.keys, *e.record, s.location)
		if err != nil {
			return 0, err
		}
		// The first record of a pipeline teaches the script to Redis.
		replies[i] = queueApply(ctx, pipe, len(recorded) == 0, scriptKeys, args)
		recorded[string(e.record.Call)] = true
	}
	_, execErr := pipe.Exec(ctx)
	done, applied, duplicates, err := outcome(replies, execErr)
	s.meter.Records(applied, duplicates)
	if err == nil {
		s.meter.Batch(len(batch), time.Since(start))
	}
	return done, err
}

// outcome reads the replies of a pipeline up to the first error. A nil reply
// stands for an entry that another one covers.
func outcome(replies []redis.Cmder, execErr error) (done, applied, duplicates int, err error) {
	for i, reply := range replies {
		if reply == nil {
			continue
		}
		if err := reply.Err(); err != nil {
			return i, applied, duplicates, err
		}
		script, isRecord := reply.(*redis.Cmd)
		if !isRecord {
			continue
		}
		switch n, known := script.Val().(int64); {
		case known && n == 1:
			applied++
		case known:
			duplicates++
		default: // an execErr that the client has not noted at each command, such as a refused password
			return 0, 0, 0, cmp.Or(execErr, fmt.Errorf("the script answered %v", script.Val()))
		}
	}
	if execErr != nil {
		return 0, 0, 0, execErr
	}
	return len(replies), applied, duplicates, nil
}

// written forgets the first entries of the batch in flight and returns the rest.
func (s *Store) written(done int) []entry {
	s.mu.Lock()
	s.inFlight = s.inFlight[done:]
	rest := s.inFlight
	records, changes := s.unwritten()
	s.mu.Unlock()
	s.meter.Waiting(records, changes)
	return rest
}

func (s *Store) ping(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, pingTimeout)
	defer stop()
	s.observe(s.client.Ping(ctx).Err())
}

// observe keeps the reason for Ready, and logs when it comes and goes.
func (s *Store) observe(err error) {
	if redis.HasErrorPrefix(err, "NOSCRIPT") || errors.Is(err, context.Canceled) {
		return // a part of the protocol, or of the shutdown: says nothing about Redis
	}
	s.mu.Lock()
	before := s.failure
	if err != nil && before == nil {
		s.since = time.Now()
	}
	s.failure = explain(s.address, s.since, err)
	after := s.failure
	records, changes := s.unwritten()
	outage := time.Since(s.since)
	s.mu.Unlock()

	if after != nil {
		s.meter.Error(kind(after))
	}
	switch {
	case before == nil && after != nil:
		s.log.Error("Redis does not take what is written; calls go on, records wait in memory", zap.Error(after))
	case before != nil && after == nil:
		s.log.Info("Redis takes what is written again",
			zap.Duration("outage", outage), zap.Int("records_waiting", records), zap.Int("changes_waiting", changes))
	}
}

// leftover is the error for what could not be written before the flush timeout.
func (s *Store) leftover() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, changes := s.unwritten()
	switch {
	case records+changes == 0:
		return nil
	case s.failure != nil:
		return fmt.Errorf("%d call records and %d live-state changes were not written: %w", records, changes, s.failure)
	default:
		return fmt.Errorf("%d call records and %d live-state changes were not written within %s", records, changes, s.flushTimeout)
	}
}
