package traffic

// Change is how a figure differs from the same figure of an earlier period, its
// base: in per cent of the base for counts and durations, in percentage points for
// figures that are percentages themselves.
//
// It is computed from the values as they are published, rounded, not from the
// exact ones. Only so does the city's own table come out (208 s against 195 s is
// ↑6.67%), and only so can a reader who has nothing but two published tables
// recompute it. It is rounded once more when it is printed, with two decimals.
//
// A base of 0 has no change, nor has one that is missing.
type Change struct {
	Ratio // not defined when there is no change to speak of
}

// changeDecimals are those with which changes are published.
const changeDecimals = 2

// Change compares two values of the figure.
func (d Definition) Change(now, base Ratio) Change {
	now, base = now.Rounded(d.Decimals), base.Rounded(d.Decimals)
	if !now.Defined() || !base.Defined() || base.Num == 0 {
		return Change{}
	}
	difference := now.Num - base.Num
	if d.Unit == "%" {
		return Change{Ratio{difference, now.Den}}
	}
	return Change{Ratio{100 * difference, base.Num}}
}

// Direction is 1 for more, -1 for less, and 0 when the change is published as 0.00
// or is not defined.
func (c Change) Direction() int {
	if !c.Defined() {
		return 0
	}
	return c.scaled(changeDecimals).Sign()
}

// Text is the change as it is published: an arrow and its size, for example ↓4.32%,
// also for percentage points; the word for no change; or None.
func (c Change) Text(unchanged string) string {
	if !c.Defined() {
		return None
	}
	switch c.Direction() {
	case 1:
		return "↑" + c.Round(changeDecimals) + "%"
	case -1:
		return "↓" + Ratio{-c.Num, c.Den}.Round(changeDecimals) + "%"
	}
	return unchanged
}

// MarshalJSON writes the change as a number with two decimals, negative for less, or null.
func (c Change) MarshalJSON() ([]byte, error) {
	if !c.Defined() {
		return []byte("null"), nil
	}
	return []byte(c.Round(changeDecimals)), nil
}
