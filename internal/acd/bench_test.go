package acd_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/callflow"
)

// crowd is an engine with so many callers waiting, who ask for skills, and so
// many agents, all of them talking.
type crowd struct {
	b      *testing.B
	e      *acd.Engine
	now    time.Time
	calls  int
	busy   []acd.Offer // conversations, first come first
	offers []acd.Offer
}

func newCrowd(b *testing.B, waiting, agents int) *crowd {
	b.Helper()
	cfg := acd.Config{}
	skills := []acd.SkillID{"tax", "permits", "heating", "english", "business"}
	for q := range 4 {
		id := acd.QueueID("q" + strconv.Itoa(q))
		cfg.Queues = append(cfg.Queues, acd.Queue{
			ID: id, RingTimeout: 20 * time.Second, Weight: 1 + float64(q)/4,
			Relax: []acd.Relaxation{{After: 15 * time.Minute, Level: 1}, {After: 30 * time.Minute, Skills: []acd.Requirement{{Skill: skills[q], Level: 1}}}},
		})
		for s := range 3 {
			entry := acd.Entry{Number: fmt.Sprintf("%d%d", q, s), Queue: id}
			if s > 0 {
				entry.Skills = []acd.Requirement{{Skill: skills[(q+s)%len(skills)], Level: acd.Level(3 * s)}}
			}
			cfg.Entries = append(cfg.Entries, entry)
		}
	}
	for i := range agents {
		a := acd.Agent{ID: acd.AgentID(strconv.Itoa(i)), Skills: map[acd.SkillID]acd.Level{}, Queues: []acd.QueueID{"q0", "q1", "q2", "q3"}[i%3 : i%3+2]}
		for s := range 3 {
			a.Skills[skills[(i+s)%len(skills)]] = acd.Level(1 + (i+3*s)%10)
		}
		cfg.Agents = append(cfg.Agents, a)
		cfg.Seats = append(cfg.Seats, acd.SeatID(strconv.Itoa(i)))
	}
	e, err := acd.NewEngine(cfg, callflow.Standard{})
	if err != nil {
		b.Fatal(err)
	}
	c := &crowd{b: b, e: e, now: start}
	for i := range agents {
		c.step(acd.Login{Agent: acd.AgentID(strconv.Itoa(i)), Seat: acd.SeatID(strconv.Itoa(i))})
		c.step(acd.SetReady{Agent: acd.AgentID(strconv.Itoa(i))})
	}
	for len(c.busy) < agents*9/10 {
		c.arrive()
	}
	for range waiting {
		c.now = c.now.Add(time.Microsecond)
		c.arrive()
	}
	return c
}

func (c *crowd) step(event acd.Event) {
	out := c.e.Step(c.now, event)
	for _, command := range out.Commands {
		if offer, ok := command.(acd.Offer); ok {
			c.offers = append(c.offers, offer)
		}
	}
	for len(c.offers) > 0 {
		offer := c.offers[0]
		c.offers = c.offers[1:]
		c.busy = append(c.busy, offer)
		c.step(acd.LegRinging{Leg: offer.Leg})
		c.step(acd.LegAnswered{Leg: offer.Leg})
		c.step(acd.Connected{Call: offer.Call, Leg: offer.Leg})
	}
}

func (c *crowd) arrive() {
	c.calls++
	c.step(acd.CallArrived{
		Call: acd.CallID("c" + strconv.Itoa(c.calls)), Node: "a1", Entry: fmt.Sprintf("%d%d", c.calls%4, c.calls/4%3), Caller: "13800000000",
	})
}

// turn lets a conversation end, the agent have the next caller, and another
// caller come: everything that one call costs.
func (c *crowd) turn() {
	c.now = c.now.Add(time.Millisecond)
	over := c.busy[0]
	c.busy = c.busy[1:]
	c.step(acd.CallGone{Call: over.Call})
	c.step(acd.LegGone{Leg: over.Leg})
	c.arrive()
}

// BenchmarkCall is a whole call, of about seven steps, beside few and many.
func BenchmarkCall(b *testing.B) {
	for _, size := range []struct{ waiting, agents int }{{100, 100}, {1000, 1000}, {100_000, 20_000}} {
		b.Run(fmt.Sprintf("waiting=%d/agents=%d", size.waiting, size.agents), func(b *testing.B) {
			c := newCrowd(b, size.waiting, size.agents)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				c.turn()
			}
		})
	}
}

// BenchmarkSnapshot is what each look at the whole costs the goroutine that owns the
// engine: a request of a person is answered with one.
func BenchmarkSnapshot(b *testing.B) {
	c := newCrowd(b, 100, 2000)
	b.ReportAllocs()
	for b.Loop() {
		c.e.Snapshot(c.now)
	}
}
