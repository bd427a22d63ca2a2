package redisstore

import (
	"context"
	_ "embed" // configuration.lua
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed configuration.lua
var configurationSource string

var configurationScript = redis.NewScript(configurationSource)

const (
	// mostConfigurations and mostConfigurationBytes bound what is kept: years of changes to
	// an ordinary file, some thirty of the largest there may be.
	mostConfigurations     = 200
	mostConfigurationBytes = 32 << 20
	// addTries is how often adding is tried while others add, too.
	addTries = 3
)

// AppliedConfiguration is what is known of a text that the site has gone by.
type AppliedConfiguration struct {
	Number  int       `json:"number"` // counts up
	Version string    `json:"version"`
	Applied time.Time `json:"applied"`
	By      string    `json:"by"`
	Note    string    `json:"note,omitempty"`
	Size    int       `json:"size"` // bytes
	// Shared names what of it all controllers are to have alike.
	Shared string `json:"shared"`
	// Added and Removed are lines that are here and not in the one before, and the reverse.
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// AddConfiguration adds a text to the history, unless it is that of the newest there. Number,
// Size, Added and Removed of what is given are filled in here. The answer is the newest, and
// whether it was added.
func (s *Store) AddConfiguration(ctx context.Context, c AppliedConfiguration, text string) (AppliedConfiguration, bool, error) {
	for range addTries {
		raw, newest, err := s.newestConfiguration(ctx)
		if err != nil {
			return newest, false, err
		}
		if raw != "" && newest.Version == c.Version {
			return newest, false, nil
		}
		before, _, err := s.ConfigurationText(ctx, newest.Version)
		if err != nil {
			return newest, false, err
		}
		c.Number, c.Size = newest.Number+1, len(text)
		c.Added, c.Removed = linesBetween(before, text)
		entry, err := json.Marshal(c)
		if err != nil {
			return newest, false, fmt.Errorf("encode what is known of the configuration: %w", err)
		}
		added, err := configurationScript.Run(ctx, s.client, []string{s.keys.configurations(), s.keys.configurationTexts()},
			raw, entry, c.Version, text, mostConfigurations, mostConfigurationBytes).Int()
		if err != nil || added == 1 {
			return c, added == 1, s.explain(err)
		}
	}
	return c, false, errors.New("others add to the history of the configuration at the same time; try again")
}

// NewestConfiguration is what was applied last; there is none when its version is empty.
func (s *Store) NewestConfiguration(ctx context.Context) (AppliedConfiguration, error) {
	_, newest, err := s.newestConfiguration(ctx)
	return newest, err
}

func (s *Store) newestConfiguration(ctx context.Context) (raw string, newest AppliedConfiguration, err error) {
	raw, err = s.client.LIndex(ctx, s.keys.configurations(), 0).Result()
	if errors.Is(err, redis.Nil) {
		return "", newest, nil
	}
	if err != nil {
		return "", newest, s.explain(err)
	}
	return raw, newest, s.decodeConfiguration(raw, &newest)
}

func (s *Store) decodeConfiguration(raw string, into *AppliedConfiguration) error {
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return fmt.Errorf("an item of %s in Redis: %w", s.keys.configurations(), err)
	}
	return nil
}

// Configurations are what was applied, the newest first.
func (s *Store) Configurations(ctx context.Context) ([]AppliedConfiguration, error) {
	items, err := s.client.LRange(ctx, s.keys.configurations(), 0, -1).Result()
	if err != nil {
		return nil, s.explain(err)
	}
	list := make([]AppliedConfiguration, len(items))
	for i, raw := range items {
		if err := s.decodeConfiguration(raw, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ConfigurationText is the text of a version, and whether it is kept.
func (s *Store) ConfigurationText(ctx context.Context, version string) (string, bool, error) {
	text, err := s.client.HGet(ctx, s.keys.configurationTexts(), version).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return text, err == nil, s.explain(err)
}

// linesBetween counts lines that one text has more often than the other.
func linesBetween(before, after string) (added, removed int) {
	lines := make(map[string]int)
	for line := range strings.Lines(after) {
		lines[strings.TrimRight(line, "\r\n")]++
	}
	for line := range strings.Lines(before) {
		lines[strings.TrimRight(line, "\r\n")]--
	}
	for _, n := range lines {
		added, removed = added+max(n, 0), removed+max(-n, 0)
	}
	return added, removed
}
