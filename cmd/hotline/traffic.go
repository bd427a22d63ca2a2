package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/config"
)

func trafficCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "traffic", Short: "Traffic figures"}
	cmd.AddCommand(todayCommand(load), dayCommand(load), verifyCommand(load), scenarioCommand(load), importYearsCommand(load), definitionsCommand(load))
	return cmd
}

func todayCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "today",
		Short:   "Print today's 话务服务 table from Redis",
		Example: "  hotline traffic today --lang en",
	}
	printing(cmd, load, func() string { return "" })
	return cmd
}

func dayCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "day",
		Short:   "Print a day's 话务服务 table from Redis",
		Example: "  hotline traffic day --day 2026-01-31",
	}
	day := dayFlag(cmd)
	printing(cmd, load, func() string { return *day })
	return cmd
}

func dayFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("day", "", "the day, as in 2026-01-31; today when left out")
}

// dayOf reads a day as it is given to --day.
func dayOf(written string, cfg *config.Config) (calendar.Day, error) {
	if written == "" {
		return calendar.DayOf(time.Now(), cfg.Location), nil
	}
	return calendar.ParseDay(written)
}

// printing lets cmd print the table of the day that is written.
func printing(cmd *cobra.Command, load loader, written func() string) {
	format := oneOf(cmd.Flags(), "format", "table, csv or json", "table", "csv", "json")
	lang := oneOf(cmd.Flags(), "lang", "zh or en", "zh", "en")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		day, err := dayOf(written(), cfg)
		if err != nil {
			return fmt.Errorf("--day: %w", err)
		}
		figures, err := app.Traffic(cmd.Context(), cfg, day)
		if err != nil {
			return err
		}
		return app.WriteDay(cmd.OutOrStdout(), *format, *lang, figures)
	}
}

func verifyCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recount a day's call records and compare every counter",
		Long: `Recount the records of a day's calls and of agents' time, compare every counter of
the day and its quarter-hours, and what the day was closed with. The exit status is
1 when something differs, or when there are no data. Of an archived day the records are in a file, in the
folder that --archive names; its checksum is compared as well.

With --month or --year the counters of the period are compared with the sum of its
days or months; for that no records are needed. They consist of closed days: how many
there are, how many are open still and how many have no data is told.`,
		Example: `  hotline traffic verify --day 2026-01-31
  hotline traffic verify --day 2026-01-31 --archive /srv/hotline/archive
  hotline traffic verify --month 2026-01`,
	}
	written := dayFlag(cmd)
	month := cmd.Flags().String("month", "", "compare a month with its closed days instead, as in 2026-01")
	year := cmd.Flags().Int("year", 0, "compare a year with its months instead, as in 2026")
	archive := cmd.Flags().String("archive", "", "folder of the archives; for a day that is archived")
	cmd.MarkFlagsMutuallyExclusive("day", "month", "year")
	cmd.MarkFlagsMutuallyExclusive("archive", "month", "year")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		found, err := verified(cmd, cfg, *written, *archive, *month, *year)
		if err != nil {
			return err
		}
		if err := tellNotCompared(cmd, cfg, found.Period); err != nil {
			return err
		}
		return tellVerified(cmd.OutOrStdout(), *asJSON, found)
	}
	return cmd
}

// tellNotCompared says what was not compared of a day; longer periods have no such.
func tellNotCompared(cmd *cobra.Command, cfg *config.Config, period string) error {
	day, err := calendar.ParseDay(period)
	if err != nil {
		return nil
	}
	left, err := app.NotCompared(cmd.Context(), cfg, day)
	if left != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), left)
	}
	return err
}

// verification is what verify prints.
type verification struct {
	Period      string        `json:"period"`
	Days        *app.Coverage `json:"days,omitempty"` // of a month or year
	Differences []string      `json:"differences"`
}

// verified verifies the period that the flags name.
func verified(cmd *cobra.Command, cfg *config.Config, day, archive, month string, year int) (verification, error) {
	ctx := cmd.Context()
	var m calendar.Month
	switch {
	case cmd.Flags().Changed("month"):
		var err error
		if m, err = calendar.ParseMonth(month); err != nil {
			return verification{}, fmt.Errorf("--month: %w", err)
		}
	case cmd.Flags().Changed("year"):
		if year < 1970 || year > 9999 {
			return verification{}, fmt.Errorf("--year: %d is not a year: write it with four digits, for example 2026", year)
		}
		month = fmt.Sprint(year)
	default:
		d, err := dayOf(day, cfg)
		if err != nil {
			return verification{}, fmt.Errorf("--day: %w", err)
		}
		differences, err := app.Verify(ctx, cfg, d, archive)
		return verification{Period: d.String(), Differences: differences}, err
	}
	found, err := app.VerifyPeriod(ctx, cfg, m, year)
	return verification{month, &found.Days, found.Differences}, err
}

// tellVerified prints what was found; differences are an error.
func tellVerified(out io.Writer, asJSON bool, v verification) error {
	if v.Differences == nil {
		v.Differences = []string{}
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(v); err != nil {
			return err
		}
	} else {
		for _, d := range v.Differences {
			fmt.Fprintln(out, d)
		}
		covered := ""
		if v.Days != nil {
			covered = v.Days.String() + "; "
		}
		fmt.Fprintf(out, "%s: %s%s\n", v.Period, covered, app.Count(len(v.Differences), "difference"))
	}
	if len(v.Differences) > 0 {
		return errFound
	}
	return nil
}

func scenarioCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scenario",
		Short: "Write a day's calls as a scenario that hotline simulate plays",
		Long: `Write a day's calls, from the call records in Redis, as a scenario that hotline
simulate and hotline staffing --scenario play: scenario.yaml, and a file of arrival
times for each number that was dialled.

Measured are arrivals without redials, redials, patience (Kaplan-Meier, with answered
calls as those whose callers would have waited longer), talks, the time until agents
lift, offers that they do not take, and the length of greetings. The routing is the
configuration file, which the scenario names. Logins and breaks are not in the call
records: who was at work is inferred from who was offered calls and who was passed
over. What is assumed is marked in the file. Callers' numbers are not written.`,
		Example: `  hotline traffic scenario --day 2026-01-31 --out saturday
  hotline simulate --scenario saturday/scenario.yaml --runs 10`,
	}
	written := dayFlag(cmd)
	out := cmd.Flags().String("out", "", "the folder for the files; it is made if need be")
	_ = cmd.MarkFlagRequired("out") // it exists
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		day, err := dayOf(*written, cfg)
		if err != nil {
			return fmt.Errorf("--day: %w", err)
		}
		done, err := app.WriteScenario(cmd.Context(), cfg, day, *out)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %d of them redials, %d answered, %d given up, by %s; play them with\n  hotline simulate --scenario %s\n",
			day, app.Count(done.Calls, "call"), done.Redials, done.Answered, done.GaveUp, app.Count(done.Agents, "agent"), done.File)
		return nil
	}
	return cmd
}
