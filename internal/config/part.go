package config

import (
	"time"

	"hotline/internal/acd"
	"hotline/internal/traffic"
)

// notRouting are the sections of the file that say nothing about who talks to whom.
var notRouting = map[string]bool{
	"site": true, "redis": true, "spool": true, "http": true, "operations": true, "log": true, "tracing": true, "asterisk": true, "pin_file": true,
}

// Routing is the part of a configuration with which a simulation runs.
type Routing struct {
	ACD      acd.Config
	Location *time.Location
	Traffic  traffic.Options
}

// ParseRouting reads the part of a configuration that says who talks to whom:
// entries, queues, seats, agents, reasons and time zone. The other sections may
// be there or not and are passed over, the secret files that they name as
// well; but the section traffic is read too. name stands in the messages.
func ParseRouting(name string, data []byte) (Routing, error) {
	problems := &collector{file: name}
	raw := &file{}
	if !parse(&decoder{collector: problems, skip: notRouting}, data, raw) {
		return Routing{}, problems.err()
	}
	raw.Asterisk.SeatPasswordDir.v = "none" // a seat's phone matters to Asterisk only
	check, cfg := checker{collector: problems}, &Config{}
	cfg.Location = check.location(raw.Timezone)
	figures := check.traffic(raw.Traffic)
	check.routing(raw, cfg)
	if err := problems.err(); err != nil {
		return Routing{}, err
	}
	return Routing{cfg.ACD(), cfg.Location, figures}, nil
}
