package callflow

import (
	"fmt"
	"strings"
	"testing"

	"hotline/internal/acd"
)

// press presses keys one after the other and returns the prompts that were
// played and what was booked.
func press(keys string, caller string) (heard string, booked []string) {
	state, _ := Standard{}.Next(queued, acd.FlowCallbackOffer, &acd.FlowInfo{Queue: &acd.Queue{}})
	var prompts []string
	for _, key := range keys {
		var actions []acd.FlowAction
		state, actions = Standard{}.Next(state, acd.FlowDigit, &acd.FlowInfo{Queue: &acd.Queue{}, Digit: string(key), Caller: caller})
		for _, action := range actions {
			switch a := action.(type) {
			case acd.FlowPlay:
				prompts = append(prompts, a.Prompts...)
			case acd.FlowCallback:
				booked = append(booked, fmt.Sprintf("%q", a.Number))
			}
		}
	}
	return strings.Join(prompts, " "), booked
}

func TestKeysBookACallback(t *testing.T) {
	for _, test := range []struct{ keys, caller, heard, booked string }{
		{"1", "13800000000", "", `""`},
		{"1", "", "callback-enter", ""},
		{"1", "8001", "callback-enter", ""},
		{"1", "+8613800000000", "", `""`},
		{"9*#0", "13800000000", "", ""},
		{"285123#1", "13800000000", "callback-enter callback-number n-8 n-5 n-1 n-2 n-3 callback-confirm", `"85123"`},
		{"285123#285124#1", "x", "callback-enter callback-number n-8 n-5 n-1 n-2 n-3 callback-confirm callback-enter " +
			"callback-number n-8 n-5 n-1 n-2 n-4 callback-confirm", `"85124"`},
		{"2123#", "x", "callback-enter callback-bad-number", ""},
		{"21234*56789#1", "x", "callback-enter callback-enter callback-number n-5 n-6 n-7 n-8 n-9 callback-confirm", `"56789"`},
		{"21234567890123456", "x", "callback-enter callback-bad-number", ""},
	} {
		heard, booked := press(test.keys, test.caller)
		if heard != test.heard || strings.Join(booked, " ") != test.booked {
			t.Errorf("%s: heard %q, booked %v; want %q, %s", test.keys, heard, booked, test.heard, test.booked)
		}
	}
}

func TestMusicDoesNotEndTheOffer(t *testing.T) {
	info := &acd.FlowInfo{Queue: &acd.Queue{}, Digit: "2"}
	state, _ := Standard{}.Next(offered, acd.FlowQueued, info)
	if state != offered {
		t.Errorf("state %q after the prompts", state)
	}
	state, _ = Standard{}.Next(state, acd.FlowDigit, info)
	if _, actions := (Standard{}).Next(state, acd.FlowAnnounce, info); len(actions) != 0 {
		t.Errorf("an announcement comes between the keys: %v", actions)
	}
}
