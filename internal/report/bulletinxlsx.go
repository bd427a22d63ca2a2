package report

import (
	"fmt"
	"io"
	"sort"

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
			if err := book.sheet(t); err != nil {
				return fmt.Errorf("sheet %s: %w", t.Sheet, err)
			}
		}
		for i, c := range section.Charts {
			if err := book.chart(*d.Table(c.Table), c, i); err != nil {
				return fmt.Errorf("chart %s: %w", c.Title, err)
			}
		}
	}
	if err := book.about(d); err != nil {
		return err
	}
	if err := book.DeleteSheet("Sheet1"); err != nil {
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
	switch format {
	case "":
	case "head":
		style.Font = &excelize.Font{Bold: true}
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"ECECEC"}}
		style.Alignment = &excelize.Alignment{Horizontal: "center", Vertical: "center", WrapText: true}
	case "wrap":
		style.Alignment = &excelize.Alignment{Vertical: "top", WrapText: true}
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

// head writes the first row, freezes it, and makes columns as wide as what they hold.
func (b *workbook) head(sheet string, table [][]string) error {
	style, err := b.style("head")
	if err != nil {
		return err
	}
	for i, text := range table[0] {
		width := min(18, max(8, runewidth.StringWidth(text))) // heads are wrapped
		for _, row := range table[1:] {
			width = max(width, min(56, runewidth.StringWidth(row[i])))
		}
		name, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := b.SetColWidth(sheet, name, name, float64(width)+2); err != nil {
			return err
		}
		if err := b.SetCellStr(sheet, name+"1", text); err != nil {
			return err
		}
		if err := b.SetCellStyle(sheet, name+"1", name+"1", style); err != nil {
			return err
		}
	}
	if err := b.SetRowHeight(sheet, 1, 36); err != nil {
		return err
	}
	return b.SetPanes(sheet, &excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"})
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
		if value == nil {
			return nil
		}
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
		return nil, ""
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
	fills := []string{"B9C7D8", "2C4769"}
	var series []excelize.ChartSeries
	for j, column := range c.Columns {
		name, _ := excelize.CoordinatesToCellName(column+1, 1, true)
		s := excelize.ChartSeries{Name: "'" + t.Sheet + "'!" + name, Categories: reference(0), Values: reference(column)}
		color := fills[j]
		if c.Line {
			color = fills[1]
			s.Line = excelize.LineOptions{Width: 2}
		}
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
		series = append(series, s)
	}
	at, _ := excelize.CoordinatesToCellName(len(t.Columns)+2, 2+18*i)
	return b.AddChart(t.Sheet, at, &excelize.Chart{
		Type: kind, Series: series, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.Title, Font: &excelize.Font{Size: 11, Bold: true}}}},
		Legend: excelize.ChartLegend{Position: "bottom"}, Dimension: excelize.ChartDimension{Width: 760, Height: 330},
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
	return b.SetColWidth(name, "A", "A", 110)
}
