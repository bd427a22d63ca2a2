package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// IntervalTable is the traffic of one interval.
type IntervalTable struct {
	Interval calendar.Interval
	Table    traffic.Table // empty when there were no calls
}

// DayTraffic is the traffic of a day and of each of its intervals, in order.
type DayTraffic struct {
	Day       traffic.Table
	Intervals []IntervalTable
}

// dayCounted is a day's traffic and what it was counted from.
type dayCounted struct {
	DayTraffic
	calls, stints       int
	lastCall, lastStint string // ids of the streams' last entries; 0-0: none
}

// Day reads the counters of a day, by dimension key; the table is empty when
// there were no calls.
func (s *Store) Day(ctx context.Context, day calendar.Day) (traffic.Table, error) {
	var whole *redis.MapStringStringCmd
	var packed *redis.StringCmd
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		whole = pipe.HGetAll(ctx, s.keys.day(day))
		packed = pipe.HGet(ctx, s.keys.packed(day), "day")
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, s.explain(err)
	}
	table, err := tableOf(s.keys.day(day), whole.Val())
	if err != nil {
		return nil, err
	}
	var closed traffic.Table
	if err := unpack(s.keys.packed(day), packed.Val(), &closed); err != nil {
		return nil, err
	}
	table.Merge(closed)
	return table, nil
}

// Intervals reads the counters of every interval of a day, in order.
func (s *Store) Intervals(ctx context.Context, day calendar.Day) ([]IntervalTable, error) {
	stored, err := s.stored(ctx, day, s.client.Pipelined)
	return stored.Intervals, err
}

// pipelined is Pipelined or TxPipelined of a client.
type pipelined func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error)

// stored reads all counters of a day, and the ids of the last entries. In a
// transaction it reads them at one instant: a call that ends meanwhile is in
// all of them or in none. A Redis whose memory is full refuses transactions.
func (s *Store) stored(ctx context.Context, day calendar.Day, read pipelined) (dayCounted, error) {
	intervals := day.Intervals(s.location)
	replies := make([]*redis.MapStringStringCmd, len(intervals))
	var whole, packed *redis.MapStringStringCmd
	var newestCall, newestStint *redis.XMessageSliceCmd
	_, err := read(ctx, func(pipe redis.Pipeliner) error {
		whole = pipe.HGetAll(ctx, s.keys.day(day))
		packed = pipe.HGetAll(ctx, s.keys.packed(day))
		for i, interval := range intervals {
			replies[i] = pipe.HGetAll(ctx, s.keys.interval(interval))
		}
		newestCall = pipe.XRevRangeN(ctx, s.keys.records(day), "+", "-", 1)
		newestStint = pipe.XRevRangeN(ctx, s.keys.stints(day), "+", "-", 1)
		return nil
	})
	if err != nil {
		return dayCounted{}, s.explain(err)
	}
	var out dayCounted
	if out.Day, err = tableOf(s.keys.day(day), whole.Val()); err != nil {
		return dayCounted{}, err
	}
	for i, interval := range intervals {
		table, err := tableOf(s.keys.interval(interval), replies[i].Val())
		if err != nil {
			return dayCounted{}, err
		}
		out.Intervals = append(out.Intervals, IntervalTable{interval, table})
	}
	if err := mergePacked(s.keys.packed(day), packed.Val(), &out.DayTraffic); err != nil {
		return dayCounted{}, err
	}
	out.lastCall, out.lastStint = lastOf(newestCall), lastOf(newestStint)
	return out, nil
}

// lastOf is the id of the newest entry of a stream; 0-0 when there is none.
func lastOf(newest *redis.XMessageSliceCmd) string {
	if messages := newest.Val(); len(messages) > 0 {
		return messages[0].ID
	}
	return "0-0"
}

func tableOf(name string, fields map[string]string) (traffic.Table, error) {
	table := traffic.Table{}
	for field, text := range fields {
		key, counter, ok := parseCounterField(field)
		amount, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", field, name, text)
		}
		row := table[key]
		if row == nil {
			row = traffic.Counters{}
			table[key] = row
		}
		row[counter] = amount // each field names another counter
	}
	return table, nil
}

// Recount computes a day's traffic anew from its call records and stints.
func (s *Store) Recount(ctx context.Context, day calendar.Day) (DayTraffic, error) {
	counted, err := s.recount(day, s.Entries(ctx, day), nil)
	return counted.DayTraffic, err
}

// recounted reads the counters of a day and recounts what they were counted from. The
// calls go through a meter on the way, if there is one.
func (s *Store) recounted(ctx context.Context, day calendar.Day, meter *traffic.PeakMeter) (stored, recounted dayCounted, err error) {
	if stored, err = s.stored(ctx, day, s.client.TxPipelined); err != nil {
		return
	}
	recounted, err = s.recount(day, s.entriesUpTo(ctx, day, stored.lastCall, stored.lastStint), meter)
	recounted.lastCall, recounted.lastStint = stored.lastCall, stored.lastStint
	return
}

// recount counts the entries of a day, and lets its calls go through a meter, which may be nil.
func (s *Store) recount(day calendar.Day, entries Entries, meter *traffic.PeakMeter) (dayCounted, error) {
	out := dayCounted{DayTraffic: DayTraffic{Day: traffic.Table{}}}
	for _, interval := range day.Intervals(s.location) {
		out.Intervals = append(out.Intervals, IntervalTable{interval, traffic.Table{}})
	}
	for entry, err := range entries {
		if err != nil {
			return out, err
		}
		c, err := s.decode(entry)
		if err != nil {
			return out, fmt.Errorf("entry %s of the records of %s: %w", entry.ID, day, err)
		}
		if c.stint {
			out.stints++
		} else {
			out.calls++
			if meter != nil {
				meter.Add(*c.record)
			}
		}
		for _, i := range c.increments {
			if i.Interval.Day != day {
				return out, fmt.Errorf("%s is kept under %s and belongs to %s: was the site's time zone changed?", c.id, day, i.Interval.Day)
			}
			out.Day.Count(i)
			out.Intervals[i.Interval.Index].Table.Count(i)
		}
	}
	return out, nil
}

// Records calls visit for each record of the calls offered on a day, in the
// order in which they were written, until visit returns an error.
func (s *Store) Records(ctx context.Context, day calendar.Day, visit func(acd.CallRecord) error) error {
	return s.recordsFrom(ctx, day, "-", visit)
}

// recordsFrom is Records from an id of the stream on.
func (s *Store) recordsFrom(ctx context.Context, day calendar.Day, from string, visit func(acd.CallRecord) error) error {
	return s.eachMessageFrom(ctx, s.keys.records(day), from, "+", func(message redis.XMessage) error {
		record, err := decodeRecord(textOf(message))
		if err != nil {
			return fmt.Errorf("entry %s of %s in Redis: %w", message.ID, s.keys.records(day), err)
		}
		return visit(record)
	})
}

// eachMessage calls visit for the entries of a stream up to the one with the id
// last, until visit returns an error.
func (s *Store) eachMessage(ctx context.Context, stream, last string, visit func(redis.XMessage) error) error {
	return s.eachMessageFrom(ctx, stream, "-", last, visit)
}

// eachMessageFrom is eachMessage from an id on.
func (s *Store) eachMessageFrom(ctx context.Context, stream, from, last string, visit func(redis.XMessage) error) error {
	const page = 1000
	for {
		messages, err := s.client.XRangeN(ctx, stream, from, last, page).Result()
		if err != nil {
			return s.explain(err)
		}
		for _, message := range messages {
			if err := visit(message); err != nil {
				return err
			}
			from = "(" + message.ID
		}
		if len(messages) < page {
			return nil
		}
	}
}
