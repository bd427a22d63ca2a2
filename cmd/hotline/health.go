package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// healthCommand is what a container engine runs again and again: it asks /healthz, for
// which nobody need log in, and answers by its exit status.
func healthCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "health",
		Short:   "Does the hotline serve of this machine live, leading or standing by?",
		Example: "  hotline health --config /etc/hotline/hotline.yaml",
	}
	d := apiFlags(cmd, load)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := d.open()
		if err != nil {
			return err
		}
		defer client.Close()
		h, err := client.Health(cmd.Context())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", h.Status, h.Version)
		return nil
	}
	return cmd
}
