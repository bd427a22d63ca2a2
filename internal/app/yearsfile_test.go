package app

import (
	"strings"
	"testing"

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
		YearsHead() + "\n" + strings.Replace(published2022, ",98.50,", ",0,", 1):                         `f.csv:2: connect_rate is 0 though calls were answered`,
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
