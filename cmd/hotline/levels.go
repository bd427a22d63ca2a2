package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotline/internal/app"
	"hotline/internal/config"
)

// levelFlags are those of the service levels, for commands that do without a configuration.
func levelFlags(flags *pflag.FlagSet) *app.Levels {
	var l app.Levels
	flags.StringVar(&l.ServiceLevels, "service-levels", "", "thresholds of service levels, as in 15s,30s; left out: those of the configuration, or 15s,30s")
	flags.DurationVar(&l.ShortAbandon, "short-abandon", 0, "who gives up after less than this is a short abandon; left out: that of the configuration, or 5s")
	flags.StringVar(&l.Formula, "formula", "", "of the service levels that stand alone: of_offered, of_answered, of_offered_less_short or with_abandoned, as in of_answered; left out: that of the configuration, or of_offered")
	return &l
}

// loadIfThere reads the configuration, unless --config is left out and there is none at
// its usual place; then it is one of defaults only.
func loadIfThere(cmd *cobra.Command, load loader) (*config.Config, error) {
	file := cmd.Flag("config")
	if !file.Changed {
		if _, err := os.Stat(file.Value.String()); errors.Is(err, fs.ErrNotExist) {
			return &config.Config{}, nil
		}
	}
	return load()
}
