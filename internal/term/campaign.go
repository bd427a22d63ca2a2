package term

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/asterisk"
	"hotline/internal/redisstore"
)

const (
	// campaignEvery is how often a standby tries to take the lease, and
	// campaignAway while Redis does not answer.
	campaignEvery = 60 * time.Millisecond
	campaignAway  = 500 * time.Millisecond
	// standDown is how long whoever has led leaves the lease to others; standAside is how
	// long who was replaced at the nodes atMostReplaced times within replacedWithin, for
	// then somebody uses them who knows of no lease here.
	standDown      = 3 * time.Second
	standAside     = time.Minute
	atMostReplaced = 3
	replacedWithin = time.Minute
	// finishFor bounds how long records of a term that could not be written are kept.
	finishFor = 24 * time.Hour
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
	var unfinished sync.WaitGroup
	defer unfinished.Wait()
	finishing, giveUp := context.WithCancel(ctx)
	defer giveUp()           // an end by itself waits for nothing either
	var replaced []time.Time // when this controller was replaced at the nodes, of late
	for {
		store, lease, err := c.campaign(ctx)
		if lease == nil {
			return err
		}
		ending, err := c.Lead(ctx, store, lease)
		if ctx.Err() != nil {
			return errors.Join(err, store.Close())
		}
		if err != nil {
			c.Log.Error("this controller leads no more", zap.Error(err))
		}
		unfinished.Go(c.finish(finishing, store))
		pausing := standDown
		if errors.Is(err, asterisk.ErrReplaced) {
			if replaced = append(replaced, time.Now()); len(replaced) > atMostReplaced {
				replaced = replaced[1:]
			}
			if len(replaced) == atMostReplaced && time.Since(replaced[0]) < replacedWithin {
				c.Log.Error("this controller was replaced at the nodes again and again: another site, or one with another Redis, uses the same application there; end one of the two, or change asterisk.app",
					zap.Duration("stands_aside_for", standAside))
				pausing = standAside
			}
		}
		c.StandsBy(redisstore.Controller{}, "it has led until just now")
		if ending == HandedOver {
			c.Log.Info("this controller stands by from now on")
		}
		pause := time.NewTimer(pausing)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}

// finish lets go of the store of a term. Records that could not be written, and are on no
// disk, are written as soon as Redis takes them. What is returned may take that long.
func (c *Candidate) finish(ctx context.Context, store *redisstore.Store) func() {
	if store.OnlyInMemory() == 0 {
		_ = store.Close()
		return func() {}
	}
	return func() {
		ctx, cancel := context.WithTimeout(ctx, finishFor)
		defer cancel()
		if err := store.Replay(ctx); err != nil {
			c.Log.Error("what a former term has left in memory was not written", zap.Error(err))
		}
		_ = store.Close()
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
