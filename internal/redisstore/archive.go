package redisstore

import (
	"context"
	_ "embed" // archive.lua, restore.lua
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/calendar"
)

var (
	//go:embed archive.lua
	archiveSource string
	//go:embed restore.lua
	restoreSource string

	archiveScript = redis.NewScript(archiveSource)
	restoreScript = redis.NewScript(restoreSource)
)

// Archived says where the records of a closed day are instead of in Redis.
type Archived struct {
	File   string    `json:"file"`   // its name, without a folder
	SHA256 string    `json:"sha256"` // of the file, in hexadecimal
	At     time.Time `json:"at"`
	Calls  int       `json:"calls"`  // records in it
	Stints int       `json:"stints"` // in it
}

// ArchivedError says that something needs records which are in a file.
type ArchivedError struct {
	Day calendar.Day
	Archived
}

func (e *ArchivedError) Error() string {
	return fmt.Sprintf("the records of %s are archived in %s: name its folder, as in hotline traffic verify --day %s --archive FOLDER, or put them back with hotline calls restore %s",
		e.Day, e.File, e.Day, e.File)
}

// ErrDayNotClosed says that only a closed day can be archived.
var ErrDayNotClosed = errors.New("the day is not closed")

// Archive lets go of the records of a closed day that are in a file, up to its last
// ids. It refuses with ErrDayChanging when Redis has not exactly those.
func (s *Store) Archive(ctx context.Context, day calendar.Day, a Archived, lastCall, lastStint string) error {
	text, closing, err := s.closing(ctx, day)
	switch {
	case err != nil:
		return err
	case closing == nil:
		return ErrDayNotClosed
	case closing.Archived != nil:
		return &ArchivedError{day, *closing.Archived}
	}
	closing.Archived = &a
	line, err := s.lineWithPeaks(ctx, day)
	if err != nil {
		return err
	}
	year, _, _ := day.Date()
	result, err := s.reclose(ctx, archiveScript, day, []string{s.keys.records(day), s.keys.stints(day), s.keys.lines(year)},
		text, closing, a.Calls, a.Stints, lastCall, lastStint, line)
	if err == nil && result < 0 {
		err = ErrDayChanging
	}
	return err
}

// lineWithPeaks is the line of a closed day, as it is stored, with the peaks that the
// records in Redis give: when they are archived, nobody can tell them any more. The
// figures stay those of the closing, to which corrections are added. It is empty when
// nothing changes.
func (s *Store) lineWithPeaks(ctx context.Context, day calendar.Day) ([]byte, error) {
	corrections, err := s.client.LLen(ctx, s.keys.corrections(day)).Result()
	if err != nil || corrections == 0 {
		return nil, s.explain(err)
	}
	year, _, _ := day.Date()
	text, err := s.client.HGet(ctx, s.keys.lines(year), day.String()).Bytes()
	if err != nil {
		return nil, s.explain(err)
	}
	line, err := decodeLine(text)
	if err != nil {
		return nil, fmt.Errorf("the line of %s in Redis: %w", day, err)
	}
	anew, err := s.lineAnew(ctx, day, text, int(corrections))
	if err != nil {
		return nil, err
	}
	line.Peaks, line.Carried, line.Corrections = anew.Peaks, anew.Carried, anew.Corrections
	return json.Marshal(line)
}

// reclose runs a script that changes what a day was closed with. What a later program
// wrote there it would lose.
func (s *Store) reclose(ctx context.Context, script *redis.Script, day calendar.Day, streams []string, before string, after *Closing, args ...any) (int, error) {
	if err := s.known(day, after); err != nil {
		return 0, err
	}
	text, err := json.Marshal(after)
	if err != nil {
		return 0, fmt.Errorf("encode the closing of %s: %w", day, err)
	}
	result, err := script.Run(ctx, s.client, append([]string{s.keys.closed()}, streams...), append([]any{day.String(), before, text}, args...)...).Int()
	return result, s.explain(err)
}

// Restore puts archived records of a day back, before the corrections that came since.
// The entries are those of the file that the day's closing names; they are counted
// already, and nothing is counted.
func (s *Store) Restore(ctx context.Context, day calendar.Day, entries Entries) error {
	before, closing, err := s.closing(ctx, day)
	if err != nil {
		return err
	}
	if closing == nil || closing.Archived == nil {
		return fmt.Errorf("%s is not archived: there is nothing to put back", day)
	}
	fresh := []string{s.keys.restoring(s.keys.records(day)), s.keys.restoring(s.keys.stints(day))}
	if err := s.client.Del(ctx, fresh...).Err(); err != nil { // of a try that was broken off
		return s.explain(err)
	}
	if err := s.write(ctx, fresh, entries); err != nil {
		return errors.Join(err, s.client.Del(context.WithoutCancel(ctx), fresh...).Err())
	}
	archived := *closing.Archived
	closing.Archived = nil
	result, err := s.reclose(ctx, restoreScript, day, append(fresh, s.keys.records(day), s.keys.stints(day)), before, closing, archived.Calls, archived.Stints)
	if err == nil && result < 0 {
		err = fmt.Errorf("the records of %s were not put back: somebody else did so meanwhile, or the file has not the %d calls and %d stints that were archived",
			day, archived.Calls, archived.Stints)
	}
	return err
}

// write puts entries into two streams, of call records and of stints, with their ids.
func (s *Store) write(ctx context.Context, streams []string, entries Entries) error {
	pipe := s.client.Pipeline()
	for entry, err := range entries {
		if err != nil {
			return err
		}
		c, err := s.decode(entry)
		if err != nil {
			return fmt.Errorf("entry %s: %w", entry.ID, err)
		}
		stream := streams[0]
		if entry.Stint {
			stream = streams[1]
		}
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: stream, ID: entry.ID, Values: []any{"call", c.id, "record", entry.Text}})
		if pipe.Len() < batchLimit {
			continue
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return s.explain(err)
		}
	}
	_, err := pipe.Exec(ctx)
	return s.explain(err)
}

// VerifyArchived is Verify for a day whose records are archived; entries are those of
// its file, and are read twice.
func (s *Store) VerifyArchived(ctx context.Context, day calendar.Day, entries Entries) ([]Difference, error) {
	return s.verify(ctx, day, entries)
}

// joined are the entries of one after those of another; their kinds alternate.
func joined(first, second Entries) Entries {
	return func(yield func(Entry, error) bool) {
		for _, entries := range []Entries{first, second} {
			for entry, err := range entries {
				if !yield(entry, err) {
					return
				}
			}
		}
	}
}

// upTo are the entries up to those with these ids.
func upTo(entries Entries, lastCall, lastStint string) Entries {
	return func(yield func(Entry, error) bool) {
		for entry, err := range entries {
			last := lastCall
			if entry.Stint {
				last = lastStint
			}
			if err == nil && after(entry.ID, last) {
				continue
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// after reports whether an id of a stream is greater than another.
func after(id, other string) bool {
	a, b := parseID(id), parseID(other)
	return a[0] > b[0] || a[0] == b[0] && a[1] > b[1]
}

func parseID(id string) (parts [2]uint64) {
	ms, n, _ := strings.Cut(id, "-")
	parts[0], _ = strconv.ParseUint(ms, 10, 64) // 0 for what is no id
	parts[1], _ = strconv.ParseUint(n, 10, 64)
	return parts
}
