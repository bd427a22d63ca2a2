package redisstore

import (
	"context"
	"encoding/json"
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

// Day reads the counters of a day, by dimension key; the table is empty when
// there were no calls.
func (s *Store) Day(ctx context.Context, day calendar.Day) (traffic.Table, error) {
	fields, err := s.client.HGetAll(ctx, s.keys.day(day)).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	return tableOf(s.keys.day(day), fields)
}

// Intervals reads the counters of every interval of a day, in order.
func (s *Store) Intervals(ctx context.Context, day calendar.Day) ([]IntervalTable, error) {
	stored, _, err := s.stored(ctx, day, s.client.Pipelined)
	return stored.Intervals, err
}

// pipelined is Pipelined or TxPipelined of a client.
type pipelined func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error)

// stored reads all counters of a day, and the id of the last record. In a
// transaction it reads them at one instant: a call that ends meanwhile is in
// all of them or in none. A Redis whose memory is full refuses transactions.
func (s *Store) stored(ctx context.Context, day calendar.Day, read pipelined) (DayTraffic, string, error) {
	intervals := day.Intervals(s.location)
	replies := make([]*redis.MapStringStringCmd, len(intervals))
	var whole *redis.MapStringStringCmd
	var newest *redis.XMessageSliceCmd
	_, err := read(ctx, func(pipe redis.Pipeliner) error {
		whole = pipe.HGetAll(ctx, s.keys.day(day))
		for i, interval := range intervals {
			replies[i] = pipe.HGetAll(ctx, s.keys.interval(interval))
		}
		newest = pipe.XRevRangeN(ctx, s.keys.records(day), "+", "-", 1)
		return nil
	})
	if err != nil {
		return DayTraffic{}, "", s.explain(err)
	}
	var out DayTraffic
	if out.Day, err = tableOf(s.keys.day(day), whole.Val()); err != nil {
		return DayTraffic{}, "", err
	}
	for i, interval := range intervals {
		table, err := tableOf(s.keys.interval(interval), replies[i].Val())
		if err != nil {
			return DayTraffic{}, "", err
		}
		out.Intervals = append(out.Intervals, IntervalTable{interval, table})
	}
	last := ""
	if messages := newest.Val(); len(messages) > 0 {
		last = messages[0].ID
	}
	return out, last, nil
}

func tableOf(name string, fields map[string]string) (traffic.Table, error) {
	table := traffic.Table{}
	for field, text := range fields {
		key, counter, ok := parseCounterField(field)
		amount, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", field, name, text)
		}
		table.Add(key, traffic.Counters{counter: amount})
	}
	return table, nil
}

// Recount computes a day's traffic anew from its call records.
func (s *Store) Recount(ctx context.Context, day calendar.Day) (DayTraffic, error) {
	return s.recountUpTo(ctx, day, "+")
}

// recountUpTo recounts the records up to the one with the id last.
func (s *Store) recountUpTo(ctx context.Context, day calendar.Day, last string) (DayTraffic, error) {
	out := DayTraffic{Day: traffic.Table{}}
	for _, interval := range day.Intervals(s.location) {
		out.Intervals = append(out.Intervals, IntervalTable{interval, traffic.Table{}})
	}
	err := s.eachRecord(ctx, day, last, func(record acd.CallRecord) error {
		for _, i := range traffic.Fold(record, s.location) {
			if i.Interval.Day != day {
				return fmt.Errorf("call %s is kept under %s and belongs to %s: was the site's time zone changed?", record.Call, day, i.Interval.Day)
			}
			out.Day.Count(i)
			out.Intervals[i.Interval.Index].Table.Count(i)
		}
		return nil
	})
	return out, err
}

// Records calls visit for each record of the calls offered on a day, in the
// order in which they were written, until visit returns an error.
func (s *Store) Records(ctx context.Context, day calendar.Day, visit func(acd.CallRecord) error) error {
	return s.eachRecord(ctx, day, "+", visit)
}

func (s *Store) eachRecord(ctx context.Context, day calendar.Day, last string, visit func(acd.CallRecord) error) error {
	return s.eachMessage(ctx, day, last, func(message redis.XMessage) error {
		record, err := decodeRecord(message)
		if err != nil {
			return fmt.Errorf("entry %s of %s in Redis: %w", message.ID, s.keys.records(day), err)
		}
		return visit(record)
	})
}

// eachMessage calls visit for the entries of a day's stream up to the one with
// the id last, until visit returns an error.
func (s *Store) eachMessage(ctx context.Context, day calendar.Day, last string, visit func(redis.XMessage) error) error {
	const page = 1000
	from := "-"
	for {
		messages, err := s.client.XRangeN(ctx, s.keys.records(day), from, last, page).Result()
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

func decodeRecord(message redis.XMessage) (acd.CallRecord, error) {
	var record acd.CallRecord
	text, _ := message.Values["record"].(string)
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return record, fmt.Errorf("not a call record: %w", err)
	}
	if record.Version > acd.RecordVersion {
		return record, fmt.Errorf("call %s has record version %d, this program knows up to %d", record.Call, record.Version, acd.RecordVersion)
	}
	return record, nil
}
