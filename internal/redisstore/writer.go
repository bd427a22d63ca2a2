package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	if s.seeker != nil {
		following, stop := context.WithCancel(context.WithoutCancel(ctx))
		var followed sync.WaitGroup
		followed.Go(func() { s.seeker.follow(following) })
		defer followed.Wait()
		defer stop()
	}
	endSpooling := s.beginSpooling()
	s.ping(ctx)
	for ctx.Err() == nil {
		s.await(ctx)
		s.lastBatch = time.Now()
		s.drain(ctx, batchLimit)
	}
	flush, stop := context.WithTimeout(context.WithoutCancel(ctx), s.flushTimeout)
	defer stop()
	s.beginFlush()
	s.drain(flush, 1)
	endSpooling()
	return s.leftover()
}

func (s *Store) setRunning(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

// await returns when something was appended and a batch had a moment to
// gather, when a parked entry is due, or when ctx is done. Meanwhile it asks Redis now and then whether it
// is there, so that Ready knows before there is something to write.
func (s *Store) await(ctx context.Context) {
	ticker := time.NewTicker(min(pingEvery, s.parkRetry))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.ping(ctx)
			if s.parkedIsDue() {
				return
			}
		case <-s.wake:
			pause(ctx, max(batchDelay, batchEvery-time.Since(s.lastBatch)))
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
// entries, or was tried again: what is appended after a smaller one leaves its
// token in wake. It gives up when ctx is done; the batch in flight then stays.
func (s *Store) drain(ctx context.Context, atLeast int) {
	for {
		batch := s.nextBatch()
		if len(batch) == 0 && !s.toBeWrittenAnew() {
			return
		}
		again := len(batch) > 0 && batch[0].parked
		if !s.deliver(ctx, batch) || len(batch) < atLeast && !again {
			return
		}
	}
}

// deliver sends a batch until each entry is written or parked, and reports
// false when ctx was done before.
func (s *Store) deliver(ctx context.Context, batch []entry) bool {
	backoff := firstBackoff
	for {
		start, changes := time.Now(), s.serverChanges()
		rest, err := batch, s.replaceLive(ctx)
		if err == nil {
			rest, err = s.settle(batch, s.send(ctx, batch))
		}
		if s.serverChanges() != changes {
			s.writeAnew() // the former Redis may have taken this, after what it had taken was sent again
		}
		if err == nil && len(batch) > 0 {
			s.meter.Batch(len(batch), time.Since(start))
		}
		batch = rest
		s.observe(err)
		switch {
		case len(batch) == 0 && err == nil:
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

func (s *Store) ping(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, pingTimeout)
	defer stop()
	s.observe(s.probe(ctx))
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

	s.meter.Up(after == nil)
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
	case s.spooledAll():
		return fmt.Errorf("%d call records and %d live-state changes were not written; they are in the spool %s, from which they are written at the next start",
			records, changes, s.spool.file.Path())
	case s.failure != nil:
		return fmt.Errorf("%d call records and %d live-state changes were not written: %w", records, changes, s.failure)
	case records+changes == len(s.parked):
		return fmt.Errorf("%d call records and %d live-state changes were not written: %w", records, changes, s.refusal())
	default:
		return fmt.Errorf("%d call records and %d live-state changes were not written within %s", records, changes, s.flushTimeout)
	}
}
