package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hotline/internal/app"
)

func importYearsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Take over published figures of earlier months or years, for year-on-year",
		Long: `Take over published figures of months or years before hotline counted, so that
reports show year-on-year from the first day. The file is CSV; its first line is

` + app.YearsHead() + `

period is a year or a month (2022 or 2022-05), rates and shares are percentages,
means are seconds; — or nothing stands for a rate or mean of no calls. Each figure is
printed again to the digit as it was published. Every malformed line is told, and then nothing is imported.
A month and the whole of its year exclude each other, and no calls of the
period may have been counted here.`,
		Example: "  hotline traffic import years.csv",
	}
	replace := cmd.Flags().Bool("replace", false, "put the figures in the place of those imported before; the former ones are kept beside them")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		file, err := app.OpenFile("", args[0], "name a CSV file; hotline traffic import --help describes it")
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // only read
		rows, err := app.ImportYears(cmd.Context(), cfg, args[0], file, *replace)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "imported: %s\n", app.Count(len(rows), "period"))
		return nil
	}
	return cmd
}

func definitionsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "definitions",
		Short:   "Print what every figure means: formula, unit and source",
		Example: "  hotline traffic definitions --lang en",
	}
	format := oneOf(cmd.Flags(), "format", "table, csv or json", "table", "csv", "json")
	lang := oneOf(cmd.Flags(), "lang", "zh or en", "zh", "en")
	levels := levelFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadIfThere(cmd, load)
		if err != nil {
			return err
		}
		definitions, err := levels.Define(cfg.Traffic)
		if err != nil {
			return err
		}
		return app.WriteDefinitions(cmd.OutOrStdout(), *format, *lang, definitions)
	}
	return cmd
}
