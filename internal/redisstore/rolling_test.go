package redisstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// The last 24 hours over an open day, a closed one, and one that is corrected, against
// the records themselves.
func TestRollingDay(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	records := calls(80, 500)
	for i := range records {
		records[i].Call += "-a"
	}
	next := calls(81, 500) // of the day after
	for i, r := range next {
		move := func(at time.Time) time.Time {
			if at.IsZero() {
				return at
			}
			return at.Add(24 * time.Hour)
		}
		next[i].Arrived, next[i].Queued, next[i].Answered, next[i].Ended = move(r.Arrived), move(r.Queued), move(r.Answered), move(r.Ended)
	}
	compareAll := func(when string, written ...[]acd.CallRecord) {
		t.Helper()
		for hour := range 50 {
			now := today.Start(shanghai).Add(time.Duration(hour)*time.Hour + 7*time.Minute)
			end := now.Truncate(calendar.IntervalLength)
			var offered, answered int64
			for _, list := range written {
				for _, r := range list {
					if !r.Offered() || r.Queued.Before(end.Add(-24*time.Hour)) || !r.Queued.Before(end) {
						continue
					}
					offered++
					if r.Result == acd.Answered {
						answered++
					}
				}
			}
			if o, a, err := s.RollingDay(ctx, now); err != nil || o != offered || a != answered {
				t.Fatalf("%s, at %s: %d of %d, %v; want %d of %d", when, now, a, o, err, answered, offered)
			}
			quarters, err := s.Quarters(ctx, now, 192)
			if err != nil || len(quarters) != 192 || !quarters[96].Start.Equal(end.Add(-24*time.Hour)) || !quarters[191].Start.Equal(end.Add(-calendar.IntervalLength)) {
				t.Fatalf("%s, at %s: %d quarters, %v", when, now, len(quarters), err)
			}
			for _, q := range quarters[96:] {
				offered -= q.Offered
				answered -= q.Answered
			}
			if offered != 0 || answered != 0 {
				t.Fatalf("%s, at %s: the quarters lack %d of %d", when, now, answered, offered)
			}
		}
	}
	s.Append(nil, records[:400], nil)
	s.Append(nil, next, nil)
	drained(t, s, m)
	compareAll("both open", records[:400], next)
	closeToday(t, s)
	compareAll("one closed", records[:400], next)
	s.Append(nil, records[400:], nil)
	drained(t, s, m)
	compareAll("one corrected", records, next)
	s.client.HSet(ctx, s.keys.interval(calendar.Interval{Day: today, Index: 40}), "site:|offered", "x")
	if _, _, err := s.RollingDay(ctx, today.End(shanghai)); err == nil || !strings.Contains(err.Error(), "is not a counter") {
		t.Errorf("with a damaged counter: %v", err)
	}
}

func TestCheckFindsDaysThatAreNotClosed(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	if f := s.checkDays(ctx, evening); !f.OK {
		t.Errorf("without data: %+v", f)
	}
	live := acd.CallStatus{Call: "late", Phase: acd.PhaseTalking, Arrived: morning, Queued: morning}
	s.Append([]acd.Change{{Call: &live}}, calls(82, 3), nil)
	drained(t, s, m)
	if f := s.checkDays(ctx, evening.Add(-time.Minute)); !f.OK {
		t.Errorf("59 minutes after its end: %+v", f)
	}
	f := s.checkDays(ctx, evening.Add(2*time.Hour))
	if f.OK || f.Detail != "2026-11-24 ended 3h0m0s ago and is not closed: calls of the day are still in progress, for example late" ||
		!strings.Contains(f.Remedy, "hotline traffic verify --day 2026-11-24") {
		t.Errorf("three hours after its end: %+v", f)
	}
	s.Append([]acd.Change{gone("late")}, nil, nil)
	drained(t, s, m)
	if f := s.checkDays(ctx, evening.Add(2*time.Hour)); f.OK || !strings.HasSuffix(f.Detail, "not closed, and nothing hinders it") {
		t.Errorf("when nothing hinders it: %+v", f)
	}
	closeToday(t, s)
	if f := s.checkDays(ctx, evening.Add(2*time.Hour)); !f.OK {
		t.Errorf("when it is closed: %+v", f)
	}
}
