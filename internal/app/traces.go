package app

import (
	"fmt"

	"go.uber.org/zap"

	"hotline/internal/config"
	"hotline/internal/tracing"
)

// traceCalls lets the controller's calls be traced, when the configuration says whereto.
// The component ends after the controller, so that the last calls are traced too.
func traceCalls(cfg *config.Config, c *controller, version string, log *zap.Logger) ([]component, error) {
	if cfg.Tracing.Endpoint == "" {
		return nil, nil
	}
	secure, err := cfg.Tracing.TLS.Client()
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	headers := make(map[string]string, len(cfg.Tracing.Headers))
	for name, value := range cfg.Tracing.Headers {
		headers[name] = value.Reveal()
	}
	tracer, err := tracing.New(tracing.Options{
		Endpoint: cfg.Tracing.Endpoint, Headers: headers, TLS: secure, Sample: cfg.Tracing.Sample,
		Site: cfg.Site, Version: version, Instance: c.me.ID, Meter: c.meters, Log: log.Named("tracing"),
	})
	if err != nil {
		return nil, err
	}
	c.tracer = tracer
	log.Info("Calls are traced", zap.String("endpoint", cfg.Tracing.Endpoint), zap.Float64("sample", cfg.Tracing.Sample))
	return []component{{"tracing", tracer.Run}}, nil
}
