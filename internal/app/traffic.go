package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
	"hotline/internal/report"
	"hotline/internal/traffic"
)

// DayFigures are the traffic figures of one day: of the site, and of each
// queue that had calls.
type DayFigures struct {
	Day    calendar.Day                    `json:"day"`
	Site   traffic.Figures                 `json:"site"`
	Queues map[acd.QueueID]traffic.Figures `json:"queues"`
}

func readDay(ctx context.Context, store *redisstore.Store, definitions *traffic.Definitions, day calendar.Day) (DayFigures, error) {
	table, err := store.Day(ctx, day)
	if err != nil {
		return DayFigures{}, fmt.Errorf("read the figures of %s: %w", day, err)
	}
	return figuresOf(definitions, day, table), nil
}

func figuresOf(definitions *traffic.Definitions, day calendar.Day, table traffic.Table) DayFigures {
	out := DayFigures{Day: day, Queues: make(map[acd.QueueID]traffic.Figures)}
	out.Site = definitions.Compute(table[traffic.Site])
	for key, counters := range table {
		if key.Dimension == traffic.ByQueue {
			out.Queues[acd.QueueID(key.Value)] = definitions.Compute(counters)
		}
	}
	return out
}

// Traffic reads a day's figures from Redis, without a running controller. Of a day
// without any it is a *NoDataError.
func Traffic(ctx context.Context, cfg *config.Config, day calendar.Day) (DayFigures, error) {
	definitions, err := traffic.Define(cfg.Traffic)
	if err != nil {
		return DayFigures{}, err
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return DayFigures{}, err
	}
	defer func() { _ = store.Close() }()
	table, err := store.Day(ctx, day)
	switch {
	case err != nil:
		return DayFigures{}, fmt.Errorf("read the figures of %s: %w", day, err)
	case len(table) == 0:
		return DayFigures{}, noDataOfDay(cfg, day, time.Now())
	}
	return figuresOf(definitions, day, table), nil
}

// ImportYears takes over the traffic of months and years before this program
// counted, from a file in the format of ReadYears; see redisstore.Store.ImportYears.
func ImportYears(ctx context.Context, cfg *config.Config, name string, file io.Reader, replace bool) ([]Published, error) {
	rows, err := ReadYears(name, file)
	if err != nil {
		return nil, fmt.Errorf("nothing was imported:\n%w", err)
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	periods := make(map[string]traffic.Counters, len(rows))
	for _, row := range rows {
		periods[row.Period] = row.Counters
	}
	if err := store.ImportYears(ctx, periods, filepath.Base(name), replace, time.Now()); err != nil {
		return nil, fmt.Errorf("nothing was imported:\n%w", err)
	}
	return rows, nil
}

// Verify recounts the call records of a day and lists, a sentence each, where
// the counters differ from them. Of an archived day it reads the file in a folder. Of a
// day without records and figures it is a *NoDataError.
func Verify(ctx context.Context, cfg *config.Config, day calendar.Day, archive string) ([]string, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	verify := store.Verify
	if archive != "" {
		verify = func(ctx context.Context, day calendar.Day) ([]redisstore.Difference, error) {
			return verifyArchived(ctx, cfg, store, day, archive)
		}
	}
	differences, err := verify(ctx, day)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", day, err)
	}
	if len(differences) == 0 {
		if err := somethingCounted(ctx, cfg, store, day); err != nil {
			return nil, err
		}
	}
	return sentences(differences), nil
}

// somethingCounted refuses a day without figures that was not closed either.
func somethingCounted(ctx context.Context, cfg *config.Config, store *redisstore.Store, day calendar.Day) error {
	table, err := store.Day(ctx, day)
	if err != nil || len(table) > 0 {
		return err
	}
	closing, err := store.Closing(ctx, day)
	if err == nil && closing == nil {
		err = noDataOfDay(cfg, day, time.Now())
	}
	return err
}

// WriteDay prints a day's figures as table, csv or json, in zh or en.
func WriteDay(w io.Writer, format, lang string, figures DayFigures) error {
	day := report.Day{Title: figures.Day.String(), Site: figures.Site, JSON: figures}
	for _, id := range slices.Sorted(maps.Keys(figures.Queues)) {
		day.Queues = append(day.Queues, report.Queue{Name: string(id), Figures: figures.Queues[id]})
	}
	return report.WriteDay(w, format, lang, day)
}

func sentences(differences []redisstore.Difference) (list []string) {
	for _, d := range differences {
		list = append(list, d.String())
	}
	return list
}

// WriteDefinitions prints what every figure means.
func WriteDefinitions(w io.Writer, format, lang string, definitions *traffic.Definitions) error {
	return report.WriteDefinitions(w, format, lang, definitions)
}
