package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// ImportBatch is how many records are best given to Import.Add at once.
const ImportBatch = batchLimit

// Import counts calls and stints that come from elsewhere, by the script that counts
// live calls: what has been counted already is not counted again. It is used by one
// goroutine.
type Import struct {
	Applied int // records and stints that were counted now,
	Before  int // and that had been before

	store    *Store
	prepared map[calendar.Day]bool

	id     string // names it in Redis
	held   map[calendar.Day]bool
	heldAt time.Time
}

// NewImport begins an import. At its end is Done; one that was broken off may be done
// again from the beginning.
func (s *Store) NewImport() *Import {
	return &Import{store: s, prepared: map[calendar.Day]bool{}, id: rand.Text(), held: map[calendar.Day]bool{}}
}

// Add counts records and stints, none of which reaches over midnight.
func (im *Import) Add(ctx context.Context, records []acd.CallRecord, stints []acd.Stint) error {
	var batch []entry
	for i := range records {
		batch = append(batch, recordEntry(time.Time{}, &records[i]))
	}
	for i := range stints {
		batch = append(batch, stintEntry(time.Time{}, &stints[i]))
	}
	errs := make([]error, len(batch))
	groups := im.store.groups(batch, errs)
	if time.Since(im.heldAt) > holdAgain {
		if err := im.hold(ctx, holdFor); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := im.prepare(ctx, g.day); err != nil {
			return err
		}
	}
	if len(groups) > 0 {
		pipe := im.store.client.Pipeline()
		im.store.queueGroups(ctx, pipe, groups, true) // nobody sends it again when Redis does not know the script
		_, err := pipe.Exec(ctx)
		if answered := redis.Error(nil); errors.As(err, &answered) {
			err = nil // it is that of a reply
		}
		applied, before := im.store.readGroups(ctx, batch, groups, err, errs)
		im.Applied += applied
		im.Before += before
	}
	return im.store.explain(cmp.Or(errs...))
}

// Check says why nothing can be imported for a day. It changes nothing.
func (im *Import) Check(ctx context.Context, day calendar.Day) error {
	_, err := im.forgotten(ctx, day)
	return err
}

// prepare makes sure that what was counted for a day is known: the set of ids expires.
func (im *Import) prepare(ctx context.Context, day calendar.Day) error {
	if im.prepared[day] {
		return nil
	}
	s := im.store
	if !im.held[day] {
		if err := im.Hold(ctx, day); err != nil {
			return err
		}
	}
	if err := s.client.Expire(ctx, s.keys.counted(day), dedupeFor).Err(); err != nil {
		return s.explain(err)
	}
	forgotten, err := im.forgotten(ctx, day)
	if err != nil {
		return err
	}
	if forgotten {
		if err := s.remember(ctx, day); err != nil {
			return err
		}
	}
	im.prepared[day] = true
	return nil
}

// forgotten reports whether ids of entries that were counted are not in the day's set.
func (im *Import) forgotten(ctx context.Context, day calendar.Day) (bool, error) {
	s := im.store
	imported, err := s.ImportedYears(ctx)
	if err != nil {
		return false, err
	}
	for _, period := range []string{day.Month().String(), day.String()[:4]} {
		if _, there := imported[period]; there {
			return false, fmt.Errorf("the figures of %s were imported as a whole (hotline traffic import): calls of %s would count twice", period, day)
		}
	}
	closing, err := s.Closing(ctx, day)
	if err != nil {
		return false, err
	}
	var ids, calls, stints *redis.IntCmd
	_, err = s.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		ids, calls, stints = pipe.SCard(ctx, s.keys.counted(day)), pipe.XLen(ctx, s.keys.records(day)), pipe.XLen(ctx, s.keys.stints(day))
		return nil
	})
	if err != nil {
		return false, s.explain(err)
	}
	entries := calls.Val() + stints.Val()
	if closing == nil || closing.Archived == nil {
		return ids.Val() < entries, nil
	}
	entries += int64(closing.Archived.Calls + closing.Archived.Stints)
	if ids.Val() < entries {
		return false, fmt.Errorf("the records of %s are archived in %s, and which calls were counted is not known without them: put them back with hotline calls restore, then import",
			day, closing.Archived.File)
	}
	return false, nil
}

// remember puts the ids of a day's entries into the set of those that were counted.
func (s *Store) remember(ctx context.Context, day calendar.Day) error {
	var ids []any
	add := func() error {
		pipe := s.client.TxPipeline()
		pipe.SAdd(ctx, s.keys.counted(day), ids...)
		pipe.Expire(ctx, s.keys.counted(day), dedupeFor)
		_, err := pipe.Exec(ctx)
		ids = ids[:0]
		return s.explain(err)
	}
	for entry, err := range s.Entries(ctx, day) {
		if err != nil {
			return err
		}
		c, err := s.decode(entry)
		if err != nil {
			return fmt.Errorf("entry %s of the records of %s: %w", entry.ID, day, err)
		}
		if ids = append(ids, c.id); len(ids) == batchLimit {
			if err := add(); err != nil {
				return err
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return add()
}
