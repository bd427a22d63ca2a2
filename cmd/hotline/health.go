package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/internal/apiclient"
)

// healthCommand is what a container engine runs again and again: it asks /healthz, for
// which nobody need log in, and answers by its exit status.
func healthCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "health",
		Short:   "Does the hotline serve of this machine live, leading or standing by?",
		Example: "  hotline health --config /etc/hotline/hotline.yaml",
	}
	return tell(cmd, load, func(ctx context.Context, c *apiclient.Client) (string, error) {
		h, err := c.Health(ctx)
		return fmt.Sprintf("%s (%s)", h.Status, h.Version), err
	})
}
