package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"
)

const (
	// DefaultMaxSize of what is kept, in bytes.
	DefaultMaxSize = 1 << 30

	fileName    = "spool.db"
	lockTimeout = time.Second
	// shrinkFrom is the size of an empty file from which it is begun anew: it never shrinks.
	shrinkFrom = 64 << 20
	// dropLimit bounds how many entries one transaction lets go of.
	dropLimit = 10_000
	// fill of the pages: sequence numbers only grow, so that pages need no room.
	fill = 0.95
)

// The buckets. The keys of counted are sequence numbers, big-endian; those of live are
// names of things; those of damaged begin with the bucket from which the value is.
var (
	countedBucket = []byte("counted")
	liveBucket    = []byte("live")
	metaBucket    = []byte("meta")
	damagedBucket = []byte("damaged")

	tokenKey = []byte("token")
	madeKey  = []byte("made")
	siteKey  = []byte("site")

	// Of the records and stints, as token of the states; in files of older programs it is missing.
	countingKey = []byte("counting")
)

// Kind is what an entry is. It is a byte of the file and keeps its meaning.
type Kind byte

// The kinds.
const (
	Record Kind = 'r'
	Stint  Kind = 's'
	Live   Kind = 'l' // the newest state of a thing
)

// Entry is one thing that is kept.
type Entry struct {
	Seq   uint64 // of the order in which entries were made; no two have the same
	Kind  Kind
	Name  string // of the thing whose state it is; a later one replaces it
	Flag  bool   // of a state; its meaning is the caller's
	Value []byte // JSON; empty: the thing is gone
}

// Content is all that is kept, in order.
type Content struct {
	Counted []Entry // records and stints
	Live    []Entry
	Made    uint64 // token of the lease under which the states were made
	Token   uint64 // of the last lease of a process that had them; see Adopt
	// Counting is the token of the last lease of a process that had the records and stints.
	Counting uint64
	Last     uint64 // the greatest sequence number; 0 when there is none
}

// FullError says that the greatest size is reached.
type FullError struct{ Max int64 }

func (e *FullError) Error() string {
	return fmt.Sprintf("the spool has reached its greatest size of %d bytes", e.Max)
}

// Options say where the file is and how much it may hold.
type Options struct {
	Dir     string      // made if it is missing
	MaxSize int64       // bytes of entries; 0: DefaultMaxSize. The file may be somewhat larger
	Site    string      // to which the file belongs from then on; empty: it is not looked at
	Log     *zap.Logger // nil: nothing is logged
}

// Spool is an open file. Its methods may be called by several goroutines.
type Spool struct {
	path    string
	max     int64
	log     *zap.Logger
	damaged int // values found damaged; see TakeDamaged

	mu      sync.Mutex
	db      *bolt.DB // guarded by mu
	entries int      // guarded by mu
	bytes   int64    // guarded by mu; keys and values of entries
}

// Open opens the file, or begins a new one, and makes sure that it can be read and
// written. The error says what to do.
func Open(o Options) (*Spool, error) {
	s := &Spool{path: filepath.Join(o.Dir, fileName), max: o.MaxSize, log: o.Log}
	if s.max == 0 {
		s.max = DefaultMaxSize
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, unusable(o.Dir, err)
	}
	err := s.open()
	var broken *brokenError
	if errors.As(err, &broken) {
		aside := s.path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000000000Z")
		if renamed := os.Rename(s.path, aside); renamed != nil {
			return nil, unusable(o.Dir, renamed)
		}
		s.log.Error("the spool is damaged; it is set aside and a new one begun: records that Redis had not taken may be in it",
			zap.String("file", aside), zap.Error(err))
		s.damaged++
		err = s.open()
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(s.path); err == nil && s.entries == 0 && s.damaged == 0 && info.Size() > shrinkFrom {
		if err := s.beginAnew(); err != nil {
			return nil, err
		}
	}
	if err := s.belongTo(o.Site); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// belongTo notes the site, and refuses a file of another: what is in it would be written there.
func (s *Spool) belongTo(site string) error {
	if site == "" {
		return nil
	}
	var noted string
	if err := s.look(func(tx *bolt.Tx) error {
		v := tx.Bucket(metaBucket).Get(siteKey)
		if v == nil {
			return nil
		}
		body, err := unseal(metaBucket, siteKey, v)
		noted = string(body)
		return err // Open has set such a value aside
	}); err != nil {
		return err
	}
	switch noted {
	case site:
		return nil
	case "":
		return s.update(func(tx *bolt.Tx) error {
			return tx.Bucket(metaBucket).Put(siteKey, seal(metaBucket, siteKey, []byte(site)))
		})
	}
	return fmt.Errorf("the spool %s holds what is of the site %s, and this is the site %s: give each site another spool.dir", s.path, noted, site)
}

func unusable(dir string, err error) error {
	return fmt.Errorf("the spool cannot be kept in %s (%w): let the user of hotline write there, or set spool.dir to a folder where it may", dir, err)
}

// brokenError is a file that cannot be read.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// guard turns a panic of the library, and a page that cannot be read, into an error:
// both mean that the file is damaged.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &brokenError{fmt.Errorf("%v", r)}
		}
	}()
	return f()
}

func (s *Spool) open() error {
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(s.path, 0o600, &bolt.Options{Timeout: lockTimeout})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("the spool %s is in use by another process: end that one, or give this one another spool.dir", s.path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return &brokenError{err}
	case err != nil:
		var broken *brokenError
		if errors.As(err, &broken) {
			return err
		}
		return unusable(filepath.Dir(s.path), err)
	}
	s.db = db
	if err := guard(s.begin); err != nil {
		_ = guard(db.Close)
		var broken *brokenError
		if errors.As(err, &broken) {
			return err
		}
		return unusable(filepath.Dir(s.path), err)
	}
	return nil
}

// begin makes sure of the whole file, sets damaged values aside and counts the rest.
func (s *Spool) begin() error {
	if err := s.db.View(s.checkWhole); err != nil {
		return err
	}
	if err := s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{countedBucket, liveBucket, metaBucket, damagedBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := s.db.Update(s.setDamagedAside); err != nil {
		return err
	}
	// The file's name must last, too.
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return err
	}
	return s.db.View(func(tx *bolt.Tx) error {
		s.count(tx)
		return nil
	})
}

// checkWhole reads every page. What can fault is read by this goroutine first, which is
// guarded; the library's own check runs in another.
func (s *Spool) checkWhole(tx *bolt.Tx) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return &brokenError{fmt.Errorf("it has %d bytes of %d", info.Size(), tx.Size())}
	}
	if err := tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			_ = checksum(k, v)
			return nil
		})
	}); err != nil {
		return &brokenError{err}
	}
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = &brokenError{err}
		}
	}
	return first
}

// count counts the entries and their bytes; the caller holds mu, or is alone.
func (s *Spool) count(tx *bolt.Tx) {
	s.entries, s.bytes = 0, 0
	for _, name := range [][]byte{countedBucket, liveBucket} {
		_ = tx.Bucket(name).ForEach(func(k, v []byte) error {
			s.entries++
			s.bytes += int64(len(k) + len(v))
			return nil
		})
	}
}

func (s *Spool) beginAnew() error {
	if err := s.db.Close(); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil {
		return unusable(filepath.Dir(s.path), err)
	}
	return s.open()
}

// Close lets go of the file.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.Close()
}

// Path is the file's.
func (s *Spool) Path() string { return s.path }

// Size is what is kept: entries, and bytes of their keys and values.
func (s *Spool) Size() (entries int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries, s.bytes
}

// TakeDamaged is how many values, or whole files, Open and SetAside have set aside since it
// was called last.
func (s *Spool) TakeDamaged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.damaged
	s.damaged = 0
	return n
}

// update runs a transaction that is synced, and keeps the size right.
func (s *Spool) update(f func(tx *bolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, bytes := s.entries, s.bytes
	err := guard(func() error { return s.db.Update(f) })
	if err != nil {
		s.entries, s.bytes = entries, bytes
		return fmt.Errorf("the spool %s cannot be written: %w", s.path, err)
	}
	return nil
}
