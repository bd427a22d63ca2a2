package app

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"hotline/internal/traffic"
)

// Levels are what the figures of service levels go by, as it is given on a command
// line. What is left out is taken from elsewhere.
type Levels struct {
	ServiceLevels string // as in 15s,30s
	ShortAbandon  time.Duration
	Formula       string
}

// Define gives the definitions; base is what holds where nothing was given.
func (l Levels) Define(base traffic.Options) (*traffic.Definitions, error) {
	if l.ServiceLevels != "" {
		base.Thresholds = nil
		for text := range strings.SplitSeq(l.ServiceLevels, ",") {
			d, err := time.ParseDuration(strings.TrimSpace(text))
			if err != nil {
				return nil, fmt.Errorf("--service-levels: %q is not a duration; write thresholds as in --service-levels 15s,30s", text)
			}
			seconds, err := wholeSeconds("--service-levels", d)
			if err != nil {
				return nil, err
			}
			base.Thresholds = append(base.Thresholds, seconds)
		}
	}
	if l.ShortAbandon != 0 {
		var err error
		if base.ShortAbandon, err = wholeSeconds("--short-abandon", l.ShortAbandon); err != nil {
			return nil, err
		}
	}
	base.Published = cmp.Or(traffic.LevelFormula(l.Formula), base.Published)
	return traffic.Define(base)
}

func wholeSeconds(flag string, d time.Duration) (int, error) {
	if d%time.Second != 0 || d <= 0 {
		return 0, fmt.Errorf("%s: calls are not counted by %v; write whole seconds, as in %s 15s", flag, d, flag)
	}
	return int(d / time.Second), nil
}
