package app

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/redisstore/redistest"
)

// BenchmarkBoard is what the API's figures cost of two days of 6,000 calls each, in 20
// queues and with 300 agents, of which one day is closed.
func BenchmarkBoard(b *testing.B) {
	cfg := testConfig(b, redistest.Start(b).Address)
	store := testStore(b, cfg)
	now := monday.Start(cfg.Location).Add(20 * time.Hour)
	for _, day := range []calendar.Day{monday.AddDays(-1), monday} {
		var records []acd.CallRecord
		for i := range 6000 {
			at := day.Start(cfg.Location).Add(time.Duration(i) * 12 * time.Second)
			records = append(records, acd.CallRecord{
				Version: acd.RecordVersion, Call: acd.CallID(fmt.Sprintf("a1-%s.%d", day, i)), Node: "a1", Entry: "12345", Caller: "13812345678",
				Queue: acd.QueueID(fmt.Sprintf("q%d", i%20)), Arrived: at, Queued: at, Answered: at.Add(5 * time.Second), Ended: at.Add(65 * time.Second),
				Agent: acd.AgentID(fmt.Sprint(1001 + i%300)), Seat: "8001", Result: acd.Answered, Reason: acd.CallerHungUp,
			})
		}
		fill(b, store, records, nil)
	}
	closeDay(b, cfg, store, monday.AddDays(-1))
	r, err := newFigureReader(store, cfg, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	r.now = func() time.Time { return now }
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("board", func() error { _, err := r.readBoard(b.Context()); return err })
	run("shared", func() error { _, err := r.Board(b.Context()); return err })
	run("course of today", func() error { _, err := r.readCourse(b.Context(), courseOf{day: monday}); return err })
	run("course of a closed day", func() error { _, err := r.readCourse(b.Context(), courseOf{day: monday.AddDays(-1)}); return err })
	run("list", func() error { _, err := r.List(b.Context()); return err })
}
