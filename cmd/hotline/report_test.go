package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportSaysWhatIsWrong(t *testing.T) {
	for want, line := range map[string]string{
		`needs --day; write`:                        "report daily",
		`--day: "2026-02-29" is not a day`:          "report daily --day 2026-02-29",
		`--month: "2026-1" is not a month`:          "report monthly --month 2026-1",
		`--year: "26" is not a year`:                "report annual --year 26",
		`"docx" is not possible; write table, html`: "report annual --year 2026 --format docx",
		`"fr" is not possible; write zh or en`:      "report annual --year 2026 --lang fr",
		`has no flag --month`:                       "report daily --month 2026-01",
	} {
		_, err := run(strings.Fields(line)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

func TestReplaceFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.csv")
	for _, text := range []string{"first", "second"} {
		if err := replaceFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(name)); err != nil || len(files) != 1 {
		t.Errorf("%d files are there, %v", len(files), err)
	}
	if err := replaceFile("/nowhere/report.csv", nil); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
