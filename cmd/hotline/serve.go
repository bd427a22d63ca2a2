package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"hotline/internal/app"
	"hotline/internal/config"
)

func serveCommand(load loader) *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		Short:   "Run the controller until SIGTERM; calls at Asterisk go on without it",
		Example: "  hotline serve --config /etc/hotline/hotline.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			log, err := newLog(cfg.Log)
			if err != nil {
				return err
			}
			defer func() { _ = log.Sync() }()
			return app.Serve(cmd.Context(), cfg, version, log)
		},
	}
}

func newLog(c config.Log) (*zap.Logger, error) {
	level, err := zap.ParseAtomicLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	z := zap.NewProductionConfig()
	z.Level = level
	z.Encoding = c.Format
	z.Sampling = nil // every call's line is wanted
	z.DisableStacktrace = true
	z.EncoderConfig.TimeKey = "time"
	z.EncoderConfig.EncodeTime = timeEncoder
	z.EncoderConfig.EncodeDuration = durationEncoder
	return z.Build()
}
