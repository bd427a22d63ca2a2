package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func record(seq uint64) Entry {
	return Entry{Seq: seq, Kind: Record, Value: fmt.Appendf(nil, `{"call":"c%d"}`, seq)}
}

func state(seq uint64, name, text string) Entry {
	return Entry{Seq: seq, Kind: Live, Name: name, Value: []byte(text)}
}

// begin opens a spool that is closed when the test ends.
func begin(t *testing.T, o Options) *Spool {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// reopened closes a spool and opens it again.
func reopened(t *testing.T, s *Spool, o Options) *Spool {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return begin(t, o)
}

func write(t *testing.T, s *Spool, token uint64, entries ...Entry) {
	t.Helper()
	if n, err := s.Write(token, entries); n != len(entries) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

// contents are what a spool holds, as one line.
func contents(t *testing.T, s *Spool) string {
	t.Helper()
	c, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%d:", c.Token)
	for _, e := range slices.Concat(c.Counted, c.Live) {
		text += fmt.Sprintf(" %c%d", e.Kind, e.Seq)
		if e.Kind == Live {
			text += "=" + e.Name + string(e.Value)
		}
	}
	return text
}

func TestKeepsWhatWasWritten(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	s := begin(t, o)
	write(t, s, 7, record(1), Entry{Seq: 2, Kind: Stint, Value: []byte("{}")}, state(3, "call\x00a", "1"), state(4, "call\x00b", "1"))
	write(t, s, 7, state(5, "call\x00a", "2"), state(6, "call\x00b", ""))
	s = reopened(t, s, o)
	if got, want := contents(t, s), "7: r1 s2 l5=call\x00a2 l6=call\x00b"; got != want {
		t.Errorf("the spool holds %q, want %q", got, want)
	}
	if entries, size := s.Size(); entries != 4 || size == 0 {
		t.Errorf("Size = %d, %d", entries, size)
	}
	write(t, s, 8, record(7)) // nothing that is of a lease
	if got := contents(t, s); !strings.HasPrefix(got, "7: r1 s2 r7 l5") {
		t.Errorf("the spool holds %q", got)
	}
	write(t, s, 8, state(8, "call\x00c", "1"))
	if got, want := contents(t, s), "8: r1 s2 r7 l8=call\x00c1"; got != want {
		t.Errorf("under another token the spool holds %q, want %q", got, want)
	}
	if err := s.Drop(func(e Entry) bool { return e.Seq == 2 || e.Seq == 8 }); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, s), "8: r1 r7"; got != want {
		t.Errorf("after Drop the spool holds %q, want %q", got, want)
	}
	if err := s.Empty(true); err != nil {
		t.Fatal(err)
	}
	if entries, size := s.Size(); contents(t, s) != "8:" || entries != 0 || size != 0 {
		t.Errorf("the spool is emptied, and holds %q: %d entries of %d bytes", contents(t, s), entries, size)
	}
}

func TestAdoptedStatesStay(t *testing.T) {
	s := begin(t, Options{Dir: t.TempDir()})
	write(t, s, 7, state(1, "call\x00a", "1"))
	if err := s.Adopt(9, true, false); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Read(); err != nil || c.Token != 9 || c.Made != 7 || len(c.Live) != 1 {
		t.Errorf("Read = %+v, %v", c, err)
	}
	write(t, s, 9, state(2, "call\x00b", "1"))
	if got, want := contents(t, s), "9: l2=call\x00b1"; got != want {
		t.Errorf("the spool holds %q, want %q", got, want)
	}
}

func TestTwoProcessesDoNotShareIt(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	begin(t, o)
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("Open = %v", err)
	}
}

func TestUnusableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/proc/spool"} {
		if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "set spool.dir") {
			t.Errorf("%s: Open = %v", dir, err)
		}
	}
}

func TestGreatestSize(t *testing.T) {
	s := begin(t, Options{Dir: t.TempDir(), MaxSize: 200})
	var full *FullError
	n, err := s.Write(1, []Entry{record(1), record(2), record(3), record(4), record(5), record(6), record(7), record(8)})
	if n == 0 || n == 8 || !errors.As(err, &full) {
		t.Fatalf("Write = %d, %v", n, err)
	}
	if _, size := s.Size(); size > 200 {
		t.Errorf("the spool holds %d bytes", size)
	}
	if c, _ := s.Read(); len(c.Counted) != n || c.Last != uint64(n) {
		t.Errorf("%d were kept, want %d", len(c.Counted), n)
	}
	if err := s.Drop(func(e Entry) bool { return e.Seq == 1 }); err != nil {
		t.Fatal(err)
	}
	write(t, s, 1, record(9))
}

// The file may not grow: the disk refuses, and takes it again when it may.
func TestDiskIsFull(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	o := Options{Dir: t.TempDir()}
	s := begin(t, o)
	write(t, s, 1, record(1))
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	narrow := limit
	narrow.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &narrow); err != nil {
		t.Fatal(err)
	}
	large := Entry{Seq: 2, Kind: Record, Value: bytes.Repeat([]byte("x"), 1<<20)}
	n, err := s.Write(1, []Entry{large})
	if restored := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if n != 0 || err == nil {
		t.Fatalf("Write on a full disk = %d, %v", n, err)
	}
	if entries, _ := s.Size(); entries != 1 {
		t.Errorf("%d entries", entries)
	}
	write(t, s, 1, large)
	if got := contents(t, reopened(t, s, o)); got != "0: r1 r2" {
		t.Errorf("the spool holds %q", got)
	}
}

func TestDamagedValuesAreSetAside(t *testing.T) {
	logs, told := observer.New(zap.ErrorLevel)
	o := Options{Dir: t.TempDir(), Log: zap.New(logs)}
	s := begin(t, o)
	write(t, s, 7, record(1), record(2), record(3), state(4, "place\x0013812345678", "1"), state(5, "call\x00b", "1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(file, []byte(`{"call":"c2"}`)); n == 0 {
		t.Fatal("the record is not in the file")
	}
	file = bytes.ReplaceAll(file, []byte(`{"call":"c2"}`), []byte(`{"call":"c9"}`))
	if err := os.WriteFile(s.Path(), file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(s.Path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(liveBucket)
		if err := b.Put([]byte("call\x00c"), b.Get([]byte("call\x00b"))); err != nil { // under a foreign key
			return err
		}
		key := []byte("place\x0013812345678")
		return b.Put(key, append([]byte{formatVersion + 1}, b.Get(key)[1:]...))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = begin(t, o)
	damaged := s.TakeDamaged()
	if got, want := contents(t, s), "7: r1 r3 l5=call\x00b1"; got != want || damaged != 3 || told.Len() != 3 {
		t.Errorf("the spool holds %q, %d damaged, %d told; want %q, 3 and 3", got, damaged, told.Len(), want)
	}
	if again := s.TakeDamaged(); again != 0 {
		t.Errorf("%d values are told twice", again)
	}
	for _, line := range told.All() {
		if strings.Contains(fmt.Sprint(line.ContextMap()), "13812345678") {
			t.Errorf("a number is in the log: %v", line.ContextMap())
		}
	}
	if err := s.db.View(func(tx *bolt.Tx) error {
		if n := tx.Bucket(damagedBucket).Stats().KeyN; n != 3 {
			t.Errorf("%d values are set aside", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, s, o)
	if damaged = s.TakeDamaged(); damaged != 0 {
		t.Errorf("%d values are damaged the next time", damaged)
	}
}

// However a file is damaged, Open gives a spool that works, and what was in the file is
// in it or set aside.
func TestDamagedFilesAreSetAside(t *testing.T) {
	whole := begin(t, Options{Dir: t.TempDir()})
	for i := range uint64(200) {
		write(t, whole, 7, record(2*i), state(2*i+1, fmt.Sprintf("call\x00%d", i), "1"))
	}
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole.Path())
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	aside := 0
	check := func(name string, spoil func(file []byte) []byte) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName), spoil(bytes.Clone(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Errorf("%s: Open = %v", name, err)
			return
		}
		defer s.Close()
		renamed, err := filepath.Glob(filepath.Join(dir, fileName+".damaged-*"))
		if err != nil {
			t.Fatal(err)
		}
		aside += len(renamed)
		c, err := s.Read()
		if err != nil {
			t.Errorf("%s: Read = %v", name, err)
		}
		damaged := s.TakeDamaged()
		if len(renamed) == 0 && len(c.Counted)+len(c.Live)+damaged < 400 {
			t.Errorf("%s: %d and %d entries are left and %d damaged, and the file is not set aside", name, len(c.Counted), len(c.Live), damaged)
		}
		if n, err := s.Write(8, []Entry{record(1000)}); n != 1 || err != nil {
			t.Errorf("%s: Write = %d, %v", name, n, err)
		}
	}
	check("text", func([]byte) []byte { return []byte(strings.Repeat("no spool ", 2000)) })
	check("short", func(f []byte) []byte { return f[:len(f)/2] })
	check("very short", func(f []byte) []byte { return f[:100] })
	for at := 0; at < len(good); at += page {
		check(fmt.Sprintf("page %d of zeros", at/page), func(f []byte) []byte { clear(f[at:min(at+page, len(f))]); return f })
		check(fmt.Sprintf("page %d of ones", at/page), func(f []byte) []byte {
			copy(f[at:], bytes.Repeat([]byte{0xff}, page))
			return f[:len(good)]
		})
		check(fmt.Sprintf("head of page %d", at/page), func(f []byte) []byte {
			copy(f[at+8:], bytes.Repeat([]byte{0x7f}, 24))
			return f
		})
	}
	t.Logf("%d files of %d pages were set aside", aside, len(good)/page)
	if aside < 3 {
		t.Errorf("only %d files were set aside", aside)
	}
}
