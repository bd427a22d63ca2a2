package bulletin_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"hotline/internal/bulletin"
	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func assemble(t testing.TB, in bulletin.Input) *bulletin.Report {
	t.Helper()
	r, err := bulletin.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// published are counters of a year whose figures are those of the city's report, none
// of the means being a whole number of seconds.
func published(answered, offered, wait, talk, long, outbound, outboundTalk, outboundLong int64) traffic.Counters {
	return traffic.Counters{
		traffic.CountOffered: offered, traffic.CountAnswered: answered, traffic.CountAbandoned: offered - answered,
		traffic.SumWait: answered * wait, traffic.SumTalk: answered * talk, traffic.LongTalks: long,
		traffic.CountOutboundTalked: outbound, traffic.SumOutboundTalk: outbound * outboundTalk, traffic.LongOutboundTalks: outboundLong,
	}
}

// The city's table of 2023 with its changes against 2022, to the digit.
func TestTheCitysTable(t *testing.T) {
	in := bulletin.Input{
		Period: bulletin.Year(2023), Location: bulletintest.Shanghai, ReadAt: time.Date(2024, 2, 28, 9, 0, 0, 0, bulletintest.Shanghai), Definitions: traffic.Standard(),
		Site:  published(1_107_680, 1_126_836, 6_300, 216_040, 27_138, 139_412, 139_900, 1_046),
		Bases: []traffic.Counters{published(1_157_692, 1_175_322, 10_800, 205_010, 24_659, 112_556, 92_300, 855)},
	}
	document := assemble(t, in).Document("zh")
	table := document.Table("service")
	var got []string
	for _, row := range table.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Full())
		}
		got = append(got, strings.Join(cells, " | "))
	}
	want := `接听 | 1107680 (↓4.32%) | 98.30% (↓0.20%) | 6 (↓45.45%) | 216 (↑5.37%) | 2.45% (↑0.32%)
呼出 | 139412 (↑23.86%) | — | — | 140 (↑52.17%) | 0.75% (↓0.01%)
总计 | 1247092 (↓1.82%) | — | — | 208 (↑6.67%) | 2.26% (↑0.25%)`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if text := document.Summary; !strings.Contains(text, "人工接听1107680通（同比↓4.32%）") {
		t.Error(text)
	}
}

func TestBasesOfPeriods(t *testing.T) {
	day := func(text string) bulletin.Period {
		d, err := calendar.ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		return bulletin.Day(d)
	}
	for _, c := range []struct {
		period bulletin.Period
		want   string
	}{
		{day("2026-01-31"), "2026-01-30 2026-01-24 2025-01-31"},
		{day("2028-02-29"), "2028-02-28 2028-02-22 2027-02-28"},
		{day("2029-02-28"), "2029-02-27 2029-02-21 2028-02-28"},
		{day("2029-03-01"), "2029-02-28 2029-02-22 2028-03-01"},
		{bulletin.Month(calendar.Month{Year: 2026, Month: time.January}), "2025-12 2025-01"},
		{bulletin.Year(2026), "2025"},
	} {
		var got []string
		for _, b := range c.period.Bases() {
			got = append(got, b.Period.String())
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, want %s", c.period, text, c.want)
		}
	}
}

// read is long after everything.
var read = time.Date(2030, 1, 1, 0, 0, 0, 0, bulletintest.Shanghai)

func notes(r *bulletin.Report) string { return strings.Join(r.Document("zh").Notes, "\n") }

func TestLeapDaySaysItsBase(t *testing.T) {
	r := assemble(t, bulletintest.Input(bulletin.Day(calendar.NewDay(2028, time.February, 29)), read))
	if text := notes(r); !strings.Contains(text, "上年没有2月29日，同比以2027年2月28日为基期。") {
		t.Error(text)
	}
	if text := notes(assemble(t, bulletintest.Input(bulletin.Day(calendar.NewDay(2028, time.February, 28)), read))); strings.Contains(text, "29") {
		t.Error(text)
	}
}

func TestMissingBaseHasDashes(t *testing.T) {
	in := bulletintest.Input(bulletin.Year(2026), read)
	in.Bases = []traffic.Counters{{}}
	r := assemble(t, in)
	for _, row := range r.Service {
		for _, c := range row.Cells {
			if c.Change.Defined() {
				t.Errorf("%s %s has a change", row.Kind, c.Column)
			}
		}
	}
	document := r.Document("zh")
	if cell := document.Table("comparison").Rows[0][2]; cell.Text != traffic.None {
		t.Errorf("the base shows %s", cell.Text)
	}
	if text := notes(r); !strings.Contains(text, "上年（2025）没有数据。") {
		t.Error(text)
	}
}

// What was imported has no abandoned calls and no waits by length: those figures would
// be wrong, not low.
func TestImportedBaseHasTheCitysFiguresOnly(t *testing.T) {
	in := bulletintest.Input(bulletin.Year(2026), read)
	base := published(1000, 1020, 6000, 216_000, 20, 100, 140_000, 1)
	delete(base, traffic.CountAbandoned)
	base[traffic.CountImported] = 1
	in.Bases = []traffic.Counters{base}
	r := assemble(t, in)
	changes := r.Bases[0].Changes
	if !changes[traffic.Answered].Defined() || changes[traffic.AbandonRate].Defined() || changes[traffic.ServiceLevel(traffic.OfOffered, 15)].Defined() {
		t.Errorf("changes: %v", changes)
	}
	if text := notes(r); !strings.Contains(text, "只有公布的主要指标") {
		t.Error(text)
	}
}

// Nor does an imported period itself have them.
func TestImportedPeriodHasTheCitysFiguresOnly(t *testing.T) {
	site := published(1000, 1020, 6000, 216_000, 20, 100, 140_000, 1)
	delete(site, traffic.CountAbandoned)
	site[traffic.CountImported] = 1
	r := assemble(t, bulletin.Input{
		Period: bulletin.Year(2022), Location: bulletintest.Shanghai, ReadAt: read, Definitions: traffic.Standard(), Site: site, Bases: []traffic.Counters{nil},
	})
	document := r.Document("zh")
	for _, row := range document.Table("levels").Rows {
		for _, cell := range row[1:] {
			if cell.Text != traffic.None {
				t.Errorf("%s is %s", row[0].Text, cell.Text)
			}
		}
	}
	if cell := document.Table("service").Rows[0][2]; cell.Text != "98.04%" {
		t.Errorf("the connect rate is %s", cell.Text)
	}
	text, err := json.Marshal(r)
	if err != nil || strings.Contains(string(text), `"abandoned":0`) || !strings.Contains(string(text), `"connect_rate":98.04`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestPeriodWithoutDataSaysSo(t *testing.T) {
	in := bulletintest.Input(bulletin.Year(2026), read)
	in.Site = traffic.Counters{traffic.CountOffered: 0}
	_, err := bulletin.Assemble(in)
	if !errors.Is(err, bulletin.ErrNoData) || !strings.Contains(err.Error(), "no data for 2026: no traffic was counted; choose") {
		t.Errorf("got %v", err)
	}
}

func TestPeriodThatGoesOn(t *testing.T) {
	at := time.Date(2026, 1, 31, 15, 20, 0, 0, bulletintest.Shanghai)
	in := bulletintest.Input(bulletin.Day(calendar.NewDay(2026, time.January, 31)), at)
	for _, c := range traffic.Names() { // so that every figure has a value, and none is that of its base
		if c != traffic.CountImported {
			each := int64(1)
			if strings.Contains(string(c), "_ms") {
				each = 40_000
			}
			in.Site[c] += 7_000_000 * each
			in.Bases[2][c] += 9_000_000*each*each/2 + 1
		}
	}
	r := assemble(t, in)
	if !r.GoesOn || r.DaysOver != 0 || len(r.Hours) != 16 {
		t.Errorf("goes on %v, %d days over, %d hours", r.GoesOn, r.DaysOver, len(r.Hours))
	}
	changes := r.Bases[2].Changes
	if changes[traffic.Answered].Defined() || !changes[traffic.ConnectRate].Defined() {
		t.Errorf("answered %v, connect rate %v", changes[traffic.Answered], changes[traffic.ConnectRate])
	}
	for _, d := range r.Figures.Definitions().List() {
		grows := d.Unit == "calls" || d.Unit == "offers"
		switch d.Key {
		case traffic.RingTime, traffic.LoggedIn, traffic.Ready, traffic.NotReady, traffic.OnContact, traffic.WrapUp, traffic.LongestWait, traffic.LongestTalk, traffic.LongestHold:
			grows = true
		}
		if change := changes[d.Key]; grows == change.Defined() || grows != d.Grows() {
			t.Errorf("%s has the change %v", d.Key, change)
		}
	}
	for lang, want := range map[string]string{"zh": "截至 2026-01-31 15:20:00，本期尚未结束", "en": "as of 2026-01-31 15:20:00; the period is not over"} {
		if got := r.Document(lang).State; got != want {
			t.Errorf("%s", got)
		}
	}
	if r.Worst == nil || r.Worst.To.After(at) {
		t.Errorf("the worst 24 hours are %+v", r.Worst)
	}
}

// The slider against a search of all windows in exact fractions.
func TestWorst24Hours(t *testing.T) {
	zones := []*time.Location{bulletintest.Shanghai, zone(t, "Europe/Berlin")}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		first := rapid.SampledFrom([]calendar.Day{
			calendar.NewDay(2026, time.March, 29), calendar.NewDay(2026, time.October, 25), calendar.NewDay(2026, time.October, 26), calendar.NewDay(2026, time.June, 1),
		}).Draw(t, "day")
		in := bulletin.Input{Period: bulletin.Day(first), Location: loc, ReadAt: read, Definitions: traffic.Standard(), Site: traffic.Counters{traffic.CountOffered: 1},
			Bases: make([]traffic.Counters, 3)}
		var offered, answered []int64
		for _, day := range []calendar.Day{first.AddDays(-1), first} {
			line := bulletin.Line{Day: day, Site: traffic.Counters{traffic.CountOffered: 1}}
			for range day.Intervals(loc) {
				o := rapid.Int64Range(0, 3).Draw(t, "offered")
				a := rapid.Int64Range(0, o).Draw(t, "answered")
				line.Offered, line.Answered, line.Wait = append(line.Offered, o), append(line.Answered, a), append(line.Wait, 0)
			}
			offered, answered = append(offered, line.Offered...), append(answered, line.Answered...)
			in.Lines = append(in.Lines, line)
		}
		var want *big.Rat
		var begins int
		before := len(first.AddDays(-1).Intervals(loc))
		for end := max(before, 95); end < len(offered); end++ {
			var o, a int64
			for i := end - 95; i <= end; i++ {
				o, a = o+offered[i], a+answered[i]
			}
			if o == 0 {
				continue
			}
			if rate := big.NewRat(a, o); want == nil || rate.Cmp(want) < 0 {
				want, begins = rate, end-95
			}
		}
		r, err := bulletin.Assemble(in)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case (want == nil) != (r.Worst == nil):
			t.Fatalf("got %v, want %v", r.Worst, want)
		case want == nil:
			return
		}
		from := first.AddDays(-1).Start(loc).Add(time.Duration(begins) * calendar.IntervalLength)
		if big.NewRat(r.Worst.Answered, r.Worst.Offered).Cmp(want) != 0 || !r.Worst.From.Equal(from) || r.Worst.To.Sub(r.Worst.From) != 24*time.Hour {
			t.Fatalf("got %+v, want %s from %s", r.Worst, want, from)
		}
		if enough := want.Cmp(big.NewRat(95, 100)) >= 0; r.Worst.Enough() != enough {
			t.Fatalf("%s is enough: %v", want, r.Worst.Enough())
		}
	})
}

// A window does not begin before anything was counted.
func TestNoWindowOverADayWithoutCalls(t *testing.T) {
	in := bulletintest.Input(bulletin.Day(calendar.NewDay(2026, time.January, 31)), read)
	in.Lines[0] = bulletin.Line{Day: in.Lines[0].Day, Site: traffic.Counters{}}
	if w := assemble(t, in).Worst; w == nil || !w.From.Equal(in.Period.First.Start(in.Location)) {
		t.Errorf("got %+v, want the day itself", w)
	}
}

func TestDaylightSaving(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		day   calendar.Day
		hours []string // from 01:00 on
		rows  int
	}{
		{calendar.NewDay(2026, time.March, 29), []string{"01:00", "03:00", "04:00"}, 23},
		{calendar.NewDay(2026, time.October, 25), []string{"01:00", "02:00 +02:00", "02:00 +01:00", "03:00"}, 25},
	} {
		in := bulletintest.Input(bulletin.Day(c.day), read)
		in.Location = berlin
		in.Lines = []bulletin.Line{bulletintest.Line(c.day.AddDays(-1), berlin), bulletintest.Line(c.day, berlin)}
		document := assemble(t, in).Document("en")
		table := document.Table("hours")
		if len(table.Rows) != c.rows {
			t.Errorf("%s has %d hours, want %d", c.day, len(table.Rows), c.rows)
		}
		for i, want := range c.hours {
			if got := table.Rows[1+i][0].Text; got != want {
				t.Errorf("%s: row %d is %s, want %s", c.day, 1+i, got, want)
			}
		}
	}
	// A month with the long day: each hour's mean is of the quarters that there were.
	month := calendar.Month{Year: 2026, Month: time.October}
	in := bulletintest.Input(bulletin.Month(month), read)
	in.Location, in.Lines = berlin, nil
	for _, day := range append([]calendar.Day{month.First().AddDays(-1)}, month.Days()...) {
		line := bulletin.Line{Day: day, Site: traffic.Counters{traffic.CountOffered: 1}}
		for range day.Intervals(berlin) {
			line.Offered, line.Answered, line.Wait = append(line.Offered, 2), append(line.Answered, 2), append(line.Wait, 0)
		}
		in.Lines = append(in.Lines, line)
	}
	week := assemble(t, in).Week
	for day := range 7 {
		for hour := range 24 {
			if got := week.Mean(day, hour).Round(1); got != "8.0" {
				t.Errorf("day %d, hour %d: %s, want 8.0", day, hour, got)
			}
		}
	}
}

// A day on which nothing was counted keeps its place in table and chart; of days to
// come only the axis knows.
func TestDayWithoutCallsIsAGap(t *testing.T) {
	in := bulletintest.Input(bulletin.Month(calendar.Month{Year: 2026, Month: time.January}), time.Date(2026, 1, 23, 15, 20, 0, 0, bulletintest.Shanghai))
	in.Lines[14] = bulletin.Line{Day: in.Lines[14].Day}
	in.Lines[22] = bulletin.Line{Day: in.Lines[22].Day}
	document := assemble(t, in).Document("zh")
	rows := document.Table("days").Rows
	if len(rows) != 23 || rows[13][0].Text != "2026-01-14" || rows[14][0].Text != "2026-01-15" {
		t.Fatalf("%d days: %v", len(rows), rows[13:15])
	}
	for day, known := range map[int]bool{13: true, 14: false, 15: true, 22: false, 23: true} {
		if cell := rows[day-1][1]; cell.Value.Defined() != known || known == (cell.Text == traffic.None) {
			t.Errorf("day %d: %s", day, cell.Text)
		}
	}
	for _, section := range document.Sections {
		for _, c := range section.Charts {
			if len(c.Labels) != 31 || c.Labels[0] != "1" || c.Labels[30] != "31" || c.Unit == "" || c.Across != "日" {
				t.Errorf("%s: %q by %q over %v", c.Title, c.Unit, c.Across, c.Labels)
			}
			if strings.HasPrefix(c.Title, "呼入量") && c.Alt != "呼入量与接听量：最高3387（2026-01-23），最低2128（2026-01-03），数值见下表" {
				t.Error(c.Alt)
			}
		}
	}
}

// As many thresholds as are configured, each in a row.
func TestServiceLevelsOfAnyThresholds(t *testing.T) {
	in := bulletintest.Input(bulletin.Day(calendar.NewDay(2026, time.January, 31)), read)
	definitions, err := traffic.Define(traffic.Options{Thresholds: []int{10, 20, 60}})
	if err != nil {
		t.Fatal(err)
	}
	in.Definitions = definitions
	var got []string
	document := assemble(t, in).Document("zh")
	for _, row := range document.Table("levels").Rows {
		got = append(got, row[0].Text+" "+row[1].Full())
	}
	if text := strings.Join(got, ", "); text != "10秒内 86.72% (↑0.02%), 20秒内 86.72% (↑0.02%), 60秒内 98.44% (↑0.03%)" {
		t.Error(text)
	}
}

func TestPagesTellHowFinalTheyAre(t *testing.T) {
	day, month := bulletin.Day(calendar.NewDay(2026, time.January, 31)), bulletin.Month(calendar.Month{Year: 2026, Month: time.January})
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 1, day, hour, minute, 0, 0, bulletintest.Shanghai)
	}
	for _, c := range []struct {
		period bulletin.Period
		at     time.Time
		want   string
	}{
		{day, at(31, 15, 20), "截至 2026-01-31 15:20，未结束"},
		{day, at(32, 0, 5), "2026-02-01 00:05 制表，未结账"},
		{day, at(32, 0, 30), "2026-02-01 00:30 制表，校验值 9f86d081884c"},
		{month, at(32, 0, 5), "2026-02-01 00:05 制表，已结账30/31天"},
	} {
		if got := assemble(t, bulletintest.Input(c.period, c.at)).Document("zh").Foot; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestBusiestAndPeaksOfAMonth(t *testing.T) {
	in := bulletintest.Input(bulletin.Month(calendar.Month{Year: 2026, Month: time.January}), read)
	line := &in.Lines[12] // the twelfth day
	line.Offered[40] = 500
	line.Peaks.Waiting = 99
	in.Lines[0].Offered[3] = 900 // the day before does not count
	in.Lines[0].Peaks.Calls = 900
	r := assemble(t, in)
	if got := r.Busiest.From.Format("2006-01-02 15:04"); got != "2026-01-12 10:00" || r.Busiest.Figures.Text(traffic.Offered) != "500" {
		t.Errorf("busiest %s: %s", got, r.Busiest.Figures.Text(traffic.Offered))
	}
	if r.Peaks.Waiting != 99 || r.Peaks.Calls >= 900 {
		t.Errorf("peaks %+v", r.Peaks)
	}
}

// Peaks that cannot have some corrections say so, in tables as in JSON.
func TestPeaksSayWhatTheyLack(t *testing.T) {
	in := bulletintest.Input(bulletin.Month(calendar.Month{Year: 2026, Month: time.January}), read)
	in.Lines[0].PeaksLack = 100 // the day before does not count
	in.Lines[3].PeaksLack, in.Lines[9].PeaksLack = 2, 5
	r := assemble(t, in)
	for lang, want := range map[string]string{"zh": "不含归档后更正的7条话单", "en": "without 7 calls that came after the records were archived"} {
		document, remarks := r.Document(lang), 0
		for _, row := range document.Table("extremes").Rows {
			if row[3].Text == want {
				remarks++
			}
		}
		if remarks != 2 {
			t.Errorf("%s: %d rows say %s", lang, remarks, want)
		}
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"peaks_lack_corrections":7`) {
		t.Errorf("%v: %s", err, text)
	}
}

// Every number of the JSON is a number, and the titles of both languages have the same tables.
func TestJSONAndLanguages(t *testing.T) {
	for _, period := range []bulletin.Period{bulletin.Day(calendar.NewDay(2026, time.January, 31)), bulletin.Month(calendar.Month{Year: 2026, Month: time.January}), bulletin.Year(2026)} {
		r := assemble(t, bulletintest.Input(period, read))
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Service []struct{ Cells []map[string]any }
			Worst   map[string]any `json:"worst_24_hours"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if _, ok := got.Service[0].Cells[0]["year_on_year"].(float64); !ok || got.Worst["connect_rate"] == nil {
			t.Errorf("%s: %v, %v", period, got.Service[0].Cells[0], got.Worst)
		}
		zh, en := r.Document("zh"), r.Document("en")
		for i, section := range zh.Sections {
			for j, table := range section.Tables {
				other := en.Sections[i].Tables[j]
				if other.Key != table.Key || len(other.Rows) != len(table.Rows) || len(other.Columns) != len(table.Columns) {
					t.Errorf("%s: %s is not %s", period, table.Key, other.Key)
				}
				for _, row := range table.Rows {
					if len(row) != len(table.Columns) {
						t.Errorf("%s %s: a row of %d cells under %d heads", period, table.Key, len(row), len(table.Columns))
					}
				}
			}
		}
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Callers whom a supervisor has moved are told apart from those whom a rule led to the
// same queue.
func TestMovedCallersAreTold(t *testing.T) {
	in := bulletintest.Input(bulletin.Year(2026), read)
	in.Table[traffic.Key{Dimension: traffic.ByTarget, Value: "moved:general"}] = traffic.Counters{traffic.CountOverflowed: 4}
	for lang, want := range map[string]string{"zh": "人工调至队列：综合受理", "en": "moved by a supervisor to queue: 综合受理"} {
		document := assemble(t, in).Document(lang)
		row := document.Table("overflow").Rows[2]
		if row[0].Text != want || row[1].Text != "4" {
			t.Errorf("%s: %s %s, want %s", lang, row[0].Text, row[1].Text, want)
		}
	}
}
