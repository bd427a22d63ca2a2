package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"hotline/internal/report"
	"hotline/internal/traffic"
)

func day(counters traffic.Counters) report.Day {
	f := traffic.Standard().Compute(counters)
	return report.Day{Title: "2026-01-05", Site: f, Queues: []report.Queue{{Name: "general", Figures: f}}, JSON: map[string]any{"site": f}}
}

var busy = traffic.Counters{
	traffic.CountOffered: 1000, traffic.CountAnswered: 983, traffic.CountAbandoned: 17,
	traffic.SumWait: 983 * 6000, traffic.SumTalk: 983 * 216_000,
}

func write(t *testing.T, format, lang string, d report.Day) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteDay(&out, format, lang, d); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCSVHasTheCitysColumns(t *testing.T) {
	want := "话务类别,人工接听话务量(通),人工接通率(%),平均等待时长(秒),平均通话时长(秒),通话时长超10分钟占比(%)\n" +
		"接听,983,98.30,6,216,0.00\n呼出,0,—,—,—,—\n总计,983,—,—,216,0.00\n"
	if got := write(t, "csv", "zh", day(busy)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableIsAlignedAlsoInChinese(t *testing.T) {
	for _, lang := range []string{"zh", "en"} {
		lines := strings.Split(write(t, "table", lang, day(busy)), "\n")
		for i := 2; i <= 4; i++ {
			if a, b := runewidth.StringWidth(lines[1]), runewidth.StringWidth(lines[i]); a != b {
				t.Errorf("%s: line %d is %d wide, the head %d:\n%s", lang, i, b, a, strings.Join(lines, "\n"))
			}
		}
		if !strings.Contains(lines[2], "98.30") {
			t.Errorf("%s: no connect rate in %q", lang, lines[2])
		}
	}
}

func TestADayWithoutCallsPrintsDashes(t *testing.T) {
	if got := write(t, "csv", "en", day(nil)); !strings.Contains(got, "inbound,0,—,—,—,—\n") {
		t.Errorf("got %s", got)
	}
}

func TestUnknownFormatAndLanguage(t *testing.T) {
	if err := report.WriteDay(&bytes.Buffer{}, "docx", "zh", day(busy)); err == nil || !strings.Contains(err.Error(), "table, csv or json") {
		t.Errorf("format: %v", err)
	}
	if err := report.WriteDay(&bytes.Buffer{}, "csv", "fr", day(busy)); err == nil || !strings.Contains(err.Error(), "zh or en") {
		t.Errorf("language: %v", err)
	}
}

// In Chinese no unit is English, in the table of a day nor in the definitions.
func TestUnitsAreInTheLanguage(t *testing.T) {
	english := regexp.MustCompile(`\((s|calls|offers)\)`)
	for lang, want := range map[string]string{"zh": "振铃未接次数 (次)", "en": "ring, no answer (RONA) (offers)"} {
		table := write(t, "table", lang, day(busy))
		if !strings.Contains(table, want) || lang == "zh" && english.MatchString(table) {
			t.Errorf("%s:\n%s", lang, table)
		}
		for _, format := range []string{"table", "csv"} {
			var out bytes.Buffer
			if err := report.WriteDefinitions(&out, format, lang, traffic.Standard()); err != nil {
				t.Fatal(err)
			}
			words := regexp.MustCompile(`(,|  )(calls|offers)(,|  )`)
			if words.MatchString(out.String()) != (lang == "en") {
				t.Errorf("%s as %s:\n%s", lang, format, out.String())
			}
		}
	}
}
