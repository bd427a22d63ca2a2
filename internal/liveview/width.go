package liveview

import (
	"strings"
	"unicode"
)

// Width is the number of terminal columns that s takes: two for the wide
// characters of East Asian scripts, none for combining marks, one for others.
// Ambiguous ones count one, as terminals show them outside of legacy encodings.
func Width(s string) int {
	columns := 0
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo):
		// Katakana's half-width forms are the exception.
		if r >= 0xFF61 && r <= 0xFFDC {
			return 1
		}
		return 2
	case r >= 0x3000 && r <= 0x303E, // ideographic space and punctuation
		r >= 0xFF01 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, // full-width forms
		r >= 0x1F300 && r <= 0x1FAFF: // pictographs
		return 2
	}
	return 1
}

// Pad fills s with blanks up to so many columns.
func Pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-Width(s)))
}

// Cut shortens s to so many columns, ending with … where something was cut.
func Cut(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	used := 0
	for i, r := range s {
		if used+runeWidth(r) > columns-1 {
			return s[:i] + "…"
		}
		used += runeWidth(r)
	}
	return s
}
