package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hotline/internal/app"
)

func checkCommand(load loader) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Are configuration, Asterisk and Redis right? Each failure with its remedy",
		Example: "  hotline check --config /etc/hotline/hotline.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "ok    configuration: %s\n", cfg.File)
			failed := 0
			for _, f := range app.Check(cmd.Context(), cfg) {
				if f.OK {
					fmt.Fprintf(out, "ok    %s: %s\n", f.Name, f.Detail)
					continue
				}
				failed++
				fmt.Fprintf(out, "FAIL  %s: %s\n      remedy: %s\n", f.Name, f.Detail, f.Remedy)
			}
			if failed > 0 {
				fmt.Fprintf(out, "checks that failed: %d\n", failed)
				return errFound
			}
			return nil
		},
	}
}
