// Package bulletintest makes the input of reports for tests: a city's year of calls,
// by whole-number formulas, so that each run has the same. Only tests import it.
package bulletintest

import (
	"strconv"
	"time"

	"hotline/internal/bulletin"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Shanghai is the zone of the city, which has had no daylight saving since 1991.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// profile is how many of a thousand calls of a day come in each hour.
var profile = [24]int64{12, 8, 6, 5, 5, 8, 16, 36, 84, 104, 92, 70, 46, 52, 78, 82, 74, 60, 44, 36, 32, 24, 16, 10}

// Line is the course of a day in a zone: about 3,100 calls, fewer at weekends.
func Line(day calendar.Day, loc *time.Location) bulletin.Line {
	line := bulletin.Line{Day: day, Site: traffic.Counters{}}
	_, month, date := day.Date()
	calls := 3000 + int64(date*17%400) + 20*int64(month)
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		calls = calls * 7 / 10
	}
	for i := range day.Intervals(loc) {
		at := day.Start(loc).Add(time.Duration(i) * calendar.IntervalLength)
		offered := (calls*profile[at.Hour()] + int64(i%7)*400) / 4000
		abandoned := (offered + int64(i*date)%23) / 40
		line.Offered = append(line.Offered, offered)
		line.Answered = append(line.Answered, offered-abandoned)
		line.Wait = append(line.Wait, (offered-abandoned)*(4000+offered*60))
		line.Site.Add(site(offered, abandoned, line.Wait[i]))
	}
	noon := day.Start(loc).Add(10*time.Hour + 23*time.Minute)
	line.Peaks = traffic.Peaks{Calls: 41 + date%5, CallsAt: noon, Waiting: 9 + date%3, WaitingAt: noon.Add(11 * time.Second)}
	return line
}

// site are the counters of calls of which some were abandoned.
func site(offered, abandoned, wait int64) traffic.Counters {
	answered := offered - abandoned
	outbound := offered / 8
	return traffic.Counters{
		traffic.CountOffered: offered, traffic.CountAnswered: answered, traffic.CountAbandoned: abandoned,
		traffic.SumWait: wait, traffic.SumTalk: answered * 216_000, traffic.MaxWait: 1000 * (20 + abandoned*7),
		"wait_s_10": answered * 9 / 10, "wait_s_30": answered - answered*9/10, "abandoned_wait_s_20": abandoned,
		"talk_s_300": answered - answered/40, "talk_s_900": answered / 40,
		traffic.CountOutbound: outbound + outbound/6, traffic.CountOutboundTalked: outbound,
		traffic.SumOutboundTalk: outbound * 140_000, "outbound_talk_s_180": outbound,
		traffic.CountCallbackTried: outbound / 3, traffic.CountCallbackReached: outbound / 4,
	}
}

// Input is that of a report, read at 00:30 on the second of February 2026 or later: a
// period that is not over has only what came until then.
func Input(period bulletin.Period, readAt time.Time) bulletin.Input {
	in := bulletin.Input{
		Period: period, Location: Shanghai, ReadAt: readAt, Office: "示例市12345政府公共服务中心", Definitions: traffic.Standard(),
		Site: traffic.Counters{}, Table: traffic.Table{}, Queues: []bulletin.Named{{ID: "general", Title: "综合受理"}, {ID: "business", Title: "企业服务"}, {ID: "talent"}},
		Partners: []bulletin.Named{{ID: "nanjing", Title: "南京12345"}},
	}
	for _, day := range calendar.DaysBetween(period.First.AddDays(-1), period.Last) {
		if readAt.Before(day.Start(Shanghai)) {
			break
		}
		line := Line(day, Shanghai)
		in.Lines = append(in.Lines, line)
		if !day.Before(period.First) {
			in.Site.Add(line.Site)
		}
	}
	if period.Kind == bulletin.Annual {
		in.Months = make([]traffic.Counters, 12)
		for _, line := range in.Lines[1:] {
			_, month, _ := line.Day.Date()
			if in.Months[month-1] == nil {
				in.Months[month-1] = traffic.Counters{}
			}
			in.Months[month-1].Add(line.Site)
		}
	}
	for i := range period.Bases() {
		in.Bases = append(in.Bases, scaled(in.Site, int64(90+7*i), 100))
	}
	rows(in)
	closed(&in)
	return in
}

// scaled is a share of all counters.
func scaled(c traffic.Counters, part, of int64) traffic.Counters {
	out := traffic.Counters{}
	for name, amount := range c {
		out[name] = amount * part / of
	}
	// Such calls add up.
	out[traffic.CountAbandoned] = out[traffic.CountOffered] - out[traffic.CountAnswered]
	return out
}

// rows spreads the site's calls over queues, agents and targets.
func rows(in bulletin.Input) {
	for queue, part := range map[string]int64{"general": 80, "business": 15, "talent": 5} {
		in.Table[traffic.Key{Dimension: traffic.ByQueue, Value: queue}] = scaled(in.Site, part, 100)
	}
	const agents = 30
	for i := range int64(agents) {
		c := scaled(in.Site, 60+3*i, agents*100)
		c[traffic.SumTalking] = c[traffic.SumTalk] + c[traffic.SumOutboundTalk]
		c[traffic.SumWrapUp] = c[traffic.CountAnswered] * 20_000
		c[traffic.SumReady] = c[traffic.CountAnswered] * 90_000
		c[traffic.SumLoggedIn] = c[traffic.SumTalking] + c[traffic.SumWrapUp] + c[traffic.SumReady]
		c[traffic.CountRONA] = c[traffic.CountAnswered] / 50
		in.Table[traffic.Key{Dimension: traffic.ByAgent, Value: strconv.FormatInt(1001+i, 10)}] = c
	}
	for target, calls := range map[string]int64{"queue:general": 12, "partner:nanjing": 3, "callback_requested": 7} {
		in.Table[traffic.Key{Dimension: traffic.ByTarget, Value: target}] = traffic.Counters{traffic.CountOverflowed: calls}
	}
}

func closed(in *bulletin.Input) {
	for _, line := range in.Lines[1:] {
		if !in.ReadAt.Before(line.Day.End(Shanghai).Add(10 * time.Minute)) {
			in.Closed.Days++
		}
	}
	if in.Period.Kind == bulletin.Daily && in.Closed.Days == 1 {
		at := in.Period.Last.End(Shanghai).Add(6 * time.Minute)
		in.Closed.Day = &bulletin.DayClosing{At: at, Calls: 3456, Checksum: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
		in.Closed.Corrections = 1
		in.Closed.Later = []bulletin.Correction{{At: at.Add(12 * time.Minute), ID: "a1-1769875134.2203"}}
	}
}
