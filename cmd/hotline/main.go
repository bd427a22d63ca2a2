// Command hotline is the call centre's controller and its tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the time zones, also on a machine without them

	"github.com/spf13/cobra"

	"hotline/internal/config"
)

// version is set when the binary is built.
var version = "dev"

// errFound ends a command whose findings were printed already.
var errFound = errors.New("")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := root().ExecuteContext(ctx); err != nil {
		var misuse *usageError
		switch {
		case errors.As(err, &misuse):
			fmt.Fprintln(os.Stderr, err) // it begins with the command
		case !errors.Is(err, errFound):
			fmt.Fprintf(os.Stderr, "hotline: %v\n", err)
		}
		os.Exit(1)
	}
}

func root() *cobra.Command {
	var file string
	cmd := program(func() (*config.Config, error) { return config.Load(file) })
	cmd.PersistentFlags().StringVar(&file, "config", "/etc/hotline/hotline.yaml", "configuration file")
	return cmd
}

// program is the whole tree of commands.
func program(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "hotline",
		Short:         "Call centre for a 12345 government hotline, on Asterisk and Redis",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(flagError)
	cmd.AddCommand(serveCommand(load), adminCommand(load), handoverCommand(load), controllersCommand(load), agentsCommand(load), queuesCommand(load), callbacksCommand(load), emergencyCommand(load), reloadCommand(load), configurationCommand(load), checkCommand(load), healthCommand(load), trafficCommand(load), callsCommand(load), reportCommand(load), staffingCommand(), asteriskConfCommand(load), kamailioConfCommand(load), simulateCommand())
	cmd.InitDefaultCompletionCmd()
	tellMistakes(cmd)
	cmd.SetHelpCommand(helpCommand())
	return cmd
}

// loader reads the configuration that --config names.
type loader func() (*config.Config, error)
