package recordfile

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
)

// The example of docs/records.md is of the day that its first line names.
func TestExampleInTheDescriptionIsOfOneDay(t *testing.T) {
	text, err := os.ReadFile("../../docs/records.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```\n")
	block, _, _ = strings.Cut(block, "```")
	moments := map[string]func(string) (time.Time, error){
		`"id":"(\d+)-`: func(s string) (time.Time, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			return time.UnixMilli(n), err
		},
		`"call":"a1-(\d+)\.`:    func(s string) (time.Time, error) { n, err := strconv.ParseInt(s, 10, 64); return time.Unix(n, 0), err },
		`"(\d{4}-[^"]+T[^"]+)"`: func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) },
	}
	for pattern, parse := range moments {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(block, -1)
		if len(found) == 0 {
			t.Errorf("%s is nowhere in the example", pattern)
		}
		for _, m := range found {
			if moment, err := parse(m[1]); err != nil || !strings.Contains(block, `"from":"`+moment.In(shanghai).Format(time.DateOnly)+`","to"`) {
				t.Errorf("%s is %v, %v, not of the day in the first line", m[0], moment.In(shanghai), err)
			}
		}
	}
}

// An outbound call belongs to the day in which it was begun, whatever queued says.
func TestOutboundCallBelongsToTheDayInWhichItWasBegun(t *testing.T) {
	late := func(direction acd.Direction) string {
		return file(t, with(t, func(r *acd.CallRecord) {
			r.Direction, r.Offers = direction, nil
			r.Arrived, r.Queued = at("23:59:58"), at("23:59:59").Add(2*time.Second)
			r.Answered, r.Ended = r.Queued.Add(time.Second), r.Queued.Add(time.Minute)
		}))
	}
	if got, _, err := read(late(acd.Outbound), here); err != nil || got[0].Day != "2026-11-24" {
		t.Errorf("outbound: %v, %v", got, err)
	}
	if _, _, err := read(late(acd.Inbound), here); err == nil || !strings.Contains(err.Error(), "belongs to 2026-11-25") {
		t.Errorf("inbound: %v", err)
	}
}
