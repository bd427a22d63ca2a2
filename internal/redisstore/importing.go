package redisstore

import (
	"context"
	_ "embed" // importing.lua
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
)

//go:embed importing.lua
var importingSource string

var importingScript = redis.NewScript(importingSource)

const (
	// holdFor is how long an import holds its days open after its last sign of life: an
	// import that was broken off can be done again meanwhile.
	holdFor = 10 * time.Minute
	// holdAgain is after how long it gives one.
	holdAgain = time.Minute
)

// ErrDayImported says that a day is not closed yet because of an import.
var ErrDayImported = errors.New("records of the day are being imported; an import that was broken off holds it up for ten minutes")

// Hold keeps days from being closed until Done, or for ten minutes after the last
// records were added: half of the records would be closed, and the rest be corrections.
// Days that are closed already stay so, and what is imported for them is a correction.
func (im *Import) Hold(ctx context.Context, days ...calendar.Day) error {
	for _, day := range days {
		im.held[day] = true
	}
	return im.hold(ctx, holdFor)
}

// Done lets the days be closed. An import that failed leaves it out.
func (im *Import) Done(ctx context.Context) error { return im.hold(ctx, 0) }

func (im *Import) hold(ctx context.Context, how time.Duration) error {
	if len(im.held) == 0 {
		return nil
	}
	args := []any{im.id, int(how / time.Second)}
	for day := range im.held {
		args = append(args, day.String())
	}
	im.heldAt = time.Now()
	return im.store.explain(importingScript.Run(ctx, im.store.client, []string{im.store.keys.importing()}, args...).Err())
}

// notImported looks for imports under way for a day.
func (s *Store) notImported(ctx context.Context, day calendar.Day) error {
	now, err := s.client.Time(ctx).Result()
	if err != nil {
		return s.explain(err)
	}
	held, err := s.client.ZRangeByScore(ctx, s.keys.importing(), &redis.ZRangeBy{Min: strconv.FormatInt(now.Unix(), 10), Max: "+inf"}).Result()
	if err != nil {
		return s.explain(err)
	}
	for _, member := range held {
		if strings.HasPrefix(member, day.String()+" ") {
			return ErrDayImported
		}
	}
	return nil
}
