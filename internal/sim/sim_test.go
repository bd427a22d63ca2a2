package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

func TestInvariantsHoldAfterEveryStep(t *testing.T) {
	days := 3
	if raceDetector {
		days = 1
	}
	seen := map[acd.Reason]int{}
	outcomes := map[acd.OfferOutcome]int{}
	r := mustRun(t, lively(days), Options{Seed: 7, AuditEvery: 1, By: ByInterval, Record: func(r acd.CallRecord) {
		seen[r.Reason]++
		for _, o := range r.Offers {
			outcomes[o.Outcome]++
		}
	}})
	// What is to be believed of a run is that everything has happened in it.
	for _, reason := range []acd.Reason{acd.CallerHungUp, acd.CallerHungUpRinging, acd.AgentHungUp} {
		if seen[reason] == 0 {
			t.Errorf("no call ended with the reason %s", reason)
		}
	}
	for _, o := range []acd.OfferOutcome{acd.OfferAnswered, acd.OfferNoAnswer, acd.OfferRefused, acd.OfferUnreachable, acd.OfferWithdrawn} {
		if outcomes[o] == 0 {
			t.Errorf("no offer ended with the outcome %s", o)
		}
	}
	c := r.Total.Figures.Counters()
	if r.Redialled == 0 || r.Blocked == 0 || c[traffic.CountNotOffered] == 0 || c[traffic.CountAbandoned] == 0 {
		t.Errorf("no redials, busy lines or callers who leave: %d, %d, %v", r.Redialled, r.Blocked, c)
	}
	if r.Unfinished != 0 {
		t.Errorf("%d calls were never finished", r.Unfinished)
	}
	sum := traffic.Counters{}
	var contact, idle time.Duration
	for _, row := range r.Rows {
		sum.Add(row.Figures.Counters())
		contact, idle = contact+row.Contact, idle+row.Idle
	}
	if !reflect.DeepEqual(sum, c) || contact != r.Total.Contact || idle != r.Total.Idle || len(r.Rows) != 96*days {
		t.Errorf("the %d rows do not add up to the total", len(r.Rows))
	}
	if o := r.Total.Occupancy(); !(o > 0.2 && o < 1) {
		t.Errorf("occupancy %v", o)
	}
}

func TestSameSeedSameResult(t *testing.T) {
	s := lively(1)
	print := func(seed uint64) string {
		results, err := Replicate(context.Background(), s, Options{Seed: seed, By: ByHour}, 3)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(results)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := print(1)
	if second := print(1); first != second {
		t.Errorf("two runs with one seed differ:\n%.500s\n%.500s", first, second)
	}
	if other := print(2); first == other {
		t.Error("another seed gives the same result")
	}
}

// TestCommonRandomNumbers: the same people dial at the same time and talk for
// as long, however many agents there are.
func TestCommonRandomNumbers(t *testing.T) {
	talks := func(agents int) map[string]time.Duration {
		got := map[string]time.Duration{}
		s := pool(agents, 0.2, LogNormal{2 * time.Minute, 0.7}, Exponential{time.Minute}, 1)
		mustRun(t, s, Options{Seed: 3, Record: func(r acd.CallRecord) {
			if r.Result == acd.Answered {
				got[r.Arrived.String()+r.Caller] = r.Talk()
			}
		}})
		return got
	}
	few, many := talks(20), talks(40)
	common := 0
	for who, talk := range few {
		if other, also := many[who]; also {
			common++
			if talk != other {
				t.Fatalf("%s talks for %v with few agents, and for %v with many", who, talk, other)
			}
		}
	}
	if common < len(few)*9/10 || len(many) <= len(few) {
		t.Errorf("%d callers with few agents, %d with many, %d in both", len(few), len(many), common)
	}
}

// outOfOrder finds the first call of a queue that was offered to an agent
// before one who had been waiting for longer and was still there.
func outOfOrder(records []acd.CallRecord) string {
	offered := slices.DeleteFunc(slices.Clone(records), func(r acd.CallRecord) bool { return len(r.Offers) == 0 })
	slices.SortStableFunc(offered, func(a, b acd.CallRecord) int { return a.Arrived.Compare(b.Arrived) })
	for i := 1; i < len(offered); i++ {
		if a, b := offered[i-1], offered[i]; b.Offers[0].Made.Before(a.Offers[0].Made) {
			return fmt.Sprintf("%s arrived at %v and was offered at %v; %s arrived at %v and was offered at %v",
				a.Call, a.Arrived, a.Offers[0].Made, b.Call, b.Arrived, b.Offers[0].Made)
		}
	}
	return ""
}

func crowded(t *testing.T, wrap func(Engine) Engine) []acd.CallRecord {
	t.Helper()
	s := pool(10, 0.15, LogNormal{100 * time.Second, 0.7}, Exponential{3 * time.Minute}, 1)
	s.Agents.NoAnswer, s.Agents.Answer, s.Agents.Back = 0.05, LogNormal{4 * time.Second, 0.5}, Exponential{time.Minute}
	var records []acd.CallRecord
	mustRun(t, s, Options{Seed: 5, AuditEvery: 1000, Wrap: wrap, Record: func(r acd.CallRecord) { records = append(records, r) }})
	return records
}

func TestFirstComeFirstServed(t *testing.T) {
	records := crowded(t, nil)
	if found := outOfOrder(records); found != "" {
		t.Error(found)
	}
	if len(records) < 10_000 {
		t.Errorf("only %d calls", len(records))
	}
}

// mutant is an engine with a fault.
type mutant struct {
	Engine
	step func(e Engine, now time.Time, event acd.Event) acd.Output
}

func (m mutant) Step(now time.Time, event acd.Event) acd.Output { return m.step(m.Engine, now, event) }

func TestFaultsAreFound(t *testing.T) {
	n := 0
	everyThousandth := func() bool { n++; return n%1000 == 0 }
	for name, c := range map[string]struct {
		step func(e Engine, now time.Time, event acd.Event) acd.Output
		want string
	}{
		"a record is lost": {func(e Engine, now time.Time, event acd.Event) acd.Output {
			out := e.Step(now, event)
			if len(out.Records) > 0 && everyThousandth() {
				out.Records = nil
			}
			return out
		}, "calls got lost"},
		"a call is recorded twice": {func(e Engine, now time.Time, event acd.Event) acd.Output {
			out := e.Step(now, event)
			if len(out.Records) > 0 && everyThousandth() {
				out.Records = append(out.Records, out.Records[0])
			}
			return out
		}, "but is not there"},
		"an answered call is recorded as abandoned": {func(e Engine, now time.Time, event acd.Event) acd.Output {
			out := e.Step(now, event)
			if len(out.Records) > 0 && everyThousandth() {
				out.Records[0].Result = acd.Abandoned
			}
			return out
		}, "the engine counts"},
		"a call is never announced": {func(e Engine, now time.Time, event acd.Event) acd.Output {
			if _, is := event.(acd.CallArrived); is && everyThousandth() {
				return acd.Output{}
			}
			return e.Step(now, event)
		}, "calls got lost"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(context.Background(), lively(1), Options{Seed: 1, AuditEvery: 100, Wrap: func(e Engine) Engine { return mutant{e, c.step} }})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "seed 1") {
				t.Errorf("got %v, want %q with the seed", err, c.want)
			}
		})
	}
	t.Run("somebody jumps the queue", func(t *testing.T) {
		dialled := map[acd.CallID]time.Time{}
		records := crowded(t, func(e Engine) Engine {
			return mutant{e, func(e Engine, now time.Time, event acd.Event) acd.Output {
				arrived, is := event.(acd.CallArrived)
				if is && everyThousandth() {
					arrived.Since = now.Add(-time.Hour)
					event = arrived
				}
				if is {
					dialled[arrived.Call] = now
				}
				out := e.Step(now, event)
				for i := range out.Records { // as the callers see it
					out.Records[i].Arrived = dialled[out.Records[i].Call]
				}
				return out
			}}
		})
		if outOfOrder(records) == "" {
			t.Error("nothing was noticed")
		}
	})
}

func TestShiftsAndBreaks(t *testing.T) {
	s := lively(2)
	s.Arrivals[0].CallsPerDay, s.Arrivals[1].CallsPerDay = 20, 20
	r := mustRun(t, s, Options{Seed: 1, AuditEvery: 1, By: ByHour})
	onDuty := func(hour int) float64 {
		row := r.Rows[24+hour]
		return (row.Idle + row.Contact + row.Away).Hours()
	}
	// 8 agents by day, 4 by night, 9 seats; both from 16 to 19 and from 7 to 8.
	for hour, want := range map[int]float64{3: 4, 7: 9, 12: 8, 17: 9, 22: 4} {
		if got := onDuty(hour); got < want-0.05 || got > want+0.05 {
			t.Errorf("%d:00 of the second day: %.2f agents on duty, want %v", hour, got, want)
		}
	}
	away := 0.0
	for _, row := range r.Rows[24:] {
		away += row.Away.Hours()
	}
	// 8 × 40 min and 4 × 30 min; and some seconds after each login.
	if want := 8*40.0/60 + 4*30.0/60; away < want-0.2 || away > want+0.3 {
		t.Errorf("breaks of %.2f hours, want about %.2f", away, want)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Replicate(ctx, lively(30), Options{}, 2); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}

func TestBadScenarios(t *testing.T) {
	for want, spoil := range map[string]func(s *Scenario){
		"first day":       func(s *Scenario) { s.Location = nil },
		"days":            func(s *Scenario) { s.Days = 0 },
		"warm-up":         func(s *Scenario) { s.WarmUp = time.Minute },
		"does not have":   func(s *Scenario) { s.Arrivals[0].Entry = "1" },
		"exactly one":     func(s *Scenario) { s.Arrivals[0].PerSecond = 1 },
		"out of range":    func(s *Scenario) { s.Callers.LeavesInGreeting = 1.5 },
		"a distribution":  func(s *Scenario) { s.Callers.Talk = nil },
		"cv":              func(s *Scenario) { s.Callers.Talk = LogNormal{time.Minute, 0} },
		"no agent":        func(s *Scenario) { s.Shifts[0].Agents = []acd.AgentID{"x"} },
		"no reason":       func(s *Scenario) { s.Shifts[0].Breaks[0].Reason = "x" },
		"within the":      func(s *Scenario) { s.Shifts[0].Breaks[0].After = 20 * time.Hour },
		"weights of week": func(s *Scenario) { s.Arrivals[0].Weekdays = []float64{1} },
		"unknown queue":   func(s *Scenario) { s.Routing.Entries[0].Queue = "x" },
	} {
		s := lively(1)
		spoil(s)
		if _, err := Run(context.Background(), s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
