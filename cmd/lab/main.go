// Command lab brings up a whole hotline on one machine: for a demo with real
// phones, or in the background for whoever brings their own.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	_ "time/tzdata" // the time zones, also on a machine without them

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C ends everything in order, a second one at once: the
	// processes that were started die with this one.
	context.AfterFunc(ctx, stop)
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "lab: %v\n", err)
		os.Exit(1)
	}
}

// flags that all commands share.
type flags struct {
	dir    string
	binary string
}

// absolute makes the paths independent of the working directory.
func (f *flags) absolute() error {
	for _, p := range []*string{&f.dir, &f.binary} {
		full, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = full
	}
	return nil
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "lab", Short: "A whole hotline on one machine", SilenceUsage: true, SilenceErrors: true,
	}
	f := &flags{}
	cmd.PersistentFlags().StringVar(&f.dir, "dir", ".run/lab", "folder for everything that is written")
	cmd.PersistentFlags().StringVar(&f.binary, "binary", "bin/hotline", "the program")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return f.absolute() }
	cmd.AddCommand(demoCommand(f), upCommand(f), downCommand(f), superviseCommand(f))
	return cmd
}
