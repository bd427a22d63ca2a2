package phonescript

import (
	"testing"
	"time"
)

// A caller who leaves when the agent hears him already, and he not yet the
// agent, is a crossing, whichever of the two is noticed first.
func TestCrossingWithAnAgentWhoHearsTheCaller(t *testing.T) {
	for name, c := range map[string]struct {
		steps   string // a: the agent hears the caller; c: the caller hears the agent; l: the caller leaves
		crossed int
	}{
		"heard, then left":          {"al", 1},
		"left, then heard":          {"la", 1},
		"left while nobody heard":   {"l", 0},
		"both heard, then hung up":  {"ac", 0},
		"caller first, then agent":  {"ca", 0},
		"only the caller has heard": {"c", 0},
	} {
		tl, err := newTally([]string{"8001"})
		if err != nil {
			t.Fatal(err)
		}
		tone := tl.arrive(life{})
		for _, step := range c.steps {
			switch step {
			case 'a':
				if _, known := tl.hearsCaller("8001", tone); !known {
					t.Errorf("%s: the caller is not known", name)
				}
			case 'c':
				tl.hearsAgent(tone, "8001", time.Second)
			case 'l':
				tl.missed(tone, abandoned, 0, "")
			}
		}
		if got := tl.summary().Crossed; got != c.crossed {
			t.Errorf("%s: %d crossed, want %d", name, got, c.crossed)
		}
	}
}
