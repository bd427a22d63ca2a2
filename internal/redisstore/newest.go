package redisstore

import (
	"context"
	"fmt"

	"hotline/internal/acd"
	"hotline/internal/calendar"
)

// PlacedRecord is a record with its place among those of its day.
type PlacedRecord struct {
	Place string // for Newest
	acd.CallRecord
}

// Newest are at most so many records of the calls offered on a day, that which was
// written last first; from before a place on, or from the end when it is empty.
func (s *Store) Newest(ctx context.Context, day calendar.Day, before string, most int) ([]PlacedRecord, error) {
	from := "+"
	if before != "" {
		from = "(" + before
	}
	messages, err := s.client.XRevRangeN(ctx, s.keys.records(day), from, "-", int64(most)).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	list := make([]PlacedRecord, len(messages))
	for i, message := range messages {
		list[i].Place = message.ID
		if list[i].CallRecord, err = decodeRecord(textOf(message)); err != nil {
			return nil, fmt.Errorf("entry %s of %s in Redis: %w", message.ID, s.keys.records(day), err)
		}
	}
	return list, nil
}
