package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/traffic"
)

func shanghai(t testing.TB) *time.Location {
	t.Helper()
	cfg, err := configOf("")
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Location
}

// A period of which nothing was counted is told apart from one without calls, and of a
// longer one it is told how much of it there is.
func TestPeriodWithoutData(t *testing.T) {
	redis := redistest.Start(t)
	store := storeOf(t, redis.Address)
	for _, years := range []int{-3, -2} { // 24 November 2023 and 2024
		records := abandonedCalls(20)
		for i := range records {
			r := &records[i]
			r.Arrived, r.Queued, r.Ended = r.Arrived.AddDate(years, 0, 0), r.Queued.AddDate(years, 0, 0), r.Ended.AddDate(years, 0, 0)
		}
		fill(t, store, records)
	}
	ctx := context.Background()
	if closed, err := store.CloseDay(ctx, calendar.NewDay(2023, time.November, 24), time.Date(2023, 11, 26, 0, 0, 0, 0, time.UTC)); !closed || err != nil {
		t.Fatal(closed, err)
	}
	imported := map[string]traffic.Counters{"2021": {traffic.CountAnswered: 1, traffic.CountOffered: 1}}
	if err := store.ImportYears(ctx, imported, "years.csv", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"verify --day 2023-11-24":        "2023-11-24: 0 differences\n",
		"verify --day 2024-11-24":        "2024-11-24: 0 differences\n",
		"verify --month 2023-11":         "2023-11: 1 day closed, 0 open, 29 without data; 0 differences\n",
		"verify --month 2024-11":         "2024-11: 0 days closed, 1 open, 29 without data; 0 differences\n",
		"verify --year 2023":             "2023: 1 day closed, 0 open, 364 without data; 0 differences\n",
		"verify --month 2023-11 --json":  `{"period":"2023-11","days":{"closed":1,"open":0,"without_data":29,"to_come":0},"differences":[]}` + "\n",
		"verify --day 2023-11-24 --json": `{"period":"2023-11-24","differences":[]}` + "\n",
	} {
		if out, _, err := runWith(redis.Address, strings.Fields("traffic "+line)...); err != nil || out != want {
			t.Errorf("%s: %v\n%s, want %s", line, err, out, want)
		}
	}
	for line, want := range map[string]string{
		"verify --day 2023-11-23": "no data for 2023-11-23: nothing was counted for the site lyg on that day; name another with --day",
		"day --day 2023-11-23":    "no data for 2023-11-23: nothing was counted for the site lyg on that day; name another with --day",
		"day --day 9999-01-01":    "no data for 9999-01-01: that day has not begun; name another with --day",
		"verify --month 2023-12":  "no data for 2023-12: no day of it was counted for the site lyg; name another period",
		"verify --year 2022":      "no data for 2022: no day of it was counted for the site lyg; name another period",
		"verify --year 9999":      "no data for 9999: no day of it was counted for the site lyg; name another period",
		"verify --year 2021":      "no data for 2021: no day of it was counted for the site lyg, and the imported figures of 2021 have none to compare with",
		"verify --month 2021-03":  "no data for 2021-03: no day of it was counted for the site lyg, and the imported figures of 2021 have none to compare with",
		"today":                   "no data for " + calendar.DayOf(time.Now(), shanghai(t)).String() + ": nothing has been counted for the site lyg today",
	} {
		out, _, err := runWith(redis.Address, strings.Fields("traffic "+line)...)
		var none *app.NoDataError
		if !errors.As(err, &none) || err.Error() != want || out != "" {
			t.Errorf("%s: %v\n%s, want %s", line, err, out, want)
		}
	}
}

func TestTrafficScenarioSaysWhatItNeeds(t *testing.T) {
	for want, line := range map[string]string{
		"hotline traffic scenario needs --out; write for example": "traffic scenario --day 2026-01-31",
		"/nowhere/hotline.yaml":                                   "traffic scenario --day 2026-01-31 --out x --config /nowhere/hotline.yaml",
	} {
		if _, err := run(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}
