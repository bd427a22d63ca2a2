package arimodel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/asterisk/arimodel"
	"hotline/internal/callflow"
	"hotline/internal/runner"
)

// controller is an adapter, a runner and an engine that begins with nothing.
type controller struct {
	r    *runner.Runner
	stop context.CancelFunc
	done sync.WaitGroup
}

func startController(t *testing.T, w *arimodel.World, nodes []asterisk.Node, config acd.Config, b *books) *controller {
	t.Helper()
	state := acd.State{At: time.Now()}
	for _, n := range nodes {
		state.CutOff = append(state.CutOff, n.ID)
	}
	engine, err := acd.Restore(config, callflow.Standard{}, state)
	noErr(t, err)
	sw, err := asterisk.New(asterisk.Options{Nodes: nodes, Log: zap.NewNop(), Transport: w, Workers: 8})
	noErr(t, err)
	c := &controller{r: runner.New(runner.Options{Engine: engine, Switch: sw, Store: b, Meter: b, Log: zap.NewNop()})}
	ctx, stop := context.WithCancel(t.Context())
	c.stop = func() {
		stop()
		c.done.Wait()
		if broken := engine.Audit(); len(broken) > 0 {
			t.Errorf("broken: %v", broken)
		}
	}
	c.done.Go(func() {
		if err := sw.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	c.done.Go(func() { _ = c.r.Run(context.WithoutCancel(ctx)) })
	time.Sleep(time.Second)
	noErr(t, sw.Ready())
	return c
}

// work logs in who is not, and makes ready who is not.
func (c *controller) work(ctx context.Context) {
	s, err := c.r.Snapshot(ctx)
	if err != nil {
		return
	}
	for _, a := range s.Agents {
		switch a.State {
		case acd.LoggedOut:
			_ = c.r.Request(ctx, acd.Login{Agent: a.Agent, Seat: acd.SeatID(a.Agent)})
		case acd.NotReady:
			_ = c.r.Request(ctx, acd.SetReady{Agent: a.Agent})
		}
	}
}

// pairs are the calls whose caller and agent are in one bridge, with the agent and
// the agent's leg.
func pairs(w *arimodel.World) (list map[acd.CallID]acd.AgentID, legs map[acd.CallID]string) {
	list, legs = map[acd.CallID]acd.AgentID{}, map[acd.CallID]string{}
	_, bridges := w.Look()
	for _, b := range bridges {
		if len(b.Channels) != 2 {
			continue
		}
		for _, id := range b.Channels {
			if call, _, agent, ok := acd.LegID(id).Parse(); ok {
				list[call], legs[call] = agent, id
			}
		}
	}
	return list, legs
}

// A controller ends in the middle of everything, and another begins that knows
// nothing: each conversation goes on, is known to the new engine and recorded once,
// and who waits is served, in the order of the true arrivals.
func TestEverythingIsForgottenInTheMiddle(t *testing.T) {
	talked, waited := 0, 0
	n := histories()
	for seed := range uint64(n) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := arimodel.New(arimodel.Options{Seed: seed})
				defer w.Close()
				a, b := forget(t, w, seed)
				talked, waited = talked+a, waited+b
			})
		})
	}
	t.Logf("%d histories: %d conversations and %d waiting callers were forgotten", n, talked, waited)
	if talked == 0 || waited == 0 {
		t.Error("nobody was forgotten")
	}
}

func forget(t *testing.T, w *arimodel.World, seed uint64) (talked, waited int) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	config := acd.Config{
		Entries: []acd.Entry{{Number: "12345", Queue: "q"}},
		Queues:  []acd.Queue{{ID: "q", RingTimeout: 10 * time.Second, WrapUp: 2 * time.Second}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var people sync.WaitGroup
	var mu sync.Mutex
	putDown := map[string]bool{} // by leg: the agent has
	came := map[acd.CallID]time.Time{}
	for i := range agents {
		id := strconv.Itoa(801 + i)
		config.Seats = append(config.Seats, acd.SeatID(id))
		config.Agents = append(config.Agents, acd.Agent{ID: acd.AgentID(id), Queues: []acd.QueueID{"q"}})
		own := rand.New(rand.NewPCG(seed, uint64(100+i)))
		w.AddSeat(id).SetPlan(func(c *arimodel.Call) arimodel.Plan {
			after, talk := upTo(own, 4*time.Second), 5*time.Second+upTo(own, 40*time.Second)
			people.Go(func() {
				select {
				case <-c.Answered():
				case <-c.Ended():
					return
				case <-ctx.Done():
					return
				}
				if pause(ctx, talk) {
					mu.Lock()
					putDown[c.Channel()] = true
					mu.Unlock()
					c.Hangup()
				}
			})
			return arimodel.Plan{After: after, Status: 200}
		})
	}
	var nodes []asterisk.Node
	for _, name := range []string{"a1", "a2"} {
		nodes = append(nodes, asterisk.Node{ID: acd.NodeID(name), URL: w.AddNode(name).URL(), Username: arimodel.User, Password: arimodel.Password})
	}
	b := &books{}
	first := startController(t, w, nodes, config, b)
	first.work(ctx)
	first.work(ctx)
	for i := range 16 {
		at, node := upTo(rnd, 40*time.Second), 1+rnd.IntN(2)
		people.Go(func() {
			if !pause(ctx, at) {
				return
			}
			c := w.Dial("a"+strconv.Itoa(node), fmt.Sprintf("1380000%04d", i), "12345")
			dialled := time.Now()
			select {
			case <-c.Answered():
			case <-c.Ended():
			}
			mu.Lock()
			came[acd.CallID(c.Channel())] = dialled
			mu.Unlock()
			hangUpAfter(ctx, c, 20*time.Minute)
		})
	}
	time.Sleep(20*time.Second + upTo(rnd, 20*time.Second))
	first.stop()
	b.mu.Lock()
	recorded := len(b.records)
	b.mu.Unlock()
	time.Sleep(upTo(rnd, 3*time.Second))
	before, legs := pairs(w)
	waiting := map[acd.CallID]bool{}
	channels, _ := w.Look()
	for _, ch := range channels {
		if ch.InApp && !strings.HasPrefix(ch.Channel, "leg_") && before[acd.CallID(ch.Channel)] == "" && ch.Bridge == "" {
			waiting[acd.CallID(ch.Channel)] = true
		}
	}
	second := startController(t, w, nodes, config, b)
	people.Go(func() {
		for pause(ctx, time.Second) {
			second.work(ctx)
		}
	})
	s, err := second.r.Snapshot(ctx)
	noErr(t, err)
	now, _ := pairs(w)
	known := map[acd.CallID]acd.AgentID{}
	for _, c := range s.Calls {
		if c.Phase == acd.PhaseTalking {
			known[c.Call] = c.Agent
		}
	}
	talks := map[acd.CallID]acd.AgentID{}
	for call, agent := range before {
		if now[call] == "" {
			mu.Lock()
			over := putDown[legs[call]]
			mu.Unlock()
			if !over {
				t.Errorf("the conversation %s was ended", call)
			}
			continue
		}
		talks[call] = agent
		if known[call] != agent {
			t.Errorf("call %s talks with %s, and the engine thinks with %q", call, agent, known[call])
		}
	}
	time.Sleep(15 * time.Minute)
	channels, bridges := w.Look()
	if len(channels)+len(bridges) > 0 {
		t.Errorf("left behind: %+v %+v", channels, bridges)
	}
	records := map[acd.CallID]acd.CallRecord{}
	b.mu.Lock()
	for i, r := range b.records {
		if _, twice := records[r.Call]; twice {
			t.Errorf("call %s has two records", r.Call)
		}
		records[r.Call] = r
		if r.Recovered && i < recorded {
			t.Errorf("recovered before anything was forgotten: %+v", r)
		}
	}
	b.mu.Unlock()
	mu.Lock()
	defer mu.Unlock()
	for call, agent := range talks {
		r := records[call]
		if r.Result != acd.Answered || r.Agent != agent || !r.Recovered || r.Talk() < 5*time.Second {
			t.Errorf("the conversation %s was recorded as %+v", call, r)
		}
		if off := r.Arrived.Sub(came[call]).Abs(); off > 2*time.Second {
			t.Errorf("call %s came at %v, recorded as %v", call, came[call], r.Arrived)
		}
	}
	for call := range waiting {
		r := records[call]
		if r.Result != acd.Answered || r.Recovered || r.Arrived.Sub(came[call]).Abs() > 2*time.Second {
			t.Errorf("the caller %s, who came at %v, was recorded as %+v", call, came[call], r)
		}
	}
	cancel()
	second.stop()
	people.Wait()
	return len(talks), len(waiting)
}
