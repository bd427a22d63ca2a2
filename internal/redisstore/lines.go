package redisstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/traffic"
)

// Line is what reports of longer periods need of a day: the site's counters, and
// its course by intervals.
type Line struct {
	Day      calendar.Day     `json:"day"`
	Site     traffic.Counters `json:"site"`
	Offered  []int64          `json:"offered"`  // by interval, as are the following
	Answered []int64          `json:"answered"` // of the calls offered in the interval
	Wait     []int64          `json:"wait_ms"`  // of those
	Peaks    traffic.Peaks    `json:"peaks"`
	// Carried are calls of the day before that went on in this one: with them the peaks
	// can be told anew when the records of the day before are archived. Nil: not known,
	// as in lines of earlier versions.
	Carried []traffic.Carried `json:"carried"`
	// Corrections are those that the peaks of a closed day have.
	Corrections int `json:"corrections,omitempty"`
	// PeaksLack is how many corrections the peaks do not have, because records that
	// would be needed are archived. It is not stored.
	PeaksLack int `json:"-"`
}

func (s *Store) peakMeter(day calendar.Day) *traffic.PeakMeter {
	return traffic.NewPeakMeter(day.Start(s.location), day.End(s.location))
}

// lineOf makes the line of a day whose calls have gone through the meter. The peaks
// are those of its calls, and of calls of the day before that were still going on;
// carried are those that are known, though Redis may have them no more.
func (s *Store) lineOf(ctx context.Context, day calendar.Day, counted DayTraffic, meter *traffic.PeakMeter, carried []traffic.Carried) (Line, error) {
	line := Line{Carried: append([]traffic.Carried{}, carried...), Day: day, Site: counted.Day[traffic.Site].Clone()}
	for _, interval := range counted.Intervals {
		site := interval.Table[traffic.Site]
		line.Offered = append(line.Offered, site[traffic.CountOffered])
		line.Answered = append(line.Answered, site[traffic.CountAnswered])
		line.Wait = append(line.Wait, site[traffic.SumWait])
	}
	err := s.recordsFrom(ctx, day.AddDays(-1), s.writtenSince(day), func(r acd.CallRecord) error {
		known := slices.ContainsFunc(carried, func(c traffic.Carried) bool { return c.Call == r.Call })
		if c, reaches := meter.Carry(r); reaches && !known {
			line.Carried = append(line.Carried, c)
		}
		return nil
	})
	for _, c := range line.Carried {
		meter.AddCarried(c)
	}
	line.Peaks = meter.Peaks()
	return line, err
}

// clocksDiffer is more than the clocks of Redis and of a controller differ.
const clocksDiffer = time.Hour

// writtenSince is the least id that the record of a call has which was going on when a
// day began: it was written when the call had ended, and Redis begins ids with the time.
func (s *Store) writtenSince(day calendar.Day) string {
	begin := day.Start(s.location)
	if time.Now().Before(begin) {
		return "-" // these days are not real, or a clock is not
	}
	return strconv.FormatInt(begin.Add(-clocksDiffer).UnixMilli(), 10)
}

// Lines are the lines of days, in order; a day without calls has an empty one.
// Those of closed days are read as they were written, unless a correction came; the
// peaks then lack it if records are archived.
func (s *Store) Lines(ctx context.Context, first, last calendar.Day) ([]Line, error) {
	days := calendar.DaysBetween(first, last)
	texts := make([]*redis.StringCmd, len(days))
	corrected := make([]*redis.IntCmd, len(days))
	used := make([]*redis.IntCmd, len(days))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, day := range days {
			year, _, _ := day.Date()
			texts[i] = pipe.HGet(ctx, s.keys.lines(year), day.String())
			corrected[i] = pipe.LLen(ctx, s.keys.corrections(day))
			used[i] = pipe.Exists(ctx, s.keys.day(day), s.keys.packed(day))
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return nil, s.explain(err)
	}
	lines := make([]Line, len(days))
	for i, day := range days {
		text, err := texts[i].Bytes()
		switch {
		case err == nil && corrected[i].Val() == 0:
			if lines[i], err = decodeLine(text); err != nil {
				return nil, fmt.Errorf("the line of %s in Redis: %w", day, err)
			}
		case used[i].Val() == 0:
			lines[i] = Line{Day: day, Site: traffic.Counters{}}
		default:
			if lines[i], err = s.lineAnew(ctx, day, text, int(corrected[i].Val())); err != nil {
				return nil, err
			}
		}
	}
	return lines, nil
}

// lineAnew makes the line of a day that is open, or closed and corrected so often. The
// text is that of the line that was stored when it was closed.
func (s *Store) lineAnew(ctx context.Context, day calendar.Day, closed []byte, corrections int) (Line, error) {
	var before Line
	if len(closed) > 0 {
		var err error
		if before, err = decodeLine(closed); err != nil {
			return Line{}, fmt.Errorf("the line of %s in Redis: %w", day, err)
		}
	}
	counted, err := s.stored(ctx, day, s.client.Pipelined)
	if err != nil {
		return Line{}, err
	}
	archived, err := s.archived(ctx, day)
	if err != nil {
		return Line{}, err
	}
	archivedBefore, err := s.archived(ctx, day.AddDays(-1))
	if err != nil {
		return Line{}, err
	}
	meter := s.peakMeter(day)
	if err := s.Records(ctx, day, func(r acd.CallRecord) error { meter.Add(r); return nil }); err != nil {
		return Line{}, err
	}
	var carried []traffic.Carried
	if archivedBefore {
		carried = before.Carried
	}
	line, err := s.lineOf(ctx, day, counted.DayTraffic, meter, carried)
	if line.Corrections = corrections; err != nil {
		return Line{}, err
	}
	// Of an open day whose day before is archived nothing else is known.
	if len(closed) > 0 && (archived || archivedBefore && before.Carried == nil) {
		line.Peaks, line.Carried, line.Corrections = before.Peaks, before.Carried, before.Corrections
		if line.PeaksLack, err = s.callsCorrected(ctx, day, before.Corrections); err != nil {
			return Line{}, err
		}
	}
	return line, nil
}

// callsCorrected counts the calls that came for a closed day, without the first corrections.
func (s *Store) callsCorrected(ctx context.Context, day calendar.Day, without int) (calls int, err error) {
	corrections, err := s.Corrections(ctx, day)
	if err != nil {
		return 0, err
	}
	for _, c := range corrections[min(without, len(corrections)):] {
		if !strings.HasPrefix(c.ID, stintMark) {
			calls++
		}
	}
	return calls, nil
}

func (s *Store) archived(ctx context.Context, day calendar.Day) (bool, error) {
	closing, err := s.Closing(ctx, day)
	return closing != nil && closing.Archived != nil, err
}

// decodeLine reads a stored line. Its three lists are most of a year's text, and
// encoding/json is slow with lists of numbers.
func decodeLine(text []byte) (Line, error) {
	var stored struct {
		Line
		Offered  series `json:"offered"`
		Answered series `json:"answered"`
		Wait     series `json:"wait_ms"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return Line{}, err
	}
	stored.Line.Offered, stored.Line.Answered, stored.Line.Wait = stored.Offered, stored.Answered, stored.Wait
	return stored.Line, nil
}

// series is a list of whole numbers, or null.
type series []int64

// UnmarshalJSON reads what encoding/json has found to be well-formed, without blanks.
func (s *series) UnmarshalJSON(text []byte) error {
	if string(text) == "null" || string(text) == "[]" {
		return nil
	}
	*s = make([]int64, 0, bytes.Count(text, []byte{','})+1)
	for number := range bytes.SplitSeq(bytes.Trim(text, "[]"), []byte{','}) {
		n, err := strconv.ParseInt(string(number), 10, 64)
		if err != nil {
			return err
		}
		*s = append(*s, n)
	}
	return nil
}

// Month reads the counters of a month: its closed days, those that are open, and
// what was imported for it.
func (s *Store) Month(ctx context.Context, month calendar.Month) (traffic.Table, error) {
	return s.period(ctx, s.keys.month(month), month.String())
}

// Year is Month for a year.
func (s *Store) Year(ctx context.Context, year int) (traffic.Table, error) {
	return s.period(ctx, s.keys.year(year), fmt.Sprintf("%04d", year))
}

func (s *Store) period(ctx context.Context, key, name string) (table traffic.Table, err error) {
	err = s.Steady(ctx, func() error {
		if table, err = s.counted(ctx, key, name); err != nil {
			return err
		}
		return s.addImported(ctx, name, table)
	})
	return table, err
}

// Steady reads what consists of closed and of open days, again if a day was closed
// meanwhile, which might be missing or doubled in what was read.
func (s *Store) Steady(ctx context.Context, read func() error) error {
	const tries = 5
	for range tries {
		before, err := s.OpenDays(ctx)
		if err != nil {
			return err
		}
		if err := read(); err != nil {
			return err
		}
		after, err := s.OpenDays(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(before, func(d calendar.Day) bool { return !slices.Contains(after, d) }) {
			return nil
		}
	}
	return ErrDayChanging
}

// counted is period without what was imported.
func (s *Store) counted(ctx context.Context, key, name string) (traffic.Table, error) {
	table, err := s.table(ctx, key)
	if err != nil {
		return nil, err
	}
	open, err := s.OpenDays(ctx)
	if err != nil {
		return nil, err
	}
	for _, day := range open {
		if !strings.HasPrefix(day.String(), name+"-") {
			continue
		}
		today, err := s.Day(ctx, day)
		if err != nil {
			return nil, err
		}
		table.Merge(today)
	}
	return table, nil
}

func (s *Store) table(ctx context.Context, key string) (traffic.Table, error) {
	fields, err := s.client.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	return tableOf(key, fields)
}
