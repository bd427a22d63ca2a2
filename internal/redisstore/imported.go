package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hotline/internal/traffic"
)

// Imported is the site's traffic of a month or year that was not counted here.
type Imported struct {
	Version  int              `json:"v"`
	At       time.Time        `json:"at"` // when it was imported
	Source   string           `json:"source"`
	Site     traffic.Counters `json:"site"`
	Replaced []Imported       `json:"replaced,omitempty"` // what stood there before, oldest first
}

// ImportYears takes over the traffic of earlier periods (2022 or 2022-05), all or
// none. It refuses a period of which calls were counted here, or that is there
// already unless replace is set, and a month of a year that is there as a whole,
// or the reverse: they would count twice. The error names each such period, in order.
func (s *Store) ImportYears(ctx context.Context, periods map[string]traffic.Counters, source string, replace bool, now time.Time) error {
	before, err := s.client.HGetAll(ctx, s.keys.imported()).Result()
	if err != nil {
		return s.explain(err)
	}
	var wrong []error
	values := []any{}
	for _, period := range slices.Sorted(maps.Keys(periods)) {
		site := periods[period]
		reason, err := s.cannotImport(ctx, period, before, replace, now)
		if err != nil {
			return err
		}
		if reason != "" {
			wrong = append(wrong, fmt.Errorf("%s %s", period, reason))
			continue
		}
		entry := Imported{Version: 1, At: now.UTC(), Source: source, Site: site}
		if text, again := before[period]; again {
			var old Imported
			if err := json.Unmarshal([]byte(text), &old); err != nil {
				return fmt.Errorf("field %s of %s in Redis: %w", period, s.keys.imported(), err)
			}
			entry.Replaced = append(old.Replaced, Imported{Version: old.Version, At: old.At, Source: old.Source, Site: old.Site})
		}
		text, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("encode the figures of %s: %w", period, err)
		}
		values = append(values, period, text)
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	return s.explain(s.client.HSet(ctx, s.keys.imported(), values...).Err())
}

func (s *Store) cannotImport(ctx context.Context, period string, before map[string]string, replace bool, now time.Time) (string, error) {
	if period >= now.In(s.location).Format("2006-01")[:len(period)] {
		return "is not over; only periods before this program counted can be imported", nil
	}
	year, _, isMonth := strings.Cut(period, "-")
	if _, there := before[period]; there && !replace {
		return "has been imported already; add --replace to put the new figures in its place", nil
	}
	for _, other := range slices.Sorted(maps.Keys(before)) {
		if isMonth && other == year || !isMonth && strings.HasPrefix(other, year+"-") {
			return fmt.Sprintf("would count twice beside %s, which was imported before; keep one of the two", other), nil
		}
	}
	table, err := s.counted(ctx, s.keys.prefix+"traffic:"+period, period)
	if err != nil {
		return "", err
	}
	counted := table[traffic.Site]
	for _, counter := range slices.Sorted(maps.Keys(counted)) {
		if amount := counted[counter]; amount != 0 {
			return fmt.Sprintf("has been counted here (%s: %d); only periods before this program counted can be imported", counter, amount), nil
		}
	}
	return "", nil
}

// ImportedYears lists what was imported, by period.
func (s *Store) ImportedYears(ctx context.Context) (map[string]Imported, error) {
	all, err := s.client.HGetAll(ctx, s.keys.imported()).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	list := make(map[string]Imported, len(all))
	for period, text := range all {
		var entry Imported
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			return nil, fmt.Errorf("field %s of %s in Redis: %w", period, s.keys.imported(), err)
		}
		if entry.Site == nil {
			entry.Site = traffic.Counters{}
		}
		entry.Site[traffic.CountImported] = 1
		list[period] = entry
	}
	return list, nil
}

// addImported adds to the site's row of a period what was imported for it: for a year
// also what was imported for its months.
func (s *Store) addImported(ctx context.Context, period string, table traffic.Table) error {
	imported, err := s.ImportedYears(ctx)
	if err != nil {
		return err
	}
	for of, entry := range imported {
		if of == period || strings.HasPrefix(of, period+"-") {
			table.Add(traffic.Site, entry.Site)
		}
	}
	return nil
}
