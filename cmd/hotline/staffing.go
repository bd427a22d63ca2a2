package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotline/internal/app"
)

const staffingHelp = `Compute the smallest number of agents that meets every target, for one interval
(--calls), for each interval of a file (--demand) or of a scenario (--scenario),
and what callers and agents then meet.

Models
  erlang-a   waiting callers hang up after an exponential patience (--patience)
  erlang-c   nobody hangs up; it asks for more agents than erlang-a does

The patience is not the mean wait of those who abandoned. Estimate it as the time
that all callers waited, answered or not, divided by the number who abandoned.

Rounding
  agents     whole people at the phone (ready, talking or wrapping up); the
             smallest whole number that meets the targets, at least --min-agents
  scheduled  agents / (1 - shrinkage), rounded up: people on the roster, when the
             share --shrinkage of paid time goes to breaks, training and absence
With --calls and --demand each interval is planned as if its demand lasted: what
still waits from an overloaded interval is not carried into the next.

The file of --demand is CSV with one line for each interval, in order of time:
  start,calls,aht
  09:00,85,236
  09:15,92,
start is 09:00 or 2026-01-05 09:00; calls are those offered in the interval, whose
length is --interval; aht is the mean handling time in seconds, talk and wrap-up
together. The column aht, or a cell of it, may be left out; --talk plus --wrap-up
then counts.

Simulation (--scenario, a file or a shipped scenario of hotline simulate)
The production engine plays the scenario with its routing: skills, overflow,
patience, redials, ringing, wrap-up. What is searched is how many agents are at
the phone in each interval, instead of the scenario's shifts and their breaks; who
still waits is carried into the next interval. Erlang A's answer for the same calls
stands beside.
  who        with n agents the first n of one order are there: first those without
             whom a number that is dialled has nobody, then in the mix of skills in
             which the shifts employ them (--format json lists the order)
  target     of all calls of an interval together, over --runs runs; a table below
             the intervals shows each queue
  certainty  the search has --runs runs; the plan found is played in as many
             others, where an interval that misses gets one more agent. The figures
             are of these, with 95% confidence intervals. The same seed gives the
             same answer
An ordinary day by hours takes about 15 plans x --runs simulations; docs/simulation.md
has measured times. A target that all agents of the routing together do not reach
is an error that says what they reach.`

func staffingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "staffing",
		Short: "How many agents a demand needs (Erlang A and C), or a scenario (simulation)",
		Long:  staffingHelp,
		Example: `  hotline staffing --calls 340 --interval 1h --talk 216s --wrap-up 20s --patience 120s \
      --target 80/15s --max-occupancy 85 --shrinkage 30
  hotline staffing --demand monday.csv --interval 15m --model erlang-c --format csv
  hotline staffing --scenario day --target 80/15s --shrinkage 30`,
	}
	var simulated app.RequirementOptions
	o := &simulated.StaffingOptions
	f := cmd.Flags()
	f.Float64Var(&o.Calls, "calls", 0, "calls offered in the interval")
	demand := f.String("demand", "", "CSV file of intervals, instead of --calls")
	f.StringVar(&simulated.Scenario, "scenario", "", "scenario file, or the name of a shipped one, to simulate, instead of --calls")
	f.IntVar(&simulated.Runs, "runs", 20, "with --scenario: independent runs of each plan")
	f.Uint64Var(&simulated.Seed, "seed", 1, "with --scenario: of the first run; each further run has the next one")
	f.DurationVar(&o.Interval, "interval", time.Hour, "length of an interval")
	f.DurationVar(&o.Talk, "talk", 0, "mean talk time, with hold")
	f.DurationVar(&o.WrapUp, "wrap-up", 0, "mean wrap-up time")
	f.DurationVar(&o.Patience, "patience", 0, "mean time after which a waiting caller hangs up; erlang-c ignores it")
	model := oneOf(f, "model", "erlang-a or erlang-c", "erlang-a", "erlang-c")
	f.StringVar(&o.Target, "target", "80/15s", "service level: percent/threshold; none for no such target")
	formula := oneOf(f, "formula", "of the service level: of_offered, of_answered, of_offered_less_short or with_abandoned",
		"of_offered", "of_answered", "of_offered_less_short", "with_abandoned")
	f.DurationVar(&o.ShortAbandon, "short-abandon", 5*time.Second, "callers who hang up within it do not count in of_offered_less_short")
	f.DurationVar(&o.MaxASA, "max-asa", 0, "longest mean wait of the answered calls; 0 for no such target")
	f.Float64Var(&o.MaxAbandon, "max-abandonment", 0, "largest percentage of calls abandoned; 0 for no such target")
	f.Float64Var(&o.MaxOccupancy, "max-occupancy", 0, "largest occupancy of agents in percent; 0 for no such target")
	f.IntVar(&o.MinAgents, "min-agents", 1, "least number of agents, also without calls")
	f.Float64Var(&o.Shrinkage, "shrinkage", 0, "percentage of paid time that is not spent at the phone")
	format := oneOf(f, "format", "table, csv or json", "table", "csv", "json")
	lang := oneOf(f, "lang", "zh or en", "zh", "en")
	cmd.SetFlagErrorFunc(staffingFlagError)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkStaffingFlags(f.Changed); err != nil {
			return err
		}
		o.Model, o.Formula = *model, *formula
		if f.Changed("scenario") {
			debug.SetGCPercent(simulationGC)
			found, err := app.PlanScenario(cmd.Context(), simulated)
			if err != nil {
				return err
			}
			return app.WriteRequirement(cmd.OutOrStdout(), *format, *lang, simulated, found)
		}
		plan, err := planStaffing(*o, f.Changed("calls"), *demand)
		if err != nil {
			return err
		}
		return app.WriteStaffing(cmd.OutOrStdout(), *format, *lang, *o, plan)
	}
	return cmd
}

// staffingFlagError helps who looks for the handling time, which is a column of
// the demand file and no flag.
func staffingFlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedName() == "aht" {
		return errors.New("hotline staffing has no flag --aht; write its parts, as in --talk 216s --wrap-up 20s")
	}
	return flagError(cmd, err)
}

// checkStaffingFlags refuses flags that would be passed over in silence.
func checkStaffingFlags(given func(flag string) bool) error {
	if !given("scenario") {
		for _, name := range []string{"runs", "seed"} {
			if given(name) {
				return fmt.Errorf("--%s goes with --scenario only; leave it out, or name a scenario", name)
			}
		}
		return nil
	}
	for _, name := range []string{"calls", "demand", "talk", "wrap-up", "patience", "model"} {
		if given(name) {
			return fmt.Errorf("--%s and --scenario are both given, and the scenario has its own; leave one of them out", name)
		}
	}
	return nil
}

func planStaffing(o app.StaffingOptions, calls bool, demand string) (app.StaffingPlan, error) {
	switch {
	case calls && demand != "":
		return app.StaffingPlan{}, errors.New("--calls and --demand are both given; write one of them")
	case calls:
		return app.PlanStaffing(o)
	case demand == "":
		return app.StaffingPlan{}, errors.New("there is no demand; write the calls of one interval, as in --calls 340, a file, as in --demand monday.csv, or a scenario, as in --scenario day")
	}
	file, err := app.OpenFile("--demand: ", demand, "name a CSV file with the columns start,calls")
	if err != nil {
		return app.StaffingPlan{}, err
	}
	defer func() { _ = file.Close() }() // only read
	return app.PlanStaffingFile(o, demand, file)
}
