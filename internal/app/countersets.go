package app

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"hotline/internal/calendar"
	"hotline/internal/config"
	"hotline/internal/traffic"
)

// NotCompared says in a sentence which counters Verify leaves out, because the day was
// counted by an earlier version, which did not count them; empty when it leaves out none.
func NotCompared(ctx context.Context, cfg *config.Config, day calendar.Day) (string, error) {
	store, err := newStore(cfg, zap.NewNop(), nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	set, err := store.CounterSet(ctx, day)
	if err != nil {
		return "", err
	}
	return notCompared(day, set, traffic.Sets), nil
}

func notCompared(day calendar.Day, set int, sets traffic.CounterSets) string {
	if set >= sets.Latest() {
		return ""
	}
	return fmt.Sprintf("%s was counted by an earlier version (set of counters %d; this one has %d): what is counted since was not compared: %s",
		day, set, sets.Latest(), strings.Join(sets.Since(set), ", "))
}
