package traffic

import (
	"testing"
	"time"

	"hotline/internal/acd"
)

// A call that overflowed, was held and then rated counts so for the site, its last queue,
// the entry, the skill and the agent, and not for the queue before.
func TestHoldAndRatingInAllDimensions(t *testing.T) {
	r := answered(10*time.Second, 60*time.Second)
	r.Agent, r.Skills, r.Hold = "1001", []acd.SkillID{"english"}, 7*time.Second+999*time.Microsecond
	r.Visits = []acd.Visit{{Queue: "business", Entered: r.Queued, Left: r.Queued.Add(time.Second)}}
	r.RatingAsked, r.TalkEnded, r.Rating = true, r.Ended, 3
	r.Ended = r.Ended.Add(20 * time.Second)
	table := Table{}
	for _, i := range Fold(r, shanghai) {
		table.Count(i)
	}
	for _, key := range []Key{Site, Queue("general"), {ByEntry, "12345"}, {BySkill, "english"}, Agent("1001")} {
		c := table[key]
		if c[SumTalk] != 60_000 || c[CountHeld] != 1 || c[SumHold] != 7_000 || c[MaxHold] != 7_000 || c[CountRatingAsked] != 1 || c[CountRated] != 1 || c.Rated(3) != 1 {
			t.Errorf("%s: %v", key, c)
		}
	}
	if c := table[Queue("business")]; c[CountOverflowed] != 1 || c[CountHeld]+c[SumHold]+c[CountRatingAsked]+c[CountRated] != 0 {
		t.Errorf("the queue before: %v", c)
	}
}

func TestHoldAndRatingFigures(t *testing.T) {
	held := answered(0, 100*time.Second)
	held.Hold, held.RatingAsked, held.TalkEnded, held.Rating = 30*time.Second, true, held.Ended, 2
	longer := answered(0, 50*time.Second)
	longer.Hold, longer.RatingAsked, longer.TalkEnded, longer.Rating = 41*time.Second, true, longer.Ended, 4
	silent := answered(0, 30*time.Second)
	silent.RatingAsked, silent.TalkEnded = true, silent.Ended
	out := acd.CallRecord{Direction: acd.Outbound, Result: acd.Answered, Arrived: queued, Answered: queued, Ended: queued.Add(20 * time.Second), Hold: 5 * time.Second}
	c := total(held, longer, silent, answered(0, 20*time.Second), out)
	c.Add(Counters{SumWrapUp: 80_000, SumLoggedIn: 1}) // of agents
	figures := Standard().Compute(c)
	for metric, want := range map[Metric]string{
		AverageTalk: "50", // hold included
		Held:        "2", AverageHold: "36", LongestHold: "41", OutboundHeld: "1", OutboundHold: "5",
		HandleTime:   "60", // (200 + 20 + 80) / 5
		RatingsAsked: "3", Rated: "2", RatedShare: "66.67", SatisfiedShare: "50.00", RatedAs(2): "1", RatedAs(4): "1", RatedAs(1): "0",
	} {
		if got := figures.Text(metric); got != want {
			t.Errorf("%s is %s, want %s", metric, got, want)
		}
	}
	if got := Standard().Compute(total(held)).Text(HandleTime); got != None {
		t.Errorf("the handle time of a row without agents' time is %s", got)
	}
}
