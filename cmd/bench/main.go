// Command bench measures hotline against Asterisk's app_queue on this machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	_ "time/tzdata" // the time zones, also on a machine without them

	"github.com/spf13/cobra"

	"hotline/internal/versus"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure hotline against app_queue", Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
	}
	dir := cmd.Flags().String("dir", ".run/bench", "folder for everything that is written")
	binary := cmd.Flags().String("binary", "bin/hotline", "the program")
	rounds := cmd.Flags().Int("rounds", 0, "how many rounds; 0: as many as planned")
	points := cmd.Flags().String("points", "", "only the points whose names match this regular expression")
	sides := cmd.Flags().StringSlice("sides", nil, "only these sides: app_queue, hotline")
	quick := cmd.Flags().Bool("quick", false, "see in two minutes that all works")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, p := range []*string{dir, binary} {
			full, err := filepath.Abs(*p)
			if err != nil {
				return err
			}
			*p = full
		}
		plan := versus.Full()
		if *quick {
			plan = versus.Quick()
		}
		if *rounds > 0 {
			plan.Rounds = *rounds
		}
		names, err := regexp.Compile(*points)
		if err != nil {
			return fmt.Errorf("--points: %w", err)
		}
		var only []versus.Side
		for _, side := range *sides {
			if !slices.Contains(versus.Sides(), versus.Side(side)) {
				return fmt.Errorf("--sides: there is no side %q; write app_queue or hotline", side)
			}
			only = append(only, versus.Side(side))
		}
		plan = plan.Only(names)
		machine := versus.Describe(cmd.Context(), *binary)
		samples, failed := versus.Run(cmd.Context(), versus.Options{Plan: plan, Sides: only, Dir: *dir, Binary: *binary, Out: cmd.OutOrStdout()})
		machine.Rest()
		report := versus.Evaluate(machine, plan, samples)
		fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n", report)
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		file := filepath.Join(*dir, "bench.json")
		if err := errors.Join(failed, os.WriteFile(file, append(text, '\n'), 0o644)); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "all figures: %s\n", file)
		return nil
	}
	return cmd
}
