package app

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/recordfile"
	"hotline/internal/redisstore"
)

// ArchiveOptions say which days go where.
type ArchiveOptions struct {
	Before calendar.Day // not included
	Folder string
	Remove bool // let go of what is in the files
}

// ArchiveCalls writes a file for each closed day before a day, and says in a sentence
// to tell what became of it. A day that fails keeps no other from being archived.
func ArchiveCalls(ctx context.Context, cfg *config.Config, o ArchiveOptions, tell func(string)) error {
	if info, err := os.Stat(o.Folder); err != nil || !info.IsDir() {
		return fmt.Errorf("--folder: there is no folder %s; make it first, readable to those only who may see callers' numbers", o.Folder)
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	closed, err := store.ClosedDays(ctx)
	if err != nil {
		return err
	}
	open, err := store.OpenDays(ctx)
	if err != nil {
		return err
	}
	for _, day := range open {
		if day.Before(o.Before) {
			tell(fmt.Sprintf("%s is open and stays in Redis: a running hotline serve closes it, or logs why not", day))
		}
	}
	a := archiver{cfg: cfg, store: store, ArchiveOptions: o}
	var failed []error
	for _, day := range closed {
		if !day.Before(o.Before) {
			continue
		}
		done, err := a.archive(ctx, day)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s was not archived: %w", day, err))
		}
		if done != "" {
			tell(done)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

type archiver struct {
	ArchiveOptions
	cfg   *config.Config
	store *redisstore.Store
}

// archive archives a day. The sentence says what was done; it is empty when there was
// nothing to do.
func (a archiver) archive(ctx context.Context, day calendar.Day) (string, error) {
	closing, err := a.store.Closing(ctx, day)
	switch {
	case err != nil:
		return "", err
	case closing == nil:
		return "", redisstore.ErrDayNotClosed
	case closing.Archived != nil:
		corrected, err := a.corrected(ctx, day)
		if err != nil || !corrected {
			return "", err
		}
		if !a.Remove {
			return fmt.Sprintf("%s is archived in %s, and corrections have come since: archive with --remove to add them", day, closing.Archived.File), nil
		}
		// With them all in Redis the former file may be replaced.
		if _, err := putBack(ctx, a.cfg, a.store, filepath.Join(a.Folder, closing.Archived.File)); err != nil {
			return "", fmt.Errorf("corrections have come since it was archived, and for the new file the records are needed: %w", err)
		}
	}
	if a.Remove {
		differences, err := a.store.Verify(ctx, day)
		switch {
		case err != nil:
			return "", err
		case len(differences) > 0:
			return "", fmt.Errorf("its counters and its records have %s; see hotline traffic verify --day %s", Count(len(differences), "difference"), day)
		}
	}
	path := filepath.Join(a.Folder, fmt.Sprintf("%s-%s.ndjson.gz", a.cfg.Site, day))
	kept, lastCall, lastStint, err := a.write(ctx, day, path)
	if err != nil {
		return "", err
	}
	if err := a.compare(ctx, day, path); err != nil {
		return "", err
	}
	done := fmt.Sprintf("%s: %s and %s are in %s", day, Count(kept.Calls, "call"), Count(kept.Stints, "stint"), path)
	if !a.Remove {
		return done, nil
	}
	err = a.store.Archive(ctx, day, kept, lastCall, lastStint)
	if errors.Is(err, redisstore.ErrDayChanging) {
		err = fmt.Errorf("%w: archive it again; Redis still has all records", err)
	}
	if err != nil {
		return "", err
	}
	return done + " and no longer in Redis", nil
}

// corrected reports whether Redis has records of an archived day.
func (a archiver) corrected(ctx context.Context, day calendar.Day) (bool, error) {
	for _, err := range a.store.Entries(ctx, day) {
		return true, err
	}
	return false, nil
}

// write writes a day's file, and one with its checksum beside it.
func (a archiver) write(ctx context.Context, day calendar.Day, path string) (kept redisstore.Archived, lastCall, lastStint string, err error) {
	lastCall, lastStint = "0-0", "0-0"
	file, err := createWhole(path)
	if err != nil {
		return
	}
	defer file.abandon()
	packed := gzip.NewWriter(file)
	end, err := writeRecords(ctx, a.store, a.cfg, Days{day, day}, packed, func(entry redisstore.Entry) {
		if entry.Stint {
			lastStint = entry.ID
		} else {
			lastCall = entry.ID
		}
	})
	if err = cmp.Or(err, packed.Close()); err != nil {
		return
	}
	if err = a.notLess(path, end); err != nil {
		return
	}
	sum, err := checksumOf(file.Name())
	if err != nil {
		return
	}
	if err = file.commit(); err != nil {
		return
	}
	kept = redisstore.Archived{File: filepath.Base(path), SHA256: sum, At: time.Now().UTC(), Calls: end.Calls, Stints: end.Stints}
	return kept, lastCall, lastStint, writeChecksum(path, sum)
}

// notLess refuses to put a file in the place of one that has more: perhaps Redis has
// lost records.
func (a archiver) notLess(path string, end recordfile.End) error {
	before, err := readRecords(path, storedHere(a.cfg), nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("there is a file already that is not whole, or another's: move it away (%w)", err)
	case before.End.Calls > end.Calls || before.End.Stints > end.Stints:
		return fmt.Errorf("%s has %s and %s, Redis only %d and %d: move the file away if it is not needed",
			path, Count(before.End.Calls, "call"), Count(before.End.Stints, "stint"), end.Calls, end.Stints)
	}
	return nil
}

// writeChecksum writes the file that sha256sum --check reads.
func writeChecksum(path, sum string) error {
	file, err := createWhole(path + ".sha256")
	if err != nil {
		return err
	}
	defer file.abandon()
	if _, err := fmt.Fprintf(file, "%s  %s\n", sum, filepath.Base(path)); err != nil {
		return fmt.Errorf("write %s: %w", file.path, err)
	}
	return file.commit()
}

// compare reads a day's file back and compares each of its entries with Redis.
func (a archiver) compare(ctx context.Context, day calendar.Day, path string) error {
	next, stop := iter.Pull2(a.store.Entries(ctx, day))
	defer stop()
	for got, err := range archivedEntries(a.cfg, path) {
		if err != nil {
			return err
		}
		stored, err, more := next()
		switch {
		case err != nil:
			return err
		case !more || !sameEntry(got, stored):
			return fmt.Errorf("%s does not read back what is in Redis, at the entry %s: is the disk sound? (or records have changed meanwhile; archive again)", path, got.ID)
		}
	}
	if stored, err, more := next(); err != nil || more {
		return cmp.Or(err, fmt.Errorf("%s has not the entry %s of Redis, which has come meanwhile: archive again", path, stored.ID))
	}
	return nil
}

// sameEntry compares without what does not matter in JSON.
func sameEntry(a, b redisstore.Entry) bool {
	var first, second bytes.Buffer
	return a.ID == b.ID && a.Stint == b.Stint && json.Compact(&first, a.Text) == nil && json.Compact(&second, b.Text) == nil &&
		bytes.Equal(first.Bytes(), second.Bytes())
}

// RestoreCalls puts the records of an archived day back into Redis.
func RestoreCalls(ctx context.Context, cfg *config.Config, path string) (recordfile.Summary, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return recordfile.Summary{}, err
	}
	defer func() { _ = store.Close() }()
	return putBack(ctx, cfg, store, path)
}

// storedHere is what an archive must be. Its checksum says that it is unchanged.
func storedHere(cfg *config.Config) recordfile.Want {
	return recordfile.Want{Site: cfg.Site, Location: cfg.Location, Stored: true}
}

func putBack(ctx context.Context, cfg *config.Config, store *redisstore.Store, path string) (recordfile.Summary, error) {
	summary, err := readRecords(path, storedHere(cfg), nil)
	var malformed *recordfile.MalformedError
	if errors.As(err, &malformed) {
		return summary, fmt.Errorf("%s is damaged, or no archive of this site: get a sound copy, for which sha256sum --check %s.sha256 says OK (%w)", path, filepath.Base(path), malformed)
	}
	if err != nil {
		return summary, err
	}
	if summary.Head.From != summary.Head.To {
		return summary, fmt.Errorf("%s is not the archive of one day: hotline calls import takes it", path)
	}
	day, err := calendar.ParseDay(summary.Head.From)
	if err != nil {
		return summary, fmt.Errorf("%s: %w", path, err)
	}
	closing, err := store.Closing(ctx, day)
	switch {
	case err != nil:
		return summary, err
	case closing == nil || closing.Archived == nil:
		return summary, fmt.Errorf("%s is not archived: Redis has its records, and nothing was changed", day)
	}
	if err := unchanged(path, closing.Archived); err != nil {
		return summary, err
	}
	return summary, store.Restore(ctx, day, archivedEntries(cfg, path))
}

// unchanged looks whether a file is the one that was archived.
func unchanged(path string, a *redisstore.Archived) error {
	sum, err := checksumOf(path)
	switch {
	case err != nil:
		return err
	case sum != a.SHA256:
		return fmt.Errorf("%s is not the file that was archived on %s: its SHA-256 is %s, not %s; get a sound copy of %s",
			path, a.At.Format(time.DateOnly), sum, a.SHA256, a.File)
	}
	return nil
}

// archivedEntries are the entries of an archive; they can be read again.
func archivedEntries(cfg *config.Config, path string) redisstore.Entries {
	return func(yield func(redisstore.Entry, error) bool) {
		enough := errors.New("enough")
		_, err := readRecords(path, storedHere(cfg), func(e recordfile.Entry) error {
			if !yield(redisstore.Entry{ID: e.ID, Stint: e.Kind == recordfile.Stint, Text: e.Text}, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(redisstore.Entry{}, err)
		}
	}
}

// verifyArchived verifies an archived day with its file in a folder.
func verifyArchived(ctx context.Context, cfg *config.Config, store *redisstore.Store, day calendar.Day, folder string) ([]redisstore.Difference, error) {
	closing, err := store.Closing(ctx, day)
	switch {
	case err != nil:
		return nil, err
	case closing == nil || closing.Archived == nil:
		return nil, errors.New("it is not archived: leave out --archive, and Redis' own records are verified")
	}
	path := filepath.Join(folder, closing.Archived.File)
	if err := unchanged(path, closing.Archived); err != nil {
		return nil, err
	}
	return store.VerifyArchived(ctx, day, archivedEntries(cfg, path))
}
