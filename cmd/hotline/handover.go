package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/app"
)

func handoverCommand(load loader) *cobra.Command {
	return &cobra.Command{
		Use:     "handover",
		Short:   "Let the leading controller hand over to one that stands by; no call is affected",
		Example: "  hotline handover --config /etc/hotline/hotline.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			from, to, err := app.HandOver(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s on %s leads now; %s on %s stands by\n", to.ID, to.Host, from.ID, from.Host)
			return nil
		},
	}
}

func controllersCommand(load loader) *cobra.Command {
	return &cobra.Command{
		Use:     "controllers",
		Short:   "Which hotline serve leads the site, and which stand by?",
		Example: "  hotline controllers --config /etc/hotline/hotline.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			list, err := app.Controllers(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "no controller has said anything lately for the site %s: start hotline serve\n", cfg.Site)
				return errFound
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "CONTROLLER\tSTATE\tHOST\tAPI\tVERSION\tSTARTED\tSEEN")
			for _, c := range list {
				state := "silent"
				switch {
				case c.Leading && c.Silent < 2*time.Second:
					state = "leads"
				case c.StandsBy():
					state = "stands by"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s ago\n", c.ID, state, c.Host, c.HTTP, c.Version, c.Started.Format(time.RFC3339), c.Silent.Truncate(100*time.Millisecond))
			}
			return w.Flush()
		},
	}
}
