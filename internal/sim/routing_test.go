package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// busy is a small hotline in a storm, with all that the routing can do about it.
func busy(hours int) *Scenario {
	s := lively(1)
	s.Name = "busy"
	s.Arrivals = []Arrivals{
		{Entry: "12345", PerSecond: 0.09, Begin: 9 * time.Hour, End: time.Duration(9+hours) * time.Hour},
		{Entry: "12345001", PerSecond: 0.02, Begin: 9 * time.Hour, End: time.Duration(9+hours) * time.Hour},
	}
	s.Switch.Lines = 0
	s.Callers.Patience = Weibull{3 * time.Minute, 0.9}
	s.Callers.Redial = Redial{Probability: 0.6, Refused: 0.4, Delay: Exponential{40 * time.Second}, Most: 6}
	s.Callers.Callback = CalledBack{Takes: 0.2, Delay: Exponential{8 * time.Second}, Answers: 0.7, Lifts: LogNormal{8 * time.Second, 0.6}}
	s.Routing.Queues[0].Rating = acd.Rating{Prompts: []string{"rating"}, Thanks: []string{"rating-thanks"}, Attempts: 2, Timeout: 5 * time.Second}
	s.Routing.Admission = acd.Admission{Pace: 0.1, Burst: 4, Prompts: []string{"busy-later"}}
	general := &s.Routing.Queues[0]
	general.RingAtOnce = 3
	general.Announce = acd.Announce{After: 20 * time.Second, Every: 30 * time.Second}
	general.Redial = acd.Redial{Within: 5 * time.Minute, AtMost: 3, After: 5 * time.Second}
	general.Callback = acd.Callback{Attempts: 2, Spacing: 3 * time.Minute, RingTimeout: 20 * time.Second, Within: 40 * time.Minute, Missed: true, MissedAfter: 10 * time.Second, BookedPrompts: []string{"callback-booked"}}
	general.Overflow = []acd.Overflow{
		{NoAgents: true, Prompts: []string{"busy-later"}, Refuse: true},
		{Length: 12, Prompts: []string{"busy-later"}, Refuse: true},
		{Wait: 40 * time.Second, Callback: true, Prompts: []string{"callback-offer"}},
		{Wait: time.Minute, Partner: "xuzhou"},
		{Wait: 2 * time.Minute, To: "business"},
	}
	s.Routing.Partners = []acd.Partner{{ID: "xuzhou", Number: "051612345", AtMost: 2, RingTimeout: 20 * time.Second, Rest: time.Minute}}
	s.Partners = Partners{Takes: 0.7, Answer: LogNormal{12 * time.Second, 0.8}}
	s.Routing.Queues[1].Overflow = []acd.Overflow{{Wait: 3 * time.Minute, Prompts: []string{"sorry"}, Refuse: true}}
	return s
}

func TestEverythingInAStorm(t *testing.T) {
	hours := 4
	if raceDetector {
		hours = 1
	}
	reasons, outcomes := map[acd.Reason]int{}, map[acd.OfferOutcome]int{}
	resumed, visited, asked, calledBack := 0, 0, map[acd.Direction]int{}, map[acd.Result]int{}
	r := mustRun(t, busy(hours), Options{Seed: 3, AuditEvery: 1, Record: func(r acd.CallRecord) {
		reasons[r.Reason]++
		for _, o := range r.Offers {
			outcomes[o.Outcome]++
		}
		if !r.Resumed.IsZero() {
			resumed++
		}
		if len(r.Visits) > 0 && r.Result == acd.Answered {
			visited++
		}
		if r.RatingAsked {
			asked[r.Direction]++
			if r.Reason != acd.AgentHungUp || r.Ended.Sub(r.TalkEnded) < 20*time.Second { // the prompts twice, silence, and thanks
				t.Errorf("asked for a rating: %+v", r)
			}
		}
		if r.Callback != "" {
			calledBack[r.Result]++
			outcomes["called back: "+r.Outcome]++
		}
	}})
	for _, reason := range []acd.Reason{acd.Refused, acd.Shed, acd.CallbackRequested, acd.Referred, acd.CallerNotReached, acd.CallerHungUp, acd.AgentHungUp} {
		if reasons[reason] == 0 {
			t.Errorf("no call ended with the reason %s: %v", reason, reasons)
		}
	}
	for _, o := range []acd.OfferOutcome{acd.OfferTaken, acd.OfferNoAnswer, "called back: " + acd.OfferNoAnswer, "called back: " + acd.OfferBusy} {
		if outcomes[o] == 0 {
			t.Errorf("no offer ended with the outcome %s: %v", o, outcomes)
		}
	}
	if asked[acd.Inbound] == 0 || asked[acd.Outbound] == 0 {
		t.Errorf("asked for a rating: %v", asked)
	}
	if resumed == 0 || visited == 0 || calledBack[acd.Answered] == 0 || calledBack[acd.NotReached] == 0 {
		t.Errorf("%d places were resumed, %d answered in another queue, called back: %v", resumed, visited, calledBack)
	}
	ended := 0
	for _, state := range []acd.CallbackState{acd.CallbackReached, acd.CallbackFailed, acd.CallbackCalledIn} {
		if r.Callbacks[state] == 0 {
			t.Errorf("no callback ended as %s: %v", state, r.Callbacks)
		}
		ended += r.Callbacks[state]
	}
	if r.CalledBack == 0 || r.CalledBack > ended || r.Unfinished != 0 {
		t.Errorf("%d of %d callbacks served somebody, %d calls unfinished", r.CalledBack, ended, r.Unfinished)
	}
	sum := traffic.Counters{}
	for _, q := range r.Queues {
		sum.Add(q.Figures.Counters())
	}
	site := r.Total.Figures.Counters()
	// Whoever is sent on is offered once to the site and twice to queues.
	if on := sum[traffic.CountOffered] - site[traffic.CountOffered]; on <= 0 || sum[traffic.CountOverflowed]-site[traffic.CountOverflowed] != on ||
		sum[traffic.CountAnswered] != site[traffic.CountAnswered] || sum[traffic.CountAbandoned] != site[traffic.CountAbandoned] {
		t.Errorf("the queues %v do not add up to the site %v", sum, site)
	}
	if r.Overtaken != 0 || r.IdleWhileWaiting != 0 {
		t.Errorf("%d were overtaken, agents were idle for %v while callers waited", r.Overtaken, r.IdleWhileWaiting)
	}
}

// TestOvertakingAndIdlenessAreFound is the test of the lanes' test.
func TestOvertakingAndIdlenessAreFound(t *testing.T) {
	s := busy(1)
	n := 0
	swap := func(e Engine, now time.Time, event acd.Event) acd.Output {
		arrived, is := event.(acd.CallArrived)
		out := e.Step(now, event)
		if n++; is && n%50 == 0 {
			for i := range out.Changes { // as if it had come before
				if c := out.Changes[i].Call; c != nil && c.Call == arrived.Call {
					earlier := *c
					earlier.Place = c.Place.Add(-time.Hour)
					out.Changes[i].Call = &earlier
				}
			}
		}
		return out
	}
	s.Routing.Entries[0].Greeting = nil
	r := mustRun(t, s, Options{Seed: 3, Wrap: func(e Engine) Engine { return mutant{e, swap} }})
	if r.Overtaken == 0 {
		t.Error("nobody seems to be overtaken")
	}
	// Who lacks the skill is idle while somebody waits.
	s = busy(1)
	s.Routing.Entries[0].Skills = []acd.Requirement{{Skill: "english", Level: 5}}
	s.Routing.Agents[0].Skills = map[acd.SkillID]acd.Level{"english": 5}
	if r := mustRun(t, s, Options{Seed: 3}); r.IdleWhileWaiting < time.Minute {
		t.Errorf("agents seem to be idle for %v only", r.IdleWhileWaiting)
	}
	// A visit that is forgotten is missed in the queue's counts.
	forget := func(e Engine, now time.Time, event acd.Event) acd.Output {
		out := e.Step(now, event)
		for i := range out.Records {
			out.Records[i].Visits = nil
			if out.Records[i].Result == acd.Overflowed {
				out.Records[i].Result = acd.NotOffered
			}
		}
		return out
	}
	_, err := Run(context.Background(), busy(1), Options{Seed: 3, AuditEvery: 100, Wrap: func(e Engine) Engine { return mutant{e, forget} }})
	if err == nil || !strings.Contains(err.Error(), "the engine counts") {
		t.Errorf("a visit is forgotten, and: %v", err)
	}
}

func TestInOrder(t *testing.T) {
	for _, c := range []struct {
		firsts []int64
		want   float64
	}{
		{[]int64{1, 2, 3, 4}, 1}, {[]int64{4, 3, 2, 1}, 0}, {[]int64{2, 1, 3, 4}, 5.0 / 6}, {[]int64{1, 1, 2}, 1},
	} {
		if got := inOrder(c.firsts); got != c.want {
			t.Errorf("%v: got %v, want %v", c.firsts, got, c.want)
		}
	}
}
