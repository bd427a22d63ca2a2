package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotline/internal/acd"
	"hotline/internal/config"
)

// usageError is a mistake on the command line, told in one sentence that begins with
// the command: what is wrong, and what to write.
type usageError struct{ sentence string }

func (e *usageError) Error() string { return e.sentence }

func misused(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath() + fmt.Sprintf(format, args...)}
}

// tellMistakes lets a command and all below it tell every mistake on the command line
// as a usageError, instead of in the words of the library. How many arguments a
// command takes is what its Use names.
func tellMistakes(cmd *cobra.Command) {
	if !cmd.HasSubCommands() {
		cmd.Args = checkLine
		return
	}
	for _, c := range cmd.Commands() {
		tellMistakes(c)
	}
	cmd.Args, cmd.RunE = cobra.ArbitraryArgs, runGroup
}

// runGroup is a command that only has others below it: alone it prints them, and a
// word that names none of them is a mistake and not a call for help.
func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return noCommand(cmd, args[0])
}

func noCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	meant := config.Closest(word, names)
	if meant == "" {
		return misused(cmd, " has no command %q; write one of: %s", word, strings.Join(names, ", "))
	}
	return misused(cmd, " has no command %q; write %s %s, or one of: %s", word, cmd.CommandPath(), meant, strings.Join(names, ", "))
}

// helpCommand is cobra's, but for a command that does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help for a command",
		Example: "  hotline help calls import",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 && of.HasSubCommands() {
				return noCommand(of, rest[0])
			}
			of.InitDefaultHelpFlag() // so that it is listed
			return of.Help()
		},
	}
}

// checkLine examines arguments and flags together, before cobra does.
func checkLine(cmd *cobra.Command, args []string) error {
	names := argumentsOf(cmd)
	switch {
	case len(args) < len(names):
		return misused(cmd, " needs %s; write for example: %s", strings.Join(names[len(args):], " and "), exampleOf(cmd))
	case len(args) > 0 && len(names) == 0:
		return misused(cmd, " takes no arguments, and %q is one; write for example: %s", args[0], exampleOf(cmd))
	case len(args) > len(names):
		return misused(cmd, " takes %s only, and %q is one argument more; write for example: %s", strings.Join(names, " and "), args[len(names)], exampleOf(cmd))
	}
	if missing := missingFlags(cmd); len(missing) > 0 {
		return misused(cmd, " needs %s; write for example: %s", strings.Join(missing, " and "), exampleOf(cmd))
	}
	if both := clashingFlags(cmd); len(both) > 0 {
		return misused(cmd, ": %s exclude each other; leave all but one of them out, as in: %s", strings.Join(both, " and "), exampleOf(cmd))
	}
	return nil
}

// argumentsOf are the names of what a command takes besides flags.
func argumentsOf(cmd *cobra.Command) []string { return strings.Fields(cmd.Use)[1:] }

func missingFlags(cmd *cobra.Command) (missing []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, required := f.Annotations[cobra.BashCompOneRequiredFlag]; required && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	return missing
}

// exclusiveFlags is the annotation of cobra's MarkFlagsMutuallyExclusive.
const exclusiveFlags = "cobra_annotation_mutually_exclusive"

// clashingFlags are those given of the first group of which only one may be.
func clashingFlags(cmd *cobra.Command) (both []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		for _, group := range f.Annotations[exclusiveFlags] {
			var given []string
			for name := range strings.FieldsSeq(group) {
				if cmd.Flags().Changed(name) {
					given = append(given, "--"+name)
				}
			}
			if len(given) > 1 && both == nil {
				both = given
			}
		}
	})
	return both
}

// exampleOf is an invocation of a command.
func exampleOf(cmd *cobra.Command) string {
	for line := range strings.Lines(cmd.Example) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, cmd.CommandPath()) && !strings.HasSuffix(line, `\`) {
			return line
		}
	}
	return strings.Join(append([]string{cmd.CommandPath()}, argumentsOf(cmd)...), " ")
}

// flagValues say of each type of flag what its values are, with an example.
var flagValues = map[string]struct{ what, example string }{
	"int":      {"a whole number", "3"},
	"uint64":   {"a whole number of 0 or more", "3"},
	"float64":  {"a number", "2.5"},
	"duration": {"a duration", "90s"},
	"level":    {"a name and a level of 1 to 10", ""}, // the example stands in the usage
}

// flagError says in one sentence what is wrong with a flag and what to write, instead
// of how it was parsed.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &value):
		flag, given := value.GetFlag(), value.GetValue()
		if flag.Value.Type() == "bool" {
			return misused(cmd, ": --%s: %q is neither true nor false; write --%s, or leave it out", flag.Name, given, flag.Name)
		}
		if c, limited := flag.Value.(*choice); limited {
			return misused(cmd, ": --%s: %q is not possible; write %s", flag.Name, given, c.list())
		}
		return misused(cmd, ": --%s: %q is not %s; write for example --%s %s", flag.Name, given, flagValues[flag.Value.Type()].what, flag.Name, exampleValue(cmd, flag))
	case errors.As(err, &missing):
		flag := missing.GetFlag()
		return misused(cmd, ": --%s has no value; write for example --%s %s", flag.Name, flag.Name, exampleValue(cmd, flag))
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &syntax):
		return misused(cmd, ": %q is not written as a flag; write for example: %s", syntax.GetSpecifiedFlag(), exampleOf(cmd))
	}
	return misused(cmd, ": %v; write for example: %s", err, exampleOf(cmd))
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	if unknown.GetSpecifiedShortnames() != "" {
		return misused(cmd, " has no flag -%s; %s --help lists its flags", unknown.GetSpecifiedName(), cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if meant := config.Closest(unknown.GetSpecifiedName(), names); meant != "" {
		return misused(cmd, " has no flag --%s; write --%s, or look at %s --help", unknown.GetSpecifiedName(), meant, cmd.CommandPath())
	}
	return misused(cmd, " has no flag --%s; %s --help lists its flags", unknown.GetSpecifiedName(), cmd.CommandPath())
}

// exampleValue is a value of a flag: of its type, from what describes it, from an
// example of the command, or what it has when it is left out.
func exampleValue(cmd *cobra.Command, flag *pflag.Flag) string {
	if c, limited := flag.Value.(*choice); limited {
		return c.words()[0]
	}
	if example := flagValues[flag.Value.Type()].example; example != "" {
		return example
	}
	for _, text := range []string{flag.Usage, cmd.Example} {
		for _, before := range []string{"as in ", "for example ", "--" + flag.Name + " "} {
			if _, after, found := strings.Cut(text, before); found {
				return strings.TrimRight(strings.Fields(after)[0], ",;")
			}
		}
	}
	return flag.DefValue
}

// levels is the value of a flag that is given once for each name, as in english=5.
type levels map[string]acd.Level

func levelsOf(flags *pflag.FlagSet, name, usage string) levels {
	l := levels{}
	flags.Var(l, name, usage)
	return l
}

func (l levels) String() string { return "" }
func (l levels) Type() string   { return "level" }

// Set implements pflag.Value.
func (l levels) Set(text string) error {
	name, level, _ := strings.Cut(text, "=")
	n, err := strconv.Atoi(level)
	if name == "" || err != nil || acd.Level(n) < acd.MinLevel || acd.Level(n) > acd.MaxLevel {
		return errors.New("write a name and a level, as in english=5")
	}
	l[name] = acd.Level(n)
	return nil
}

// named are the levels by names of another type.
func named[K ~string](l levels) map[K]acd.Level {
	out := make(map[K]acd.Level, len(l))
	for name, level := range l {
		out[K(name)] = level
	}
	return out
}

// choice is the value of a flag that has few.
type choice struct {
	value   string
	allowed []string
}

// oneOf makes a flag of which the first of the allowed values is what it has when it is left out.
// An empty one stands for leaving it out.
func oneOf(flags *pflag.FlagSet, name, usage string, allowed ...string) *string {
	c := &choice{allowed[0], allowed}
	flags.Var(c, name, usage)
	return &c.value
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "string" } // as --help shows it

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return errors.New("write " + c.list())
	}
	c.value = text
	return nil
}

// words are what may be written.
func (c *choice) words() []string {
	return slices.DeleteFunc(slices.Clone(c.allowed), func(word string) bool { return word == "" })
}

func (c *choice) list() string {
	words := c.words()
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
