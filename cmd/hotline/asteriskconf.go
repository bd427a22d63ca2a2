package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	asteriskconf "hotline/asterisk-conf"
	"hotline/internal/acd"
	"hotline/internal/app"
)

func asteriskConfCommand(load loader) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "asterisk-conf",
		Short:   "Write the configuration of an Asterisk node from ours: trunks, seats, ARI, fallback",
		Example: "  hotline asterisk-conf --out /etc/asterisk --node a1",
	}
	out := cmd.Flags().String("out", "/etc/asterisk", "folder to write to")
	node := cmd.Flags().String("node", "", "which of asterisk.nodes; may be left out when there is one")
	console := cmd.Flags().Bool("console-log", false, "warnings and errors go to standard output, as of a container, and not into a file")
	passwords := cmd.Flags().Bool("make-passwords", false, "first make a SIP password for each seat that has none, a file in asterisk.seat_password_dir")
	dirs := asteriskconf.Dirs{}
	cmd.Flags().StringVar(&dirs.Modules, "modules", "/usr/lib/x86_64-linux-gnu/asterisk/modules", "Asterisk's folder of modules")
	cmd.Flags().StringVar(&dirs.Data, "data", "/usr/share/asterisk", "Asterisk's folder of documentation and sounds")
	cmd.Flags().StringVar(&dirs.Run, "run", "/run/asterisk", "folder of the control socket")
	cmd.Flags().StringVar(&dirs.Log, "log", "/var/log/asterisk", "folder of the log")
	cmd.Flags().StringVar(&dirs.DB, "db", "/var/lib/asterisk", "folder of the registrations")
	cmd.Flags().StringVar(&dirs.Spool, "spool", "/var/spool/asterisk", "folder of the recordings")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		if *passwords {
			made, err := app.MakeSeatPasswords(cfg)
			if err != nil {
				return err
			}
			if made > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "made passwords of %d seats in %s\n", made, cfg.Asterisk.SeatPasswordDir)
			}
		}
		params, err := app.AsteriskParams(cfg, acd.NodeID(*node))
		if err != nil {
			return err
		}
		params.Dirs, params.LogToConsole, params.NoLogFile = dirs, *console, *console
		if *out, err = filepath.Abs(*out); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		if err := app.MakeFolder("--out: ", *out); err != nil {
			return err
		}
		if err := asteriskconf.Render(*out, params); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "wrote the configuration of node %s to %s\n", params.Node, *out)
		return nil
	}
	return cmd
}
