package liveview

import "github.com/mattn/go-runewidth"

// columns counts ambiguous characters as one column, whatever the locale, as
// terminals show them outside of legacy encodings.
var columns = &runewidth.Condition{}

// Width is the number of terminal columns that s takes: two for the wide
// characters of East Asian scripts, none for combining marks, one for others.
func Width(s string) int { return columns.StringWidth(s) }

// Pad fills s with blanks up to so many columns.
func Pad(s string, width int) string { return columns.FillRight(s, width) }

// Cut shortens s to so many columns, ending with … where something was cut.
func Cut(s string, width int) string { return columns.Truncate(s, width, "…") }
