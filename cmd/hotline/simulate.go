package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"hotline/internal/report"
	"hotline/internal/scenario"
	"hotline/internal/sim"
)

const (
	// comparedRuns is how many runs a comparison makes when --runs is left out.
	comparedRuns = 10
	mostRuns     = 10_000
	// simulationGC lets garbage grow to twice the live memory, which is small:
	// to collect it more often takes time, and less often saves none.
	simulationGC = 200
)

func simulateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the call engine in virtual time: waits, service levels and occupancy of a scenario",
		Long: "Run the call engine in virtual time: waits, service levels and occupancy of a scenario.\n" +
			"Shipped scenarios: " + strings.Join(scenario.Names(), ", ") + ".",
		Example: `  hotline simulate --scenario day --runs 10
  hotline simulate --scenario storm --variants
  hotline simulate --scenario day --compare saturday/scenario.yaml`,
	}
	flags := cmd.Flags()
	name := flags.String("scenario", "day", "scenario file, or the name of a shipped one")
	other := flags.String("compare", "", "another scenario, with the same random numbers, to compare with")
	variants := flags.Bool("variants", false, "compare the scenario with all its variants")
	seed := flags.Uint64("seed", 1, "seed of the first run; each further run has the next one")
	runs := flags.Int("runs", 0, fmt.Sprintf("independent runs; left out: 1, or %d to compare", comparedRuns))
	format := oneOf(flags, "format", "table, csv or json", "table", "csv", "json")
	lang := oneOf(flags, "lang", "zh or en", "zh", "en")
	by := oneOf(flags, "by", "rows by interval, hour, day, month or none; left out: hour, day or month by the length of the scenario",
		"", "interval", "hour", "day", "month", "none")
	levels := levelFlags(flags)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		n := *runs
		if n == 0 && !cmd.Flags().Changed("runs") {
			n = 1
			if *other != "" || *variants {
				n = comparedRuns
			}
		}
		if n < 1 || n > mostRuns {
			return fmt.Errorf("--runs: %d is out of range; write 1 to %d", n, mostRuns)
		}
		first, others, err := whatToSimulate(*name, *other, *variants)
		if err != nil {
			return err
		}
		opt := sim.Options{Seed: *seed, By: sim.By(*by)}
		if opt.Definitions, err = levels.Define(first.Traffic); err != nil {
			return err
		}
		if *by == "" {
			opt.By = defaultBy(first.Days)
		}
		debug.SetGCPercent(simulationGC)
		out := report.Simulation{Title: titleOf(first)}
		if out.Runs, err = sim.Replicate(cmd.Context(), first, opt, n); err != nil {
			return err
		}
		for _, s := range others {
			results, err := sim.Replicate(cmd.Context(), s, opt, n)
			if err != nil {
				return err
			}
			out.Others = append(out.Others, report.Compared{Title: titleOf(s), Runs: results})
		}
		return report.WriteSimulation(cmd.OutOrStdout(), *format, *lang, out)
	}
	return cmd
}

// whatToSimulate reads a scenario and those with which it is compared.
func whatToSimulate(name, other string, variants bool) (*sim.Scenario, []*sim.Scenario, error) {
	if !variants {
		first, err := scenario.Load(name)
		if err != nil || other == "" {
			return first, nil, err
		}
		second, err := scenario.Load(other)
		return first, []*sim.Scenario{second}, err
	}
	if other != "" {
		return nil, nil, errors.New("--variants and --compare exclude each other; leave one of them out")
	}
	all, err := scenario.LoadVariants(name)
	if err != nil {
		if _, asVariant := scenario.Load(name); asVariant == nil {
			return nil, nil, fmt.Errorf("--variants: %s is a variant itself; write --scenario %s for all, or leave --variants out", name, name[:strings.LastIndexByte(name, ':')])
		}
		return nil, nil, err
	}
	if len(all) == 1 {
		return nil, nil, fmt.Errorf("--variants: %s has none; write its variants, or use --compare", name)
	}
	return all[0], all[1:], nil
}

func titleOf(s *sim.Scenario) string {
	if s.Title == "" {
		return s.Name
	}
	return s.Title
}

// defaultBy keeps the table to some dozens of rows.
func defaultBy(days int) sim.By {
	switch {
	case days <= 2:
		return sim.ByHour
	case days <= 62:
		return sim.ByDay
	}
	return sim.ByMonth
}
