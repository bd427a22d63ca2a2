package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/httpapi"
	"hotline/internal/recordfile"
	"hotline/internal/traffic"
)

const (
	// examinedAtMost is how many records are looked at for one page: a filter that takes
	// few would have the whole day read otherwise.
	examinedAtMost = 5000
	readAtOnce     = 500
)

// Finished looks through a day's records from the newest on.
func (r *figureReader) Finished(ctx context.Context, f httpapi.Finished) (httpapi.FinishedPage, error) {
	if f.Day.IsZero() {
		f.Day = r.today()
	}
	page := httpapi.FinishedPage{Day: f.Day}
	if err := r.checkFinished(ctx, f); err != nil {
		return page, err
	}
	filter := CallFilter{Queue: string(f.Queue), Agent: string(f.Agent), Result: string(f.Result), MinWait: f.MinWait}
	before := f.Before
	for examined := 0; examined < examinedAtMost; {
		records, err := r.store.Newest(ctx, f.Day, before, readAtOnce)
		if err != nil {
			return page, fmt.Errorf("read the calls of %s: %w", f.Day, err)
		}
		for i, record := range records {
			before = record.Place
			if !filter.takes(record.CallRecord) {
				continue
			}
			page.Calls = append(page.Calls, httpapi.PlacedCall{Place: record.Place, Record: inZone(record.CallRecord, r.location)})
			if len(page.Calls) < f.Limit {
				continue
			}
			if i+1 < len(records) || len(records) == readAtOnce {
				page.Next = before
			}
			return page, nil
		}
		if examined += len(records); len(records) < readAtOnce {
			return page, nil
		}
	}
	page.Next = before
	return page, nil
}

// checkFinished refuses what no record could answer: a typing mistake would look like a
// day without calls.
func (r *figureReader) checkFinished(ctx context.Context, f httpapi.Finished) error {
	if f.Result != "" && !slices.Contains(recordfile.Results, f.Result) {
		return &httpapi.Unanswerable{Why: httpapi.BadResult, Text: fmt.Sprintf("%.40q is no result; write one of %v", f.Result, recordfile.Results)}
	}
	by := r.by.Load()
	if f.Queue != "" && !by.hasQueue(string(f.Queue)) {
		if known, err := r.counted(ctx, f.Day, traffic.ByQueue, string(f.Queue)); err != nil {
			return err
		} else if !known {
			return unknownQueue(string(f.Queue), f.Day)
		}
	}
	if f.Agent != "" && !by.hasAgent(string(f.Agent)) {
		if known, err := r.counted(ctx, f.Day, traffic.ByAgent, string(f.Agent)); err != nil {
			return err
		} else if !known {
			return &httpapi.Unanswerable{Why: httpapi.UnknownAgent, Text: fmt.Sprintf("no agent %.40q is in the configuration or in the figures of %s; /api/v1/agents lists those who are configured", f.Agent, f.Day)}
		}
	}
	closing, err := r.store.Closing(ctx, f.Day)
	if err != nil {
		return err
	}
	if closing != nil && closing.Archived != nil {
		return &httpapi.Unanswerable{Why: httpapi.Archived, Text: archivedNote(f.Day, closing.Archived)}
	}
	return nil
}

// counted reports whether a day has figures of a queue or agent.
func (r *figureReader) counted(ctx context.Context, day calendar.Day, dimension traffic.Dimension, value string) (bool, error) {
	table, err := r.store.Day(ctx, day)
	if err != nil {
		return false, fmt.Errorf("read the figures of %s: %w", day, err)
	}
	_, found := table[traffic.Key{Dimension: dimension, Value: value}]
	return found, nil
}

// inZone has the times that are shown in the site's time zone.
func inZone(r acd.CallRecord, loc *time.Location) acd.CallRecord {
	for _, at := range []*time.Time{&r.Arrived, &r.Queued, &r.Answered, &r.Ended} {
		if !at.IsZero() {
			*at = at.In(loc)
		}
	}
	return r
}
