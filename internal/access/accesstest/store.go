// Package accesstest holds an access.Store in memory, which can be away, and the suite
// to which every Store is held. Only tests import it.
package accesstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotline/internal/access"
)

// Memory is a Store in memory.
type Memory struct {
	Now func() time.Time // nil: time.Now

	mu      sync.Mutex
	away    bool                               // guarded by mu
	hanging bool                               // guarded by mu
	asked   int                                // guarded by mu
	shelves map[access.Shelf]map[string][]byte // guarded by mu
	log     []access.Logged                    // guarded by mu
	next    int                                // guarded by mu
}

// ErrAway is what a Store says that is away.
var ErrAway = errors.New("the store is away")

// GoAway lets the store not answer, or answer again.
func (m *Memory) GoAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

// Hang lets the store not answer until the context is done.
func (m *Memory) Hang(hanging bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hanging = hanging
}

// Asked is how often the store was asked for anything.
func (m *Memory) Asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// State is what is stored on the shelves.
func (m *Memory) State() map[access.Shelf]map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[access.Shelf]map[string]string)
	for shelf, records := range m.shelves {
		out[shelf] = make(map[string]string)
		for id, data := range records {
			out[shelf][id] = string(data)
		}
	}
	return out
}

func (m *Memory) ask(ctx context.Context) (done func(), err error) {
	m.mu.Lock()
	m.asked++
	if m.hanging {
		m.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if m.away {
		m.mu.Unlock()
		return nil, ErrAway
	}
	return m.mu.Unlock, nil
}

// Get implements access.Store, as do the others.
func (m *Memory) Get(ctx context.Context, shelf access.Shelf, id string) ([]byte, error) {
	done, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return bytes.Clone(m.shelves[shelf][id]), nil
}

// All reads a shelf.
func (m *Memory) All(ctx context.Context, shelf access.Shelf) (map[string][]byte, error) {
	done, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return maps.Clone(m.shelves[shelf]), nil
}

// Replace compares and sets.
func (m *Memory) Replace(ctx context.Context, shelf access.Shelf, id string, was, becomes []byte) (bool, error) {
	done, err := m.ask(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if m.shelves == nil {
		m.shelves = make(map[access.Shelf]map[string][]byte)
	}
	if m.shelves[shelf] == nil {
		m.shelves[shelf] = make(map[string][]byte)
	}
	is, there := m.shelves[shelf][id]
	switch {
	case was == nil && there, was != nil && !bytes.Equal(is, was):
		return false, nil
	case becomes == nil:
		delete(m.shelves[shelf], id)
	default:
		m.shelves[shelf][id] = bytes.Clone(becomes)
	}
	return true, nil
}

// Append adds to the log.
func (m *Memory) Append(ctx context.Context, entries [][]byte, keep time.Duration) error {
	done, err := m.ask(ctx)
	if err != nil {
		return err
	}
	defer done()
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	for _, e := range entries {
		m.next++
		m.log = append(m.log, access.Logged{ID: fmt.Sprintf("%d-%d", now().UnixMilli(), m.next), Entry: bytes.Clone(e)})
	}
	for len(m.log) > 0 && placeOf(m.log[0].ID)[0] < now().Add(-keep).UnixMilli() {
		m.log = m.log[1:]
	}
	return nil
}

// Latest reads the log.
func (m *Memory) Latest(ctx context.Context, before string, limit int) (list []access.Logged, err error) {
	done, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	for i := len(m.log) - 1; i >= 0 && len(list) < limit; i-- {
		at, bound := placeOf(m.log[i].ID), placeOf(before)
		if before == "" || at[0] < bound[0] || at[0] == bound[0] && at[1] < bound[1] {
			list = append(list, m.log[i])
		}
	}
	return list, nil
}

func placeOf(id string) (place [2]int64) {
	ms, n, _ := strings.Cut(id, "-")
	place[0], _ = strconv.ParseInt(ms, 10, 64)
	place[1], _ = strconv.ParseInt(n, 10, 64)
	return place
}

// Conform holds a Store, which is empty, to what access expects of it.
func Conform(t *testing.T, s access.Store) {
	ctx := t.Context()
	get := func(shelf access.Shelf, id, want string) {
		t.Helper()
		data, err := s.Get(ctx, shelf, id)
		if err != nil || string(data) != want || want == "" && data != nil {
			t.Errorf("%s %s: got %q, %v; want %q", shelf, id, data, err, want)
		}
	}
	replace := func(id string, was, becomes []byte, want bool) {
		t.Helper()
		if done, err := s.Replace(ctx, access.Users, id, was, becomes); err != nil || done != want {
			t.Errorf("replace %s %q by %q: got %v, %v", id, was, becomes, done, err)
		}
	}
	get(access.Users, "zhang", "")
	replace("zhang", []byte("1"), []byte("2"), false)
	replace("zhang", []byte("1"), nil, false)
	replace("zhang", nil, []byte("1"), true)
	replace("zhang", nil, []byte("2"), false)
	get(access.Users, "zhang", "1")
	get(access.Sessions, "zhang", "")
	replace("zhang", []byte("1"), []byte("2"), true)
	replace("zhang", []byte("1"), []byte("3"), false)
	replace("zhang", []byte("1"), nil, false)
	replace("li", nil, []byte{0, 0xff, '\n'}, true)
	if all, err := s.All(ctx, access.Users); err != nil || len(all) != 2 || string(all["zhang"]) != "2" || string(all["li"]) != "\x00\xff\n" {
		t.Errorf("all: %q, %v", all, err)
	}
	replace("zhang", []byte("2"), nil, true)
	get(access.Users, "zhang", "")
	replace("zhang", nil, []byte("1"), true)

	// One of many who replace the same wins.
	var wins sync.Map
	var work sync.WaitGroup
	for i := range 20 {
		work.Go(func() {
			if done, err := s.Replace(ctx, access.Tokens, "t", nil, []byte{byte('a' + i)}); err != nil {
				t.Error(err)
			} else if done {
				wins.Store(i, true)
			}
		})
	}
	work.Wait()
	n := 0
	wins.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d of 20 have made the same record", n)
	}

	if list, err := s.Latest(ctx, "", 10); err != nil || len(list) != 0 {
		t.Errorf("an empty log has %v, %v", list, err)
	}
	for i := range 3 {
		if err := s.Append(ctx, [][]byte{fmt.Append(nil, "a", i), fmt.Append(nil, "b", i)}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	before := ""
	for range 4 {
		list, err := s.Latest(ctx, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			got, before = append(got, string(l.Entry)), l.ID
		}
	}
	if text := strings.Join(got, " "); text != "b2 a2 b1 a1 b0 a0" {
		t.Errorf("the log reads %s", text)
	}
	time.Sleep(5 * time.Millisecond) // by the clock of the store
	if err := s.Append(ctx, [][]byte{[]byte("new")}, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Latest(ctx, "", 10); err != nil || len(list) != 1 || string(list[0].Entry) != "new" {
		t.Errorf("what is old was kept: %q, %v", list, err)
	}
}
