package app

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/recordfile"
	"hotline/internal/redisstore"
)

// ExportCalls writes the records of days into a file, which appears only when it is
// whole, or to out when path is "-". Callers' numbers are in clear.
func ExportCalls(ctx context.Context, cfg *config.Config, days Days, path string, out io.Writer) (recordfile.End, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return recordfile.End{}, err
	}
	defer func() { _ = store.Close() }()
	if path == "-" {
		return writeRecords(ctx, store, cfg, days, out, func(redisstore.Entry) {})
	}
	file, err := createWhole(path)
	if err != nil {
		return recordfile.End{}, err
	}
	defer file.abandon()
	end, err := writeRecords(ctx, store, cfg, days, file, func(redisstore.Entry) {})
	if err != nil {
		return end, err
	}
	return end, file.commit()
}

// writeRecords writes a file of the days' records. note is told each.
func writeRecords(ctx context.Context, store *redisstore.Store, cfg *config.Config, days Days, out io.Writer, note func(redisstore.Entry)) (recordfile.End, error) {
	buffered := bufio.NewWriterSize(out, 64<<10)
	w, err := recordfile.NewWriter(buffered, recordfile.Head{Site: cfg.Site, Zone: cfg.Location.String(), From: days.From.String(), To: days.To.String()})
	if err != nil {
		return recordfile.End{}, err
	}
	for _, day := range days.list() {
		for entry, err := range store.Entries(ctx, day) {
			if err != nil {
				return recordfile.End{}, fmt.Errorf("read the records of %s: %w", day, err)
			}
			if err := w.Write(lineOf(entry)); err != nil {
				return recordfile.End{}, fmt.Errorf("write the records of %s: %w", day, err)
			}
			note(entry)
		}
		// Looked at last, for they may be archived meanwhile.
		if err := notArchived(ctx, store, day); err != nil {
			return recordfile.End{}, err
		}
	}
	end, err := w.Close()
	return end, cmp.Or(err, buffered.Flush())
}

// notArchived looks whether Redis has the records of a day.
func notArchived(ctx context.Context, store *redisstore.Store, day calendar.Day) error {
	closing, err := store.Closing(ctx, day)
	if err == nil && closing != nil && closing.Archived != nil {
		err = fmt.Errorf("the records of %s are archived in %s; leave the day out, or put them back with hotline calls restore", day, closing.Archived.File)
	}
	return err
}

func lineOf(entry redisstore.Entry) recordfile.Entry {
	kind := recordfile.Call
	if entry.Stint {
		kind = recordfile.Stint
	}
	return recordfile.Entry{Kind: kind, ID: entry.ID, Text: entry.Text}
}

// What to name instead of a file that is none of records, or no archive.
const (
	recordsRemedy = "name one that hotline calls export or archive has written"
	archiveRemedy = "name one that hotline calls archive has written"
)

// readRecords reads a file of records, which may be compressed with gzip.
func readRecords(path string, want recordfile.Want, visit func(recordfile.Entry) error) (recordfile.Summary, error) {
	remedy := recordsRemedy
	if want.Stored {
		remedy = archiveRemedy
	}
	file, err := OpenFile("", path, remedy)
	if err != nil {
		return recordfile.Summary{}, err
	}
	defer func() { _ = file.Close() }() // only read
	in := bufio.NewReaderSize(file, 64<<10)
	var plain io.Reader = in
	if begin, err := in.Peek(2); err == nil && bytes.Equal(begin, []byte{0x1f, 0x8b}) { // as RFC 1952 has it
		if plain, err = gzip.NewReader(in); err != nil {
			return recordfile.Summary{}, damaged(path, remedy, err)
		}
	}
	summary, err := recordfile.Read(plain, want, visit)
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return summary, nil
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return summary, damaged(path, remedy, err)
	}
	return summary, fmt.Errorf("%s: %w", path, err)
}

// damaged is the error of a file that cannot be unpacked.
func damaged(path, remedy string, err error) error {
	return fmt.Errorf("%s is compressed with gzip, but damaged or cut off: get it whole, or %s (%w)", path, remedy, err)
}

// ImportOptions say what is imported, and how.
type ImportOptions struct {
	File       string
	FromSite   string // whose records they are; empty: ours
	ClockSteps bool   // the times of a record may run backwards
	DryRun     bool   // look at the file only
}

// ImportResult says what was imported.
type ImportResult struct {
	Calls, Stints int // in the file
	Applied       int // counted now; with DryRun none,
	Before        int // and before
}

// ImportCalls counts the records of a file, each once. It looks at the whole file before;
// a *recordfile.MalformedError says what is wrong with it.
func ImportCalls(ctx context.Context, cfg *config.Config, o ImportOptions) (ImportResult, error) {
	if o.File == "-" {
		return ImportResult{}, errors.New("standard input cannot be imported, because the records are read twice; write them into a file first")
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return ImportResult{}, err
	}
	defer func() { _ = store.Close() }()
	want := recordfile.Want{Site: cmp.Or(o.FromSite, cfg.Site), Location: cfg.Location, ClockSteps: o.ClockSteps}
	im := store.NewImport()
	days := map[string]bool{}
	summary, err := readRecords(o.File, want, func(e recordfile.Entry) error {
		days[e.Day] = true
		return nil
	})
	result := ImportResult{Calls: summary.End.Calls, Stints: summary.End.Stints}
	if err != nil {
		return result, err
	}
	var list []calendar.Day
	for _, text := range slices.Sorted(maps.Keys(days)) {
		day, err := calendar.ParseDay(text)
		if err != nil {
			return result, err
		}
		if err := im.Check(ctx, day); err != nil {
			return result, err
		}
		list = append(list, day)
	}
	if o.DryRun {
		return result, nil
	}
	if err := im.Hold(ctx, list...); err != nil {
		return result, err
	}
	if err = importRecords(ctx, im, o.File, want); err == nil {
		err = im.Done(ctx)
	}
	result.Applied, result.Before = im.Applied, im.Before
	if err != nil {
		return result, fmt.Errorf("the import broke off after %d of %s: import the file again, nothing is counted twice (%w)",
			im.Applied+im.Before, Count(result.Calls+result.Stints, "record"), err)
	}
	return result, nil
}

func importRecords(ctx context.Context, im *redisstore.Import, file string, want recordfile.Want) error {
	var calls []acd.CallRecord
	var stints []acd.Stint
	add := func() error {
		err := im.Add(ctx, calls, stints)
		calls, stints = calls[:0], stints[:0]
		return err
	}
	_, err := readRecords(file, want, func(e recordfile.Entry) error {
		if e.Call != nil {
			calls = append(calls, *e.Call)
		} else {
			stints = append(stints, *e.Stint)
		}
		if len(calls)+len(stints) < redisstore.ImportBatch {
			return nil
		}
		return add()
	})
	if err != nil {
		return err
	}
	return add()
}

// Malformed lists what is wrong with the lines of a file that was refused, and how
// many more problems there are.
func Malformed(err error) (problems []string, more int) {
	var malformed *recordfile.MalformedError
	if !errors.As(err, &malformed) {
		return nil, 0
	}
	for _, p := range malformed.Problems {
		problems = append(problems, p.String())
	}
	return problems, malformed.More
}
