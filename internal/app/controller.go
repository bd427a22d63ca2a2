package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/callflow"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/metrics"
	"hotline/internal/redisstore"
	"hotline/internal/runner"
	"hotline/internal/spool"
	"hotline/internal/term"
)

// controller leads the site in terms, and stands by in between.
type controller struct {
	me      redisstore.Controller
	desk    desk
	meters  *metrics.Metrics
	figures *figureReader
	watch   *watch
	spool   *spool.Spool  // nil: what waits is in memory only
	tracer  runner.Tracer // nil: calls are not traced
	log     *zap.Logger

	// Of the configuration; see configuration.go.
	history configurationHistory
	leads   func() error                           // or who does
	request func(context.Context, acd.Event) error // to the engine
	turn    chan struct{}                          // holds a token while the configuration is changed

	mu  sync.Mutex
	cfg *config.Config // guarded by mu; what is gone by
	// applied and by are since when, and who wanted it.
	applied time.Time // guarded by mu
	by      string    // guarded by mu

	untold []toldConfiguration // owned by whoever has turn; what the history does not have yet
}

func newController(cfg *config.Config, version string, meters *metrics.Metrics, figures *figureReader, history configurationHistory, kept *spool.Spool, log *zap.Logger) *controller {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	c := &controller{
		me: redisstore.Controller{
			ID: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6])), Host: host,
			HTTP: cfg.HTTP.Listen.String(), Version: version, Started: time.Now().Round(0),
		},
		meters: meters, figures: figures, spool: kept, log: log,
		history: history, turn: make(chan struct{}, 1), cfg: cfg, applied: time.Now().Round(0), by: fileOf(host),
	}
	c.request = c.desk.Request
	c.leads = func() error {
		_, err := c.desk.now()
		return err
	}
	c.watch = &watch{snapshot: c.desk.Snapshot, faults: c.desk.faults, target: func() time.Duration { return figures.by.Load().definitions.Target() }}
	c.desk.standBy(&httpapi.StandbyError{Why: "it has just been started"})
	return c
}

// run leads whenever nobody else does, until ctx is done.
func (c *controller) run(ctx context.Context) error {
	candidate := term.Candidate{
		Me:       c.me,
		NewStore: c.newStore,
		Lead:     c.lead,
		StandsBy: func(leader redisstore.Controller, why string) {
			c.desk.standBy(&httpapi.StandbyError{Leader: leader.ID, Host: leader.Host, HTTP: leader.HTTP, Why: why})
		},
		Log: c.log,
	}
	return candidate.Run(ctx)
}

// newStore is the store of one term, with what a former one has left in the spool.
func (c *controller) newStore() (*redisstore.Store, error) {
	o, err := storeOptions(c.config(), c.log, c.meters.Store())
	if err != nil {
		return nil, err
	}
	o.Spool = c.spool
	return redisstore.New(o)
}

// lead is one term.
func (c *controller) lead(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
	cfg := c.refresh()
	ledger := &books{store: store, meter: c.meters.Books(), rate: c.watch.ConnectRate, location: cfg.Location, log: c.log}
	t, err := term.Begin(ctx, term.Options{
		Store: store, Lease: lease, Switch: switchOptions(cfg, c.log, c.meters.Switch()), Engine: engineConfig(cfg), Flow: callflow.Standard{},
		Meter: c.meters, Tracer: c.tracer, Log: c.log, Drain: cfg.Shutdown.Drain, DrainPrompts: cfg.Shutdown.Prompts,
		Beside: func(ctx context.Context, request func(context.Context, acd.Event) error) error {
			c.tellBeginning(ctx)
			return ledger.run(ctx, request)
		},
		Ceases: func() {
			c.meters.Leading(false)
			c.desk.standBy(&httpapi.StandbyError{Why: "it is handing over, or ending"})
		},
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return term.Ended, nil // told to end before it began
	case err != nil:
		return term.Ceased, err
	}
	c.desk.lead(t)
	c.meters.Leading(true)
	return t.Run(ctx)
}

func (c *controller) config() *config.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg
}

// refresh reads the configuration file again, for what the former leader was told to go
// by may be newer than what this process has read. A file that cannot be used is told.
func (c *controller) refresh() *config.Config {
	fresh, err := c.usable()
	if err == nil {
		err = c.figures.goBy(fresh)
	}
	if err != nil {
		c.log.Error("the configuration is gone by as it was read before", zap.Error(err))
		return c.config()
	}
	c.goesBy(fresh, fileOf(c.me.Host))
	return fresh
}

// usable reads the configuration file.
func (c *controller) usable() (*config.Config, error) {
	running := c.config()
	fresh, err := config.Load(running.File)
	if err != nil {
		return nil, err
	}
	return fresh, restartless(running, fresh)
}

// restartless lets pass what a running program can take over. What is neither of the engine
// nor of the figures (Redis, ports, nodes) keeps to the start; a change there is an error, so
// that nobody relies on it.
func restartless(running, fresh *config.Config) error {
	if differs := running.NeedsRestart(fresh); len(differs) > 0 {
		return fmt.Errorf("%s: a change of %s takes a restart; undo it, or restart hotline", running.File, strings.Join(differs, ", "))
	}
	return nil
}
