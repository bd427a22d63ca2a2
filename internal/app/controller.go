package app

import (
	"context"
	"crypto/rand"
	"errors"
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
	"hotline/internal/spool"
	"hotline/internal/term"
)

const (
	// campaignEvery is how often a standby tries to take the lease, and
	// campaignAway while Redis does not answer.
	campaignEvery = 60 * time.Millisecond
	campaignAway  = 500 * time.Millisecond
	// standDown is how long whoever has led leaves the lease to others.
	standDown = 3 * time.Second
	// withdrawTimeout bounds the last word of a standby to Redis.
	withdrawTimeout = time.Second
)

// controller leads the site in terms, and stands by in between.
type controller struct {
	me      redisstore.Controller
	desk    desk
	meters  *metrics.Metrics
	figures *trafficReader
	spool   *spool.Spool // nil: what waits is in memory only
	log     *zap.Logger

	mu  sync.Mutex
	cfg *config.Config // guarded by mu; what is gone by
}

func newController(cfg *config.Config, version string, meters *metrics.Metrics, figures *trafficReader, kept *spool.Spool, log *zap.Logger) *controller {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	c := &controller{
		me: redisstore.Controller{
			ID: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6])), Host: host,
			HTTP: cfg.HTTP.Listen.String(), Version: version, Started: time.Now().Round(0),
		},
		meters: meters, figures: figures, spool: kept, log: log, cfg: cfg,
	}
	c.desk.standBy(&httpapi.StandbyError{Why: "it has just been started"})
	return c
}

// run leads whenever nobody else does, until ctx is done.
func (c *controller) run(ctx context.Context) error {
	for {
		store, lease, err := c.campaign(ctx)
		if lease == nil {
			return err
		}
		ending, err := c.lead(ctx, store, lease)
		err = errors.Join(err, store.Close())
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			c.log.Error("this controller leads no more", zap.Error(err))
		}
		c.desk.standBy(&httpapi.StandbyError{Why: "it has led until just now"})
		if ending == term.HandedOver {
			c.log.Info("this controller stands by from now on")
		}
		pause := time.NewTimer(standDown)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}

// campaign tries to take the lease until it is there, or ctx is done: then there is none.
func (c *controller) campaign(ctx context.Context) (*redisstore.Store, *redisstore.Lease, error) {
	o, err := storeOptions(c.config(), c.log, c.meters.Store())
	if err != nil {
		return nil, nil, err
	}
	o.Spool = c.spool
	store, err := redisstore.New(o)
	if err != nil {
		return nil, nil, err
	}
	stop := c.replay(ctx, store)
	defer stop()
	told := ""
	for {
		lease, holder, err := store.TryLease(ctx, c.me)
		var newer *redisstore.StateVersionError
		pause := campaignEvery
		switch {
		case lease != nil:
			return store, lease, nil
		case ctx.Err() != nil:
			bounded, cancel := context.WithTimeout(context.Background(), withdrawTimeout)
			defer cancel()
			_ = store.Withdraw(bounded, c.me) // or it is forgotten after a while
			return nil, nil, store.Close()
		case errors.As(err, &newer):
			return nil, nil, errors.Join(err, store.Close())
		case err != nil:
			pause = campaignAway
			c.desk.standBy(&httpapi.StandbyError{Why: err.Error()})
			if told != err.Error() {
				c.log.Error("this controller cannot lead while Redis does not answer", zap.Error(err))
			}
			told = err.Error()
		default:
			c.desk.standBy(&httpapi.StandbyError{Leader: holder.ID, Host: holder.Host, HTTP: holder.HTTP})
			if told != holder.ID && holder.ID != "" {
				c.log.Info("this controller stands by", zap.String("leader", holder.ID), zap.String("host", holder.Host))
				told = holder.ID
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// replay writes what a former process has left in the spool, also while another controller
// leads. The function that is returned ends it.
func (c *controller) replay(ctx context.Context, store *redisstore.Store) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if c.spool == nil {
			return
		}
		if err := store.Replay(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("what is in the spool is written later", zap.Error(err))
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// lead is one term.
func (c *controller) lead(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (term.Ending, error) {
	cfg := c.refresh()
	ledger := &books{store: store, meter: c.meters.Books(), location: cfg.Location, log: c.log}
	t, err := term.Begin(ctx, term.Options{
		Store: store, Lease: lease, Switch: switchOptions(cfg, c.log, c.meters.Switch()), Engine: engineConfig(cfg), Flow: callflow.Standard{},
		Meter: c.meters, Log: c.log, Drain: cfg.Shutdown.Drain, DrainPrompts: cfg.Shutdown.Prompts, Beside: ledger.run,
	})
	if err != nil {
		bounded, cancel := context.WithTimeout(context.Background(), withdrawTimeout)
		defer cancel()
		return term.Lost, errors.Join(err, lease.GiveBack(bounded))
	}
	c.desk.lead(t)
	c.meters.Leading(true)
	defer c.meters.Leading(false)
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
		err = c.figures.goBy(fresh.Traffic)
	}
	if err != nil {
		c.log.Error("the configuration is gone by as it was read before", zap.Error(err))
		return c.config()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg = fresh
	return fresh
}

// usable reads the configuration file. What is neither of the engine nor of the figures
// (Redis, ports, nodes) keeps to the start; a change there is an error, so that nobody
// relies on it.
func (c *controller) usable() (*config.Config, error) {
	running := c.config()
	fresh, err := config.Load(running.File)
	if err != nil {
		return nil, err
	}
	if differs := running.NeedsRestart(fresh); len(differs) > 0 {
		return nil, fmt.Errorf("%s: a change of %s takes a restart; undo it, or restart hotline", running.File, strings.Join(differs, ", "))
	}
	return fresh, nil
}

// reload lets engine and figures go by the configuration file as it is now, or changes
// nothing and says why.
func (c *controller) reload(ctx context.Context) error {
	fresh, err := c.usable()
	if err != nil {
		return err
	}
	if err := c.desk.Request(ctx, acd.Reconfigure{Config: engineConfig(fresh)}); err != nil {
		return err
	}
	if err := c.figures.goBy(fresh.Traffic); err != nil {
		return err // Load has made sure that it is possible
	}
	c.mu.Lock()
	c.cfg = fresh
	c.mu.Unlock()
	c.log.Info("the configuration was applied", zap.String("file", fresh.File), zap.Int("queues", len(fresh.Queues)), zap.Int("agents", len(fresh.Agents)))
	return nil
}
