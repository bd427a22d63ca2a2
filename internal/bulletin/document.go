package bulletin

import (
	"time"

	"hotline/internal/traffic"
)

// Document is a report in one language, in the order in which it is read. Writers
// need to know nothing of its contents.
type Document struct {
	Lang     string // zh or en, as in HTML
	Kind     Kind
	Office   string
	Title    string
	Period   string
	State    string // as of when, and whether the period goes on
	Foot     string // of each page: when it was made, and how final it is
	ReadAt   time.Time
	Summary  string
	Sections []Section
	NotesOn  string // title of the notes
	Notes    []string
}

// Section has a title and, in this order, sentences, charts and tables.
type Section struct {
	Title     string
	Sentences []string
	Charts    []Chart
	Tables    []Table
}

// Table is a table with one head row.
type Table struct {
	Key     string // stable name; also that of the sheet in a workbook
	Title   string // what the table is called in its section; empty when it is the only one
	Sheet   string // name for people
	Columns []Column
	Rows    [][]Cell
	Heat    bool // numbers from the second column on are shaded by size
	// Data is set for a long table that belongs where a machine reads or a person
	// scrolls, not on paper.
	Data bool
}

// Column is a column's head, with the unit.
type Column struct {
	Head string
	// Change is the head of the change of each cell; empty when they have none.
	Change string
	Words  bool // text, to the left
}

// Format is how a cell's number is published.
type Format int

// The formats.
const (
	Words   Format = iota // no number
	Number                // with Decimals
	Percent               // in per cent, with Decimals
	Changed               // a traffic.Change
)

// Cell is one value.
type Cell struct {
	Text     string // as it is published
	Format   Format
	Value    traffic.Ratio // exact; not defined where there is no number
	Decimals int
	Change   *Cell // against an earlier period
}

// Published is the cell's number as it is published, without a unit; empty when there is none.
func (c Cell) Published() string {
	if c.Format == Words || !c.Value.Defined() {
		return ""
	}
	return c.Value.Round(c.Decimals)
}

// Full is the cell's text with its change in brackets, as the city prints it.
func (c Cell) Full() string {
	if c.Change == nil || c.Text == traffic.None {
		return c.Text
	}
	return c.Text + " (" + c.Change.Text + ")"
}

// Chart draws columns of a table over its rows.
type Chart struct {
	Title   string
	Alt     string   // for who does not see it
	Unit    string   // of the values
	Across  string   // unit of the labels
	Labels  []string // of the whole period, short; the first are those of the rows
	Table   string   // its key
	Columns []int
	Line    bool // else bars side by side
}

// Table finds a table by its key; nil when the document has none of that name.
func (d *Document) Table(key string) *Table {
	for i := range d.Sections {
		for j := range d.Sections[i].Tables {
			if t := &d.Sections[i].Tables[j]; t.Key == key {
				return t
			}
		}
	}
	return nil
}

func words(text string) Cell { return Cell{Text: text} }

func count(n int64) Cell { return ratio(traffic.Ratio{Num: n, Den: 1}, 0) }

func ratio(value traffic.Ratio, decimals int) Cell {
	return Cell{Text: value.Round(decimals), Format: Number, Value: value, Decimals: decimals}
}

func percent(value traffic.Ratio, decimals int) Cell {
	c := Cell{Text: value.Round(decimals), Format: Percent, Value: value, Decimals: decimals}
	if value.Defined() {
		c.Text += "%"
	}
	return c
}

// figure is a cell of a figure by its definition.
func figure(d traffic.Definition, value traffic.Ratio) Cell {
	if d.Unit == "%" {
		return percent(value, d.Decimals)
	}
	return ratio(value, d.Decimals)
}

func (l language) change(c traffic.Change) Cell {
	return Cell{Text: c.Text(l.t("持平", "unchanged")), Format: Changed, Value: c.Ratio, Decimals: 2}
}
