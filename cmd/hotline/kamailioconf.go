package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"hotline/deploy/cluster"
	"hotline/internal/app"
)

func kamailioConfCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "kamailio-conf",
		Short:   "Write the configuration of the SIP proxy before several nodes from ours: nodes, carriers, phones",
		Example: "  hotline kamailio-conf --out /etc/kamailio",
	}
	out := cmd.Flags().String("out", "/etc/kamailio", "folder to write to")
	run := cmd.Flags().String("run", "/run/kamailio", "folder of the control socket")
	state := cmd.Flags().String("state", "/var/lib/kamailio", "folder of the registrations")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		params, err := app.KamailioParams(cfg)
		if err != nil {
			return err
		}
		params.Run, params.State = *run, *state
		dir, err := filepath.Abs(*out)
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		if err := app.MakeFolder("--out: ", dir); err != nil {
			return err
		}
		if err := cluster.Render(dir, params); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "wrote the configuration of the proxy to %s: %d nodes, %d seats\n", dir, len(params.Nodes), len(params.Seats))
		return nil
	}
	return cmd
}
