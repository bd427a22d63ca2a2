package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/bulletin"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/httpapi"
	"hotline/internal/redisstore"
	"hotline/internal/traffic"
)

// figureReader reads figures, reports and finished calls for the API. It implements
// httpapi's Traffic, Reports and Records.
type figureReader struct {
	store    *redisstore.Store
	location *time.Location
	log      *zap.Logger
	now      func() time.Time
	by       atomic.Pointer[goneBy]
	boards   shared[struct{}, httpapi.Prepared]
	courses  shared[courseOf, httpapi.Prepared]
}

var (
	_ httpapi.Traffic = (*figureReader)(nil)
	_ httpapi.Reports = (*figureReader)(nil)
	_ httpapi.Records = (*figureReader)(nil)
)

// goneBy is what the figures go by.
type goneBy struct {
	cfg         *config.Config
	definitions *traffic.Definitions
}

// courseOf is a day and a queue; an empty one: the site.
type courseOf struct {
	day   calendar.Day
	queue string
}

const (
	// freshFor is how old figures may be that grow, and settledFor those of days that are over.
	freshFor   = time.Second
	settledFor = 10 * time.Second
)

func newFigureReader(store *redisstore.Store, cfg *config.Config, log *zap.Logger) (*figureReader, error) {
	r := &figureReader{store: store, location: cfg.Location, log: log, now: time.Now}
	r.boards = shared[struct{}, httpapi.Prepared]{
		read: func(ctx context.Context, _ struct{}) (httpapi.Prepared, error) { return r.readBoard(ctx) },
		keep: func(struct{}) time.Duration { return freshFor },
	}
	r.courses = shared[courseOf, httpapi.Prepared]{read: r.readCourse, keep: func(of courseOf) time.Duration {
		if of.day.Before(r.today()) {
			return settledFor
		}
		return freshFor
	}}
	return r, r.goBy(cfg)
}

// goBy takes over what the figures go by, which may change while the API serves.
func (r *figureReader) goBy(cfg *config.Config) error {
	definitions, err := traffic.Define(cfg.Traffic)
	if err == nil {
		r.by.Store(&goneBy{cfg, definitions})
	}
	return err
}

func (r *figureReader) today() calendar.Day { return calendar.DayOf(r.now(), r.location) }

// Today implements httpapi.Traffic, as do the others.
func (r *figureReader) Today(ctx context.Context) (any, error) { return r.Day(ctx, r.today()) }

// Day is the figures of a day.
func (r *figureReader) Day(ctx context.Context, day calendar.Day) (any, error) {
	return readDay(ctx, r.store, r.by.Load().definitions, day)
}

// board is what a wallboard shows.
type board struct {
	At *time.Time `json:"at,omitempty"` // when the figures were read
	DayFigures
	Last  bulletin.Window  `json:"last_24_hours"`
	Worst *bulletin.Window `json:"worst_24_hours"` // of those that end within the last; null: none has calls
}

// Board is read once a second at most.
func (r *figureReader) Board(ctx context.Context) (httpapi.Prepared, error) {
	return r.boards.get(ctx, struct{}{})
}

func (r *figureReader) readBoard(ctx context.Context) (httpapi.Prepared, error) {
	at := r.now().In(r.location)
	day, err := readDay(ctx, r.store, r.by.Load().definitions, calendar.DayOf(at, r.location))
	if err != nil {
		return httpapi.Prepared{}, err
	}
	stored, err := r.store.Quarters(ctx, at, bulletin.RollingQuarters)
	if err != nil {
		return httpapi.Prepared{}, fmt.Errorf("read the last 48 hours: %w", err)
	}
	quarters := make([]bulletin.Quarter, len(stored))
	for i, q := range stored {
		quarters[i] = bulletin.Quarter(q)
	}
	b := board{DayFigures: day}
	b.Last, b.Worst = bulletin.Rolling(quarters)
	same := b
	b.At = &at
	return httpapi.Prepare(b, same)
}

// course is a day by quarter-hours.
type course struct {
	Day       calendar.Day     `json:"day"`
	Queue     string           `json:"queue,omitempty"`
	GoesOn    bool             `json:"goes_on"` // the day is not over
	Level     traffic.Metric   `json:"service_level_metric"`
	Intervals []courseInterval `json:"intervals"` // that have begun
}

type courseInterval struct {
	From         time.Time       `json:"from"`
	To           time.Time       `json:"to"`
	Offered      json.RawMessage `json:"offered"`
	Answered     json.RawMessage `json:"answered"`
	Abandoned    json.RawMessage `json:"abandoned"`
	ConnectRate  json.RawMessage `json:"connect_rate"`
	AverageWait  json.RawMessage `json:"average_wait"`
	ServiceLevel json.RawMessage `json:"service_level"`
}

// Intervals is the course of a day.
func (r *figureReader) Intervals(ctx context.Context, day calendar.Day, queue string) (httpapi.Prepared, error) {
	return r.courses.get(ctx, courseOf{day, queue})
}

func (r *figureReader) readCourse(ctx context.Context, of courseOf) (httpapi.Prepared, error) {
	by, key, now := r.by.Load(), traffic.Site, r.now()
	if of.queue != "" {
		key = traffic.Key{Dimension: traffic.ByQueue, Value: of.queue}
	}
	rows, err := r.store.Course(ctx, of.day, key, by.definitions.CourseCounters())
	if err != nil {
		return httpapi.Prepared{}, fmt.Errorf("read the course of %s: %w", of.day, err)
	}
	if counted := func(row traffic.Counters) bool { return len(row) > 0 }; of.queue != "" && !by.hasQueue(of.queue) && !slices.ContainsFunc(rows, counted) {
		return httpapi.Prepared{}, unknownQueue(of.queue, of.day)
	}
	c := course{
		Day: of.day, Queue: of.queue, GoesOn: now.Before(of.day.End(r.location)), Level: by.definitions.Published()[0],
		Intervals: []courseInterval{},
	}
	for i, interval := range of.day.Intervals(r.location) {
		if now.Before(interval.Start(r.location)) {
			break
		}
		figures := by.definitions.Compute(rows[i])
		c.Intervals = append(c.Intervals, courseInterval{
			interval.Start(r.location), interval.End(r.location), number(figures, traffic.Offered), number(figures, traffic.Answered),
			number(figures, traffic.Abandoned), number(figures, traffic.ConnectRate), number(figures, traffic.AverageWait), number(figures, c.Level),
		})
	}
	return httpapi.Prepare(c, c)
}

// number is a figure with the published decimals, or null.
func number(figures traffic.Figures, metric traffic.Metric) json.RawMessage {
	if !figures.Value(metric).Defined() {
		return json.RawMessage("null")
	}
	return json.RawMessage(figures.Text(metric))
}

func (b *goneBy) hasQueue(id string) bool {
	return slices.ContainsFunc(b.cfg.Queues, func(q acd.Queue) bool { return string(q.ID) == id })
}

func (b *goneBy) hasAgent(id string) bool {
	return slices.ContainsFunc(b.cfg.Agents, func(a config.Agent) bool { return string(a.ID) == id })
}

func unknownQueue(id string, day calendar.Day) error {
	return &httpapi.Unanswerable{Why: httpapi.UnknownQueue, Text: fmt.Sprintf("no queue %.40q is in the configuration or in the figures of %s; /api/v1/queues lists those that are configured", id, day)}
}

// Report makes a report as the command does.
func (r *figureReader) Report(ctx context.Context, of httpapi.Report) ([]byte, error) {
	by := r.by.Load()
	chromium := by.cfg.Reports.Chromium
	if of.Format == "pdf" { // before figures are read
		if err := CheckBrowser(chromium, ChromiumSetting); err != nil {
			return nil, &httpapi.Unanswerable{Why: httpapi.NoBrowser, Text: err.Error()}
		}
	}
	period := bulletin.Day(of.First)
	switch bulletin.Kind(of.Kind) {
	case bulletin.Monthly:
		period = bulletin.Month(of.First.Month())
	case bulletin.Annual:
		year, _, _ := of.First.Date()
		period = bulletin.Year(year)
	}
	made, err := bulletinOf(ctx, r.store, by.cfg, by.definitions, period, by.cfg.Reports.Office, r.now())
	if errors.Is(err, bulletin.ErrNoData) {
		return nil, &httpapi.Unanswerable{Why: httpapi.NoData, Text: err.Error()}
	} else if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := WriteBulletin(ctx, &text, of.Format, of.Lang, chromium, made); err != nil {
		if ctx.Err() != nil || of.Format != "pdf" {
			return nil, err
		}
		r.log.Warn("a report was not printed as PDF", zap.Stringer("period", period), zap.Error(err))
		return nil, &httpapi.Unanswerable{Why: httpapi.NotPrinted, Text: "Chromium did not print the report, and the program's log says why; take html and print it from a browser, or use hotline report --format pdf"}
	}
	return []byte(text.String()), nil
}

// periods are those of which there are reports.
type periods struct {
	FirstDay *calendar.Day    `json:"first_day"` // null: no day was counted
	LastDay  *calendar.Day    `json:"last_day"`
	Months   []calendar.Month `json:"months"` // the newest first, imported ones among them, as of years
	Years    []int            `json:"years"`
}

// List says of which periods there are figures.
func (r *figureReader) List(ctx context.Context) (any, error) {
	reported, err := r.store.Reported(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the days: %w", err)
	}
	out := periods{Months: []calendar.Month{}, Years: []int{}}
	if n := len(reported.Days); n > 0 {
		out.FirstDay, out.LastDay = &reported.Days[0], &reported.Days[n-1]
	}
	for _, day := range reported.Days {
		out.Months = append(out.Months, day.Month())
	}
	for _, period := range reported.Imported {
		month, err := calendar.ParseMonth(period)
		if err == nil {
			out.Months = append(out.Months, month)
		} else if year, err := time.Parse("2006", period); err == nil {
			out.Years = append(out.Years, year.Year())
		}
	}
	slices.SortFunc(out.Months, func(a, b calendar.Month) int { return strings.Compare(b.String(), a.String()) })
	out.Months = slices.Compact(out.Months)
	for _, month := range out.Months {
		out.Years = append(out.Years, month.Year)
	}
	slices.SortFunc(out.Years, func(a, b int) int { return b - a })
	out.Years = slices.Compact(out.Years)
	return out, nil
}
