package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"hotline/internal/bulletin"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/redisstore"
	"hotline/internal/report"
	"hotline/internal/traffic"
)

// bulletinSource is where reports take their figures from. A period that was taken
// over from elsewhere may have the site's row only, and no lines.
type bulletinSource interface {
	Day(ctx context.Context, day calendar.Day) (traffic.Table, error)
	Month(ctx context.Context, month calendar.Month) (traffic.Table, error)
	Year(ctx context.Context, year int) (traffic.Table, error)
	SitesOfMonths(ctx context.Context, months ...calendar.Month) ([]traffic.Counters, error)
	SiteOfYear(ctx context.Context, year int) (traffic.Counters, error)
	Lines(ctx context.Context, first, last calendar.Day) ([]redisstore.Line, error)
	Closing(ctx context.Context, day calendar.Day) (*redisstore.Closing, error)
	Corrections(ctx context.Context, day calendar.Day) ([]redisstore.Correction, error)
	Freezes(ctx context.Context, first, last calendar.Day) ([]redisstore.Freeze, error)
}

var _ bulletinSource = (*redisstore.Store)(nil)

// Bulletin reads the report of a period from Redis, without a running controller.
func Bulletin(ctx context.Context, cfg *config.Config, period bulletin.Period, office string, now time.Time) (*bulletin.Report, error) {
	definitions, err := traffic.Define(cfg.Traffic)
	if err != nil {
		return nil, err
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	return bulletinOf(ctx, store, cfg, definitions, period, office, now)
}

func bulletinOf(ctx context.Context, store *redisstore.Store, cfg *config.Config, definitions *traffic.Definitions, period bulletin.Period, office string, now time.Time) (r *bulletin.Report, err error) {
	in := bulletin.Input{Period: period, Location: cfg.Location, ReadAt: now, Office: office, Definitions: definitions}
	for _, q := range cfg.Queues {
		in.Queues = append(in.Queues, bulletin.Named{ID: string(q.ID), Title: q.Title})
	}
	for _, p := range cfg.Partners {
		in.Partners = append(in.Partners, bulletin.Named{ID: string(p.ID), Title: p.Title})
	}
	err = store.Steady(ctx, func() error {
		r, err = readBulletin(ctx, store, in)
		return err
	})
	return r, err
}

// readBulletin adds to the input what the source has, and assembles the report.
func readBulletin(ctx context.Context, source bulletinSource, in bulletin.Input) (*bulletin.Report, error) {
	steps := []func(context.Context, bulletinSource, *bulletin.Input) error{readTable, readBases, readLines, readClosed}
	failed := make([]error, len(steps))
	var work sync.WaitGroup
	for i, step := range steps { // at the same time: each writes fields of its own
		work.Go(func() { failed[i] = step(ctx, source, &in) })
	}
	work.Wait()
	if err := cmp.Or(failed...); err != nil {
		return nil, fmt.Errorf("read the figures of %s: %w", in.Period, err)
	}
	return bulletin.Assemble(in)
}

func readTable(ctx context.Context, source bulletinSource, in *bulletin.Input) (err error) {
	switch in.Period.Kind {
	case bulletin.Daily:
		in.Table, err = source.Day(ctx, in.Period.First)
	case bulletin.Monthly:
		in.Table, err = source.Month(ctx, in.Period.First.Month())
	default:
		year, _, _ := in.Period.First.Date()
		if in.Table, err = source.Year(ctx, year); err != nil {
			return err
		}
		var months []calendar.Month
		for m := in.Period.First.Month(); m.Year == year; m = m.AddMonths(1) {
			months = append(months, m)
		}
		in.Months, err = source.SitesOfMonths(ctx, months...)
	}
	in.Site = in.Table[traffic.Site]
	return err
}

func readBases(ctx context.Context, source bulletinSource, in *bulletin.Input) error {
	for _, base := range in.Period.Bases() {
		site, err := readSite(ctx, source, base.Period)
		if err != nil {
			return err
		}
		in.Bases = append(in.Bases, site)
	}
	return nil
}

func readSite(ctx context.Context, source bulletinSource, p bulletin.Period) (traffic.Counters, error) {
	switch p.Kind {
	case bulletin.Monthly:
		sites, err := source.SitesOfMonths(ctx, p.First.Month())
		if err != nil {
			return nil, err
		}
		return sites[0], nil
	case bulletin.Annual:
		year, _, _ := p.First.Date()
		return source.SiteOfYear(ctx, year)
	}
	table, err := source.Day(ctx, p.First)
	return table[traffic.Site], err
}

// readLines reads the days that have begun, and the one before: windows of 24 hours
// that end on the first day begin there.
func readLines(ctx context.Context, source bulletinSource, in *bulletin.Input) error {
	last := in.Period.Last
	if today := calendar.DayOf(in.ReadAt, in.Location); today.Before(last) {
		last = today
	}
	lines, err := source.Lines(ctx, in.Period.First.AddDays(-1), last)
	for _, line := range lines {
		in.Lines = append(in.Lines, bulletin.Line{
			Day: line.Day, Site: line.Site, Offered: line.Offered, Answered: line.Answered, Wait: line.Wait,
			Peaks: line.Peaks, PeaksLack: line.PeaksLack,
		})
	}
	return err
}

func readClosed(ctx context.Context, source bulletinSource, in *bulletin.Input) error {
	freezes, err := source.Freezes(ctx, in.Period.First, in.Period.Last)
	if err != nil {
		return err
	}
	for _, f := range freezes {
		if f.Closed {
			in.Closed.Days++
		}
		in.Closed.Corrections += f.Corrections
	}
	if in.Period.Kind != bulletin.Daily {
		return nil
	}
	closing, err := source.Closing(ctx, in.Period.First)
	if err != nil || closing == nil {
		return err
	}
	in.Closed.Day = &bulletin.DayClosing{At: closing.At, Calls: closing.Calls, Checksum: closing.Checksum}
	corrections, err := source.Corrections(ctx, in.Period.First)
	for _, c := range corrections {
		in.Closed.Later = append(in.Closed.Later, bulletin.Correction(c))
	}
	return err
}

// ChromiumSetting is where the configuration names the Chromium that prints.
const ChromiumSetting = "reports.chromium"

// CheckBrowser says why no PDF can be printed by a Chromium, the given one or one that
// is found; where is the flag or setting that names it.
func CheckBrowser(chromium, where string) error {
	_, err := report.FindBrowser(chromium)
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), "--chromium", where))
	}
	return err
}

// WriteBulletin writes a report as table, html, xlsx, csv, json or pdf, in zh or en. A
// PDF is printed by a Chromium, the given one or one that is found.
func WriteBulletin(ctx context.Context, w io.Writer, format, lang, chromium string, r *bulletin.Report) error {
	if format != "pdf" {
		return report.WriteBulletin(w, format, lang, r)
	}
	browser, err := report.FindBrowser(chromium)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.WriteBulletin(&page, "html", lang, r); err != nil {
		return err
	}
	printed, err := report.PrintPDF(ctx, browser, page.Bytes())
	if err != nil {
		return err
	}
	_, err = w.Write(printed)
	return err
}
