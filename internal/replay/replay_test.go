package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

var (
	shanghai = func() *time.Location {
		loc, err := time.LoadLocation(calendar.DefaultZone)
		if err != nil {
			panic(err)
		}
		return loc
	}()
	day   = calendar.NewDay(2026, time.January, 31)
	start = day.Start(shanghai)
)

// TestPatienceIsKaplanMeier takes the remission times of the 21 patients of
// Freireich et al. (1963) who had 6-mercaptopurine, the textbooks' example; +
// marks those censored. Published are S(6) = 0.857, S(7) = 0.807, S(10) =
// 0.753, S(13) = 0.690, S(16) = 0.627; later fewer than ten are left.
func TestPatienceIsKaplanMeier(t *testing.T) {
	var all []waited
	for _, text := range strings.Fields("6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+") {
		var seconds int
		fmt.Sscanf(text, "%d", &seconds)
		all = append(all, waited{time.Duration(seconds) * time.Second, !strings.HasSuffix(text, "+")})
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	cells := patience(all)
	s := 1.0
	got := map[int]float64{}
	for _, c := range cells {
		s -= c.weight
		got[int(c.upTo.Seconds())] = math.Round(1000*s) / 1000
	}
	for at, want := range map[int]float64{6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627} {
		if got[at] != want {
			t.Errorf("S(%d) = %v, published is %v", at, got[at], want)
		}
	}
	if math.Abs(s) > 1e-9 {
		t.Errorf("S ends at %v, not at 0", s)
	}
	for i := 1; i < len(cells); i++ {
		if cells[i].upTo <= cells[i-1].upTo {
			t.Errorf("the bounds do not rise: %v", cells)
		}
	}
	if patience([]waited{{time.Second, false}}) != nil {
		t.Error("patience although nobody gave up")
	}
}

// TestPatienceIsFoundAgain: nine in ten callers are answered before they give
// up, and the patience comes out all the same, the unseen tail included.
func TestPatienceIsFoundAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []waited
	gaveUp := 0
	for range 20_000 {
		patience, answer := 120*r.ExpFloat64(), 13*r.ExpFloat64()
		all = append(all, waited{time.Duration(min(patience, answer) * 1e9), patience < answer})
		if patience < answer {
			gaveUp++
		}
	}
	mean := meanOf(patience(all))
	if share := float64(gaveUp) / 20_000; share > 0.12 || mean < 114 || mean > 126 {
		t.Errorf("mean patience %.1f s, of 120; %.3f gave up", mean, share)
	}
}

func meanOf(cells []cell) float64 {
	sum, weights := 0.0, 0.0
	low := 0.0
	for _, c := range cells {
		sum += c.weight * (low + c.upTo.Seconds()) / 2
		weights += c.weight
		low = c.upTo.Seconds()
	}
	return sum / weights
}

func TestHistogramKeepsCountAndMean(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var values []time.Duration
	sum := 0.0
	for range 3000 {
		v := 200 * math.Exp(0.6*r.NormFloat64())
		values = append(values, time.Duration(v*1e9))
		sum += v
	}
	cells := histogram(values)
	count := 0.0
	for _, c := range cells {
		count += c.weight
	}
	if mean := sum / 3000; count != 3000 || math.Abs(meanOf(cells)-mean) > mean/100 {
		t.Errorf("%v values with the mean %.2f, of 3000 with %.2f", count, meanOf(cells), mean)
	}
	if got := histogram([]time.Duration{0, 0}); !slices.Equal(got, []cell{{time.Millisecond, 2}}) {
		t.Errorf("of zeros: %v", got)
	}
}

// routing has four agents alike, and one of another queue.
func routing() acd.Config {
	c := acd.Config{
		Entries: []acd.Entry{{Number: "12345", Queue: "general", Greeting: []string{"welcome", "notice"}}, {Number: "12346", Queue: "business"}},
		Queues:  []acd.Queue{{ID: "general"}, {ID: "business"}},
	}
	for _, id := range []acd.AgentID{"a", "b", "c", "d"} {
		c.Agents = append(c.Agents, acd.Agent{ID: id, Queues: []acd.QueueID{"general"}})
	}
	c.Agents = append(c.Agents, acd.Agent{ID: "e", Queues: []acd.QueueID{"business"}})
	return c
}

const minute = time.Minute

// TestDuties: four agents take turns with calls of a minute, every ten minutes
// each, in the order of idle time; so nobody is passed over.
func TestDuties(t *testing.T) {
	c := routing()
	all := signs{}
	var offers []offered
	call := func(id acd.AgentID, at time.Duration) {
		all[id] = append(all[id], sign{span: span{at, at + minute}})
		offers = append(offers, offered{at, "12345", id})
	}
	for round := range 20 {
		at := time.Duration(round) * 10 * minute
		call("a", at)
		call("b", at+2*minute)
		if round < 5 || round >= 10 { // c is away
			call("c", at+4*minute)
		}
		if round < 15 { // then d goes home
			call("d", at+6*minute)
		}
	}
	// Of another queue: its calls say nothing about the others, nor theirs about e.
	all["e"] = []sign{{span: span{50 * minute, 51 * minute}}}
	offers = append(offers, offered{50 * minute, "12346", "e"})
	all.sort()
	found := duties(&c, all, offers, 24*time.Hour)
	for _, id := range []acd.AgentID{"a", "b", "e"} {
		if whole := []span{{0, 24 * time.Hour}}; !reflect.DeepEqual(found[id], whole) {
			t.Errorf("%s: %v, want %v", id, found[id], whole)
		}
	}
	within := func(what string, got, low, high time.Duration) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s at %v, want %v to %v", what, got, low, high)
		}
	}
	if c, d := found["c"], found["d"]; len(c) != 2 || len(d) != 1 || c[0].begin != 0 || c[1].end != 24*time.Hour || d[0].begin != 0 {
		t.Errorf("c: %v, d: %v", c, d)
	} else {
		within("c goes", c[0].end, 45*minute, 60*minute)
		within("c is back", c[1].begin, 93*minute, 104*minute)
		within("d goes home", d[0].end, 147*minute, 165*minute)
	}

	// Where any agent may be rung, only long silence tells.
	c.Queues[0].Strategy = acd.WeightedRandom
	found = duties(&c, all, nil, 24*time.Hour)
	if got := found["d"]; len(got) != 1 || got[0].end != 147*minute {
		t.Errorf("d by silence: %v", got)
	}
	if got := found["c"]; len(got) != 1 || got[0].end != 195*minute {
		t.Errorf("c by silence: %v, and the hour without it was not over", got)
	}
}

func TestShiftsAreRoundedAndGathered(t *testing.T) {
	got := shiftsOf(map[acd.AgentID][]span{
		"b": {{29 * time.Second, 24 * time.Hour}}, "a": {{0, 24*time.Hour - time.Second}},
		"c": {{8 * time.Hour, 9*time.Hour + 31*time.Second}, {9*time.Hour + 40*time.Second, 10 * time.Hour}, {11 * time.Hour, 11*time.Hour + 5*time.Second}},
	}, 24*time.Hour)
	want := []shift{{0, 24 * 60, []acd.AgentID{"a", "b"}}, {8 * 60, 9*60 + 1, []acd.AgentID{"c"}}, {9*60 + 1, 10 * 60, []acd.AgentID{"c"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// at is a time of the day, in seconds.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func abandoned(caller string, arrived, ended int) acd.CallRecord {
	return acd.CallRecord{Entry: "12345", Caller: caller, Queue: "general", Arrived: at(arrived), Queued: at(arrived + 6), Ended: at(ended), Result: acd.Abandoned, Reason: acd.CallerHungUp}
}

func answered(caller string, agent acd.AgentID, arrived, ended int) acd.CallRecord {
	return acd.CallRecord{
		Entry: "12345", Caller: caller, Queue: "general", Arrived: at(arrived), Queued: at(arrived + 6), Answered: at(arrived + 10), Ended: at(ended),
		Agent: agent, Result: acd.Answered, Reason: acd.AgentHungUp,
		Offers: []acd.OfferRecord{{Agent: agent, Made: at(arrived + 6), Rang: at(arrived + 7), Ended: at(arrived + 10), Outcome: acd.OfferAnswered}},
	}
}

func record(records ...acd.CallRecord) *Recorder {
	r := NewRecorder(day, shanghai, routing())
	for _, c := range records {
		r.Add(c)
	}
	return r
}

func TestRedialsAreNotArrivals(t *testing.T) {
	r := record(
		answered("13800000001", "a", 500, 700), // redials of 100: records come in the order of ending
		abandoned("13800000001", 100, 130),
		abandoned("13800000002", 200, 230),
		abandoned("13800000001", 300, 330),
		abandoned("13800000002", 230+3601, 4000),         // too late
		abandoned("", 900, 930), abandoned("", 950, 980), // withheld: nobody knows
		answered("13800000003", "b", 1000, 1100), answered("13800000003", "b", 1200, 1300), // was served: another matter
	)
	firsts, again := r.firstDials()
	var when []int
	for _, c := range firsts {
		when = append(when, int(c.at.Seconds()))
	}
	if want := []int{100, 200, 900, 950, 1000, 1200, 3831}; !slices.Equal(when, want) {
		t.Errorf("first dials at %v, want %v", when, want)
	}
	if want := []time.Duration{170 * time.Second, 170 * time.Second}; again.gaveUp != 0.5 || again.sentAway != 0 || !slices.Equal(again.delays, want) {
		t.Errorf("redials: %+v", again)
	}
}

// Who is asked for a rating has no agent any more.
func TestAgentsLeaveBeforeARating(t *testing.T) {
	rated := answered("13800000001", "a", 100, 200)
	rated.RatingAsked, rated.TalkEnded = true, at(160)
	got := record(rated).signs["a"]
	if len(got) != 1 || got[0].talked != 160*time.Second || got[0].end != 160*time.Second {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsWritten(t *testing.T) {
	early := answered("13800000004", "c", -3, 60) // dialled before midnight, offered after it
	rona := answered("13800000005", "d", 300, 400)
	rona.Offers = append([]acd.OfferRecord{{Agent: "a", Made: at(306), Rang: at(307), Ended: at(322), Outcome: acd.OfferNoAnswer}}, rona.Offers...)
	blocked := acd.CallRecord{Entry: "12345", Arrived: at(5), Ended: at(6), Result: acd.NotOffered, Reason: acd.Blocked}
	unknown := acd.CallRecord{Entry: "999", Arrived: at(5), Ended: at(6), Result: acd.NotOffered, Reason: acd.UnknownEntry}
	left := acd.CallRecord{Entry: "12345", Arrived: at(50), Ended: at(53), Result: acd.NotOffered, Reason: acd.CallerHungUp}
	attempt := acd.CallRecord{Entry: "12345", Queue: "general", Callback: "x", Arrived: at(60), Ended: at(90), Result: acd.NotReached}
	files, summary, err := record(early, rona, blocked, unknown, left, attempt, abandoned("13800000006", 600, 640)).Files("/etc/hotline/hotline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := (Summary{Calls: 4, Answered: 2, GaveUp: 1, Agents: 3}); summary != want {
		t.Errorf("summary %+v, want %+v", summary, want)
	}
	if len(files) != 2 || files[1].Name != "arrivals-12345.csv" || files[1].Text != "arrived\n2026-01-31T00:00:00.000+08:00\n2026-01-31T00:00:50.000+08:00\n2026-01-31T00:05:00.000+08:00\n2026-01-31T00:10:00.000+08:00\n" {
		t.Errorf("files: %v", files)
	}
	for _, want := range []string{
		"# 1 calls of blocked callers are left out.", "# 1 calls to numbers that", `routing: "/etc/hotline/hotline.yaml"`, "from: 2026-01-31",
		`- {entry: "12345", recorded: "arrivals-12345.csv"}`, "leaves_in_greeting: 0.2500", "no_answer: 0.3333", "hangs_up_first: 0.0000",
		"ring_delay: 1s", `prompts: [{name: "welcome", length: 3s}, {name: "notice", length: 3s}]`, "callback: {takes: 0, answers: 0.0000}",
	} {
		if !strings.Contains(files[0].Text, want) {
			t.Errorf("no %s in\n%s", want, files[0].Text)
		}
	}
	for _, f := range files {
		if strings.Contains(f.Text, "1380000") {
			t.Errorf("%s has callers' numbers", f.Name)
		}
	}
}

func TestDaysWithoutCallsAreTold(t *testing.T) {
	for want, r := range map[string]*Recorder{
		"there are no call records of 2026-01-31; choose": record(),
		"no call of 2026-01-31 was answered, so that":     record(abandoned("", 1, 20)),
	} {
		if _, _, err := r.Files("x"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
