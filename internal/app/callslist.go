package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"hotline/internal/acd"
	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/recordfile"
	"hotline/internal/redisstore"
	"hotline/internal/report"
	"hotline/internal/traffic"
)

// Days are a first and a last day, both included.
type Days struct{ From, To calendar.Day }

func (d Days) String() string {
	if d.From == d.To {
		return d.From.String()
	}
	return fmt.Sprintf("%s to %s", d.From, d.To)
}

func (d Days) list() []calendar.Day { return calendar.DaysBetween(d.From, d.To) }

// CallFilter chooses calls; what is empty does not matter.
type CallFilter struct {
	Days
	Queue            string // the last that the call was in, or one before
	Agent            string // who answered
	Result, Reason   string
	Entry            string
	MinWait, MinTalk time.Duration
	Limit            int // newest that are kept; 0: all
}

// CallList are calls in the order in which they were stored, each day by itself.
type CallList struct {
	Calls []report.Call
	Found int      // of which Calls are the newest
	Notes []string // a sentence for each day that is not there
}

// ListCalls reads finished calls from Redis.
func ListCalls(ctx context.Context, cfg *config.Config, f CallFilter) (CallList, error) {
	if err := f.check(); err != nil {
		return CallList{}, err
	}
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return CallList{}, err
	}
	defer func() { _ = store.Close() }()
	if err := f.checkNames(ctx, cfg, store); err != nil {
		return CallList{}, err
	}
	var out CallList
	var newest []acd.CallRecord // a ring once it is full
	for _, day := range f.list() {
		closing, err := store.Closing(ctx, day)
		if err != nil {
			return out, err
		}
		if closing != nil && closing.Archived != nil {
			out.Notes = append(out.Notes, archivedNote(day, closing.Archived))
		}
		err = store.Records(ctx, day, func(r acd.CallRecord) error {
			switch {
			case !f.takes(r):
				return nil
			case f.Limit > 0 && len(newest) == f.Limit:
				newest[out.Found%f.Limit] = r
			default:
				newest = append(newest, r)
			}
			out.Found++
			return nil
		})
		if err != nil {
			return out, fmt.Errorf("read the calls of %s: %w", day, err)
		}
	}
	if f.Limit > 0 && out.Found > f.Limit {
		oldest := out.Found % f.Limit
		newest = slices.Concat(newest[oldest:], newest[:oldest])
	}
	for _, r := range newest {
		out.Calls = append(out.Calls, listed(r, cfg.Location))
	}
	return out, nil
}

func archivedNote(day calendar.Day, a *redisstore.Archived) string {
	return fmt.Sprintf("%s: the records are archived in %s; to see them, put them back with hotline calls restore %s", day, a.File, a.File)
}

func (f CallFilter) check() error {
	if f.Result != "" && !slices.Contains(recordfile.Results, acd.Result(f.Result)) {
		return fmt.Errorf("--result: %q is no result; write one of %v", f.Result, recordfile.Results)
	}
	if f.Reason != "" && !slices.Contains(recordfile.Reasons, acd.Reason(f.Reason)) {
		return fmt.Errorf("--reason: %q is no reason; write one of %v", f.Reason, recordfile.Reasons)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"--min-wait", f.MinWait}, {"--min-talk", f.MinTalk}} {
		if d.value < 0 {
			return fmt.Errorf("%s: %v is negative; write how long at least, for example 30s, or leave it out", d.flag, d.value)
		}
	}
	if f.Limit < 0 {
		return fmt.Errorf("--limit: %d is less than 0; write how many calls to show, or 0 for all", f.Limit)
	}
	return nil
}

// checkNames refuses a queue, agent or number that neither the configuration nor the
// figures of the days know: a typing mistake would look like a day without calls.
func (f CallFilter) checkNames(ctx context.Context, cfg *config.Config, store *redisstore.Store) error {
	configured := map[traffic.Dimension][]string{}
	for _, q := range cfg.Queues {
		configured[traffic.ByQueue] = append(configured[traffic.ByQueue], string(q.ID))
	}
	for _, a := range cfg.Agents {
		configured[traffic.ByAgent] = append(configured[traffic.ByAgent], string(a.ID))
	}
	for _, e := range cfg.Entries {
		configured[traffic.ByEntry] = append(configured[traffic.ByEntry], e.Number)
	}
	for _, given := range []struct {
		flag, name, what string
		dimension        traffic.Dimension
	}{
		{"--queue", f.Queue, "queue", traffic.ByQueue}, {"--agent", f.Agent, "agent", traffic.ByAgent}, {"--entry", f.Entry, "number", traffic.ByEntry},
	} {
		known := configured[given.dimension]
		if given.name == "" || slices.Contains(known, given.name) {
			continue
		}
		counted, err := countedNames(ctx, store, f.Days, given.dimension)
		if err != nil {
			return err
		}
		if known = slices.Concat(known, counted); !slices.Contains(known, given.name) {
			return fmt.Errorf("%s: no %s %q is in the configuration or in the figures of %s; %s", given.flag, given.what, given.name, f.Days, remedyFor(given.name, known))
		}
	}
	return nil
}

// countedNames are the values of a dimension in the figures of days.
func countedNames(ctx context.Context, store *redisstore.Store, days Days, dimension traffic.Dimension) (names []string, err error) {
	for _, day := range days.list() {
		table, err := store.Day(ctx, day)
		if err != nil {
			return nil, fmt.Errorf("read the figures of %s: %w", day, err)
		}
		for key := range table {
			if key.Dimension == dimension {
				names = append(names, key.Value)
			}
		}
	}
	return names, nil
}

// remedyFor names what may be meant by a name that is not known.
func remedyFor(name string, known []string) string {
	const most = 12
	slices.Sort(known)
	known = slices.Compact(known)
	if likely := config.Closest(name, known); likely != "" {
		return "write " + likely
	}
	switch {
	case len(known) == 0:
		return "none is known at all"
	case len(known) > most:
		return fmt.Sprintf("known are %s and %d more", strings.Join(known[:most], ", "), len(known)-most)
	}
	return "known are " + strings.Join(known, ", ")
}

func (f CallFilter) takes(r acd.CallRecord) bool {
	inQueue := f.Queue == "" || string(r.Queue) == f.Queue ||
		slices.ContainsFunc(r.Visits, func(v acd.Visit) bool { return string(v.Queue) == f.Queue })
	return inQueue &&
		(f.Agent == "" || string(r.Agent) == f.Agent) &&
		(f.Result == "" || string(r.Result) == f.Result) &&
		(f.Reason == "" || string(r.Reason) == f.Reason) &&
		(f.Entry == "" || r.Entry == f.Entry) &&
		r.Wait() >= f.MinWait && r.Talk() >= f.MinTalk
}

// listed is a call as it may be shown: its caller is masked.
func listed(r acd.CallRecord, loc *time.Location) report.Call {
	c := report.Call{
		Arrived: r.Arrived.In(loc), Caller: acd.Mask(r.Caller), Entry: r.Entry, Queue: string(r.Queue), Result: string(r.Result),
		Reason: string(r.Reason), Agent: string(r.Agent), Way: string(r.Direction), ID: string(r.Call),
	}
	inSeconds := func(d time.Duration) *float64 {
		value := d.Round(time.Millisecond).Seconds()
		return &value
	}
	if r.Offered() {
		c.Wait = inSeconds(r.Wait())
	}
	if r.Result == acd.Answered {
		c.Talk = inSeconds(r.Talk())
	}
	return c
}

// WriteCalls prints calls as table, csv or json, with heads in zh or en.
func WriteCalls(w io.Writer, format, lang string, list CallList) error {
	return report.WriteCalls(w, format, lang, list.Calls)
}
