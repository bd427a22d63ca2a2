package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever stands in a calendar is read, or explained with place and remedy.
func TestAnyCalendarIsReadOrExplained(t *testing.T) {
	minimal, err := os.ReadFile("testdata/good/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sandbox(t)
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string, likely ...string) string {
			v := rapid.SampledFrom(likely).Draw(t, name)
			if rapid.IntRange(0, 29).Draw(t, "odd") == 13 {
				v = rapid.StringN(0, 8, 16).Draw(t, name)
			}
			return "'" + strings.Map(func(r rune) rune {
				if r < ' ' || r == '\'' || r == 0x7f || r > 0xff {
					return '_'
				}
				return r
			}, v) + "'"
		}
		hours := func() string {
			return text("hours", "closed", "08:30-12:00", "09:00-12:00", "22:00-06:00+1", "00:00-24:00", "13:00-14:00")
		}
		day := func() string {
			return text("day", "2026-02-14", "2026-02-15", "2026-02-21", "2028-02-29")
		}
		weekday := func() string { return text("weekday", "mon", "mon-fri", "sat", "sun", "fri-mon") }
		content := string(minimal) + fmt.Sprintf(`
calendars:
  - id: %s
    weekly: [{days: %s, hours: %s}]
    holidays: %s
    holiday_hours: %s
    makeup_follows: %s
    exceptions: [{day: %s, hours: %s}]
holidays: [{id: china, days: [{day: %s, last_day: %s, kind: %s}]}]
`, text("id", "office"), weekday(), hours(), text("list", "china"), hours(), text("weekday", "mon", "sat"),
			day(), hours(), day(), day(), text("kind", "holiday", "holiday", "workday"))
		if err := os.WriteFile("any.yaml", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load("any.yaml")
		if err == nil {
			accepted++
			if cfg.Holidays["china"] == nil {
				t.Fatalf("holidays %v", cfg.Holidays)
			}
			return
		}
		refused++
		for _, p := range err.(Problems) {
			if p.Line < 10 || p.Column == 0 || !strings.Contains(p.Text, "; ") {
				t.Fatalf("%v in\n%s", p, content)
			}
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("%d were accepted, %d refused", accepted, refused)
	}
}
