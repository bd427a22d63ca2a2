package traffic

import (
	"math/big"
	"strings"
)

// None is what is printed for a figure whose denominator is 0.
const None = "—"

// Ratio is an exact value, Num divided by Den. A Den of 0 means that there is
// nothing to compute the figure from.
type Ratio struct {
	Num, Den int64
}

// Defined reports whether the ratio has a value.
func (r Ratio) Defined() bool { return r.Den != 0 }

// Round prints the value with so many decimals, rounded half away from zero,
// or None when the ratio has no value. This and Rounded are
// the only places where a figure is rounded.
func (r Ratio) Round(decimals int) string {
	if !r.Defined() {
		return None
	}
	digits := r.scaled(decimals).String()
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if decimals == 0 {
		return sign + digits
	}
	if short := decimals + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	whole := len(digits) - decimals
	return sign + digits[:whole] + "." + digits[whole:]
}

// Rounded is the value that Round prints, for what is computed from published
// figures. Its denominator is 10^decimals. The rounded value is to be below 10^18 / 10^decimals.
func (r Ratio) Rounded(decimals int) Ratio {
	if !r.Defined() {
		return Ratio{}
	}
	den := int64(1)
	for range decimals {
		den *= 10
	}
	return Ratio{r.scaled(decimals).Int64(), den}
}

// scaled is the value times 10^decimals, rounded half away from zero: for a
// positive value the floor of value + 1/2, that is (2·num + den) / (2·den).
func (r Ratio) scaled(decimals int) *big.Int {
	// What fits is computed in 64 bits: 2·10^18 + 4·10^18 at most.
	const most, mostDen, mostDecimals = 100_000_000_000_000, 4_000_000_000_000_000_000, 4
	if 0 <= r.Num && r.Num <= most && 0 < r.Den && r.Den <= mostDen && decimals <= mostDecimals {
		num := r.Num
		for range decimals {
			num *= 10
		}
		return big.NewInt((2*num + r.Den) / r.Den / 2)
	}
	num := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	num.Mul(num, big.NewInt(r.Num))
	den := big.NewInt(r.Den)
	negative := num.Sign()*den.Sign() < 0
	num.Abs(num)
	den.Abs(den)
	num.Add(num.Lsh(num, 1), den)
	num.Quo(num, den.Lsh(den, 1))
	if negative {
		num.Neg(num)
	}
	return num
}

// Float is the nearest float64, for metrics; false when there is no value.
func (r Ratio) Float() (float64, bool) {
	if !r.Defined() {
		return 0, false
	}
	return float64(r.Num) / float64(r.Den), true
}
