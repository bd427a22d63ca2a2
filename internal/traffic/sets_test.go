package traffic_test

import (
	"slices"
	"strings"
	"testing"

	"hotline/internal/traffic"
)

// firstSet are the counters of set 1, which never change.
const firstSet = `offered answered abandoned overflowed not_offered callbacks_requested callbacks_attempted callbacks_reached
imported_periods outbound_attempted outbound_answered outbound_talk_ms max_outbound_talk_ms wait_ms abandoned_wait_ms overflowed_wait_ms talk_ms
ring_ms rona offers_refused offers_busy offers_unreachable offers_failed max_wait_ms max_talk_ms logged_in_ms ready_ms not_ready_ms ringing_ms
talking_ms wrap_up_ms not_ready_ms_ wait_s_ abandoned_wait_s_ talk_s_ outbound_talk_s_ abandoned_under_`

func TestEveryCounterIsInASet(t *testing.T) {
	var first traffic.AddedCounters
	for _, name := range strings.Fields(firstSet) {
		first.Counters = append(first.Counters, traffic.Counter(name))
	}
	// With the first set as one that came later, set 1 has nothing.
	sets := append(traffic.CounterSets{first}, traffic.Sets...)
	for _, counter := range traffic.Names() {
		if sets.Has(1, traffic.Site, counter) {
			t.Errorf("%s is counted and in no set: add a line to traffic.Sets", counter)
		}
		if n := slices.IndexFunc(sets, func(a traffic.AddedCounters) bool {
			return !traffic.CounterSets{a}.Has(1, traffic.Site, counter)
		}); n >= 0 && !sets.Has(n+2, traffic.Site, counter) {
			t.Errorf("%s is in two sets", counter)
		}
	}
}

func TestSets(t *testing.T) {
	sets := traffic.CounterSets{{Counters: []traffic.Counter{"hold_ms", "hold_s_"}}, {Dimensions: []traffic.Dimension{"rating"}}}
	rating := traffic.Key{Dimension: "rating", Value: "5"}
	for _, c := range []struct {
		set     int
		key     traffic.Key
		counter traffic.Counter
		has     bool
	}{
		{1, traffic.Site, "offered", true}, {1, traffic.Site, "hold_ms", false}, {1, traffic.Site, "hold_s_30", false}, {1, traffic.Site, "hold_ms_x", true},
		{2, traffic.Site, "hold_ms", true}, {2, rating, "offered", false}, {3, rating, "offered", true}, {3, traffic.Site, "hold_s_inf", true},
		{9, rating, "offered", true},
	} {
		if got := sets.Has(c.set, c.key, c.counter); got != c.has {
			t.Errorf("set %d has %s %s: %v", c.set, c.key, c.counter, got)
		}
	}
	if got := strings.Join(sets.Since(1), " "); got != "hold_ms hold_s_… rating:…" || sets.Latest() != 3 || sets.Since(3) != nil {
		t.Errorf("since set 1: %s; the latest is %d", got, sets.Latest())
	}
	table := traffic.Table{traffic.Site: {"offered": 3, "hold_ms": 4}, rating: {"offered": 1}}
	if got := sets.Only(1, table); len(got) != 1 || len(got[traffic.Site]) != 1 || got[traffic.Site]["offered"] != 3 {
		t.Errorf("only set 1: %v", got)
	}
}
