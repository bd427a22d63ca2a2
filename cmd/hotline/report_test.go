package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotline/internal/config"
	"hotline/internal/redisstore/redistest"
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

// Office and Chromium are those of the configuration unless flags name others.
func TestReportGoesByTheConfiguration(t *testing.T) {
	redis := redistest.Start(t)
	fill(t, storeOf(t, redis.Address), abandonedCalls(5))
	report := func(flags string) (string, error) {
		cmd := program(func() (*config.Config, error) {
			cfg, err := configOf(redis.Address)
			if err == nil {
				cfg.Reports = config.Reports{Office: "示例市12345", Chromium: "/nowhere/chromium"}
			}
			return cfg, err
		})
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(strings.Fields("report daily --day 2026-11-24 " + flags))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if text, err := report("--format html"); err != nil || !strings.Contains(text, "示例市12345") {
		t.Errorf("without --office: %v", err)
	}
	if text, err := report("--format html --office 另一市"); err != nil || strings.Contains(text, "示例市12345") || !strings.Contains(text, "另一市") {
		t.Errorf("with --office: %v", err)
	}
	for flags, want := range map[string]string{
		"": "reports.chromium: there is no program /nowhere/chromium", "--chromium /no/other": "--chromium: there is no program /no/other",
	} {
		if _, err := report("--format pdf --out " + filepath.Join(t.TempDir(), "x.pdf") + " " + flags); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", flags, err)
		}
	}
}
