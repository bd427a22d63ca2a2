package faultsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"hotline/internal/acd"
	"hotline/internal/asterisk/arimodel"
)

// forgotten is within which time after his call and the last fault every caller must
// have been served.
const forgotten = 4 * time.Minute

// caller is somebody who calls, and what became of it.
type caller struct {
	number string
	node   string
	call   *arimodel.Call
	dialed time.Time
	inApp  time.Time // when he was seen to be served by a controller first
	heard  time.Time // when a controller must have heard of him
	waits  time.Time // when he was seen to hear music, and to wait therefore
	left   time.Time // when he hung up
	ended  time.Time
	lost   bool // it ended because its node had counted as lost

	heardIn []hearing // by term
}

func (h *history) addAgent(ctx context.Context, people *sync.WaitGroup, i int) {
	id := strconv.Itoa(801 + i)
	h.config.Seats = append(h.config.Seats, acd.SeatID(id))
	h.config.Agents = append(h.config.Agents, acd.Agent{ID: acd.AgentID(id), Queues: []acd.QueueID{"q", "r"}})
	own := rand.New(rand.NewPCG(h.seed, uint64(100+i)))
	h.world.AddSeat(id).SetPlan(func(c *arimodel.Call) arimodel.Plan {
		after, talk := upTo(own, 5*time.Second), 500*time.Millisecond+upTo(own, 10*time.Second)
		switch own.IntN(12) {
		case 0:
			return arimodel.Plan{} // does not hear it
		case 1:
			return arimodel.Plan{After: after, Status: 603}
		case 2:
			return arimodel.Plan{Status: 486}
		}
		people.Go(func() {
			h.afterAnswer(ctx, c, talk, func() { h.agentLeaves(c) })
		})
		return arimodel.Plan{After: after, Status: 200}
	})
}

// afterAnswer waits for some time after the answer, and then does something, unless the
// call has ended.
func (h *history) afterAnswer(ctx context.Context, c *arimodel.Call, d time.Duration, do func()) {
	select {
	case <-c.Answered():
	case <-c.Ended():
		return
	case <-ctx.Done():
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		do()
	case <-c.Ended():
	case <-ctx.Done():
	}
}

func (h *history) addCaller(ctx context.Context, callers *sync.WaitGroup, rnd *rand.Rand, i int) {
	at, node := upTo(rnd, arriving), h.nodes[rnd.IntN(len(h.nodes))].name
	c := &caller{number: fmt.Sprintf("138%08d", i), node: node}
	patience := 20 * time.Minute
	if rnd.IntN(4) == 0 {
		patience = upTo(rnd, 20*time.Second)
	}
	callers.Go(func() {
		if !pause(ctx, at) {
			return
		}
		call := h.world.Dial(node, c.number, "12345")
		h.mu.Lock()
		c.call, c.dialed = call, time.Now()
		h.callers = append(h.callers, c)
		h.mu.Unlock()
		leaves := time.NewTimer(patience)
		defer leaves.Stop()
		for {
			late := time.NewTimer(max(time.Until(h.lastFaultOr(c.dialed).Add(forgotten)), time.Second))
			select {
			case <-call.Ended():
				late.Stop()
				h.callerEnded(c)
				return
			case <-leaves.C:
				h.mu.Lock()
				c.left = time.Now()
				h.mu.Unlock()
				call.Hangup()
			case <-late.C:
				if time.Since(h.lastFaultOr(c.dialed)) >= forgotten {
					h.fail("the caller of channel %s is still there, %v after the last fault; he hears %v", call.Channel(), forgotten, call.Hears())
					h.mu.Lock()
					c.left = time.Now()
					h.mu.Unlock()
					call.Hangup()
				}
			}
			late.Stop()
		}
	})
}

func (h *history) lastFaultOr(t time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastFault.After(t) {
		return h.lastFault
	}
	return t
}

// directed reports whether there is a supervisor, so that callers are not served in the order
// in which they came.
func (h *history) directed() bool { return h.seed%3 == 0 }

// direct is a supervisor, who moves callers and puts them forward, and lets agents serve
// other queues at other levels; the first two serve both.
func (h *history) direct(ctx context.Context) {
	own := rand.New(rand.NewPCG(h.seed, 3))
	for pause(ctx, time.Second+upTo(own, 4*time.Second)) {
		t := h.term()
		if t == nil {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		s, err := t.Snapshot(bounded)
		waiting := slices.DeleteFunc(s.Calls, func(c acd.CallStatus) bool { return c.Phase != acd.PhaseWaiting && c.Phase != acd.PhaseRinging })
		if err == nil && len(waiting) > 0 && own.IntN(3) > 0 {
			c := waiting[own.IntN(len(waiting))]
			to := map[acd.QueueID]acd.QueueID{"q": "r", "r": "q"}[c.Queue]
			h.note("the supervisor directs %s, which is %s in %q, to %q", c.Call, c.Phase, c.Queue, to)
			_ = t.Request(bounded, acd.MoveCall{Call: c.Call, Queue: to})
			_ = t.Request(bounded, acd.Prioritise{Call: c.Call, Priority: own.IntN(5) - 2})
		} else if err == nil {
			i := own.IntN(agents)
			given := map[acd.QueueID]acd.Level{"q": acd.Level(1 + own.IntN(10)), "r": acd.Level(2 + own.IntN(9))}
			switch kind := own.IntN(3); {
			case kind == 0:
				given = nil
			case kind == 1 && i > 1:
				delete(given, []acd.QueueID{"q", "r"}[own.IntN(2)])
			}
			_ = t.Request(bounded, acd.AssignSkills{Agent: h.config.Agents[i].ID, Queues: given})
		}
		cancel()
	}
}

// backToWork makes agents ready again whose phone was not answered.
func (h *history) backToWork(ctx context.Context) {
	for pause(ctx, 2*time.Second) {
		t := h.term()
		if t == nil {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		s, err := t.Snapshot(bounded)
		if err == nil {
			for _, a := range s.Agents {
				if a.State == acd.NotReady && a.Reason != "break" {
					_ = t.Request(bounded, acd.SetReady{Agent: a.Agent})
				}
			}
		}
		cancel()
	}
}
