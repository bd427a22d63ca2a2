package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/callflow"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/metrics"
	"hotline/internal/redisstore"
	"hotline/internal/runner"
)

const (
	// startTimeout bounds the questions that are asked before anything starts.
	startTimeout = 5 * time.Second
	// httpGrace is how long requests under way may take at the end.
	httpGrace = 3 * time.Second
)

// Serve runs the controller until ctx is done, or another controller has taken
// over. It first makes sure that Redis and an Asterisk node answer and that its
// own port is free; when not, the error says so in a sentence for each, and
// nothing was started.
func Serve(ctx context.Context, cfg *config.Config, version string, log *zap.Logger) error {
	meters := metrics.New(version)
	store, err := newStore(cfg, log, meters.Store())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	sw, err := newSwitch(cfg, log, meters.Switch())
	if err != nil {
		return err
	}
	engine, err := acd.NewEngine(engineConfig(cfg), callflow.Standard{})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.HTTP.Listen.String())
	if err != nil {
		return fmt.Errorf("the API cannot listen on %s (%w); end the other program, or change http.listen", cfg.HTTP.Listen, err)
	}
	if err := preflight(ctx, store, sw, log); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := store.ForgetLive(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	figures := &trafficReader{store: store, location: cfg.Location}
	if err := figures.goBy(cfg.Traffic); err != nil {
		return errors.Join(err, listener.Close())
	}
	run := runner.New(runner.Options{Engine: engine, Switch: sw, Store: store, Meter: meters, Log: log})
	meters.Watch(run.Snapshot)
	server := httpapi.NewServer(httpapi.New(httpapi.Options{
		Control: run,
		Traffic: figures,
		Ready:   func() []error { return notReady(sw, store) },
		Reload:  func(ctx context.Context) error { return reload(ctx, cfg, run, figures, log) },
		Metrics: meters.Handler(),
		Meter:   meters.HTTP(),
		Token:   cfg.HTTP.Token.Reveal(),
		Log:     log,
		Version: version,
	}), log)
	ledger := &books{store: store, meter: meters.Books(), account: run.Request, location: cfg.Location, log: log}
	log.Info("hotline serves", zap.String("site", cfg.Site), zap.String("version", version), zap.Stringer("http", cfg.HTTP.Listen))
	return runAll(ctx, log, []component{
		{"store", store.Run},
		{"runner", run.Run},
		{"switch", sw.Run},
		{"books", ledger.run},
		{"http", func(ctx context.Context) error { return serveHTTP(ctx, server, listener) }},
	})
}

func preflight(ctx context.Context, store *redisstore.Store, sw *asterisk.Switch, log *zap.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return errors.Join(store.Ping(ctx), bearable(sw.Probe(ctx), sw.Nodes(), log))
}

// bearable lets a node that does not answer not keep the others from being
// served; a mistake that only a person can put right ends the start.
func bearable(probed error, nodes int, log *zap.Logger) error {
	joined, several := probed.(interface{ Unwrap() []error })
	if !several {
		return probed
	}
	away := joined.Unwrap()
	for _, err := range away {
		var problem *asterisk.NodeError
		if len(away) == nodes || !errors.As(err, &problem) || problem.Lasting() {
			return probed
		}
	}
	for _, err := range away {
		log.Error("a node does not answer at the start; its calls are served when it does", zap.Error(err))
	}
	return nil
}

// reload reads the configuration file again and lets the engine and the figures go
// by it, or changes nothing and says why. What is of neither (Redis, ports, nodes)
// keeps to the start; a change there is an error, so that nobody relies on it.
func reload(ctx context.Context, running *config.Config, run *runner.Runner, figures *trafficReader, log *zap.Logger) error {
	fresh, err := config.Load(running.File)
	if err != nil {
		return err
	}
	if differs := running.NeedsRestart(fresh); len(differs) > 0 {
		return fmt.Errorf("%s: a change of %s takes a restart; undo it, or restart hotline", running.File, strings.Join(differs, ", "))
	}
	if err := run.Request(ctx, acd.Reconfigure{Config: engineConfig(fresh)}); err != nil {
		return err
	}
	if err := figures.goBy(fresh.Traffic); err != nil {
		return err // Load has made sure that it is possible
	}
	log.Info("the configuration was applied", zap.String("file", running.File), zap.Int("queues", len(fresh.Queues)), zap.Int("agents", len(fresh.Agents)))
	return nil
}

// engineConfig is what the engine goes by, with chance that no one can foretell.
func engineConfig(cfg *config.Config) acd.Config {
	c := cfg.ACD()
	c.Seed = rand.Uint64()
	return c
}

// notReady lists what keeps the controller from serving callers.
func notReady(parts ...interface{ Ready() error }) []error {
	var errs []error
	for _, p := range parts {
		if err := p.Ready(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func newStore(cfg *config.Config, log *zap.Logger, meter redisstore.Meter) (*redisstore.Store, error) {
	return redisstore.New(redisstore.Options{
		Address: cfg.Redis.Address, Username: cfg.Redis.Username, Password: cfg.Redis.Password.Reveal(), DB: cfg.Redis.Database,
		Site: cfg.Site, Location: cfg.Location, Log: log, Meter: meter,
	})
}

func newSwitch(cfg *config.Config, log *zap.Logger, meter asterisk.Meter) (*asterisk.Switch, error) {
	var nodes []asterisk.Node
	for _, n := range cfg.Asterisk.Nodes {
		nodes = append(nodes, asterisk.Node{ID: n.ID, URL: n.URL, Username: n.Username, Password: n.Password.Reveal()})
	}
	return asterisk.New(asterisk.Options{
		App: cfg.Asterisk.App, Nodes: nodes, OutboundTrunk: cfg.Asterisk.OutboundTrunk, Log: log, Meter: meter,
	})
}

func serveHTTP(ctx context.Context, server *http.Server, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	<-ended // http.ErrServerClosed
	return nil
}
