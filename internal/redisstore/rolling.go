package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Quarter is what was offered and answered at the site in a quarter-hour that has ended.
type Quarter struct {
	Start             time.Time // in the site's time zone
	Offered, Answered int64
}

// quartersOfDay are the quarter-hours of 24 hours.
const quartersOfDay = int(24 * time.Hour / calendar.IntervalLength)

// RollingDay counts the calls that were offered and answered in the last 24 hours: in
// the 96 quarter-hours that have ended by now, as Quarters reads them.
func (s *Store) RollingDay(ctx context.Context, now time.Time) (offered, answered int64, err error) {
	quarters, err := s.Quarters(ctx, now, quartersOfDay)
	for _, q := range quarters {
		offered += q.Offered
		answered += q.Answered
	}
	return offered, answered, err
}

// Quarters are the last n quarter-hours that have ended by now, in order. It reads two
// counters of each and no records, so that it can be asked each second.
func (s *Store) Quarters(ctx context.Context, now time.Time, n int) ([]Quarter, error) {
	intervals := make([]calendar.Interval, n)
	quarters := make([]Quarter, n)
	for i := range n {
		at := now.Truncate(calendar.IntervalLength).Add(time.Duration(i-n) * calendar.IntervalLength)
		intervals[i], quarters[i].Start = calendar.IntervalOf(at, s.location), at.In(s.location)
	}
	fields := []string{counterField(traffic.Site, traffic.CountOffered), counterField(traffic.Site, traffic.CountAnswered)}
	counted := make([]*redis.SliceCmd, len(intervals))
	closed := map[calendar.Day]*redis.StringCmd{} // the lines of days that are closed
	// At one instant: a day that is closed meanwhile is in its line or in its counters.
	_, err := s.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, interval := range intervals {
			if closed[interval.Day] == nil {
				year, _, _ := interval.Day.Date()
				closed[interval.Day] = pipe.HGet(ctx, s.keys.lines(year), interval.Day.String())
			}
			counted[i] = pipe.HMGet(ctx, s.keys.interval(interval), fields...)
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return nil, s.explain(err)
	}
	lines := map[calendar.Day]Line{}
	for day, reply := range closed {
		text, err := reply.Bytes()
		if err != nil {
			continue // it is open
		}
		if lines[day], err = decodeLine(text); err != nil {
			return nil, fmt.Errorf("the line of %s in Redis: %w", day, err)
		}
	}
	for i, interval := range intervals {
		// What came for a closed day is in the counters of its intervals again.
		if line := lines[interval.Day]; interval.Index < len(line.Offered) {
			quarters[i].Offered += line.Offered[interval.Index]
			quarters[i].Answered += line.Answered[interval.Index]
		}
		for j, sum := range []*int64{&quarters[i].Offered, &quarters[i].Answered} {
			text, stored := counted[i].Val()[j].(string)
			if !stored {
				continue
			}
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", fields[j], s.keys.interval(interval), text)
			}
			*sum += n
		}
	}
	return quarters, nil
}
