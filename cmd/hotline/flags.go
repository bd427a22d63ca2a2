package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagValues say of each type of flag what its values are, with an example.
var flagValues = map[string]struct{ what, example string }{
	"int":      {"a whole number", "3"},
	"uint64":   {"a whole number of 0 or more", "3"},
	"float64":  {"a number", "2.5"},
	"duration": {"a duration", "90s"},
	"string":   {"a text", "x"},
}

// flagError says in one sentence what is wrong with a command line and what to
// write, instead of how the value was parsed.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		flag := value.GetFlag()
		if flag.Value.Type() == "bool" {
			return fmt.Errorf("--%s: %q is neither true nor false; write --%s, or leave it out", flag.Name, value.GetValue(), flag.Name)
		}
		kind := flagValues[flag.Value.Type()]
		return fmt.Errorf("--%s: %q is not %s; write for example --%s %s", flag.Name, value.GetValue(), kind.what, flag.Name, kind.example)
	case errors.As(err, &missing):
		flag := missing.GetFlag()
		return fmt.Errorf("--%s has no value; write for example --%s %s", flag.Name, flag.Name, flagValues[flag.Value.Type()].example)
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return fmt.Errorf("%s has no flag %s%s; %s --help lists its flags", cmd.CommandPath(), dashes, unknown.GetSpecifiedName(), cmd.CommandPath())
	}
	return err
}

// group is a command that only has others below it: alone it prints them, and a
// word that names none of them is a mistake and not a call for help.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return fmt.Errorf("%s has no command %q; write one of: %s", cmd.CommandPath(), args[0], strings.Join(names, ", "))
	}
	return cmd
}
