package app

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hotline/internal/traffic"
)

const published2022 = "2022,1157692,98.50,11,205,2.13,112556,92,0.76"

func TestPublishedFiguresOfEarlierYears(t *testing.T) {
	rows, err := ReadYears("years.csv", strings.NewReader("\ufeff"+YearsHead()+"\n"+published2022+"\n2021-05, 90000, 97.10, 12.5, 200, 2.0, 9000, 90, 0.5\n"))
	if err != nil || len(rows) != 2 || rows[0].Period != "2022" || rows[1].Line != 3 {
		t.Fatalf("%+v, %v", rows, err)
	}
	figures := traffic.Standard().Compute(rows[0].Counters)
	for metric, want := range map[traffic.Metric]string{
		traffic.Answered: "1157692", traffic.ConnectRate: "98.50", traffic.AverageWait: "11", traffic.AverageTalk: "205", traffic.TalkOver10Share: "2.13",
		traffic.OutboundAnswered: "112556", traffic.OutboundTalk: "92", traffic.OutboundOver10Part: "0.76",
		traffic.TotalAnswered: "1270248", traffic.TotalTalk: "195", traffic.TotalOver10Share: "2.01", traffic.Offered: "1175322",
	} {
		if got := figures.Text(metric); got != want {
			t.Errorf("%s is %s, want %s", metric, got, want)
		}
	}
	if got := rows[1].Counters[traffic.SumWait]; got != 90000*12500 {
		t.Errorf("sum of waits %d", got)
	}
}

func TestEveryMalformedLineIsTold(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "f.csv has no periods; write the line period,answered,connect_rate",
		"period,answered\n": "f.csv:1: columns are missing; the first line is: period,answered",
		strings.Replace(YearsHead(), "answered", "answred", 1): `f.csv:1: "answred" is not a column`,
		YearsHead() + "\n2022,1,2\nx," + strings.TrimPrefix(published2022, "2022,") + "\n" + strings.Replace(published2022, "98.50", "985.0", 1): `f.csv:2: the line has 3 columns and the first line 9; write as many
f.csv:3: period is "x"; write a year or a month, as in 2022 or 2022-05
f.csv:4: connect_rate is "985.0"; write a percentage from 0 to 100, as in 98.50`,
		YearsHead() + "\n" + strings.Replace(published2022, "1157692", "1157692.5", 1):                   `f.csv:2: answered is "1157692.5"; write a whole number of calls, as in 1157692`,
		YearsHead() + "\n" + strings.Replace(published2022, ",205,", ",-205,", 1):                        `f.csv:2: average_talk is "-205"; write seconds, as in 205`,
		YearsHead() + "\n" + strings.Replace(published2022, ",98.50,", ",0,", 1):                         `f.csv:2: connect_rate is "0" though calls were answered; write a percentage`,
		YearsHead() + "\n" + published2022 + "\n" + published2022:                                        "f.csv:3: 2022 is given twice (first in line 2); remove one of them",
		YearsHead() + "\n" + published2022 + "\n" + strings.Replace(published2022, "2022", "2022-07", 1): "f.csv:3: 2022-07 belongs to the year in line 2, and would count twice",
		YearsHead() + "\n\"2022": "f.csv:2: this is not CSV",
	} {
		rows, err := ReadYears("f.csv", strings.NewReader(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || rows != nil {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
	many := YearsHead() + strings.Repeat("\nx", 200)
	if _, err := ReadYears("f.csv", strings.NewReader(many)); strings.Count(err.Error(), "\n") != maxFaults-1 || !strings.HasSuffix(err.Error(), "malformed are 151 lines more") {
		t.Errorf("%v", err)
	}
}

// printedAgain are the figures of a row as they are published.
func printedAgain(row Published) (texts []string) {
	figures := traffic.Standard().Compute(row.Counters)
	for _, c := range columns {
		texts = append(texts, figures.Text(c.metric))
	}
	return texts
}

// Whatever a period's calls were: what is published of them can be imported, and is
// printed again to the digit, however few they are.
func TestPublishedPeriodIsPrintedAgainToTheDigit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.SampledFrom([]int64{0, 3, 50, 1000, 50_000, 2_000_000, 500_000_000}).Draw(rt, "most calls")
		upTo := func(n int64, name string) int64 { return rapid.Int64Range(0, n).Draw(rt, name) }
		answered, outbound := upTo(most, "answered"), upTo(most, "outbound")
		real := traffic.Counters{
			traffic.CountAnswered: answered, traffic.CountOffered: answered, traffic.CountOutboundTalked: outbound,
			traffic.SumWait: upTo(600_000*answered, "wait"), traffic.SumTalk: upTo(3_600_000*answered, "talk"), traffic.LongTalks: upTo(answered, "long"),
			traffic.SumOutboundTalk: upTo(3_600_000*outbound, "outbound talk"), traffic.LongOutboundTalks: upTo(outbound, "outbound long"),
		}
		if answered > 0 { // else their number cannot be told from a rate of 0
			real[traffic.CountOffered] += upTo(rapid.SampledFrom([]int64{1, 10, 1000}).Draw(rt, "times")*answered, "not answered")
		}
		want := printedAgain(Published{Counters: real})
		rows, err := ReadYears("f.csv", strings.NewReader(YearsHead()+"\n2022,"+strings.Join(want, ",")))
		if err != nil {
			rt.Fatalf("%v was published of %v: %v", want, real, err)
		}
		if got := printedAgain(rows[0]); strings.Join(got, ",") != strings.Join(want, ",") {
			rt.Fatalf("%v is printed as %v", want, got)
		}
	})
}

// Any line is refused, or is printed again as it was written.
func TestLineThatIsTakenIsPrintedAgain(t *testing.T) {
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		decimal := func(most int, name string) string {
			whole, decimals := rapid.IntRange(0, most).Draw(rt, name), rapid.IntRange(0, mostDecimals).Draw(rt, name+" decimals")
			if decimals == 0 {
				return fmt.Sprint(whole)
			}
			return fmt.Sprintf("%d.%0*d", whole, decimals, rapid.IntRange(0, 1<<20).Draw(rt, name+" part")%pow10(decimals))
		}
		count := func(name string) int64 {
			return rapid.SampledFrom([]int64{1, 2, 3, 7, 8, 20, 100, 4321, 123_456, 1_107_680}).Draw(rt, name)
		}
		share := func(of int64, name string) string {
			decimals := rapid.IntRange(2, mostDecimals).Draw(rt, name+" decimals")
			return traffic.Ratio{Num: 100 * rapid.Int64Range(1, of).Draw(rt, name), Den: of}.Round(decimals)
		}
		answered, outbound := count("answered"), count("outbound")
		written := []string{fmt.Sprint(answered), "100.00", "6", "216.125", share(answered, "share"), fmt.Sprint(outbound), "140.5", share(outbound, "outbound share")}
		if i := rapid.IntRange(0, len(written)).Draw(rt, "what may be anything"); i < len(written) {
			written[i] = decimal(map[bool]int{true: 100, false: 900}[i == 1 || i == 4 || i == 7], "anything")
		}
		rows, err := ReadYears("f.csv", strings.NewReader(YearsHead()+"\n2022,"+strings.Join(written, ",")))
		if err != nil {
			return
		}
		taken++
		figures := traffic.Standard().Compute(rows[0].Counters)
		for i, c := range columns {
			decimals := 0
			if _, after, point := strings.Cut(written[i], "."); point {
				decimals = len(after)
			}
			want, _ := new(big.Rat).SetString(written[i])
			if got, _ := new(big.Rat).SetString(figures.Value(c.metric).Round(max(decimals, 2))); got == nil || figures.Value(c.metric).Round(decimals) != want.FloatString(decimals) {
				rt.Fatalf("%s: %s is printed as %s", c.name, written[i], figures.Value(c.metric).Round(decimals))
			}
		}
	})
	if taken == 0 {
		t.Error("no line was taken; the case was not met")
	}
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

func TestFiguresThatNoCallsGive(t *testing.T) {
	for line, want := range map[string]string{
		"7,97.00,5,200,14.29,0,—,—":      `f.csv:2: connect_rate is "97.00", which 7 calls cannot give: the nearest is 100.00; correct one of the two, or leave the period out`,
		"7,87.50,5,200,2.13,0,,":         `f.csv:2: talk_over_10_min_share is "2.13", which 7 calls cannot give: the nearest is 0.00; correct`,
		"7,87.50,5.12345,200,0,0,-,-":    `f.csv:2: average_wait is "5.12345", which 7 calls cannot give: the nearest is 5.12343; correct`,
		"7,87.50,5,200,0,0,90,—":         `f.csv:2: outbound_average_talk is "90" though outbound_answered is 0: of no calls nothing is published; write — or nothing`,
		"0,0.00,—,—,—,0,—,—":             `f.csv:2: connect_rate is "0.00" though answered is 0: of how many calls cannot be told from it; write — or nothing`,
		"7,87.50,5,200,0,1,—,0":          `f.csv:2: outbound_average_talk is missing though outbound_answered is 1; write seconds, as in 205`,
		"7,87.50,5,86401,0,0,—,—":        `f.csv:2: average_talk is "86401"; write seconds, as in 205`,
		"1000000001,87.50,5,200,0,0,—,—": `f.csv:2: answered is "1000000001"; write a whole number of calls, as in 1157692`,
	} {
		if rows, err := ReadYears("f.csv", strings.NewReader(YearsHead()+"\n2022,"+line)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %s", line, rows, err, want)
		}
	}
}
