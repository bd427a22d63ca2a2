package report

import (
	_ "embed" // the template and its style
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

	"hotline/internal/bulletin"
	"hotline/internal/traffic"
)

var (
	//go:embed bulletin.html
	bulletinPage string
	//go:embed bulletin.css
	bulletinStyle string
)

var bulletinTemplate = template.Must(template.New("bulletin").Funcs(template.FuncMap{
	"css":     func() template.CSS { return template.CSS(bulletinStyle) },
	"quoted":  quoted,
	"chart":   chart,
	"cell":    htmlCell,
	"head":    htmlHead,
	"class":   htmlClass,
	"printed": printed,
	"wide":    wide,
	"short":   func(t bulletin.Table) bool { return len(t.Rows) <= 15 }, // moves to the next page as a whole
	"rowhead": func(t bulletin.Table) bool { return t.Columns[0].Words },
}).Parse(bulletinPage))

// bulletinHTML writes a report as one page that needs nothing else: no script, no
// other file, no host. It is made to be printed on A4.
func bulletinHTML(w io.Writer, d bulletin.Document) error { return bulletinTemplate.Execute(w, d) }

// quoted is a string of the style. The template would take it for an address, and
// refuse one with a colon.
func quoted(text string) template.CSS {
	return template.CSS(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "<", `\3c `, "\n", " ").Replace(text) + `"`)
}

// printed reports whether a section has something for paper.
func printed(s bulletin.Section) bool {
	for _, t := range s.Tables {
		if !t.Data {
			return true
		}
	}
	return len(s.Sentences)+len(s.Charts) > 0
}

// htmlCell keeps the value and its change unbroken, with a possible break between.
func htmlCell(c bulletin.Cell) template.HTML {
	text := template.HTMLEscapeString(c.Text)
	if c.Change == nil || c.Text == traffic.None {
		return template.HTML(text)
	}
	return template.HTML(text + " <span>(" + template.HTMLEscapeString(c.Change.Text) + ")</span>")
}

// htmlHead keeps what stands in brackets at the end of a head, a unit or a date, in one line.
func htmlHead(text string) template.HTML {
	name, unit := splitHead(text)
	if unit == "" {
		return template.HTML(template.HTMLEscapeString(name))
	}
	gap := " "
	if !strings.HasPrefix(unit, "(") {
		gap = "<wbr>" // a full-width bracket has its own
	}
	return template.HTML(template.HTMLEscapeString(name) + gap + "<span>" + template.HTMLEscapeString(unit) + "</span>")
}

// splitHead parts a head from what stands in brackets at its end.
func splitHead(text string) (name, unit string) {
	at := max(strings.LastIndex(text, " ("), strings.LastIndex(text, "（"))
	if at < 0 {
		return text, ""
	}
	return text[:at], strings.TrimSpace(text[at:])
}

// wide reports whether the numbers of a map need smaller letters.
func wide(t bulletin.Table) bool {
	long := func(c bulletin.Cell) bool { return len(c.Published()) > 4 }
	return t.Heat && slices.ContainsFunc(t.Rows, func(row []bulletin.Cell) bool { return slices.ContainsFunc(row, long) })
}

// heatSteps are the shades above the lightest.
const heatSteps = 8

func htmlClass(t bulletin.Table, column int, c bulletin.Cell) template.HTMLAttr {
	switch {
	case t.Heat && column > 0:
		return template.HTMLAttr(` class="h` + strconv.Itoa(shade(t, c)) + `"`)
	case t.Columns[column].Words:
		return ` class="w"`
	}
	return ""
}

// shade is 0 for the lightest to heatSteps for the table's largest number.
func shade(t bulletin.Table, c bulletin.Cell) int {
	value, _ := c.Value.Float()
	most := 0.0
	for _, row := range t.Rows {
		for _, cell := range row[1:] {
			v, _ := cell.Value.Float()
			most = max(most, v)
		}
	}
	if most == 0 {
		return 0
	}
	return int(value / most * heatSteps)
}
