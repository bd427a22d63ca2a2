package term

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"hotline/internal/redisstore"
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

// Candidate is a controller that leads the site whenever nobody else does, and stands by
// in between. All fields but Every are required.
type Candidate struct {
	Me redisstore.Controller
	// NewStore makes the store of one term.
	NewStore func() (*redisstore.Store, error)
	// Lead is one term, until ctx is done or another leads; it gives the lease back.
	Lead func(ctx context.Context, store *redisstore.Store, lease *redisstore.Lease) (Ending, error)
	// StandsBy is told again and again while this controller does not lead: who does,
	// as far as is known, or why it cannot.
	StandsBy func(leader redisstore.Controller, why string)
	Log      *zap.Logger
	// Every is how often a standby tries to take the lease; 0: 60 ms.
	Every time.Duration
}

// Run leads whenever nobody else does, until ctx is done.
func (c *Candidate) Run(ctx context.Context) error {
	for {
		store, lease, err := c.campaign(ctx)
		if lease == nil {
			return err
		}
		ending, err := c.Lead(ctx, store, lease)
		err = errors.Join(err, store.Close())
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			c.Log.Error("this controller leads no more", zap.Error(err))
		}
		c.StandsBy(redisstore.Controller{}, "it has led until just now")
		if ending == HandedOver {
			c.Log.Info("this controller stands by from now on")
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

// replay writes what a former process has left in the spool, also while another controller
// leads. The function that is returned ends it.
func (c *Candidate) replay(ctx context.Context, store *redisstore.Store) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := store.Replay(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("what is in the spool is written later", zap.Error(err))
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// campaign tries to take the lease until it is there, or ctx is done: then there is none.
func (c *Candidate) campaign(ctx context.Context) (*redisstore.Store, *redisstore.Lease, error) {
	store, err := c.NewStore()
	if err != nil {
		return nil, nil, err
	}
	stop := c.replay(ctx, store)
	defer stop()
	told, every := "", cmp.Or(c.Every, campaignEvery)
	for {
		asked := time.Now()
		lease, holder, err := store.TryLease(ctx, c.Me)
		var newer *redisstore.StateVersionError
		pause := every
		switch {
		case lease != nil:
			return store, lease, nil
		case ctx.Err() != nil:
			bounded, cancel := context.WithTimeout(context.Background(), withdrawTimeout)
			defer cancel()
			_ = store.Withdraw(bounded, c.Me) // or it is forgotten after a while
			return nil, nil, store.Close()
		case errors.As(err, &newer):
			return nil, nil, errors.Join(err, store.Close())
		case err != nil:
			pause = max(every, campaignAway-time.Since(asked))
			c.StandsBy(redisstore.Controller{}, err.Error())
			if told != err.Error() {
				c.Log.Error("this controller cannot lead while Redis does not answer", zap.Error(err))
			}
			told = err.Error()
		default:
			c.StandsBy(holder, "")
			if told != holder.ID && holder.ID != "" {
				c.Log.Info("this controller stands by", zap.String("leader", holder.ID), zap.String("host", holder.Host))
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
