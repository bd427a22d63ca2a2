package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Shelf is a kind of record in the Store.
type Shelf string

// The shelves.
const (
	Users    Shelf = "users"    // by name
	Sessions Shelf = "sessions" // by the SHA-256 of the secret, in hex
	Tokens   Shelf = "tokens"   // likewise
)

// Store keeps records and the audit log. Any error means that it does not answer. A
// call ends when its context does. It is safe for concurrent use.
type Store interface {
	// Get reads a record; nil when there is none.
	Get(ctx context.Context, shelf Shelf, id string) ([]byte, error)
	// All reads every record of a shelf by id.
	All(ctx context.Context, shelf Shelf) (map[string][]byte, error)
	// Replace writes a record in the place of what was there, and reports false,
	// having changed nothing, when something else is there. was is nil for a new
	// record; becomes is nil to remove it.
	Replace(ctx context.Context, shelf Shelf, id string, was, becomes []byte) (bool, error)
	// Append adds entries to the audit log, and drops those that were added longer
	// than keep ago. There is no way to change an entry.
	Append(ctx context.Context, entries [][]byte, keep time.Duration) error
	// Latest reads entries of the log, the newest first, from before an id on;
	// empty for the end of the log.
	Latest(ctx context.Context, before string, limit int) ([]Logged, error)
}

// Logged is an entry of the audit log as it is stored.
type Logged struct {
	ID    string // its place: milliseconds since 1970, a hyphen, a number
	Entry []byte
}

// askFor bounds a question to the Store.
const askFor = 2 * time.Second

func ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, askFor)
}

// get reads a record into into, and returns it as it is stored; nil when there is none.
func (g *Guard) get(ctx context.Context, shelf Shelf, id string, into any) ([]byte, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	data, err := g.store.Get(ctx, shelf, id)
	switch {
	case err != nil:
		return nil, away(err)
	case data == nil:
		return nil, nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, away(fmt.Errorf("the record %s of %s: %w", id, shelf, err))
	}
	return data, nil
}

// replace reports whether was was still there; becomes nil removes the record.
func (g *Guard) replace(ctx context.Context, shelf Shelf, id string, was []byte, becomes any) (bool, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	var data []byte
	if becomes != nil {
		var err error
		if data, err = json.Marshal(becomes); err != nil {
			return false, fmt.Errorf("encode a record of %s: %w", shelf, err)
		}
	}
	done, err := g.store.Replace(ctx, shelf, id, was, data)
	if err != nil {
		return false, away(err)
	}
	return done, nil
}

// all reads a shelf, by id, with each record as it is stored.
func all[T any](ctx context.Context, g *Guard, shelf Shelf) (map[string]T, map[string][]byte, error) {
	ctx, cancel := ask(ctx)
	defer cancel()
	stored, err := g.store.All(ctx, shelf)
	if err != nil {
		return nil, nil, away(err)
	}
	records := make(map[string]T, len(stored))
	for id, data := range stored {
		var record T
		if err := json.Unmarshal(data, &record); err != nil {
			return nil, nil, away(fmt.Errorf("the record %s of %s: %w", id, shelf, err))
		}
		records[id] = record
	}
	return records, stored, nil
}

// isAway reports whether err says that the Store does not answer.
func isAway(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Kind == Away
}
