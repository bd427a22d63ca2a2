package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hotline/internal/apiclient"
	"hotline/internal/config"
	"hotline/internal/httpapi/view"
)

func configurationCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{Use: "configuration", Short: "The configuration of the running hotline: show, validate, apply, history, rollback"}
	asks := func(use, short, example string, do func(ctx context.Context, out io.Writer, c *apiclient.Client, args []string) error) *cobra.Command {
		sub := &cobra.Command{Use: use, Short: short, Example: "  hotline configuration " + example}
		d := apiFlags(sub, load)
		sub.RunE = func(sub *cobra.Command, args []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			defer client.Close()
			return do(sub.Context(), sub.OutOrStdout(), client, args)
		}
		cmd.AddCommand(sub)
		return sub
	}

	var version *string
	show := asks("show", "The text that the site goes by, or a former one", "show\n  hotline configuration show --version krxi7mbq2tdw5ozc4vfa",
		func(ctx context.Context, out io.Writer, c *apiclient.Client, _ []string) error {
			text, err := textOf(ctx, c, *version)
			if err == nil {
				_, err = io.WriteString(out, text)
			}
			return err
		})
	version = show.Flags().String("version", "", "a version of hotline configuration history, for example krxi7mbq2tdw5ozc4vfa; the present one when left out")

	asks("validate FILE", "What would applying a file do? Nothing is changed", "validate /tmp/hotline.yaml",
		func(ctx context.Context, out io.Writer, c *apiclient.Client, args []string) error {
			text, err := readText(args[0])
			if err != nil {
				return err
			}
			v, err := c.Validate(ctx, text)
			if err != nil {
				return err
			}
			return tellValidation(out, v)
		})

	var note, replaces *string
	apply := asks("apply FILE", "Write a file's text into the leader's configuration file, and go by it", "apply /tmp/hotline.yaml --note wrap-up",
		func(ctx context.Context, out io.Writer, c *apiclient.Client, args []string) error {
			text, err := readText(args[0])
			if err != nil {
				return err
			}
			before := *replaces
			if before == "" {
				present, err := c.Configuration(ctx)
				if err != nil {
					return err
				}
				before = present.Version
			}
			applied, err := c.Apply(ctx, before, text, *note)
			return tellApplied(out, applied, before, err)
		})
	note = noteFlag(apply)
	replaces = apply.Flags().String("replaces", "", "the version that was edited, for example krxi7mbq2tdw5ozc4vfa: nothing is applied when there is a newer one; whatever is present when left out")

	add(cmd, load, "history", "What was applied, when and by whom, the newest first", "  hotline configuration history\n  hotline configuration history --format json",
		table[view.AppliedConfiguration]{
			empty:   "nothing was applied yet",
			heading: []any{"VERSION", "APPLIED", "BY", "LINES", "BYTES", "NOTE"},
			row: func(v view.AppliedConfiguration) []any {
				return []any{v.Version, moment(v.Applied), v.By, fmt.Sprintf("+%d -%d", v.LinesAdded, v.LinesRemoved), v.Size, v.Note}
			},
		},
		func(ctx context.Context, c *apiclient.Client, _ []string) ([]view.AppliedConfiguration, error) {
			return c.ConfigurationHistory(ctx)
		})

	var why *string
	back := asks("rollback VERSION", "Go back to a former text", "rollback krxi7mbq2tdw5ozc4vfa --note wrong-prompt",
		func(ctx context.Context, out io.Writer, c *apiclient.Client, args []string) error {
			present, err := c.Configuration(ctx)
			if err != nil {
				return err
			}
			applied, err := c.RollBack(ctx, present.Version, args[0], *why)
			return tellApplied(out, applied, present.Version, err)
		})
	why = noteFlag(back)
	return cmd
}

func noteFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("note", "", "why, for the history, for example 'more time for the records'")
}

func textOf(ctx context.Context, c *apiclient.Client, version string) (string, error) {
	if version == "" {
		present, err := c.Configuration(ctx)
		return present.Text, err
	}
	former, err := c.ConfigurationVersion(ctx, version)
	return former.Text, err
}

// readText reads a file that is to become the configuration.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%w; name a configuration file", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, config.Largest+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w; name a configuration file", err)
	case len(data) > config.Largest:
		return "", fmt.Errorf("%s has more than %d bytes; name a configuration file", name, config.Largest)
	}
	return string(data), nil
}

// tellValidation ends with an error when the text cannot be applied.
func tellValidation(out io.Writer, v view.Validation) error {
	for _, mistake := range v.Mistakes {
		fmt.Fprintln(out, mistake)
	}
	for _, change := range v.Changes {
		fmt.Fprintln(out, change)
	}
	for _, section := range v.NeedsRestart {
		fmt.Fprintf(out, "a change of %s takes a restart, and is not applied here\n", section)
	}
	switch {
	case len(v.Mistakes) > 0 || len(v.NeedsRestart) > 0:
		return errFound
	case len(v.Changes) == 0:
		fmt.Fprintln(out, "this would change nothing")
	}
	return nil
}

func tellApplied(out io.Writer, applied view.Configuration, before string, err error) error {
	var refused *apiclient.Error
	if errors.As(err, &refused) && len(refused.Reasons) > 0 {
		for _, reason := range refused.Reasons {
			fmt.Fprintln(out, reason)
		}
		return errFound
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "version %s is applied, in the place of %s\n", applied.Version, before)
	return nil
}
