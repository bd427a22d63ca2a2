package report

import (
	"encoding/csv"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"hotline/internal/bulletin"
)

// BulletinFormats are those of WriteBulletin.
var BulletinFormats = []string{"table", "html", "xlsx", "csv", "json"}

// WriteBulletin writes a report in one of BulletinFormats, in zh or en. JSON has the
// same keys in either language. A PDF is printed from the HTML by PrintPDF.
func WriteBulletin(w io.Writer, format, lang string, r *bulletin.Report) error {
	if _, known := texts[lang]; !known {
		return unknownLanguage(lang)
	}
	document := r.Document(lang)
	switch format {
	case "table":
		return bulletinTable(w, document)
	case "html":
		return bulletinHTML(w, document)
	case "xlsx":
		return bulletinXLSX(w, document)
	case "csv":
		return bulletinCSV(w, document)
	}
	// An encoder would copy and check a year's megabyte once more.
	text, err := r.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// bulletinTable prints a report for a terminal, long tables left out.
func bulletinTable(w io.Writer, d bulletin.Document) error {
	var b strings.Builder
	if d.Office != "" {
		b.WriteString(d.Office + "\n")
	}
	b.WriteString(d.Title + "  " + d.Period + "\n" + d.State + "\n\n" + d.Summary + "\n")
	for _, section := range d.Sections {
		var tables []bulletin.Table
		for _, t := range section.Tables {
			if !t.Data {
				tables = append(tables, t)
			}
		}
		if len(tables) == 0 && len(section.Sentences) == 0 {
			continue
		}
		b.WriteString("\n" + section.Title + "\n")
		for _, sentence := range section.Sentences {
			b.WriteString(sentence + "\n")
		}
		for i, t := range tables {
			if i > 0 {
				b.WriteByte('\n')
			}
			bulletinGrid(&b, t)
		}
	}
	b.WriteString("\n" + d.NotesOn + "\n" + strings.Join(d.Notes, "\n") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// bulletinGrid aligns words to the left and numbers to the right, under heads of as
// many lines as they need to be no wider than the numbers.
func bulletinGrid(b *strings.Builder, t bulletin.Table) {
	heads, widths := make([][]string, len(t.Columns)), make([]int, len(t.Columns))
	tall := 0
	for i, c := range t.Columns {
		for _, row := range t.Rows {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i].Full()))
		}
		heads[i] = headLines(c.Head, widths[i])
		tall = max(tall, len(heads[i]))
		for _, line := range heads[i] {
			widths[i] = max(widths[i], runewidth.StringWidth(line))
		}
	}
	write := func(text func(column int) string) {
		line := ""
		for i, c := range t.Columns {
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(text(i)))
			if c.Words {
				line += text(i) + pad + "  "
			} else {
				line += pad + text(i) + "  "
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for n := range tall {
		write(func(i int) string {
			if at := n - tall + len(heads[i]); at >= 0 {
				return heads[i][at]
			}
			return ""
		})
	}
	for _, row := range t.Rows {
		write(func(i int) string { return row[i].Full() })
	}
}

// headLines breaks a head at blanks and before brackets.
func headLines(head string, width int) []string {
	lines := []string{""}
	for piece := range strings.FieldsSeq(strings.ReplaceAll(head, "（", " （")) {
		last := &lines[len(lines)-1]
		longer := *last + " " + piece
		if *last == "" || strings.HasPrefix(piece, "（") {
			longer = *last + piece
		}
		if *last != "" && runewidth.StringWidth(longer) > width {
			lines = append(lines, piece)
			continue
		}
		*last = longer
	}
	return lines
}

// bulletinCSV writes every table of a report, an empty line between two: the first
// is 话务服务. Each has one head row; changes have columns of their own. Numbers are
// as published, without units, changes negative for less; what is not known is empty.
func bulletinCSV(w io.Writer, d bulletin.Document) error {
	first := true
	for _, section := range d.Sections {
		for _, t := range section.Tables {
			if !first {
				if _, err := io.WriteString(w, "\n"); err != nil {
					return err
				}
			}
			first = false
			out := csv.NewWriter(w)
			_ = out.WriteAll(apart(t)) // Error tells
			if err := out.Error(); err != nil {
				return err
			}
		}
	}
	return nil
}

// apart is a table with its head, changes in columns of their own.
func apart(t bulletin.Table) [][]string {
	rows := make([][]string, 1+len(t.Rows))
	for i, c := range t.Columns {
		rows[0] = append(rows[0], c.Head)
		if c.Change != "" {
			rows[0] = append(rows[0], c.Change)
		}
		for j, row := range t.Rows {
			text := row[i].Published()
			if c.Words {
				text = row[i].Text
			}
			rows[1+j] = append(rows[1+j], text)
			if c.Change == "" {
				continue
			}
			text = ""
			if row[i].Change != nil {
				text = row[i].Change.Published()
			}
			rows[1+j] = append(rows[1+j], text)
		}
	}
	return rows
}
