package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/zap"
)

// A value in the file is a version, a checksum of key and value, and the value:
//
//	byte 0     formatVersion
//	byte 1–4   CRC-32C of byte 0, the bucket's first letter, the key and byte 5…, big-endian
//	byte 5…    counted: kind and JSON; live: sequence number (8 bytes), flag and JSON;
//	           meta: a number (8 bytes), or the name of the site
const (
	formatVersion = 1
	sealLength    = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return sum
}

func seal(bucket, key []byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	value := make([]byte, sealLength, sealLength+len(body))
	value[0] = formatVersion
	binary.BigEndian.PutUint32(value[1:], checksum(value[:1], bucket[:1], key, body))
	return append(value, body...)
}

// unseal gives what seal was given; the result is not the file's.
func unseal(bucket, key, value []byte) ([]byte, error) {
	switch {
	case len(value) < sealLength:
		return nil, errors.New("it is too short")
	case value[0] != formatVersion:
		return nil, fmt.Errorf("it has version %d, and this program knows %d", value[0], formatVersion)
	case binary.BigEndian.Uint32(value[1:]) != checksum(value[:1], bucket[:1], key, value[sealLength:]):
		return nil, errors.New("its checksum is wrong")
	}
	return bytes.Clone(value[sealLength:]), nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// place is where an entry is kept, and as what.
func (e Entry) place() (bucket, key, value []byte) {
	if e.Kind == Live {
		flag := []byte{0}
		if e.Flag {
			flag[0] = 1
		}
		key = []byte(e.Name)
		return liveBucket, key, seal(liveBucket, key, number(e.Seq), flag, e.Value)
	}
	key = number(e.Seq)
	return countedBucket, key, seal(countedBucket, key, []byte{byte(e.Kind)}, e.Value)
}

// entryOf reads back what place gave.
func entryOf(bucket, key, value []byte) (e Entry, err error) {
	body, err := unseal(bucket, key, value)
	switch {
	case err != nil:
		return e, err
	case bytes.Equal(bucket, liveBucket) && len(body) >= 9:
		return Entry{Seq: binary.BigEndian.Uint64(body), Kind: Live, Name: string(key), Flag: body[8] == 1, Value: body[9:]}, nil
	case bytes.Equal(bucket, countedBucket) && len(key) == 8 && len(body) >= 1 && (Kind(body[0]) == Record || Kind(body[0]) == Stint):
		return Entry{Seq: binary.BigEndian.Uint64(key), Kind: Kind(body[0]), Value: body[1:]}, nil
	}
	return e, errors.New("it is of no known kind")
}

// setDamagedAside moves values that cannot be read out of the way.
func (s *Spool) setDamagedAside(tx *bolt.Tx) error {
	for _, name := range [][]byte{countedBucket, liveBucket, metaBucket} {
		b := tx.Bucket(name)
		found := map[string]error{}
		if err := b.ForEach(func(k, v []byte) error {
			var err error
			if bytes.Equal(name, metaBucket) {
				_, err = unseal(name, k, v)
			} else {
				_, err = entryOf(name, k, v)
			}
			if err != nil {
				found[string(k)] = err
			}
			return nil
		}); err != nil {
			return err
		}
		for k, why := range found {
			if err := s.moveAside(tx, name, []byte(k), why); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveAside moves one value into the bucket of damaged ones.
func (s *Spool) moveAside(tx *bolt.Tx, bucket, key []byte, why error) error {
	b := tx.Bucket(bucket)
	value := b.Get(key)
	if value == nil {
		return nil
	}
	kept := fmt.Appendf(nil, "%s/%s/", bucket, time.Now().UTC().Format(time.RFC3339Nano))
	if err := tx.Bucket(damagedBucket).Put(append(kept, key...), bytes.Clone(value)); err != nil {
		return err
	}
	if err := b.Delete(key); err != nil {
		return err
	}
	s.damaged++
	name := "sequence_number"
	id := strconv.FormatUint(sequence(key), 10)
	if !bytes.Equal(bucket, countedBucket) {
		name, id = "kind", string(bytes.SplitN(key, []byte{0}, 2)[0])
	}
	s.log.Error("a value in the spool cannot be used; it is set aside there, in the bucket of damaged values",
		zap.String("file", s.path), zap.ByteString("bucket", bucket), zap.String(name, id), zap.Error(why))
	return nil
}

func sequence(key []byte) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

// SetAside moves records and stints that the caller cannot use to the damaged values.
func (s *Spool) SetAside(entries []Entry, why error) error {
	return s.update(func(tx *bolt.Tx) error {
		for _, e := range entries {
			bucket, key, value := e.place()
			if err := s.moveAside(tx, bucket, key, why); err != nil {
				return err
			}
			s.forget(key, value)
		}
		return nil
	})
}

// Read gives what is kept.
func (s *Spool) Read() (Content, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c Content
	err := guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			for _, meta := range []struct {
				key  []byte
				into *uint64
			}{{madeKey, &c.Made}, {tokenKey, &c.Token}, {tokenKey, &c.Counting}, {countingKey, &c.Counting}} {
				if v := tx.Bucket(metaBucket).Get(meta.key); v != nil {
					body, err := unseal(metaBucket, meta.key, v)
					if err != nil {
						return err
					}
					*meta.into = sequence(body)
				}
			}
			for _, bucket := range []struct {
				name []byte
				into *[]Entry
			}{{countedBucket, &c.Counted}, {liveBucket, &c.Live}} {
				if err := tx.Bucket(bucket.name).ForEach(func(k, v []byte) error {
					e, err := entryOf(bucket.name, k, v)
					if err != nil {
						return err // Open has set such values aside
					}
					*bucket.into = append(*bucket.into, e)
					c.Last = max(c.Last, e.Seq)
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return Content{}, fmt.Errorf("the spool %s cannot be read: %w", s.path, err)
	}
	slices.SortFunc(c.Live, func(a, b Entry) int { return int(a.Seq) - int(b.Seq) })
	return c, nil
}

// Write keeps entries, and returns when they are on the disk; n is how many of them, from
// the first on, are. The states of things that were made under another token than this one
// are forgotten with the first that is made under this one. The error is a *FullError, or
// of the disk.
func (s *Spool) Write(token uint64, entries []Entry) (n int, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		n = 0
		counted := tx.Bucket(countedBucket)
		counted.FillPercent = fill
		for _, e := range entries {
			bucket, key, value := e.place()
			if e.Kind == Live {
				if err := s.under(tx, token); err != nil {
					return err
				}
			} else if token != 0 { // else whoever writes does not lead, and has found them here
				if err := s.note(tx, countingKey, token); err != nil {
					return err
				}
			}
			b := counted
			if e.Kind == Live {
				b = tx.Bucket(bucket)
			}
			old := b.Get(key)
			if s.bytes+int64(len(key)+len(value)-len(old)) > s.max {
				return nil
			}
			if old != nil {
				s.forget(key, old)
			}
			if err := b.Put(key, value); err != nil {
				return err
			}
			s.entries++
			s.bytes += int64(len(key) + len(value))
			n++
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case n < len(entries):
		return n, &FullError{Max: s.max}
	}
	return n, nil
}

// under notes the token, and forgets states that were made under another.
func (s *Spool) under(tx *bolt.Tx, token uint64) error {
	meta := tx.Bucket(metaBucket)
	sealed := seal(metaBucket, madeKey, number(token))
	if bytes.Equal(meta.Get(madeKey), sealed) {
		return nil
	}
	if err := s.clear(tx, liveBucket); err != nil {
		return err
	}
	if err := meta.Put(madeKey, sealed); err != nil {
		return err
	}
	return meta.Put(tokenKey, seal(metaBucket, tokenKey, number(token)))
}

// note keeps a token in the meta bucket.
func (s *Spool) note(tx *bolt.Tx, key []byte, token uint64) error {
	meta, sealed := tx.Bucket(metaBucket), seal(metaBucket, key, number(token))
	if bytes.Equal(meta.Get(key), sealed) {
		return nil
	}
	return meta.Put(key, sealed)
}

// Adopt notes that the states, or the records and stints, belong to the lease with this token
// from now on, until some are written under it: its holder has had them, and may end before it
// has written any.
func (s *Spool) Adopt(token uint64, states, counted bool) error {
	return s.update(func(tx *bolt.Tx) error {
		if states {
			if err := s.note(tx, tokenKey, token); err != nil {
				return err
			}
		}
		if counted {
			return s.note(tx, countingKey, token)
		}
		return nil
	})
}

func (s *Spool) forget(key, value []byte) {
	s.entries--
	s.bytes -= int64(len(key) + len(value))
}

func (s *Spool) clear(tx *bolt.Tx, bucket []byte) error {
	if err := tx.Bucket(bucket).ForEach(func(k, v []byte) error {
		s.forget(k, v)
		return nil
	}); err != nil {
		return err
	}
	if err := tx.DeleteBucket(bucket); err != nil {
		return err
	}
	_, err := tx.CreateBucket(bucket)
	return err
}

// Empty forgets the records and stints, and the states of things too with live.
func (s *Spool) Empty(live bool) error {
	return s.update(func(tx *bolt.Tx) error {
		if live {
			if err := s.clear(tx, liveBucket); err != nil {
				return err
			}
		}
		return s.clear(tx, countedBucket)
	})
}

// Drop forgets the entries of which needless says so, which is told no value.
func (s *Spool) Drop(needless func(Entry) bool) error {
	for dropped := dropLimit; dropped == dropLimit; {
		type place struct{ bucket, key, value []byte }
		var found []place
		err := s.look(func(tx *bolt.Tx) error {
			for _, name := range [][]byte{countedBucket, liveBucket} {
				c := tx.Bucket(name).Cursor()
				for k, v := c.First(); k != nil && len(found) < dropLimit; k, v = c.Next() {
					e := Entry{Seq: sequence(k), Kind: Record}
					if bytes.Equal(name, liveBucket) {
						e = Entry{Seq: sequence(v[sealLength : sealLength+8]), Kind: Live, Name: string(k)}
					}
					if needless(e) {
						found = append(found, place{name, bytes.Clone(k), bytes.Clone(v)})
					}
				}
			}
			return nil
		})
		if dropped = len(found); err != nil || dropped == 0 {
			return err
		}
		if err := s.update(func(tx *bolt.Tx) error {
			for _, p := range found {
				if err := tx.Bucket(p.bucket).Delete(p.key); err != nil {
					return err
				}
				s.forget(p.key, p.value)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) look(f func(tx *bolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := guard(func() error { return s.db.View(f) }); err != nil {
		return fmt.Errorf("the spool %s cannot be read: %w", s.path, err)
	}
	return nil
}
