package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/app"
	"hotline/internal/bulletin"
	"hotline/internal/calendar"
)

// reportGC lets garbage grow to five times the live memory, some tens of megabytes, of
// a program that ends at once: collecting it more often would take a quarter of the time.
const reportGC = 400

func reportCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Reports of a day, a month or a year, to be published",
		Long: `Reports of a day, a month or a year, to be published: the 话务服务 table with
year-on-year, comparisons, service levels, the lowest connect rate over any 24
hours, peaks, charts, queues, agents, callbacks and overflow.

Changes are computed from the published, rounded values; docs/reports.md says how
each figure is defined.`,
	}
	cmd.AddCommand(
		reportOf(load, "daily", "The daily bulletin (每日情况快报)", "day", "2026-01-31", func(text string) (bulletin.Period, error) {
			day, err := calendar.ParseDay(text)
			return bulletin.Day(day), err
		}),
		reportOf(load, "monthly", "The monthly report (话务月报)", "month", "2026-01", func(text string) (bulletin.Period, error) {
			month, err := calendar.ParseMonth(text)
			return bulletin.Month(month), err
		}),
		reportOf(load, "annual", "The annual report (话务年报)", "year", "2026", func(text string) (bulletin.Period, error) {
			year, err := time.Parse("2006", text)
			if err != nil {
				return bulletin.Period{}, fmt.Errorf("%q is not a year: write it with four digits, for example 2026", text)
			}
			return bulletin.Year(year.Year()), nil
		}),
	)
	return cmd
}

// reportOf is the command for one kind of period, which the flag names.
func reportOf(load loader, use, short, flag, example string, parse func(string) (bulletin.Period, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long: short + `.

A period that is not over is reported as of now; its counts, summed times and
maxima are not set against those of whole periods. The exit status is 1 when there
are no data.
A PDF is printed by Chromium: apt-get install chromium fonts-noto-cjk`,
		Example: fmt.Sprintf("  hotline report %s --%s %s\n  hotline report %[1]s --%[2]s %[3]s --format pdf --office 连云港市12345 --out report.pdf --chromium /usr/bin/chromium", use, flag, example),
	}
	flags := cmd.Flags()
	written := flags.String(flag, "", "the "+flag+", as in "+example)
	format := oneOf(flags, "format", "table, html, xlsx, csv, json or pdf", "table", "html", "xlsx", "csv", "json", "pdf")
	lang := oneOf(flags, "lang", "zh or en", "zh", "en")
	out := flags.String("out", "", "file to write; left out: standard output")
	office := flags.String("office", "", "the office that publishes the report, for its head; left out: reports.office of the configuration")
	chromium := flags.String("chromium", "", "the Chromium that prints a PDF; left out: reports.chromium of the configuration, or chromium, chromium-browser or google-chrome on the PATH")
	if err := cmd.MarkFlagRequired(flag); err != nil {
		panic(err) // there is such a flag
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		period, err := parse(*written)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		if *out == "" && (*format == "xlsx" || *format == "pdf") && isTerminal(cmd.OutOrStdout()) {
			return fmt.Errorf("%s is nothing for a terminal; name a file with --out", *format)
		}
		if *out != "" { // before figures are read and a PDF is printed
			if err := app.CheckNewFile("--out: ", *out); err != nil {
				return err
			}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		named := "--chromium"
		if *chromium == "" && cfg.Reports.Chromium != "" {
			*chromium, named = cfg.Reports.Chromium, app.ChromiumSetting
		}
		if *format == "pdf" {
			if err := app.CheckBrowser(*chromium, named); err != nil {
				return err
			}
		}
		debug.SetGCPercent(reportGC)
		r, err := app.Bulletin(cmd.Context(), cfg, period, cmp.Or(*office, cfg.Reports.Office), time.Now())
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := app.WriteBulletin(cmd.Context(), &text, *format, *lang, *chromium, r); err != nil {
			return err
		}
		if *out == "" {
			_, err = cmd.OutOrStdout().Write(text.Bytes())
			return err
		}
		return app.NotWritten("--out: ", *out, replaceFile(*out, text.Bytes()))
	}
	return cmd
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// replaceFile writes a file as a whole or not at all: who publishes it by a link never
// serves half of one. A link stays, and the file that it leads to is replaced.
func replaceFile(name string, text []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
