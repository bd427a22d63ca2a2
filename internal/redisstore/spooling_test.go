package redisstore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"hotline/internal/acd"
	"hotline/internal/redisstore/redistest"
	"hotline/internal/spool"
)

// never is longer than Redis takes in any test.
const never = time.Hour

// openSpool opens a spool that is closed when the test ends.
func openSpool(t testing.TB, dir string, change ...func(*spool.Options)) *spool.Spool {
	t.Helper()
	o := spool.Options{Dir: dir}
	for _, f := range change {
		f(&o)
	}
	file, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// with lets a store use a spool. What is in it is of the day of the tests.
func with(file *spool.Spool) func(*Options) {
	return func(o *Options) { o.Spool, o.now = file, func() time.Time { return morning } }
}

// spooling is a store that writes, and spools what waits for longer than after.
func runSpooling(t testing.TB, address string, file *spool.Spool, after time.Duration, change ...func(*Options)) (*Store, *meter, func() error) {
	t.Helper()
	m := newMeter()
	s := open(t, address, append([]func(*Options){func(o *Options) { o.Meter = m }, with(file)}, change...)...)
	s.spool.after = after
	return s, m, start(t, s)
}

// spooled waits until all that is not written is on disk.
func spooled(t testing.TB, s *Store, m *meter) {
	t.Helper()
	m.until(t, "spooling everything", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		records, changes := s.unwritten()
		return records+changes > 0 && s.spooledAll()
	})
}

// emptied waits until all is written and the spool holds nothing.
func emptied(t testing.TB, s *Store, m *meter) {
	t.Helper()
	drained(t, s, m)
	m.until(t, "emptying the spool", func() bool { n, _ := s.spool.file.Size(); return n == 0 })
}

func bytesOf(t *testing.T, file *spool.Spool) []byte {
	t.Helper()
	text, err := os.ReadFile(file.Path())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func agentIn(state acd.AgentState, since time.Time) acd.Change {
	return acd.Change{Agent: &acd.AgentStatus{Agent: "1001", State: state, Since: since}}
}

// As long as Redis is quick nothing is written to the disk.
func TestQuickRedisLeavesTheDiskAlone(t *testing.T) {
	file := openSpool(t, t.TempDir())
	before := bytesOf(t, file)
	s, m, stop := runSpooling(t, server(t).Address, file, never)
	records := calls(20, 2000)
	for i := 0; i < len(records); i += 100 {
		s.Append([]acd.Change{agentIn(acd.Ready, morning)}, records[i:i+100], nil)
		drained(t, s, m)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, bytesOf(t, file)) {
		t.Error("the file has changed")
	}
	holds(t, s, records)
}

// What waits while Redis is away is on disk, and no longer when Redis has it.
func TestSpoolWhileRedisIsAway(t *testing.T) {
	redis := server(t)
	file := openSpool(t, t.TempDir())
	s, m, _ := runSpooling(t, redis.Address, file, never)
	records := calls(21, 10_000)
	s.Append(nil, records[:100], nil)
	drained(t, s, m)
	redis.Kill()
	s.Append([]acd.Change{agentIn(acd.Ready, morning)}, records[100:], nil) // more than are synced together
	m.until(t, "the failure", func() bool { return m.failed("unreachable") })
	spooled(t, s, m)
	content, err := file.Read()
	if err != nil || len(content.Counted) != 9900 || len(content.Live) != 1 {
		t.Errorf("%d records and %d states are on disk, %v", len(content.Counted), len(content.Live), err)
	}
	n, size := file.Size()
	t.Logf("an entry takes %d bytes", size/int64(n))
	if err := s.Ready(); err == nil || !strings.Contains(err.Error(), "9900 records waiting, on disk too") {
		t.Errorf("Ready = %v", err)
	}
	redis.Restart(t)
	emptied(t, s, m)
	holds(t, open(t, redis.Address), records)
}

// Redis is not away, but does not answer for a while.
func TestSpoolWhileRedisIsSlow(t *testing.T) {
	proxy := redistest.StartProxy(t, server(t))
	file := openSpool(t, t.TempDir())
	s, m, _ := runSpooling(t, proxy.Address, file, spoolAfter)
	records := calls(22, 300)
	s.Append(nil, records[:100], nil)
	emptied(t, s, m)
	answer := make(chan struct{})
	proxy.Pause("counted", func() { <-answer })
	s.Append(nil, records[100:200], nil)
	spooled(t, s, m)
	s.Append(nil, records[200:], nil)
	spooled(t, s, m)
	if entries, _ := file.Size(); entries != 200 || m.failed("unreachable") {
		t.Errorf("%d entries are on disk, want 200", entries)
	}
	close(answer)
	emptied(t, s, m)
	holds(t, s, records)
}

// What Redis refuses is on disk as long as it is, and what it takes is not.
func TestParkedEntriesAreSpooled(t *testing.T) {
	file := openSpool(t, t.TempDir())
	m := newMeter()
	s := open(t, server(t).Address, func(o *Options) { o.Meter = m }, with(file))
	s.spool.after, s.parkRetry = never, 20*time.Millisecond
	start(t, s)
	s.client.Set(t.Context(), s.keys.live(acd.KindAgent), "no hash", 0)
	s.Append([]acd.Change{agentIn(acd.Ready, morning)}, nil, nil)
	m.until(t, "parking", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.parked == 1 })
	m.until(t, "spooling", func() bool { n, _ := file.Size(); return n == 1 })
	records := calls(23, 50)
	for i := range records {
		s.Append(nil, records[i:i+1], nil)
		m.until(t, "writing the record", func() bool { applied, _ := m.counts(); return applied == i+1 })
	}
	content, err := file.Read()
	if err != nil || len(content.Live) != 1 || !content.Live[0].Flag || len(content.Counted) > 0 {
		t.Errorf("the spool holds %+v, %v", content, err)
	}
	s.client.Del(t.Context(), s.keys.live(acd.KindAgent))
	emptied(t, s, m)
}

// The spool is full: what does not fit waits in memory, and all is told. It recovers by itself.
func TestSpoolIsFull(t *testing.T) {
	redis := server(t)
	file := openSpool(t, t.TempDir(), func(o *spool.Options) { o.MaxSize = 10_000 })
	logs, told := observer.New(zap.ErrorLevel)
	s, m, _ := runSpooling(t, redis.Address, file, never, func(o *Options) { o.Log = zap.New(logs) })
	redis.Kill()
	records := calls(24, 500)
	s.Append(nil, records, nil)
	m.until(t, "the failure of the spool", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.spoolErrors > 1 })
	if err := s.Ready(); err == nil || !strings.Contains(err.Error(), "500 records waiting, in memory only: the spool has reached its greatest size") {
		t.Errorf("Ready = %v", err)
	}
	if s.Spools() {
		t.Error("it says that it spools")
	}
	if n, size := file.Size(); size > 10_000 || n == 0 || n >= 500 {
		t.Errorf("%d entries of %d bytes are on disk", n, size)
	}
	if n := told.FilterMessageSnippet("in memory only, and would be lost").Len(); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
	redis.Restart(t)
	emptied(t, s, m)
	holds(t, open(t, redis.Address), records)
	if err := s.Ready(); err != nil || !s.Spools() || open(t, redis.Address).Spools() {
		t.Errorf("Ready = %v, Spools = %v", err, s.Spools())
	}
}

// At the end of a process what Redis does not take is on disk.
func TestShutdownSpools(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	file := openSpool(t, dir)
	s, _, stop := runSpooling(t, redis.Address, file, never, func(o *Options) { o.FlushTimeout = time.Millisecond })
	// Redis answers to no write, and is not away; so nothing has been spooled before.
	if err := s.client.Do(t.Context(), "CLIENT", "PAUSE", "60000", "WRITE").Err(); err != nil {
		t.Fatal(err)
	}
	records := calls(25, 300)
	s.Append(nil, records, nil)
	if err := stop(); err == nil || !strings.Contains(err.Error(), "they are in the spool "+file.Path()) {
		t.Errorf("Run = %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	redis.Kill()
	redis.Restart(t)
	file = openSpool(t, dir)
	s, m, _ := runSpooling(t, redis.Address, file, never)
	emptied(t, s, m)
	holds(t, open(t, redis.Address), records)
}

// One record in the file is damaged: the others are written.
func TestDamagedRecordHindersNoOther(t *testing.T) {
	redis := server(t)
	dir := t.TempDir()
	file := openSpool(t, dir)
	records := calls(26, 100)
	var kept []spool.Entry
	for i := range records {
		encoded, _ := open(t, redis.Address).encoded([]entry{recordEntry(morning, &records[i])})
		encoded[0].Seq = uint64(i + 1)
		kept = append(kept, encoded...)
	}
	kept = append(kept, spool.Entry{Seq: 101, Kind: spool.Record, Value: []byte(`{"v":99,"call":"later"}`)}) // of a later program
	if _, err := file.Write(1, kept); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%q", records[40].Call)
	text := bytes.ReplaceAll(bytesOf(t, file), []byte(id), []byte(strings.Replace(id, "node1", "nodeX", 1)))
	if err := os.WriteFile(file.Path(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	file = openSpool(t, dir)
	s, m, _ := runSpooling(t, redis.Address, file, never)
	emptied(t, s, m)
	holds(t, s, append(records[:40:40], records[41:]...))
	open(t, redis.Address, with(file), func(o *Options) { o.Meter = m }) // the store of the next term
	if m.damaged != 2 {
		t.Errorf("%d values were damaged, want 2", m.damaged)
	}
}

// Redis does not know any more whether so old a record was counted.
func TestOldRecordsAreSetAside(t *testing.T) {
	redis := server(t)
	file := openSpool(t, t.TempDir())
	if _, err := file.Write(1, []spool.Entry{{Seq: 1, Kind: spool.Record, Value: []byte(`{"v":1,"call":"old","arrived":"2026-10-01T10:00:00+08:00"}`)}}); err != nil {
		t.Fatal(err)
	}
	s, m, _ := runSpooling(t, redis.Address, file, never)
	drained(t, s, m)
	holds(t, s, nil)
	if entries, _ := file.Size(); m.damaged != 1 || entries != 0 {
		t.Errorf("%d values were set aside and %d are left", m.damaged, entries)
	}
}

// A process that waits for the lease writes the records that it finds, and keeps the live
// states for its own term.
func TestStandbyReplays(t *testing.T) {
	redis := server(t)
	other := open(t, redis.Address)
	take(t, other, "other")
	file := openSpool(t, t.TempDir())
	records := calls(27, 200)
	var kept []spool.Entry
	for i := range records {
		encoded, _ := other.encoded([]entry{recordEntry(morning, &records[i])})
		encoded[0].Seq = uint64(i + 1)
		kept = append(kept, encoded...)
	}
	kept = append(kept, spool.Entry{Seq: 201, Kind: spool.Live, Name: spoolName(callKey("c1"))})
	if _, err := file.Write(1, kept); err != nil {
		t.Fatal(err)
	}
	s := open(t, redis.Address, with(file))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Replay(ctx); err != nil {
		t.Fatal(err)
	}
	holds(t, s, records)
	if content, err := file.Read(); err != nil || len(content.Counted) != 0 || len(content.Live) != 1 {
		t.Errorf("the spool holds %d records and %d states, %v", len(content.Counted), len(content.Live), err)
	}
}

// What Redis has acknowledged leaves the file while other things still wait; a state stays
// until a newer one is in the file or acknowledged.
func TestAcknowledgedEntriesLeaveTheSpool(t *testing.T) {
	file := openSpool(t, t.TempDir())
	s := open(t, server(t).Address, with(file))
	s.Append([]acd.Change{agentIn(acd.Ready, morning)}, calls(28, 3), nil)
	s.spoolNow()
	holdsSpooled := func(records, states int) {
		t.Helper()
		s.dropAcknowledged(time.Now().Add(time.Hour))
		content, err := file.Read()
		if err != nil || len(content.Counted) != records || len(content.Live) != states {
			t.Errorf("the spool holds %d records and %d states, %v; want %d and %d", len(content.Counted), len(content.Live), err, records, states)
		}
		s.spool.looked = time.Time{}
	}
	s.inFlight = s.waiting.take(2)
	holdsSpooled(3, 1)
	s.inFlight = s.inFlight[1:]
	holdsSpooled(2, 1)
	s.inFlight = nil
	holdsSpooled(1, 1)
	s.Append([]acd.Change{agentIn(acd.Talking, morning)}, nil, nil) // replaces the first, and is not spooled
	s.waiting.take(1)
	holdsSpooled(0, 1)
	s.waiting.take(1)
	holdsSpooled(0, 0)
}
