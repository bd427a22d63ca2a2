package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/alert"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// site is what a test lets be looked at; each look is at a second after noon.
type site struct {
	t       *testing.T
	tracker alert.Tracker
	look    alert.Look
}

func newSite(t *testing.T) *site {
	return &site{t: t, look: alert.Look{
		Target: 15 * time.Second,
		Snapshot: acd.Snapshot{
			Queues: []acd.QueueStatus{{Queue: "general", Title: "综合受理"}},
			Agents: []acd.AgentStatus{{Agent: "1001", Name: "张三", Seat: "8001", Queues: []acd.QueueID{"general"}, State: acd.Ready, Since: noon.Add(-time.Hour)}},
		},
	}}
}

// at looks and wants alerts as severity, id and the second since when, in this order.
func (s *site) at(second float64, want ...string) []alert.Alert {
	s.t.Helper()
	s.look.At = noon.Add(time.Duration(second * float64(time.Second)))
	q := &s.look.Queues[0]
	q.Agents = map[acd.AgentState]int{}
	for _, a := range s.look.Agents {
		q.Agents[a.State]++
	}
	alerts := s.tracker.See(s.look)
	var got []string
	for _, a := range alerts {
		got = append(got, fmt.Sprintf("%s %s %g", a.Severity, a.ID, a.Since.Sub(noon).Seconds()))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("after %g s: %q, want %q", second, got, want)
	}
	return alerts
}

// waits lets somebody wait since a second.
func (s *site) waits(callers int, second, now float64) {
	q := &s.look.Queues[0]
	q.Waiting, q.LongestWait = callers, time.Duration((now-second)*float64(time.Second))
	if callers == 0 {
		q.LongestWait = 0
	}
}

func (s *site) agent(state acd.AgentState, reason string, second float64) {
	a := &s.look.Agents[0]
	a.State, a.Reason, a.Since = state, reason, noon.Add(time.Duration(second*float64(time.Second)))
}

// It is told after ten seconds, since the last agent has left, and stays for five when
// callers give up and others come.
func TestNobodyAtWork(t *testing.T) {
	s := newSite(t)
	s.agent(acd.NotReady, "break", 3)
	s.waits(2, 1, 4)
	s.at(4)
	s.waits(2, 1, 12.8)
	s.at(12.8)
	s.waits(2, 1, 13)
	if a := s.at(13, "critical nobody_ready:general 3")[0]; *a.Value != 2 || a.Queue != "general" || a.Detail != "Callers wait in 综合受理, and each of its agents is logged out or not ready." {
		t.Errorf("%+v", a)
	}
	s.agent(acd.LoggedOut, "", 14) // changes nothing
	s.waits(2, 1, 14)
	s.at(14, "critical nobody_ready:general 3")
	s.waits(0, 0, 0)
	s.at(15, "critical nobody_ready:general 3")
	s.waits(1, 18, 18)
	s.at(18, "critical nobody_ready:general 3")
	s.agent(acd.WrapUp, "", 19)
	s.waits(1, 18, 19)
	s.at(19, "critical nobody_ready:general 3")
	s.at(22.9, "critical nobody_ready:general 3")
	s.at(23)
}

// A caller who finds nobody for less than ten seconds is nothing; and time without
// callers does not count.
func TestNobodyAtWorkForAMoment(t *testing.T) {
	s := newSite(t)
	s.agent(acd.NotReady, "break", -100)
	s.at(0)
	s.waits(1, 5, 5)
	s.at(5)
	s.waits(1, 5, 14.5)
	s.at(14.5)
	s.waits(0, 0, 0)
	s.at(14.7)
	s.waits(1, 15, 15)
	s.at(15)
	s.waits(1, 15, 24.9)
	s.at(24.9)
	s.waits(1, 15, 25)
	s.at(25, "critical nobody_ready:general 15")
}

// Whoever takes over knows since when nobody was there.
func TestAnotherTrackerKnowsSince(t *testing.T) {
	s := newSite(t)
	s.agent(acd.LoggedOut, "", 7)
	s.waits(1, 2, 100)
	s.at(100, "critical nobody_ready:general 7", "warning long_wait:general 32")
	s.tracker = alert.Tracker{}
	s.at(101, "critical nobody_ready:general 7", "warning long_wait:general 33") // the wait is that of the snapshot
}

// Over two targets, and until it is under one and a half: callers who are served one
// after the other at the bound make one alert.
func TestLongWait(t *testing.T) {
	s := newSite(t)
	see := func(wait, second float64, want ...string) []alert.Alert {
		t.Helper()
		s.waits(1, second-wait, second)
		return s.at(second, want...)
	}
	see(30, 40)
	if a := see(30.5, 40.5, "warning long_wait:general 40"); *a[0].Value != 30.5 || a[0].Detail != "Callers wait in 综合受理 for more than 30 s; the target is 15 s." {
		t.Errorf("%+v", a)
	}
	see(25, 41, "warning long_wait:general 40")
	see(31, 47, "warning long_wait:general 40")
	see(23, 50, "warning long_wait:general 40")
	see(22, 50.2, "warning long_wait:general 40") // lingers
	see(22, 54.8, "warning long_wait:general 40")
	see(22, 55)
	see(29, 62) // is not enough anew
	see(301, 400, "critical long_wait:general 129")
	s.look.Target = 0
	s.at(405)
}

func TestConnectRate(t *testing.T) {
	s := newSite(t)
	for i, c := range []struct {
		rate alert.Rate
		want []string
	}{
		{alert.Rate{}, nil},
		{alert.Rate{Offered: 19}, nil},
		{alert.Rate{Offered: 10_000, Answered: 9500}, nil},
		{alert.Rate{Offered: 10_000, Answered: 9499}, []string{"warning connect_rate 3"}},
		{alert.Rate{Offered: 10_000, Answered: 9549}, []string{"warning connect_rate 3"}},
		{alert.Rate{Offered: 10_000, Answered: 9550}, nil},
		{alert.Rate{Offered: 10_000, Answered: 9549}, nil},
		{alert.Rate{Offered: 20, Answered: 0}, []string{"warning connect_rate 7"}},
	} {
		s.look.Rate = c.rate
		if alerts := s.at(float64(i), c.want...); i == 3 && (*alerts[0].Value != 94.99 || !strings.HasPrefix(alerts[0].Detail, "94.99 % of the calls")) {
			t.Errorf("%+v", alerts[0])
		}
	}
}

// Whom the phone has put aside, and who is away or in wrap-up for long.
func TestAgents(t *testing.T) {
	for _, c := range []struct {
		state   acd.AgentState
		reason  string
		seconds float64
		want    string
	}{
		{acd.NotReady, acd.ReasonRONA, 0, "warning agent_rona:1001 0"},
		{acd.NotReady, acd.ReasonUnreachable, 5, "warning agent_unreachable:1001 0"},
		{acd.NotReady, acd.ReasonFailed, 5, "warning agent_unreachable:1001 0"},
		{acd.NotReady, acd.ReasonRefused, 5, ""},
		{acd.NotReady, "meal", 3599, ""},
		{acd.NotReady, "meal", 3600, "warning long_not_ready:1001 3600"},
		{acd.NotReady, acd.ReasonRONA, 9999, "warning agent_rona:1001 0"},
		{acd.WrapUp, "", 599, ""},
		{acd.WrapUp, "", 700, "warning long_wrap_up:1001 600"},
		{acd.Talking, "", 9999, ""},
		{acd.LoggedOut, "", 9999, ""},
	} {
		s := newSite(t)
		s.agent(c.state, c.reason, 0)
		want := []string{c.want}
		if c.want == "" {
			want = nil
		}
		for _, a := range s.at(c.seconds, want...) {
			if a.Agent != "1001" || a.Value != nil || !strings.HasPrefix(a.Detail, "Agent 1001 (张三) ") || !strings.HasSuffix(a.Detail, ".") {
				t.Errorf("%+v", a)
			}
		}
	}
	s := newSite(t)
	s.agent(acd.NotReady, acd.ReasonRONA, 0)
	s.at(1, "warning agent_rona:1001 0")
	s.agent(acd.NotReady, acd.ReasonRONA, 1.1) // was ready between two looks
	s.at(1.2, "warning agent_rona:1001 1.1")
	s.agent(acd.Ready, "", 1.3)
	s.at(1.4)
}

func TestProgramAndOrder(t *testing.T) {
	s := newSite(t)
	s.look.Emergency = []string{"flood", "typhoon"}
	s.at(1, "warning emergency_on 1")
	s.look.Nodes = []alert.Node{{ID: "a2", Why: "node a2: Asterisk does not answer"}}
	s.at(2, "critical node_down:a2 2", "warning emergency_on 1")
	s.look.Store = "redis does not answer; 1 record waiting"
	got := s.at(3, "critical node_down:a2 2", "critical not_ready 3", "warning emergency_on 1")
	for i, want := range []string{"Node a2: Asterisk does not answer.", "Redis does not answer; 1 record waiting.", "Every caller hears the emergency announcement first: flood, typhoon."} {
		if got[i].Detail != want {
			t.Errorf("%q, want %q", got[i].Detail, want)
		}
	}
	s.look.Nodes, s.look.Store = nil, ""
	s.at(4, "critical node_down:a2 2", "critical not_ready 3", "warning emergency_on 1")
	s.look.Nodes = []alert.Node{{ID: "a2"}} // comes and goes
	s.look.Emergency = nil
	s.at(8, "critical node_down:a2 2")
	s.look.Nodes = nil
	s.look.Store, s.look.Spools = "Redis does not answer.", true
	s.at(13, "warning spool 13")
	s.look.Store = ""
	s.at(14, "warning spool 13")
	s.at(18)
}

// What nobody has looked at for long is not said to have lasted; and a look that was
// overtaken by another changes nothing.
func TestGapsAndOvertaking(t *testing.T) {
	s := newSite(t)
	s.look.Emergency = []string{"flood"}
	s.at(1, "warning emergency_on 1")
	s.at(11, "warning emergency_on 1")
	s.at(21.5, "warning emergency_on 21.5")
	s.look.Emergency = nil
	s.at(21.3, "warning emergency_on 21.5")
	s.at(21.6)
	s.look.Emergency = []string{"flood"}
	s.at(21.4)
}

func BenchmarkSee(b *testing.B) {
	l := alert.Look{Target: 15 * time.Second, Snapshot: acd.Snapshot{At: noon}}
	queues := []acd.QueueID{"q0", "q1", "q2"}
	for _, q := range queues {
		l.Queues = append(l.Queues, acd.QueueStatus{Queue: q, Waiting: 5, LongestWait: time.Minute})
	}
	for i := range 300 {
		l.Agents = append(l.Agents, acd.AgentStatus{Agent: acd.AgentID(fmt.Sprint(i)), State: acd.NotReady, Reason: acd.ReasonRONA, Since: noon, Queues: queues})
	}
	var t alert.Tracker
	for b.Loop() {
		l.At = l.At.Add(200 * time.Millisecond)
		t.See(l)
	}
}
