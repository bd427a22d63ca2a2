package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hotline/internal/app"
	"hotline/internal/calendar"
	"hotline/internal/config"
)

func callsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "Calls in progress, and records of finished ones: live, list, export, import, archive",
		Long: `Records of finished calls and of agents' time. docs/records.md describes the
files. They hold callers' numbers in clear, and only their owner may read them;
what is shown on a screen has the numbers masked.`,
	}
	addLiveCalls(cmd, load)
	cmd.AddCommand(listCallsCommand(load), exportCallsCommand(load), importCallsCommand(load), archiveCallsCommand(load), restoreCallsCommand(load))
	return cmd
}

// daysFlags are --day, --from and --to; what they say is read by the function.
func daysFlags(cmd *cobra.Command) func(*config.Config) (app.Days, error) {
	day := dayFlag(cmd)
	from := cmd.Flags().String("from", "", "the first day, instead of --day, as in 2026-01-01")
	to := cmd.Flags().String("to", "", "the last day, as in 2026-01-31; today when left out")
	return func(cfg *config.Config) (app.Days, error) {
		if *from == "" && *to != "" {
			return app.Days{}, errors.New("--to needs the first day; write it, as in --from 2026-01-01")
		}
		if *from == "" {
			d, err := dayOf(*day, cfg)
			if err != nil {
				err = fmt.Errorf("--day: %w", err)
			}
			return app.Days{From: d, To: d}, err
		}
		if *day != "" {
			return app.Days{}, errors.New("--day and --from exclude each other; leave one of them out")
		}
		first, err := dayOf(*from, cfg)
		if err != nil {
			return app.Days{}, fmt.Errorf("--from: %w", err)
		}
		last, err := dayOf(*to, cfg)
		switch {
		case err != nil:
			return app.Days{}, fmt.Errorf("--to: %w", err)
		case last.Before(first):
			return app.Days{}, fmt.Errorf("--to: %s is before %s; exchange them", last, first)
		}
		return app.Days{From: first, To: last}, nil
	}
}

func listCallsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List finished calls, newest last",
		Long: `List finished calls, newest last, in the order in which they ended. Callers'
numbers are masked. A call belongs to the day on which it was offered.`,
		Example: `  hotline calls list --result abandoned --min-wait 30s
  hotline calls list --from 2026-11-01 --to 2026-11-30 --agent 1001 --min-talk 10m --limit 0 --format csv`,
	}
	days := daysFlags(cmd)
	var filter app.CallFilter
	f := cmd.Flags()
	f.StringVar(&filter.Queue, "queue", "", "only calls that were in this queue, for example general")
	f.StringVar(&filter.Agent, "agent", "", "only calls that this agent answered, for example 1001")
	f.StringVar(&filter.Result, "result", "", "only calls with this result, for example abandoned")
	f.StringVar(&filter.Reason, "reason", "", "only calls that ended for this reason, for example caller_hung_up")
	f.StringVar(&filter.Entry, "entry", "", "only calls to this number, for example 12345")
	f.DurationVar(&filter.MinWait, "min-wait", 0, "only calls that waited at least so long, for example 30s")
	f.DurationVar(&filter.MinTalk, "min-talk", 0, "only calls with at least so long a talk, for example 10m")
	f.IntVar(&filter.Limit, "limit", 100, "how many are shown, the newest; 0: all")
	format := oneOf(f, "format", "table, csv or json", "table", "csv", "json")
	lang := oneOf(f, "lang", "zh or en", "zh", "en")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if filter.Days, err = days(cfg); err != nil {
			return err
		}
		list, err := app.ListCalls(cmd.Context(), cfg, filter)
		if err != nil {
			return err
		}
		if err := app.WriteCalls(cmd.OutOrStdout(), *format, *lang, list); err != nil {
			return err
		}
		if n := len(list.Calls); n < list.Found {
			list.Notes = append(list.Notes, fmt.Sprintf("shown: the newest %d of %s; --limit 0 shows all", n, app.Count(list.Found, "call")))
		}
		for _, note := range list.Notes {
			fmt.Fprintln(cmd.ErrOrStderr(), note)
		}
		return nil
	}
	return cmd
}

func exportCallsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export FILE.ndjson",
		Short: "Write the records of days into a file",
		Long: `Write the records of calls and of agents' time into a file, one JSON object on a
line; docs/records.md describes it. "-" is standard output. The file appears when
it is whole. It holds callers' numbers in clear: only its owner may read it
(mode 0600), and so should it be with copies.`,
		Example: `  hotline calls export november.ndjson --from 2026-11-01 --to 2026-11-30
  hotline calls export - --day 2026-11-24 | jq -c 'select(.kind == "call") | .record'`,
	}
	days := daysFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		which, err := days(cfg)
		if err != nil {
			return err
		}
		end, err := app.ExportCalls(cmd.Context(), cfg, which, args[0], cmd.OutOrStdout())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "exported: %s and %s\n", app.Count(end.Calls, "call"), app.Count(end.Stints, "stint"))
		return nil
	}
	return cmd
}

func importCallsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE.ndjson",
		Short: "Count the records of a file, each once",
		Long: `Count the records of a file as if their calls had just ended. docs/records.md
describes the file; it may be compressed with gzip. All of it is looked at first,
and when something is wrong with a line, nothing is imported. A record that was
counted already is not counted again, so that an import that was broken off is
simply done again.`,
		Example: "  hotline calls import november.ndjson --dry-run",
	}
	var o app.ImportOptions
	f := cmd.Flags()
	f.BoolVar(&o.DryRun, "dry-run", false, "look at the file only, and import nothing")
	f.StringVar(&o.FromSite, "from-site", "", "the site whose records they are, when it is not that of the configuration, for example nanjing")
	f.BoolVar(&o.ClockSteps, "clock-steps", false, "take records whose times run backwards and stints that overlap, as a clock that was set\nback leaves them; a negative duration counts as 0")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		o.File = args[0]
		result, err := app.ImportCalls(cmd.Context(), cfg, o)
		if problems, more := app.Malformed(err); len(problems) > 0 {
			tellMalformed(cmd.ErrOrStderr(), o.File, problems, more)
			return errFound
		}
		if err != nil {
			return err
		}
		if o.DryRun {
			fmt.Fprintf(cmd.OutOrStdout(), "good: %s and %s; nothing was imported\n", app.Count(result.Calls, "call"), app.Count(result.Stints, "stint"))
			return nil
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d applied, %d had been counted before\n", result.Applied, result.Before)
		return nil
	}
	return cmd
}

// tellMalformed lists the problems of a file.
func tellMalformed(w io.Writer, file string, problems []string, more int) {
	for _, p := range problems {
		fmt.Fprintf(w, "%s: %s\n", file, p)
	}
	if more > 0 {
		fmt.Fprintf(w, "%s: and %s more\n", file, app.Count(more, "problem"))
	}
	fmt.Fprintln(w, "nothing was imported; correct the file, or export it anew where it comes from")
}

func archiveCallsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Write closed days into files, and let go of them in Redis",
		Long: `Write each closed day before a day into a file of its own, SITE-DAY.ndjson.gz, with
its SHA-256 beside it (sha256sum --check reads it). Each file is read back and
compared with Redis. With --remove Redis then lets go of the day's records, unless
something has changed meanwhile; all figures of the day stay. A day that is open
is not archived. When corrections came for an archived day, --remove makes its file
anew. The files hold callers' numbers in clear, and only their owner may read them
(mode 0600).`,
		Example: `  hotline calls archive --before 2026-10-01 --folder /srv/hotline/archive --remove
  hotline traffic verify --day 2026-09-30 --archive /srv/hotline/archive`,
	}
	var o app.ArchiveOptions
	before := cmd.Flags().String("before", "", "the first day that is not archived, as in 2026-10-01")
	cmd.Flags().StringVar(&o.Folder, "folder", "", "where the files go; it must exist")
	cmd.Flags().BoolVar(&o.Remove, "remove", false, "let go of the records in Redis")
	_ = cmd.MarkFlagRequired("before") // both exist
	_ = cmd.MarkFlagRequired("folder")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if o.Before, err = calendar.ParseDay(*before); err != nil {
			return fmt.Errorf("--before: %w", err)
		}
		return app.ArchiveCalls(cmd.Context(), cfg, o, func(sentence string) { fmt.Fprintln(cmd.OutOrStdout(), sentence) })
	}
	return cmd
}

func restoreCallsCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE.ndjson.gz",
		Short: "Put the records of an archived day back into Redis",
		Long: `Put the records of an archived day back into Redis, before the corrections that came
since. The file must be the very one that was archived. Nothing is counted: the
figures of the day have not gone.`,
		Example: "  hotline calls restore /srv/hotline/archive/lianyungang-2026-09-30.ndjson.gz",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		summary, err := app.RestoreCalls(cmd.Context(), cfg, args[0])
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: back in Redis: %s and %s\n", summary.Head.From, app.Count(summary.End.Calls, "call"), app.Count(summary.End.Stints, "stint"))
		return nil
	}
	return cmd
}
