package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/asterisk"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/httpapi/live"
	"hotline/internal/httpapi/view"
	"hotline/internal/metrics"
	"hotline/internal/redisstore"
	"hotline/internal/spool"
	"hotline/internal/web"
)

const (
	// startTimeout bounds the questions that are asked before anything starts.
	startTimeout = 5 * time.Second
	// httpGrace is how long requests under way may take at the end.
	httpGrace = 3 * time.Second
	// gcPercent is how far the heap may grow between two collections of garbage, unless
	// GOGC says otherwise: it is small, and a quarter of the collections are enough
	// (docs/bench.md).
	gcPercent = 400
)

// Serve runs a controller until ctx is done: it stands by while another leads the site,
// and leads when nobody does. It first makes sure that Redis and an Asterisk node answer
// and that its own port is free; when not, the error says so in a sentence for each, and
// nothing was started.
func Serve(ctx context.Context, cfg *config.Config, version string, log *zap.Logger) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	meters := metrics.New(version)
	store, err := newStore(cfg, log, nil) // for what is read only
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	listener, err := net.Listen("tcp", cfg.HTTP.Listen.String())
	if err != nil {
		return fmt.Errorf("the API cannot listen on %s (%w); end the other program, or change http.listen", cfg.HTTP.Listen, err)
	}
	if err := preflight(ctx, store, cfg, log); err != nil {
		return errors.Join(err, listener.Close())
	}
	listens, err := secured(listener, cfg, meters, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	figures, err := newFigureReader(store, cfg, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	kept, err := openSpool(cfg, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if kept != nil {
		defer func() { _ = kept.Close() }()
	}
	c := newController(cfg, version, meters, figures, store, kept, log)
	traces, err := traceCalls(cfg, c, version, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	meters.Watch(c.desk.Snapshot)
	guard := newGuard(cfg, store, log)
	events := live.New(live.Options{Snapshot: c.desk.Snapshot, Alerts: c.watch.Alerts, Meter: meters.HTTP()})
	serves := httpapi.Options{
		Control: &c.desk,
		Traffic: figures,
		Reports: figures,
		Records: figures,
		Ready:   c.desk.Ready,
		Reload:  c.reload,
		Alerts:  c.watch.Alerts,
		Metrics: meters.Handler(),
		Meter:   meters.HTTP(),
		Guard:   guard,
		Events:  events,
		Site:    func() view.Site { return siteView(c.config()) },
		Pages:   web.Handlers(),
		Log:     log,
		Version: version,

		Configuration: c,
		Announcements: func(emergency []string) []view.Announcement { return announcements(c.config(), emergency) },

		FullNumbers: cfg.HTTP.FullNumbers,
	}
	vouches, err := newIssuer(cfg, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if vouches != nil {
		defer vouches.Close()
		serves.Issuer, serves.IssuerTitle = vouches, cfg.HTTP.OIDC.Title
	}
	components, err := operations(cfg, &serves, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := httpapi.NewServer(httpapi.New(serves), log)
	log.Info("hotline serves", zap.String("site", cfg.Site), zap.String("controller", c.me.ID), zap.String("version", version), zap.Stringer("http", cfg.HTTP.Listen))
	return runAll(ctx, log, slices.Concat(components, traces, []component{
		{"access", guard.Run},
		{"http", func(ctx context.Context) error { return serveHTTP(ctx, server, listens) }},
		{"alerts", c.watch.run},
		{"events", events.Run}, // its streams end before requests are waited for
		{"configuration", c.watchFile},
		{"controller", c.run},
	}))
}

// operations serves metrics and profiles on an address of their own, when the
// configuration has one, and takes the metrics from the API then. Its component is the
// first, so that it answers until everything else has ended.
func operations(cfg *config.Config, serves *httpapi.Options, log *zap.Logger) ([]component, error) {
	if !cfg.Operations.Listen.IsValid() {
		return nil, nil
	}
	listener, err := net.Listen("tcp", cfg.Operations.Listen.String())
	if err != nil {
		return nil, fmt.Errorf("metrics and profiles cannot be served on %s (%w); end the other program, or change operations.listen", cfg.Operations.Listen, err)
	}
	server := httpapi.NewOperationsServer(httpapi.Operations(*serves), log)
	serves.Metrics = nil
	log.Info("Metrics and profiles have an address of their own", zap.Stringer("operations", cfg.Operations.Listen))
	return []component{{"operations", func(ctx context.Context) error { return serveHTTP(ctx, server, listener) }}}, nil
}

// openSpool opens what waits on disk; nil without a folder for it.
func openSpool(cfg *config.Config, log *zap.Logger) (*spool.Spool, error) {
	if cfg.Spool.Dir == "" {
		log.Warn("no spool is configured: what Redis does not take waits in memory only; see spool.dir")
		return nil, nil
	}
	return spool.Open(spool.Options{Dir: cfg.Spool.Dir, Site: cfg.Site, MaxSize: cfg.Spool.MaxSize, Log: log})
}

func preflight(ctx context.Context, store *redisstore.Store, cfg *config.Config, log *zap.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	sw, err := asterisk.New(switchOptions(cfg, log, nil))
	if err != nil {
		return err
	}
	if err := acd.Config.Validate(cfg.ACD()); err != nil {
		return err
	}
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

// engineConfig is what the engine goes by, with chance that no one can foretell.
func engineConfig(cfg *config.Config) acd.Config {
	c := cfg.ACD()
	c.Seed = rand.Uint64()
	return c
}

func newStore(cfg *config.Config, log *zap.Logger, meter redisstore.Meter) (*redisstore.Store, error) {
	o, err := storeOptions(cfg, log, meter)
	if err != nil {
		return nil, err
	}
	return redisstore.New(o)
}

func storeOptions(cfg *config.Config, log *zap.Logger, meter redisstore.Meter) (redisstore.Options, error) {
	secure, err := cfg.Redis.TLS.Client()
	if err != nil {
		return redisstore.Options{}, fmt.Errorf("redis.tls: %w", err)
	}
	o := redisstore.Options{
		Address: cfg.Redis.Address, Cluster: cfg.Redis.Cluster, TLS: secure,
		Username: cfg.Redis.Username, Password: cfg.Redis.Password.Reveal(), DB: cfg.Redis.Database,
		Site: cfg.Site, Location: cfg.Location, Log: log, Meter: meter,
	}
	if s := cfg.Redis.Sentinel; s != nil {
		o.Sentinel = &redisstore.Sentinel{Master: s.Master, Addresses: s.Addresses, Username: s.Username, Password: s.Password.Reveal()}
	}
	return o, nil
}

func switchOptions(cfg *config.Config, log *zap.Logger, meter asterisk.Meter) asterisk.Options {
	var nodes []asterisk.Node
	for _, n := range cfg.Asterisk.Nodes {
		nodes = append(nodes, asterisk.Node{ID: n.ID, URL: n.URL, Username: n.Username, Password: n.Password.Reveal()})
	}
	return asterisk.Options{
		App: cfg.Asterisk.App, Nodes: nodes, OutboundTrunk: cfg.Asterisk.OutboundTrunk, Log: log, Meter: meter,
	}
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
