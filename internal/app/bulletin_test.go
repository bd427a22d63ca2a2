package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/bulletin"
	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/calendar"
	"hotline/internal/redisstore"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/report"
	"hotline/internal/traffic"
)

// storedYear is a Redis with the books of closed years: 365 lines and the tables of the
// year and its months, each with 20 queues and 300 agents.
func storedYear(t testing.TB, years ...int) *redisstore.Store {
	t.Helper()
	ctx := context.Background()
	raw := redis.NewClient(&redis.Options{Network: "unix", Addr: redistest.Start(t, "--appendfsync", "no").Address})
	store, err := redisstore.New(redisstore.Options{Client: raw, Site: "lyg", Location: bulletintest.Shanghai})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = store.Close()
		_ = raw.Close()
	})
	pipe := raw.Pipeline()
	const prefix = "hotline:{lyg}:"
	for _, year := range years {
		for _, day := range calendar.DaysBetween(bulletin.Year(year).First, bulletin.Year(year).Last) {
			text, err := json.Marshal(storedLine(bulletintest.Line(day, bulletintest.Shanghai)))
			if err != nil {
				t.Fatal(err)
			}
			pipe.HSet(ctx, fmt.Sprintf("%slines:%d", prefix, year), day.String(), text)
			pipe.HSet(ctx, prefix+"closed", day.String(), "{}")
		}
		periods := []bulletin.Period{bulletin.Year(year)}
		for m := range 12 {
			periods = append(periods, bulletin.Month(calendar.Month{Year: year, Month: time.Month(m + 1)}))
		}
		for _, p := range periods {
			pipe.HSet(ctx, prefix+"traffic:"+p.String(), fields(p)...)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	return store
}

// fields are the counters of a period: every one for the site and the queues, and for
// agents those that agents have.
func fields(p bulletin.Period) (list []any) {
	site := traffic.Counters{}
	for _, day := range calendar.DaysBetween(p.First, p.Last) {
		site.Add(bulletintest.Line(day, bulletintest.Shanghai).Site)
	}
	add := func(key string, divisor int64, names []traffic.Counter) {
		for _, c := range names {
			amount := site[c] / divisor
			if c == traffic.CountOffered { // answered or abandoned, every call
				amount = site[traffic.CountAnswered]/divisor + site[traffic.CountAbandoned]/divisor
			}
			list = append(list, key+"|"+string(c), amount)
		}
	}
	add("site:", 1, traffic.Names())
	for i := range 20 {
		add(fmt.Sprintf("queue:queue-%d", i), 20, traffic.Names())
	}
	var own []traffic.Counter
	for _, c := range traffic.Names() {
		if !strings.Contains(string(c), "wait") && !strings.Contains(string(c), "abandoned") {
			own = append(own, c)
		}
	}
	for i := range 300 {
		add(fmt.Sprintf("agent:%d", 1001+i), 300, own)
	}
	return list
}

func input(p bulletin.Period) bulletin.Input {
	return bulletin.Input{
		Period: p, Location: bulletintest.Shanghai, ReadAt: time.Date(2026, 1, 1, 0, 30, 0, 0, bulletintest.Shanghai), Definitions: traffic.Standard(),
	}
}

func TestBulletinsOfStoredYears(t *testing.T) {
	store := storedYear(t, 2024, 2025)
	ctx := context.Background()
	for _, p := range []bulletin.Period{bulletin.Year(2025), bulletin.Month(calendar.Month{Year: 2025, Month: time.March})} {
		r, err := readBulletin(ctx, store, input(p))
		if err != nil {
			t.Fatal(err)
		}
		days := len(calendar.DaysBetween(p.First, p.Last))
		if len(r.Queues) != 20 || len(r.Agents) != 300 || len(r.Days) != days || r.Closed.Days != days || r.DaysOver != days {
			t.Errorf("%s: %d queues, %d agents, %d days, %+v", p, len(r.Queues), len(r.Agents), len(r.Days), r.Closed)
		}
		for _, b := range r.Bases {
			if !b.Found || !b.Changes[traffic.Answered].Defined() {
				t.Errorf("%s has no figures of %s", p, b.Period)
			}
		}
		if r.Worst == nil || r.Busiest == nil {
			t.Errorf("%s: worst %v, busiest %v", p, r.Worst, r.Busiest)
		}
	}
	if r, err := readBulletin(ctx, store, input(bulletin.Year(2025))); err != nil || len(r.Months) != 12 {
		t.Errorf("the year has %d months, %v", len(r.Months), err)
	}
	for _, p := range []bulletin.Period{bulletin.Year(2031), bulletin.Day(calendar.NewDay(2023, time.May, 1))} {
		if _, err := readBulletin(ctx, store, input(p)); !errors.Is(err, bulletin.ErrNoData) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

// BenchmarkAnnual is the annual report from Redis to its last byte, of a year with 20
// queues and 300 agents. Beside the time it tells the processor time of this program,
// which does not depend on what else the machine does.
func BenchmarkAnnual(b *testing.B) {
	store := storedYear(b, 2024, 2025)
	ctx := context.Background()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	for _, format := range report.BulletinFormats {
		b.Run(format, func(b *testing.B) {
			before := processorTime(b)
			for b.Loop() {
				r, err := readBulletin(ctx, store, input(bulletin.Year(2025)))
				if err != nil {
					b.Fatal(err)
				}
				if err := report.WriteBulletin(io.Discard, format, "zh", r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
	b.Run("reading", func(b *testing.B) {
		for b.Loop() {
			if _, err := readBulletin(ctx, store, input(bulletin.Year(2025))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func storedLine(l bulletin.Line) redisstore.Line {
	return redisstore.Line{Day: l.Day, Site: l.Site, Offered: l.Offered, Answered: l.Answered, Wait: l.Wait, Peaks: l.Peaks}
}
