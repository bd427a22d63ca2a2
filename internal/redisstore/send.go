package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// send puts a batch through one pipeline and returns, for each entry, nil when
// Redis has certainly carried it out, or why not. After a lost connection that
// is unknown; to send an entry again that was carried out does no harm.
func (s *Store) send(ctx context.Context, batch []entry) []error {
	pipe := s.client.Pipeline()
	replies, errs := make([]redis.Cmder, len(batch)), make([]error, len(batch))
	recorded := s.parkedRecords() // calls whose record is parked or in this batch
	known := false                // the pipeline has taught the script to Redis
	for i, e := range batch {
		switch {
		case e.record != nil:
			recorded[string(e.record.Call)] = true
			scriptKeys, args, err := applyArgs(s.keys, *e.record, s.location)
			if err != nil {
				errs[i] = &entryError{err}
				continue
			}
			replies[i] = queueApply(ctx, pipe, !known, scriptKeys, args)
			known = true
		case e.endsCall() && recorded[e.live.id]:
			// The script removes it: never without the record, even if that is refused.
		default:
			reply, err := s.queueLive(ctx, pipe, e)
			if err != nil {
				errs[i] = &entryError{err}
				continue
			}
			replies[i] = reply
		}
	}
	if pipe.Len() > 0 {
		_, err := pipe.Exec(ctx)
		s.readReplies(ctx, batch, replies, err, errs)
	}
	return errs
}

// readReplies sets errs from the replies of a pipeline. A nil reply stands for
// an entry that was not sent.
func (s *Store) readReplies(ctx context.Context, batch []entry, replies []redis.Cmder, execErr error, errs []error) {
	noted := false // not so for some errors of the connection, such as a refused password
	for _, reply := range replies {
		noted = noted || reply != nil && reply.Err() != nil
	}
	applied, duplicates := 0, 0
	var doubtful []int
	for i, reply := range replies {
		switch {
		case reply == nil:
			continue
		case reply.Err() != nil:
			errs[i] = reply.Err()
			continue
		case execErr != nil && !noted:
			errs[i] = execErr
			continue
		}
		script, isRecord := reply.(*redis.Cmd)
		if !isRecord {
			continue
		}
		switch n, known := script.Val().(int64); {
		case known && n == 1:
			applied++
		case known && batch[i].refused == nil:
			duplicates++
		case known:
			doubtful = append(doubtful, i)
		default:
			errs[i] = cmp.Or(execErr, fmt.Errorf("the script answered %v", script.Val()))
		}
	}
	if len(doubtful) > 0 {
		duplicates += s.confirm(ctx, batch, doubtful, errs)
	}
	s.meter.Records(applied, duplicates)
}

// confirm makes sure of records that Redis had refused and now calls
// duplicates. That is so when an attempt whose reply was lost, or another
// controller, has written them; but then they are among the day's records. It
// sets errs and returns how many are.
func (s *Store) confirm(ctx context.Context, batch []entry, doubtful []int, errs []error) (found int) {
	wanted := map[calendar.Day]map[string]bool{}
	for _, i := range doubtful {
		day := dayOf(*batch[i].record, s.location)
		if wanted[day] == nil {
			wanted[day] = map[string]bool{}
		}
		wanted[day][string(batch[i].record.Call)] = true
	}
	failures := map[calendar.Day]error{}
	for day, ids := range wanted {
		failures[day] = s.eachMessage(ctx, day, "+", func(message redis.XMessage) error {
			id, _ := message.Values["call"].(string)
			delete(ids, id)
			return nil
		})
	}
	for _, i := range doubtful {
		id, day := string(batch[i].record.Call), dayOf(*batch[i].record, s.location)
		switch {
		case failures[day] != nil:
			errs[i] = failures[day]
		case wanted[day][id]:
			errs[i] = &entryError{fmt.Errorf("call %s is in %s and its record is not in %s: remove the id from the set, and the record is applied",
				id, s.keys.counted(day), s.keys.records(day))}
		default:
			found++
		}
	}
	return found
}

// dayOf is the day in which a call counts.
func dayOf(record acd.CallRecord, loc *time.Location) calendar.Day {
	return traffic.Fold(record, loc)[0].Interval.Day
}

// settle forgets the entries of the batch in flight that are written, parks
// those that are refused one by one, and returns the rest with its first error.
func (s *Store) settle(batch []entry, errs []error) (rest []entry, hindrance error) {
	var refused []entry
	var oldest time.Time // of what was written
	for i, e := range batch {
		err := errs[i]
		switch {
		case err == nil:
			if oldest.IsZero() || e.at.Before(oldest) {
				oldest = e.at
			}
			if e.parked {
				s.logParked(e, nil)
			}
			continue
		case concernsEntry(err):
			s.logParked(e, err)
			e.parked, e.refused, e.due = true, err, time.Now().Add(s.parkRetry)
			refused = append(refused, e)
			continue
		case wasRefused(err) && e.record != nil && !e.parked:
			e.refused = err
		}
		hindrance = cmp.Or(hindrance, err)
		rest = append(rest, e)
	}
	s.mu.Lock()
	s.inFlight = rest
	s.park(batch, refused)
	records, changes := s.unwritten()
	parkedRecords := countRecords(s.parked)
	parkedChanges := len(s.parked) - parkedRecords
	s.mu.Unlock()

	s.meter.Waiting(records, changes)
	s.meter.Parked(parkedRecords, parkedChanges)
	if hindrance == nil && !oldest.IsZero() {
		s.meter.Lag(time.Since(oldest))
	}
	return rest, hindrance
}
