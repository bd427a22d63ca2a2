package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// UnreachableError says that no connection to Redis can be made or kept.
type UnreachableError struct {
	Address string
	Since   time.Time // zero when it was tried once only
	Err     error
}

func (e *UnreachableError) Error() string {
	since := ""
	if !e.Since.IsZero() {
		since = " since " + e.Since.Format(time.RFC3339)
	}
	return fmt.Sprintf("Redis at %s is unreachable%s (%v): start it, or correct its address", e.Address, since, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// PasswordError says that Redis does not accept the user name and password.
// It never holds them.
type PasswordError struct{ Address string }

func (e *PasswordError) Error() string {
	return fmt.Sprintf("Redis at %s does not accept the password: set the one of requirepass, or of the ACL user, in the configuration", e.Address)
}

// RefusedError says that Redis is there and answers with an error, for
// example because its memory is full or it is still loading its data.
type RefusedError struct {
	Address string
	Err     error // what Redis answered
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("Redis at %s answers with an error: %v", e.Address, e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// RefusedEntriesError says that Redis refuses some entries and takes others.
// Those are kept in memory and tried again.
type RefusedEntriesError struct {
	Address string
	Records int   // call records
	Changes int   // live-state changes
	Err     error // what Redis answered to one of them
}

func (e *RefusedEntriesError) Error() string {
	return fmt.Sprintf("Redis at %s refuses %d call records and %d live-state changes, which are kept and tried again: repair the key (%v)",
		e.Address, e.Records, e.Changes, e.Err)
}

func (e *RefusedEntriesError) Unwrap() error { return e.Err }

// entryError is an obstacle that lies in one entry.
type entryError struct{ err error }

func (e *entryError) Error() string { return e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

// Answers of Redis that say nothing about the entry: it would give them to
// every other one as well.
var hindersAll = []string{
	"NOSCRIPT", "LOADING", "BUSY ", "OOM", "MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "max number of clients",
	"CLUSTERDOWN", "TRYAGAIN", "FENCED", "UNFENCED", "LATE", "MOVED", "ASK", "NOPERM", "The user executing the script",
}

// concernsEntry reports whether err is about one entry, so that others can be written.
func concernsEntry(err error) bool {
	var own *entryError
	if errors.As(err, &own) {
		return true
	}
	var answered redis.Error
	return errors.As(err, &answered) && !redis.IsAuthError(err) &&
		!slices.ContainsFunc(hindersAll, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}

// fenced reports whether another controller has the lease under which err's entry was
// to be written.
func fenced(err error) bool { return redis.HasErrorPrefix(err, "FENCED") }

// wasRefused reports whether err is Redis' answer to an entry: the script ran, or was to run.
func wasRefused(err error) bool {
	var answered redis.Error
	return concernsEntry(err) || errors.As(err, &answered) && !redis.HasErrorPrefix(err, "NOSCRIPT")
}

// explain turns an error of the client into one of the typed errors above.
func explain(address string, since time.Time, err error) error {
	if err == nil {
		return nil
	}
	var answered redis.Error
	switch {
	case redis.IsAuthError(err):
		return &PasswordError{Address: address}
	case errors.As(err, &answered):
		return &RefusedError{Address: address, Err: err}
	default:
		return &UnreachableError{Address: address, Since: since, Err: err}
	}
}

// kind names an error for the metrics.
func kind(err error) string {
	var password *PasswordError
	var refused *RefusedError
	switch {
	case errors.As(err, &password):
		return "password"
	case errors.As(err, &refused):
		return "refused"
	default:
		return "unreachable"
	}
}
