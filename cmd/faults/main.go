// Command faults breaks parts of a running hotline and prints what became of the calls.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the time zones, also on a machine without them

	"github.com/spf13/cobra"

	"hotline/internal/faults"
	"hotline/internal/nethost"
)

func main() {
	// First of all: it starts the program anew.
	noHosts := ""
	if err := nethost.Isolate(); err != nil {
		noHosts = err.Error()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends at once: the processes that were started die with this one.
	context.AfterFunc(ctx, stop)
	if err := root(noHosts).ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("not every fault stayed within its limits")

// root has what the command does. noHosts, when not empty, is why there can be no hosts.
func root(noHosts string) *cobra.Command {
	o := faults.Options{NoHosts: noHosts}
	var names []string
	var verbose bool
	var jsonFile string
	cmd := &cobra.Command{
		Use: "faults", Short: "Break parts of a running hotline, and print what became of the calls",
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
	}
	f := cmd.Flags()
	f.StringVar(&o.Binary, "binary", "bin/hotline", "the program")
	f.StringVar(&o.Next, "next", "", "the same program of another version, for the upgrade")
	f.StringVar(&o.Dir, "dir", ".run/faults", "folder for everything that is written")
	f.Uint64Var(&o.Seed, "seed", 1, "of all randomness of the people")
	f.StringSliceVar(&names, "faults", nil, "only these: "+strings.Join(faults.Names(), ", "))
	f.BoolVar(&o.Quick, "quick", false, "shorter faults")
	f.StringVar(&o.LogLevel, "log", "info", "log level of the controllers")
	f.BoolVar(&verbose, "verbose", false, "print the notes of rows that are ok, too")
	f.StringVar(&jsonFile, "json", "", "write a line of JSON for each row into this file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := absolute(&o); err != nil {
			return err
		}
		o.Names = names
		return run(cmd, o, verbose, jsonFile)
	}
	cmd.AddCommand(soakCommand(noHosts))
	return cmd
}

// absolute makes the paths independent of the working directory.
func absolute(o *faults.Options) error {
	for _, p := range []*string{&o.Binary, &o.Dir, &o.Next} {
		if *p == "" {
			continue
		}
		full, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = full
	}
	return nil
}

func soakCommand(noHosts string) *cobra.Command {
	o := faults.Options{NoHosts: noHosts}
	cmd := &cobra.Command{Use: "soak", Short: "Break one thing after the other under load, for long", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&o.Binary, "binary", "bin/hotline", "the program")
	f.StringVar(&o.Dir, "dir", ".run/faults", "folder for everything that is written")
	f.Uint64Var(&o.Seed, "seed", 1, "of the people and the faults")
	minutes := f.Float64("minutes", 10, "how long")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *minutes <= 0 || *minutes > 7*24*60 {
			return errors.New("--minutes is above 0 and at most a week")
		}
		if err := absolute(&o); err != nil {
			return err
		}
		length := time.Duration(*minutes * float64(time.Minute))
		r := faults.Soak(cmd.Context(), o, length, func(at time.Duration, fault string) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%6s  %s\n", at.Round(time.Second), fault)
		})
		err := faults.Table(cmd.OutOrStdout(), []faults.Result{r}, true)
		if err == nil && !r.OK {
			err = errMissed
		}
		return err
	}
	return cmd
}

func run(cmd *cobra.Command, o faults.Options, verbose bool, jsonFile string) (err error) {
	enc := json.NewEncoder(io.Discard)
	if jsonFile != "" {
		file, err := os.Create(jsonFile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		enc = json.NewEncoder(file)
	}
	var results []faults.Result
	began, missed := time.Now(), false
	err = faults.Run(cmd.Context(), o, func(r faults.Result) {
		results = append(results, r)
		missed = missed || !r.OK
		verdict := "ok"
		if !r.OK {
			verdict = "MISSED"
		} else if r.Skipped != "" {
			verdict = "skipped"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%4.0fs  %-16s %s\n", time.Since(began).Seconds(), r.Name, verdict)
		_ = enc.Encode(r)
	})
	err = errors.Join(err, faults.Table(cmd.OutOrStdout(), results, verbose))
	if err == nil && missed {
		err = errMissed
	}
	return err
}
