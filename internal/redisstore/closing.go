package redisstore

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed" // close.lua
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

//go:embed close.lua
var closePart string

var closeScript = redis.NewScript(amountsPart + closePart)

// Closing says with what a day was closed.
type Closing struct {
	Version int `json:"v"`
	// Counters is the number of the set of counters with which it was closed (see
	// traffic.CounterSets): the checksum is that of these. Before sets were noted it
	// was the first.
	Counters int       `json:"counters"`
	At       time.Time `json:"at"`
	Calls    int       `json:"calls"`  // records
	Stints   int       `json:"stints"` // of agents
	// LastCall and LastStint are the ids of the last entries of the day's streams.
	LastCall  string `json:"last_call"`
	LastStint string `json:"last_stint"`
	// Checksum is the SHA-256, in hexadecimal, of all counters that are not 0: for the
	// day, then each interval in order, lines "bucket field amount" sorted by field;
	// of those that are in the set.
	Checksum string `json:"sha256"`
	// Archived says where the entries are that Redis has no more; nil: it has all.
	Archived *Archived `json:"archived,omitempty"`
}

// closingVersion is that of the form of Closing.
const closingVersion = 1

// NewerError says that a later program has counted or closed a day than this one.
type NewerError struct {
	Day        calendar.Day
	What       string // which number is higher
	Has, Knows int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was counted by a later version of hotline than this one (%s %d; this one knows up to %d): use that version, or a later one", e.Day, e.What, e.Has, e.Knows)
}

// CounterSet is the number of the set of counters with which a day was closed or, while
// it is open, of the smallest set with which its entries were counted. An error of type
// *NewerError says that this program does not know it.
func (s *Store) CounterSet(ctx context.Context, day calendar.Day) (int, error) {
	closing, err := s.Closing(ctx, day)
	if err != nil {
		return 0, err
	}
	if closing != nil {
		return closing.Counters, s.known(day, closing)
	}
	set, err := s.client.HGet(ctx, s.keys.sets(), day.String()).Int()
	switch {
	case errors.Is(err, redis.Nil):
		set = 1
		if counted, err := s.client.Exists(ctx, s.keys.day(day)).Result(); err != nil || counted == 0 {
			set = s.sets.Latest() // nothing was counted
			return set, s.explain(err)
		}
	case err != nil:
		return 0, s.explain(err)
	}
	return set, s.known(day, &Closing{Version: closingVersion, Counters: set})
}

// known looks whether this program understands what a day was closed with.
func (s *Store) known(day calendar.Day, closing *Closing) error {
	switch {
	case closing.Version > closingVersion:
		return &NewerError{day, "form of the closing", closing.Version, closingVersion}
	case closing.Counters > s.sets.Latest():
		return &NewerError{day, "set of counters", closing.Counters, s.sets.Latest()}
	}
	return nil
}

// The reasons for which a day is not closed yet.
var (
	ErrDayNotOver  = errors.New("the day is not over")
	ErrCallsGoOn   = errors.New("calls of the day are still in progress")
	ErrDayChanging = errors.New("something was counted for the day meanwhile")
)

// DifferencesError says that the counters of a day are not a recount of its records.
type DifferencesError struct {
	Day         calendar.Day
	Differences []Difference
}

func (e *DifferencesError) Error() string {
	return fmt.Sprintf("the counters of %s differ from its records in %d places, the first: %s", e.Day, len(e.Differences), e.Differences[0])
}

// CloseDay freezes the figures of a day that is over: when its last call has
// ended, at the latest giveUpCalls after the day, and the counters are a recount of
// the records. It reports false when the day was closed before. The counters are packed; what comes afterwards is a
// correction, see Corrections.
func (s *Store) CloseDay(ctx context.Context, day calendar.Day, now time.Time) (bool, error) {
	if now.Before(day.End(s.location)) {
		return false, ErrDayNotOver
	}
	if closing, err := s.Closing(ctx, day); err != nil || closing != nil {
		return false, err
	}
	if err := s.nothingGoesOn(ctx, day, now); err != nil {
		return false, err
	}
	// What the day's set has not was counted of a part of the day only. The recount has
	// it of the whole, and is what is kept.
	set, err := s.CounterSet(ctx, day)
	if err != nil {
		return false, err
	}
	meter := s.peakMeter(day)
	stored, recounted, err := s.recounted(ctx, day, meter)
	if err != nil {
		return false, err
	}
	if differences := s.compareDays(set, stored.DayTraffic, recounted.DayTraffic, day); len(differences) > 0 {
		return false, &DifferencesError{day, differences}
	}
	line, err := s.lineOf(ctx, day, recounted.DayTraffic, meter, nil)
	if err != nil {
		return false, err
	}
	closing := Closing{
		Version: closingVersion, Counters: s.sets.Latest(), At: now.UTC(), Calls: recounted.calls, Stints: recounted.stints,
		LastCall: recounted.lastCall, LastStint: recounted.lastStint, Checksum: s.checksum(s.sets.Latest(), day, recounted.DayTraffic),
	}
	return s.pack(ctx, day, closing, line, recounted.DayTraffic)
}

func (s *Store) pack(ctx context.Context, day calendar.Day, closing Closing, line Line, counted DayTraffic) (bool, error) {
	tables := make([]traffic.Table, len(counted.Intervals))
	for i, interval := range counted.Intervals {
		tables[i] = interval.Table
	}
	var texts []any
	for _, part := range []struct {
		value  any
		packed bool
	}{{closing, false}, {counted.Day, true}, {tables, true}, {line, false}} {
		text, err := json.Marshal(part.value)
		if err == nil && part.packed {
			text, err = compress(text)
		}
		if err != nil {
			return false, fmt.Errorf("pack the figures of %s: %w", day, err)
		}
		texts = append(texts, text)
	}
	year, _, _ := day.Date()
	scriptKeys := []string{s.keys.records(day), s.keys.stints(day), s.keys.closed(), s.keys.packed(day), s.keys.lines(year),
		s.keys.open(), s.keys.sets(), s.keys.month(day.Month()), s.keys.year(year), s.keys.importing(), s.keys.day(day)}
	for _, interval := range counted.Intervals {
		scriptKeys = append(scriptKeys, s.keys.interval(interval.Interval))
	}
	args := append([]any{day.String(), closing.LastCall, closing.LastStint}, texts...)
	result, err := closeScript.Run(ctx, s.client, scriptKeys, appendBucket(args, counted.Day)...).Int()
	switch {
	case err != nil:
		return false, s.explain(err)
	case result == -2:
		return false, ErrDayImported
	case result < 0:
		return false, ErrDayChanging
	}
	return result == 1, nil
}

// giveUpCalls is how long after its end a day is closed although calls of it are
// still listed as in progress: nobody talks that long, so their controller died. Should
// their records come after all, they are corrections.
const giveUpCalls = 24 * time.Hour

// nothingGoesOn looks for calls in progress that count for a day, in Redis and in what
// is still to be written there, and for imports under way.
func (s *Store) nothingGoesOn(ctx context.Context, day calendar.Day, now time.Time) error {
	if err := s.nothingWaits(day); err != nil {
		return err
	}
	if err := s.notImported(ctx, day); err != nil {
		return err
	}
	if now.Sub(day.End(s.location)) > giveUpCalls {
		return nil
	}
	live, err := s.Load(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, c := range live.Calls {
		if s.dayOfCall(&c) == day {
			return fmt.Errorf("%w, for example %s", ErrCallsGoOn, c.Call)
		}
	}
	return nil
}

func (s *Store) dayOfCall(c *acd.CallStatus) calendar.Day {
	return calendar.DayOf(cmp.Or(c.Queued, c.Arrived), s.location)
}

// nothingWaits looks for entries of a day that are not written yet. Those of other days
// do not matter: there are always some.
func (s *Store) nothingWaits(day calendar.Day) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entries := range [][]entry{s.waiting.all(), s.inFlight, s.parked} {
		for _, e := range entries {
			switch {
			case e.change != nil && e.change.Call != nil && s.dayOfCall(e.change.Call) == day:
				return fmt.Errorf("%w, for example %s", ErrCallsGoOn, e.change.Call.Call)
			case !e.counts() || s.dayOfEntry(e) != day:
			case e.parked:
				return fmt.Errorf("%w: Redis refuses an entry of the day; /readyz says why", ErrDayChanging)
			default:
				return ErrDayChanging
			}
		}
	}
	return nil
}

// dayOfEntry is the day in which a record or stint counts.
func (s *Store) dayOfEntry(e entry) calendar.Day {
	if e.stint != nil {
		return calendar.DayOf(e.stint.From, s.location)
	}
	return dayOf(*e.record, s.location)
}

// Closing is what a day was closed with; nil when it is open.
func (s *Store) Closing(ctx context.Context, day calendar.Day) (*Closing, error) {
	_, closing, err := s.closing(ctx, day)
	return closing, err
}

// closing is Closing, with its text.
func (s *Store) closing(ctx context.Context, day calendar.Day) (string, *Closing, error) {
	text, err := s.client.HGet(ctx, s.keys.closed(), day.String()).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", nil, nil
	case err != nil:
		return "", nil, s.explain(err)
	}
	var closing Closing
	if err := json.Unmarshal([]byte(text), &closing); err != nil {
		return "", nil, fmt.Errorf("field %s of %s in Redis: %w", day, s.keys.closed(), err)
	}
	closing.Counters = max(closing.Counters, 1)
	return text, &closing, nil
}

// Correction is an entry that was counted after its day had been closed.
type Correction struct {
	At time.Time `json:"at"`
	ID string    `json:"id"` // of the call, or stint:<agent>:<nanoseconds>
}

// OpenDays lists the days of which something was counted and that are not closed,
// in order: today, and those before that wait for a call to end.
func (s *Store) OpenDays(ctx context.Context) ([]calendar.Day, error) {
	texts, err := s.client.SMembers(ctx, s.keys.open()).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	slices.Sort(texts)
	var days []calendar.Day
	for _, text := range texts {
		day, err := calendar.ParseDay(text)
		if err != nil {
			return nil, fmt.Errorf("%s in Redis: %w", s.keys.open(), err)
		}
		days = append(days, day)
	}
	return days, nil
}

// Corrections lists what came for a day after it had been closed, in order.
func (s *Store) Corrections(ctx context.Context, day calendar.Day) ([]Correction, error) {
	texts, err := s.client.LRange(ctx, s.keys.corrections(day), 0, -1).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	var list []Correction
	for _, text := range texts {
		at, id, _ := strings.Cut(text, " ")
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return nil, fmt.Errorf("%s in Redis holds %q, which is no correction", s.keys.corrections(day), text)
		}
		list = append(list, Correction{moment, id})
	}
	return list, nil
}

// checksum of a day's counters of a set; see Closing.
func (s *Store) checksum(set int, day calendar.Day, counted DayTraffic) string {
	sum := sha256.New()
	write := func(bucket string, table traffic.Table) {
		var lines []string
		for key, counters := range s.sets.Only(set, table) {
			for counter, amount := range counters {
				if amount != 0 {
					lines = append(lines, counterField(key, counter)+" "+strconv.FormatInt(amount, 10))
				}
			}
		}
		slices.Sort(lines)
		for _, line := range lines {
			fmt.Fprintf(sum, "%s %s\n", bucket, line)
		}
	}
	write(day.String(), counted.Day)
	for _, interval := range counted.Intervals {
		write(interval.Interval.String(), interval.Table)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unpack reads one part of the packed counters of a day into a value; nothing when
// the day has not been closed.
func unpack(name, text string, into any) error {
	if text == "" {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader([]byte(text)))
	if err != nil {
		return fmt.Errorf("%s in Redis: %w", name, err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s in Redis: %w", name, err)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return fmt.Errorf("%s in Redis: %w", name, err)
	}
	return nil
}

// mergePacked adds the packed counters of a closed day to what came after.
func mergePacked(name string, packed map[string]string, into *DayTraffic) error {
	var day traffic.Table
	var intervals []traffic.Table
	if err := cmp.Or(unpack(name, packed["day"], &day), unpack(name, packed["intervals"], &intervals)); err != nil {
		return err
	}
	into.Day.Merge(day)
	if len(intervals) > len(into.Intervals) {
		return fmt.Errorf("%s in Redis has %d intervals, and the day has %d: was the site's time zone changed?", name, len(intervals), len(into.Intervals))
	}
	for i, table := range intervals {
		into.Intervals[i].Table.Merge(table)
	}
	return nil
}

// ClosedDays lists the days that are closed, in order.
func (s *Store) ClosedDays(ctx context.Context) ([]calendar.Day, error) {
	all, err := s.client.HGetAll(ctx, s.keys.closed()).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	var days []calendar.Day
	for _, text := range slices.Sorted(maps.Keys(all)) {
		day, err := calendar.ParseDay(text)
		if err != nil {
			return nil, fmt.Errorf("%s in Redis: %w", s.keys.closed(), err)
		}
		days = append(days, day)
	}
	return days, nil
}
