package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand lists the commands of the tree, each as its words after hotline.
func everyCommand(t *testing.T) (paths [][]string) {
	t.Helper()
	var walk func(*cobra.Command, []string)
	walk = func(cmd *cobra.Command, path []string) {
		paths = append(paths, path)
		for _, c := range cmd.Commands() {
			walk(c, append(slices.Clone(path), c.Name()))
		}
	}
	walk(root(), nil)
	if len(paths) < 25 {
		t.Fatalf("only %d commands were found", len(paths))
	}
	return paths
}

// found is a command of a new tree.
func found(t *testing.T, path []string) *cobra.Command {
	t.Helper()
	cmd, rest, err := root().Find(path)
	if err != nil || len(rest) > 0 {
		t.Fatal(path, rest, err)
	}
	return cmd
}

// raw are words of the library, which tell a user nothing.
var raw = []string{
	"arg(s)", "required flag(s)", "unknown ", "invalid argument", "strconv", "parse error", "none of the others", "shorthand", "needs an argument", "flag accessed",
	"bad flag", "Error:", "Usage:", "pflag",
}

// Whatever is wrong with the line of any command is told in one sentence, which
// begins with the command and says what to write.
func TestEveryMistakeOnTheCommandLineIsOneSentence(t *testing.T) {
	mistaken := func(path []string, mistake string, words ...string) {
		t.Helper()
		line := slices.Concat(path, words)
		out, err := run(line...)
		var misuse *usageError
		if !errors.As(err, &misuse) || out != "" {
			t.Errorf("%s: hotline %s: got %v and the output %q", mistake, strings.Join(line, " "), err, out)
			return
		}
		text := err.Error()
		begin := strings.Join(append([]string{"hotline"}, path...), " ")
		if !strings.HasPrefix(text, begin+" ") && !strings.HasPrefix(text, begin+":") || strings.Contains(text, "\n") || !strings.Contains(text, "; ") {
			t.Errorf("%s: hotline %s: %s", mistake, strings.Join(line, " "), text)
		}
		for _, word := range raw {
			if strings.Contains(text, word) {
				t.Errorf("%s: hotline %s: %q in: %s", mistake, strings.Join(line, " "), word, text)
			}
		}
	}
	for _, path := range everyCommand(t) {
		cmd := found(t, path)
		mistaken(path, "unknown flag", "--nosuch")
		mistaken(path, "unknown short flag", "-Z")
		mistaken(path, "no flag at all", "--=x")
		cmd.InheritedFlags() // merges them
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal == "" {
				mistaken(path, "no value", "--"+f.Name)
			}
			if _, limited := f.Value.(*choice); limited || f.Value.Type() != "string" {
				mistaken(path, "wrong value", "--"+f.Name+"=%")
			}
			if example := exampleValue(cmd, f); example == "" && f.Value.Type() == "string" {
				t.Errorf("%v: --%s has no example", path, f.Name)
			}
			for _, group := range f.Annotations[exclusiveFlags] {
				var both []string
				for name := range strings.FieldsSeq(group) {
					both = append(both, "--"+name, exampleValue(cmd, cmd.Flags().Lookup(name)))
				}
				mistaken(path, "flags that exclude each other", both...)
			}
		})
		if cmd.HasSubCommands() {
			mistaken(path, "unknown command", "nosuch")
			continue
		}
		if cmd.Name() == "help" {
			mistaken(nil, "unknown command", "help", "nosuch")
			mistaken([]string{"calls"}, "unknown command", "help", "calls", "nosuch")
			continue
		}
		arguments := argumentsOf(cmd)
		mistaken(path, "too many arguments", append(slices.Clone(arguments), "one-more")...)
		if len(arguments) > 0 {
			mistaken(path, "too few arguments")
		}
		if len(missingFlags(cmd)) > 0 {
			mistaken(path, "missing flags", arguments...)
		}
	}
}

// Examples are lines that the commands take.
func TestExamplesAreRight(t *testing.T) {
	for _, path := range everyCommand(t) {
		cmd := found(t, path)
		if cmd.HasSubCommands() || len(path) > 0 && path[0] == "completion" {
			continue
		}
		text := strings.ReplaceAll(cmd.Example, "\\\n", " ")
		if strings.TrimSpace(text) == "" {
			t.Errorf("%v has no example", path)
		}
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "|")
			words := strings.Fields(line)
			of, rest, err := root().Find(words[1:])
			if err != nil || words[0] != "hotline" {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if err := of.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if err := of.ValidateArgs(of.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if example := exampleOf(cmd); !strings.HasPrefix(example, cmd.CommandPath()) {
			t.Errorf("%v: the example is of another command: %s", path, example)
		}
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for want, line := range map[string]string{
		"hotline report daily needs --day; write for example: hotline report daily --day 2026-01-31":                                                             "report daily",
		"hotline calls archive needs --before and --folder; write for example: hotline calls archive --before 2026-10-01 --folder /srv/hotline/archive --remove": "calls archive",
		"hotline calls import needs FILE.ndjson; write for example: hotline calls import november.ndjson --dry-run":                                              "calls import",
		`hotline calls import takes FILE.ndjson only, and "b" is one argument more; write for example: hotline calls import november.ndjson --dry-run`:           "calls import a b",
		`hotline serve takes no arguments, and "now" is one; write for example: hotline serve --config /etc/hotline/hotline.yaml`:                                "serve now",
		"hotline traffic verify: --day and --month exclude each other; leave all but one of them out, as in: hotline traffic verify --day 2026-01-31":            "traffic verify --day 2026-01-31 --month 2026-01",
		"hotline calls list has no flag --qqq; hotline calls list --help lists its flags":                                                                        "calls list --qqq general",
		"hotline calls list has no flag --queues; write --queue, or look at hotline calls list --help":                                                           "calls list --queues general",
		`hotline calls list: --min-wait: "30" is not a duration; write for example --min-wait 90s`:                                                               "calls list --min-wait 30",
		`hotline calls list: --format: "xml" is not possible; write table, csv or json`:                                                                          "calls list --format xml",
		`hotline simulate: --by: "week" is not possible; write interval, hour, day, month or none`:                                                               "simulate --by week",
		"hotline calls list: --agent has no value; write for example --agent 1001":                                                                               "calls list --agent",
		`hotline has no command "trafic"; write hotline traffic, or one of: admin, agents, asterisk-conf, callbacks, calls, check, completion, configuration, controllers, emergency, handover, health, kamailio-conf, queues, reload, report, serve, simulate, staffing, traffic`: "trafic",
		`hotline calls has no command "exprot"; write hotline calls export, or one of: archive, export, import, list, live, move, prioritise, restore`:                                                                                                                             "calls exprot",
		`hotline has no command "nosuch"; write one of: admin, agents, asterisk-conf, callbacks, calls, check, completion, configuration, controllers, emergency, handover, health, kamailio-conf, queues, reload, report, serve, simulate, staffing, traffic`:                     "help nosuch",
		`hotline completion has no command "ksh"; write hotline completion zsh, or one of: bash, fish, powershell, zsh`:                                                                                                                                                            "completion ksh",
		`hotline calls list: --config has no value; write for example --config /etc/hotline/hotline.yaml`:                                                                                                                                                                          "calls list --config",
		"hotline traffic scenario needs --out; write for example: hotline traffic scenario --day 2026-01-31 --out saturday":                                                                                                                                                        "traffic scenario --day 2026-01-31",
		"hotline asterisk-conf: --node has no value; write for example --node a1":                                                                                                                                                                                                  "asterisk-conf --node",
		`hotline report daily: --format: "docx" is not possible; write table, html, xlsx, csv, json or pdf`:                                                                                                                                                                        "report daily --day 2026-01-31 --format docx",
	} {
		if _, err := run(strings.Fields(line)...); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", line, err, want)
		}
	}
	if out, err := run("help", "calls", "import"); err != nil || !strings.Contains(out, "Count the records of a file") {
		t.Errorf("help of a command: %v\n%s", err, out)
	}
	if out, err := run("calls"); err != nil || !strings.Contains(out, "Available Commands:") {
		t.Errorf("a group alone: %v\n%s", err, out)
	}
}
