package traffic

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

// TestAgainstAPlainRecount computes the published figures from the records one by one,
// with loops and exact fractions and nothing of this package, and compares.
func TestAgainstAPlainRecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := append(records().Draw(t, "inbound"), outbound().Draw(t, "outbound")...)
		for i := range list {
			atTheEdges(t, &list[i])
		}
		sum := Table{}
		for _, r := range list {
			for _, i := range Fold(r, shanghai) {
				sum.Count(i)
			}
		}
		got := Standard().Compute(sum[Site])
		for metric, want := range plain(list) {
			if text := got.Text(metric); text != want {
				t.Fatalf("%s is %s, and plainly %s", metric, text, want)
			}
		}
	})
}

// atTheEdges gives a call a wait and a talk at, or just beside, the thresholds of the
// figures, or between them: drawn from all durations these hardly come up.
func atTheEdges(t *rapid.T, r *acd.CallRecord) {
	if r.Result != acd.Answered {
		return
	}
	edge := func(what string, seconds ...int) time.Duration {
		off := rapid.SampledFrom([]time.Duration{-time.Millisecond, 0, time.Millisecond, 2 * time.Second}).Draw(t, what+" off")
		return max(0, time.Duration(rapid.SampledFrom(seconds).Draw(t, what))*time.Second+off)
	}
	talk := edge("talk", 0, 300, 420, 500, 600, 900)
	if r.Direction == acd.Inbound && len(r.Visits) == 0 {
		r.Answered = r.Queued.Add(edge("wait", 0, 10, 12, 15, 20))
	}
	r.Ended = r.Answered.Add(talk)
	r.TalkEnded, r.RatingAsked, r.Rating, r.Hold = time.Time{}, false, 0, 0
	afterTalk(t, r)
}

func outbound() *rapid.Generator[[]acd.CallRecord] {
	start := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) acd.CallRecord {
		r := acd.CallRecord{Direction: acd.Outbound, Agent: "1001", Arrived: start, Result: acd.NotReached}
		r.Answered = r.Arrived.Add(5 * time.Second)
		r.Ended = r.Answered.Add(time.Duration(rapid.Int64Range(0, 900_000).Draw(t, "ms")) * time.Millisecond)
		if rapid.Bool().Draw(t, "answered") {
			r.Result = acd.Answered
			afterTalk(t, &r)
		}
		return r
	}), 0, 20)
}

// plain are the figures by DOMAIN's words: counts, means and shares.
func plain(list []acd.CallRecord) map[Metric]string {
	var offered, answered, abandoned, within15, long, out, longOut, rona int64
	var held, outHeld, asked, rated, satisfied int64
	var wait, talk, outTalk, gaveUp, hold, outHold, mostHold int64 // milliseconds
	var grades [6]int64
	for _, r := range list {
		for _, o := range r.Offers {
			if o.Outcome == acd.OfferNoAnswer {
				rona++
			}
		}
		talked, onHold := r.Ended.Sub(r.Answered).Milliseconds(), r.Hold.Milliseconds()
		if r.Result == acd.Answered && r.RatingAsked {
			talked = r.TalkEnded.Sub(r.Answered).Milliseconds()
			asked++
			if r.Rating > 0 {
				rated++
				grades[r.Rating]++
			}
			if r.Rating == 1 || r.Rating == 2 || r.Rating == 3 {
				satisfied++
			}
		}
		if r.Direction == acd.Outbound {
			if r.Result == acd.Answered {
				out++
				outTalk += talked
				if outHold += onHold; onHold > 0 {
					outHeld++
				}
				if talked > 600_000 {
					longOut++
				}
			}
			continue
		}
		if r.Queued.IsZero() {
			continue
		}
		offered++
		switch r.Result {
		case acd.Answered:
			waited := r.Answered.Sub(r.Queued).Milliseconds()
			answered++
			wait += waited
			talk += talked
			if hold += onHold; onHold > 0 {
				held++
			}
			mostHold = max(mostHold, onHold)
			if waited <= 15_000 {
				within15++
			}
			if talked > 600_000 {
				long++
			}
		case acd.Abandoned:
			abandoned++
			gaveUp += r.Ended.Sub(r.Queued).Milliseconds()
		}
	}
	figure := func(num, den int64, decimals int) string {
		if den == 0 {
			return None
		}
		return big.NewRat(num, den).FloatString(decimals) // rounds half away from zero
	}
	most := None
	if held > 0 {
		most = figure(mostHold, 1000, 0)
	}
	return map[Metric]string{
		Held: fmt.Sprint(held), AverageHold: figure(hold, 1000*held, 0), LongestHold: most,
		OutboundHeld: fmt.Sprint(outHeld), OutboundHold: figure(outHold, 1000*outHeld, 0),
		RatingsAsked: fmt.Sprint(asked), Rated: fmt.Sprint(rated), RatedShare: figure(100*rated, asked, 2), SatisfiedShare: figure(100*satisfied, rated, 2),
		RatedAs(1): fmt.Sprint(grades[1]), RatedAs(2): fmt.Sprint(grades[2]), RatedAs(3): fmt.Sprint(grades[3]),
		RatedAs(4): fmt.Sprint(grades[4]), RatedAs(5): fmt.Sprint(grades[5]),
		Offered: fmt.Sprint(offered), Answered: fmt.Sprint(answered), Abandoned: fmt.Sprint(abandoned), RONA: fmt.Sprint(rona),
		ConnectRate: figure(100*answered, offered, 2), AverageWait: figure(wait, 1000*answered, 0), AverageTalk: figure(talk, 1000*answered, 0),
		AverageAbandon: figure(gaveUp, 1000*abandoned, 0), TalkOver10Share: figure(100*long, answered, 2),
		ServiceLevel(OfOffered, 15): figure(100*within15, offered, 2), ServiceLevel(OfAnswered, 15): figure(100*within15, answered, 2),
		OutboundAnswered: fmt.Sprint(out), OutboundTalk: figure(outTalk, 1000*out, 0), OutboundOver10Part: figure(100*longOut, out, 2),
		TotalAnswered: fmt.Sprint(answered + out), TotalTalk: figure(talk+outTalk, 1000*(answered+out), 0),
		TotalOver10Share: figure(100*(long+longOut), answered+out, 2),
	}
}
