package traffic

import (
	"maps"
	"reflect"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// records draws calls of a few queues around a midnight, with every result.
func records() *rapid.Generator[[]acd.CallRecord] {
	start := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 900_000_000_000).Draw(t, "ns"))
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) acd.CallRecord {
		r := acd.CallRecord{
			Call:    acd.CallID(strconv.Itoa(rapid.IntRange(0, 1<<30).Draw(t, "call"))),
			Queue:   rapid.SampledFrom([]acd.QueueID{"", "general", "business", "talent"}).Draw(t, "queue"),
			Result:  rapid.SampledFrom([]acd.Result{acd.Answered, acd.Abandoned, acd.NotOffered, acd.Overflowed}).Draw(t, "result"),
			Arrived: start.Add(8 * duration.Draw(t, "arrived")),
		}
		r.Ended = r.Arrived.Add(duration.Draw(t, "greeting"))
		if r.Result == acd.NotOffered {
			return r
		}
		r.Queued = r.Ended
		stays := rapid.IntRange(0, 2).Draw(t, "stays")
		if r.Result == acd.Overflowed {
			stays++
		}
		for range stays {
			visit := acd.Visit{Queue: rapid.SampledFrom([]acd.QueueID{"general", "business"}).Draw(t, "stay"), Entered: r.Ended}
			r.Ended = r.Ended.Add(duration.Draw(t, "stay for"))
			visit.Left = r.Ended
			r.Visits = append(r.Visits, visit)
		}
		if r.Result == acd.Overflowed {
			return r
		}
		r.Ended = r.Ended.Add(duration.Draw(t, "wait"))
		if r.Result == acd.Answered {
			r.Answered = r.Ended
			r.Ended = r.Ended.Add(duration.Draw(t, "talk"))
			afterTalk(t, &r)
		}
		outcomes := rapid.SliceOfN(rapid.SampledFrom([]acd.OfferOutcome{acd.OfferNoAnswer, acd.OfferBusy, acd.OfferRefused, acd.OfferWithdrawn}), 0, 3)
		for _, outcome := range outcomes.Draw(t, "offers") {
			r.Offers = append(r.Offers, acd.OfferRecord{Outcome: outcome, Made: r.Queued.Add(duration.Draw(t, "made"))})
		}
		return r
	}), 0, 60)
}

// afterTalk lets the agent of a conversation hold the caller, and the caller be asked
// for a rating, after which the call goes on for a while.
func afterTalk(t *rapid.T, r *acd.CallRecord) {
	if talk := r.Talk(); rapid.Bool().Draw(t, "held") {
		r.Hold = time.Duration(rapid.Int64Range(0, int64(talk)).Draw(t, "hold"))
	}
	if rapid.Bool().Draw(t, "asked") {
		r.RatingAsked, r.TalkEnded, r.Rating = true, r.Ended, rapid.IntRange(0, 5).Draw(t, "rating")
		r.Ended = r.Ended.Add(time.Duration(rapid.Int64Range(0, 60_000_000_000).Draw(t, "rated for")))
	}
}

type tables map[calendar.Interval]Table

func fold(list []acd.CallRecord) tables {
	out := tables{}
	for _, record := range list {
		for _, i := range Fold(record, shanghai) {
			if out[i.Interval] == nil {
				out[i.Interval] = Table{}
			}
			out[i.Interval].Count(i)
		}
	}
	return out
}

func TestFoldInAnyOrderAndAnySplitIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := records().Draw(t, "records")
		want := fold(list)
		shuffled := rapid.Permutation(list).Draw(t, "order")
		if got := fold(shuffled); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gives %v, want %v", got, want)
		}
		cut := rapid.IntRange(0, len(list)).Draw(t, "cut")
		merged := fold(list[:cut])
		for interval, table := range fold(list[cut:]) {
			if merged[interval] == nil {
				merged[interval] = Table{}
			}
			merged[interval].Merge(table)
		}
		if !reflect.DeepEqual(merged, want) {
			t.Fatalf("two halves give %v, want %v", merged, want)
		}
	})
}

func TestCountsReconcile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := records().Draw(t, "records")
		site := Table{}
		var wait, talk int64
		for _, record := range list {
			for _, i := range Fold(record, shanghai) {
				site.Count(i)
			}
			if record.Result == acd.Answered {
				wait += record.Wait().Milliseconds()
				talk += record.Talk().Milliseconds()
			}
		}
		if len(list) > 0 && site[Site][CountOffered]+site[Site][CountNotOffered] != int64(len(list)) {
			t.Fatalf("%d calls, but %v", len(list), site[Site])
		}
		if site[Site][SumWait] != wait || site[Site][SumTalk] != talk {
			t.Fatalf("wait %d, talk %d ms, but %v", wait, talk, site[Site])
		}
		for key, c := range site {
			if key.Dimension == ByTarget || key.Dimension == ByAgent {
				continue // of a call they count a part
			}
			if c[CountOffered] != c[CountAnswered]+c[CountAbandoned]+c[CountOverflowed] {
				t.Fatalf("%s: offered is not answered + abandoned + overflowed: %v", key, c)
			}
			if all := waitCells.upTo(c, 3600) + waitCells.over(c, 3600); all != c[CountAnswered] {
				t.Fatalf("%s: the wait cells hold %d of %d answered calls", key, all, c[CountAnswered])
			}
			if c[SumHold] > c[SumTalk] || c[CountHeld] > c[CountAnswered] || c[MaxHold] > c[SumHold] {
				t.Fatalf("%s: more hold than talk: %v", key, c)
			}
			if graded := c.Rated(1) + c.Rated(2) + c.Rated(3) + c.Rated(4) + c.Rated(5); graded != c[CountRated] || c[CountRated] > c[CountRatingAsked] || c[CountRatingAsked] > c[CountAnswered] {
				t.Fatalf("%s: the ratings do not add up: %v", key, c)
			}
			if all := talkCells.upTo(c, 7200) + talkCells.over(c, 7200); all != c[CountAnswered] {
				t.Fatalf("%s: the talk cells hold %d of %d answered calls", key, all, c[CountAnswered])
			}
		}
	})
}

func TestRoundAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Ratio{rapid.Int64().Draw(t, "num"), rapid.Int64().Draw(t, "den")}
		decimals := rapid.IntRange(0, 4).Draw(t, "decimals")
		want := exact(r, decimals)
		if isZero(want) {
			want = exact(Ratio{0, 1}, decimals) // no negative zero
		}
		if got := r.Round(decimals); got != want {
			t.Fatalf("%d/%d = %s, want %s", r.Num, r.Den, got, want)
		}
	})
}

func isZero(text string) bool {
	for _, c := range text {
		if c >= '1' && c <= '9' || c == '—' {
			return false
		}
	}
	return true
}

func TestComputeCopiesItsCounters(t *testing.T) {
	counters := Counters{CountOffered: 1}
	before := maps.Clone(counters)
	figures := Standard().Compute(counters)
	counters[CountOffered] = 9
	if !maps.Equal(figures.Counters(), before) {
		t.Error("figures changed with the caller's counters")
	}
}
