package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

var (
	shanghai = mustZone("Asia/Shanghai")
	everyDay = [7]bool{true, true, true, true, true, true, true}
)

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// pool is the textbook's queue: one queue, agents who are always there and
// answer at once, calls at a constant rate.
func pool(agents int, perSecond float64, talk, patience Distribution, days int) *Scenario {
	s := &Scenario{
		Name: "pool", Location: shanghai, From: calendar.NewDay(2026, 1, 5), Days: days, WarmUp: 2 * time.Hour,
		Routing: acd.Config{
			Entries: []acd.Entry{{Number: "12345", Queue: "general"}},
			Queues:  []acd.Queue{{ID: "general", RingTimeout: 15 * time.Second}},
		},
		Arrivals: []Arrivals{{Entry: "12345", PerSecond: perSecond, End: time.Duration(days) * 24 * time.Hour}},
		Callers:  Callers{Patience: patience, Talk: talk, HangsUpFirst: 0.8},
		Agents:   Agents{Answer: Constant{}, Back: Constant{}},
	}
	shift := Shift{Name: "always", Weekdays: everyDay}
	for i := range agents {
		s.Routing.Seats = append(s.Routing.Seats, acd.SeatID(fmt.Sprint(8001+i)))
		a := acd.Agent{ID: acd.AgentID(fmt.Sprint(1001 + i)), Queues: []acd.QueueID{"general"}}
		s.Routing.Agents = append(s.Routing.Agents, a)
		shift.Agents = append(shift.Agents, a.ID)
	}
	s.Shifts = []Shift{shift}
	return s
}

// lively is a small hotline in which everything happens: greeting, breaks,
// refusals, redials, busy lines, two queues, people who come and go.
func lively(days int) *Scenario {
	s := pool(12, 0.04, LogNormal{3 * time.Minute, 0.7}, Weibull{90 * time.Second, 0.8}, days)
	s.Name, s.WarmUp = "lively", 0
	s.Routing.Queues[0].WrapUp = 10 * time.Second
	s.Routing.Queues = append(s.Routing.Queues, acd.Queue{ID: "business", RingTimeout: 8 * time.Second, WrapUp: 20 * time.Second, Ringback: true})
	s.Routing.Entries = []acd.Entry{{Number: "12345", Queue: "general", Greeting: []string{"greeting", "notice"}}, {Number: "12345001", Queue: "business"}}
	s.Routing.NotReadyReasons = []acd.NotReadyReason{{Name: "break"}, {Name: "meal"}}
	s.Arrivals = []Arrivals{
		{Entry: "12345", CallsPerDay: 2500, Hours: []float64{1, 1, 1, 1, 1, 2, 3, 5, 8, 9, 9, 7, 5, 6, 8, 8, 7, 6, 5, 4, 4, 3, 2, 1}, DayCV: 0.1, Weekdays: []float64{5, 5, 5, 5, 5, 3, 2}},
		{Entry: "12345001", CallsPerDay: 200},
	}
	s.Callers.LeavesInGreeting = 0.05
	s.Callers.Redial = Redial{Probability: 0.7, Delay: Gamma{2 * time.Minute, 1.5}, Most: 4}
	s.Switch = Switch{RingDelay: 200 * time.Millisecond, ConnectDelay: 40 * time.Millisecond, HangUpDelay: 30 * time.Millisecond, Prompt: 4 * time.Second, Prompts: map[string]time.Duration{"notice": 2 * time.Second}, Lines: 18}
	s.Agents = Agents{
		Answer: LogNormal{4 * time.Second, 0.8}, NoAnswer: 0.01, Refuse: 0.01, Unreachable: 0.01,
		Back: Exponential{30 * time.Second}, ReadyAfterLogin: 5 * time.Second,
	}
	for i := range 8 {
		s.Routing.Agents[i].Queues = []acd.QueueID{"general", "business"}
	}
	var first, second []acd.AgentID
	for i, a := range s.Routing.Agents {
		if i%3 == 0 {
			second = append(second, a.ID)
		} else {
			first = append(first, a.ID)
		}
	}
	s.Shifts = []Shift{
		{Name: "day", Agents: first, Begin: 7 * time.Hour, End: 19 * time.Hour, Weekdays: everyDay, Breaks: []Break{
			{Reason: "break", After: 2 * time.Hour, Spread: time.Hour, Length: 10 * time.Minute},
			{Reason: "meal", After: 4 * time.Hour, Spread: time.Hour, Length: 30 * time.Minute},
		}},
		{Name: "night", Agents: second, Begin: 16 * time.Hour, End: 8 * time.Hour, Weekdays: everyDay, Breaks: []Break{
			{Reason: "meal", After: 6 * time.Hour, Spread: 2 * time.Hour, Length: 30 * time.Minute},
		}},
	}
	s.Routing.Seats = s.Routing.Seats[:9] // fewer than agents: some wait for a seat
	return s
}

func mustRun(t testing.TB, s *Scenario, opt Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
