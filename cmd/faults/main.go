// Command faults breaks parts of a running hotline and prints what became of the calls.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the time zones, also on a machine without them

	"github.com/spf13/cobra"

	"hotline/internal/faults"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends at once: the processes that were started die with this one.
	context.AfterFunc(ctx, stop)
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
}

var errMissed = errors.New("not every fault stayed within its limits")

func root() *cobra.Command {
	o := faults.Options{}
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
		o.Names = names
		return run(cmd, o, verbose, jsonFile)
	}
	return cmd
}

func run(cmd *cobra.Command, o faults.Options, verbose bool, jsonFile string) (err error) {
	enc := json.NewEncoder(discard{})
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

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
