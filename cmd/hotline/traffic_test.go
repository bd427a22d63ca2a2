package main

import (
	"strings"
	"testing"
)

func TestTrafficScenarioSaysWhatItNeeds(t *testing.T) {
	for want, line := range map[string]string{
		"hotline traffic scenario needs --out; write for example": "traffic scenario --day 2026-01-31",
		"/nowhere/hotline.yaml":                                   "traffic scenario --day 2026-01-31 --out x --config /nowhere/hotline.yaml",
	} {
		if _, err := run(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}
