package redisstore

import (
	"context"
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
	// Writes outlast ctx, by the flush timeout.
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(s.flushTimeout):
			stop()
		case <-writing.Done():
		}
	})()

	s.ping(ctx)
	for ctx.Err() == nil {
		s.await(ctx)
		s.drain(ctx, writing)
	}
	s.drain(ctx, writing) // what was appended until ctx was done
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

// drain writes full batches and then what is left, a last smaller one. What
// is appended meanwhile leaves its token in wake. It gives up when writing is
// done; the batch in flight then stays.
func (s *Store) drain(ctx, writing context.Context) {
	for {
		batch := s.nextBatch()
		if len(batch) == 0 || !s.deliver(ctx, writing, batch) {
			return
		}
		if len(batch) < batchLimit && ctx.Err() == nil {
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
// false when writing was done before.
func (s *Store) deliver(ctx, writing context.Context, batch []entry) bool {
	oldest, backoff := batch[0].at, firstBackoff
	for {
		done, err := s.send(writing, batch)
		batch = s.written(done)
		s.observe(err)
		if err == nil {
			s.meter.Lag(time.Since(oldest))
			return true
		}
		if writing.Err() != nil {
			return false
		}
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			continue // the next pipeline begins with the script's text
		}
		if ctx.Err() != nil {
			backoff = min(backoff, 5*firstBackoff) // shutting down: little time is left
		}
		pause(writing, backoff)
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
	// Its error is that of the first reply that has one.
	_, _ = pipe.Exec(ctx)
	applied, duplicates := 0, 0
	for i, reply := range replies {
		if reply == nil {
			continue
		}
		if err := reply.Err(); err != nil {
			s.meter.Records(applied, duplicates)
			return i, err
		}
		if script, isRecord := reply.(*redis.Cmd); isRecord {
			if n, err := script.Int(); err == nil && n == 0 {
				duplicates++
			} else {
				applied++
			}
		}
	}
	s.meter.Records(applied, duplicates)
	s.meter.Batch(len(batch), time.Since(start))
	return len(batch), nil
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
	err := s.client.Ping(ctx).Err()
	if ctx.Err() == nil {
		s.observe(err)
	}
}

// observe keeps the reason for Ready, and logs when it comes and goes.
func (s *Store) observe(err error) {
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return // part of the protocol, not a failure
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
