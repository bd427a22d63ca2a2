package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"hotline/internal/bulletin"
	"hotline/internal/bulletin/bulletintest"
	"hotline/internal/calendar"
	"hotline/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A terminal's locale does not decide how wide an arrow is here.
func TestMain(m *testing.M) {
	flag.Parse()
	runewidth.DefaultCondition.EastAsianWidth = false
	os.Exit(m.Run())
}

// The reports that are kept as golden files. The year and the last month go on.
var (
	aDay   = bulletin.Day(calendar.NewDay(2026, time.January, 31))
	aMonth = bulletin.Month(calendar.Month{Year: 2026, Month: time.January})
	aYear  = bulletin.Year(2026)
	readAt = time.Date(2026, time.February, 1, 0, 30, 0, 0, bulletintest.Shanghai)
	golden = []struct {
		name   string
		period bulletin.Period
		at     time.Time
	}{
		{"daily", aDay, readAt}, {"monthly", aMonth, readAt}, {"annual", aYear, time.Date(2027, time.January, 1, 0, 30, 0, 0, bulletintest.Shanghai)},
		{"goes-on", aDay, time.Date(2026, time.January, 31, 15, 20, 0, 0, bulletintest.Shanghai)},
	}
)

func assemble(t testing.TB, in bulletin.Input) *bulletin.Report {
	t.Helper()
	r, err := bulletin.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t testing.TB, format, lang string, r *bulletin.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteBulletin(&out, format, lang, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Every format of the daily bulletin, and most of the other reports, byte by byte. Rewrite the files with -update, and
// look at what changed.
func TestBulletinsAreTheGoldenFiles(t *testing.T) {
	for _, g := range golden {
		r := assemble(t, bulletintest.Input(g.period, g.at))
		for _, format := range report.BulletinFormats {
			for _, lang := range []string{"zh", "en"} {
				if g.name != "daily" && (lang == "en" || format == "json") {
					continue // would only be large
				}
				if format == "json" && lang == "en" {
					continue // the same
				}
				name := filepath.Join("testdata", g.name+"."+lang+"."+map[bool]string{true: "txt", false: format}[format == "table"])
				got := written(t, format, lang, r)
				if *update {
					if err := os.WriteFile(name, got, 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				want, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s differs; run the test with -update and look at the difference", name)
				}
			}
		}
	}
}
