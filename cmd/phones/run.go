package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/phonescript"
)

// errNotOK is the exit status of a run whose summary says what was wrong.
var errNotOK = errors.New("a call lacked audio in one direction, or something else went wrong")

// options of the command run.
type options struct {
	duration time.Duration
	seed     uint64
	server   string
	json     bool
	quiet    bool
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "phones",
		Short:         "Real SIP phones: agents at their seats and callers who dial",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	var o options
	run := &cobra.Command{
		Use:   "run FILE",
		Short: "Play a scenario and print what happened",
		Long: "Play a scenario and print what happened. The exit status is 0 only if every\n" +
			"answered call had audio in both directions and nothing else went wrong.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], cmd.Flags().Changed("seed"), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := run.Flags()
	f.DurationVar(&o.duration, "duration", 0, "how long callers arrive, instead of the scenario's duration")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the randomness, instead of the scenario's")
	f.StringVar(&o.server, "server", "", "SIP address of the server, instead of the scenario's")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	f.BoolVar(&o.quiet, "quiet", false, "no progress on standard error")
	root.AddCommand(run)
	return root
}

func (o options) run(ctx context.Context, path string, seeded bool, out, progress io.Writer) error {
	scenario, err := phonescript.Load(path)
	if err != nil {
		return err
	}
	if o.duration < 0 {
		return fmt.Errorf("--duration: %s is negative", o.duration)
	}
	scenario.Duration = cmp.Or(o.duration, scenario.Duration)
	scenario.Server = cmp.Or(o.server, scenario.Server)
	if seeded {
		scenario.Seed = o.seed
	}
	script, err := phonescript.New(scenario)
	if err != nil {
		return err
	}
	if !o.quiet {
		stop := show(script, progress)
		defer stop()
	}
	sum, err := script.Run(ctx)
	if err := errors.Join(err, script.Close()); err != nil {
		return err
	}
	if err := print(sum, out, o.json); err != nil {
		return err
	}
	if !sum.OK() {
		return errNotOK
	}
	return nil
}

// show prints the live counts every second until the returned function is called.
func show(script *phonescript.Script, w io.Writer) (stop func()) {
	ticker := time.NewTicker(time.Second)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				l := script.Live()
				fmt.Fprintf(w, "%4.0f s  seated %d  placed %d  waiting %d  talking %d  answered %d  verified %d  abandoned %d  refused %d  failed %d\n",
					l.Elapsed.Seconds(), l.Seated, l.Placed, l.Waiting, l.Talking, l.Answered, l.Verified, l.Abandoned, l.Refused, l.Failed)
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
	}
}

// print writes the summary for people or for programs.
func print(s phonescript.Summary, w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			OK bool `json:"ok"`
			phonescript.Summary
		}{s.OK(), s})
	}
	for _, row := range []struct {
		name  string
		value any
	}{
		{"calls placed", s.Placed},
		{"callers not placed (no time or no free line)", s.Unplaced},
		{"answered (heard an agent)", s.Answered},
		{"  with audio both ways", s.Verified},
		{"  mean wait", s.MeanWait.Round(time.Millisecond)},
		{"  longest wait", s.MaxWait.Round(time.Millisecond)},
		{"abandoned by the caller", s.Abandoned},
		{"refused", s.Refused},
		{"ended by the server without an agent", s.Released},
		{"failed", s.Failed},
		{"agents seated", fmt.Sprintf("%d of %d", s.Seated, s.Agents)},
		{"declined by agents", s.Declined},
		{"answered just when the caller left", s.Crossed},
		{"faults", s.Faults},
		{"time", s.Elapsed.Round(time.Millisecond)},
	} {
		fmt.Fprintf(w, "%-46s %v\n", row.name, row.value)
	}
	for _, status := range slices.Sorted(maps.Keys(s.RefusedWith)) {
		fmt.Fprintf(w, "  refused with %d: %d\n", status, s.RefusedWith[status])
	}
	fmt.Fprintln(w, "\nanswered by seat")
	for _, seat := range slices.Sorted(maps.Keys(s.AnsweredBy)) {
		fmt.Fprintf(w, "  %-10s %d\n", seat, s.AnsweredBy[seat])
	}
	if len(s.Told) > 0 {
		fmt.Fprintln(w, "\nwhat went wrong (the first)")
	}
	for _, what := range s.Told {
		fmt.Fprintln(w, "  "+what)
	}
	return nil
}
