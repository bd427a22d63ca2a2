package redisstore

import (
	"context"
	"slices"
	"strings"
	"testing"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

func TestImportedYears(t *testing.T) {
	s, m, _ := run(t, server(t).Address)
	ctx := context.Background()
	s.Append(nil, calls(50, 20), nil)
	lastYear := calls(51, 1)[0]
	lastYear.Direction, lastYear.Arrived = acd.Outbound, lastYear.Arrived.AddDate(-1, 0, 0)
	s.Append(nil, []acd.CallRecord{lastYear}, nil)
	drained(t, s, m)
	take := func(replace bool, answered int64, periods ...string) string {
		given := map[string]traffic.Counters{}
		for _, p := range periods {
			given[p] = traffic.Counters{traffic.CountOffered: answered, traffic.CountAnswered: answered}
		}
		if err := s.ImportYears(ctx, given, "years.csv", replace, morning); err != nil {
			return err.Error()
		}
		return ""
	}
	answered := func(year int) int64 {
		t.Helper()
		table, err := s.Year(ctx, year)
		if err != nil {
			t.Fatal(err)
		}
		return table[traffic.Site][traffic.CountAnswered]
	}
	counted := answered(2026)
	if got := take(false, 1000, "2022", "2026-01", "2026-02"); got != "" {
		t.Fatal(got)
	}
	if got := answered(2022); got != 1000 {
		t.Errorf("2022 has %d", got)
	}
	// Months before the program counted belong to the year that it then counted.
	if got := answered(2026); got != counted+2000 {
		t.Errorf("2026 has %d, want %d", got, counted+2000)
	}
	if table, err := s.Month(ctx, today.Month().AddMonths(-10)); err != nil || table[traffic.Site][traffic.CountOffered] != 1000 {
		t.Errorf("January: %v, %v", table, err)
	}
	if differences, err := s.VerifyYear(ctx, 2026); err != nil || len(differences) > 0 {
		t.Errorf("VerifyYear: %v, %v", differences, err)
	}
	for period, want := range map[string]string{
		"2022": "2022 has been imported already", "2022-03": "2022-03 would count twice beside 2022", "2026": "2026 is not over",
		"2026-11": "2026-11 is not over", "2031": "2031 is not over", "2025": "2025 has been counted here", "2022-12": "2022-12 would count twice",
	} {
		if got := take(false, 7, period, "2019"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", period, got, want)
		}
	}
	if got := take(false, 7, "2031", "2022", "2026-02", "2026-01", "2019"); strings.Count(got, "\n") != 3 || !slices.IsSorted(strings.Split(got, "\n")) {
		t.Errorf("not in order: %s", got)
	}
	if got := answered(2019); got != 0 {
		t.Error("of a refused import a part was taken")
	}
	if got := take(true, 900, "2022"); got != "" || answered(2022) != 900 {
		t.Errorf("replaced: %q, %d", got, answered(2022))
	}
	list, err := s.ImportedYears(ctx)
	if err != nil || len(list) != 3 || len(list["2022"].Replaced) != 1 || list["2022"].Replaced[0].Site[traffic.CountAnswered] != 1000 || list["2022"].Source != "years.csv" {
		t.Errorf("%+v, %v", list, err)
	}
}
