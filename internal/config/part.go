package config

import (
	"time"

	"hotline/internal/acd"
)

// notRouting are the sections of the file that say nothing about who talks to whom.
var notRouting = map[string]bool{
	"site": true, "redis": true, "http": true, "log": true, "asterisk": true, "pin_file": true,
}

// ParseRouting reads the part of a configuration that says who talks to whom:
// entries, queues, seats, agents, reasons and time zone. The other sections may
// be there or not and are passed over, the secret files that they name as
// well. name stands in the messages.
func ParseRouting(name string, data []byte) (acd.Config, *time.Location, error) {
	problems := &collector{file: name}
	raw := &file{}
	if !parse(&decoder{collector: problems, skip: notRouting}, data, raw) {
		return acd.Config{}, nil, problems.err()
	}
	raw.Asterisk.SeatPasswordDir.v = "none" // a seat's phone matters to Asterisk only
	check, cfg := checker{collector: problems}, &Config{}
	cfg.Location = check.location(raw.Timezone)
	check.routing(raw, cfg)
	if err := problems.err(); err != nil {
		return acd.Config{}, nil, err
	}
	return cfg.ACD(), cfg.Location, nil
}
