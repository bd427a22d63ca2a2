package traffic

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

var shanghai = time.FixedZone("CST", 8*3600)

// queued is 09:20 in Shanghai: interval 37 of its day.
var queued = time.Date(2026, 11, 24, 1, 20, 0, 0, time.UTC)

func answered(wait, talk time.Duration) acd.CallRecord {
	return acd.CallRecord{
		Call: "c1", Entry: "12345", Queue: "general", Result: acd.Answered, Reason: acd.AgentHungUp,
		Arrived: queued.Add(-4 * time.Second), Queued: queued, Answered: queued.Add(wait), Ended: queued.Add(wait + talk),
	}
}

func abandoned(wait time.Duration) acd.CallRecord {
	return acd.CallRecord{
		Call: "c2", Entry: "12345", Queue: "general", Result: acd.Abandoned, Reason: acd.CallerHungUp,
		Arrived: queued.Add(-4 * time.Second), Queued: queued, Ended: queued.Add(wait),
	}
}

func total(records ...acd.CallRecord) Counters {
	table := Table{}
	for _, record := range records {
		for _, i := range Fold(record, shanghai) {
			table.Count(i)
		}
	}
	return table[Site]
}

// The table 话务服务 that the city published for 2023, to the digit.
func TestPublishedTable2023(t *testing.T) {
	inbound := Counters{
		CountOffered: 1_126_836, CountAnswered: 1_107_680, CountAbandoned: 1_126_836 - 1_107_680,
		SumWait: 1_107_680 * 6_000, SumTalk: 1_107_680 * 216_000,
		"talk_s_240": 1_107_680 - 27_138, "talk_s_900": 27_138, // 2.45 %
	}
	outbound := Counters{
		CountAnswered: 139_412, SumTalk: 139_412 * 140_000,
		"talk_s_180": 139_412 - 1_046, "talk_s_inf": 1_046, // 0.75 %
	}
	both := inbound.Clone()
	both.Add(outbound)
	for _, c := range []struct {
		row      string
		counters Counters
		metric   Metric
		want     string
	}{
		{"接听", inbound, Answered, "1107680"},
		{"接听", inbound, ConnectRate, "98.30"},
		{"接听", inbound, AverageWait, "6"},
		{"接听", inbound, AverageTalk, "216"},
		{"接听", inbound, TalkOver10Share, "2.45"},
		{"呼出", outbound, Answered, "139412"},
		{"呼出", outbound, ConnectRate, None},
		{"呼出", outbound, AverageTalk, "140"},
		{"呼出", outbound, TalkOver10Share, "0.75"},
		{"总计", both, Answered, "1247092"},
		{"总计", both, AverageTalk, "208"},
		{"总计", both, TalkOver10Share, "2.26"},
	} {
		if got := Standard().Compute(c.counters).Text(c.metric); got != c.want {
			t.Errorf("%s %s = %s, published: %s", c.row, c.metric, got, c.want)
		}
	}
	if got := (Ratio{both[SumTalk], 1000 * both[CountAnswered]}).Round(2); got != "207.50" {
		t.Errorf("call-weighted mean talk is %s, want 207.50", got)
	}
	// The published 98.30 % bounds how many calls were offered.
	for offered, want := range map[int64]string{1_126_778: "98.31", 1_126_779: "98.30", 1_126_893: "98.30", 1_126_894: "98.29"} {
		figures := Standard().Compute(Counters{CountOffered: offered, CountAnswered: 1_107_680})
		if got := figures.Text(ConnectRate); got != want {
			t.Errorf("connect rate of %d offered = %s, want %s", offered, got, want)
		}
	}
}

func TestPublishedTable2022(t *testing.T) {
	// Implied by the published year-on-year changes.
	inbound := Counters{CountAnswered: 1_157_692, SumTalk: 1_157_692 * 205_000, "talk_s_900": 24_659}
	outbound := Counters{CountAnswered: 112_556, SumTalk: 112_556 * 92_000, "talk_s_900": 855}
	inbound.Add(outbound)
	figures := Standard().Compute(inbound)
	if talk, share := figures.Text(AverageTalk), figures.Text(TalkOver10Share); talk != "195" || share != "2.01" {
		t.Errorf("total of 2022: talk %s s, over 10 min %s %%; published 195 and 2.01", talk, share)
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		ratio    Ratio
		decimals int
		want     string
	}{
		{Ratio{1, 2}, 0, "1"},
		{Ratio{-1, 2}, 0, "-1"},
		{Ratio{1, -2}, 0, "-1"},
		{Ratio{4999, 10000}, 0, "0"},
		{Ratio{-4999, 10000}, 0, "0"},
		{Ratio{1005, 1000}, 2, "1.01"}, // binary floating point prints 1.00
		{Ratio{1, 3}, 2, "0.33"},
		{Ratio{0, 7}, 2, "0.00"},
		{Ratio{5, 1000}, 2, "0.01"},
		{Ratio{-5, 1000}, 2, "-0.01"},
		{Ratio{7, 0}, 2, None},
		{Ratio{0, 0}, 0, None},
		{Ratio{9_000_000_000_000_000_000, 7}, 2, "1285714285714285714.29"},
	} {
		if got := c.ratio.Round(c.decimals); got != c.want {
			t.Errorf("%d/%d with %d decimals = %s, want %s", c.ratio.Num, c.ratio.Den, c.decimals, got, c.want)
		}
	}
}

func TestThresholdsAreExact(t *testing.T) {
	const ms = time.Millisecond
	c := total(
		answered(15*time.Second, 600*time.Second), answered(15*time.Second+ms, 600*time.Second+ms),
		answered(30*time.Second, 0), answered(2*time.Hour, 3*time.Hour), answered(0, time.Second),
		abandoned(5*time.Second-ms), abandoned(5*time.Second), abandoned(15*time.Second), abandoned(15*time.Second+ms),
	)
	for _, x := range []struct {
		what      string
		got, want int64
	}{
		{"answered within 15 s", c.AnsweredWithin(15), 2},
		{"answered within 30 s", c.AnsweredWithin(30), 4},
		{"abandoned within 15 s", c.AbandonedWithin(15), 3},
		{"abandoned under 5 s", c.ShortAbandons(5), 1},
		{"abandoned under 10 s", c.ShortAbandons(10), 2},
		{"talks over 10 min", c.TalkedOver(600), 2},
		{"longest wait", c[MaxWait], 7_200_000},
		{"longest talk", c[MaxTalk], 10_800_000},
	} {
		if x.got != x.want {
			t.Errorf("%s: %d, want %d", x.what, x.got, x.want)
		}
	}
	f := Standard().Compute(c)
	for metric, want := range map[Metric]string{
		ServiceLevel(OfOffered, 15):          "22.22", // 2/9
		ServiceLevel(OfAnswered, 15):         "40.00", // 2/5
		ServiceLevel(OfOfferedLessShort, 15): "25.00", // 2/8
		ServiceLevel(WithAbandoned, 15):      "55.56", // 5/9
		ServiceLevel(OfOffered, 30):          "44.44",
	} {
		if got := f.Text(metric); got != want {
			t.Errorf("%s = %s, want %s", metric, got, want)
		}
	}
}

func TestFoldBuckets(t *testing.T) {
	late := answered(20*time.Minute, 16*time.Hour) // ends on the next day
	got := FoldQueues(late, shanghai)
	day := calendar.NewDay(2026, time.November, 24)
	if len(got) != 2 || got[0].Key != Site || got[1].Key != Queue("general") {
		t.Fatalf("Fold gave %+v, want the site and the queue", got)
	}
	for _, i := range got {
		if i.Interval != (calendar.Interval{Day: day, Index: 37}) {
			t.Errorf("%s counts in %s, want the interval in which the call was offered", i.Key, i.Interval)
		}
	}
	early := acd.CallRecord{Call: "c3", Arrived: queued.Add(-10 * time.Hour), Ended: queued, Result: acd.NotOffered, Reason: acd.UnknownEntry}
	got = Fold(early, shanghai)
	if len(got) != 1 || got[0].Interval.Day != day.AddDays(-1) || !slices.Equal(got[0].Amounts, []Amount{{CountNotOffered, 1}}) {
		t.Errorf("a call that was not offered gave %+v", got)
	}
}

func TestFoldCountsOffersToAgents(t *testing.T) {
	record := answered(40*time.Second, time.Minute)
	for _, outcome := range []acd.OfferOutcome{acd.OfferNoAnswer, acd.OfferNoAnswer, acd.OfferRefused, acd.OfferBusy, acd.OfferUnreachable, acd.OfferFailed, acd.OfferWithdrawn, acd.OfferAnswered} {
		record.Offers = append(record.Offers, acd.OfferRecord{Outcome: outcome})
	}
	f := Standard().Compute(total(record))
	if f.Text(RONA) != "2" || f.Text(OffersRefused) != "1" || f.Text(OffersNotReached) != "3" {
		t.Errorf("RONA %s, refused %s, not reached %s", f.Text(RONA), f.Text(OffersRefused), f.Text(OffersNotReached))
	}
}

// Each outcome of an offer has the counter that is meant for it, and no other.
func TestFoldCountsEachOutcomeOnce(t *testing.T) {
	offerCounts := []Counter{CountRONA, CountRefused, CountBusy, CountUnreachable, CountFailed}
	for outcome, want := range map[acd.OfferOutcome]Counter{
		acd.OfferAnswered:    "",
		acd.OfferNoAnswer:    CountRONA,
		acd.OfferRefused:     CountRefused,
		acd.OfferBusy:        CountBusy,
		acd.OfferUnreachable: CountUnreachable,
		acd.OfferFailed:      CountFailed,
		acd.OfferNodeFault:   CountFailed, // the switch's fault, not the agent's
		acd.OfferWithdrawn:   "",
		"":                   "", // in flight
	} {
		record := abandoned(40 * time.Second)
		record.Offers = []acd.OfferRecord{{Outcome: outcome}}
		c := total(record)
		for _, counter := range offerCounts {
			if got := c[counter]; got != 0 && counter != want || got != 1 && counter == want {
				t.Errorf("an offer that ended as %q counts %d as %s; want it as %q", outcome, got, counter, want)
			}
		}
	}
}

func TestNegativeDurationsCountAsZero(t *testing.T) {
	c := total(answered(-time.Second, -time.Second))
	if c[SumWait] != 0 || c[SumTalk] != 0 || c.AnsweredWithin(1) != 1 {
		t.Errorf("a stepped clock gave %v", c)
	}
}

func TestDefineRefusesWhatIsNotCounted(t *testing.T) {
	for _, c := range []struct {
		options Options
		says    string
	}{
		{Options{ShortAbandon: 4}, "choose one of [2 3 5 10 20]"},
		{Options{Thresholds: []int{15, 17}}, "17 s"},
		{Options{Thresholds: []int{20, 20}}, "twice"},
	} {
		if _, err := Define(c.options); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Define(%+v): %v, want an error that says %q", c.options, err, c.says)
		}
	}
}

func TestDefinitionsAreComplete(t *testing.T) {
	seen := map[Metric]bool{}
	for _, d := range Standard().List() {
		if seen[d.Key] || d.Formula == "" || d.Unit == "" || d.Source == "" || d.ZH == "" || d.EN == "" || d.of == nil {
			t.Errorf("incomplete or doubled definition: %+v", d)
		}
		seen[d.Key] = true
	}
	for _, seconds := range []int{5, 10, 15, 20, 30, 60, 600} {
		if _, err := Define(Options{Thresholds: []int{seconds}}); err != nil {
			t.Error(err)
		}
	}
}

func TestTargetIsTheFirstServiceLevel(t *testing.T) {
	if got := Standard().Target(); got != 15*time.Second {
		t.Error(got)
	}
	d, err := Define(Options{Thresholds: []int{30, 20}})
	if err != nil || d.Target() != 30*time.Second {
		t.Error(d.Target(), err)
	}
}

func TestFiguresJSON(t *testing.T) {
	data, err := json.Marshal(Standard().Compute(total(answered(6*time.Second, 216*time.Second))))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Offered     int64        `json:"offered"`
		ConnectRate *json.Number `json:"connect_rate"`
		Abandoned   *json.Number `json:"average_abandoned_wait"`
		Counters    Counters     `json:"counters"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if got.Offered != 1 || got.ConnectRate.String() != "100.00" || got.Abandoned != nil || got.Counters[SumTalk] != 216_000 {
		t.Errorf("JSON is %s", data)
	}
}

func TestKeyText(t *testing.T) {
	for _, key := range []Key{Site, Queue("general"), Queue("a:b|c")} {
		if back, ok := ParseKey(key.String()); !ok || back != key {
			t.Errorf("%q reads back as %+v, %v", key, back, ok)
		}
	}
	if _, ok := ParseKey("general"); ok {
		t.Error("a key without a dimension was read")
	}
}

// exact is an independent rounding by rational numbers.
func exact(r Ratio, decimals int) string {
	if r.Den == 0 {
		return None
	}
	return big.NewRat(r.Num, r.Den).FloatString(decimals)
}

func TestCallbacksAreOutboundAndOverflowIsPerStay(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	records := []acd.CallRecord{
		// Waited 10 s in general, 20 s more in business, was answered there.
		{Queue: "business", Arrived: at, Queued: at, Answered: after(30), Ended: after(90), Result: acd.Answered,
			Visits: []acd.Visit{{Queue: "general", Entered: at, Left: after(10)}},
			Offers: []acd.OfferRecord{{Made: after(5), Outcome: acd.OfferNoAnswer}, {Made: after(25), Outcome: acd.OfferRefused}, {Made: after(28), Outcome: acd.OfferAnswered}}},
		// Asked to be called back after 40 s.
		{Queue: "general", Arrived: at, Queued: at, Ended: after(50), Result: acd.Overflowed, Reason: acd.CallbackRequested,
			Visits: []acd.Visit{{Queue: "general", Entered: at, Left: after(40)}}},
		// And was, the second time.
		{Queue: "general", Callback: "c", Direction: acd.Outbound, Arrived: after(60), Queued: after(60), Ended: after(80), Result: acd.NotReached},
		{Queue: "general", Callback: "c", Direction: acd.Outbound, Arrived: after(60), Queued: after(60), Answered: after(100), Ended: after(130), Result: acd.Answered},
	}
	sum := Table{}
	for _, r := range records {
		for _, i := range Fold(r, shanghai) {
			sum.Count(i)
		}
	}
	want := map[Key]map[Counter]int64{
		Site: {CountOffered: 2, CountAnswered: 1, CountOverflowed: 1, SumWait: 30_000, SumOverflowWait: 40_000, CountRONA: 1, CountRefused: 1,
			CountCallbackAsked: 1, CountCallbackTried: 2, CountCallbackReached: 1, CountOutbound: 2, CountOutboundTalked: 1, SumOutboundTalk: 30_000, SumTalk: 60_000, CountNotOffered: 0},
		Queue("general"): {CountOffered: 2, CountAnswered: 0, CountOverflowed: 2, SumOverflowWait: 50_000, CountRONA: 1, CountRefused: 0,
			CountCallbackAsked: 1, CountCallbackTried: 2, CountCallbackReached: 1},
		Queue("business"): {CountOffered: 1, CountAnswered: 1, CountOverflowed: 0, SumWait: 20_000, CountRONA: 0, CountRefused: 1, SumTalk: 60_000},
	}
	for key, counters := range want {
		for name, amount := range counters {
			if got := sum[key][name]; got != amount {
				t.Errorf("%s %s: %d, want %d", key, name, got, amount)
			}
		}
	}
}

func TestEveryDimension(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	sum := Table{}
	for _, r := range []acd.CallRecord{
		// Led from general to business, not taken by 1001, answered by 1002.
		{Entry: "12345", Queue: "business", Skills: []acd.SkillID{"english", "law", "english"}, Arrived: at, Queued: at, Answered: after(30), Ended: after(90), Result: acd.Answered, Agent: "1002",
			Visits: []acd.Visit{{Queue: "general", Entered: at, Left: after(10)}},
			Offers: []acd.OfferRecord{{Agent: "1001", Made: after(11), Rang: after(12), Ended: after(20), Outcome: acd.OfferNoAnswer}, {Agent: "1001", Made: after(20), Ended: after(21), Outcome: acd.OfferBusy},
				{Agent: "1002", Made: after(25), Rang: after(26), Ended: after(30), Outcome: acd.OfferAnswered}}},
		// Taken by a partner, and refused.
		{Entry: "12345", Queue: "general", Arrived: at, Queued: at, Ended: after(300), Result: acd.Overflowed, Reason: acd.Referred, Partner: "xuzhou", Visits: []acd.Visit{{Queue: "general", Entered: at, Left: after(60)}}},
		{Entry: "9", Queue: "general", Arrived: at, Queued: at, Ended: after(5), Result: acd.Overflowed, Reason: acd.Refused, Visits: []acd.Visit{{Queue: "general", Entered: at, Left: at}}},
		// Moved from general to talent by a supervisor, led on to business by a rule, moved back to general, and given up.
		{Entry: "7", Queue: "general", Arrived: at, Queued: at, Ended: after(40), Result: acd.Abandoned, Reason: acd.CallerHungUp, Visits: []acd.Visit{
			{Queue: "general", Entered: at, Left: after(10), Reason: acd.VisitMoved}, {Queue: "talent", Entered: after(10), Left: after(20)}, {Queue: "business", Entered: after(20), Left: after(30), Reason: acd.VisitMoved}}},
		// Placed by an agent.
		{Agent: "1001", Direction: acd.Outbound, Arrived: at, Answered: after(5), Ended: after(45), Result: acd.Answered},
	} {
		for _, i := range Fold(r, shanghai) {
			sum.Count(i)
		}
	}
	for key, want := range map[Key]Counters{
		Agent("1001"):                   {CountRONA: 1, CountBusy: 1, SumRing: 8000, CountOutbound: 1, CountOutboundTalked: 1, SumOutboundTalk: 40_000, CountAnswered: 0, SumTalk: 0},
		Agent("1002"):                   {CountAnswered: 1, SumTalk: 60_000, SumRing: 4000, CountRONA: 0, CountOffered: 0},
		{ByEntry, "12345"}:              {CountOffered: 2, CountAnswered: 1, CountOverflowed: 1, CountRONA: 1},
		{ByEntry, "9"}:                  {CountOffered: 1, CountOverflowed: 1},
		{BySkill, "english"}:            {CountOffered: 1, CountAnswered: 1},
		{BySkill, "law"}:                {CountOffered: 1, SumTalk: 60_000},
		{ByTarget, "queue:business"}:    {CountOverflowed: 2},
		{ByTarget, "moved:talent"}:      {CountOverflowed: 1},
		{ByTarget, "moved:general"}:     {CountOverflowed: 1},
		{ByTarget, "queue:general"}:     {CountOverflowed: 0},
		Queue("general"):                {CountOffered: 5, CountOverflowed: 4, CountAbandoned: 1},
		Queue("talent"):                 {CountOffered: 1, CountOverflowed: 1},
		{ByTarget, "partner:xuzhou"}:    {CountOverflowed: 1},
		{ByTarget, string(acd.Refused)}: {CountOverflowed: 1},
		Site:                            {CountOffered: 4, CountAbandoned: 1, CountOverflowed: 2, CountOutbound: 1, SumOutboundTalk: 40_000, SumTalk: 60_000},
	} {
		for counter, amount := range want {
			if got := sum[key][counter]; got != amount {
				t.Errorf("%s %s: %d, want %d", key, counter, got, amount)
			}
		}
	}
	if len(sum) != 2+3+2+3+5+1 {
		t.Errorf("rows: %v", sum)
	}
}

// Parts of a stint count the same after they were written and read, also where the
// zone's offset has seconds, which RFC 3339 cannot write.
func TestPartsOfAStintAreWrittenExactly(t *testing.T) {
	zone := time.FixedZone("LMT", 8*3600+5*60+43)
	midnight := calendar.NewDay(2026, time.November, 24).End(zone)
	stint := acd.Stint{Version: acd.RecordVersion, Agent: "1001", State: acd.Talking, From: midnight.Add(-3 * time.Second).UTC(), To: midnight.Add(5 * time.Second).UTC()}
	parts := SplitStint(stint, zone)
	if len(parts) != 2 {
		t.Fatalf("%+v", parts)
	}
	for i, want := range []int64{3000, 5000} {
		text, err := json.Marshal(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		var read acd.Stint
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		sum := Table{}
		for _, increment := range FoldStint(read, zone) {
			sum.Count(increment)
		}
		if got := sum[Agent("1001")][SumTalking]; got != want {
			t.Errorf("part %d: %d ms, want %d", i, got, want)
		}
	}
}
