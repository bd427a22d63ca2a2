package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"hotline/internal/asterisk"
	"hotline/internal/config"
)

// checkTimeout bounds each of the systems that are examined.
const checkTimeout = 10 * time.Second

// Finding is the answer to one question about the installation.
type Finding struct {
	Name   string // what was asked
	OK     bool
	Detail string // what was found
	Remedy string // what to do; empty when OK
}

// Check examines the Redis and the Asterisk nodes of a configuration. It
// changes nothing and does not disturb a controller that runs.
func Check(ctx context.Context, cfg *config.Config) []Finding {
	var out []Finding
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		out = append(out, Finding{Name: "redis", Detail: err.Error(), Remedy: "correct the configuration"})
	} else {
		for _, f := range store.Check(bounded) {
			out = append(out, Finding(f))
		}
		out = append(out, checkConfiguration(bounded, store, cfg)...)
		_ = store.Close()
	}
	for _, n := range cfg.Asterisk.Nodes {
		out = append(out, checkNode(ctx, cfg.Asterisk.App, n)...)
	}
	return out
}

func checkNode(ctx context.Context, stasis string, n config.Node) []Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	node := asterisk.Node{ID: n.ID, URL: n.URL, Username: n.Username, Password: n.Password.Reveal()}
	var out []Finding
	for _, f := range asterisk.Check(ctx, node, stasis) {
		f.Name = fmt.Sprintf("asterisk %s %s", n.ID, f.Name)
		out = append(out, Finding(f))
	}
	return out
}
