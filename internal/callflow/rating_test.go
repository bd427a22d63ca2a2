package callflow

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
)

// plays tells what a caller who is asked for a rating does, a letter each (p: the
// prompts end, s: silence, or a key), and says what comes of it.
func plays(what string, rules acd.Rating) string {
	info := &acd.FlowInfo{Entry: &acd.Entry{}, Rating: &rules}
	var said []string
	say := func(actions []acd.FlowAction) {
		for _, action := range actions {
			switch a := action.(type) {
			case acd.FlowPlay:
				said = append(said, strings.Join(a.Prompts, "+"))
			case acd.FlowListen:
				said = append(said, a.For.String())
			case acd.FlowRated:
				said = append(said, fmt.Sprint(a.Grade))
			case acd.FlowEnd:
				said = append(said, "end")
			}
		}
	}
	state, actions := Standard{}.Next("number:123", acd.FlowRate, info)
	say(actions)
	for _, c := range what {
		event := acd.FlowDigit
		switch c {
		case 'p':
			event = acd.FlowPlayed
		case 's':
			event = acd.FlowSilence
		default:
			info.Digit = string(c)
		}
		state, actions = Standard{}.Next(state, event, info)
		say(actions)
	}
	return strings.Join(said, " ")
}

func TestRating(t *testing.T) {
	rules := acd.Rating{Prompts: []string{"rate", "keys"}, Thanks: []string{"thanks"}, Attempts: 2, Timeout: 5 * time.Second}
	for what, want := range map[string]string{
		"p1p":     "rate+keys 5s 1 thanks end",
		"5p":      "rate+keys 5 thanks end",                   // in the middle of the prompts
		"32p":     "rate+keys 3 thanks end",                   // the first key counts
		"ps2p":    "rate+keys 5s rate+keys 2 thanks end",      // after silence
		"0p4p":    "rate+keys rate+keys 5s 4 thanks end",      // after a wrong key
		"psps1p":  "rate+keys 5s rate+keys 5s thanks end",     // too late
		"6#1p":    "rate+keys rate+keys thanks end",           // wrong twice
		"p*ps":    "rate+keys 5s rate+keys 5s thanks",         // and the thanks are heard
		"pspss":   "rate+keys 5s rate+keys 5s thanks end",     // their end is not told
		"sss":     "rate+keys rate+keys thanks end",           // no end of prompts is told
		"p1s":     "rate+keys 5s 1 thanks end",                //
		"p9ps1sp": "rate+keys 5s rate+keys 5s thanks end end", // nothing after the end matters
	} {
		if got := plays(what, rules); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	rules.Thanks, rules.Attempts = nil, 1
	for what, want := range map[string]string{"p3": "rate+keys 5s 3 end", "ps": "rate+keys 5s end", "8": "rate+keys end"} {
		if got := plays(what, rules); got != want {
			t.Errorf("without thanks, %s: %s, want %s", what, got, want)
		}
	}
}
