package report

import (
	"encoding/json"
	"io"
	"strings"

	"hotline/internal/traffic"
)

var chineseUnits = map[string]string{"calls": "通", "offers": "次", "s": "秒"}

// unitIn is the unit of a definition in a language.
func unitIn(lang, unit string) string {
	if zh, known := chineseUnits[unit]; known && lang == "zh" {
		return zh
	}
	return unit
}

// WriteDefinitions prints what every figure means, as table, csv or json. Names and units in
// the table and the CSV are in the language; JSON has both.
func WriteDefinitions(w io.Writer, format, lang string, definitions *traffic.Definitions) error {
	if _, known := texts[lang]; !known {
		return unknownLanguage(lang)
	}
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(definitions.List())
	}
	head := map[string][]string{
		"zh": {"指标", "名称", "单位", "口径", "来源"},
		"en": {"key", "name", "unit", "formula", "source"},
	}[lang]
	rows := [][]string{head}
	for _, d := range definitions.List() {
		name := d.ZH
		if lang == "en" {
			name = d.EN
		}
		rows = append(rows, []string{string(d.Key), name, unitIn(lang, d.Unit), d.Formula, d.Source})
	}
	switch format {
	case "table":
		var b strings.Builder
		leftGrid(&b, rows)
		_, err := io.WriteString(w, b.String())
		return err
	case "csv":
		return writeCSV(w, rows)
	}
	return unknownFormat(format)
}
