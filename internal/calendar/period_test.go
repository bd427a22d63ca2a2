package calendar

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParsePeriod(t *testing.T) {
	for text, want := range map[string]Period{
		"08:30-12:00":   {510, 720},
		"00:00-24:00":   {0, 1440},
		"23:59-24:00":   {1439, 1440},
		"22:00-06:00+1": {1320, 1800},
		"08:00-08:00+1": {480, 1920},
	} {
		got, err := ParsePeriod(text)
		if err != nil || got != want {
			t.Errorf("ParsePeriod(%q) = %v, %v", text, got, err)
		}
		if got.String() != text {
			t.Errorf("%q is written %q", text, got)
		}
	}
	// Two ways to write the midnight that ends the day are one period.
	if got, err := ParsePeriod("22:00-00:00+1"); err != nil || got.String() != "22:00-24:00" {
		t.Errorf("22:00-00:00+1 is %v, %v", got, err)
	}
}

func TestParsePeriodRefuses(t *testing.T) {
	for text, remedy := range map[string]string{
		"":                 "write two times",
		"08:30":            "write two times",
		"8:30-12:00":       "write two times",
		"08:30 - 12:00":    "write two times",
		"08:60-12:00":      "write two times",
		"08:30-24:01":      "write two times",
		"24:00-06:00+1":    "write two times",
		"08:30-12:00-13":   "write two times",
		"08:30-12:00+2":    "write two times",
		"08：30-12：00":      "write two times",
		"-1:00-12:00":      "write two times",
		"18:00-14:00":      "write 18:00-14:00+1",
		"22:00-00:00":      "write 22:00-24:00",
		"08:00-08:00":      "08:00-08:00+1",
		"08:00-08:01+1":    "write 08:00-08:01",
		"08:00-24:00+1":    "write 08:00-24:00",
		"00:00-24:00+1":    "write 00:00-24:00",
		"08:30-12:00+1+1":  "write two times",
		"closed":           "write two times",
		"08:30-12:00\x00":  "write two times",
		"08:30-12:00 ":     "write two times",
		"0x:30-12:00":      "write two times",
		"99:99-99:99":      "write two times",
		"08:30-12:00, ...": "write two times",
	} {
		p, err := ParsePeriod(text)
		if err == nil || !strings.Contains(err.Error(), remedy) || !strings.Contains(err.Error(), "; ") {
			t.Errorf("ParsePeriod(%q) = %v, %v; want an error that says %q", text, p, err, remedy)
		}
	}
}

// FuzzParsePeriod: whatever is read keeps to the limits, and comes back the
// same when it is written and read again.
func FuzzParsePeriod(f *testing.F) {
	for _, seed := range []string{"08:30-12:00", "22:00-06:00+1", "00:00-24:00", "24:00-00:00+1", "+1-+1", "-", "12:00-12:00+1"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^\d\d:\d\d-\d\d:\d\d(\+1)?$`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePeriod(text)
		if err != nil {
			if p != (Period{}) || !strings.Contains(err.Error(), "; ") {
				t.Fatalf("%q: %v, %v", text, p, err)
			}
			return
		}
		if p.from < 0 || p.from >= 1440 || p.to <= p.from || p.to > p.from+1440 || !form.MatchString(text) {
			t.Fatalf("%q was read as %d to %d", text, p.from, p.to)
		}
		if again, err := ParsePeriod(p.String()); err != nil || again != p {
			t.Fatalf("%q is written %q and read as %v, %v", text, p, again, err)
		}
	})
}

func TestOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPeriod(t), drawPeriod(t)
		later := rapid.IntRange(-2, 2).Draw(t, "later")
		want := false
		for m := int(p.from); m < int(p.to); m++ {
			in := m - later*1440
			want = want || int(q.from) <= in && in < int(q.to)
		}
		if got := p.Overlaps(q, later); got != want {
			t.Fatalf("%s overlaps %s %d days later: %v", p, q, later, got)
		}
	})
}

func TestPeriodsThatMeetDoNotOverlap(t *testing.T) {
	morning, noon, night := Period{480, 720}, Period{720, 780}, Period{1320, 1920}
	for _, c := range []struct {
		p, q  Period
		later int
		want  bool
	}{
		{morning, noon, 0, false}, {noon, morning, 0, false}, {night, morning, 1, false}, {morning, night, -1, false},
		{morning, morning, 0, true}, {night, night, 1, false}, {Period{1320, 1921}, morning, 1, true}, {morning, Period{1320, 1921}, -1, true},
	} {
		if got := c.p.Overlaps(c.q, c.later); got != c.want {
			t.Errorf("%s overlaps %s %d days later: %v", c.p, c.q, c.later, got)
		}
	}
}

// drawPeriod draws times that meet often, and the odd minute.
func drawPeriod(t *rapid.T) Period {
	minute := rapid.OneOf(rapid.Map(rapid.IntRange(0, 95), func(q int) int { return q * 15 }), rapid.IntRange(0, 1439))
	from := minute.Draw(t, "from")
	length := rapid.OneOf(rapid.Map(rapid.IntRange(1, 96), func(q int) int { return q * 15 }), rapid.IntRange(1, 1440)).Draw(t, "length")
	return Period{int16(from), int16(from + length)}
}

func FuzzParseWeekdays(f *testing.F) {
	for _, seed := range []string{"mon", "mon-fri", "sat-mon", "mon-mon", "-", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ParseWeekdays(text)
		if err != nil {
			return
		}
		written := WeekdayName(list[0])
		if len(list) > 1 {
			written += "-" + WeekdayName(list[len(list)-1])
		}
		slices.Sort(list)
		if written != text || len(slices.Compact(list)) != len(list) {
			t.Fatalf("%q was read as %v", text, list)
		}
	})
}

func TestParseWeekdays(t *testing.T) {
	mon, sat, sun := time.Monday, time.Saturday, time.Sunday
	for text, want := range map[string][]time.Weekday{
		"mon":     {mon},
		"mon-fri": {mon, time.Tuesday, time.Wednesday, time.Thursday, time.Friday},
		"sat-sun": {sat, sun},
		"sat-mon": {sat, sun, mon},
		"mon-sun": {mon, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, sat, sun},
	} {
		if got, err := ParseWeekdays(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseWeekdays(%q) = %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "-", "Mon", "monday", "mon-", "-fri", "mon-mon", "mon-fri-sat", "mon,tue", "周一"} {
		if got, err := ParseWeekdays(bad); err == nil || !strings.Contains(err.Error(), "; write mon, tue") {
			t.Errorf("ParseWeekdays(%q) = %v, %v", bad, got, err)
		}
	}
}
