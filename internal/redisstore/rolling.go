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

// RollingDay counts the calls that were offered and answered in the last 24 hours: in
// the 96 quarter-hours that have ended by now. It reads two counters of each and no
// records, so that it can be asked each minute.
func (s *Store) RollingDay(ctx context.Context, now time.Time) (offered, answered int64, err error) {
	var intervals []calendar.Interval
	for at := now.Truncate(calendar.IntervalLength).Add(-24 * time.Hour); len(intervals) < int(24*time.Hour/calendar.IntervalLength); at = at.Add(calendar.IntervalLength) {
		intervals = append(intervals, calendar.IntervalOf(at, s.location))
	}
	fields := []string{counterField(traffic.Site, traffic.CountOffered), counterField(traffic.Site, traffic.CountAnswered)}
	counted := make([]*redis.SliceCmd, len(intervals))
	closed := map[calendar.Day]*redis.StringCmd{} // the lines of days that are closed
	// At one instant: a day that is closed meanwhile is in its line or in its counters.
	_, err = s.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
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
		return 0, 0, s.explain(err)
	}
	lines := map[calendar.Day]Line{}
	for day, reply := range closed {
		text, err := reply.Bytes()
		if err != nil {
			continue // it is open
		}
		if lines[day], err = decodeLine(text); err != nil {
			return 0, 0, fmt.Errorf("the line of %s in Redis: %w", day, err)
		}
	}
	for i, interval := range intervals {
		// What came for a closed day is in the counters of its intervals again.
		if line := lines[interval.Day]; interval.Index < len(line.Offered) {
			offered += line.Offered[interval.Index]
			answered += line.Answered[interval.Index]
		}
		for j, sum := range []*int64{&offered, &answered} {
			text, stored := counted[i].Val()[j].(string)
			if !stored {
				continue
			}
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("field %q of %s in Redis, with the value %q, is not a counter", fields[j], s.keys.interval(interval), text)
			}
			*sum += n
		}
	}
	return offered, answered, nil
}
