package app

import (
	"testing"
	"time"

	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

func TestWhatIsNotComparedIsSaid(t *testing.T) {
	day := calendar.NewDay(2026, time.January, 31)
	sets := traffic.CounterSets{{Counters: []traffic.Counter{"hold_ms", "hold_s_"}}, {Counters: []traffic.Counter{"rated"}}}
	for set, want := range map[int]string{
		1: "2026-01-31 was counted by an earlier version (set of counters 1; this one has 3): what is counted since was not compared: hold_ms, hold_s_…, rated",
		3: "",
	} {
		if got := notCompared(day, set, sets); got != want {
			t.Errorf("set %d: %q", set, got)
		}
	}
}
