package traffic

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/internal/acd"
)

var (
	calls    = Definition{Unit: "calls"}
	percent2 = Definition{Unit: "%", Decimals: 2}
)

// The city's table of 2023 against that of 2022, each value with its change.
func TestChangesThatTheCityPublished(t *testing.T) {
	for _, c := range []struct {
		figure    Definition
		now, base Ratio
		want      string
	}{
		{calls, Ratio{1_107_680, 1}, Ratio{1_157_692, 1}, "↓4.32%"},
		{calls, Ratio{139_412, 1}, Ratio{112_556, 1}, "↑23.86%"},
		{calls, Ratio{1_247_092, 1}, Ratio{1_270_210, 1}, "↓1.82%"},
		{percent2, Ratio{9830, 100}, Ratio{9850, 100}, "↓0.20%"},
		{calls, Ratio{6, 1}, Ratio{11, 1}, "↓45.45%"},
		{calls, Ratio{216, 1}, Ratio{205, 1}, "↑5.37%"},
		{calls, Ratio{140, 1}, Ratio{92, 1}, "↑52.17%"},
		{calls, Ratio{20750, 100}, Ratio{194_989, 1000}, "↑6.67%"}, // 208 and 195; unrounded it would be 6.42
		{percent2, Ratio{245, 100}, Ratio{213, 100}, "↑0.32%"},
		{percent2, Ratio{75, 100}, Ratio{76, 100}, "↓0.01%"},
		{percent2, Ratio{226, 100}, Ratio{201, 100}, "↑0.25%"},
		{calls, Ratio{5, 1}, Ratio{5, 1}, "持平"},
		{calls, Ratio{1_000_001, 1}, Ratio{1_000_000, 1}, "持平"}, // 0.0001
		{calls, Ratio{5, 1}, Ratio{0, 1}, None},
		{calls, Ratio{0, 1}, Ratio{5, 1}, "↓100.00%"},
		{calls, Ratio{5, 1}, Ratio{}, None},
		{calls, Ratio{}, Ratio{5, 1}, None},
		{percent2, Ratio{5, 1}, Ratio{1, 1000}, None}, // published as 0.00
	} {
		if got := c.figure.Change(c.now, c.base).Text("持平"); got != c.want {
			t.Errorf("%v against %v: got %s, want %s", c.now, c.base, got, c.want)
		}
	}
}

// A change is what math/big makes of the two published values, in exact fractions
// and with the rounding written another way.
func TestChangeAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratio := func(name string) Ratio {
			return Ratio{rapid.Int64Range(0, 1e12).Draw(t, name), rapid.Int64Range(0, 1e7).Draw(t, name+" den")}
		}
		figure := rapid.SampledFrom([]Definition{calls, percent2, {Unit: "s"}, {Unit: "s", Decimals: 1}}).Draw(t, "figure")
		now, base := ratio("now"), ratio("base")
		want := None
		if now.Defined() && base.Defined() {
			n, b := published(now, figure.Decimals), published(base, figure.Decimals)
			if b.Sign() != 0 {
				difference := new(big.Rat).Sub(n, b)
				if figure.Unit != "%" {
					difference.Mul(difference, big.NewRat(100, 1)).Quo(difference, b)
				}
				want = inWords(difference)
			}
		}
		if got := figure.Change(now, base).Text("="); got != want {
			t.Fatalf("%v against %v in %v: got %s, want %s", now, base, figure, got, want)
		}
	})
}

// published rounds half away from zero: big.Rat's FloatString does so.
func published(r Ratio, decimals int) *big.Rat {
	text := big.NewRat(r.Num, r.Den).FloatString(decimals)
	value, _ := new(big.Rat).SetString(text)
	return value
}

func inWords(change *big.Rat) string {
	text := new(big.Rat).Abs(change).FloatString(2)
	switch {
	case text == "0.00":
		return "="
	case change.Sign() < 0:
		return "↓" + text + "%"
	}
	return "↑" + text + "%"
}

// Names lists every counter that calls and stints can add to.
func TestNamesAreComplete(t *testing.T) {
	names := Names()
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); len(sorted) != len(names) {
		t.Error("a name is listed twice")
	}
	check := func(t *rapid.T, increments []Increment) {
		for _, i := range increments {
			for _, a := range i.Amounts {
				if !slices.Contains(names, a.Counter) && !strings.HasPrefix(string(a.Counter), notReadyPrefix) {
					t.Fatalf("%s is not among Names", a.Counter)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, record := range records().Draw(t, "records") {
			check(t, Fold(record, shanghai))
			record.Direction, record.Callback = acd.Outbound, "1"
			check(t, Fold(record, shanghai))
		}
		from := time.Date(2026, 11, 24, 9, 0, 0, 0, shanghai)
		for _, state := range []acd.AgentState{acd.Ready, acd.NotReady, acd.Ringing, acd.Talking, acd.WrapUp} {
			check(t, FoldStint(acd.Stint{Agent: "1", State: state, From: from, To: from.Add(time.Second)}, shanghai))
		}
	})
}
