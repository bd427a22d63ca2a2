package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Entry is a call record or a stint as it is stored.
type Entry struct {
	ID    string // in its stream; later entries have greater ones
	Stint bool
	Text  []byte // JSON
}

// Entries are those of a day: call records, then stints, each in the order in which
// they were written. An error ends them.
type Entries = iter.Seq2[Entry, error]

// Entries are what Redis has of a day. Of an archived day these are the corrections
// that came since.
func (s *Store) Entries(ctx context.Context, day calendar.Day) Entries {
	return s.entriesUpTo(ctx, day, "+", "+")
}

// entriesUpTo are Entries up to those with these ids.
func (s *Store) entriesUpTo(ctx context.Context, day calendar.Day, lastCall, lastStint string) Entries {
	return func(yield func(Entry, error) bool) {
		enough := errors.New("enough")
		for _, stream := range []struct {
			name, last string
			stint      bool
		}{{s.keys.records(day), lastCall, false}, {s.keys.stints(day), lastStint, true}} {
			err := s.eachMessage(ctx, stream.name, stream.last, func(message redis.XMessage) error {
				if !yield(Entry{ID: message.ID, Stint: stream.stint, Text: textOf(message)}, nil) {
					return enough
				}
				return nil
			})
			switch {
			case errors.Is(err, enough):
				return
			case err != nil:
				yield(Entry{}, err)
				return
			}
		}
	}
}

func textOf(message redis.XMessage) []byte {
	text, _ := message.Values["record"].(string)
	return []byte(text)
}

// decode says what an entry counts, with the record of a call. Its text is kept as it is.
func (s *Store) decode(entry Entry) (countable, error) {
	if !entry.Stint {
		record, err := decodeRecord(entry.Text)
		if err != nil {
			return countable{}, err
		}
		return countable{id: string(record.Call), text: entry.Text, record: &record, increments: traffic.Fold(record, s.location)}, nil
	}
	var stint acd.Stint
	if err := json.Unmarshal(entry.Text, &stint); err != nil {
		return countable{}, fmt.Errorf("not a stint: %w", err)
	}
	if stint.Version > acd.RecordVersion {
		return countable{}, fmt.Errorf("a stint of agent %s has version %d, this program knows up to %d", stint.Agent, stint.Version, acd.RecordVersion)
	}
	return countable{id: stintID(stint), text: entry.Text, stint: true, increments: traffic.FoldStint(stint, s.location)}, nil
}

func decodeRecord(text []byte) (acd.CallRecord, error) {
	var record acd.CallRecord
	if err := json.Unmarshal(text, &record); err != nil {
		return record, fmt.Errorf("not a call record: %w", err)
	}
	if record.Version > acd.RecordVersion {
		return record, fmt.Errorf("call %s has record version %d, this program knows up to %d", record.Call, record.Version, acd.RecordVersion)
	}
	return record, nil
}
