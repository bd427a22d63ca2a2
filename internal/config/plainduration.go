package config

import (
	"strings"
	"time"
)

// PlainDuration writes a duration without the zeros that String has: 1h or 30m, and not
// 1h0m0s.
func PlainDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
