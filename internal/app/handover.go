package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/config"
	"hotline/internal/redisstore"
)

const (
	// handoverTimeout bounds how long a handover may take that was asked for.
	handoverTimeout = 10 * time.Second
	handoverLook    = 20 * time.Millisecond
)

// Controllers lists the processes that lead the site or stand by, by id.
func Controllers(ctx context.Context, cfg *config.Config) ([]redisstore.Controller, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	return store.Controllers(ctx)
}

// HandOver asks the leading controller to hand over to one that stands by, and returns
// both when that has been done. The error says what is missing for it.
func HandOver(ctx context.Context, cfg *config.Config) (from, to redisstore.Controller, err error) {
	ctx, cancel := context.WithTimeout(ctx, handoverTimeout)
	defer cancel()
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return from, to, err
	}
	defer func() { _ = store.Close() }()
	list, err := store.Controllers(ctx)
	if err != nil {
		return from, to, err
	}
	leader, leads := leaderOf(list)
	switch {
	case !leads:
		return from, to, fmt.Errorf("no controller leads the site %s: start hotline serve", cfg.Site)
	case !slices.ContainsFunc(list, redisstore.Controller.StandsBy):
		return from, to, fmt.Errorf("nobody stands by to take over from %s on %s: start a second hotline serve for the site %s, on the same Redis", leader.ID, leader.Host, cfg.Site)
	}
	asked, err := store.AskHandover(ctx)
	if err != nil {
		return from, to, err
	}
	if asked.ID == "" {
		return from, to, errors.New("the leader has just ended; see hotline controllers")
	}
	look := time.NewTicker(handoverLook)
	defer look.Stop()
	for {
		list, err := store.Controllers(ctx)
		if next, leads := leaderOf(list); err == nil && leads && next.ID != asked.ID {
			return asked, next, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return from, to, fmt.Errorf("%s on %s has not handed over within %s; its log says why", asked.ID, asked.Host, handoverTimeout)
		}
	}
}

// leaderOf is the controller that has said last that it leads.
func leaderOf(list []redisstore.Controller) (leader redisstore.Controller, leads bool) {
	for _, c := range list {
		if c.Leading && (!leads || c.Silent < leader.Silent) {
			leader, leads = c, true
		}
	}
	return leader, leads
}
