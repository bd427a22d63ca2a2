package redisstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	// forgetControllers is after how long one that says nothing is not listed any more.
	forgetControllers = 10 * time.Second
	// standbySilence is after how long without a word nobody counts on a standby.
	standbySilence = time.Second
)

// Controller is a hotline process that has the lease of a site, or would like to.
type Controller struct {
	ID      string    `json:"id"` // unique to the process
	Host    string    `json:"host"`
	HTTP    string    `json:"http"` // where its API listens
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Leading bool      `json:"leading"`
	Seen    int64     `json:"seen,omitempty"` // ms since 1970, by Redis' clock
	// Silent is for how long it has said nothing, when it was listed.
	Silent time.Duration `json:"-"`
}

// Successor is a controller that stands by and would take the lease at once.
func (l *Lease) Successor(ctx context.Context) (Controller, bool) {
	list, err := l.store.Controllers(ctx)
	if err != nil {
		return Controller{}, false
	}
	i := slices.IndexFunc(list, func(c Controller) bool { return c.ID != l.me.ID && c.StandsBy() })
	if i < 0 {
		return Controller{}, false
	}
	return list[i], true
}

// StandsBy reports whether the controller, as it was listed, would take over at once.
func (c Controller) StandsBy() bool { return !c.Leading && c.Silent < standbySilence }

// Controllers lists the processes that have said lately that they lead the site or
// would like to, by id.
func (s *Store) Controllers(ctx context.Context) ([]Controller, error) {
	var list []Controller
	var now *redis.TimeCmd
	var all *redis.MapStringStringCmd
	if _, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		now, all = pipe.Time(ctx), pipe.HGetAll(ctx, s.keys.controllers())
		return nil
	}); err != nil {
		return nil, s.explain(err)
	}
	for id, text := range all.Val() {
		var c Controller
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			s.log.Warn("a controller in Redis is not legible", zap.String("id", id), zap.Error(err))
			continue
		}
		if c.Silent = now.Val().Sub(time.UnixMilli(c.Seen)); c.Silent <= forgetControllers {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Controller) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}
