package report

import (
	"cmp"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/xuri/excelize/v2"

	"hotline/internal/bulletin"
	"hotline/internal/traffic"
)

// bulletinXLSX writes a workbook with a sheet for each table. Its numbers are
// numbers, as published; percentages and changes are fractions that Excel shows in
// per cent, a change in points as the city prints it.
func bulletinXLSX(w io.Writer, d bulletin.Document) error {
	book := &workbook{File: excelize.NewFile(), styles: map[string]int{}}
	defer func() { _ = book.Close() }()
	for _, section := range d.Sections {
		for _, t := range section.Tables {
			if err := cmp.Or(book.sheet(t), book.paper(d, t.Sheet, len(section.Charts) > 0 || len(apart(t)[0]) > longHead)); err != nil {
				return fmt.Errorf("sheet %s: %w", t.Sheet, err)
			}
		}
		for i, c := range section.Charts {
			if err := book.chart(*d.Table(c.Table), c, i); err != nil {
				return fmt.Errorf("chart %s: %w", c.Title, err)
			}
		}
	}
	if err := cmp.Or(book.about(d), book.properties(d), book.DeleteSheet("Sheet1")); err != nil {
		return err
	}
	book.SetActiveSheet(0)
	// Excelize adds the types of images in the order of a map.
	kinds := book.ContentTypes.Defaults
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].Extension < kinds[j].Extension })
	return book.Write(w)
}

type workbook struct {
	*excelize.File
	styles map[string]int
}

// style is that of a number format; the empty one is for words.
func (b *workbook) style(format string) (int, error) {
	if id, made := b.styles[format]; made {
		return id, nil
	}
	style := &excelize.Style{Alignment: &excelize.Alignment{Vertical: "center"}}
	for _, side := range []string{"left", "right", "top", "bottom"} { // a sheet's own lines are not printed
		style.Border = append(style.Border, excelize.Border{Type: side, Style: 1, Color: "8A8A8A"})
	}
	switch format {
	case "":
	case "unknown":
		style.Alignment.Horizontal = "center"
	case "head":
		family, err := b.GetDefaultFont()
		if err != nil {
			return 0, err
		}
		style.Font = &excelize.Font{Bold: true, Family: family, Size: 11}
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"ECECEC"}}
		style.Alignment = &excelize.Alignment{Horizontal: "center", Vertical: "center", WrapText: true}
	case "wrap":
		style.Alignment, style.Border = &excelize.Alignment{Vertical: "top", WrapText: true}, nil
	default:
		style.CustomNumFmt = &format
	}
	id, err := b.NewStyle(style)
	b.styles[format] = id
	return id, err
}

// sheet writes a table. Excelize's stream writer would do so with less memory, but in
// the order of a map: the same report would not give the same file.
func (b *workbook) sheet(t bulletin.Table) error {
	if _, err := b.NewSheet(t.Sheet); err != nil {
		return err
	}
	if err := b.head(t.Sheet, apart(t)); err != nil {
		return err
	}
	for i, row := range t.Rows {
		if err := b.row(t, i+2, row); err != nil {
			return err
		}
	}
	if !t.Heat {
		return nil
	}
	return b.SetConditionalFormat(t.Sheet, area(t), []excelize.ConditionalFormatOptions{
		{Type: "2_color_scale", Criteria: "=", MinType: "min", MaxType: "max", MinColor: "#F6F8FA", MaxColor: "#5C7FA8"},
	})
}

// head writes the first row, freezes it, repeats it on each page, and makes columns as wide as what they hold.
func (b *workbook) head(sheet string, table [][]string) error {
	style, err := b.style("head")
	if err != nil {
		return err
	}
	for i, text := range table[0] {
		width := 4
		for _, line := range headLines(text, 14) { // Excel breaks there too
			width = max(width, runewidth.StringWidth(line)+1) // bold
		}
		for _, row := range table[1:] {
			width = max(width, min(56, runewidth.StringWidth(row[i])))
		}
		column, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		err = cmp.Or(b.SetColWidth(sheet, column, column, float64(width)+2), b.SetCellStr(sheet, column+"1", text), b.SetCellStyle(sheet, column+"1", column+"1", style))
		if err != nil {
			return err
		}
	}
	return cmp.Or(
		b.SetRowHeight(sheet, 1, 48),
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + sheet + "'!$1:$1", Scope: sheet}),
		b.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}),
	)
}

// area is the table without its head and first column.
func area(t bulletin.Table) string {
	last, _ := excelize.CoordinatesToCellName(len(t.Columns), len(t.Rows)+1) // in range by far
	return "B2:" + last
}

func (b *workbook) row(t bulletin.Table, number int, row []bulletin.Cell) error {
	column := 0
	add := func(c *bulletin.Cell) error {
		column++
		value, format := excelValue(c)
		style, err := b.style(format)
		if err != nil {
			return err
		}
		name, err := excelize.CoordinatesToCellName(column, number)
		if err != nil {
			return err
		}
		if err := b.SetCellValue(t.Sheet, name, value); err != nil {
			return err
		}
		return b.SetCellStyle(t.Sheet, name, name, style)
	}
	for i := range row {
		if err := add(&row[i]); err != nil {
			return err
		}
		if t.Columns[i].Change != "" {
			if err := add(row[i].Change); err != nil {
				return err
			}
		}
	}
	return nil
}

// excelValue is what a cell holds and how it is shown. What is not known is left
// empty, so that Excel's own sums and means skip it.
func excelValue(c *bulletin.Cell) (value any, format string) {
	switch {
	case c == nil || c.Text == traffic.None:
		return nil, "unknown"
	case c.Format == bulletin.Words:
		return c.Text, ""
	}
	published := c.Value.Rounded(c.Decimals)
	if c.Format != bulletin.Number {
		published.Den *= 100
	}
	number, _ := published.Float()
	zeros := ""
	if c.Decimals > 0 {
		zeros = "." + "00000000"[:c.Decimals]
	}
	switch c.Format {
	case bulletin.Percent:
		return number, "0" + zeros + "%"
	case bulletin.Changed:
		return number, `"↑"0` + zeros + `%;"↓"0` + zeros + `%;0` + zeros + "%"
	}
	return number, "0" + zeros
}

// chart puts a native chart beside its table, the i-th below those before.
func (b *workbook) chart(t bulletin.Table, c bulletin.Chart, i int) error {
	kind := excelize.Col
	if c.Line {
		kind = excelize.Line
	}
	reference := func(column int) string {
		name, _ := excelize.ColumnNumberToName(column + 1)
		return fmt.Sprintf("'%s'!$%s$2:$%s$%d", t.Sheet, name, name, len(t.Rows)+1)
	}
	var series []excelize.ChartSeries
	for j, column := range c.Columns {
		name, _ := excelize.CoordinatesToCellName(column+1, 1, true)
		s := excelize.ChartSeries{Name: "'" + t.Sheet + "'!" + name, Categories: reference(0), Values: reference(column)}
		dark := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2C4769"}}
		s.Line = excelize.LineOptions{Type: excelize.LineSolid, Width: 1, Fill: dark}
		s.Marker = excelize.ChartMarker{Symbol: "circle", Size: 5, Fill: dark}
		if s.Fill = dark; j == 0 && !c.Line {
			s.Fill.Color = []string{"D5DDE7"}
		}
		series = append(series, s)
	}
	text := func(text string, bold bool) excelize.ChartTitle {
		return excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: text, Font: &excelize.Font{Size: 10, Bold: bold}}}}
	}
	// A label takes some seven pixels a letter of the 540 that the rows share: where
	// there is no room it stands upright.
	upright := excelize.Alignment{}
	if 7*len(t.Rows[0][0].Text)*len(t.Rows) > 540 {
		upright.TextRotation = 90
	}
	zero, gap, vary, letters := 0.0, uint(40), false, excelize.Font{Size: 9, Color: "222222"}
	legend := excelize.ChartLegend{Position: "none"}
	if len(series) > 1 {
		legend.Position = "bottom"
	}
	at, _ := excelize.CoordinatesToCellName(len(t.Columns)+2, 1+15*i)
	return b.AddChart(t.Sheet, at, &excelize.Chart{
		Type: kind, Series: series, Title: text(c.Title, true), Legend: legend, ShowBlanksAs: "gap", GapWidth: &gap, VaryColors: &vary,
		XAxis:     excelize.ChartAxis{Title: text(t.Columns[0].Head, false), Font: letters, Alignment: upright},
		YAxis:     excelize.ChartAxis{Title: text(c.Unit, false), Font: letters, Minimum: &zero, MajorGridLines: true},
		Dimension: excelize.ChartDimension{Width: 620, Height: 290}, Format: excelize.GraphicOptions{AltText: c.Alt},
	})
}

// longHead is how many columns can still be read on a page that stands upright.
const longHead = 8

// paper sets a sheet up for A4: as wide as the page, which says what it belongs to.
func (b *workbook) paper(d bulletin.Document, sheet string, wide bool) error {
	orientation, a4, one, any, fit := "portrait", 9, 1, 0, true
	if wide {
		orientation = "landscape"
	}
	margin, top, edge, center := 0.5, 0.75, 0.3, true // inches
	pages := "第&P页，共&N页"
	if d.Lang == "en" {
		pages = "page &P of &N"
	}
	plain := strings.NewReplacer("&", "&&")
	return cmp.Or(
		b.SetPageLayout(sheet, &excelize.PageLayoutOptions{Size: &a4, Orientation: &orientation, FitToWidth: &one, FitToHeight: &any}),
		b.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		b.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{Left: &margin, Right: &margin, Top: &top, Bottom: &top, Header: &edge, Footer: &edge, Horizontally: &center}),
		b.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{
			OddHeader: "&C" + plain.Replace(d.Title+" "+d.Period) + " &A",
			OddFooter: "&L" + plain.Replace(d.Foot) + "&R" + pages,
		}),
	)
}

// properties are what a file manager shows.
func (b *workbook) properties(d bulletin.Document) error {
	at := d.ReadAt.UTC().Format(time.RFC3339)
	return b.SetDocProps(&excelize.DocProperties{
		Title: d.Title + " " + d.Period, Subject: d.Period, Creator: cmp.Or(d.Office, "hotline"), LastModifiedBy: cmp.Or(d.Office, "hotline"),
		Created: at, Modified: at, Language: d.Lang, Description: d.State,
	})
}

// about is the last sheet: what the report is of, and how its figures are defined.
func (b *workbook) about(d bulletin.Document) error {
	name := d.NotesOn
	if d.Lang == "en" {
		name = "About"
	}
	if _, err := b.NewSheet(name); err != nil {
		return err
	}
	wrap, err := b.style("wrap")
	if err != nil {
		return err
	}
	lines := append([]string{d.Office, d.Title, d.Period, d.State, d.Summary}, d.Notes...)
	for _, section := range d.Sections {
		lines = append(lines, section.Sentences...)
	}
	row := 0
	for _, line := range lines {
		if line == "" {
			continue
		}
		row++
		cell := fmt.Sprintf("A%d", row)
		if err := b.SetCellStr(name, cell, line); err != nil {
			return err
		}
		if err := b.SetCellStyle(name, cell, cell, wrap); err != nil {
			return err
		}
	}
	return cmp.Or(b.SetColWidth(name, "A", "A", 90), b.paper(d, name, false))
}
