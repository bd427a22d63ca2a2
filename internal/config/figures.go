package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/internal/traffic"
)

// traffic checks what traffic figures go by.
func (c *checker) traffic(raw trafficSection) traffic.Options {
	out := traffic.Options{
		ShortAbandon: c.counted(raw.ShortAbandon, "traffic.short_abandon", traffic.ShortAbandonBounds()),
		Published:    traffic.LevelFormula(c.oneOf(raw.Formula, "traffic.formula", names(traffic.Formulas())...)),
	}
	c.empty(raw.ServiceLevels.place, raw.ServiceLevels.blank, "traffic.service_levels", "a threshold, for example [15s, 30s]")
	thresholds := c.unique("the service level at")
	for _, t := range raw.ServiceLevels.items {
		seconds := c.counted(t, "traffic.service_levels", traffic.WaitBounds())
		if seconds > 0 && thresholds.add(t.place, span(seconds)) {
			out.Thresholds = append(out.Thresholds, seconds)
		}
	}
	return out
}

// counted is a duration that is among those by which calls are counted, in seconds, or 0.
func (c *checker) counted(d duration, key string, bounds []int) int {
	seconds := int(d.v / time.Second)
	if d.v != time.Duration(seconds)*time.Second || !slices.Contains(bounds, seconds) {
		spans := make([]string, len(bounds))
		for i, b := range bounds {
			spans[i] = span(b)
		}
		c.at(d.place, "%s: calls are not counted by %v; write one of %s", key, d.v, strings.Join(spans, ", "))
		return 0
	}
	return seconds
}

// span writes seconds as people do.
func span(seconds int) string {
	switch {
	case seconds >= 3600 && seconds%3600 == 0:
		return fmt.Sprintf("%dh", seconds/3600)
	case seconds >= 120 && seconds%60 == 0:
		return fmt.Sprintf("%dm", seconds/60)
	}
	return fmt.Sprintf("%ds", seconds)
}

func names[T ~string](list []T) (out []string) {
	for _, name := range list {
		out = append(out, string(name))
	}
	return out
}
