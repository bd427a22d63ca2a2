package callflow

import (
	"strings"
	"testing"
	"time"

	"hotline/internal/acd"
)

func TestNumbersAreSaidAsChineseSaysThem(t *testing.T) {
	for n, want := range map[int]string{
		1: "n-1", 2: "n-liang", 3: "n-3", 10: "n-10", 11: "n-10 n-1", 12: "n-10 n-2", 20: "n-2 n-10", 35: "n-3 n-10 n-5", 99: "n-9 n-10 n-9",
	} {
		if got := strings.Join(number(n), " "); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestStanding(t *testing.T) {
	for _, test := range []struct {
		info acd.FlowInfo
		want string
	}{
		{acd.FlowInfo{}, "queue-next queue-thanks"},
		{acd.FlowInfo{Ahead: 2, Known: true, Expected: 50 * time.Second}, "queue-ahead n-liang queue-callers queue-expected under-one-minute queue-thanks"},
		{acd.FlowInfo{Ahead: 12, Known: true, Expected: 61 * time.Second}, "queue-ahead n-10 n-2 queue-callers queue-expected n-liang minutes queue-thanks"},
		{acd.FlowInfo{Ahead: 1000, Known: true, Expected: 3 * time.Hour}, "queue-ahead more-than n-9 n-10 n-9 queue-callers queue-expected more-than n-6 n-10 minutes queue-thanks"},
	} {
		if got := strings.Join(standing(&test.info), " "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.info, got, test.want)
		}
	}
}

func TestEmergencyComesBeforeTheGreeting(t *testing.T) {
	info := &acd.FlowInfo{Entry: &acd.Entry{Greeting: []string{"greeting"}}, Emergency: []string{"flood"}}
	_, actions := Standard{}.Next("", acd.FlowStart, info)
	play, ok := actions[1].(acd.FlowPlay)
	if !ok || strings.Join(play.Prompts, " ") != "flood greeting" {
		t.Errorf("%+v", actions)
	}
	if info.Entry.Greeting = nil; len(actions) != 2 {
		t.Errorf("%+v", actions)
	}
}
