package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/config"
)

func trafficCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "traffic", Short: "Traffic figures"}
	cmd.AddCommand(todayCommand(load), dayCommand(load), verifyCommand(load), scenarioCommand(load), importYearsCommand(load), definitionsCommand(load))
	return group(cmd)
}

func todayCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "today",
		Short: "Print today's 话务服务 table from Redis",
		Args:  cobra.NoArgs,
	}
	printing(cmd, load, func() string { return "" })
	return cmd
}

func dayCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "day",
		Short: "Print a day's 话务服务 table from Redis",
		Args:  cobra.NoArgs,
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
	format := cmd.Flags().String("format", "table", "table, csv or json")
	lang := cmd.Flags().String("lang", "zh", "zh or en")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		day, err := dayOf(written(), cfg)
		if err != nil {
			return err
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
1 when something differs. Of an archived day the records are in a file, in the
folder that --archive names; its checksum is compared as well.

With --month or --year the counters of the period are compared with the sum of its
days or months; for that no records are needed.`,
		Args: cobra.NoArgs,
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
		period, differences, err := verified(cmd, cfg, *written, *archive, *month, *year)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			if err := json.NewEncoder(out).Encode(map[string]any{"period": period, "differences": differences}); err != nil {
				return err
			}
		} else {
			for _, d := range differences {
				fmt.Fprintln(out, d)
			}
			fmt.Fprintf(out, "%s: %d differences\n", period, len(differences))
		}
		if err := tellNotCompared(cmd, cfg, period); err != nil {
			return err
		}
		if len(differences) > 0 {
			return errFound
		}
		return nil
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

// verified verifies the period that the flags name.
func verified(cmd *cobra.Command, cfg *config.Config, day, archive, month string, year int) (string, []string, error) {
	ctx := cmd.Context()
	switch {
	case month != "":
		m, err := calendar.ParseMonth(month)
		if err != nil {
			return "", nil, err
		}
		differences, err := app.VerifyPeriod(ctx, cfg, m, 0)
		return m.String(), differences, err
	case cmd.Flags().Changed("year"):
		if year < 1970 || year > 9999 {
			return "", nil, fmt.Errorf("--year is %d; write a year, as in 2026", year)
		}
		differences, err := app.VerifyPeriod(ctx, cfg, calendar.Month{}, year)
		return fmt.Sprint(year), differences, err
	}
	d, err := dayOf(day, cfg)
	if err != nil {
		return "", nil, err
	}
	differences, err := app.Verify(ctx, cfg, d, archive)
	return d.String(), differences, err
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
		Args: cobra.NoArgs,
	}
	written := dayFlag(cmd)
	out := cmd.Flags().String("out", "", "the folder for the files; it is made if need be")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *out == "" {
			return errors.New("there is no folder for the files; write one, as in --out saturday")
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		day, err := dayOf(*written, cfg)
		if err != nil {
			return err
		}
		done, err := app.WriteScenario(cmd.Context(), cfg, day, *out)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d calls, %d of them redials, %d answered, %d given up, by %d agents; play them with\n  hotline simulate --scenario %s\n",
			day, done.Calls, done.Redials, done.Answered, done.GaveUp, done.Agents, done.File)
		return nil
	}
	return cmd
}
